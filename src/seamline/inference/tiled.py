"""Segmentation of images of any size in overlapping tiles, so that memory does not grow with the image.

Where tiles overlap, their logits are blended. The weight of a tile falls to zero toward its edge, where it lacks
context, and the weights of all tiles sum to one at every pixel. The result does not depend on the order of tiles.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from seamline.inference.fractions import expected_errors

PredictFn = Callable[[NDArray[np.uint8]], NDArray[np.float32]]
"""Images (B, H, W, C) uint8 -> logits (B, K) or (B, K, H, W) float32."""

TILE = 512
"""Side of a tile in pixels. `TILE - OVERLAP` is a multiple of every model's stride, also after scaling by any scale of
its test-time augmentation, so that all tiles lie on the model's grid."""

OVERLAP = 128
"""Pixels that neighboring tiles share."""

_CHUNK = 1 << 19  # logits that are worked on at once: 2 MiB, which the processor's cache holds


@dataclass(frozen=True, eq=False)
class MaskPrediction:
    """The classes of an image's pixels, and how certain they are."""

    mask: NDArray[np.uint8]  # (H, W) uint8, the class of each pixel
    confidence: NDArray[np.uint8]  # (H, W) uint8, its calibrated probability, 0..255 for 0..1
    expected_errors: NDArray[np.float64]  # (K,) float64, pixels of which each class is expected to be wrong
    maps: NDArray[np.float32] | None = None  # (K, H, W) float32, calibrated probabilities


def predict_mask(
    strips: Iterable[NDArray[np.float32]], shape: tuple[int, int], temperature: float, *, with_maps: bool = False
) -> MaskPrediction:
    """Return the class with the highest logit at each pixel, the lowest of those with equal logits.

    Args:
        strips: (K, rows, W) float32 each, from the top down, of at most 255 classes.
        shape: height and width of the mask.
        temperature: what logits are divided by for probabilities.
        with_maps: whether to return all probabilities.
    """
    mask, confidence = np.empty(shape, np.uint8), np.empty(shape, np.uint8)
    errors, maps, row = np.zeros(1), [], 0
    for logits in _row_chunks(strips):
        classes, best = _argmax(logits)
        rows = slice(row, row := row + len(classes))
        probabilities = np.exp((logits - best) / np.float32(temperature))
        highest = 1 / probabilities.sum(0)
        probabilities *= highest
        mask[rows], confidence[rows] = classes, np.rint(255 * np.nan_to_num(highest))
        errors = errors + expected_errors(probabilities.reshape(len(logits), -1), classes.ravel())
        maps += [probabilities] if with_maps else []
    return MaskPrediction(mask, confidence, errors, np.concatenate(maps, 1) if with_maps else None)


def _row_chunks(strips: Iterable[NDArray[np.float32]]) -> Iterator[NDArray[np.float32]]:
    """Split strips (K, rows, W) into ones of few rows."""
    for strip in strips:
        step = max(1, _CHUNK // max(1, strip[:, 0].size))
        for start in range(0, strip.shape[1], step):
            yield strip[:, start : start + step]


def predict_strips(
    forward: PredictFn,
    image: NDArray[np.uint8],
    *,
    shape: tuple[int, int] | None = None,
    tile: int = TILE,
    overlap: int = OVERLAP,
    progress: Callable[[int, int], None] | None = None,
) -> Iterator[NDArray[np.float32]]:
    """Yield the logits of an image in horizontal strips, from the top down.

    A model whose receptive field reaches no further than a quarter of the overlap, and whose stride divides
    `tile - overlap`, gives the same logits in tiles as for the whole image, up to rounding.

    Args:
        forward: the model.
        image: (H, W, C) uint8.
        shape: height and width of the logits, by default the image's. To other shapes logits are resized bilinearly.
        tile: side of a tile in pixels; a smaller image is one tile.
        overlap: pixels that neighboring tiles share, from 0 to half a tile.
        progress: called after each tile with the number of tiles done and their total.

    Yields:
        (K, rows, W) float32; the rows of all strips sum to H.

    Raises:
        ValueError: the overlap is not between 0 and half a tile.
    """
    if not 0 <= overlap <= tile // 2 or tile < 1:
        raise ValueError(f"an overlap must be 0 to half a tile, got {overlap} for a tile of {tile}")
    strips = _blend_tiles(forward, image, tile, overlap, progress or (lambda done, total: None))
    if shape in (None, image.shape[:2]):
        yield from strips
    else:
        yield from _upsample(strips, image.shape[0], shape)


def _blend_tiles(
    forward: PredictFn, image: NDArray[np.uint8], tile: int, overlap: int, progress: Callable[[int, int], None]
) -> Iterator[NDArray[np.float32]]:
    """Yield the logits of an image (H, W, C), as strips (K, rows, W) that end where the next row of tiles begins."""
    height, width = image.shape[:2]
    rows, columns = _tile_bounds(height, tile, overlap), _tile_bounds(width, tile, overlap)
    row_weights, column_weights = _blend_weights(rows, overlap), _blend_weights(columns, overlap)
    carry: NDArray[np.float32] | None = None  # rows that the strips so far share with the next one
    for index, (top, bottom) in enumerate(rows):
        strip = np.empty((0, 0, 0), np.float32)
        for number, ((left, right), weights) in enumerate(zip(columns, column_weights, strict=True), 1):
            logits = forward(np.ascontiguousarray(image[np.newaxis, top:bottom, left:right]))[0]
            if left == 0:
                strip = np.zeros((len(logits), bottom - top, width), np.float32)
            strip[:, :, left:right] += logits * (row_weights[index][:, np.newaxis] * weights)
            progress(index * len(columns) + number, len(rows) * len(columns))
        if carry is not None:
            strip[:, : carry.shape[1]] += carry
        complete = (rows[index + 1][0] if index + 1 < len(rows) else height) - top
        carry = strip[:, complete:].copy()
        yield strip[:, :complete]


def _tile_bounds(length: int, tile: int, overlap: int) -> list[tuple[int, int]]:
    """Return start and end of each tile along a side; the last tile ends at the side's end and may be shorter."""
    step = tile - overlap
    count = max(1, -(-(length - overlap) // step))
    return [(i * step, min(i * step + tile, length)) for i in range(count)]


def _blend_weights(bounds: list[tuple[int, int]], overlap: int) -> list[NDArray[np.float32]]:
    """Return the weights of each tile along a side; those of all tiles at a pixel sum to one.

    Within an overlap, the quarter at a tile's edge has weight 0, and the half in the middle is a linear ramp.
    """
    edge = min(-(-overlap // 4), overlap // 2)
    ramp = ((np.arange(overlap, dtype=np.float32) - edge + 0.5) / max(0.5, overlap - 2 * edge)).clip(0, 1)
    weights = [np.ones(end - start, np.float32) for start, end in bounds]
    for before, after in pairwise(weights):
        before[len(before) - overlap :] = 1 - ramp
        after[:overlap] *= ramp
    return weights


def _upsample(
    strips: Iterator[NDArray[np.float32]], rows: int, shape: tuple[int, int]
) -> Iterator[NDArray[np.float32]]:
    """Resize strips (K, ., w) with `rows` rows in all to (K, ., W) with H rows in all, a few rows at a time.

    Bilinear, without aligned corners: row y of the H is sampled at (y + 1/2) rows / H - 1/2.
    """
    height, width = shape
    positions = ((np.arange(height) + 0.5) * rows / height - 0.5).clip(0, rows - 1)
    above = positions.astype(np.int64)
    below = np.minimum(above + 1, rows - 1)
    weights = (positions - above).astype(np.float32)[:, np.newaxis]
    buffer = np.empty((0, 0, 0), np.float32)
    first = end = done = 0  # `buffer` holds the rows first..end-1; `done` rows of the H are yielded
    for strip in strips:
        buffer = np.concatenate([buffer, strip], 1) if end else strip
        end += strip.shape[1]
        ready = int(np.searchsorted(below, end))  # rows whose lower neighbor is in the buffer
        step = max(1, _CHUNK // (len(strip) * width))
        for start in range(done, ready, step):
            chunk = slice(start, min(start + step, ready))
            upper, lower = (buffer[:, side[chunk] - first] for side in (above, below))
            mixed = upper + (lower - upper) * weights[chunk]
            size = (width, mixed.shape[1])
            yield np.stack([cv2.resize(plane, size, interpolation=cv2.INTER_LINEAR) for plane in mixed])
        done = ready
        dropped = min(int(above[done]) if done < height else end, end - 1) - first
        buffer, first = buffer[:, dropped:].copy(), first + dropped


def _argmax(logits: NDArray[np.float32]) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Return the index (h, w) uint8 of the highest of the logits (K, h, w), the lowest one of equals, and that logit.

    It compares class by class, because `numpy.argmax` over the first dimension takes several times as long.
    """
    best = logits[0].copy()
    classes = np.zeros(best.shape, np.uint8)
    for index in range(1, len(logits)):
        np.copyto(classes, index, where=logits[index] > best, casting="unsafe")
        np.maximum(best, logits[index], out=best)
    return classes, best
