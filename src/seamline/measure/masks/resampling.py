"""How far a figure over pixels can be trusted: groups of images are drawn again and again.

Pixels of an image are no independent witnesses, nor are several crops of one building; whole groups are. So the
groups are drawn anew, as many as there are, with replacement (Efron, Annals of Statistics 7, 1979), and every figure
is worked out for each of these resamples. A figure is an array whose first entry, or first row, belongs to the images
themselves and the others to the resamples; figures of one split come from the same resamples, so that their
difference is the difference of two arrays.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seamline.measure.intervals import ABSENT, LEVEL, Interval

RESAMPLES = 1_000
MOST_EMPTY = 0.05  # share of resamples; one of three groups or more is missing from fewer
_CHANCE_OF_RESAMPLES = 3  # tells this stream of random numbers from the others

Figure = NDArray[np.float64]
"""(1 + R, ...): the figure of the images themselves, then of R resamples; R is 0 where there are no two groups."""


@dataclass(frozen=True, eq=False)
class Resamples:
    """Resamples of the groups of a split.

    Attributes:
        groups: (N,) int64, images with the same number are related.
        stream: tells the resamples of one split from those of another; the same number gives the same ones.
    """

    groups: NDArray[np.int64]
    stream: int = 0

    @cached_property
    def members(self) -> NDArray[np.int64]:
        """(N,) int64, the group of each image, numbered 0..G-1."""
        return np.unique(self.groups, return_inverse=True)[1].astype(np.int64)

    @property
    def count(self) -> int:
        """The number of groups G."""
        return int(self.members.max(initial=-1)) + 1

    @cached_property
    def weights(self) -> Figure:
        """(1 + R, G) float64, how often each group is drawn; the first row is all ones."""
        drawn = np.ones((1, self.count))
        if self.count < 2:
            return drawn
        chance = np.random.default_rng([_CHANCE_OF_RESAMPLES, self.stream])
        times = chance.multinomial(self.count, np.full(self.count, 1 / self.count), size=RESAMPLES)
        return np.concatenate([drawn, times])

    def by_group(self, counts: NDArray[Any]) -> NDArray[np.float64]:
        """Add up what belongs to each image (N, ...) group by group: (G, ...) float64."""
        sums = np.zeros((self.count, *counts.shape[1:]))
        np.add.at(sums, self.members, counts)
        return sums

    def totals(self, counts: NDArray[Any]) -> Figure:
        """Add up what belongs to each image (N, ...) over each resample: (1 + R, ...)."""
        return np.tensordot(self.weights, self.by_group(counts), axes=1)


def interval(figure: Figure) -> Interval:
    """Return a figure (1 + R,) and its percentile interval, which holds the figure itself.

    Resamples in which there is nothing to measure (NaN) are left out. There is no interval without resamples, nor
    where more than `MOST_EMPTY` of them are left out: then too few groups have anything to measure, a class that one
    or two of them show, say.
    """
    value, drawn = float(figure[0]), figure[1:]
    measured = drawn[~np.isnan(drawn)]
    if np.isnan(value):
        return ABSENT
    if not len(drawn) or len(measured) < (1 - MOST_EMPTY) * len(drawn):
        return Interval(value, np.nan, np.nan)
    low, high = np.quantile(measured, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval(value, min(float(low), value), max(float(high), value))


def unlike(first: Figure, second: Figure) -> Interval:
    """Return first - second of two figures (1 + R,) with its interval; paired where they are of one split."""
    if len(first) != len(second):  # one of two splits is of a single group
        return Interval(float(first[0] - second[0]), np.nan, np.nan)
    return interval(first - second)


def ratio(part: NDArray[np.float64], whole: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return part / whole, NaN where the whole is 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(whole == 0, np.nan, part / whole)
