"""What a finished run folder holds, read once. Only this file knows what its files are called."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from seamline.data.errors import UserError

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

    @property
    def classes(self) -> tuple[str, ...]:
        """The K class names."""
        return tuple(self.run["dataset"]["classes"])


def read_contents(folder: Path) -> Contents:
    """Read the run in `folder`.

    Raises:
        UserError: the folder holds no finished run, or a file in it cannot be read.
    """
    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder; give the folder of a finished run")
    run = _read_json(folder / "run.json", ("recipe_name", "recipe", "dataset", "network"))
    if run is None:
        raise UserError(f"{folder / 'run.json'}: not found, so this is not a run folder; give one that training wrote")
    _check_keys(folder / "run.json", run["dataset"], ("title", "classes"))
    if not (folder / "model.safetensors").is_file():
        raise UserError(f"{folder / 'model.safetensors'}: not found, training has not finished; resume it first")
    scores = _read_json(folder / "scores.json", ("val", "test"))
    if scores is None:
        raise UserError(f"{folder / 'scores.json'}: not found, the run is not measured; train it with --resume")
    return Contents(
        folder=folder,
        run=run,
        history=_read_history(folder / "history.jsonl"),
        scores=scores,
        answers={
            split: answers
            for split in SPLITS
            if (answers := _read_answers(folder / "evaluation", split, len(run["dataset"]["classes"])))
        },
        calibration=_read_json(folder / "calibration.json", ("temperature",)),
        kernels=_read_json(folder / "insides" / "kernels.json", ("rule", "layers")),
        readouts=_read_json(folder / "insides" / "readouts.json", ("readouts",)),
        findings=tuple(_read_findings(folder / "findings.json")),
    )


def _read_text(path: Path) -> str | None:
    """Return the file's text, or None where there is no such file."""
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as fault:
        raise UserError(f"{path}: cannot be read ({type(fault).__name__}); make the run again") from fault


def _parse(path: Path, text: str, line: int = 0) -> Any:
    """Parse JSON; `line` is added to the line number that an error names."""
    try:
        return json.loads(text)
    except json.JSONDecodeError as fault:
        raise UserError(f"{path}: line {line + fault.lineno} is not JSON ({fault.msg}); make the run again") from fault


def _check_keys(path: Path, content: Any, keys: tuple[str, ...]) -> None:
    """Refuse what is not an object with all of `keys`."""
    missing = [key for key in keys if not isinstance(content, dict) or key not in content]
    if missing:
        raise UserError(f"{path}: {', '.join(missing)} not found in it; make the run again")


def _read_json(path: Path, keys: tuple[str, ...]) -> dict[str, Any] | None:
    """Read a JSON object that must have `keys`; None where there is no such file."""
    text = _read_text(path)
    if text is None:
        return None
    content = _parse(path, text)
    _check_keys(path, content, keys)
    parsed: dict[str, Any] = content
    return parsed


def _read_history(path: Path) -> tuple[Mapping[str, Any], ...]:
    """Read a line an epoch."""
    text = _read_text(path)
    if text is None:
        raise UserError(f"{path}: not found, the run is not whole; make it again")
    epochs = []
    for index, line in enumerate(text.splitlines()):
        if line.strip():
            epoch = _parse(path, line, index)
            _check_keys(path, epoch, ("epoch", "train_loss", "train_accuracy", "val_loss", "val_accuracy"))
            epochs.append(epoch)
    return tuple(epochs)


def _read_findings(path: Path) -> list[Mapping[str, Any]]:
    """Read the findings; none where there is no such file."""
    text = _read_text(path)
    findings = [] if text is None else _parse(path, text)
    if not isinstance(findings, list):
        raise UserError(f"{path}: must hold a list; make the run again")
    for finding in findings:
        _check_keys(path, finding, ("sentence",))
    return findings


def _read_answers(folder: Path, split: str, classes: int) -> Answers | None:
    """Read one split's confusion matrix and example images; None where either is missing."""
    path, picture_path = folder / f"{split}.json", folder / f"{split}.png"
    written = _read_json(path, ("confusion", "tile", "columns", "examples"))
    if written is None or not picture_path.is_file():
        return None
    try:
        with Image.open(picture_path) as opened:
            picture = opened.convert("L" if opened.mode in ("1", "L") else "RGB")
    except OSError as fault:
        raise UserError(f"{picture_path}: cannot be read as an image; make the run again") from fault
    confusion = np.asarray(written["confusion"])
    if confusion.shape != (classes, classes):
        raise UserError(f"{path}: confusion is {confusion.shape}, not one row a class; make the run again")
    height, width = written["tile"]
    images, columns = len(written["examples"]), written["columns"]
    if picture.height < -(-images // columns) * height or picture.width < min(columns, images) * width:
        raise UserError(f"{picture_path}: too small for the examples of {path.name}; make the run again")
    examples = tuple(
        Example(str(one["name"]), int(one["true"]), int(one["predicted"]), float(one["confidence"]), place)
        for place, one in enumerate(written["examples"])
    )
    return Answers(confusion.astype(np.int64), examples, (height, width), columns, picture)
