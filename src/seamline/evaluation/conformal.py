"""Conformal prediction: limits that the score of a new image exceeds with at most a stated probability.

Images of one scene are not exchangeable, but scenes are, so each scene counts once, however many images show it: Lee,
Barber and Willett, Distribution-free inference with hierarchical data, 2023 (arXiv 2306.06342). Where every scene is a
single image, this is split conformal prediction (Lei, G'Sell, Rinaldo, Tibshirani, Wasserman, JASA 113, 2018).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from seamline.evaluation.bootstrap import GroupBootstrap, ratio
from seamline.inference.fractions import FLOOR, expected_errors
from seamline.run_folder import FractionCalibration, FractionIntervals

if TYPE_CHECKING:  # it imports PyTorch, which intervals of measures do without
    from seamline.evaluation.evaluate import Evaluation, SampledLogits

LEVEL = 0.9
"""Probability with which an interval contains the true fraction of a class."""

_TOLERANCE = 1e-9  # of sums of weights


def conformal_quantile(scores: NDArray[Any], groups: NDArray[np.integer[Any]], alpha: float) -> float:
    """Return the limit that the score of an image of a new group exceeds with probability `alpha` at most.

    With G groups, each of the n images of a group has the weight 1 / ((G + 1) n), and the remaining 1 / (G + 1) lies
    at infinity. The limit is the smallest score up to which the weights sum to 1 - alpha or more. Where every group is
    a single image, that is the ceil((G + 1) (1 - alpha))-th smallest score.

    Args:
        scores: (N,) floats; the higher, the less an image is like the others.
        groups: (N,) integers; images of one group are related.
        alpha: the probability, 0..1.

    Returns:
        The limit; infinity where there are fewer than 1 / alpha - 1 groups.
    """
    _, members, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    order = np.argsort(scores, kind="stable")
    reached = np.cumsum(1 / sizes[members[order]]) >= (1 - alpha) * (len(sizes) + 1) - _TOLERANCE
    return float(scores[order[reached.argmax()]]) if reached.any() else math.inf


@dataclass(frozen=True, eq=False)
class Fractions:
    """Fractions of the labeled pixels of N images by class; NaN in an image without labels."""

    predicted: NDArray[np.float64]  # (N, K) float64, 0..1; NaN for a class that the image's labels count as another one
    truth: NDArray[np.float64]  # (N, K) float64, 0..1
    expected: NDArray[np.float64]  # (N, K) float64, 0..1, the expected error of `predicted`

    @property
    def scores(self) -> NDArray[np.float64]:
        """(N, K) float64, errors as multiples of the expected ones; NaN where `predicted` is."""
        scores: NDArray[np.float64] = np.abs(self.predicted - self.truth) / (self.expected + FLOOR)
        return scores

    def widths(self, quantiles: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the widths of the intervals that quantiles (K,) give: (N, K) float64."""
        margin = quantiles * (self.expected + FLOOR)
        widths: NDArray[np.float64] = np.minimum(1, self.predicted + margin) - np.maximum(0, self.predicted - margin)
        return widths


def measure_fractions(sample: "SampledLogits", confusions: NDArray[np.int64], temperature: float) -> Fractions:
    """Measure the fractions of images by class.

    Args:
        sample: logits of the images, by which the expected errors are estimated.
        confusions: (N, K, K) int64 pixels of each image, a row for each true class.
        temperature: what logits are divided by.

    Returns:
        The fractions.
    """
    pixels, expected = confusions.sum((1, 2))[:, np.newaxis], np.empty(confusions.shape[:2])
    merged_away = np.zeros(expected.shape, bool)  # classes that the image's labels count as another one
    for image, (logits, valid) in enumerate(zip(sample.logits, sample.valid, strict=True)):
        scaled = sample.merge(logits[np.newaxis, :, valid] / logits.dtype.type(temperature), np.array([image]))[0]
        merged_away[image] = np.isneginf(scaled).all(1)
        wrong = expected_errors(softmax(scaled, axis=0), sample.predicted[image, valid])
        expected[image] = ratio(wrong, valid.sum())
    predicted, truth = (ratio(confusions.sum(axis), pixels) for axis in (1, 2))
    return Fractions(np.where(merged_away, np.nan, predicted), truth, expected)


def fit_intervals(
    fractions: Fractions, groups: NDArray[np.integer[Any]], classes: Sequence[str], level: float = LEVEL
) -> FractionIntervals:
    """Fit conformal intervals of the fractions of an image's pixels.

    The score of an image is the error of a fraction over its expected error, so that intervals are narrow where the
    model is confident (normalized nonconformity: Papadopoulos, Gammerman, Vovk, AIA 2008).

    Args:
        fractions: of the validation images.
        groups: (N,) integers, their groups.
        classes: K class names.
        level: probability with which an interval of a new image contains the truth.

    Returns:
        The quantile of the scores of each class; none where there are too few groups.
    """
    measured = ~np.isnan(fractions.scores)
    quantiles = {
        name: conformal_quantile(scores[known], groups[known], 1 - level)
        for name, scores, known in zip(classes, fractions.scores.T, measured.T, strict=True)
    }
    images = measured.any(1)
    return FractionIntervals(
        level=level,
        quantiles={name: value for name, value in quantiles.items() if value < math.inf},
        images=int(images.sum()),
        groups=len(np.unique(groups[images])),
    )


def calibrate_fractions(val: "Evaluation", test: "Evaluation | None", temperature: float) -> FractionCalibration:
    """Fit conformal intervals on the validation images and measure their coverage on the test images.

    Args:
        val: of the validation images of a segmenter.
        test: of its test images, None where there are none.
        temperature: what logits are divided by.
    """
    fractions = measure_fractions(val.sample, val.counts.matrices, temperature)
    intervals = fit_intervals(fractions, val.split.groups, val.classes)
    return FractionCalibration(intervals=intervals) if test is None else measure_coverage(intervals, test, temperature)


def measure_coverage(intervals: FractionIntervals, test: "Evaluation", temperature: float) -> FractionCalibration:
    """Measure how often conformal intervals contain the true fractions of test images, and their mean width."""
    fractions = measure_fractions(test.sample, test.counts.matrices, temperature)
    quantiles = np.array([intervals.quantiles.get(name, math.nan) for name in test.classes])
    measured = ~np.isnan(fractions.scores)
    inside, widths = (fractions.scores <= quantiles) & measured, fractions.widths(quantiles)
    bootstrap = GroupBootstrap(test.split.groups, test.counts.bootstrap.stream, one_label=True)
    known = [(k, name) for k, name in enumerate(test.classes) if name in intervals.quantiles and measured[:, k].any()]
    return FractionCalibration(
        intervals=intervals,
        coverage={name: bootstrap.fraction(inside[:, k], measured[:, k]).estimate for k, name in known},
        width={name: float(np.nanmean(widths[:, k])) for k, name in known},
    )
