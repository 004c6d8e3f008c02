"""What a finished run folder holds, read once. Only this file and those it reads with know what files are called."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from seamline.errors import SeamlineError
from seamline.report import forms
from seamline.report.insides import read_kernels, read_readouts
from seamline.report.mislabelled import Mislabelled, read_mislabelled
from seamline.report.predictions import Predictions, read_predictions
from seamline.report.reading import AGAIN, check, parse, read_confusion, read_json, read_picture, read_text
from seamline.report.segmented import Segmented, read_segmented

SPLITS = {"test": "test", "val": "validation"}
"""The splits that are measured, as files call them and as people do; the one that counts first."""


@dataclass(frozen=True)
class Example:
    """One classified image.

    Attributes:
        name: its path inside the dataset.
        true: the class it is of, as a number.
        predicted: the class it was taken for.
        confidence: how surely, 0..1.
        place: which tile of the split's picture shows it.
    """

    name: str
    true: int
    predicted: int
    confidence: float
    place: int


@dataclass(frozen=True, eq=False)
class Answers:
    """What the network answered on one split.

    Attributes:
        confusion: (K, K) int64; row the true class, column the predicted one.
        examples: some of the images, each cell's most confident first.
        tile: height and width of an image.
        columns: images to a row of `picture`.
        picture: the examples' images, row by row.
    """

    confusion: NDArray[np.int64]
    examples: tuple[Example, ...]
    tile: tuple[int, int]
    columns: int
    picture: Image.Image


@dataclass(frozen=True, eq=False)
class Contents:
    """A finished run. What is missing from the folder and may be missing is None or empty."""

    folder: Path
    run: Mapping[str, Any]
    history: tuple[Mapping[str, Any], ...]
    scores: Mapping[str, Any]
    answers: Mapping[str, Answers]
    calibration: Mapping[str, Any] | None
    kernels: Mapping[str, Any] | None
    readouts: Mapping[str, Any] | None
    findings: tuple[Mapping[str, Any], ...]
    segmented: Mapping[str, Segmented]
    photos: Predictions | None
    mislabelled: Mislabelled | None = None

    @property
    def classes(self) -> tuple[str, ...]:
        """The K class names."""
        return tuple(self.run["dataset"]["classes"])

    @property
    def colours(self) -> tuple[tuple[int, int, int], ...]:
        """Red, green and blue of each class in masks; empty where whole images have labels."""
        return tuple((red, green, blue) for red, green, blue in self.run["dataset"].get("colours") or ())

    @property
    def masks(self) -> bool:
        """Whether each pixel has a label, not each image."""
        return bool(self.colours)

    @property
    def unit(self) -> str:
        """What is counted: `images`, or `pixels`."""
        return "pixels" if self.masks else "images"


def read_contents(folder: Path) -> Contents:
    """Read the run in `folder`.

    Raises:
        SeamlineError: the folder holds no finished run, or a file in it cannot be read.
    """
    if not folder.is_dir():
        raise SeamlineError(f"{folder}: no such folder; give the folder of a finished run")
    run = read_json(folder / "run.json", forms.RUN)
    if run is None:
        raise SeamlineError(
            f"{folder / 'run.json'}: not found, so this is not a run folder; give one that training wrote"
        )
    if not (folder / "model.safetensors").is_file():
        raise SeamlineError(f"{folder / 'model.safetensors'}: not found, training has not finished; resume it first")
    scores = read_json(folder / "scores.json", forms.SCORES)
    if scores is None:
        raise SeamlineError(f"{folder / 'scores.json'}: not found, the run is not measured; train it with --resume")
    classes, masks = len(run["dataset"]["classes"]), bool(run["dataset"].get("colours"))
    if not classes or len(set(run["dataset"]["classes"])) < classes:
        raise SeamlineError(f"{folder / 'run.json'}: names no class, or one class twice; make the run again")
    if masks and len(run["dataset"]["colours"]) != classes:
        raise SeamlineError(f"{folder / 'run.json'}: not one colour for each class; make the run again")
    evaluation = folder / "evaluation"
    return Contents(
        folder=folder,
        run=run,
        history=_read_history(folder / "history.jsonl"),
        scores=scores,
        answers={
            split: answers for split in SPLITS if not masks and (answers := _read_answers(evaluation, split, classes))
        },
        calibration=read_json(folder / "calibration.json", forms.calibration("pixels" if masks else "images")),
        kernels=read_kernels(folder / "insides" / "kernels.json"),
        readouts=read_readouts(folder / "insides" / "readouts.json"),
        findings=tuple(_read_findings(folder / "findings.json")),
        segmented={
            split: segmented for split in SPLITS if masks and (segmented := read_segmented(evaluation, split, classes))
        },
        photos=read_predictions(folder / "photos") if masks else None,
        mislabelled=None if masks else read_mislabelled(evaluation, classes),
    )


def _read_history(path: Path) -> tuple[Mapping[str, Any], ...]:
    """Read a line an epoch."""
    text = read_text(path)
    if text is None:
        raise SeamlineError(f"{path}: not found, the run is not whole; make it again")
    epochs = []
    for index, line in enumerate(text.splitlines()):
        if line.strip():
            epoch = parse(path, line, index)
            check(path, epoch, forms.EPOCH, index + 1)
            epochs.append(epoch)
    return tuple(epochs)


def _read_findings(path: Path) -> list[Mapping[str, Any]]:
    """Read the findings; none where there is no such file."""
    text = read_text(path)
    findings: list[Mapping[str, Any]] = [] if text is None else parse(path, text)
    check(path, findings, forms.FINDINGS)
    return findings


def _read_answers(folder: Path, split: str, classes: int) -> Answers | None:
    """Read one split's confusion matrix and example images; None where either is missing."""
    path, picture_path = folder / f"{split}.json", folder / f"{split}.png"
    written = read_json(path, forms.ANSWERS)
    if written is None or not picture_path.is_file():
        return None
    picture = read_picture(picture_path)
    confusion = read_confusion(path, written["confusion"], classes)
    if len(written["tile"]) != 2:
        raise SeamlineError(f"{path}: tile is not height and width; {AGAIN}")
    height, width = written["tile"]
    images, columns = len(written["examples"]), written["columns"]
    if picture.height < -(-images // columns) * height or picture.width < min(columns, images) * width:
        raise SeamlineError(f"{picture_path}: too small for the examples of {path.name}; make the run again")
    examples = tuple(
        Example(one["name"], one["true"], one["predicted"], float(one["confidence"]), place)
        for place, one in enumerate(written["examples"])
    )
    if any(max(one.true, one.predicted) >= classes for one in examples):
        raise SeamlineError(f"{path}: an example is of a class beyond the {classes} of run.json; {AGAIN}")
    return Answers(confusion, examples, (height, width), columns, picture)
