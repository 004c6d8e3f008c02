"""Fractions of an image's pixels by class: how wrong they are expected to be, and their conformal intervals."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seamline.run_folder import FractionIntervals

FLOOR = 0.005
"""Added to the expected error of a fraction before an error is divided by it, so that none is divided by zero."""


def expected_errors(probabilities: NDArray[np.floating[Any]], classes: NDArray[np.integer[Any]]) -> NDArray[np.float64]:
    """Return the number of pixels of which each class is expected to be wrong.

    A pixel predicted as class k is not of that class with probability 1 - p(k); any other pixel is with p(k). The error
    of a predicted fraction is at most the fraction of such pixels, and less where both kinds cancel out.

    Args:
        probabilities: (K, M) floats, calibrated probabilities of the classes of M pixels.
        classes: (M,) integers, the predicted classes.

    Returns:
        (K,) float64.
    """
    size = len(probabilities)
    own = np.take_along_axis(probabilities, classes[np.newaxis].astype(np.int64), axis=0)[0]
    right = np.bincount(classes, weights=own, minlength=size)
    counts = np.bincount(classes, minlength=size)
    errors: NDArray[np.float64] = probabilities.sum(1, dtype=np.float64) - 2 * right + counts
    return errors


def fraction_intervals(
    fractions: Mapping[str, float], expected: NDArray[np.float64], intervals: FractionIntervals
) -> dict[str, tuple[float, float]]:
    """Return the conformal interval of each class's fraction; none of a class that has no quantile.

    Args:
        fractions: class -> fraction of the pixels, 0..1.
        expected: (K,) float64, expected error of each fraction, 0..1.
        intervals: the quantiles that make them as wide as they are.

    Returns:
        Class -> low and high, 0..1.
    """
    result = {}
    for (name, fraction), error in zip(fractions.items(), expected.tolist(), strict=True):
        if name in intervals.quantiles:
            margin = intervals.quantiles[name] * (error + FLOOR)
            result[name] = max(0.0, fraction - margin), min(1.0, fraction + margin)
    return result
