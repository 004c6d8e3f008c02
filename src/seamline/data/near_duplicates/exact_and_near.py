"""Which images repeat another one: to the bit, or but for encoding, a little light or a shift by a pixel."""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

NEAR = 0.985
"""Correlation of fine detail from which an image repeats another.

Detail is what a blur of 1.5 pixels takes away, at thumbnail size. Of the nearest pairs among the 70,000 garments 366
correlate above 0.96, 176 above 0.97 and 81 above 0.98, half as many with each step, as images do that are merely alike;
from there on the number falls slowly, to 48 above 0.99 and 21 above 0.998: one photo each, recoded or a shade brighter.
Recoding as JPEG of quality 90, a tenth more light, noise of 3 grey levels or doubling and halving the size keeps 99 in
100 garments above 0.987."""

STEADY = 20.0
"""Grey levels by which a repeat may differ at its worst place, once light is allowed for: another print on the same
shirt differs by 30 and more, what recoding and resizing do to garments stays below 21 in 99 of 100."""

_THUMB = 32
_CLOSER = 96  # side at which larger images are compared once more
_BLUR = 1.5
_NUMBERS = 96  # kept of each thumbnail while many are compared
_FIRST_LOOK = 0.94  # in those numbers; the loss of the others must not drop a repeat
_BLOCK = 2048
_HELD = 16_384  # thumbnails that are kept: 64 MB


def first_of_each(images: Iterable[NDArray[np.uint8]]) -> NDArray[np.int64]:
    """Return for each image the index of the first one that is equal to it, itself included: (N,) int64."""
    seen: dict[tuple[tuple[int, ...], bytes], int] = {}
    firsts = [
        seen.setdefault((image.shape, hashlib.sha256(np.ascontiguousarray(image).data).digest()), i)
        for i, image in enumerate(images)
    ]
    return np.array(firsts, dtype=np.int64)


def near_pairs(
    images: Sequence[NDArray[np.uint8]], progress: Callable[[int, int], None] | None = None
) -> list[tuple[int, int]]:
    """Find images that repeat another one but for what a second encoding, a little light or a small shift changes.

    Thumbnails are compared twice: as they are, and each moved so that its bright parts lie in the middle, which undoes
    a shift.

    Args:
        images: each (H, W, C) uint8.
        progress: called with what is done and what there is to do.

    Returns:
        Pairs i < j in ascending order.
    """
    found: set[tuple[int, int]] = set()
    total = 2 * len(images)
    for turn, moved in enumerate((False, True)):
        shown = _Shown(images, moved)

        def told(done: int, turn: int = turn) -> None:
            if progress is not None:
                progress(turn * len(images) + done, total)

        alike = _alike(shown, told)
        found.update((i, j) for i, j in alike if _worst(shown.thumb(i), shown.thumb(j)) <= STEADY)
    return sorted(pair for pair in found if _closer(images[pair[0]], images[pair[1]]))


class _Shown:
    """Images as thumbnails and their detail; those asked for last are kept, so that memory does not grow with the set.

    Args:
        images: each (H, W, C) uint8.
        moved: so that their bright parts lie in the middle.
    """

    def __init__(self, images: Sequence[NDArray[np.uint8]], moved: bool) -> None:
        self.images = images
        self.moved = moved
        self.thumb = lru_cache(_HELD)(self._thumb)

    def __len__(self) -> int:
        return len(self.images)

    def _thumb(self, place: int) -> NDArray[np.float32]:
        thumb = _thumb(self.images[place])
        return _centred(thumb) if self.moved else thumb

    def details(self, places: Sequence[int]) -> NDArray[np.float32]:
        """Return what a blur takes away from the images at `places`: (n, pixels) float32."""
        return _details([self.thumb(place) for place in places])


def _thumb(image: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return (_THUMB, _THUMB) float32, grey; an image that is smaller stays as it is, in the middle of black."""
    grey = _grey(image)
    if max(grey.shape) > _THUMB:
        small: NDArray[Any] = cv2.resize(grey, (_THUMB, _THUMB), interpolation=cv2.INTER_AREA)
        return small
    top, left = (_THUMB - grey.shape[0]) // 2, (_THUMB - grey.shape[1]) // 2
    framed = np.zeros((_THUMB, _THUMB), np.float32)
    framed[top : top + grey.shape[0], left : left + grey.shape[1]] = grey
    return framed


def _grey(image: NDArray[np.uint8]) -> NDArray[np.float32]:
    grey = image[:, :, 0] if image.shape[2] == 1 else cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    return grey.astype(np.float32)


def _centred(thumb: NDArray[np.float32]) -> NDArray[np.float32]:
    """Move a thumbnail by whole pixels so that the centre of its brightness lies in the middle."""
    places = np.arange(_THUMB, dtype=np.float32) - (_THUMB - 1) / 2
    mass = max(float(thumb.sum()), 1.0)
    down, right = (round(-float(thumb.sum(1 - axis) @ places) / mass) for axis in (0, 1))
    return np.roll(thumb, (down, right), (0, 1))


def _details(thumbs: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    """Return (N, pixels) float32 of unit length: what a blur takes away; zeros where an image has no detail."""
    details = np.empty((len(thumbs), thumbs[0].size if len(thumbs) else 0), np.float32)
    for k, thumb in enumerate(thumbs):
        details[k] = (thumb - cv2.GaussianBlur(thumb, (0, 0), _BLUR)).ravel()
    details -= details.mean(1, keepdims=True) if len(details) else 0
    lengths = np.linalg.norm(details, axis=1, keepdims=True)
    return np.where(lengths > 10, details / np.maximum(lengths, 1), 0).astype(np.float32)


def _alike(shown: _Shown, told: Callable[[int], None]) -> list[tuple[int, int]]:
    """Return the pairs whose details correlate by at least `NEAR`."""
    short = _shortened(shown)
    found: list[tuple[int, int]] = []
    for start in range(0, len(short), _BLOCK):
        for other in range(start, len(short), 4 * _BLOCK):
            alike = short[start : start + _BLOCK] @ short[other : other + 4 * _BLOCK].T
            for row in np.flatnonzero(alike.max(1) > _FIRST_LOOK).tolist():
                i = start + row
                columns = other + np.flatnonzero(alike[row] > _FIRST_LOOK)
                columns = columns[columns > i]
                if len(columns):
                    near = columns[shown.details(columns.tolist()) @ shown.details([i])[0] >= NEAR]
                    found += [(i, j) for j in near.tolist()]
        told(min(start + _BLOCK, len(short)))
    return found


def _worst(first: NDArray[np.float32], second: NDArray[np.float32]) -> float:
    """Return by how many grey levels two thumbnails differ where they differ most, after one is fitted to the other."""
    x, y = first - first.mean(), second - second.mean()
    rest = y - x * (float((x * y).sum()) / max(float((x * x).sum()), 1.0))
    return float(np.sqrt(cv2.GaussianBlur(rest * rest, (0, 0), _BLUR).max()))


def _shortened(shown: _Shown) -> NDArray[np.float32]:
    """Project many images' details onto the directions in which they differ most; those of few stay as they are."""
    count = len(shown)
    if count < 20 * _NUMBERS:
        return shown.details(range(count))
    sample = shown.details(range(0, count, max(1, count // 10_000))).astype(np.float64)
    _, axes = np.linalg.eigh(sample.T @ sample)
    chosen = axes[:, ::-1][:, :_NUMBERS].astype(np.float32)
    blocks = (range(start, min(start + _BLOCK, count)) for start in range(0, count, _BLOCK))
    short = np.concatenate([shown.details(block) @ chosen for block in blocks])
    lengths = np.linalg.norm(short, axis=1, keepdims=True)
    return np.where(lengths > 0, short / np.maximum(lengths, 1e-9), 0).astype(np.float32)


def _closer(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> bool:
    """Whether two images with thumbnails alike are alike in their proportions and, if large, in finer detail too."""
    sides = first.shape[0] / first.shape[1], second.shape[0] / second.shape[1]
    if not 0.9 < sides[0] / sides[1] < 1.1:
        return False
    if min(*first.shape[:2], *second.shape[:2]) <= 2 * _THUMB:
        return True
    size = (_CLOSER, _CLOSER)
    both: NDArray[Any] = np.stack(
        [cv2.resize(_grey(image), size, interpolation=cv2.INTER_AREA) for image in (first, second)]
    )
    details = _details(list(both))
    return float(details[0] @ details[1]) >= NEAR - 0.05  # recoding costs more there
