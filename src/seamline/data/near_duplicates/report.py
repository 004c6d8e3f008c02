"""Near-duplicates by name, within and across the splits of a dataset or folder."""

import os
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from itertools import combinations, islice
from pathlib import Path
from typing import Literal

from msgspec import Struct

from seamline.data.dataset import Dataset
from seamline.data.image_io import SUFFIXES, read_image
from seamline.data.lazy_array import concat
from seamline.data.limits import map_threads
from seamline.data.near_duplicates import DuplicateGroups, cached_near_duplicates, find_near_duplicates
from seamline.data.near_duplicates.clustering import merge_groups
from seamline.data.near_duplicates.features import MAX_SIDE
from seamline.data.preprocess import downscale
from seamline.errors import SeamlineError
from seamline.run_folder import Count

Progress = Callable[[int, int], None]

MAX_LEAKS = 1_000
"""Pairs of related images in different splits that are listed."""

_KINDS: dict[Literal["same", "near", "crop"], str] = {
    "same": "identical",
    "near": "nearly identical",
    "crop": "crops of one scene",
}
_NO_CROPS = "Crops of one scene were not searched, because there are too many images; repeated images were."


class DuplicateReport(Struct, frozen=True, kw_only=True):
    """Groups of related images."""

    images: Count  # number of images
    # names of the images of each group, sorted; groups of one image are omitted
    groups: tuple[tuple[str, ...], ...]
    pair_counts: dict[Literal["same", "near", "crop"], Count]  # number of pairs of each kind
    crops_searched: bool = True  # whether crops of one scene were searched; they are not among very many images
    leak_count: Count = 0  # pairs of related images in different splits
    leaks: tuple[tuple[str, str], ...] = ()  # names of the first thousand of these pairs

    def summary(self, end: str = "\n") -> str:
        """Return the numbers of groups and pairs in a few lines, separated by `end`."""
        related = sum(map(len, self.groups))
        pairs = ", ".join(f"{count:,} {words}" for kind, words in _KINDS.items() if (count := self.pair_counts[kind]))
        lines = [
            f"{self.images:,} images: {related:,} in {len(self.groups):,} groups of related images, "
            f"{self.images - related:,} unrelated",
            f"pairs: {pairs or 'none'}",
        ]
        if self.leak_count:
            lines.append(f"pairs across splits: {self.leak_count:,}")
        if not self.crops_searched:
            lines.append(_NO_CROPS)
        return end.join(lines)


def assign_groups(data: Dataset, progress: Progress | None = None) -> Dataset:
    """Return a dataset whose groups cover all related images; itself where its groups are complete.

    Else near-duplicates are searched, and two images are in one group if either source says so. The result of the
    search is cached under the dataset's fingerprint.
    """
    if data.has_groups:
        return data
    duplicates = _search(data, progress)
    grouped = replace(data.with_groups(merge_groups(data.groups, duplicates.groups)), groups_detected=True)
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
    files = images_below(folder)
    if len(files) < 2:
        raise SeamlineError(
            f"{folder}: contains {len(files)} images; two or more are needed to search for near-duplicates"
        )
    images = map_threads(lambda file: downscale(read_image(file), MAX_SIDE), files)
    names = tuple(file.relative_to(folder).as_posix() for file in files)
    splits = tuple(name.partition("/")[0] if "/" in name else "" for name in names)
    return _report(names, splits, find_near_duplicates(images, progress=progress))


def images_below(folder: Path) -> list[Path]:
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
    split = dict(zip(names, splits, strict=True))
    pairs = ((a, b) for group in groups for a, b in combinations(group, 2) if split[a] != split[b])
    return DuplicateReport(
        images=len(names),
        groups=tuple(groups),
        pair_counts={kind: sum(pair.kind == kind for pair in duplicates.pairs) for kind in _KINDS},
        crops_searched=duplicates.crops_searched,
        leak_count=sum(_pairs_across(Counter(split[name] for name in group)) for group in groups),
        leaks=tuple(islice(pairs, MAX_LEAKS)),
    )


def _pairs_across(counts: Counter[str]) -> int:
    """Return the number of pairs of images in different splits, given the images of each split."""
    total = counts.total()
    return (total**2 - sum(count**2 for count in counts.values())) // 2
