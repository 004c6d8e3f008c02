"""Make the lists that fix training, validation and test photos of `streets` and `windows` by scene.

    SEAMLINE_DATA=... python bench/split_lists.py streets windows

Photos are of one scene if the search for near-duplicates joins them, if they are crops of one photo, or if `STOPS` says
so. Whole scenes are drawn at random, 60 % for training and 20 % each for validation and test, with the same fractions
of each series of photos. The seed is the first one, from 0, whose fractions are within `MAX_DEVIATION`.

The search alone is not enough for `streets`: it joins 17 of the 317 pairs of photos taken one after the other, because
perspective and the light of dusk change too much. All photos were viewed side by side, and `STOPS` names the ranges
that show the same buildings. Two people took photos on one of the walks; matches of SIFT features under a homography
(12 or more inliers) show which ranges belong together.
"""

import os
import re
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from seamline.data.image_io import read_image
from seamline.data.near_duplicates import DuplicateGroups, cached_near_duplicates, find_near_duplicates
from seamline.data.near_duplicates.clustering import merge_groups
from seamline.data.sources import coco_sets
from seamline.data.sources.coco_sets import SplitList
from seamline.data.splits import stratified_group_split
from seamline.io import write_bytes
from seamline.run_folder import to_json

MAX_DEVIATION = 0.02
"""Largest deviation of the fraction of each split from 60 %, 20 % and 20 %."""

STOPS: dict[str, tuple[str, ...]] = {
    "streets": (
        # 29 March, two people
        "20230329_2004 corner", "20230329_2020 corner", "20230329_2029 crossing", "20230329_2044 offices",
        "20230329_2051 gate", "20230329_2102 dark front", "20230329_2109 petrol station",
        "IMG_0718", "IMG_0729 corner", "IMG_0808 crossing", "IMG_0840 offices", "IMG_0860 gate",
        "IMG_0862 dark front", "IMG_0870 petrol station",
        # 17 and 24 April
        "20230417_2005", "20230417_2029", "20230417_2048", "20230417_2103", "20230417_2231", "20230417_2240",
        "20230424_2100", "20230424_2118", "20230424_2131", "20230424_2240",
        # by day
        "IMG_5865", "IMG_5867", "IMG_5874", "IMG_5876", "IMG_5883", "IMG_5884", "IMG_5887", "IMG_5890", "IMG_5893",
        "IMG_5901", "IMG_5907", "IMG_5911", "IMG_5914", "IMG_5916", "IMG_5920",
        # by night
        "IMG_5962", "IMG_5971", "IMG_5975", "IMG_6005", "IMG_6016", "IMG_6023", "IMG_6046", "IMG_6125", "IMG_6150",
        "IMG_6165", "IMG_6181", "IMG_6205",
    ),
}  # fmt: skip
"""The first photo of each range of photos, in the order of names, that shows the same buildings: the start of its name,
and for ranges that belong together the name of the scene."""

PAIRS = {"windows": (("0047", "0234"), ("0054", "0126"), ("0114", "0186"))}
"""Further photos of one building, found in the same two ways."""

SERIES = {"streets": r"20230329|IMG_0|20230417|20230424|IMG_58|IMG_59[01]|IMG_"}
"""What distinguishes series of photos, as a regular expression on the start of names."""


def main(names: Sequence[str]) -> None:
    for name in names:
        files = sorted((Path(os.environ["SEAMLINE_DATA"]) / name / "images").iterdir())
        stems = [file.stem for file in files]
        found = cached_near_duplicates(f"split-list-{name}", partial(search, files))
        groups = found.groups
        for others in (source_photos(stems), stops(name, stems), pairs(name, stems)):
            groups = merge_groups(groups, others)
        splits = draw(name, stems, groups)
        write_bytes(Path(coco_sets.__file__).parent / "splits" / f"{name}.json", format_list(splits))
        scenes = len(np.unique(groups))
        print(f"{name}: {len(stems)} photos, {len(np.unique(found.groups))} groups found, {scenes} scenes")
        for split in ("train", "val", "test"):
            rows = getattr(splits, split)
            photos = sum(map(len, rows))
            print(f"  {split}: {len(rows)} scenes, {photos} photos ({photos / len(stems):.1%})")


def search(files: Sequence[Path]) -> DuplicateGroups:
    """Search for near-duplicates among photos."""
    return find_near_duplicates([read_image(file) for file in files])


def source_photos(stems: Sequence[str]) -> NDArray[np.int64]:
    """Return the source photo of each photo, (N,) int64: the name before the last `_0`, `_1`."""
    return number([re.sub(r"_\d$", "", stem) for stem in stems])


def stops(name: str, stems: Sequence[str]) -> NDArray[np.int64]:
    """Return the range of `STOPS` of each photo, (N,) int64; a number of its own where there are none."""
    if name not in STOPS:
        return np.arange(len(stems))
    rows = sorted(tuple(row.split(" ", 1)) for row in STOPS[name])
    starts = [row[0] for row in rows]
    scenes = []
    for stem in stems:
        row = rows[max(index for index, start in enumerate(starts) if stem >= start)]
        scenes.append(row[-1])
    if unused := {row[-1] for row in rows} - {*scenes}:
        raise SystemExit(f"{name}: no photo is of {', '.join(sorted(unused))}")
    return number(scenes)


def pairs(name: str, stems: Sequence[str]) -> NDArray[np.int64]:
    """Return the pair of `PAIRS` of each photo, (N,) int64; a number of its own where there is none."""
    firsts = {second: first for first, second in PAIRS.get(name, ())}
    return number([firsts.get(stem, stem) for stem in stems])


def number(names: Sequence[str]) -> NDArray[np.int64]:
    """Return a number for each name, (N,) int64, equal for equal names."""
    return np.unique(names, return_inverse=True)[1].astype(np.int64)


def draw(name: str, stems: Sequence[str], groups: NDArray[np.int64]) -> SplitList:
    """Draw whole groups for validation and test, with the first seed that fits."""
    pattern = re.compile(SERIES.get(name, ""))
    matches = [pattern.match(stem) for stem in stems]
    series = number([match[0] if match else "" for match in matches])
    for seed in range(1000):
        rest, test = stratified_group_split(series, groups, fraction=0.2, seed=seed)
        train, val = (
            rest[rows] for rows in stratified_group_split(series[rest], groups[rest], fraction=0.25, seed=seed)
        )
        deviations = [abs(len(rows) / len(stems) - goal) for rows, goal in ((train, 0.6), (val, 0.2), (test, 0.2))]
        if max(deviations) <= MAX_DEVIATION:
            return SplitList(seed, *(scenes(stems, groups, rows) for rows in (train, val, test)))
    raise SystemExit(f"{name}: no seed gives these fractions")


def scenes(stems: Sequence[str], groups: NDArray[np.int64], rows: NDArray[np.int64]) -> tuple[tuple[str, ...], ...]:
    """Return the photos of each scene of a split, in the order of names."""
    members: dict[int, list[str]] = {}
    for row in rows.tolist():
        members.setdefault(int(groups[row]), []).append(stems[row])
    return tuple(tuple(photos) for photos in members.values())


def format_list(splits: SplitList) -> bytes:
    """Return the file of a list, a line per scene."""
    lines = [
        f' "{split}": [\n' + ",\n".join(f"  {to_json(scene).decode()}" for scene in getattr(splits, split)) + "\n ]"
        for split in ("train", "val", "test")
    ]
    return ("{\n" + ",\n".join([f' "seed": {splits.seed}', *lines]) + "\n}\n").encode()


if __name__ == "__main__":
    main(sys.argv[1:] or ["streets", "windows"])
