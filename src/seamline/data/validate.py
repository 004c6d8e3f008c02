"""Looks at a user's folder before anything is trained: what is there, what cannot work, and what is merely odd."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from PIL import Image

from seamline.data.checks import dataset_warnings
from seamline.data.dataset import Dataset
from seamline.data.image_folder import classes_in, load_found, see
from seamline.data.image_folder.classes import Classes
from seamline.data.image_folder.records import Found, Item
from seamline.data.image_io import read_image
from seamline.data.masks import mask_values
from seamline.data.near_duplicates.report import DuplicateReport, audit_dataset
from seamline.data.parallel import in_order
from seamline.errors import SeamlineError

Progress = Callable[[int, int], None]

_MOST = 4  # sizes and modes that are listed


@dataclass(frozen=True)
class DatasetReport:
    """What was found in a folder.

    Attributes:
        place: the folder or table.
        facts: what there is: a name and a sentence each.
        classes: a row a class: its name and images (of masks: pixels) in `train`, `val`, `test`.
        unit: what the rows count: `images` or `pixels`.
        unreadable: files that cannot be read, each with its line.
        wrong: what stands in the way of training, with the cure; nothing where it can be trained on.
        odd: what is merely odd.
        relatives: repeats and crops of one scene, None where they could not be looked for.
    """

    place: str
    facts: tuple[tuple[str, str], ...]
    classes: tuple[dict[str, Any], ...]
    unit: str
    unreadable: tuple[str, ...]
    wrong: tuple[str, ...]
    odd: tuple[str, ...]
    relatives: DuplicateReport | None

    def json(self) -> dict[str, Any]:
        """Return all of it as JSON holds it."""
        return {
            "place": self.place,
            "facts": dict(self.facts),
            "classes": list(self.classes),
            "unit": self.unit,
            "unreadable": list(self.unreadable),
            "wrong": list(self.wrong),
            "odd": list(self.odd),
            **({} if self.relatives is None else self.relatives.json()),
        }


def inspect_dataset(
    place: Path, *, size: str | None = None, reading: Progress | None = None, looking: Progress | None = None
) -> DatasetReport:
    """Look at own images, as `seamline audit FOLDER` does.

    Files that cannot be read are all named, and left out for the rest of the examination.

    Args:
        place: a folder, a CSV of files and labels, or COCO JSON.
        size: what images are brought to, as `load_folder` takes it.
        reading: called with images decoded and images in all.
        looking: called with the steps of looking for relatives.

    Raises:
        SeamlineError: it is nothing that can be learned from, so there is nothing to examine.
    """
    found = see(place)
    wrong: list[str] = []
    unreadable: list[str] = []
    data = None
    try:
        data = load_found(place, found, size=size, progress=reading)
    except SeamlineError as error:
        troubles = in_order(_trouble, found.items)
        unreadable = [line for line in troubles if line]
        several = f"{len(unreadable):,} files cannot be read; get them again or leave them out"
        wrong.append(several if unreadable else str(error))
    if unreadable:
        good = tuple(item for item, line in zip(found.items, troubles, strict=True) if not line)
        found = replace(found, items=good)
        try:
            data = load_found(place, found, size=size, progress=reading) if good else None
        except SeamlineError as error:
            wrong.append(str(error))
    relatives = None if data is None or sum(map(len, data.splits)) < 2 else _relatives(data, looking)
    odd = [*found.odd, *(() if data is None else dataset_warnings(data)), *_across(relatives)]
    return DatasetReport(
        str(place),
        tuple(_facts(found, data, relatives)),
        () if data is None else tuple(_classes(data)),
        "pixels" if data is not None and data.task == "segmentation" else "images",
        tuple(unreadable),
        tuple(wrong),
        tuple(odd),
        relatives,
    )


def _relatives(data: Dataset, looking: Progress | None) -> DuplicateReport:
    """Look for relatives within and across the splits that a folder names."""
    named = zip(("train", "test", "val"), data.splits, strict=False)
    splits = tuple(name for name, part in named for _ in range(len(part)))
    return replace(audit_dataset(data, looking), splits=splits)


def _trouble(item: Item) -> str:
    """Return why an image or its mask cannot be read; nothing where both can."""
    try:
        read_image(item.file)
        if item.mask is not None:
            mask_values(item.mask)
    except SeamlineError as error:
        return str(error)
    return ""


def _facts(found: Found, data: Dataset | None, relatives: DuplicateReport | None) -> list[tuple[str, str]]:
    """Return what there is, a name and a sentence each."""
    splits = Counter(item.split or "train" for item in found.items)
    named = len(splits) > 1
    shown = ", ".join(f"{splits[name]:,} {name}" for name in ("train", "val", "test") if splits[name])
    heads = [head for head in in_order(_head, [item.file for item in found.items]) if head]
    sizes = Counter(size for size, _ in heads)
    facts = [("what it is", found.kind), ("images", f"{len(found.items):,}" + (f": {shown}" if named else ""))]
    if not named:
        facts.append(("splits", "none named: a fifth is set aside for the test, a tenth of the rest for validation"))
    facts.append(("sizes", _sizes(sizes)))
    facts.append(("formats", _most(Counter(kind for _, kind in heads))))
    if data is not None:
        facts.append(("read as", data.description.partition("size: ")[2].partition(". ")[0].rstrip(".")))
        facts.append(("channels", "grey" if data.train.images.shape[-1] == 1 else "colour"))
        if found.items[0].mask is not None:
            facts.append(("marks in masks", _marks(classes_in(found))))
    if relatives is not None:
        facts.append(("repeats and relatives", relatives.summary().replace("\n", "; ")))
    return facts


def _head(file: Path) -> tuple[tuple[int, int], str] | None:
    """Return an image's width and height, and its format and mode in words; None where it cannot be read."""
    try:
        with Image.open(file) as image:
            return image.size, f"{image.format} {image.mode}"
    except Exception:  # told elsewhere
        return None


def _sizes(sizes: Counter[tuple[int, int]]) -> str:
    """Say of which sizes images are, width x height."""
    if not sizes:
        return "none can be read"
    if len(sizes) <= _MOST:
        return ", ".join(f"{width} x {height} ({count:,})" for (width, height), count in sizes.most_common())
    widths, heights = ([size[axis] for size in sizes] for axis in (0, 1))
    (width, height), count = sizes.most_common(1)[0]
    return (
        f"{len(sizes):,} different ones, {min(widths)} to {max(widths)} wide, {min(heights)} to {max(heights)} high; "
        f"most often {width} x {height} ({count:,})"
    )


def _marks(classes: Classes) -> str:
    """Say which values or colours of masks stand for which class."""
    shown = (f"#{mark:06x}" if classes.by_colour else str(mark) for mark in classes.marks)
    told = ", ".join(f"{mark} {name}" for mark, name in zip(shown, classes.names, strict=True))
    return told + (f"; {classes.ignored} counts nowhere" if classes.ignored >= 0 else "")


def _most(kinds: Counter[str]) -> str:
    more = len(kinds) - _MOST
    shown = ", ".join(f"{kind} ({count:,})" for kind, count in kinds.most_common(_MOST))
    return shown + (f" and {more} more" if more > 0 else "")


def _classes(data: Dataset) -> list[dict[str, Any]]:
    """Return a row a class: how much of it there is in each split."""
    return [
        {"class": name, **{split: int(count[place]) for split, count in data.class_counts.items()}}
        for place, name in enumerate(data.classes)
    ]


def _across(relatives: DuplicateReport | None) -> list[str]:
    """Tell of relatives on two sides of the splits that the folder names."""
    if relatives is None or len(set(relatives.splits)) < 2 or not relatives.cross_split:
        return []
    one, other = relatives.cross_split[0]
    return [
        f"{len(relatives.cross_split):,} pairs of related images stand in different splits, such as {one} and {other}; "
        "training leaves those out that are related to test images"
    ]
