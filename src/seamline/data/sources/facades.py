"""The mini facade set of the Michigan and Berkeley vision courses: 256 x 256 crops of facades, five classes."""

import os
from dataclasses import replace
from pathlib import Path

import numpy as np

from seamline.data.dataset import Dataset
from seamline.data.downloads import Progress
from seamline.data.sources.image_mask_pairs import read_pairs
from seamline.errors import DatasetUnavailableError, SeamlineError

NAME = "facades"

CLASSES = ("other", "facade", "pillar", "window", "balcony")
"""Class names; a mask's value i means `CLASSES[i]`."""

PALETTE = ((0, 0, 0), (0, 128, 255), (128, 255, 128), (255, 128, 0), (255, 0, 0))
"""Red, green and blue of each class: the study's black, blue, green, orange and red, as the masks' palettes have it."""

NOTE = (
    "Source: the mini facade set of the vision courses of Michigan and Berkeley, cut from the CMP Facade Database, "
    "https://cmp.felk.cvut.cz/~tylecr1/facade/, which is published for research; one mirror of the database labels it "
    "MIT. Cite: R. Tyleček and R. Šára, Spatial Pattern Templates for Recognition of Objects with Regular Structure, "
    "GCPR 2013."
)

PARTS = {"train": "train", "test": "test_dev"}
"""The two splits and the folders that hold them."""

_OTHERWISE = "name a folder with --data-dir, set SEAMLINE_DATA to the folder above it, or use synthetic-facades"


def load(folder: Path | None = None, *, progress: Progress | None = None, timeout: float = 20.0) -> Dataset:
    """Read the mini facade set from a folder; it has no address to download it from.

    The set is looked for in `folder` when it is given, else in `$SEAMLINE_DATA/facades`. Each of its folders `train`
    and `test_dev` holds images (`.jpg`) and their masks (`.png` of the same stem). They may hold fewer images than
    the published ones, all of one size.

    Each building was cut into several crops, which stand in the set as images of their own; so the groups are not
    known yet (`grouped` is False), and relatives must be found before anything is split.

    Args:
        folder: holds `train` and `test_dev`, or a folder `facades` with them.
        progress: not called, because nothing is downloaded; every source has it.
        timeout: not used, as `progress`.

    Returns:
        The dataset: images (N, H, W, 3) uint8 and labels (N, H, W) uint8, by name, every image a group of its own.

    Raises:
        DatasetUnavailableError: no folder is named and none is found.
        SeamlineError: a part is missing, or a file is not what it should be.
    """
    place = _find(folder)
    train = read_pairs(place / PARTS["train"], PARTS["train"], len(CLASSES), palette=PALETTE)
    height, width = train.images.shape[1:3]
    test = read_pairs(place / PARTS["test"], PARTS["test"], len(CLASSES), palette=PALETTE, size=(height, width))
    test = replace(test, groups=np.arange(len(train), len(train) + len(test), dtype=np.int64))
    return Dataset(
        NAME,
        "Mini facade set",
        CLASSES,
        train,
        test,
        str(place),
        description=NOTE,
        palette=PALETTE,
        has_groups=False,
        task="segmentation",
    )


def _find(folder: Path | None) -> Path:
    """Return the folder that holds both parts."""
    if folder is not None:
        folder = folder.expanduser()
        if not folder.is_dir():
            raise SeamlineError(f"{folder}: there is no such folder; correct --data-dir")
        below = folder / NAME
        return _complete(
            below if _missing(folder) and len(_missing(below)) < len(PARTS) else folder,
            "put them there, or name another folder with --data-dir",
        )
    above = os.environ.get("SEAMLINE_DATA")
    if not above:
        raise DatasetUnavailableError(
            f"the mini facade set is not on this machine and cannot be downloaded; {_OTHERWISE}"
        )
    if not Path(above).expanduser().is_dir():
        raise SeamlineError(f"SEAMLINE_DATA={above}: there is no such folder; correct or unset it")
    below = Path(above).expanduser() / NAME
    if not below.exists():
        raise DatasetUnavailableError(
            f"{below}: is not there, and the mini facade set cannot be downloaded; {_OTHERWISE}"
        )
    return _complete(below, "complete it, or name another folder with --data-dir")


def _missing(folder: Path) -> list[str]:
    """Return the folders of the set that a folder lacks."""
    return [name for name in PARTS.values() if not (folder / name).is_dir()]


def _complete(folder: Path, advice: str) -> Path:
    """Return `folder` if it holds both parts; otherwise an error names it and what it lacks."""
    missing = _missing(folder)
    if missing:
        raise SeamlineError(
            f"{folder}: the mini facade set is not complete there, missing the folder {' and '.join(missing)}; {advice}"
        )
    return folder
