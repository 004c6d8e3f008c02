"""Average precision of a class over all pixels of a split, pooled: exact, resampled, and bounded from histograms."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy
from numpy.typing import NDArray

from seamline.evaluation.bootstrap import GroupBootstrap, Replicates, ratio

BINS = 2_048
CURVE_POINTS = 201

Scores = NDArray[np.float32]
Histogram = NDArray[np.integer[Any] | np.floating[Any]]
"""(..., 2, B): pixels of other classes, and pixels of the class, in each bin; highest scores first."""


@dataclass(frozen=True, eq=False)
class APResult:
    """Average precision of one class."""

    value: float  # 0..1, NaN where no pixel is of the class; where only bounds are known it is that of the histogram
    low: float  # lower bound; `value` itself where that is exact
    high: float  # upper bound
    histograms: NDArray[np.int64]  # (G, 2, B) int64 of each group of images

    @property
    def below(self) -> float:
        """How far the exact value may lie below `value`."""
        return self.value - self.low

    @property
    def above(self) -> float:
        """How far the exact value may lie above `value`."""
        return self.high - self.value

    def replicates(self, bootstrap: GroupBootstrap) -> Replicates:
        """Return the average precision (1 + R,) from histograms, shifted so that the first is exact."""
        resampled = binned_average_precision(bootstrap.weighted_sums(self.histograms))
        shifted: Replicates = np.clip(resampled + (self.value - resampled[0]), 0, 1)
        return shifted


def average_precision(scores: Scores, positive: NDArray[np.bool_]) -> float:
    """Return the area under the steps of the precision-recall curve: sum of (R_i - R_i-1) P_i.

    i runs over the distinct scores from the highest down; P_i and R_i are precision and recall when all pixels of
    that score or more are called positive. So equal scores make one step, as in scikit-learn's
    `average_precision_score`. The same sum, pixel by pixel, is the mean over positives of tp / (tp + fp), with tp
    and fp counted among the scores that are no lower.

    Args:
        scores: (P,) float32.
        positive: (P,) bool, which pixels are of the class.

    Returns:
        0..1; NaN where there are no positives.
    """
    return _exact(np.sort(scores[positive]), np.sort(scores[~positive]))


def _exact(positives: Scores, negatives: Scores) -> float:
    """Return the average precision of two ascending arrays."""
    if not len(positives):
        return float("nan")
    tp = len(positives) - np.searchsorted(positives, positives)
    fp = len(negatives) - np.searchsorted(negatives, positives)
    return float((tp / (tp + fp)).mean())


def binned_average_precision(histogram: Histogram) -> NDArray[np.float64]:
    """Return the average precision of scores of which only the bins are known; scores of a bin count as equal.

    Args:
        histogram: (..., 2, B).

    Returns:
        (...) float64, NaN where there are no positives.
    """
    negatives, positives = histogram[..., 0, :], histogram[..., 1, :]
    tp = np.cumsum(positives, axis=-1, dtype=np.float64)
    called = tp + np.cumsum(negatives, axis=-1, dtype=np.float64)
    precision = np.divide(tp, called, out=np.zeros_like(tp), where=called > 0)
    return ratio(np.sum(positives * precision, axis=-1), tp[..., -1])


def average_precision_bounds(histogram: Histogram) -> tuple[float, float]:
    """Return the lowest and the highest average precision that a histogram (2, B) allows.

    Proof. Average precision is the mean over positives of tp / (tp + fp), with tp and fp counted among the scores
    that are no lower (`average_precision`). Take a bin with p positives and q negatives, T positives and F negatives
    in the bins above it. Number its positives from the highest down. For the i-th of them T + i <= tp <= T + p,
    because the i - 1 before it and itself score no lower, and F <= fp <= F + q. tp / (tp + fp) grows with tp and
    falls with fp, so it lies between (T + i) / (T + i + F + q) and (T + p) / (T + p + F). The sums of these over all
    positives, divided by their number, bound the average precision; the lower one is that of an order in which each
    bin's negatives come first. The value with all scores of a bin equal, whose terms are (T + p) / (T + p + F + q),
    lies between them too, so the histogram's error is at most the distance from it to the farther bound.

    The sum of the lower terms has a closed form: with C = F + q, sum of 1 - C / (T + i + C) over i = 1..p is
    p - C (psi(T + p + C + 1) - psi(T + C + 1)), psi being the digamma function.

    Args:
        histogram: (2, B).

    Returns:
        The bounds; NaN where there are no positives.
    """
    q, p = (histogram[kind].astype(np.float64) for kind in (0, 1))
    if not p.sum():
        return float("nan"), float("nan")
    above, before = np.cumsum(p) - p, np.cumsum(q) - q  # T, F
    cost = before + q
    least = np.where(
        p > 0, p - cost * (scipy.special.digamma(above + p + cost + 1) - scipy.special.digamma(above + cost + 1)), 0
    )
    most = p * ratio(above + p, above + p + before)
    return max(0.0, float(least.sum() / p.sum())), min(1.0, float(np.nansum(most) / p.sum()))


def precision_recall_curve(histogram: Histogram) -> tuple[list[float], list[float]]:
    """Return points of the precision-recall curve, recall rising, at most `CURVE_POINTS`.

    Args:
        histogram: (2, B); the end of each bin is a threshold, so that every point is exact.

    Returns:
        Recall and precision: for each of evenly spaced recalls the first threshold that reaches it.
    """
    negatives, positives = (np.cumsum(histogram[kind], dtype=np.float64) for kind in (0, 1))
    recall = positives / positives[-1]
    first = int(np.argmax(positives > 0))
    points = np.unique(np.maximum(np.searchsorted(recall, np.linspace(0, 1, CURVE_POINTS)), first))
    precision = positives[points] / (positives[points] + negatives[points])
    return recall[points].round(6).tolist(), precision.round(6).tolist()


def exact_result(
    images: Sequence[Scores], positive: Sequence[NDArray[np.bool_]], bootstrap: GroupBootstrap
) -> APResult:
    """Compute the average precision of a class from all scores.

    Args:
        images: the scores of each image's valid pixels, N arrays (P_i,) float32.
        positive: which of them are of the class, N arrays (P_i,) bool.
        bootstrap: of the groups of the images.

    Returns:
        The exact value, with histograms for its resamples.
    """
    parts = [[np.sort(scores[of == kind]) for scores, of in zip(images, positive, strict=True)] for kind in (0, 1)]
    negatives, positives = (np.sort(np.concatenate(part)) for part in parts)
    edges = bin_edges(positives, negatives)
    histograms = np.zeros((bootstrap.n_groups, 2, len(edges) + 1), dtype=np.int64)
    for kind, part in enumerate(parts):
        for group, ascending in zip(bootstrap.members, part, strict=True):
            histograms[group, kind] += _binned(ascending, edges)
    value = _exact(positives, negatives)
    return APResult(value, value, value, histograms)


def binned_result(histograms: NDArray[np.int64]) -> APResult:
    """Return the average precision that histograms (G, 2, B) determine, with its bounds."""
    pooled = histograms.sum(0)
    return APResult(float(binned_average_precision(pooled)), *average_precision_bounds(pooled), histograms)


def bin_edges(positives: Scores, negatives: Scores) -> Scores:
    """Choose where bins begin: quantiles of the positives and of the negatives, ascending, each a score that occurs.

    Half of the bins go where the class's own pixels are, because only these enter its average precision.

    Args:
        positives: (P,) float32, ascending.
        negatives: (Q,) float32, ascending.

    Returns:
        (B - 1,) float32.
    """
    halves = []
    for scores in (positives, negatives):
        ranks = np.linspace(0, len(scores), BINS // 2, endpoint=False).astype(np.int64)
        halves.append(scores[ranks] if len(scores) else scores)
    return np.unique(np.concatenate(halves))[1:]  # nothing lies below the first


def count_bins(scores: Scores, positive: NDArray[np.bool_], edges: Scores) -> NDArray[np.int64]:
    """Count the scores (P,) of one image into bins: (2, B) int64, the highest bin first."""
    return np.stack([_binned(np.sort(scores[positive == kind]), edges) for kind in (False, True)])


def _binned(ascending: Scores, edges: Scores) -> NDArray[np.int64]:
    """Count ascending scores into bins that begin at ascending edges; the highest bin comes first."""
    ranks = np.searchsorted(ascending, edges)
    return np.diff(ranks, prepend=0, append=len(ascending))[::-1].astype(np.int64)
