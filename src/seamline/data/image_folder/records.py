"""What is found in a folder, before anything is decoded."""

from dataclasses import dataclass, field
from pathlib import Path

SPLITS = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "dev": "val",
    "test": "test",
    "testing": "test",
    "test_dev": "test",
}
"""What folders and tables call the splits."""

Point = tuple[float, float]


@dataclass(frozen=True)
class Shape:
    """A polygon of one class.

    Attributes:
        label: the class's name.
        points: at least three, x and y in pixels from the left upper corner of the image.
    """

    label: str
    points: tuple[Point, ...]


@dataclass(frozen=True)
class Item:
    """An image and what is known of it.

    Attributes:
        file: the image.
        name: its path inside the folder, with forward slashes.
        split: `train`, `val`, `test`, or nothing where no split is named.
        label: the class of the whole image, where it has one.
        mask: the file that holds its mask, where there is one.
        shapes: its polygons, where it has such; what no polygon covers is background.
    """

    file: Path
    name: str
    split: str = ""
    label: str | None = None
    mask: Path | None = None
    shapes: tuple[Shape, ...] | None = None


@dataclass(frozen=True)
class Found:
    """What a folder holds.

    Attributes:
        place: the folder, or the table.
        kind: what it is, in words, such as `class folders`.
        items: the images, by split and name.
        classes: names of classes in the order that a file of the folder gives them, empty where none does.
        odd: what is merely odd, a sentence each.
    """

    place: Path
    kind: str
    items: tuple[Item, ...]
    classes: tuple[str, ...] = ()
    odd: tuple[str, ...] = field(default=())


def ordered(items: list[Item]) -> tuple[Item, ...]:
    """Return the items by name, whatever the system's order was."""
    return tuple(sorted(items, key=lambda item: item.name))


def split_of(parts: tuple[str, ...]) -> str:
    """Return the split that one of a path's folders names, nothing where none does."""
    for part in parts:
        if part.lower() in SPLITS:
            return SPLITS[part.lower()]
    return ""
