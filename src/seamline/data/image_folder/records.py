"""Contents of an image folder before anything is decoded: samples, labels, masks and polygons."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from seamline.run_folder import Task

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
    """A polygon of one class.

    Attributes:
        label: name of the class.
        points: three or more corners, x and y in pixels from the top left corner of the image.
    """

    label: str
    points: tuple[Point, ...]


@dataclass(frozen=True)
class Sample:
    """An image with its label.

    Attributes:
        file: the image.
        name: its path inside the folder, with forward slashes.
        split: `train`, `val`, `test`, or empty where no split is given.
        label: the class of the image, where labels are per image.
        mask: the file of its mask, where masks are files.
        polygons: its polygons, where masks are drawn from polygons.
    """

    file: Path
    name: str
    split: str = ""
    label: str | None = None
    mask: Path | None = None
    polygons: tuple[Polygon, ...] | None = None


@dataclass(frozen=True)
class FolderContents:
    """What a folder or table contains.

    Attributes:
        root: the folder, or the table.
        layout: the layout in words, such as `class folders`.
        samples: the samples; `detect_format` sorts them by name.
        classes: class names in the order that a file gives, empty where none does.
        warnings: sentences about what was skipped.
    """

    root: Path
    layout: str
    samples: Sequence[Sample]
    classes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

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
