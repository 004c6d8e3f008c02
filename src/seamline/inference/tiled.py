"""Scores for photos of any size, in tiles, so that memory does not grow with the photo.

Tiles overlap. Where they do, their scores are blended: towards a tile's edge, where it cannot see what comes next, its
share falls to zero, and the shares of all tiles at a pixel add up to one. Nothing here depends on the order of tiles,
or knows what gives the scores.
"""

from collections.abc import Callable, Iterator
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.float32]

Ask = Callable[[NDArray[np.uint8]], Scores]
"""Images (B, h, w, C) uint8 -> the scores of their pixels (B, K, h, w), the higher the likelier."""

TILE = 512
"""Pixels on a side of a tile; with `OVERLAP` a multiple of every network's strides, also at each of the sizes at which
it looks at a tile, so that tiles lie on its grid."""

OVERLAP = 128
"""Pixels that neighbouring tiles share."""

_AT_ONCE = 1 << 19  # scores that are enlarged at once: 2 MiB, so that they stay near the processor


def predict_mask(
    ask: Ask,
    image: NDArray[np.uint8],
    *,
    shape: tuple[int, int] | None = None,
    tile: int = TILE,
    overlap: int = OVERLAP,
    progress: Callable[[int, int], None] | None = None,
) -> NDArray[np.uint8]:
    """Return the class with the highest score at each pixel.

    Args:
        ask: gives the scores, K at most 255 classes.
        image: (H, W, C) uint8, 0..255.
        shape: height and width of the mask; by default the image's. Where it differs, the scores are enlarged
            bilinearly before the highest is taken, so that borders between classes stay smooth.
        tile: pixels on a side of a tile; a smaller image is asked about in one go.
        overlap: pixels that neighbouring tiles share, 0 to half a tile.
        progress: called after each tile with the tiles done and the tiles in all.

    Returns:
        `shape` uint8, values 0..K-1; the lowest class where scores are equal.

    Raises:
        ValueError: the overlap is not between 0 and half a tile.
    """
    height, width = shape or image.shape[:2]
    mask = np.empty((height, width), np.uint8)
    bands = score_bands(ask, image, tile=tile, overlap=overlap, progress=progress)
    row = 0
    for scores in bands if (height, width) == image.shape[:2] else _enlarged(bands, image.shape[0], (height, width)):
        mask[row : row + scores.shape[1]] = _highest(scores)
        row += scores.shape[1]
    return mask


def score_bands(
    ask: Ask,
    image: NDArray[np.uint8],
    *,
    tile: int = TILE,
    overlap: int = OVERLAP,
    progress: Callable[[int, int], None] | None = None,
) -> Iterator[Scores]:
    """Yield an image's scores as bands of whole rows, from the top down.

    A network that sees no further than a quarter of the overlap, and whose strides divide `tile - overlap`, gives the
    same scores in tiles as in one go, but for rounding.

    Args:
        ask: gives the scores.
        image: (H, W, C) uint8, 0..255.
        tile: pixels on a side of a tile; a smaller image is asked about in one go.
        overlap: pixels that neighbouring tiles share, 0 to half a tile.
        progress: called after each tile with the tiles done and the tiles in all.

    Yields:
        (K, rows, W) float32; the rows of all bands add up to H.

    Raises:
        ValueError: the overlap is not between 0 and half a tile.
    """
    if not 0 <= overlap <= tile // 2 or tile < 1:
        raise ValueError(f"an overlap must be 0 to half a tile, got {overlap} for a tile of {tile}")
    height, width = image.shape[:2]
    tops, lefts = _spans(height, tile, overlap), _spans(width, tile, overlap)
    down, across = _shares(tops, overlap), _shares(lefts, overlap)
    begun: Scores | None = None  # rows that the bands so far and the next one share
    done = 0
    for number, (top, bottom) in enumerate(tops):
        band = np.empty((0, 0, 0), np.float32)
        for (left, right), share in zip(lefts, across, strict=True):
            scores = ask(np.ascontiguousarray(image[np.newaxis, top:bottom, left:right]))[0]
            if left == 0:
                band = np.zeros((len(scores), bottom - top, width), np.float32)
            band[:, :, left:right] += scores * (down[number][:, np.newaxis] * share)
            done += 1
            if progress is not None:
                progress(done, len(tops) * len(lefts))
        if begun is not None:
            band[:, : begun.shape[1]] += begun
        rows = (tops[number + 1][0] if number + 1 < len(tops) else height) - top
        begun = band[:, rows:].copy()
        yield band[:, :rows]


def _spans(length: int, tile: int, overlap: int) -> list[tuple[int, int]]:
    """Return where tiles begin and end along a side; the last one ends at the side's end and may be shorter."""
    step = tile - overlap
    count = max(1, -(-(length - overlap) // step))
    return [(i * step, min(i * step + tile, length)) for i in range(count)]


def _shares(spans: list[tuple[int, int]], overlap: int) -> list[Scores]:
    """Return each tile's share in the scores along a side; those of all tiles at a pixel add up to one.

    Of an overlap, the quarter at a tile's edge counts nothing and the middle half leads over in a straight line.
    """
    edge = min(-(-overlap // 4), overlap // 2)
    ramp = ((np.arange(overlap, dtype=np.float32) - edge + 0.5) / max(0.5, overlap - 2 * edge)).clip(0, 1)
    shares = [np.ones(end - start, np.float32) for start, end in spans]
    for before, after in pairwise(shares):
        before[len(before) - overlap :] = 1 - ramp
        after[:overlap] *= ramp
    return shares


def _enlarged(bands: Iterator[Scores], rows: int, shape: tuple[int, int]) -> Iterator[Scores]:
    """Enlarge bands of scores (K, ., w), `rows` in all, to (K, ., W), H in all, bilinearly, a few rows at a time.

    Pixels are squares whose outer edges coincide: row y of the H shows what lies at (y + 1/2) rows / H - 1/2.
    """
    height, width = shape
    places = ((np.arange(height) + 0.5) * rows / height - 0.5).clip(0, rows - 1)
    above = places.astype(np.int64)
    below = np.minimum(above + 1, rows - 1)
    weights = (places - above).astype(np.float32)[:, np.newaxis]
    known = np.empty((0, 0, 0), np.float32)
    first = end = done = 0  # `known` holds the rows first..end-1; of the enlarged ones `done` are yielded
    for band in bands:
        known = np.concatenate([known, band], 1) if end else band
        end += band.shape[1]
        ready = int(np.searchsorted(below, end))  # rows whose lower neighbour is known
        several = max(1, _AT_ONCE // (len(band) * width))
        for start in range(done, ready, several):
            part = slice(start, min(start + several, ready))
            upper, lower = (known[:, side[part] - first] for side in (above, below))
            mixed = upper + (lower - upper) * weights[part]
            size = (width, mixed.shape[1])
            yield np.stack([cv2.resize(plane, size, interpolation=cv2.INTER_LINEAR) for plane in mixed])
        done = ready
        kept = min(int(above[done]) if done < height else end, end - 1) - first
        known, first = known[:, kept:].copy(), first + kept


def _highest(scores: Scores) -> NDArray[np.uint8]:
    """(K, h, w) float32 -> (h, w) uint8, the first class of those with the highest score.

    Class by class, because `argmax` over the first dimension takes several times as long.
    """
    best = scores[0].copy()
    classes = np.zeros(best.shape, np.uint8)
    for number in range(1, len(scores)):
        np.copyto(classes, number, where=scores[number] > best, casting="unsafe")
        np.maximum(best, scores[number], out=best)
    return classes
