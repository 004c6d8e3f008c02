"""Example images: confidently wrong ones of each class, or the best, median and worst masks."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seamline.evaluation.text import count, pluralize
from seamline.report.cases import mask_cases
from seamline.report.formatting import confidence_text, fractions_text, percent
from seamline.report.images import (
    Sprite,
    Tile,
    errors_uri,
    example_sprite,
    faint_uri,
    mask_uri,
    photo_uri,
    wrong_pixels,
)
from seamline.report.panel import Content
from seamline.report.plots import ranking
from seamline.report.run_data import SPLITS, MaskImages, RunData
from seamline.report.svg import WIDTHS, responsive_svg
from seamline.run_folder import MAX_PER_CELL

MAX_WRONG = 6
"""Wrong predictions shown per class."""

SIDE = 512
"""Pixels of a photo's longer side."""

CORRECT = 2
"""Correct predictions shown per class."""

BUCKETS = {"best": "Best", "median": "Median", "worst": "Worst", "reference": "Reference images"}


def build(run: RunData) -> Content | None:
    """Show examples of the first split that has some."""
    for split, images in run.sheets.items():
        return _by_class(run, split, example_sprite(images))
    for split, examples in run.examples.items():
        if examples:
            return _by_mean_iou(run, split)
    return None


def _by_class(run: RunData, split: str, sprite: Sprite) -> Content:
    """Show two correct and the most confidently wrong predictions of each class."""
    matrix = np.array(run.results[split].confusion, np.int64)
    rows = [
        {
            "name": name,
            "correct": sprite.cells.get((index, index), ())[:CORRECT],
            "missed": _wrong(sprite, 0, index),
            "false_positives": _wrong(sprite, 1, index),
            "n_images": int(matrix[index].sum()),
            "n_missed": int(matrix[index].sum() - matrix[index, index]),
            "n_false_positives": int(matrix[:, index].sum() - matrix[index, index]),
        }
        for index, name in enumerate(run.classes)
    ]
    values = {
        "rows": rows, "classes": run.classes, "split": split, "split_title": SPLITS[split],
        "browser": _sample_text(sprite, matrix, split),
    }  # fmt: skip
    return Content({**values, "sentences": [_most_confident(sprite, run)]})


def _sample_text(sprite: Sprite, matrix: NDArray[np.int64], split: str) -> str:
    """State how many images can be browsed, and how they were chosen."""
    shown, total = sum(map(len, sprite.cells.values())), int(matrix.sum())
    if shown == total:
        return f"All {pluralize(total, f'{SPLITS[split]} image')}."
    most = max(map(len, sprite.cells.values()))
    which = f"the {count(MAX_PER_CELL)} most confident of each cell of the confusion matrix, and a random sample"
    if most <= MAX_PER_CELL:
        which = "the most confident of each cell of the confusion matrix"
    return f"{count(shown)} of {pluralize(total, f'{SPLITS[split]} image')}: {which}."


def _browser_text(cases: Mapping[str, Any]) -> str:
    """State how many images with masks can be browsed, and how they were chosen."""
    shown, images = len(cases["cases"]), pluralize(cases["total"], f"{SPLITS[cases['split']]} image")
    if shown == cases["total"]:
        return f"All {images}."
    return f"{count(shown)} of {images}: those of the lowest IoU of each class, and a random sample."


def _wrong(sprite: Sprite, axis: int, label: int) -> list[Tile]:
    """Return the most confidently wrong predictions of images of a class (axis 0), or predicted as it (axis 1)."""
    tiles = [
        tile for cell, of_cell in sprite.cells.items() if cell[0] != cell[1] and cell[axis] == label for tile in of_cell
    ]
    return sorted(tiles, key=lambda tile: (-tile.example.confidence, tile.row, tile.column))[:MAX_WRONG]


def _most_confident(sprite: Sprite, run: RunData) -> str:
    """State the most confidently wrong prediction."""
    wrong = [tile.example for (true, predicted), tiles in sprite.cells.items() if true != predicted for tile in tiles]
    if not wrong:
        return "All images shown are predicted correctly."
    worst = max(wrong, key=lambda one: one.confidence)
    n_confident = sum(one.confidence >= 0.9 for one in wrong)
    return (
        f"The wrong prediction of highest confidence is {worst.name}: {run.classes[worst.ground_truth]} predicted as "
        f"{run.classes[worst.prediction]} with {confidence_text(worst.confidence)}. Of the "
        f"{pluralize(len(wrong), 'wrong prediction')} on this page, {count(n_confident)} "
        f"{'has' if n_confident == 1 else 'have'} a confidence of 90\u00a0% or more."
    )


def _by_mean_iou(run: RunData, split: str) -> Content:
    """Show the images of the best, median and worst mean IoU, and the mean IoU of all images."""
    results, examples = run.results[split], run.examples[split]
    ranked = [one for one in results.per_image if one.mean_iou == one.mean_iou]
    groups = {
        title: [_mask_example(one, len(results.per_image), run) for one in of_bucket]
        for bucket, title in BUCKETS.items()
        if (of_bucket := [one for one in examples if one.example.bucket == bucket])
    }
    values: dict[str, Any] = {
        "groups": groups, "sentences": [], "split": split, "split_title": SPLITS[split], "classes": run.classes,
    }  # fmt: skip
    cases = mask_cases(run)
    ranks = {one["rank"] for one in cases["cases"]} if cases else set()
    values |= {"cases": cases, "browser": cases and _browser_text(cases), "case_ranks": ranks}
    if len(ranked) <= 2:
        return Content(values)
    marked = [one.example.rank for one in examples if one.example.rank <= len(ranked)]
    draw = partial(ranking, images=ranked, marked=marked)
    alt = f"Mean IoU of each of {pluralize(len(ranked), 'image')}, the best first."
    values["plots"] = responsive_svg(draw, "ranking", alt)
    return Content(values, {"ranking": partial(draw, width=WIDTHS["wide"])})


def _mask_example(images: MaskImages, n_images: int, run: RunData) -> dict[str, Any]:
    """Prepare an image: its pictures, its metrics, and its largest error."""
    size, example = len(run.classes), images.example
    wrong = wrong_pixels(images.ground_truth, images.prediction, size)
    valid = max(int((images.ground_truth < size).sum()), 1)
    return {
        "example": example,
        "note": next((one.note for one in run.info.dataset.reference_images if one.name == example.name), ""),
        "rank": f"rank {count(example.rank)} of {count(n_images)}" if n_images else "",
        "photo": photo_uri(images.image, SIDE),
        "ground_truth": mask_uri(images.ground_truth, run.palette),
        "prediction": mask_uri(images.prediction, run.palette),
        "faint": faint_uri(images.image, SIDE),
        "errors": errors_uri(images.ground_truth, images.prediction, run.palette),
        "alt": {
            "ground_truth": _class_fractions(images.ground_truth, run.classes),
            "prediction": _class_fractions(images.prediction, run.classes),
            "errors": f"{percent(int(wrong.sum()) / valid)} of the pixels are wrong",
        },
        "width": images.image.width,
        "height": images.image.height,
        "sentence": _largest_error(images, run.classes),
    }


def _class_fractions(mask: NDArray[np.uint8], classes: tuple[str, ...]) -> str:
    """Return the fraction of each class of a mask as text, for people who cannot see it."""
    counts = np.bincount(mask.ravel(), minlength=len(classes))[: len(classes)]
    fractions = dict(zip(classes, (counts / max(int(counts.sum()), 1)).tolist(), strict=True))
    return fractions_text(fractions) or "all pixels are ignored"


def _largest_error(images: MaskImages, classes: tuple[str, ...]) -> str:
    """State which confusion of two classes has most pixels in an image."""
    size = len(classes)
    wrong = wrong_pixels(images.ground_truth, images.prediction, size) & (images.prediction < size)
    if not wrong.any():
        return "All pixels are correct."
    pairs = size * images.ground_truth[wrong].astype(np.int64) + images.prediction[wrong]
    counts = np.bincount(pairs, minlength=size * size)
    true, predicted = divmod(int(counts.argmax()), size)
    fraction = int(counts.max()) / int((images.ground_truth < size).sum())
    return f"Largest error: {classes[true]} predicted as {classes[predicted]}, {percent(fraction)} of the image."
