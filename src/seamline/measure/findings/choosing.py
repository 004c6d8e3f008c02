"""Which classes a sentence may name: those that can be told apart from the rest."""

from collections.abc import Callable, Sequence

import numpy as np

LARGEST_TIE = 4  # classes named together at most, where the images cannot tell which is first
LARGEST_LEAD = 3  # kinds of errors named together at most

Surely = Callable[[int, int], bool]
"""Of two places: whether their figures surely differ, or whether the first is surely more."""


def leading(values: Sequence[float], apart: Surely, *, lowest: bool) -> list[int]:
    """Return the fewest classes at one end, each of which can be told apart from all that are not among them.

    Empty where there are more than `LARGEST_TIE` of them, or more than half of all classes. NaN is left out.
    """
    present = [i for i, value in enumerate(values) if not np.isnan(value)]
    order = sorted(present, key=lambda i: values[i] if lowest else -values[i])
    for size in range(1, min(LARGEST_TIE, len(order) // 2) + 1):
        inside, outside = order[:size], order[size:]
        if all(apart(a, b) for a in inside for b in outside):
            return inside
    return []


def most_frequent(counts: Sequence[int], more: Surely) -> list[int]:
    """Return the smallest leading set whose last member is surely more frequent than the next."""
    order = sorted(range(len(counts)), key=lambda i: -counts[i])
    for size in range(1, min(LARGEST_LEAD, len(order) - 1) + 1):
        if more(order[size - 1], order[size]):
            return order[:size]
    return []
