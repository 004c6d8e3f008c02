"""Groups from pairs: connected components, without joining two large groups by a single weak match."""

from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

LARGE = 3
"""Number of images from which a group is large: a single weak match does not join two large groups."""


class Match(NamedTuple):
    """Two related images.

    Attributes:
        first: index of one image.
        second: index of the other, larger than `first`.
        kind: `same`, `near` or `crop`.
        score: strength of the match, above 0; `inf` for a certain match.
    """

    first: int
    second: int
    kind: Literal["same", "near", "crop"]
    score: float


def cluster(count: int, matches: Sequence[Match], strong: float) -> tuple[NDArray[np.int64], list[Match]]:
    """Join images by matches, the strongest first.

    Args:
        count: number of images N.
        matches: matches, one at most for each pair of images.
        strong: score from which a match is strong. A weaker one joins two large groups only if there is another match
            between them.

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
    _, first, inverse = np.unique(group, return_index=True, return_inverse=True)
    numbers = np.argsort(np.argsort(first))[inverse].astype(np.int64)
    return numbers, sorted(match for match in matches if match[:2] not in separate)


def _join(group: NDArray[np.int64], match: Match) -> None:
    """Join the groups of two images in place."""
    group[group == group[match.second]] = group[match.first]


def _count_between(group: NDArray[np.int64], matches: Iterable[Match], a: np.int64, b: np.int64) -> int:
    """Return the number of matches between two groups."""
    return sum({group[match.first], group[match.second]} == {a, b} for match in matches)
