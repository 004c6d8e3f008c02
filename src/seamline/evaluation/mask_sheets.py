"""Sheets of many images with their masks: all of a split, or the worst of each class and a random sample."""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from seamline.data.masks import Color, encode_mask, resize_mask
from seamline.data.preprocess import downscale
from seamline.evaluation.bootstrap import ratio
from seamline.evaluation.evaluate import Evaluation
from seamline.evaluation.examples import sheet_image, sheet_jpeg
from seamline.run_folder import MaskCase, MaskSheets

MAX_CASES = 160
"""Images on the sheets: with their masks they take about 2 MB."""

SIDE = 192
"""The longer side of an image on the sheets."""

_COLUMNS = 16


def choose_cases(evaluation: Evaluation, order: Sequence[int], limit: int = MAX_CASES) -> NDArray[np.int64]:
    """Choose all images, or the worst of each class by IoU, half of them at most, and a random sample.

    Args:
        evaluation: of a segmenter on a split.
        order: indices of its images, the best first.
        limit: number of images, at most.

    Returns:
        (M,) int64 positions in `order`, rising; the same each time.
    """
    if len(order) <= limit:
        return np.arange(len(order))
    matrices = evaluation.counts.matrices[np.asarray(order)]
    hits = np.diagonal(matrices, axis1=1, axis2=2)
    union = matrices.sum(1) + matrices.sum(2) - hits  # (N, K)
    iou = np.where(union > 0, ratio(hits, union), np.inf)
    worst_first = np.lexsort((-union, iou), axis=0)  # (N, K): of equal ones the image with most pixels of the class
    present = np.take_along_axis(union, worst_first, 0) > 0
    worst = list(dict.fromkeys(worst_first[present].tolist()))[: limit // 2]
    others = np.setdiff1d(np.arange(len(order)), worst)
    sample = np.random.default_rng(0).choice(others, limit - len(worst), replace=False)
    return np.sort(np.concatenate([np.array(worst, np.int64), sample]))


def mask_sheets(
    evaluation: Evaluation, order: Sequence[int], palette: Sequence[Color]
) -> tuple[MaskSheets, tuple[bytes, bytes, bytes]]:
    """Return images with their masks as sheets.

    Args:
        evaluation: of a segmenter on a split.
        order: indices of its images, the best first; at least one.
        palette: K colors of the classes.

    Returns:
        What `evaluation/SPLIT.json` holds of them, and the files: a JPEG of the photos, PNGs of true and predicted
        masks.
    """
    chosen = choose_cases(evaluation, order)
    indices = [order[position] for position in chosen]
    split, counts = evaluation.split, evaluation.counts.confusion[indices].toarray()  # (M, K * K)
    photos = np.stack([downscale(np.asarray(split.images[i]), SIDE) for i in indices])
    cases = tuple(
        MaskCase(rank=int(position) + 1, cells=_cells(pixels.reshape(len(palette), -1)))
        for position, pixels in zip(chosen, counts, strict=True)
    )
    height, width = photos.shape[1:3]
    masks = ([np.asarray(of[i], np.uint8) for i in indices] for of in (split.labels, evaluation.predicted))
    ground_truth, prediction = (mask_sheet(resize_masks(one, height, width), _COLUMNS, palette) for one in masks)
    files = sheet_jpeg(photos, _COLUMNS), ground_truth, prediction
    return MaskSheets(tile=(height, width), columns=_COLUMNS, cases=cases), files


def resize_masks(masks: Iterable[NDArray[np.uint8]], height: int, width: int) -> NDArray[np.uint8]:
    """Resize M masks (H, W) uint8 to the size of their photos, to the nearest pixel: (M, height, width) uint8."""
    return np.stack([resize_mask(mask, width, height) for mask in masks])


def mask_sheet(masks: NDArray[np.uint8], columns: int, palette: Sequence[Color]) -> bytes:
    """Lay masks (M, H, W) uint8 out row by row without gaps, as a palette PNG."""
    return encode_mask(np.asarray(sheet_image(masks[..., None], columns)), palette)


def _cells(matrix: NDArray[np.int64]) -> tuple[tuple[int, int, int], ...]:
    """Return true class, predicted class and pixels of each cell of a matrix (K, K) that is not 0."""
    return tuple((int(true), int(predicted), int(matrix[true, predicted])) for true, predicted in np.argwhere(matrix))
