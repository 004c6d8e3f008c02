"""Pairs -> groups: connected components, with care where a single link would join two large ones."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

LARGE = 3
"""Images from which a group counts as large: then one uncertain link does not join it to another large one."""


class Link(NamedTuple):
    """Two images that are related.

    Attributes:
        first: index of one image, smaller than `second`.
        second: index of the other.
        kind: "same", "near" or "crop".
        evidence: how much speaks for it, above 0; `inf` where there is no doubt.
    """

    first: int
    second: int
    kind: str
    evidence: float


def grouped(count: int, links: Sequence[Link], sure: float) -> tuple[NDArray[np.int64], list[Link]]:
    """Join images by links, the surest first.

    A link with less evidence than `sure` joins two large groups only where another link joins the same two.

    Args:
        count: how many images there are.
        links: no two of the same images.
        sure: the evidence from which a link needs no second one.

    Returns:
        (count,) int64 group numbers, 0.. by first appearance, and the links that were followed, by first and second
        image.
    """
    group = np.arange(count)
    for link in links:
        if link.evidence >= sure:
            _join(group, link)
    doubtful = sorted((link for link in links if link.evidence < sure), key=lambda link: (-link.evidence, link[:2]))
    refused: list[Link] = []
    for link in doubtful:
        a, b = group[link.first], group[link.second]
        if a == b:
            continue
        small = min(np.count_nonzero(group == a), np.count_nonzero(group == b)) < LARGE
        if small or _between(group, doubtful, a, b) > 1:
            _join(group, link)
        else:
            refused.append(link)
    left_out = {link[:2] for link in refused if group[link.first] != group[link.second]}
    _, first, inverse = np.unique(group, return_index=True, return_inverse=True)
    numbers = np.argsort(np.argsort(first))[inverse].astype(np.int64)
    return numbers, sorted(link for link in links if link[:2] not in left_out)


def _join(group: NDArray[np.int64], link: Link) -> None:
    group[group == group[link.second]] = group[link.first]


def _between(group: NDArray[np.int64], links: Iterable[Link], a: np.int64, b: np.int64) -> int:
    """Count the links between two groups."""
    return sum({group[link.first], group[link.second]} == {a, b} for link in links)
