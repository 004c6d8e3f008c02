"""Inspect an image folder before training: contents, errors and warnings."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from PIL import Image

from seamline.data.checks import dataset_warnings
from seamline.data.dataset import Dataset
from seamline.data.image_folder import detect_format, folder_classes, load_contents
from seamline.data.image_folder.classes import Classes
from seamline.data.image_folder.records import FolderContents, Sample
from seamline.data.image_io import read_image
from seamline.data.limits import map_threads
from seamline.data.masks import mask_values
from seamline.data.near_duplicates.report import DuplicateReport, find_dataset_duplicates
from seamline.errors import SeamlineError, list_first
from seamline.run_folder import Task

Progress = Callable[[int, int], None]

_MAX_SIZES = 4


@dataclass(frozen=True)
class DatasetReport:
    """The report on an image folder.

    Attributes:
        source: the folder or table.
        task: what the labels are for; None where the folder cannot be loaded.
        facts: pairs of a name and a sentence.
        classes: for each class, its name as `class` and its images (of masks: pixels) in `train`, `val`, `test`.
        unreadable: a message for each file that cannot be read.
        errors: what prevents training, with the fix; empty where the folder can be trained on.
        warnings: unusual properties that do not prevent training.
        duplicates: near-duplicate images, None where they could not be searched.
    """

    source: str
    task: Task | None
    facts: tuple[tuple[str, str], ...]
    classes: tuple[dict[str, Any], ...]
    unreadable: tuple[str, ...]
    errors: tuple[str, ...]
    warnings: tuple[str, ...]
    duplicates: DuplicateReport | None

    def to_dict(self) -> dict[str, Any]:
        """Return the report as JSON values."""
        return {
            "source": self.source,
            "task": self.task,
            "facts": dict(self.facts),
            "classes": list(self.classes),
            "unreadable": list(self.unreadable),
            "errors": list(self.errors),
            "warnings": list(self.warnings),
            **({} if self.duplicates is None else self.duplicates.to_dict()),
        }


def inspect_dataset(
    path: Path,
    *,
    size: str | None = None,
    decode_progress: Progress | None = None,
    search_progress: Progress | None = None,
) -> DatasetReport:
    """Inspect an image folder.

    All files that cannot be read are reported; the other checks ignore them.

    Args:
        path: a folder, a CSV of files and labels, or COCO JSON.
        size: size to which images are resized, as for `load_folder`.
        decode_progress: called with the number of images decoded and the total.
        search_progress: called with the steps done and the total while near-duplicates are searched.

    Returns:
        The report.

    Raises:
        SeamlineError: the folder has no supported layout.
    """
    contents = detect_format(path)
    data = None
    errors: list[str] = []
    unreadable: list[str] = []
    try:
        data = load_contents(path, contents, size=size, progress=decode_progress)
    except SeamlineError as error:
        messages = map_threads(_read_error, contents.samples)
        unreadable = list(filter(None, messages))
        errors.append(f"{len(unreadable):,} files cannot be read; replace or remove them" if unreadable else str(error))
    if unreadable:
        readable = [sample for sample, message in zip(contents.samples, messages, strict=True) if not message]
        contents = replace(contents, samples=tuple(readable))
        try:
            data = load_contents(path, contents, size=size, progress=decode_progress) if readable else None
        except SeamlineError as error:
            errors.append(str(error))
    duplicates = None
    warnings = [*contents.warnings]
    if data is not None:
        warnings += dataset_warnings(data)
        if sum(map(len, data.splits)) > 1:
            duplicates = find_dataset_duplicates(data, search_progress)
            warnings += _leak_warnings(duplicates)
    return DatasetReport(
        source=str(path),
        task=None if data is None else data.task,
        facts=tuple(_facts(contents, data, duplicates)),
        classes=() if data is None else tuple(_class_rows(data)),
        unreadable=tuple(unreadable),
        errors=tuple(errors),
        warnings=tuple(warnings),
        duplicates=duplicates,
    )


def _read_error(sample: Sample) -> str:
    """Return why an image or its mask cannot be read, or an empty string."""
    try:
        read_image(sample.file)
        if sample.mask is not None:
            mask_values(sample.mask)
    except SeamlineError as error:
        return str(error)
    return ""


def _facts(contents: FolderContents, data: Dataset | None, duplicates: DuplicateReport | None) -> list[tuple[str, str]]:
    """Return names and sentences that describe the folder."""
    splits = Counter(sample.split or "train" for sample in contents.samples)
    has_splits = len(splits) > 1
    listed = ", ".join(f"{splits[name]:,} {name}" for name in ("train", "val", "test") if splits[name])
    headers = list(filter(None, map_threads(_read_header, [sample.file for sample in contents.samples])))
    kinds = Counter(kind for _, kind in headers)
    facts = [
        ("layout", contents.layout),
        ("images", f"{len(contents.samples):,}" + (f": {listed}" if has_splits else "")),
        ("sizes", _list_sizes(Counter(size for size, _ in headers))),
        ("formats", list_first([f"{kind} ({count:,})" for kind, count in kinds.most_common()])),
    ]
    if not has_splits:
        facts.insert(2, ("splits", "none defined: a fifth becomes the test split, a tenth of the rest validation"))
    if data is not None:
        facts.append(("resized to", data.description.partition("size: ")[2].partition(". ")[0].rstrip(".")))
        facts.append(("channels", "gray" if data.train.images.shape[-1] == 1 else "RGB"))
        if contents.samples[0].mask is not None:
            facts.append(("mask values", _list_mask_values(folder_classes(contents))))
    if duplicates is not None:
        facts.append(("near-duplicates", duplicates.summary().replace("\n", "; ")))
    return facts


def _read_header(file: Path) -> tuple[tuple[int, int], str] | None:
    """Return width and height of an image, and its format and mode; None where it cannot be read."""
    try:
        with Image.open(file) as image:
            return image.size, f"{image.format} {image.mode}"
    except Exception:  # `_read_error` reports it
        return None


def _list_sizes(sizes: Counter[tuple[int, int]]) -> str:
    """List the sizes of images, width x height."""
    if not sizes:
        return "none can be read"
    if len(sizes) <= _MAX_SIZES:
        return ", ".join(f"{width} x {height} ({count:,})" for (width, height), count in sizes.most_common())
    widths, heights = zip(*sizes, strict=True)
    (width, height), count = sizes.most_common(1)[0]
    return (
        f"{len(sizes):,} different ones, {min(widths)} to {max(widths)} wide, {min(heights)} to {max(heights)} high; "
        f"most often {width} x {height} ({count:,})"
    )


def _list_mask_values(classes: Classes) -> str:
    """List the values or colors of masks with their classes."""
    values = (f"#{value:06x}" if classes.by_color else str(value) for value in classes.mask_values)
    listed = ", ".join(f"{value} {name}" for value, name in zip(values, classes.names, strict=True))
    return listed + (f"; {classes.ignore_value} is ignored" if classes.ignore_value >= 0 else "")


def _class_rows(data: Dataset) -> list[dict[str, Any]]:
    """Return for each class its name and its count in each split."""
    return [
        {"class": name, **{split: int(counts[number]) for split, counts in data.class_counts.items()}}
        for number, name in enumerate(data.classes)
    ]


def _leak_warnings(duplicates: DuplicateReport) -> list[str]:
    """Warn of near-duplicates in different splits."""
    leaks = duplicates.leaks
    if not leaks:
        return []
    return [
        f"{len(leaks):,} pairs of related images are in different splits, such as {leaks[0][0]} and {leaks[0][1]}; "
        "training images related to test images are excluded from training"
    ]
