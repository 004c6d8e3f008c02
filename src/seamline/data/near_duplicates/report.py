"""What is related to what in a set of images: repeats, near repeats and several crops of one scene."""

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from seamline.data.dataset import Dataset
from seamline.data.image_io import SUFFIXES, read_image
from seamline.data.lazy_array import concat
from seamline.data.near_duplicates import DuplicateGroups, cached_near_duplicates, find_near_duplicates
from seamline.data.near_duplicates.features import LONGEST
from seamline.data.parallel import in_order
from seamline.data.preprocess import downscale
from seamline.errors import SeamlineError

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class DuplicateReport:
    """Who is related to whom.

    Attributes:
        names: N names of images, each its path inside the dataset's folder.
        splits: N names of the splits they stand in; one and the same where there are none.
        groups: the related ones, each group sorted by name, groups of one image left out.
        kinds: how many pairs were found of each kind: `same`, `near`, `crop`.
        crops: whether crops of one scene were looked for.
    """

    names: tuple[str, ...]
    splits: tuple[str, ...]
    groups: tuple[tuple[str, ...], ...]
    kinds: dict[str, int]
    crops: bool = True

    @property
    def cross_split(self) -> list[tuple[str, str]]:
        """Pairs of related images that stand in different splits."""
        split = dict(zip(self.names, self.splits, strict=True))
        return [
            (one, other) for group in self.groups for one, other in combinations(group, 2) if split[one] != split[other]
        ]

    def json(self) -> dict[str, Any]:
        """Return the groups and the pairs across splits, as JSON holds them."""
        return {"groups": [list(group) for group in self.groups], "cross_split": [list(p) for p in self.cross_split]}

    def summary(self) -> str:
        """Say in a few lines what was found."""
        related = sum(len(group) for group in self.groups)
        alone = len(self.names) - related
        found = ", ".join(f"{count:,} {words}" for kind, words in _KINDS.items() if (count := self.kinds[kind]))
        lines = [
            f"{len(self.names):,} images: {related:,} of them in {len(self.groups):,} groups of related ones, "
            f"{alone:,} alone",
            f"pairs found: {found or 'none'}",
        ]
        if len(set(self.splits)) > 1:
            lines.append(f"pairs across splits: {len(self.cross_split):,}")
        if not self.crops:
            lines.append(_NO_CROPS)
        return "\n".join(lines)


_NO_CROPS = "Several crops of one scene were not looked for: the images are too many to compare; repeats were."
_KINDS = {"same": "exact repeats", "near": "near repeats", "crop": "crops of one scene"}


def assign_groups(data: Dataset, progress: Progress | None = None) -> Dataset:
    """Return the dataset with groups that can be relied on.

    Where its own groups do not say everything, those found in its pixels are joined to them: two images are in one
    group when either says so. What was found is kept in the cache folder under the dataset's fingerprint.
    """
    if data.has_groups:
        return data
    found = _relatives_of(data, progress)
    known = data.with_groups(_joined(np.concatenate([part.groups for part in data.splits]), found.groups))
    return known if found.crops else replace(known, description=f"{data.description} {_NO_CROPS}".lstrip())


def _joined(one: NDArray[np.int64], other: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the finest groups (N,) that tear apart no group of either, numbered by first appearance."""
    first, second = (np.unique(groups, return_inverse=True)[1] for groups in (one, other))
    shift = int(first.max(initial=-1)) + 1
    links = coo_array((np.ones(len(one), dtype=np.int8), (first, shift + second)), shape=(shift + len(one),) * 2)
    parts = connected_components(links, directed=False)[1][first]
    _, firsts, part = np.unique(parts, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(firsts))[part].astype(np.int64)


def audit_dataset(data: Dataset, progress: Progress | None = None) -> DuplicateReport:
    """Find relatives within and across the splits of a dataset."""
    names = tuple(name for part in data.splits for name in part.names)
    return _audit(names, _relatives_of(data, progress))


def audit_folder(folder: Path, progress: Progress | None = None) -> DuplicateReport:
    """Find relatives among all images below a folder; each folder directly in it is taken for a split.

    PNG files that stand beside another image of the same stem are masks and are left out. Images are compared at
    no more than `LONGEST` pixels on the longer side, so that a folder of photos fits into memory.

    Raises:
        SeamlineError: there are no two images in it, or one cannot be read.
    """
    files = _images_below(folder)
    if len(files) < 2:
        raise SeamlineError(f"{folder}: holds {len(files)} images; an audit needs two or more")
    images = in_order(_read, files)
    names = tuple(file.relative_to(folder).as_posix() for file in files)
    return _audit(names, find_near_duplicates(images, progress=progress))


def _read(file: Path) -> NDArray[np.uint8]:
    """Decode an image and reduce it to the size that is compared."""
    return downscale(read_image(file), LONGEST)


def _images_below(folder: Path) -> list[Path]:
    """Return the image files below a folder, sorted by their path, masks left out."""
    found: list[Path] = []
    for place, _, names in os.walk(folder):
        images = [Path(place) / name for name in names if Path(name).suffix.lower() in SUFFIXES]
        photos = {file.stem for file in images if file.suffix.lower() != ".png"}
        found += [file for file in images if file.suffix.lower() != ".png" or file.stem not in photos]
    return sorted(found, key=lambda file: file.relative_to(folder).as_posix())


def _relatives_of(data: Dataset, progress: Progress | None) -> DuplicateGroups:
    def find() -> DuplicateGroups:
        return find_near_duplicates(concat([part.images for part in data.splits]), progress=progress)

    return cached_near_duplicates(data.fingerprint, find)


def _audit(names: tuple[str, ...], relatives: DuplicateGroups) -> DuplicateReport:
    """Put names to numbers."""
    members: dict[int, list[str]] = {}
    for name, group in zip(names, relatives.groups.tolist(), strict=True):
        members.setdefault(group, []).append(name)
    groups = sorted(tuple(sorted(group)) for group in members.values() if len(group) > 1)
    splits = tuple(name.partition("/")[0] if "/" in name else "" for name in names)
    kinds = {kind: sum(pair[2] == kind for pair in relatives.pairs) for kind in ("same", "near", "crop")}
    return DuplicateReport(names, splits, tuple(groups), kinds, relatives.crops)
