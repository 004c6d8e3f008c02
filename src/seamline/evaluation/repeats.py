"""Repeated trainings: means and paired differences over seeds with t intervals, and Holm's correction."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from seamline.evaluation.bootstrap import Replicates, percentile_interval
from seamline.evaluation.confidence import LEVEL, Z, significant
from seamline.run_folder import ABSENT, Estimate

MIN_BEYOND = 5
"""Resamples beyond an end of an interval from which on the end is a quantile of the resamples."""


@dataclass(frozen=True)
class Repeats:
    """A measurement, or a difference of two, repeated with several seeds.

    A metric of n labels changes in steps of 1 / n, so that a few seeds may give equal values by chance, and their
    standard deviation be 0. The standard deviation is therefore taken to be at least one step.
    """

    values: Sequence[float]  # one for each seed
    step: float  # by how much one label (an image to classify, a pixel of a mask) changes a value, 0 or more

    @property
    def mean(self) -> float:
        """The mean of the values."""
        return float(np.mean(self.values))

    @property
    def error(self) -> float:
        """The standard error of the mean; for two values or more."""
        return max(float(np.std(self.values, ddof=1)), self.step) / math.sqrt(len(self.values))


def t_mean(repeats: Repeats, level: float = LEVEL) -> Estimate:
    """Return the mean of repeated measurements and its t interval (Student, Biometrika 6, 1908).

    Args:
        repeats: the measurements.
        level: confidence level.

    Returns:
        The mean; without an interval for a single value, NaN for none.
    """
    count = len(repeats.values)
    if not count:
        return ABSENT
    if count < 2:
        return Estimate(repeats.mean)
    margin = float(special.stdtrit(count - 1, (1 + level) / 2)) * repeats.error
    return Estimate(repeats.mean, repeats.mean - margin, repeats.mean + margin)


def t_p_value(repeats: Repeats) -> float:
    """Return the two-sided p value of the t test that the mean of the values is 0; 1 for fewer than two values."""
    count = len(repeats.values)
    if count < 2:
        return 1.0
    if repeats.error == 0:
        return float(repeats.mean == 0)
    return float(2 * special.stdtr(count - 1, -abs(repeats.mean) / repeats.error))


def bootstrap_p_value(replicates: Replicates) -> float:
    """Return the two-sided p value that a difference is 0, by inverting its percentile interval.

    Args:
        replicates: (1 + R,) float64, the difference and that of each resample; NaN is left out.

    Returns:
        Twice the smaller fraction of resamples on one side of 0, never 0: (count + 1) / (R + 1). 1 without resamples.
    """
    resampled = replicates[1:][~np.isnan(replicates[1:])]
    smaller = min(int((resampled <= 0).sum()), int((resampled >= 0).sum()))
    return min(1.0, 2 * (smaller + 1) / (len(resampled) + 1))


def holm(p_values: Sequence[float], interval: Callable[[int, float], Estimate]) -> list[Estimate]:
    """Return the intervals of several comparisons, corrected so that all claims together are right in 95 % of cases.

    Holm's step-down procedure (Scandinavian Journal of Statistics 6, 1979, 65-70): of m comparisons, the one with the
    smallest p value has an interval of level 1 - 0.05 / m, the next one of level 1 - 0.05 / (m - 1), and so on up to
    the first that is not significant; all that follow have the level of that one. An interval excludes 0 exactly if
    the procedure rejects.

    Args:
        p_values: one for each comparison.
        interval: called with the number of a comparison and a confidence level, returns the interval.

    Returns:
        An interval for each comparison, in the order of the p values.
    """
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    intervals: dict[int, Estimate] = {}
    remaining = len(order)
    for number in order:
        intervals[number] = interval(number, 1 - (1 - LEVEL) / remaining)
        if significant(intervals[number]) and remaining > 1:
            remaining -= 1
        elif not significant(intervals[number]):
            rest = order[order.index(number) + 1 :]
            intervals |= {other: interval(other, 1 - (1 - LEVEL) / remaining) for other in rest}
            break
    return [intervals[number] for number in range(len(order))]


def holm_t(differences: Sequence[Repeats]) -> list[Estimate]:
    """Return mean differences with t intervals, corrected by `holm`."""
    return holm([t_p_value(one) for one in differences], lambda number, level: t_mean(differences[number], level))


def holm_normal(differences: Sequence[Estimate]) -> list[Estimate]:
    """Return differences of two metrics whose intervals are corrected by `holm`.

    Args:
        differences: with 95 % intervals. For another level, the distances of the ends are scaled as those of a normal
            distribution.
    """

    def interval(number: int, level: float) -> Estimate:
        one, scale = differences[number], float(special.ndtri((1 + level) / 2)) / Z
        return Estimate(
            one.value, one.value - scale * (one.value - one.low), one.value + scale * (one.high - one.value)
        )

    return holm([_normal_p_value(one) for one in differences], interval)


def _normal_p_value(one: Estimate) -> float:
    """Return the two-sided p value that a difference is 0, from its 95 % interval; 1 without one."""
    margin = one.value - one.low if one.value > 0 else one.high - one.value
    if not one.has_interval or one.value == 0:
        return 1.0
    return float(2 * special.ndtr(-Z * abs(one.value) / margin)) if margin else 0.0


def holm_bootstrap(differences: Sequence[NDArray[np.float64]]) -> list[Estimate]:
    """Return differences with intervals by resampling, corrected by `holm`.

    For many comparisons the ends of a corrected percentile interval would be the least and the largest of the
    resamples, whatever their level. With fewer than `MIN_BEYOND` resamples beyond them, `holm_normal` corrects 95 %
    percentile intervals instead.

    Args:
        differences: (1 + R,) float64 each, the difference and that of each resample.
    """
    resamples = min((len(one) - 1 for one in differences if len(one) > 1), default=0)
    if resamples * (1 - LEVEL) / 2 < MIN_BEYOND * len(differences):
        return holm_normal([percentile_interval(one) for one in differences])
    p_values = [bootstrap_p_value(one) for one in differences]
    return holm(p_values, lambda number, level: percentile_interval(differences[number], level))
