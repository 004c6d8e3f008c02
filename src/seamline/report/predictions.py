"""What a model made of photos that are no part of its dataset, as a folder of predictions holds it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from seamline.errors import SeamlineError
from seamline.report import forms
from seamline.report.reading import AGAIN, check, read_json
from seamline.run_folder import prediction_record


@dataclass(frozen=True, eq=False)
class Predictions:
    """The photos of one folder.

    Attributes:
        folder: where their files lie.
        dataset: title of the dataset that the model has learned from.
        recipe: the name of its recipe.
        model: the run folder, or None.
        classes: the K class names.
        colours: red, green and blue of each; empty where the model gives whole images a label.
        photos: one mapping a photo, as `predictions.json` has it.
        failed: photos that could not be read, each with `file` and `reason`.
    """

    folder: Path
    dataset: str
    recipe: str
    model: str | None
    classes: tuple[str, ...]
    colours: tuple[tuple[int, int, int], ...]
    photos: tuple[Mapping[str, Any], ...]
    failed: tuple[Mapping[str, Any], ...]


def read_predictions(folder: Path) -> Predictions | None:
    """Read `predictions.json` of a folder; None where there is none.

    Raises:
        SeamlineError: the file cannot be read, or lacks something.
    """
    path = folder / "predictions.json"
    if path.is_file() and '"errors":' in path.read_text(encoding="utf-8"):
        return _from_record(folder)
    written = read_json(path, forms.PREDICTIONS)
    if written is None:
        return None
    colours = tuple(tuple(colour) for colour in written.get("colours") or ())
    if colours and len(colours) != len(written["classes"]):
        raise SeamlineError(f"{path}: {len(colours)} colours for {len(written['classes'])} classes; {AGAIN}")
    check(path, written, forms.MASKED if colours else forms.LABELLED)
    return Predictions(
        folder=folder,
        dataset=str(written.get("dataset") or ""),
        recipe=str(written.get("recipe_name") or ""),
        model=written.get("model"),
        classes=tuple(written["classes"]),
        colours=colours,
        photos=tuple(written["photos"]),
        failed=tuple(written.get("failed") or ()),
    )


def _from_record(folder: Path) -> Predictions:
    """Return what `predictions.json` in its present form holds."""
    record = prediction_record(folder).read()
    photos = [{**msgspec.structs.asdict(one), "shares": one.class_fractions} for one in record.photos]
    errors = [msgspec.structs.asdict(one) for one in record.errors]
    return Predictions(
        folder,
        record.dataset,
        record.preset,
        record.model,
        record.classes,
        record.palette,
        tuple(photos),
        tuple(errors),
    )
