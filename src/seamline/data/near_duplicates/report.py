"""Near-duplicates by name, within and across the splits of a dataset or folder."""

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path
from typing import Any

from seamline.data.dataset import Dataset
from seamline.data.image_io import SUFFIXES, read_image
from seamline.data.lazy_array import concat
from seamline.data.limits import map_threads
from seamline.data.near_duplicates import DuplicateGroups, cached_near_duplicates, find_near_duplicates
from seamline.data.near_duplicates.clustering import merge_groups
from seamline.data.near_duplicates.features import MAX_SIDE
from seamline.data.preprocess import downscale
from seamline.errors import SeamlineError

Progress = Callable[[int, int], None]

_KINDS = {"same": "identical", "near": "nearly identical", "crop": "crops of one scene"}
_NO_CROPS = "Crops of one scene were not searched, because there are too many images; repeated images were."


@dataclass(frozen=True)
class DuplicateReport:
    """Groups of related images.

    Attributes:
        names: N names of images, each its path inside the dataset's folder.
        splits: N names of their splits; all equal where there are none.
        groups: names of the images of each group, sorted; groups of one image are omitted.
        pair_counts: number of pairs of each kind: `same`, `near`, `crop`.
        crops_searched: whether crops of one scene were searched.
    """

    names: tuple[str, ...]
    splits: tuple[str, ...]
    groups: tuple[tuple[str, ...], ...]
    pair_counts: dict[str, int]
    crops_searched: bool = True

    @property
    def leaks(self) -> list[tuple[str, str]]:
        """Pairs of related images in different splits."""
        split = dict(zip(self.names, self.splits, strict=True))
        return [(a, b) for group in self.groups for a, b in combinations(group, 2) if split[a] != split[b]]

    def to_dict(self) -> dict[str, Any]:
        """Return groups and leaks as JSON values."""
        return {"groups": [list(group) for group in self.groups], "leaks": [list(pair) for pair in self.leaks]}

    def summary(self) -> str:
        """Return the numbers of groups and pairs in a few lines."""
        related = sum(map(len, self.groups))
        pairs = ", ".join(f"{count:,} {words}" for kind, words in _KINDS.items() if (count := self.pair_counts[kind]))
        lines = [
            f"{len(self.names):,} images: {related:,} in {len(self.groups):,} groups of related images, "
            f"{len(self.names) - related:,} unrelated",
            f"pairs: {pairs or 'none'}",
        ]
        if len(set(self.splits)) > 1:
            lines.append(f"pairs across splits: {len(self.leaks):,}")
        if not self.crops_searched:
            lines.append(_NO_CROPS)
        return "\n".join(lines)


def assign_groups(data: Dataset, progress: Progress | None = None) -> Dataset:
    """Return a dataset whose groups cover all related images; itself where its groups are complete.

    Else near-duplicates are searched, and two images are in one group if either source says so. The result of the
    search is cached under the dataset's fingerprint.
    """
    if data.has_groups:
        return data
    duplicates = _search(data, progress)
    grouped = data.with_groups(merge_groups(data.groups, duplicates.groups))
    if duplicates.crops_searched:
        return grouped
    return replace(grouped, description=f"{data.description} {_NO_CROPS}".lstrip())


def find_dataset_duplicates(data: Dataset, progress: Progress | None = None) -> DuplicateReport:
    """Search for related images within and across the splits of a dataset."""
    splits = zip(("train", "test", "val"), data.splits, strict=False)
    split_names = tuple(name for name, split in splits for _ in split.names)
    return _report(tuple(name for split in data.splits for name in split.names), split_names, _search(data, progress))


def find_folder_duplicates(folder: Path, progress: Progress | None = None) -> DuplicateReport:
    """Search for related images below a folder; each of its direct subfolders counts as a split.

    PNG files beside another image of the same stem are masks and are skipped. Images are downscaled to `MAX_SIDE`, so
    that a folder of photos fits into memory.

    Raises:
        SeamlineError: the folder contains fewer than two images, or one cannot be read.
    """
    files = _images_below(folder)
    if len(files) < 2:
        raise SeamlineError(
            f"{folder}: contains {len(files)} images; two or more are needed to search for near-duplicates"
        )
    images = map_threads(lambda file: downscale(read_image(file), MAX_SIDE), files)
    names = tuple(file.relative_to(folder).as_posix() for file in files)
    splits = tuple(name.partition("/")[0] if "/" in name else "" for name in names)
    return _report(names, splits, find_near_duplicates(images, progress=progress))


def _images_below(folder: Path) -> list[Path]:
    """Return the image files below a folder without masks, sorted by path."""
    files: list[Path] = []
    for root, _, names in os.walk(folder):
        images = [Path(root) / name for name in names if Path(name).suffix.lower() in SUFFIXES]
        stems = {file.stem for file in images if file.suffix.lower() != ".png"}
        files += [file for file in images if file.suffix.lower() != ".png" or file.stem not in stems]
    return sorted(files, key=lambda file: file.relative_to(folder).as_posix())


def _search(data: Dataset, progress: Progress | None) -> DuplicateGroups:
    """Return the near-duplicates of a dataset, from the cache where they are there."""
    return cached_near_duplicates(
        data.fingerprint,
        lambda: find_near_duplicates(concat([split.images for split in data.splits]), progress=progress),
    )


def _report(names: tuple[str, ...], splits: tuple[str, ...], duplicates: DuplicateGroups) -> DuplicateReport:
    """Replace indices by names."""
    members: dict[int, list[str]] = {}
    for name, group in zip(names, duplicates.groups.tolist(), strict=True):
        members.setdefault(group, []).append(name)
    groups = sorted(tuple(sorted(group)) for group in members.values() if len(group) > 1)
    counts = {kind: sum(pair.kind == kind for pair in duplicates.pairs) for kind in _KINDS}
    return DuplicateReport(names, splits, tuple(groups), counts, duplicates.crops_searched)
