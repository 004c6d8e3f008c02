"""Inspect an image folder before training: contents, errors and warnings."""

from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from msgspec import to_builtins

from seamline.data.checks import dataset_warnings
from seamline.data.image_folder import detect_format, load_contents
from seamline.data.image_folder.load import LoadedFolder, Progress
from seamline.data.image_folder.records import FolderContents, Sample
from seamline.data.image_io import read_header, read_image
from seamline.data.limits import map_threads
from seamline.data.masks import mask_values
from seamline.data.near_duplicates.report import DuplicateReport, find_dataset_duplicates
from seamline.errors import SeamlineError, list_first
from seamline.run_folder import Task, UnusedData

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
        unused: what is in the folder and not used.
        duplicates: near-duplicate images, None where they could not be searched.
    """

    source: str
    task: Task | None
    facts: tuple[tuple[str, str], ...]
    classes: tuple[dict[str, Any], ...]
    unreadable: tuple[str, ...]
    errors: tuple[str, ...]
    warnings: tuple[str, ...]
    unused: tuple[UnusedData, ...]
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
            "unused": to_builtins(self.unused),
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

    Raises:
        SeamlineError: the folder has no supported layout.
    """
    contents = detect_format(path)
    loaded, contents, unreadable, errors = _load_readable(path, contents, size, decode_progress)
    facts = _file_facts(contents)
    warnings = [*contents.warnings] if loaded is None else []
    classes: list[dict[str, Any]] = []
    duplicates = None
    if loaded is not None:
        data = loaded.data
        facts += _data_facts(loaded, contents)
        warnings += dataset_warnings(data)
        counts = {split: values.tolist() for split, values in data.class_counts.items()}
        classes = [
            {"class": name, **{split: values[number] for split, values in counts.items()}}
            for number, name in enumerate(data.classes)
        ]
        if sum(map(len, data.splits)) > 1:
            duplicates = find_dataset_duplicates(data, search_progress)
            facts.append(("near-duplicates", duplicates.summary().replace("\n", "; ")))
            warnings += _leak_warnings(duplicates)
    return DatasetReport(
        source=str(path),
        task=None if loaded is None else loaded.data.task,
        facts=tuple(facts),
        classes=tuple(classes),
        unreadable=tuple(unreadable),
        errors=tuple(errors),
        warnings=tuple(warnings),
        unused=contents.unused if loaded is None else loaded.data.unused,
        duplicates=duplicates,
    )


def _load_readable(
    path: Path, contents: FolderContents, size: str | None, progress: Progress | None
) -> tuple[LoadedFolder | None, FolderContents, list[str], list[str]]:
    """Load the files that can be read; also return them, a message for each of the others, and errors."""
    try:
        return load_contents(path, contents, size=size, progress=progress), contents, [], []
    except SeamlineError as error:
        messages = map_threads(_read_error, contents.samples)
        unreadable = list(filter(None, messages))
        if not unreadable:
            return None, contents, [], [str(error)]
    errors = [f"{len(unreadable):,} files cannot be read; replace or remove them"]
    readable = [sample for sample, message in zip(contents.samples, messages, strict=True) if not message]
    contents = replace(contents, samples=readable)
    loaded = None
    if readable:
        try:
            loaded = load_contents(path, contents, size=size, progress=progress)
        except SeamlineError as error:
            errors.append(str(error))
    return loaded, contents, unreadable, errors


def _read_error(sample: Sample) -> str:
    """Return why an image or its mask cannot be read, or an empty string."""
    try:
        read_image(sample.file)
        for file in sample.files[1:]:
            mask_values(file)
    except SeamlineError as error:
        return str(error)
    return ""


def _file_facts(contents: FolderContents) -> list[tuple[str, str]]:
    """Return names and sentences that describe the files of a folder."""
    splits = Counter(sample.split or "train" for sample in contents.samples)
    listed = ", ".join(f"{splits[name]:,} {name}" for name in ("train", "val", "test") if splits[name])
    headers = list(filter(None, map_threads(read_header, [sample.file for sample in contents.samples])))
    kinds = Counter(header.kind for header in headers)
    facts = [
        ("layout", contents.layout),
        ("images", f"{len(contents.samples):,}" + (f": {listed}" if len(splits) > 1 else "")),
        ("sizes", _list_sizes(Counter(header.size for header in headers))),
        ("formats", list_first([f"{kind} ({count:,})" for kind, count in kinds.most_common()])),
    ]
    if len(splits) == 1:
        facts.insert(
            2, ("splits", "none defined: a fifth becomes the test split, a tenth of the rest the validation split")
        )
    return facts


def _data_facts(loaded: LoadedFolder, contents: FolderContents) -> list[tuple[str, str]]:
    """Return names and sentences that describe decoded images and masks."""
    channels = "gray" if loaded.data.train.images.shape[-1] == 1 else "RGB"
    facts = [("resized to", loaded.size.reason), ("channels", channels)]
    classes = loaded.classes
    if classes.mask_values:
        values = (f"#{value:06x}" if classes.by_color else str(value) for value in classes.mask_values)
        listed = ", ".join(f"{value} {name}" for value, name in zip(values, classes.names, strict=True))
        others = (f"#{value:06x}" if classes.by_color else str(value) for value in classes.ignored)
        ignored = f"; ignored: {', '.join(others)}" if classes.ignored else ""
        facts.append(("mask values", listed + ignored))
    return facts


def _list_sizes(sizes: Counter[tuple[int, int]]) -> str:
    """List sizes (height, width) of images as width x height."""
    if not sizes:
        return "none can be read"
    if len(sizes) <= _MAX_SIZES:
        return ", ".join(f"{width} x {height} ({count:,})" for (height, width), count in sizes.most_common())
    heights, widths = zip(*sizes, strict=True)
    (height, width), count = sizes.most_common(1)[0]
    return (
        f"{len(sizes):,} different sizes, {min(widths)} to {max(widths)} wide, {min(heights)} to {max(heights)} high; "
        f"most often {width} x {height} ({count:,})"
    )


def _leak_warnings(duplicates: DuplicateReport) -> list[str]:
    """Warn of near-duplicates in different splits."""
    leaks = duplicates.leaks
    if not leaks:
        return []
    return [
        f"{len(leaks):,} pairs of related images are in different splits, such as {leaks[0][0]} and {leaks[0][1]}; "
        "training images related to test images are excluded from training"
    ]
