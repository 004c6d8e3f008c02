"""Means over seeds with their 95 % t intervals, as the page of results writes them."""

import math
from collections.abc import Sequence
from typing import Any

from seamline.evaluation.metrics import METRICS
from seamline.evaluation.repeats import Repeats, t_mean
from seamline.evaluation.sweep_settings import within_range
from seamline.run_folder import Estimate


def over_seeds(values: Sequence[float], labels: int) -> Estimate:
    """Return a mean over seeds.

    Args:
        values: a metric, one for each seed.
        labels: number of labels it is computed from, of which one changes it by 1 / labels; 0 where it is not stored.

    Returns:
        The mean and its t interval, which may reach past the range of the metric.
    """
    return t_mean(Repeats(values, 1 / labels if labels else 0.0))


def percent(values: Sequence[float], labels: int) -> str:
    """Return the text of the mean of a fraction of labels; see `over_seeds`."""
    return mean_text(within_range(over_seeds(values, labels), METRICS["accuracy"]), scale=100, decimals=2, unit=" %")


def decimal(values: Sequence[float], labels: int) -> str:
    """Return the text of the mean of a loss, averaged over labels; see `over_seeds`."""
    return mean_text(within_range(over_seeds(values, labels), METRICS["log_loss"]))


def mean_text(mean: Estimate, *, scale: float = 1, decimals: int = 3, unit: str = "", sign: str = "") -> str:
    """Return a mean as "a ± b", or as "a (b to c)" where its interval ends at the end of a range.

    Args:
        mean: the mean; without an interval it is written alone.
        scale: factor of all numbers, such as 100 for percentages.
        decimals: number of decimal places.
        unit: what follows the numbers, with its space.
        sign: "+" to write the sign of positive numbers.
    """
    value, low, high = (f"{scale * number:{sign}.{decimals}f}" for number in (mean.value, mean.low, mean.high))
    if not mean.has_interval:
        return value + unit
    if math.isclose(mean.high - mean.value, mean.value - mean.low, rel_tol=1e-6):
        return f"{value} ± {scale * (mean.high - mean.value):.{decimals}f}{unit}"
    return f"{value}{unit} ({low} to {high})"


def labels_of(metrics: dict[str, Any], class_name: str = "") -> int:
    """Return the number of images of a split to classify, or those of a class.

    Args:
        metrics: stored metrics of the split. Those of earlier versions lack the number of images of each class; they
            are of Fashion-MNIST, whose classes have equal numbers.
        class_name: the class; empty for all.
    """
    if not class_name:
        return int(metrics["images"])
    support = metrics.get("support") or dict.fromkeys(
        metrics["per_class"], metrics["images"] // len(metrics["per_class"])
    )
    return int(support[class_name])
