"""Contents of an image folder before anything is decoded: samples, labels, masks and polygons."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from seamline.data.masks import Color
from seamline.run_folder import ClassMap, Task, UnusedData

BACKGROUND = "background"
"""The class of pixels that no polygon covers."""

Point = tuple[float, float]


@dataclass(frozen=True)
class Polygon:
    """A polygon of one class."""

    label: str  # name of the class
    points: tuple[Point, ...]  # three or more corners, x and y in pixels from the top left corner of the image


@dataclass(frozen=True)
class RunLengthMask:
    """The pixels of one class in an image, as runs."""

    label: str  # name of the class
    size: tuple[int, int]  # height and width of the image in pixels
    # lengths of the runs, column by column from the top left corner, the first one outside the region; they add up to
    # height times width
    counts: tuple[int, ...]


Shape = Polygon | RunLengthMask
"""A region of one class in an image."""


@dataclass(frozen=True)
class MaskClass:
    """What a value or color of mask files means."""

    name: str  # name of the class
    value: int  # the value, or the color as 0xRRGGBB
    color: Color | None = None  # the color in which the class is shown


@dataclass(frozen=True)
class MaskLegend:
    """The meaning of the values or colors of mask files, where a layout defines it."""

    classes: tuple[MaskClass, ...]  # the classes, in order
    by_color: bool = False  # whether values are colors
    ignored: tuple[int, ...] = ()  # values or colors of pixels that are not used
    source: str = ""  # what defines it, such as the name of a file


@dataclass(frozen=True)
class Sample:
    """An image with its label."""

    file: Path  # the image
    name: str  # its path inside the folder, with forward slashes
    split: str = ""  # `train`, `val`, `test`, or empty where no split is given
    label: str | None = None  # the class of the image, where labels are per image
    mask: Path | None = None  # the file of its mask, where masks are files
    polygons: tuple[Shape, ...] | None = None  # its polygons and runs, where masks are drawn from them
    # height and width of the image for which a file gives the polygons, where it states them
    label_size: tuple[int, int] | None = None
    # files of masks whose nonzero pixels are the foreground, one per object
    instances: tuple[Path, ...] | None = None
    # the other columns of its row, where a table lists the image
    columns: Mapping[str, str] = field(default_factory=dict, repr=False, compare=False)

    @property
    def files(self) -> tuple[Path, ...]:
        """The image and its masks."""
        masks = () if self.mask is None else (self.mask,)
        return (self.file, *masks, *(self.instances or ()))


@dataclass(frozen=True)
class FolderContents:
    """What a folder or table contains."""

    root: Path  # the folder, or the table
    layout: str  # the layout in words, such as `class folders`
    samples: Sequence[Sample]  # the samples; `detect_format` sorts them by name
    classes: tuple[str, ...] = ()  # class names in the order that a file gives, empty where none does
    sources: tuple[Path, ...] = ()  # files besides images and masks that were read, such as tables and JSON
    legend: MaskLegend | None = None  # the meaning of the values in mask files, where the layout defines it
    other_masks: tuple[Path, ...] = ()  # masks in other forms, such as a number per object, which are not used
    unfinished: tuple[Path, ...] = ()  # masks of corrections whose image was not saved, which are not used
    unused: tuple[UnusedData, ...] = ()  # what is there and not used; `detect_format` adds the files
    warnings: tuple[str, ...] = ()  # sentences about unusual properties
    class_map: ClassMap = field(default_factory=ClassMap)  # how its classes are renamed, merged and painted

    @property
    def task(self) -> Task:
        """What the labels are for."""
        return "segmentation" if self.samples[0].label is None else "classification"

    @property
    def folder(self) -> Path:
        """The folder, or the folder of the table."""
        return self.root if self.root.is_dir() else self.root.parent
