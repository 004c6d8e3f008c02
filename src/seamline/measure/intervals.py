"""How far a figure can be trusted: 95 % intervals."""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats

LEVEL = 0.95
Z = float(stats.norm.ppf(0.5 + LEVEL / 2))


class Interval(NamedTuple):
    """A figure and the 95 % interval around it; all NaN where there is nothing to measure."""

    value: float
    low: float
    high: float

    def json(self) -> dict[str, float | None]:
        """Return the three numbers by name, with None for NaN, which JSON does not have."""
        return {name: None if math.isnan(number) else float(number) for name, number in self._asdict().items()}

    @classmethod
    def of(cls, fields: dict[str, Any]) -> "Interval":
        """Return what `json` gave."""
        return cls(*(math.nan if fields[name] is None else float(fields[name]) for name in ("value", "low", "high")))


ABSENT = Interval(math.nan, math.nan, math.nan)


def wilson(successes: int, trials: int) -> Interval:
    """Return a share and its Wilson score interval (Wilson, JASA 22, 1927).

    Args:
        successes: 0..trials.
        trials: how often it was tried; 0 gives NaN.
    """
    if trials == 0:
        return ABSENT
    interval = stats.binomtest(int(successes), int(trials)).proportion_ci(LEVEL, method="wilson")
    return Interval(successes / trials, interval.low, interval.high)


def difference(first: Interval, second: Interval) -> Interval:
    """Return first - second for two independent shares with their Wilson intervals.

    Newcombe's hybrid score interval (Statistics in Medicine 17, 1998, method 10).
    """
    value = first.value - second.value
    low = value - math.hypot(first.value - first.low, second.high - second.value)
    high = value + math.hypot(first.high - first.value, second.value - second.low)
    return Interval(value, low, high)


def mean(values: NDArray[np.floating[Any]]) -> Interval:
    """Return the mean of `values` (N,) and its normal interval; NaN where N < 2."""
    if len(values) < 2:
        return ABSENT
    centre = float(np.mean(values, dtype=np.float64))
    margin = Z * float(np.std(values, ddof=1, dtype=np.float64)) / math.sqrt(len(values))
    return Interval(centre, centre - margin, centre + margin)


def resampled_counts(
    counts: NDArray[np.int64],
    figures: Callable[[NDArray[np.int64]], NDArray[np.float64]],
    *,
    resamples: int = 1000,
) -> list[Interval]:
    """Bootstrap figures of a table of counts: percentile intervals over images drawn again with replacement.

    To draw N images with replacement and count them is to draw the counts from a multinomial distribution, so no
    image is touched.

    Args:
        counts: any shape, for example a (K, K) confusion matrix.
        figures: (..., *shape of counts) -> (..., F); it is given the point counts and all the resamples at once.
        resamples: how many; the seed is fixed, so the same counts give the same intervals.

    Returns:
        F intervals; NaN for a figure that is NaN at the point.
    """
    total = int(counts.sum())
    points = figures(counts)
    if total == 0:
        return [ABSENT] * len(points)
    chance = np.random.default_rng(0)
    drawn = chance.multinomial(total, counts.ravel() / total, size=resamples).reshape(resamples, *counts.shape)
    tails = [(1 - LEVEL) / 2, (1 + LEVEL) / 2]
    results = []
    for point, sample in zip(points, figures(drawn).T, strict=True):
        seen = sample[~np.isnan(sample)]
        absent = math.isnan(point) or not len(seen)
        results.append(ABSENT if absent else Interval(float(point), *map(float, np.quantile(seen, tails))))
    return results
