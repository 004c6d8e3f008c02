"""Which images the page shows: for each cell of the confusion matrix the most confident ones."""

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from seamline.data.dataset import Split
from seamline.data.preprocess import downscale
from seamline.measure.calibration import confidences
from seamline.measure.evaluation import Evaluation

MOST_OF_A_CELL = 12  # keeps the page small: 100 cells of 28 x 28 pixels stay under half a megabyte
COLUMNS = 32
LARGEST = 64
"""The longer side of an image on a sheet; photos are made smaller, so that the page stays small."""


def choose_examples(evaluation: Evaluation, temperature: float) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Choose images cell by cell, row by row of the matrix, the most confident of each cell first.

    Args:
        evaluation: of the split.
        temperature: what the scores are divided by before a confidence is read from them.

    Returns:
        (M,) int64 places of the chosen images in the split, and (N,) float64 confidences of all images.
    """
    sure = confidences(evaluation.scores, temperature)
    cell = evaluation.labels * len(evaluation.classes) + evaluation.predicted
    order = np.lexsort((-sure, cell))  # by cell, the surest first
    sorted_cells = cell[order]
    first_of_cell = np.searchsorted(sorted_cells, sorted_cells)
    place_in_cell = np.arange(len(order)) - first_of_cell
    return order[place_in_cell < MOST_OF_A_CELL], sure


def describe_examples(evaluation: Evaluation, split: Split, temperature: float) -> tuple[dict[str, Any], bytes]:
    """Return what `evaluation/SPLIT.json` holds, and the images it speaks of as one PNG."""
    chosen, sure = choose_examples(evaluation, temperature)
    images = np.stack([downscale(image, LARGEST) for image in split.images[chosen]])
    described = {
        "classes": list(evaluation.classes),
        "confusion": evaluation.confusion.tolist(),
        "tile": list(images.shape[1:3]),
        "columns": COLUMNS,
        "examples": [
            {
                "name": split.names[i],
                "true": int(evaluation.labels[i]),
                "predicted": int(evaluation.predicted[i]),
                "confidence": round(float(sure[i]), 4),
            }
            for i in chosen
        ],
    }
    return described, contact_sheet(images)


def contact_sheet(images: NDArray[np.uint8]) -> bytes:
    """Lay images (M, H, W, C) uint8 out row by row, `COLUMNS` to a row and without gaps, as a PNG."""
    count, height, width, channels = images.shape
    rows = max(1, -(-count // COLUMNS))
    padded = np.zeros((rows * COLUMNS, height, width, channels), dtype=np.uint8)
    padded[:count] = images
    sheet = padded.reshape(rows, COLUMNS, height, width, channels).transpose(0, 2, 1, 3, 4)
    sheet = sheet.reshape(rows * height, COLUMNS * width, channels)
    buffer = io.BytesIO()
    Image.fromarray(sheet[..., 0] if channels == 1 else sheet).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()
