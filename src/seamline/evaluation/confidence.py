"""95 % confidence intervals from formulas, and the one rule that decides what is significant."""

import math
from collections.abc import Sequence

from seamline.run_folder import ABSENT, Estimate

LEVEL = 0.95
Z = 1.959963984540054  # the normal quantile of 0.5 + LEVEL / 2; scipy.stats takes two seconds to import


def significant(difference: Estimate) -> int:
    """Return the sign of a difference whose interval excludes 0, and 0 where it does not, or where there is none.

    Args:
        difference: a difference of two metrics with its interval.

    Returns:
        1, -1 or 0.
    """
    return int(difference.low > 0) - int(difference.high < 0)


def agreed_sign(*differences: Estimate) -> int:
    """Return the sign on which the intervals of all differences that have one agree, as `significant` does; else 0."""
    signs = {significant(one) for one in differences if one.has_interval}
    return signs.pop() if len(signs) == 1 else 0


def negated(estimate: Estimate) -> Estimate:
    """Return minus the value, with its interval."""
    return Estimate(-estimate.value, -estimate.high, -estimate.low)


def wilson(successes: int, trials: int) -> Estimate:
    """Return a fraction and its Wilson score interval (Wilson, JASA 22, 1927).

    Args:
        successes: 0..trials.
        trials: number of independent trials; 0 gives NaN.

    Returns:
        The fraction.
    """
    if trials == 0:
        return ABSENT
    fraction = successes / trials
    scale = 2 * (trials + Z**2)
    center = (2 * trials * fraction + Z**2) / scale
    margin = Z / scale * math.sqrt(4 * trials * fraction * (1 - fraction) + Z**2)
    low = 0.0 if successes == 0 else center - margin
    high = 1.0 if successes == trials else center + margin
    return Estimate(fraction, low, high)


def widest(first: Estimate, second: Estimate) -> Estimate:
    """Return an estimate whose interval includes those of two estimates of one value; none where one has none."""
    if not (first.has_interval and second.has_interval):
        return Estimate(first.value)
    return Estimate(first.value, min(first.low, second.low), max(first.high, second.high))


def normal_mean(total: float, squares: float, n: float) -> Estimate:
    """Return a mean and its normal interval.

    Args:
        total: sum of independent observations.
        squares: sum of their squares.
        n: their number.

    Returns:
        The mean; NaN where n < 2.
    """
    if n < 2:
        return ABSENT
    center = total / n
    margin = Z * math.sqrt(max(0.0, squares / n - center**2) / (n - 1))
    return Estimate(center, center - margin, center + margin)


def mean_estimate(estimates: Sequence[Estimate]) -> Estimate:
    """Return the mean of independent estimates from their intervals.

    The method of variance estimates recovery (Zou and Donner, Statistics in Medicine 27, 2008, 1693-1702): the
    distances of the ends are added in squares.

    Args:
        estimates: K estimates with intervals; none gives NaN.

    Returns:
        The mean.
    """
    if not estimates:
        return ABSENT
    count, value = len(estimates), sum(one.value for one in estimates) / len(estimates)
    below = math.hypot(*(one.value - one.low for one in estimates)) / count
    above = math.hypot(*(one.high - one.value for one in estimates)) / count
    return Estimate(value, value - below, value + above)


def newcombe(first: Estimate, second: Estimate) -> Estimate:
    """Return first - second of two independent estimates from their intervals.

    Newcombe's hybrid score interval (Statistics in Medicine 17, 1998, 873-890, method 10).

    Args:
        first: an estimate with an interval.
        second: another one, from other images.

    Returns:
        The difference.
    """
    value = first.value - second.value
    low = value - math.hypot(first.value - first.low, second.high - second.value)
    high = value + math.hypot(first.high - first.value, second.value - second.low)
    return Estimate(value, low, high)


def newcombe_paired(both: int, first: int, second: int, neither: int) -> Estimate:
    """Return the difference of two fractions of the same images, second minus first, and its score interval.

    Newcombe's method 10 for paired data (Statistics in Medicine 17, 1998, 2635-2650).

    Args:
        both: number of images that both classify correctly.
        first: number that only the first classifies correctly.
        second: number that only the second classifies correctly.
        neither: number that both misclassify.

    Returns:
        The difference.
    """
    count = both + first + second + neither
    if count == 0:
        return ABSENT
    new, old = wilson(both + second, count), wilson(both + first, count)
    product = math.sqrt(float(both + second) * (first + neither) * (both + first) * (second + neither))
    cross = float(both) * neither - float(first) * second
    corrected = max(cross - count / 2, 0.0) if cross > 0 else cross
    correlation = corrected / product if product else 0.0

    def margin(a: float, b: float) -> float:
        return math.sqrt(max(0.0, a**2 - 2 * correlation * a * b + b**2))

    value = new.value - old.value
    low = value - margin(new.value - new.low, old.high - old.value)
    return Estimate(value, low, value + margin(new.high - new.value, old.value - old.low))
