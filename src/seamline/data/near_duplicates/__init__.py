"""Groups of related images: identical, nearly identical, or crops and photos of one scene.

The search uses pixels only, never labels, names or splits. `exact_and_near` finds repeated images, `scene_matching`
finds crops of one scene, and `clustering` turns pairs into groups.
"""

import math
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

import cv2
import msgspec
import numpy as np
from numpy.typing import NDArray

from seamline.data.lazy_array import ArrayLike, LazyArray, take
from seamline.data.near_duplicates.clustering import Match, cluster
from seamline.data.near_duplicates.exact_and_near import find_near_duplicate_pairs, first_occurrences
from seamline.data.near_duplicates.scene_matching import STRONG_MATCH, match_scenes
from seamline.io import cache_dir, source_hash, write_bytes

MAX_CROP_IMAGES = 10_000
MAX_CROP_PIXELS = 300_000_000
"""Images, and their pixels, up to which crops of one scene are searched; the search takes about 2 GB of memory."""

_MIN_SIDE = 64  # images need this many pixels on both sides to have local features


class DuplicatePair(NamedTuple):
    """Two related images, indices first < second.

    They are the `same` pixels, `near`: another encoding or exposure, or `crop`: crops of one scene.
    """

    first: int
    second: int
    kind: Literal["same", "near", "crop"]


@dataclass(frozen=True, eq=False)
class DuplicateGroups:
    """Groups of related images."""

    groups: NDArray[np.int64]  # (N,) int64, equal for related images, numbered 0, 1, … by first appearance
    # the pairs from which the groups result, sorted. Of several identical images, each is paired with the first one
    # only
    pairs: tuple[DuplicatePair, ...]
    crops_searched: bool = True  # whether crops of one scene were searched, which is skipped for very many images


def find_near_duplicates(
    images: ArrayLike | Sequence[NDArray[np.uint8]], *, progress: Callable[[int, int], None] | None = None
) -> DuplicateGroups:
    """Find groups of related images.

    Identical and nearly identical images are found at any size. Images of at least 64 x 64 pixels are also searched
    for crops of one photo (shifted, scaled by 0.4 to 2.5, overlapping) and for photos of one building: local features
    propose an alignment, and the pixels verify it. Mirrored copies are not found. The result is deterministic.

    Args:
        images: (N, H, W, C) uint8, or N arrays (H, W, C) uint8 of different sizes; C is 1 or 3, values 0..255.
        progress: called with the steps done and the total.

    Returns:
        The connected components of the pairs found. Above `MAX_CROP_IMAGES` or `MAX_CROP_PIXELS`, crops are not
        searched.

    Raises:
        ValueError: an image is not (H, W, 1) or (H, W, 3) uint8, or is empty.
    """
    for index in range(len(images)):
        image = images[index]
        if image.ndim != 3 or image.dtype != np.uint8 or image.shape[2] not in (1, 3) or image.size == 0:
            raise ValueError(f"each image must be (H, W, 1) or (H, W, 3) uint8, got {image.shape} {image.dtype}")
    firsts = first_occurrences(images)
    distinct = np.flatnonzero(firsts == np.arange(len(firsts))).tolist()
    shapes = {index: images[index].shape[:2] for index in distinct}
    large = [index for index in distinct if min(shapes[index]) >= _MIN_SIDE]
    search_crops = len(large) <= MAX_CROP_IMAGES and sum(math.prod(shapes[i]) for i in large) <= MAX_CROP_PIXELS
    large = large if search_crops else []
    total = 2 * len(distinct) + 8 * len(large)  # features take longer than thumbnails

    def report_from(start: int, weight: int) -> Callable[[int, int], None] | None:
        return None if progress is None else lambda done, _: progress(start + weight * done, total)

    matches = {(i, k): Match(i, k, "same", math.inf) for k, i in enumerate(firsts.tolist()) if i != k}
    subset = take(images, np.array(distinct)) if isinstance(images, LazyArray) else [images[k] for k in distinct]
    for i, j in find_near_duplicate_pairs(subset, report_from(0, 1)):
        pair = distinct[i], distinct[j]
        matches[pair] = Match(*pair, "near", math.inf)
    for match in match_scenes([images[k] for k in large], report_from(2 * len(distinct), 4)):
        pair = large[match.first], large[match.second]
        matches.setdefault(pair, Match(*pair, match.kind, match.score))
    groups, accepted = cluster(len(images), list(matches.values()), STRONG_MATCH)
    pairs = tuple(DuplicatePair(match.first, match.second, match.kind) for match in accepted)
    return DuplicateGroups(groups, pairs, search_crops)


def cached_near_duplicates(key: str, find: Callable[[], DuplicateGroups]) -> DuplicateGroups:
    """Return the cached result for `key`, or find and cache it; also where the cache cannot be written.

    The key identifies the images, such as their fingerprint, in letters, digits and dashes. Results of another version
    of the search are not used.
    """
    version = source_hash(Path(__file__).parent, cv2.__version__)
    file = cache_dir() / "near-duplicates" / f"{key}-{version}.json"
    try:
        return _read_cache(file)
    except (OSError, ValueError, msgspec.MsgspecError, RecursionError):
        result = find()
    with suppress(OSError):
        write_bytes(file, msgspec.json.encode(result, enc_hook=lambda groups: groups.tolist()))
    return result


def _read_cache(file: Path) -> DuplicateGroups:
    """Read a cached result; raises an error that `cached_near_duplicates` handles if it is invalid."""
    content = file.read_bytes()

    def to_array(_: type, numbers: Any) -> NDArray[np.int64]:
        return np.array(msgspec.convert(numbers, list[int]), np.int64)

    result = msgspec.json.decode(content, type=DuplicateGroups, dec_hook=to_array)
    numbers, firsts = np.unique(result.groups, return_index=True)
    if (np.diff(firsts) < 0).any() or not np.array_equal(numbers, np.arange(len(numbers))):
        raise ValueError("groups are not numbered by first appearance")
    count, groups = len(result.groups), result.groups
    if not all(0 <= p.first < p.second < count and groups[p.first] == groups[p.second] for p in result.pairs):
        raise ValueError("pairs do not fit the groups")
    return result
