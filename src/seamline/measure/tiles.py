"""Scores for photos of any size, in tiles, so that memory does not grow with the photo.

Tiles overlap. Where they do, their scores are blended: towards a tile's edge, where it cannot see what comes next, its
share falls to zero, and the shares of all tiles at a pixel add up to one. Nothing here depends on the order of tiles.
"""

from collections.abc import Callable, Iterator
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

TILE = 512
"""Pixels on a side of a tile; with `OVERLAP` a multiple of every network's strides, also at each of the sizes at which
it looks at a tile, so that tiles lie on its grid."""

OVERLAP = 128
"""Pixels that neighbouring tiles share."""

_AT_ONCE = 1 << 23  # scores that are enlarged at once: 32 MiB


def predict_mask(
    network: nn.Module,
    image: NDArray[np.uint8],
    *,
    shape: tuple[int, int] | None = None,
    tile: int = TILE,
    overlap: int = OVERLAP,
    progress: Callable[[int, int], None] | None = None,
) -> NDArray[np.uint8]:
    """Return the class with the highest score at each pixel.

    Args:
        network: (1, C, h, w) uint8 -> (1, K, h, w), K at most 255; asked in evaluation mode and left as it was.
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
    bands = score_bands(network, image, tile=tile, overlap=overlap, progress=progress)
    row = 0
    for scores in bands if (height, width) == image.shape[:2] else _enlarged(bands, image.shape[0], (height, width)):
        mask[row : row + scores.shape[1]] = _highest(scores).numpy()
        row += scores.shape[1]
    return mask


def score_bands(
    network: nn.Module,
    image: NDArray[np.uint8],
    *,
    tile: int = TILE,
    overlap: int = OVERLAP,
    progress: Callable[[int, int], None] | None = None,
) -> Iterator[Tensor]:
    """Yield an image's scores as bands of whole rows, from the top down.

    A network that sees no further than a quarter of the overlap, and whose strides divide `tile - overlap`, gives the
    same scores in tiles as in one go, but for rounding.

    Args:
        network: (1, C, h, w) uint8 -> (1, K, h, w); asked in evaluation mode and left in the mode it was in.
        image: (H, W, C) uint8, 0..255.
        tile: pixels on a side of a tile; a smaller image is asked about in one go.
        overlap: pixels that neighbouring tiles share, 0 to half a tile.
        progress: called after each tile with the tiles done and the tiles in all.

    Yields:
        (K, rows, W) float32 on the processor; the rows of all bands add up to H.

    Raises:
        ValueError: the overlap is not between 0 and half a tile.
    """
    if not 0 <= overlap <= tile // 2 or tile < 1:
        raise ValueError(f"an overlap must be 0 to half a tile, got {overlap} for a tile of {tile}")
    height, width = image.shape[:2]
    tops, lefts = _spans(height, tile, overlap), _spans(width, tile, overlap)
    down, across = _shares(tops, overlap), _shares(lefts, overlap)
    device = next((tensor.device for tensor in network.parameters()), torch.device("cpu"))
    training = network.training
    network.eval()
    begun: Tensor | None = None  # rows that the bands so far and the next one share
    done = 0
    try:
        for number, (top, bottom) in enumerate(tops):
            band = torch.empty(0)
            for (left, right), share in zip(lefts, across, strict=True):
                scores = _ask(network, image[top:bottom, left:right], device)
                if left == 0:
                    band = torch.zeros(len(scores), bottom - top, width)
                band[:, :, left:right] += scores * (down[number][:, None] * share)
                done += 1
                if progress is not None:
                    progress(done, len(tops) * len(lefts))
            if begun is not None:
                band[:, : begun.shape[1]] += begun
            rows = (tops[number + 1][0] if number + 1 < len(tops) else height) - top
            begun = band[:, rows:].clone()
            yield band[:, :rows]
    finally:
        network.train(training)


def _ask(network: nn.Module, pixels: NDArray[np.uint8], device: torch.device) -> Tensor:
    """(h, w, C) uint8 -> (K, h, w) float32 on the processor."""
    images = torch.from_numpy(np.array(pixels[np.newaxis], order="C")).to(device).permute(0, 3, 1, 2)
    with torch.inference_mode():
        scores: Tensor = network(images)
    return scores[0].float().cpu()


def _spans(length: int, tile: int, overlap: int) -> list[tuple[int, int]]:
    """Return where tiles begin and end along a side; the last one ends at the side's end and may be shorter."""
    step = tile - overlap
    count = max(1, -(-(length - overlap) // step))
    return [(i * step, min(i * step + tile, length)) for i in range(count)]


def _shares(spans: list[tuple[int, int]], overlap: int) -> list[Tensor]:
    """Return each tile's share in the scores along a side; those of all tiles at a pixel add up to one.

    Of an overlap, the quarter at a tile's edge counts nothing and the middle half leads over in a straight line.
    """
    edge = min(-(-overlap // 4), overlap // 2)
    ramp = ((torch.arange(overlap) - edge + 0.5) / max(0.5, overlap - 2 * edge)).clamp(0, 1)
    shares = [torch.ones(end - start) for start, end in spans]
    for before, after in pairwise(shares):
        before[len(before) - overlap :] = 1 - ramp
        after[:overlap] *= ramp
    return shares


def _enlarged(bands: Iterator[Tensor], rows: int, shape: tuple[int, int]) -> Iterator[Tensor]:
    """Enlarge bands of scores (K, ., w), `rows` in all, to (K, ., W), H in all, bilinearly, a few rows at a time.

    Pixels are squares whose outer edges coincide: row y of the H shows what lies at (y + 1/2) rows / H - 1/2.
    """
    height, width = shape
    places = ((np.arange(height) + 0.5) * rows / height - 0.5).clip(0, rows - 1)
    above = places.astype(np.int64)
    below = np.minimum(above + 1, rows - 1)
    weights = torch.from_numpy((places - above).astype(np.float32))[:, None]
    known = torch.empty(0)
    first = end = done = 0  # `known` holds the rows first..end-1; of the enlarged ones `done` are yielded
    for band in bands:
        known = torch.cat([known, band], 1) if end else band
        end += band.shape[1]
        ready = int(np.searchsorted(below, end))  # rows whose lower neighbour is known
        several = max(1, _AT_ONCE // (len(band) * width))
        for start in range(done, ready, several):
            part = slice(start, min(start + several, ready))
            upper, lower = (known[:, torch.from_numpy(side[part] - first)] for side in (above, below))
            yield F.interpolate(torch.lerp(upper, lower, weights[part]), size=width, mode="linear")
        done = ready
        kept = min(int(above[done]) if done < height else end, end - 1) - first
        known, first = known[:, kept:].clone(), first + kept


def _highest(scores: Tensor) -> Tensor:
    """(K, h, w) float32 -> (h, w) uint8, the first class of those with the highest score.

    Class by class, because `argmax` over the first dimension takes several times as long.
    """
    best = scores[0].clone()
    classes = torch.zeros(best.shape, dtype=torch.uint8)
    for number in range(1, len(scores)):
        classes.masked_fill_(scores[number] > best, number)
        torch.maximum(best, scores[number], out=best)
    return classes
