"""Groups from pairs: connected components, without joining two large groups by a single weak match."""

from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

LARGE = 3
"""Number of images from which a group is large: a single weak match does not join two large groups."""


class Match(NamedTuple):
    """Two related images, indices first < second; the score is above 0, and `inf` for a certain match."""

    first: int
    second: int
    kind: Literal["same", "near", "crop"]
    score: float


def cluster(count: int, matches: Sequence[Match], strong: float) -> tuple[NDArray[np.int64], list[Match]]:
    """Join `count` images by matches, the strongest first; at most one match for each pair.

    A match with a score below `strong` joins two large groups only if there is another match between them.

    Returns:
        (N,) int64 group numbers, 0, 1, … by first appearance, and the accepted matches, sorted.
    """
    group = np.arange(count)
    for match in matches:
        if match.score >= strong:
            _join(group, match)
    weak = sorted((match for match in matches if match.score < strong), key=lambda match: (-match.score, match[:2]))
    rejected: list[Match] = []
    for match in weak:
        a, b = group[match.first], group[match.second]
        if a == b:
            continue
        is_small = min(np.count_nonzero(group == a), np.count_nonzero(group == b)) < LARGE
        if is_small or _count_between(group, weak, a, b) > 1:
            _join(group, match)
        else:
            rejected.append(match)
    separate = {match[:2] for match in rejected if group[match.first] != group[match.second]}
    return _numbered(group), sorted(match for match in matches if match[:2] not in separate)


def _join(group: NDArray[np.int64], match: Match) -> None:
    """Join the groups of two images in place."""
    group[group == group[match.second]] = group[match.first]


def _count_between(group: NDArray[np.int64], matches: Iterable[Match], a: np.int64, b: np.int64) -> int:
    """Return the number of matches between two groups."""
    return sum({group[match.first], group[match.second]} == {a, b} for match in matches)


def merge_groups(first: NDArray[np.int64], second: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the finest groups (N,) int64 that split no group of either, numbered by first appearance."""
    first, second = (np.unique(groups, return_inverse=True)[1] for groups in (first, second))
    offset = int(first.max(initial=-1)) + 1
    edges = coo_array((np.ones(len(first), np.int8), (first, offset + second)), shape=(offset + len(first),) * 2)
    return _numbered(connected_components(edges, directed=False)[1][first])


def _numbered(groups: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return groups (N,) with the numbers 0, 1, … by first appearance."""
    _, firsts, group = np.unique(groups, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(firsts))[group].astype(np.int64)
