"""The mini facade set of the universities of Michigan and Berkeley: 256 x 256 crops of facades, five classes."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from seamline.data.dataset import Dataset
from seamline.data.downloads import Progress
from seamline.data.sources.image_mask_pairs import read_pairs
from seamline.data.sources.locate import alternatives, find_files, refuse_missing
from seamline.errors import DatasetUnavailableError
from seamline.run_folder import ReferenceResult

NAME = "facades"

CLASSES = ("other", "facade", "pillar", "window", "balcony")
"""Class names of all facade datasets; a mask's value i means `CLASSES[i]`."""

PALETTE = ((0, 0, 0), (0, 128, 255), (128, 255, 128), (255, 128, 0), (255, 0, 0))
"""RGB color of each class: black, blue, green, orange and red, as in the palettes of the masks."""

DESCRIPTION = (
    "Source: the mini facade set of the universities of Michigan and Berkeley, cut from the CMP Facade Database, "
    "https://cmp.felk.cvut.cz/~tylecr1/facade/, which is published for research; one mirror of the database labels it "
    "MIT. Cite: R. Tyleček and R. Šára, Spatial Pattern Templates for Recognition of Objects with Regular Structure, "
    "GCPR 2013."
)

SPLIT_FOLDERS = ("train", "test_dev")
"""Folders of the training and the test images."""


def _course_result(overall: float, *per_class: float) -> ReferenceResult:
    return ReferenceResult(
        name=f"Course, {overall:g}",
        source="a best documented course result on the same images",
        note="ranked by logits",
        images=114,
        input_size=(256, 256),
        metric="ap",
        overall=overall,
        per_class=dict(zip(CLASSES, per_class, strict=True)),
    )


REFERENCE_RESULTS = (
    _course_result(0.63, 0.59, 0.72, 0.26, 0.87, 0.71),
    _course_result(0.624, 0.685, 0.792, 0.227, 0.843, 0.574),
)
"""The best documented results of others on the test images."""


def load(folder: Path | None = None, *, progress: Progress | None = None, timeout: float = 20.0) -> Dataset:
    """Load the mini facade set from a folder; it cannot be downloaded. See `DatasetSpec.load`.

    The set is read from `folder` or its folder `facades`, else from `$SEAMLINE_DATA/facades`. Its folders `train` and
    `test_dev` contain images (`.jpg`) and their masks (`.png` of the same stem), all of one size; it may be incomplete.

    The set contains several crops of each building, but not which ones, so near-duplicates must be searched before it
    is split (`has_groups` is False).

    Returns:
        The dataset: images (N, H, W, 3) uint8 and labels (N, H, W) uint8, by name, every image a group of its own.

    Raises:
        DatasetUnavailableError: no folder is given and none is found.
        SeamlineError: a split is missing, or a file is invalid.
    """
    location = find_files(NAME, folder, _list_splits)
    if location is None:
        raise DatasetUnavailableError(
            f"the mini facade set is not on this machine and cannot be downloaded; {alternatives('synthetic-facades')}"
        )
    refuse_missing("the mini facade set", SPLIT_FOLDERS, location)
    train_folder, test_folder = (location.files[name] for name in SPLIT_FOLDERS)
    train = read_pairs(train_folder, len(CLASSES), PALETTE)
    test = read_pairs(test_folder, len(CLASSES), PALETTE, size=train.images.shape[1:3])
    return Dataset(
        NAME,
        "Mini facade set",
        CLASSES,
        train,
        replace(test, groups=len(train) + np.arange(len(test), dtype=np.int64)),
        str(location.folder),
        task="segmentation",
        description=DESCRIPTION,
        palette=PALETTE,
        has_groups=False,
        reference_results=REFERENCE_RESULTS,
    )


def _list_splits(folder: Path) -> dict[str, Path]:
    """Return the folders of the set by name."""
    return {path.name: path for path in folder.iterdir() if path.name in SPLIT_FOLDERS and path.is_dir()}
