"""Which classes a finding may name: those that differ significantly from the rest."""

from collections.abc import Callable, Sequence

import numpy as np

MAX_EXTREMES = 4
"""Classes named together at most, where the order among them is not significant."""

MAX_FREQUENT = 3
"""Kinds of errors named together at most."""

Compare = Callable[[int, int], bool]
"""Of two indices: whether their values differ significantly, or whether the first is significantly more."""


def separable_extremes(values: Sequence[float], differ: Compare, *, lowest: bool) -> list[int]:
    """Return the fewest classes at one end, each of which differs significantly from all that are not among them.

    Args:
        values: one for each class; NaN is left out.
        differ: whether two classes differ significantly.
        lowest: at which end.

    Returns:
        Indices, the most extreme first; none where there are more than `MAX_EXTREMES`, or more than half of all.
    """
    present = [i for i, value in enumerate(values) if not np.isnan(value)]
    order = sorted(present, key=lambda i: values[i] if lowest else -values[i])
    for size in range(1, min(MAX_EXTREMES, len(order) // 2) + 1):
        inside, outside = order[:size], order[size:]
        if all(differ(a, b) for a in inside for b in outside):
            return inside
    return []


def most_frequent(counts: Sequence[float], more: Compare) -> list[int]:
    """Return the smallest leading set whose last member is significantly more frequent than the next.

    Args:
        counts: one for each kind.
        more: whether the first of two kinds is significantly more frequent.

    Returns:
        Indices, the most frequent first; none where there are more than `MAX_FREQUENT`.
    """
    order = sorted(range(len(counts)), key=lambda i: -counts[i])
    for size in range(1, min(MAX_FREQUENT, len(order) - 1) + 1):
        if more(order[size - 1], order[size]):
            return order[:size]
    return []
