"""Which images are related: equal, nearly equal, or crops and photos of one scene. From the pixels alone.

Knows no labels, names or splits. `repeats` finds what is repeated, `crops` what is shown twice, `grouping` makes groups
of it.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from seamline.data.lazy_array import ArrayLike, Subset
from seamline.data.near_duplicates.clustering import Link, grouped
from seamline.data.near_duplicates.exact_and_near import first_of_each, near_pairs
from seamline.data.near_duplicates.scene_matching import SURE, crop_links
from seamline.io import cache_dir, read_json, source_hash, write_json

KINDS = ("same", "near", "crop")
"""How two images can be related: equal to the bit, equal but for encoding or light, showing one scene."""

MOST_CROPS = 10_000
MOST_PIXELS = 300_000_000
"""Images, and pixels of theirs, among which crops of one scene are looked for: some 2 GB of memory."""

_LEAST_SIDE = 64  # pixels that an image needs on both sides to have local features


@dataclass(frozen=True, eq=False)
class DuplicateGroups:
    """Which images of a set are related.

    Attributes:
        groups: (N,) int64, equal for images that are related, numbered 0, 1, … by first appearance.
        pairs: the pairs that were found directly: two indices, the smaller one first, and one of `KINDS`; ascending.
            Of a set of equal images each is paired with the first one only.
        crops: whether several crops of one scene were looked for; among very many images they are not.
    """

    groups: NDArray[np.int64]
    pairs: tuple[tuple[int, int, str], ...]
    crops: bool = True


def find_near_duplicates(
    images: ArrayLike | Sequence[NDArray[np.uint8]], *, progress: Callable[[int, int], None] | None = None
) -> DuplicateGroups:
    """Find which images are related.

    Equal and nearly equal images are found at any size. Images with both sides of at least 64 pixels are also searched
    for crops of one photo (shifted, scaled between 0.4 and 2.5, overlapping) and for photos of one building: local
    features propose how one image may lie on the other, and the pixels decide. A mirrored copy is not looked for.
    The same images give the same result. Past `MOST_CROPS` such images, or `MOST_PIXELS` of theirs, crops are not
    looked for: comparing them would take more memory than a laptop has.

    Args:
        images: (N, H, W, C) uint8 or `Rows` of such, or N arrays (H, W, C) uint8 of different sizes; C is 1 or 3,
            values 0..255.
        progress: called with the steps done and the steps in all, many times.

    Returns:
        Groups and the pairs they were made from. Groups are the connected components of the pairs.

    Raises:
        ValueError: an image is not (H, W, 1) or (H, W, 3) uint8, or has no pixels.
    """
    for place in range(len(images)):
        image = images[place]
        if image.ndim != 3 or image.dtype != np.uint8 or image.shape[2] not in (1, 3) or image.size == 0:
            raise ValueError(f"each image must be (H, W, 1) or (H, W, 3) uint8, got {image.shape} {image.dtype}")
    firsts = first_of_each(images)
    unlike = np.flatnonzero(firsts == np.arange(len(firsts))).tolist()
    sides = {place: images[place].shape[:2] for place in unlike}
    large = [place for place in unlike if min(sides[place]) >= _LEAST_SIDE]
    crops = len(large) <= MOST_CROPS and sum(math.prod(sides[place]) for place in large) <= MOST_PIXELS
    large = large if crops else []
    total = 2 * len(unlike) + 8 * len(large)  # features cost more than thumbnails

    def told(before: int, weight: int) -> Callable[[int, int], None] | None:
        return None if progress is None else lambda done, _: progress(before + weight * done, total)

    links = {(first, k): Link(first, k, "same", math.inf) for k, first in enumerate(firsts.tolist()) if first != k}
    for i, j in near_pairs(Subset(images, unlike), told(0, 1)):
        pair = unlike[i], unlike[j]
        links[pair] = Link(*pair, "near", math.inf)
    for link in crop_links([images[k] for k in large], told(2 * len(unlike), 4)):
        pair = large[link.first], large[link.second]
        links.setdefault(pair, Link(*pair, link.kind, link.evidence))
    groups, followed = grouped(len(images), list(links.values()), SURE)
    return DuplicateGroups(groups, tuple((link.first, link.second, link.kind) for link in followed), crops)


def cached_near_duplicates(key: str, find: Callable[[], DuplicateGroups]) -> DuplicateGroups:
    """Return what was found before for `key`, or find it and keep it in the cache folder.

    Args:
        key: stands for the images, such as a fingerprint of them; letters, digits and dashes. What another
            version of this program found is not used.
        find: called without arguments where nothing, or nothing sound, is kept.

    Returns:
        The relatives. Where they cannot be kept, because the folder cannot be written, they are returned all the same.
    """
    program = source_hash(Path(__file__).parent, cv2.__version__)
    file = cache_dir() / "relatives" / f"{key}-{program}.json"
    try:
        return _read(read_json(file))
    except (OSError, ValueError, KeyError, TypeError, OverflowError):
        found = find()
    content = {"groups": found.groups.tolist(), "pairs": [list(pair) for pair in found.pairs], "crops": found.crops}
    try:
        write_json(file, content)
    except OSError:
        return found
    return found


def _read(content: object) -> DuplicateGroups:
    """Make relatives of what a file holds, or raise one of the errors that `cached_near_duplicates` knows."""
    if not isinstance(content, dict):
        raise TypeError("not an object")
    groups = np.array(content["groups"], dtype=np.int64)
    count = len(groups)
    firsts = np.unique(groups, return_index=True)
    if groups.ndim != 1 or (np.diff(firsts[1]) < 0).any() or (firsts[0] != np.arange(len(firsts[0]))).any():
        raise ValueError("groups are not numbered by first appearance")
    pairs = tuple((int(i), int(j), str(kind)) for i, j, kind in content["pairs"])
    if not all(0 <= i < j < count and kind in KINDS and groups[i] == groups[j] for i, j, kind in pairs):
        raise ValueError("pairs do not fit the groups")
    return DuplicateGroups(groups, pairs, bool(content["crops"]))
