"""Repeated images: identical ones, and those that differ by encoding, a little light or a shift of a pixel."""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

MIN_CORRELATION = 0.985
"""Correlation of fine detail from which an image repeats another.

Detail is the difference from a blur of 1.5 pixels, at thumbnail size. Of the nearest pairs among the 70,000 images of
Fashion-MNIST, 366 correlate above 0.96, 176 above 0.97 and 81 above 0.98, half as many with each step, as similar
images do; from there the number falls slowly, to 48 above 0.99 and 21 above 0.998: one photo each, encoded again or a
shade brighter. After JPEG of quality 90, 10 % more light, noise of 3 gray levels, or doubling and halving the size, 99
in 100 garments correlate above 0.987 with the original."""

MAX_LOCAL_DIFF = 20.0
"""Largest local difference of a repeated image in gray levels, after a fit of brightness. Another print on the same
shirt differs by 30 and more; encoding and resizing differ by less than 21 for 99 in 100 garments."""

THUMBNAIL_SIDE = 32
"""Side of thumbnails in pixels."""
_DETAIL_SIDE = 96  # side at which larger images are compared again
_BLUR = 1.5
_COMPONENTS = 96  # principal components that are compared first where there are many images
_MIN_SHORT_CORRELATION = 0.94  # of the components; lower than `MIN_CORRELATION`, so that no repeat is missed
_BLOCK = 2048
_MAX_CACHED = 16_384  # thumbnails: 64 MB


def first_occurrences(images: Iterable[NDArray[np.uint8]]) -> NDArray[np.int64]:
    """Return (N,) int64: for each image (H, W, C) uint8, the index of the first identical one, or its own."""
    seen: dict[tuple[tuple[int, ...], bytes], int] = {}
    firsts = [
        seen.setdefault((image.shape, hashlib.sha256(np.ascontiguousarray(image).data).digest()), i)
        for i, image in enumerate(images)
    ]
    return np.array(firsts, dtype=np.int64)


def find_near_duplicate_pairs(
    images: Sequence[NDArray[np.uint8]],
    progress: Callable[[int, int], None] | None = None,
    min_correlation: float = MIN_CORRELATION,
    max_local_diff: float = MAX_LOCAL_DIFF,
) -> list[tuple[int, int]]:
    """Find pairs of images (H, W, C) uint8 that differ by encoding, a little light or a small shift: i < j, sorted.

    Thumbnails are compared twice: as they are, and with their center of brightness moved to the middle, which undoes
    a shift. `progress` is called with the steps done and the total. Their details correlate by at least
    `min_correlation`, which is above 0.95, and differ locally by at most `max_local_diff` gray levels.
    """
    pairs: set[tuple[int, int]] = set()
    for turn, centered in enumerate((False, True)):
        thumbs = _Thumbnails(images, centered=centered)

        def report(done: int, start: int = turn * len(images)) -> None:
            if progress is not None:
                progress(start + done, 2 * len(images))

        similar = _correlated_pairs(thumbs, report, min_correlation)
        pairs.update((i, j) for i, j in similar if _max_local_diff(thumbs.thumb(i), thumbs.thumb(j)) <= max_local_diff)
    return sorted((i, j) for i, j in pairs if _is_same_in_detail(images[i], images[j], min_correlation))


class _Thumbnails:
    """Thumbnails of images (H, W, C) uint8 and their detail, computed on demand; the last ones are cached.

    If `centered`, their center of brightness is moved to the middle.
    """

    def __init__(self, images: Sequence[NDArray[np.uint8]], *, centered: bool) -> None:
        self.images = images
        self.centered = centered
        self.thumb = lru_cache(_MAX_CACHED)(self._thumb)

    def __len__(self) -> int:
        return len(self.images)

    def _thumb(self, index: int) -> NDArray[np.float32]:
        thumb = thumbnail(self.images[index])
        return _center(thumb) if self.centered else thumb

    def details(self, indices: Sequence[int]) -> NDArray[np.float32]:
        """Return the detail of the images at `indices`, (n, pixels) float32."""
        return _details([self.thumb(index) for index in indices])


def thumbnail(image: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the brightness of an image (H, W, C) uint8 as a square (`THUMBNAIL_SIDE`, `THUMBNAIL_SIDE`) float32.

    Smaller images are centered on black, not resized.
    """
    gray = _gray(image)
    if max(gray.shape) > THUMBNAIL_SIDE:
        small: NDArray[Any] = cv2.resize(gray, (THUMBNAIL_SIDE, THUMBNAIL_SIDE), interpolation=cv2.INTER_AREA)
        return small
    top, left = (THUMBNAIL_SIDE - gray.shape[0]) // 2, (THUMBNAIL_SIDE - gray.shape[1]) // 2
    framed = np.zeros((THUMBNAIL_SIDE, THUMBNAIL_SIDE), np.float32)
    framed[top : top + gray.shape[0], left : left + gray.shape[1]] = gray
    return framed


def _gray(image: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the brightness (H, W) float32 of an image (H, W, C) uint8."""
    gray = image[:, :, 0] if image.shape[2] == 1 else cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    return gray.astype(np.float32)


def _center(thumb: NDArray[np.float32]) -> NDArray[np.float32]:
    """Move a thumbnail by whole pixels so that its center of brightness is in the middle."""
    offsets = np.arange(THUMBNAIL_SIDE, dtype=np.float32) - (THUMBNAIL_SIDE - 1) / 2
    mass = max(float(thumb.sum()), 1.0)
    down, right = (round(-float(thumb.sum(1 - axis) @ offsets) / mass) for axis in (0, 1))
    return np.roll(thumb, (down, right), (0, 1))


def _details(thumbs: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    """Return the difference of thumbnails from their blur, (N, pixels) float32 of unit length; zeros without detail."""
    details = np.empty((len(thumbs), thumbs[0].size if len(thumbs) else 0), np.float32)
    for k, thumb in enumerate(thumbs):
        details[k] = (thumb - cv2.GaussianBlur(thumb, (0, 0), _BLUR)).ravel()
    details -= details.mean(1, keepdims=True) if len(details) else 0
    lengths = np.linalg.norm(details, axis=1, keepdims=True)
    return np.where(lengths > 10, details / np.maximum(lengths, 1), 0).astype(np.float32)


def _correlated_pairs(
    thumbs: _Thumbnails, report: Callable[[int], None], min_correlation: float
) -> list[tuple[int, int]]:
    """Return the pairs whose details correlate by at least `min_correlation`."""
    short = _project(thumbs)
    pairs: list[tuple[int, int]] = []
    for start in range(0, len(short), _BLOCK):
        for other in range(start, len(short), 4 * _BLOCK):
            correlation = short[start : start + _BLOCK] @ short[other : other + 4 * _BLOCK].T
            for row in np.flatnonzero(correlation.max(1) > _MIN_SHORT_CORRELATION).tolist():
                i = start + row
                columns = other + np.flatnonzero(correlation[row] > _MIN_SHORT_CORRELATION)
                columns = columns[columns > i]
                if len(columns):
                    exact = thumbs.details(columns.tolist()) @ thumbs.details([i])[0]
                    pairs += [(i, j) for j in columns[exact >= min_correlation].tolist()]
        report(min(start + _BLOCK, len(short)))
    return pairs


def _max_local_diff(first: NDArray[np.float32], second: NDArray[np.float32]) -> float:
    """Return the largest local difference of two thumbnails in gray levels, after a fit of brightness."""
    x, y = first - first.mean(), second - second.mean()
    rest = y - x * (float((x * y).sum()) / max(float((x * x).sum()), 1.0))
    return float(np.sqrt(cv2.GaussianBlur(rest * rest, (0, 0), _BLUR).max()))


def _project(thumbs: _Thumbnails) -> NDArray[np.float32]:
    """Project the details of many images onto their principal components; those of few images are unchanged."""
    count = len(thumbs)
    if count < 20 * _COMPONENTS:
        return thumbs.details(range(count))
    sample = thumbs.details(range(0, count, max(1, count // 10_000))).astype(np.float64)
    _, axes = np.linalg.eigh(sample.T @ sample)
    components = axes[:, ::-1][:, :_COMPONENTS].astype(np.float32)
    blocks = (range(start, min(start + _BLOCK, count)) for start in range(0, count, _BLOCK))
    short = np.concatenate([thumbs.details(block) @ components for block in blocks])
    lengths = np.linalg.norm(short, axis=1, keepdims=True)
    return np.where(lengths > 0, short / np.maximum(lengths, 1e-9), 0).astype(np.float32)


def _is_same_in_detail(first: NDArray[np.uint8], second: NDArray[np.uint8], min_correlation: float) -> bool:
    """Return whether images with equal thumbnails have equal proportions and, if large, equal finer detail."""
    ratios = first.shape[0] / first.shape[1], second.shape[0] / second.shape[1]
    if not 0.9 < ratios[0] / ratios[1] < 1.1:
        return False
    if min(*first.shape[:2], *second.shape[:2]) <= 2 * THUMBNAIL_SIDE:
        return True
    size = (_DETAIL_SIDE, _DETAIL_SIDE)
    both: NDArray[Any] = np.stack(
        [cv2.resize(_gray(image), size, interpolation=cv2.INTER_AREA) for image in (first, second)]
    )
    details = _details(list(both))
    return float(details[0] @ details[1]) >= min_correlation - 0.05  # encoding changes more at this size
