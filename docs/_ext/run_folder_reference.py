"""The reference of the run folder, generated from the structs: every file with its fields, types and descriptions."""

import dataclasses
import inspect
import re
import types
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import msgspec
import numpy as np

from seamline.data.validate import DatasetReport
from seamline.run_folder.analysis import ClassAnalysis, FilterAnalysis, LinearProbes
from seamline.run_folder.arrays import ClassificationArrays, ImageIndex, SegmentationArrays, StoredImages
from seamline.run_folder.before_after import BeforeAfter
from seamline.run_folder.fields import Byte, Color, Count, Estimate, FileName, NanFloat, Number, Positive, Side
from seamline.run_folder.integrity import Integrity
from seamline.run_folder.measures import BuildingCalibration, MeasuresRecord
from seamline.run_folder.metrics import Calibration, Finding, Metrics
from seamline.run_folder.model_summary import ModelSummary
from seamline.run_folder.novelty import Novelty
from seamline.run_folder.prediction import ExportMetadata, PredictionRecord
from seamline.run_folder.results import LabelIssues, SplitResults
from seamline.run_folder.run_info import Epoch, RunInfo
from seamline.run_folder.suggestions import Suggestions
from seamline.run_folder.sweep import SweepInfo
from seamline.run_folder.training_images import TrainingImages


@dataclass(frozen=True)
class RunFile:
    """A file or folder of a run folder."""

    path: str  # its path inside the run folder; SPLIT is `val` or `test`
    writer: str  # the package that writes it
    purpose: str  # what it holds, in a sentence
    types: tuple[type, ...] = ()  # what it consists of: the structs of a JSON file, the arrays of a `.npz`


@dataclass(frozen=True)
class Field:
    """A field of a file."""

    path: str  # where it stands, such as `layers[].name`; `*` is any key
    type: str  # its type in words
    description: str  # what it holds


FILES: tuple[RunFile, ...] = (
    RunFile("run.json", "training", "How the run was trained.", (RunInfo,)),
    RunFile("history.jsonl", "training", "One line for each epoch.", (Epoch,)),
    RunFile("model.safetensors", "training", "The final weights; once they are there, training has finished."),
    RunFile(
        "checkpoint/",
        "training",
        "The two newest checkpoints, `NUMBER-CHECKSUM.safetensors`: all that an exact continuation needs. Removed when "
        "training has finished.",
    ),
    RunFile("data/index.npz", "evaluation", "Digests of a user's own images.", (ImageIndex,)),
    RunFile("data/images.npz", "evaluation", "Images with which the run is exported.", (StoredImages,)),
    RunFile("metrics.json", "evaluation", "Metrics of every split; written before the other results.", (Metrics,)),
    RunFile("calibration.json", "evaluation", "How well confidence matches accuracy.", (Calibration,)),
    RunFile("novelty.json", "evaluation", "How images unlike the training images are told.", (Novelty,)),
    RunFile(
        "buildings.json",
        "bench/buildings.py --fit",
        "How sure the measures of buildings are; only where the model is calibrated for them.",
        (BuildingCalibration,),
    ),
    RunFile("integrity.json", "evaluation", "What `seamline verify` compares the run with.", (Integrity,)),
    RunFile("findings.json", "evaluation", "A list of findings, the most important first; written last.", (Finding,)),
    RunFile("analysis/model.json", "evaluation", "The layers of the model, and its optimizers.", (ModelSummary,)),
    RunFile("analysis/kernels.json", "evaluation", "Types of the filters of each convolution.", (FilterAnalysis,)),
    RunFile("analysis/linear_probes.json", "evaluation", "Linear classifiers on each layer.", (LinearProbes,)),
    RunFile("evaluation/SPLIT.json", "evaluation", "Results on the images of a split.", (SplitResults,)),
    RunFile(
        "evaluation/SPLIT.npz",
        "evaluation",
        "Arrays with one row per image.",
        (ClassificationArrays, SegmentationArrays),
    ),
    RunFile("evaluation/SPLIT.png", "evaluation", "The example sheet of a classifier."),
    RunFile(
        "evaluation/SPLIT-examples/",
        "evaluation",
        "Image, true mask and predicted mask of the examples of a segmenter, at most 512 pixels on the longer side.",
    ),
    RunFile(
        "evaluation/before_after.json",
        "evaluation",
        "What a training with `--init-from` changed, on the same held-out images.",
        (BeforeAfter,),
    ),
    RunFile(
        "evaluation/SPLIT.photos.jpg, evaluation/SPLIT.ground_truth.png, evaluation/SPLIT.prediction.png",
        "evaluation",
        "The mask sheets of a segmenter, of the split that is reported first: up to 160 images, 192 pixels on the "
        "longer side, with their true and predicted masks.",
    ),
    RunFile(
        "evaluation/training_images.json",
        "evaluation",
        "A random sample of the training images, and some of them as the first epochs augment them.",
        (TrainingImages,),
    ),
    RunFile(
        "evaluation/training_images.png, evaluation/training_images.augmented.png",
        "evaluation",
        "These images of a classifier.",
    ),
    RunFile(
        "evaluation/training_images.jpg, evaluation/training_images.masks.png, "
        "evaluation/training_images.augmented.jpg, evaluation/training_images.augmented.masks.png",
        "evaluation",
        "These images of a segmenter, and their masks.",
    ),
    RunFile("evaluation/label_issues.json", "evaluation", "Possible label errors of a classifier.", (LabelIssues,)),
    RunFile("evaluation/label_issues.png", "evaluation", "The first possible label errors, side by side."),
    RunFile(
        "evaluation/classes.json",
        "evaluation",
        "Why a classifier confuses classes; up to 40 classes.",
        (ClassAnalysis,),
    ),
    RunFile("evaluation/class_means.png", "evaluation", "The mean image of each class, below it its mean outline."),
    RunFile("report.html", "report", "The page."),
    RunFile("figures/", "report", "The figures of the page as SVG and PNG."),
    RunFile(
        "model.onnx, model.reduced-tta.onnx, model.int8.onnx, model.reduced-tta.int8.onnx",
        "export",
        "The exported model. Input `images` (batch, channels, height, width) uint8; outputs `logits` and "
        "`probabilities`, float32. The fields are its metadata, each value JSON.",
        (ExportMetadata,),
    ),
    RunFile(
        "predictions/predictions.json",
        "inference",
        "Predictions on photos that are not part of the dataset, with their masks, overlays and photos beside it.",
        (PredictionRecord,),
    ),
    RunFile(
        "measures/measures.json",
        "buildings",
        "Measures of the buildings in such photos, with their pictures, tables and page beside it; its fields are in "
        "[Folder of measures](measures.md#measuresjson).",
    ),
)
"""Every file of a run folder."""

MEASURES = MeasuresRecord
"""What `measures.json` in a folder of measures holds."""

SWEEP = SweepInfo
"""What `sweep.json` in the folder of a sweep holds."""

SUGGESTIONS = Suggestions
"""What `seamline suggest` writes."""

_WORDS: dict[Any, str] = {
    bool: "true or false",
    int: "whole number",
    float: "number",
    str: "string",
    bytes: "string, base64",
    Any: "any value",
    type(None): "null",
    NanFloat: "number or null",
    Number: "number",
    Positive: "number above 0",
    Count: "whole number",
    Side: "whole number from 1",
    Byte: "whole number, 0 to 255",
    FileName: "file name",
    Color: "list of 3 whole numbers, 0 to 255",
    Estimate: "estimate",
}


def fields_of(type_: type, expanded: dict[type, str] | None = None, prefix: str = "") -> Iterator[Field]:
    """Yield the fields of a struct or of arrays, those of nested structs after the field that holds them.

    Args:
        type_: the struct, or the dataclass of arrays.
        expanded: structs whose fields have been yielded, with their path; these are referred to.
        prefix: path of the struct inside the file.
    """
    expanded = {} if expanded is None else expanded
    descriptions, hints = describe(type_), get_type_hints(type_, include_extras=True)
    for name in _names(type_):
        path, hint, text = f"{prefix}{name}", hints[name], descriptions[name]
        nested = next(_structs(hint), None)
        if nested and (earlier := expanded.get(nested[1])):
            text, nested = f"{text.removesuffix('.')}; its fields are those of `{earlier}`.", None
        yield Field(path, _words(hint), text)
        if nested:
            expanded[nested[1]] = path
            yield from fields_of(nested[1], expanded, f"{path}{nested[0]}.")


def describe(type_: type) -> dict[str, str]:
    """Return the descriptions of a type's fields, from the comments at the end of their lines or above them."""
    descriptions: dict[str, str] = {}
    above: list[str] = []
    for line in inspect.getsource(type_).splitlines():
        if comment := re.fullmatch(r" {4}# (.+)", line):
            above.append(comment[1])
        elif field := re.fullmatch(r" {4}(\w+): .*?(?:  # (.+))?", line):
            text = " ".join([*above, *filter(None, [field[2]])])
            descriptions |= {field[1]: f"{text}."} if text else {}
            above = []
    return descriptions


def reference() -> str:
    """Return the reference as Markdown: a section for each file, with a table of its fields."""
    parts = ['An *estimate* is `{"value": 0.912, "low": 0.904, "high": 0.919}`, a number with its 95 % interval.']
    for file in FILES:
        parts.append(f"### `{file.path}`\n\n{file.purpose} Written by `{file.writer}`.")
        for type_ in file.types:
            if len(file.types) > 1:
                parts.append((type_.__doc__ or "").splitlines()[0])
            parts.append(field_table(type_))
    return "\n\n".join(parts) + "\n"


def inspection() -> str:
    """Return the fields of the report of `inspect` as a Markdown table."""
    return field_table(DatasetReport)


def sweep() -> str:
    """Return the fields of `sweep.json`."""
    return field_table(SWEEP)


def suggestions() -> str:
    """Return the fields of the list that `seamline suggest` writes."""
    return field_table(SUGGESTIONS)


def field_table(type_: type) -> str:
    """Return the fields of a type as a Markdown table."""
    rows = [f"| `{one.path}` | {one.type} | {one.description} |" for one in fields_of(type_)]
    return "\n".join(["| field | type | description |", "| --- | --- | --- |", *rows])


def _names(type_: type) -> tuple[str, ...]:
    if dataclasses.is_dataclass(type_):
        return tuple(field.name for field in dataclasses.fields(type_))
    return tuple(field.name for field in msgspec.structs.fields(type_))


def _words(hint: Any) -> str:
    """Return a type in words."""
    if hint in _WORDS:
        return _WORDS[hint]
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is np.ndarray:
        return "array"
    if origin is Annotated:
        return _words(arguments[0])
    if origin is Literal:
        return " or ".join(f"`{one}`" for one in arguments)
    if origin in (Union, types.UnionType):
        return " or ".join(map(_words, arguments))
    if origin is dict:
        return f"object of {_words(arguments[1])}"
    if origin is tuple and arguments[-1] is Ellipsis:
        return f"list of {_words(arguments[0])}"
    if origin is tuple:
        return f"list of {len(arguments)} × {_words(arguments[0])}"
    return "object"


def _structs(hint: Any) -> Iterator[tuple[str, type]]:
    """Yield the structs inside a type, each with what a path has between the field and the struct's own fields."""
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        if hint is not Estimate:
            yield "", hint
        return
    origin = get_origin(hint)
    suffix = ".*" if origin is dict else "[]" if origin is tuple else ""
    for argument in get_args(hint) if origin is not Literal else ():
        yield from ((suffix + rest, struct) for rest, struct in _structs(argument))
