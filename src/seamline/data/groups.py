"""Which images belong together: groups that the user names, near-duplicates, and blocks of few scenes."""

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from seamline.data.capture_time import capture_times
from seamline.data.dataset import Dataset
from seamline.data.image_folder.file_tree import natural_key
from seamline.data.near_duplicates.clustering import merge_groups
from seamline.data.near_duplicates.report import Progress, assign_groups
from seamline.data.splits import can_split, strata
from seamline.errors import SeamlineError
from seamline.run_folder import GroupingInfo

MAX_SCENES = 4
"""Groups that hold nearly all images, up to which images are split in blocks."""
NEARLY_ALL = 0.9
"""Fraction of the images that counts as nearly all."""
MIN_SCENE_IMAGES = 5
"""Images from which a group counts as a scene."""
MAX_BLOCKS = 50
"""Blocks of the images of a class; fewer images are a block each."""

FOLDER = "folder"
"""The value of `--groups` that groups images by folder."""


@dataclass(frozen=True)
class Grouping:
    """What the user says about which images belong together."""

    by: str | None = None  # a column of the table, `folder`, or a regular expression with one capture
    near_duplicates: bool = True  # whether near-duplicates belong together


def group_images(data: Dataset, grouping: Grouping, progress: Progress | None = None) -> Dataset:
    """Return a dataset with the groups by which it is to be split, and a `grouping` that says how they came about.

    Two images are in one group if the dataset, the user or the search for near-duplicates says so. Where too few of
    these groups exist to split, the user's groups are used alone; without any, contiguous blocks of images are the
    groups.

    Args:
        data: the dataset, as loaded.
        grouping: the user's choice.
        progress: called with the steps done and the total while near-duplicates are searched.

    Raises:
        SeamlineError: the user's choice gives no groups.
    """
    info = GroupingInfo(
        by=grouping.by or "",
        near_duplicates_searched=grouping.near_duplicates,
        near_duplicates=grouping.near_duplicates,
    )
    named: NDArray[np.int64] | None = None
    if grouping.by is not None:
        named, ungrouped = _named_groups(data, grouping.by)
        info = msgspec.structs.replace(info, ungrouped=ungrouped)
    searched = grouping.near_duplicates and not data.has_groups
    joined = assign_groups(data, progress) if searched else replace(data, has_groups=True)
    if named is not None:
        joined = joined.with_groups(merge_groups(joined.groups, named))
    if data.parts:  # each of several datasets is split by itself
        return replace(joined, grouping=info)
    if searched and named is None:
        return _block_scenes(joined, info)
    scenes = _find_scenes(joined.groups)
    if searched and named is not None and (scenes or not can_split(joined)):
        alone = data.with_groups(merge_groups(data.groups, named))
        if can_split(alone) and not (can_split(joined) and _find_scenes(alone.groups)):
            number, fraction = scenes or (len(np.unique(joined.groups)), 1.0)
            info = msgspec.structs.replace(info, near_duplicates=False, scenes=number, scene_fraction=fraction)
            joined = alone
    return replace(joined, grouping=info)


def _find_scenes(groups: NDArray[np.int64]) -> tuple[int, float] | None:
    """Return the number of groups that hold nearly all images, and their fraction; None where these are many."""
    sizes = np.sort(np.unique(groups, return_counts=True)[1])[::-1]
    held = np.cumsum(sizes[sizes >= MIN_SCENE_IMAGES][:MAX_SCENES]) / max(1, len(groups))
    enough = np.flatnonzero(held >= NEARLY_ALL)
    return (int(enough[0]) + 1, float(held[enough[0]])) if len(enough) else None


def _block_scenes(data: Dataset, info: GroupingInfo) -> Dataset:
    """Replace groups by contiguous blocks where they are too few: all of them, or those of classes in one group."""
    related = np.isin(data.test.groups, data.train.groups).any()
    scenes = _find_scenes(data.groups)
    held_out = data.test if len(data.test) or data.val is None else data.val
    independent = len(held_out) > 0 and not np.isin(held_out.groups, data.train.groups).any()
    if scenes and independent and can_split(data):  # the folder holds out images of other scenes
        scenes = None
    if scenes or not (related or can_split(data)):
        number, fraction = scenes or (len(np.unique(data.groups)), 1.0)
        blocked = set(data.classes)
    else:
        blocked = _single_group_classes(data)
        number, fraction = len(blocked), 0.0
    if not blocked:
        return replace(data, grouping=info)
    info = msgspec.structs.replace(
        info,
        scenes=number,
        scene_fraction=fraction,
        block_classes=tuple(name for name in data.classes if name in blocked),
        shared=("val",) if independent or held_out is data.val else ("val", "test"),
    )
    blocks = _with_blocks(data, info)
    if not blocks.too_few_to_test:
        return blocks
    return replace(blocks, grouping=msgspec.structs.replace(blocks.grouping, shared=("val",)))


def _single_group_classes(data: Dataset) -> set[str]:
    """Return the classes whose images are nearly all in one group, so that only one split could show them."""
    if data.task == "segmentation" or len(data.test) or data.val is not None:
        return set()
    classes = set()
    labels = np.asarray(data.train.labels[:])
    for number, name in enumerate(data.classes):
        groups = data.train.groups[labels == number]
        sizes = np.unique(groups, return_counts=True)[1]
        if len(groups) >= MIN_SCENE_IMAGES and sizes.max() >= NEARLY_ALL * len(groups):
            classes.add(name)
    return classes


def _with_blocks(data: Dataset, info: GroupingInfo) -> Dataset:
    """Return a dataset in which the images of `info.block_classes` are grouped in blocks of one order."""
    keys, order = _order_keys(data)
    info = msgspec.structs.replace(info, blocks=order)
    data = replace(data, grouping=info)
    blocked = [number for number, name in enumerate(data.classes) if name in info.block_classes]
    groups = data.groups
    start, position = int(groups.max(initial=-1)) + 1, 0
    for split in data.splits:
        end = position + len(split)
        if split is not data.test or "test" in info.shared:
            stratum = strata(data, split)
            for number in blocked:
                members = position + np.flatnonzero(stratum == number)
                blocks = _blocks(members, keys)
                groups[members] = start + blocks
                start += int(blocks.max(initial=-1)) + 1
        position = end
    return data.with_groups(groups)


def _blocks(members: NDArray[np.int64], keys: list[tuple[Any, ...]] | None) -> NDArray[np.int64]:
    """Return the block of each of n images, (n,) int64, by rank of its key; a block each without keys."""
    count = len(members)
    if keys is None:
        return np.arange(count)
    order = sorted(range(count), key=lambda i: keys[members[i]])
    blocks = np.empty(count, np.int64)
    blocks[order] = np.arange(count) * min(count, MAX_BLOCKS) // max(1, count)
    return blocks


def _order_keys(data: Dataset) -> tuple[list[tuple[Any, ...]] | None, Literal["time", "name", "random"]]:
    """Return sort keys of all images by capture time, else by name, and which; none for images that are not files."""
    if not data.records:
        return None, "random"
    names = [name for split in data.splits for name in split.names]
    keys = [natural_key(name) for name in names]
    times = capture_times([data.records[name].file for name in names])
    if times is None:
        return keys, "name"
    return [(*time, key) for time, key in zip(times, keys, strict=True)], "time"


def _named_groups(data: Dataset, by: str) -> tuple[NDArray[np.int64], int]:
    """Return the groups (N,) int64 that the user names, and the number of images without one; see `Grouping`.

    Raises:
        SeamlineError: there is no such column, the expression is invalid, or there are no groups, or only one.
    """
    names = [name for split in data.splits for name in split.names]
    values = [_normalize(value) for value in _reader(data, by)(names)]
    parts = [0 if split.parts is None else int(split.parts[i]) for split in data.splits for i in range(len(split))]
    groups: dict[tuple[int, str], int] = {}
    numbers = np.array(
        [
            groups.setdefault((part, value), len(groups)) if value else -1
            for part, value in zip(parts, values, strict=True)
        ],
        np.int64,
    )
    ungrouped = int((numbers < 0).sum())
    if ungrouped == len(names):
        raise SeamlineError(
            f"--groups {by}: gives no image a group; correct it, images have names such as {_ends(names)}"
        )
    if len(groups) == 1 and not ungrouped:
        _, group = next(iter(groups))
        where = "the folders of their classes" if group == "." else f"one group, {group!r}"
        raise SeamlineError(
            f"--groups {by}: all {len(names):,} images are in {where}; name what divides images such as {_ends(names)}"
        )
    numbers[numbers < 0] = len(groups) + np.arange(ungrouped)
    return numbers, ungrouped


def _ends(names: list[str]) -> str:
    """Return the first and the last name."""
    return " and ".join(dict.fromkeys((names[0], names[-1])))


def _reader(data: Dataset, by: str) -> Callable[[list[str]], list[str]]:
    """Return a function from names of images to the values by which they are grouped, empty for none."""
    records = data.records
    columns = {name.lower(): name for record in records.values() for name in record.columns}
    if by.lower() in columns:
        column = columns[by.lower()]
        return lambda names: [records[name].columns.get(column, "") if name in records else "" for name in names]
    if by.lower() == FOLDER:
        return lambda names: [_folder(data, name) for name in names]
    known = f"the columns are {', '.join(columns.values())}; " if columns else ""
    capture = capture_reader("--groups", by, f"{known}name a column of the table")
    return lambda names: [capture(name) for name in names]


def capture_reader(option: str, by: str, choices: str) -> Callable[[str], str]:
    """Return a function from a name to what a regular expression captures in it, normalized; empty without a match.

    Args:
        option: the option that the user gave, for messages.
        by: its value, a regular expression with one capture.
        choices: what else the option accepts beside `folder`, for messages.

    Raises:
        SeamlineError: the value is not a regular expression, or has not one capture.
    """
    try:
        pattern = re.compile(_normalize(by))
    except re.error as error:
        raise SeamlineError(f"{option} {by}: is not a regular expression ({error}); correct it") from None
    if pattern.groups != 1:
        reason = f"has {pattern.groups} captures" if pattern.groups else "is no column"
        raise SeamlineError(
            f"{option} {by}: {reason}; {choices}, `folder`, or a regular expression with one capture, such as "
            "'patient(\\d+)'"
        )

    def capture(name: str) -> str:
        match = pattern.search(_normalize(name))
        return _normalize(match[1] or "") if match else ""

    return capture


def _normalize(text: str) -> str:
    """Return a text in the composed form of Unicode; some systems decompose the names of files."""
    return unicodedata.normalize("NFC", text).strip()


def _folder(data: Dataset, name: str) -> str:
    """Return the folder by which an image is grouped; `.` for images directly in the folder of their class."""
    record = data.records.get(name)
    return (name.rpartition("/")[0] if record is None else record.folder) or "."
