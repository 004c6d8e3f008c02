"""How sure measures are: conformal intervals of window-to-wall ratios, and how often counts are right.

Both are fitted on validation photos, in which each scene counts once, however many photos show it.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from seamline.errors import SeamlineError
from seamline.evaluation.conformal import LEVEL, conformal_quantile
from seamline.inference.fractions import FLOOR
from seamline.run_folder import BuildingCalibration, CountTable, Interval

WINDOW_BINS = (4, 9, 19, 39)
"""Largest number of windows of each bin but the last."""

STOREY_BINS = (1, 2, 3, 4)
"""Largest number of storeys of each bin but the last."""

_TOLERANCE = 1e-9  # of sums of weights


class Scores(NamedTuple):
    """Scores of window-to-wall ratios, and the scenes of their photos."""

    values: NDArray[np.float64]  # (N,) float64, see `wwr_score`
    scenes: NDArray[np.int64]  # (N,) int64


class Counts(NamedTuple):
    """Predicted and true counts, and the scenes of their photos."""

    predicted: NDArray[np.int64]  # (N,) int64
    truth: NDArray[np.int64]  # (N,) int64
    scenes: NDArray[np.int64]  # (N,) int64


def wwr_score(value: float, truth: float, expected: float) -> float:
    """Return the error of a window-to-wall ratio as a multiple of the expected one.

    Args:
        value: the predicted ratio, 0..1.
        truth: the true ratio, 0..1.
        expected: expected error of the ratio by the model's probabilities, 0..1.
    """
    return abs(value - truth) / (expected + FLOOR)


def wwr_interval(value: float, expected: float, quantile: float | None) -> Interval:
    """Return a window-to-wall ratio with its interval, which contains the ratios whose score is `quantile` at most.

    Args:
        value: the predicted ratio, 0..1.
        expected: expected error of the ratio by the model's probabilities, 0..1.
        quantile: of the scores; None where the model is not calibrated, and the interval has no ends.
    """
    if quantile is None:
        return Interval(value)
    margin = quantile * (expected + FLOOR)
    return Interval(value, max(0.0, value - margin), min(1.0, value + margin))


def fit_calibration(
    fronts: Scores, storeys: Scores, windows: Counts, storey_counts: Counts, *, level: float = LEVEL
) -> BuildingCalibration:
    """Fit how sure the measures of a model are.

    Args:
        fronts: scores of the ratios of validation fronts.
        storeys: scores of the ratios of their storeys.
        windows: numbers of windows of validation fronts.
        storey_counts: numbers of storeys of validation fronts.
        level: probability with which an interval of a front of a new scene contains the truth.

    Raises:
        SeamlineError: there is no front, or no storey, to fit with.
    """
    if not len(fronts.values) or not len(storeys.values):
        raise SeamlineError("no front with a true window-to-wall ratio to fit intervals with; use more photos")
    return BuildingCalibration(
        level=level,
        wwr_quantile=scene_quantile(fronts, level),
        storey_wwr_quantile=scene_quantile(storeys, level),
        windows=count_table(windows, WINDOW_BINS),
        storeys=count_table(storey_counts, STOREY_BINS),
        fronts=len(fronts.values),
        scenes=len(np.unique(fronts.scenes)),
    )


def scene_quantile(scores: Scores, level: float) -> float:
    """Return the limit that scores of a new scene stay within with a probability of about `level`.

    With `level` / (1 - `level`) scenes or more it is the conformal quantile, whose coverage is guaranteed. Fewer scenes
    cannot guarantee the level, however high the limit; the quantile of the scenes' pooled distributions then has it
    approximately (Dunn, Wasserman, Ramdas, Distribution-free prediction sets for two-layer hierarchical models, JASA
    118, 2023).
    """
    limit = conformal_quantile(scores.values, scores.scenes, 1 - level)
    if limit < math.inf:
        return limit
    _, members, sizes = np.unique(scores.scenes, return_inverse=True, return_counts=True)
    order = np.argsort(scores.values, kind="stable")
    reached = np.cumsum(1 / sizes[members[order]]) >= level * len(sizes) - _TOLERANCE
    return float(scores.values[order[reached.argmax()]])


def count_table(counts: Counts, upper: Sequence[int]) -> CountTable:
    """Return how often counts are right, by predicted count.

    In each bin the mean rate of its scenes is smoothed as if there were two more scenes, one of which is right
    (Laplace), so that a bin without scenes has a rate of one half.

    Args:
        counts: predicted and true counts.
        upper: largest count of each bin but the last, increasing.
    """
    bins = np.searchsorted(np.asarray(upper), counts.predicted, side="left")
    errors = np.abs(counts.predicted - counts.truth)
    rates = [
        tuple(_smoothed_rate(errors[bins == index] <= most, counts.scenes[bins == index]) for most in (0, 1))
        for index in range(len(upper) + 1)
    ]
    return CountTable(tuple(upper), tuple(exact for exact, _ in rates), tuple(within for _, within in rates))


def _smoothed_rate(right: NDArray[np.bool_], scenes: NDArray[np.int64]) -> float:
    """Return the mean rate of scenes, with one more that is right and one that is wrong."""
    rates = [float(right[scenes == scene].mean()) for scene in np.unique(scenes)]
    return (sum(rates) + 1) / (len(rates) + 2)
