"""What a segmenter answered on one split, as the run folder holds it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from seamline.errors import SeamlineError
from seamline.report import forms
from seamline.report.reading import AGAIN, read_confusion, read_json, read_mask, read_picture

RANKS = ("best", "median", "worst")


@dataclass(frozen=True, eq=False)
class Case:
    """One image with its truth and what the network made of it.

    Attributes:
        name: its path inside the dataset.
        rank: `best`, `median` or `worst`.
        place: its place among all images of the split by mean IoU, from 1.
        accuracy: share of its pixels that are right.
        mean_iou: mean over the classes; None where it has none.
        photo: the image.
        truth: (H, W) uint8 classes; K and above counts nowhere.
        output: (H, W) uint8 classes.
    """

    name: str
    rank: str
    place: int
    accuracy: float | None
    mean_iou: float | None
    photo: Image.Image
    truth: NDArray[np.uint8]
    output: NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Segmented:
    """One split's answers.

    Attributes:
        confusion: (K, K) int64 pixels; row the true class, column the predicted one.
        curves: ranking -> class -> `recall` and `precision`, lists of equal length.
        errors: where the wrong pixels lie; empty where that is not known.
        ranking: every image's `name`, `accuracy` and `mean_iou`, best mean IoU first.
        cases: some images to look at.
    """

    confusion: NDArray[np.int64]
    curves: Mapping[str, Mapping[str, Any]]
    errors: Mapping[str, Any]
    ranking: tuple[Mapping[str, Any], ...]
    cases: tuple[Case, ...]


def read_segmented(folder: Path, split: str, classes: int) -> Segmented | None:
    """Read one split's `SPLIT.json` and the pictures of its cases; None where there is no such file."""
    path = folder / f"{split}.json"
    written = read_json(path, forms.SEGMENTED)
    if written is None:
        return None
    return Segmented(
        confusion=read_confusion(path, written["confusion"], classes),
        curves=written.get("curves") or {},
        errors=written.get("errors") or {},
        ranking=tuple(written.get("ranking") or ()),
        cases=tuple(_read_case(folder / f"{split}-cases", one) for one in written.get("cases") or []),
    )


def _read_case(folder: Path, written: Any) -> Case:
    """Read one case with its three pictures."""
    photo = read_picture(folder / Path(written["photo"]).name, colour=True)
    truth, output = (read_mask(folder / Path(written[key]).name) for key in ("truth", "output"))
    if not truth.shape == output.shape == (photo.height, photo.width):
        raise SeamlineError(f"{folder}: photo, truth and output of {written['name']} differ in size; {AGAIN}")
    return Case(
        name=str(written["name"]),
        rank=str(written["rank"]),
        place=int(written["place"]),
        accuracy=written.get("accuracy"),
        mean_iou=written.get("mean_iou"),
        photo=photo,
        truth=truth,
        output=output,
    )
