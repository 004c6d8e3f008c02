"""Where it fails: which class was taken for which."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seamline.report import figures
from seamline.report.contents import SPLITS, Contents
from seamline.report.panels.panel import Panel
from seamline.report.pictures import Sheet, example_sheet
from seamline.report.words import Estimate, count, percent, percent_range, several


def confusion(run: Contents) -> Panel | None:
    """Show the confusion matrix of each split; the images in its cells, or where in an image the errors lie."""
    matrices = {split: one.confusion for split, one in (run.segmented if run.masks else run.answers).items()}
    if not matrices:
        return None
    tell = _pixel_sentences if run.masks else _image_sentences
    splits, drawings = [], {}
    for split, matrix in matrices.items():
        part = {"name": split, "title": SPLITS[split], "rows": _rows(matrix, percents=run.masks)}
        sentences = tell(matrix, run.classes, SPLITS[split])
        if run.masks:
            errors = run.segmented[split].errors
            sentences += _near(errors.get("near"))
            part["parts"] = _parts(errors.get("parts") or {}, run.classes)
        part["sentence"] = " ".join(sentences)
        splits.append(part)
        drawings[f"confusion-{split}"] = partial(
            figures.confusion, matrix=matrix, classes=run.classes, percents=run.masks
        )
    tabs = [(split["name"], f"{str(split['title']).capitalize()} images") for split in splits]
    values: dict[str, Any] = {"tabs": tabs, "splits": splits, "classes": run.classes, "masks": run.masks}
    if not run.masks:
        images = {split: _images(example_sheet(answers)) for split, answers in run.answers.items()}
        values["data"] = {"classes": run.classes, "splits": images}
    return Panel("confusion", "Where it fails", values, drawings)


def _rows(matrix: NDArray[np.int64], *, percents: bool) -> list[dict[str, Any]]:
    """Prepare each row: its total, and for each cell what it says, its share of the row and the depth of its shade."""
    shares = figures.error_shares(matrix)
    greatest = max(float(shares.max()), 1e-9)
    whole = max(int(matrix.sum()), 1)
    rows = []
    for place, row in enumerate(matrix):
        total = int(row.sum())
        cells = [
            {
                "images": figures.tenths(held / total) if percents and held else int(held),
                "number": count(held),
                "share": percent(int(held) / max(total, 1)),
                "depth": round(float(share) / greatest, 3),
            }
            for held, share in zip(row, shares[place], strict=True)
        ]
        rows.append({"images": percent(total / whole) if percents else total, "cells": cells})
    return rows


def _images(sheet: Sheet) -> dict[str, Any]:
    """Prepare the examples for the script: `TRUE-PREDICTED` -> name, confidence, column and row of each."""
    cells = {
        f"{true}-{predicted}": [
            [one.name, round(one.confidence, 4), *divmod(one.place, sheet.columns)[::-1]] for one in examples
        ]
        for (true, predicted), examples in sheet.cells.items()
    }
    return {"cells": cells}


def _image_sentences(matrix: NDArray[np.int64], classes: tuple[str, ...], split: str) -> list[str]:
    """Name the most frequent confusions and how much of all errors they are."""
    errors, order = _errors(matrix)
    total = int(errors.sum())
    if not total:
        return [f"No {split} image was taken for another class."]
    true, predicted = order[0]
    sentences = [
        f"{count(total)} of {several(int(matrix.sum()), f'{split} image')} were taken for another class. The largest "
        f"cell off the diagonal holds {count(int(errors[true, predicted]))} of {count(int(matrix[true].sum()))} images "
        f"of {classes[true]}, taken for {classes[predicted]}."
    ]
    if np.count_nonzero(errors) > 6:
        three = sum(int(errors[cell]) for cell in order[:3])
        sentences.append(f"The three largest hold {count(three)} of the {count(total)} errors.")
    return sentences


def _pixel_sentences(matrix: NDArray[np.int64], classes: tuple[str, ...], split: str) -> list[str]:
    """Name the confusion that costs most pixels, and the one that costs a class most of its own."""
    errors, order = _errors(matrix)
    total = int(errors.sum())
    if not total:
        return [f"No pixel of the {split} images was taken for another class."]
    true, predicted = order[0]
    sentences = [
        f"{percent(total / int(matrix.sum()))} of the pixels of the {split} images were taken for another class. "
        f"{percent(int(errors[true, predicted]) / total)} of these are {classes[true]} taken for {classes[predicted]}."
    ]
    shares = figures.error_shares(matrix)
    worst, taken = (int(place) for place in np.unravel_index(int(shares.argmax()), shares.shape))
    if (worst, taken) != (true, predicted):
        sentences.append(
            f"No class loses more to another than {classes[worst]}: {percent(float(shares[worst, taken]))} of its "
            f"pixels were taken for {classes[taken]}."
        )
    return sentences


def _errors(matrix: NDArray[np.int64]) -> tuple[NDArray[np.int64], list[tuple[int, int]]]:
    """Return the matrix without its diagonal, and the cells off it, the largest first."""
    errors = matrix.copy()
    np.fill_diagonal(errors, 0)
    order = np.argsort(-errors, axis=None, kind="stable")
    return errors, [divmod(int(place), len(matrix)) for place in order]


def _near(near: Mapping[str, Any] | None) -> list[str]:
    """Say how much of the errors lies at the borders between classes."""
    share, area = (Estimate.of((near or {}).get(key)) for key in ("share", "area"))
    if near is None or share is None:
        return []
    span = percent_range(share)
    sentence = (
        f"{percent(share)}{f' ({span})' if span else ''} of the wrong pixels lie within "
        f"{several(near['pixels'], 'pixel')} of a border between classes"
    )
    return [f"{sentence}, where {percent(area)} of all pixels lie." if area else f"{sentence}."]


def _parts(parts: Mapping[str, Any], classes: tuple[str, ...]) -> list[dict[str, Any]]:
    """Prepare, for classes of tall and thin regions, how much of their ends and of their middles was found."""
    return [
        {
            "name": name,
            "place": classes.index(name),
            "regions": several(parts[name]["regions"], "region"),
            "cells": [
                {"value": percent(one), "range": percent_range(one)}
                for one in (Estimate.of(parts[name].get(part)) for part in ("top", "middle", "bottom"))
            ],
        }
        for name in classes
        if name in parts
    ]
