"""Repeated trainings: means and paired differences over seeds with t intervals, and Holm's correction."""

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import special

from seamline.evaluation.bootstrap import Replicates, percentile_interval
from seamline.evaluation.confidence import LEVEL, significant
from seamline.run_folder import ABSENT, Estimate


def t_mean(values: Sequence[float], level: float = LEVEL) -> Estimate:
    """Return the mean of repeated measurements and its t interval (Student, Biometrika 6, 1908).

    Args:
        values: one for each seed.
        level: confidence level.

    Returns:
        The mean; without an interval for a single value, NaN for none.
    """
    if not len(values):
        return ABSENT
    mean, count = float(np.mean(values)), len(values)
    if count < 2:
        return Estimate(mean)
    margin = float(special.stdtrit(count - 1, (1 + level) / 2)) * float(np.std(values, ddof=1)) / math.sqrt(count)
    return Estimate(mean, mean - margin, mean + margin)


def t_p_value(values: Sequence[float]) -> float:
    """Return the two-sided p value of the t test that the mean of the values is 0; 1 for fewer than two values."""
    if len(values) < 2:
        return 1.0
    mean, deviation = float(np.mean(values)), float(np.std(values, ddof=1))
    if deviation == 0:
        return float(mean == 0)
    return float(2 * special.stdtr(len(values) - 1, -abs(mean) * math.sqrt(len(values)) / deviation))


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


def holm_t(differences: Sequence[Sequence[float]]) -> list[Estimate]:
    """Return mean differences with t intervals, corrected by `holm`; each of the sequences has one value per seed."""
    return holm([t_p_value(one) for one in differences], lambda number, level: t_mean(differences[number], level))


def holm_bootstrap(differences: Sequence[NDArray[np.float64]]) -> list[Estimate]:
    """Return differences with percentile intervals, corrected by `holm`.

    Args:
        differences: (1 + R,) float64 each, the difference and that of each resample.
    """
    p_values = [bootstrap_p_value(one) for one in differences]
    return holm(p_values, lambda number, level: percentile_interval(differences[number], level))
