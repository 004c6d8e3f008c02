"""Dataset and Split: what every source returns and every later stage reads."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from seamline.data.lazy_array import ArrayLike, concat, evenly_spaced, iter_chunks, take
from seamline.run_folder import ClassMap, GroupingInfo, ReferenceImage, ReferenceResult, Task, UnusedData

IGNORE_INDEX = 255
"""Value of mask pixels that belong to no class and are not counted."""
MIN_PHOTO_SIDE = 64
"""Shorter side in pixels from which on a model of color photos starts from pretrained features."""


class ImageRecord(NamedTuple):
    """Where an image comes from."""

    file: Path  # the image
    folder: str = ""  # its folder without the folders of split and class, such as `site-3/camera-1`
    columns: Mapping[str, str] = MappingProxyType({})  # the other columns of its row, where a table lists it


@dataclass(frozen=True)
class DatasetPart:
    """One of several datasets that are used as one, with the classes of all."""

    name: str  # what the user called it, such as `streets`
    title: str  # the display name
    # (K) for each class the one that its labels name: itself, or another one from which this dataset does not tell it
    # apart, such as facade for pillar
    merged: tuple[int, ...]
    source: str = ""  # where its images come from: a folder, or a sentence
    class_map: ClassMap = field(default_factory=ClassMap)  # how the classes of its source became its own
    synthetic: bool = False  # whether a program drew its images


@dataclass(frozen=True, eq=False)
class Split:
    """Decoded images and their labels, in a fixed order.

    Images and masks are arrays, or a `LazyArray` where they are larger than memory.

    Attributes:
        images: (N, H, W, C) uint8, 0..255; C is 1 for grayscale and 3 for RGB.
        labels: (N,) int64, the class of each image, 0..K-1; or (N, H, W) uint8, the class of each pixel, 0..K-1 or
            `IGNORE_INDEX`.
        names: N names, each the path of an image inside the dataset, such as `train/00042`.
        groups: (N,) int64; images with the same number are related (one building, for example) and must stay on one
            side of a split. Unrelated images have different numbers.
        parts: (N,) int64, the number in `Dataset.parts` of each image; None where the dataset has no parts.
    """

    images: ArrayLike
    labels: ArrayLike
    names: tuple[str, ...]
    groups: NDArray[np.int64]
    parts: NDArray[np.int64] | None = None

    def __post_init__(self) -> None:
        """Check that all fields describe the same images."""
        lengths = {len(self.images), len(self.labels), len(self.names), len(self.groups)}
        lengths |= set() if self.parts is None else {len(self.parts)}
        if len(lengths) != 1:
            raise ValueError(f"images, labels, names and groups must have one length, got lengths {sorted(lengths)}")
        if len(self.images.shape) != 4 or self.images.dtype != np.uint8:
            raise ValueError(f"images must be (N, H, W, C) uint8, got {self.images.shape} {self.images.dtype}")
        if self.labels.shape not in (self.images.shape[:1], self.images.shape[:3]):
            raise ValueError(f"labels must be (N,) or (N, H, W) of the images' size, got {self.labels.shape}")

    def __len__(self) -> int:
        return len(self.images)

    def select(self, indices: NDArray[np.int64]) -> "Split":
        """Return some of the images, in a given order.

        Args:
            indices: (n,) int64, positions in this split.

        Returns:
            A split of n images.
        """
        names = tuple(self.names[i] for i in indices)
        parts = None if self.parts is None else self.parts[indices]
        return Split(take(self.images, indices), take(self.labels, indices), names, self.groups[indices], parts)

    def evenly_spaced(self, count: int) -> "Split":
        """Return evenly spaced images.

        Args:
            count: how many, at least 1.

        Returns:
            A split of `count` images, or of all where there are no more.
        """
        return self.select(evenly_spaced(len(self), count)) if count < len(self) else self

    def concat(self, *others: "Split") -> "Split":
        """Return these images followed by those of other splits.

        Args:
            others: images of the same shape and task.

        Returns:
            A split of all; without parts unless each has them.
        """
        if not others:
            return self
        splits = (self, *others)
        parts = [split.parts for split in splits if split.parts is not None]
        return Split(
            concat([split.images for split in splits]),
            concat([split.labels for split in splits]),
            tuple(name for split in splits for name in split.names),
            np.concatenate([split.groups for split in splits]),
            np.concatenate(parts) if len(parts) == len(splits) else None,
        )


@dataclass(frozen=True, eq=False)
class Dataset:
    """A named set of images with classes and splits.

    Attributes:
        name: the name on the command line, such as `fashion-mnist`.
        title: the display name, such as `Fashion-MNIST`.
        classes: K class names; label i means `classes[i]`.
        train: the training images; validation images are taken from these unless `val` is given.
        test: the test images.
        source: where the images come from: a folder, or a sentence such as `synthetic, seed 0`.
        task: `classification` where a label is one class per image, `segmentation` where labels are masks.
        synthetic: whether a program drew the images; every page about them says so.
        description: source, license and citation in a sentence.
        palette: K RGB colors, 0..255, of the classes in masks; empty for classification.
        has_groups: False where related images exist that the groups do not tell yet; near-duplicates must then be
            searched before the images are split.
        val: the validation images, where the dataset defines them.
        reference_results: published results on its images.
        reference_images: images that reports always show.
        unused: what is in the user's folder and not used.
        warnings: sentences about unusual properties of the user's files.
        bit_depth: bits of values that the files store in 16; 0 where no file has 16.
        grouping: which images belong together.
        groups_detected: whether the groups were detected in the pixels; else they came with the dataset.
        records: where each image comes from, by name; empty where images are not files of the user.
        parts: the datasets that it was made of; empty where it is a single one.
        class_map: how the classes of its source became `classes`.
        min_test_groups: groups of related images, of each class of whole images, below which no test images are drawn;
            0 draws them always.
    """

    name: str
    title: str
    classes: tuple[str, ...]
    train: Split
    test: Split
    source: str
    task: Task = field(kw_only=True)
    synthetic: bool = False
    description: str = ""
    palette: tuple[tuple[int, int, int], ...] = ()
    has_groups: bool = True
    val: Split | None = None
    reference_results: tuple[ReferenceResult, ...] = ()
    reference_images: tuple[ReferenceImage, ...] = ()
    unused: tuple[UnusedData, ...] = ()
    warnings: tuple[str, ...] = ()
    bit_depth: int = 0
    grouping: GroupingInfo = field(default_factory=GroupingInfo)
    groups_detected: bool = False
    records: Mapping[str, ImageRecord] = field(default_factory=dict, repr=False)
    parts: tuple[DatasetPart, ...] = ()
    class_map: ClassMap = field(default_factory=ClassMap)
    min_test_groups: int = 0

    def __post_init__(self) -> None:
        """Check that task, classes, labels and palette agree, and that all splits have images of one size."""
        size = self.train.images.shape[1:]
        for split in self.splits:
            if split.images.shape[1:] != size:
                raise ValueError(f"images of all splits must have one size, got {size} and {split.images.shape[1:]}")
            if split.labels.shape[1:] != (size[:2] if self.task == "segmentation" else ()):
                raise ValueError(f"labels of shape {split.labels.shape} do not fit the task {self.task}")
            for labels in iter_chunks(split.labels):
                counted = labels[labels != IGNORE_INDEX] if self.task == "segmentation" else labels
                if counted.size and not 0 <= int(counted.min()) <= int(counted.max()) < len(self.classes):
                    raise ValueError(f"labels must be 0..{len(self.classes) - 1}, got {counted.min()}..{counted.max()}")
        if len(self.palette) != (len(self.classes) if self.task == "segmentation" else 0):
            raise ValueError(
                f"{self.task} with {len(self.classes)} classes does not fit a palette of {len(self.palette)} colors"
            )

    @property
    def splits(self) -> tuple[Split, ...]:
        """Training and test split, and the validation split where the dataset defines one."""
        return (self.train, self.test) if self.val is None else (self.train, self.test, self.val)

    @property
    def splits_by_name(self) -> dict[str, Split]:
        """The splits that hold images, by name: `train`, `val`, `test`."""
        splits = {"train": self.train, "val": self.val, "test": self.test}
        return {name: split for name, split in splits.items() if split}

    @cached_property
    def class_counts(self) -> dict[str, NDArray[np.int64]]:
        """(K,) int64 for each split that holds images: the images of each class, of masks the pixels."""
        return {name: count_classes(split.labels, len(self.classes)) for name, split in self.splits_by_name.items()}

    @property
    def too_few_to_test(self) -> bool:
        """Whether it has no test images, and too few groups to draw any: see `min_test_groups`."""
        if not self.min_test_groups or len(self.test) or self.val is not None:
            return False
        kinds = 1 if self.task == "segmentation" else len(np.unique(self.train.labels[:]))
        return len(np.unique(self.train.groups)) < self.min_test_groups * kinds

    @property
    def groups(self) -> NDArray[np.int64]:
        """(N,) int64, the group of each image of `splits`, one split after the other."""
        return np.concatenate([split.groups for split in self.splits])

    def with_groups(self, groups: NDArray[np.int64]) -> "Dataset":
        """Return the dataset with other groups.

        Args:
            groups: (N,) int64, a group number for each image of `splits`, one split after the other.

        Returns:
            A dataset of the same images.
        """
        ends = np.cumsum([len(split) for split in self.splits])[:-1]
        train, test, *val = (
            replace(split, groups=its) for split, its in zip(self.splits, np.split(groups, ends), strict=True)
        )
        return replace(self, train=train, test=test, val=val[0] if val else None, has_groups=True)

    @cached_property
    def fingerprint(self) -> str:
        """32 hexadecimal digits of SHA-256 over classes, images, labels and groups; equal only for equal data."""
        digest = hashlib.sha256("\n".join(self.classes).encode())
        if self.parts:
            digest.update(repr([part.merged for part in self.parts]).encode())
        for split in self.splits:
            parts = () if split.parts is None else (split.parts,)
            for array in (split.images, split.labels, split.groups, *parts):
                digest.update(str(array.shape).encode())
                for chunk in iter_chunks(array):
                    digest.update(np.ascontiguousarray(chunk).data)
        return digest.hexdigest()[:32]


def count_classes(labels: ArrayLike, classes: int) -> NDArray[np.int64]:
    """Return the labels of each class, (K,) int64, of labels (N,) or (N, H, W); `IGNORE_INDEX` is not counted."""
    counts = np.zeros(classes, np.int64)
    for chunk in iter_chunks(labels):
        counts += np.bincount(chunk[chunk < classes].ravel(), minlength=classes)
    return counts
