"""Confusion matrices: which classes are predicted as which."""

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seamline.evaluation.text import count, pluralize
from seamline.report import plots
from seamline.report.formatting import estimate_text, percent, percent_1dp
from seamline.report.images import example_sprite
from seamline.report.panel import Content, split_tabs
from seamline.report.run_data import LABELS, SPLITS, RunData, SheetImages
from seamline.run_folder import ErrorAnalysis

MAX_PIXELATED = 32
"""Images of at most so many pixels a side are enlarged without blur."""


def build(run: RunData) -> Content | None:
    """Show the confusion matrix of each split, with the images in its cells or where in an image errors are."""
    if not run.results:
        return None
    percents = run.info.task == "segmentation"
    splits, figures = {}, {}
    for split, results in run.results.items():
        matrix = np.array(results.confusion, np.int64)
        splits[split] = {
            "rows": _rows(matrix, percents=percents),
            "sentences": [*_errors(matrix, run, split), *_boundary(results.errors)],
            "thin_regions": results.errors.thin_regions if results.errors else {},
        }
        figures[f"confusion-{split}"] = partial(plots.confusion, matrix=matrix, classes=run.classes, percents=percents)
    sprites = {split: _cells(images) for split, images in run.sheets.items()}
    values = {
        "tabs": split_tabs(splits),
        "splits": splits,
        "classes": run.classes,
        "labels": LABELS[run.info.task],
        "data": {"classes": run.classes, "splits": sprites} if sprites else None,
        "interactive": [*(sprites or [name for name in run.mask_sheets if run.examples[name]])],
    }
    return Content(values, figures)


def _rows(matrix: NDArray[np.int64], *, percents: bool) -> list[dict[str, Any]]:
    """Prepare the rows of the table: totals, and for each cell its text, its fraction of the row and its shade."""
    fractions = plots.error_fractions(matrix)
    largest, all_labels = max(float(fractions.max()), 1e-9), max(int(matrix.sum()), 1)
    rows = []
    for index, row in enumerate(matrix):
        total = int(row.sum())
        cells = [
            {
                "text": percent_1dp(number / total) if percents and number else int(number),
                "count": count(number),
                "fraction": percent(int(number) / max(total, 1)),
                "shade": round(float(fraction) / largest, 3),
            }
            for number, fraction in zip(row, fractions[index], strict=True)
        ]
        rows.append({"total": percent(total / all_labels) if percents else total, "cells": cells})
    return rows


def _cells(images: SheetImages) -> dict[str, Any]:
    """Prepare the examples for the script: `TRUE-PREDICTED` -> name, confidence, column and row of each."""
    sprite = example_sprite(images)
    return {
        "cells": {
            f"{true}-{predicted}": [
                [tile.example.name, round(tile.example.confidence, 4), tile.column, tile.row] for tile in tiles
            ]
            for (true, predicted), tiles in sprite.cells.items()
        },
        "smooth": max(images.sheet.tile) > MAX_PIXELATED,
    }


def _errors(matrix: NDArray[np.int64], run: RunData, split: str) -> list[str]:
    """State how many labels are off the diagonal, and the largest cell there."""
    errors = matrix - np.diag(np.diagonal(matrix))
    wrong, total, title = int(errors.sum()), int(matrix.sum()), SPLITS[split]
    true, predicted = divmod(int(errors.argmax()), len(matrix))
    names, largest = f"{run.classes[true]} predicted as {run.classes[predicted]}", int(errors.max())
    if run.info.task == "segmentation":
        if not wrong:
            return [f"All pixels of the {title} images are predicted correctly."]
        return [
            f"{percent(wrong / total)} of the pixels of the {title} images are predicted as another class. The largest "
            f"cell off the diagonal is {names}: {percent(largest / wrong)} of these pixels."
        ]
    if not wrong:
        return [f"All {title} images are predicted correctly."]
    return [
        f"{count(wrong)} of {pluralize(total, f'{title} image')} are predicted as another class. The largest cell off "
        f"the diagonal is {names}: {count(largest)} of {pluralize(int(matrix[true].sum()), 'image')}."
    ]


def _boundary(errors: ErrorAnalysis | None) -> list[str]:
    """State how many errors are near boundaries between classes."""
    if errors is None or not errors.boundary.fraction.present:
        return []
    near, pixels = errors.boundary, pluralize(errors.boundary.pixels, "pixel")
    return [
        f"{estimate_text(near.fraction)} of the wrong pixels and {percent(near.boundary_fraction)} of all pixels are "
        f"within {pixels} of a boundary between classes."
    ]
