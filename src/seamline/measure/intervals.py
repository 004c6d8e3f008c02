"""How far a figure can be trusted: 95 % intervals."""

import math
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
