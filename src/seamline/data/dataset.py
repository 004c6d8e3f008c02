"""The type every source returns and every later stage reads."""

import hashlib
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from seamline.data.lazy_array import Images, iter_chunks, joined, taken

IGNORE_INDEX = 255
"""In a mask: a pixel that is of no class and counts nowhere."""


@dataclass(frozen=True, eq=False)
class Split:
    """Images and their labels, decoded, in one fixed order.

    Images and masks are arrays, or `Rows` of arrays that are larger than memory and are read when asked for.

    Attributes:
        images: (N, H, W, C) uint8, values 0..255; C is 1 for grey and 3 for red, green, blue.
        labels: (N,) int64, the class of each image, values 0..K-1; or (N, H, W) uint8, the class of each pixel,
            values 0..K-1 and `IGNORE_INDEX` where a pixel counts nowhere.
        names: N names, each the path of an image inside the dataset, such as `train/00042`.
        groups: (N,) int64; images with the same number are related (one building, say) and must not be torn
            apart by a split. Where every image stands alone the numbers are all different.
    """

    images: Images
    labels: Images
    names: tuple[str, ...]
    groups: NDArray[np.int64]

    def __post_init__(self) -> None:
        """Check that the four parts describe the same images."""
        counts = {len(self.images), len(self.labels), len(self.names), len(self.groups)}
        if len(counts) != 1:
            raise ValueError(f"images, labels, names and groups must be of one length, got lengths {sorted(counts)}")
        if self.images.ndim != 4 or self.images.dtype != np.uint8:
            raise ValueError(f"images must be (N, H, W, C) uint8, got {self.images.shape} {self.images.dtype}")
        if self.labels.ndim != 1 and self.labels.shape != self.images.shape[:3]:
            raise ValueError(f"labels must be (N,) or (N, H, W) of the images' size, got {self.labels.shape}")

    def __len__(self) -> int:
        return len(self.images)

    def take(self, indices: NDArray[np.int64]) -> "Split":
        """Return the images at `indices` (n,), in that order, as a split of their own."""
        names = tuple(self.names[i] for i in indices)
        return Split(taken(self.images, indices), taken(self.labels, indices), names, self.groups[indices])

    def concat(self, other: "Split") -> "Split":
        """Return these images and then those of another split as one."""
        images, labels = (joined([getattr(part, name) for part in (self, other)]) for name in ("images", "labels"))
        return Split(images, labels, self.names + other.names, np.concatenate([self.groups, other.groups]))


@dataclass(frozen=True, eq=False)
class Dataset:
    """A named set of images with its classes: what to learn from, and what to be tested on.

    Attributes:
        name: the name it is called by on the command line, such as `fashion-mnist`.
        title: the name for people, such as `Fashion-MNIST`.
        classes: K class names; label i means `classes[i]`.
        train: the images to learn from; validation images are taken from these.
        test: the images that are looked at once, at the end.
        place: where it came from: a folder, or a sentence such as `synthetic, seed 0`.
        drawn: True where a program drew the images, so that every page made from them can say so.
        note: source, licence and citation, in a sentence.
        colours: red, green and blue, 0..255, of each class in masks and pictures of them, K of them; empty where
            the labels are of whole images.
        grouped: False where several images may show one thing and the groups do not say so yet: then relatives are
            to be found before anything is split.
        val: the images to validate on, where the dataset names them; None where they are taken from `train`.
    """

    name: str
    title: str
    classes: tuple[str, ...]
    train: Split
    test: Split
    place: str
    drawn: bool = False
    note: str = ""
    colours: tuple[tuple[int, int, int], ...] = ()
    grouped: bool = True
    val: Split | None = None

    def __post_init__(self) -> None:
        """Check that classes, labels and colours fit one another, and that training and test images are alike."""
        for split in self.parts:
            for labels in iter_chunks(split.labels):
                named = labels[labels != IGNORE_INDEX] if labels.ndim == 3 else labels
                if named.size and not 0 <= int(named.min()) <= int(named.max()) < len(self.classes):
                    raise ValueError(f"labels must be 0..{len(self.classes) - 1}, got {named.min()}..{named.max()}")
            if self.train.images.shape[1:] != split.images.shape[1:]:
                sizes = self.train.images.shape[1:], split.images.shape[1:]
                raise ValueError(f"training and test images must be of one size, got {sizes[0]} and {sizes[1]}")
            if self.train.labels.ndim != split.labels.ndim:
                raise ValueError("training and test labels must be of one kind: a class an image, or masks")
        if len(self.colours) != (len(self.classes) if self.segments else 0):
            raise ValueError(f"masks need a colour for each of {len(self.classes)} classes, got {len(self.colours)}")

    @property
    def segments(self) -> bool:
        """Whether the labels are masks: a class for each pixel."""
        return bool(self.train.labels.ndim == 3)

    @property
    def parts(self) -> tuple[Split, ...]:
        """The splits it has: training, test, and validation where it names one."""
        return (self.train, self.test) if self.val is None else (self.train, self.test, self.val)

    @property
    def named(self) -> dict[str, Split]:
        """The splits that have images, by name: `train`, `val`, `test`."""
        parts = {"train": self.train, "val": self.val, "test": self.test}
        return {name: part for name, part in parts.items() if part is not None and len(part)}

    @cached_property
    def class_counts(self) -> dict[str, NDArray[np.int64]]:
        """(K,) int64 for each split that has images: images of each class, or pixels where labels are masks."""
        return {name: _counted(part.labels, len(self.classes)) for name, part in self.named.items()}

    def with_groups(self, groups: NDArray[np.int64]) -> "Dataset":
        """Return the same images with the groups that were found: a number for each image, part after part."""
        ends = np.cumsum([len(part) for part in self.parts])[:-1]
        train, test, *rest = (
            replace(part, groups=its) for part, its in zip(self.parts, np.split(groups, ends), strict=True)
        )
        return replace(self, train=train, test=test, val=rest[0] if rest else None, grouped=True)

    @cached_property
    def fingerprint(self) -> str:
        """32 hexadecimal digits of SHA-256 over classes, images, labels and groups; equal only for equal data."""
        digest = hashlib.sha256("\n".join(self.classes).encode())
        for part in self.parts:
            for array in (part.images, part.labels, part.groups):
                digest.update(str(array.shape).encode())
                for piece in iter_chunks(array):
                    digest.update(np.ascontiguousarray(piece).data)
        return digest.hexdigest()[:32]


def _counted(labels: Images, classes: int) -> NDArray[np.int64]:
    """Count the labels of each class; `IGNORE_INDEX` is none."""
    counts = np.zeros(classes, np.int64)
    for piece in iter_chunks(labels):
        counts += np.bincount(piece[piece < classes].ravel(), minlength=classes)
    return counts
