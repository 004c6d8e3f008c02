"""Where it fails: which class was taken for which."""

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seamline.report import figures
from seamline.report.contents import SPLITS, Contents
from seamline.report.panels.panel import Panel
from seamline.report.pictures import Sheet, example_sheet
from seamline.report.words import count, percent, several


def confusion(run: Contents) -> Panel | None:
    """Show the confusion matrix of each split, and the images in each of its cells."""
    if not run.answers:
        return None
    splits, data, drawings = [], {}, {}
    for split, answers in run.answers.items():
        sentence = _sentence(answers.confusion, run.classes, SPLITS[split])
        splits.append({"name": split, "title": SPLITS[split], "rows": _rows(answers.confusion), "sentence": sentence})
        data[split] = _images(example_sheet(answers))
        drawings[f"confusion-{split}"] = partial(figures.confusion, matrix=answers.confusion, classes=run.classes)
    tabs = [(split["name"], f"{str(split['title']).capitalize()} images") for split in splits]
    values = {"tabs": tabs, "splits": splits, "classes": run.classes, "data": {"classes": run.classes, "splits": data}}
    return Panel("confusion", "Where it fails", values, drawings)


def _rows(matrix: NDArray[np.int64]) -> list[dict[str, Any]]:
    """Prepare each row: its total, and for each cell the images, their share of the row and the depth of its shade."""
    shares = figures.error_shares(matrix)
    greatest = max(float(shares.max()), 1e-9)
    return [
        {
            "images": int(row.sum()),
            "cells": [
                {
                    "images": int(images),
                    "share": percent(int(images) / max(int(row.sum()), 1)),
                    "depth": round(float(share) / greatest, 3),
                }
                for images, share in zip(row, shares[place], strict=True)
            ],
        }
        for place, row in enumerate(matrix)
    ]


def _images(sheet: Sheet) -> dict[str, Any]:
    """Prepare the examples for the script: `TRUE-PREDICTED` -> name, confidence, column and row of each."""
    cells = {
        f"{true}-{predicted}": [
            [one.name, round(one.confidence, 4), *divmod(one.place, sheet.columns)[::-1]] for one in examples
        ]
        for (true, predicted), examples in sheet.cells.items()
    }
    return {"cells": cells}


def _sentence(matrix: NDArray[np.int64], classes: tuple[str, ...], split: str) -> str:
    """Name the most frequent confusions and how much of all errors they are."""
    errors = matrix.copy()
    np.fill_diagonal(errors, 0)
    total = int(errors.sum())
    if not total:
        return f"No {split} image was taken for another class."
    order = np.argsort(-errors, axis=None, kind="stable")
    true, predicted = (int(place) for place in np.unravel_index(order[0], errors.shape))
    sentence = (
        f"{count(total)} of {several(int(matrix.sum()), f'{split} image')} were taken for another class. The largest "
        f"cell off the diagonal holds {count(int(errors[true, predicted]))} of {count(int(matrix[true].sum()))} images "
        f"of {classes[true]}, taken for {classes[predicted]}."
    )
    if np.count_nonzero(errors) > 6:
        sentence += f" The three largest hold {count(int(errors.flat[order[:3]].sum()))} of the {count(total)} errors."
    return sentence
