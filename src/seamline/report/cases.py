"""Test cases that a reader browses: of a segmenter every image with its masks, as small pictures of one size."""

import math
from typing import Any

import numpy as np

from seamline.data.masks import resize_mask
from seamline.report.images import errors_uri, mask_uri, photo_uri
from seamline.report.run_data import MaskSheetImages, RunData

MAX_BYTES = 1_500_000
"""Size of all pictures of cases on the page."""

SIDES = (192, 160, 128, 96)
"""Longer sides of the pictures that are tried, in pixels."""

_QUALITY = 75
_N_TRIED = 8  # images by which the size of all is estimated


def mask_cases(run: RunData) -> dict[str, Any] | None:
    """Prepare the images with masks of the first split that has some for the script of the page.

    Returns:
        Names and metrics of the images, best mean IoU first, with the base64 text of their pictures; None where the
        run has none.
    """
    for split, images in run.mask_sheets.items():
        pictures = _fitting_pictures(images, run)
        per_image = run.results[split].per_image
        cases = [
            {
                "rank": case.rank,
                "name": per_image[case.rank - 1].name,
                "iou": per_image[case.rank - 1].mean_iou,
                "accuracy": per_image[case.rank - 1].accuracy,
                "cells": case.cells,
                "pictures": of_case,
            }
            for case, of_case in zip(images.sheets.cases, pictures, strict=True)
            if math.isfinite(per_image[case.rank - 1].mean_iou)
        ]
        height, width = images.sheets.tile
        return {
            "split": split, "classes": run.classes, "total": len(per_image), "width": width, "height": height,
            "cases": cases,
        }  # fmt: skip
    return None


def _fitting_pictures(images: MaskSheetImages, run: RunData) -> list[dict[str, str]]:
    """Encode the images, as large as they all fit."""
    count = len(images.sheets.cases)
    tried = np.unique(np.linspace(0, count - 1, _N_TRIED).astype(int))
    for side in SIDES:
        sizes = [sum(map(len, _pictures(images, index, side, run).values())) for index in tried]
        if np.mean(sizes) * count <= MAX_BYTES:
            break
    return [_pictures(images, index, side, run) for index in range(count)]


def _pictures(images: MaskSheetImages, index: int, side: int, run: RunData) -> dict[str, str]:
    """Encode photo, true mask, prediction and errors of an image, without the start of their data URIs."""
    photo, ground_truth, prediction = images.tile(index)
    scale = min(1, side / max(photo.size))
    size = max(1, round(scale * photo.width)), max(1, round(scale * photo.height))
    ground_truth, prediction = resize_mask(ground_truth, *size), resize_mask(prediction, *size)
    uris = {
        "photo": photo_uri(photo, side, _QUALITY),
        "ground_truth": mask_uri(ground_truth, run.palette),
        "prediction": mask_uri(prediction, run.palette),
        "errors": errors_uri(ground_truth, prediction, run.palette),
    }
    return {name: uri.split(",")[1] for name, uri in uris.items()}
