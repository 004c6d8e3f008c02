"""Contents of an image folder before anything is decoded: samples, labels, masks and polygons."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from seamline.run_folder import Task, UnusedData

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
"""Names of splits in folders and tables."""

BACKGROUND = "background"
"""The class of pixels that no polygon covers."""

Point = tuple[float, float]


@dataclass(frozen=True)
class Polygon:
    """A polygon of one class."""

    label: str  # name of the class
    points: tuple[Point, ...]  # three or more corners, x and y in pixels from the top left corner of the image


@dataclass(frozen=True)
class Sample:
    """An image with its label."""

    file: Path  # the image
    name: str  # its path inside the folder, with forward slashes
    split: str = ""  # `train`, `val`, `test`, or empty where no split is given
    label: str | None = None  # the class of the image, where labels are per image
    mask: Path | None = None  # the file of its mask, where masks are files
    polygons: tuple[Polygon, ...] | None = None  # its polygons, where masks are drawn from polygons


@dataclass(frozen=True)
class FolderContents:
    """What a folder or table contains."""

    root: Path  # the folder, or the table
    layout: str  # the layout in words, such as `class folders`
    samples: Sequence[Sample]  # the samples; `detect_format` sorts them by name
    classes: tuple[str, ...] = ()  # class names in the order that a file gives, empty where none does
    sources: tuple[Path, ...] = ()  # files besides images and masks that were read, such as tables and JSON
    unused: tuple[UnusedData, ...] = ()  # what is there and not used; `detect_format` adds the files
    warnings: tuple[str, ...] = ()  # sentences about unusual properties

    @property
    def task(self) -> Task:
        """What the labels are for."""
        return "segmentation" if self.samples[0].label is None else "classification"

    @property
    def folder(self) -> Path:
        """The folder, or the folder of the table."""
        return self.root if self.root.is_dir() else self.root.parent


def split_from_path(parts: tuple[str, ...]) -> str:
    """Return the split that one of a path's folders names, or an empty string."""
    return next((SPLITS[part.lower()] for part in parts if part.lower() in SPLITS), "")
