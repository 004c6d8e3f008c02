"""Average precision of a class over all pixels of a split, pooled: exact, resampled, and bounded from histograms."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import digamma

from seamline.measure.masks.resampling import Figure, Resamples, ratio

BINS = 2_048
CURVE_POINTS = 201

Scores = NDArray[np.float32]
Counts = NDArray[np.integer[Any] | np.floating[Any]]
"""(..., 2, B): pixels of other classes, and pixels of the class, that fall into each bin, highest scores first."""


@dataclass(frozen=True, eq=False)
class Ranking:
    """How well the scores of a class put its pixels first.

    Attributes:
        value: average precision, 0..1, NaN where no pixel is of the class; where it is only known between two bounds
            it is that of the histogram.
        low: what it is at least; `value` itself where that is exact.
        high: what it is at most.
        counts: (G, 2, B) of each group of images.
    """

    value: float
    low: float
    high: float
    counts: NDArray[np.int64]

    def figure(self, resamples: Resamples) -> Figure:
        """Return the average precision (1 + R,): each resample's from its histogram, moved to belong to `value`."""
        weighted = np.stack([resamples.weights @ self.counts[:, kind] for kind in (0, 1)], axis=1)
        drawn = binned_precision(weighted)
        figure: Figure = np.clip(drawn + (self.value - drawn[0]), 0, 1)
        return figure


def average_precision(scores: Scores, positive: NDArray[np.bool_]) -> float:
    """Return the area under the steps of the precision-recall curve: sum of (R_i - R_i-1) P_i.

    i runs over the different scores from the highest down; P_i and R_i are precision and recall when all pixels of
    that score or more are called positive. So equal scores make one step, as in scikit-learn's
    `average_precision_score`. The same sum, pixel by pixel, is the mean over positives of tp / (tp + fp), with tp
    and fp counted among the scores that are no lower.

    Args:
        scores: (P,).
        positive: (P,), which pixels are of the class.

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


def binned_precision(counts: Counts) -> NDArray[np.float64]:
    """Return the average precision of scores that are known by their bins alone: (..., 2, B) -> (...).

    All scores of a bin count as equal. NaN where there are no positives.
    """
    negatives, positives = counts[..., 0, :], counts[..., 1, :]
    tp = np.cumsum(positives, axis=-1, dtype=np.float64)
    called = tp + np.cumsum(negatives, axis=-1, dtype=np.float64)
    precision = np.divide(tp, called, out=np.zeros_like(tp), where=called > 0)
    return ratio(np.sum(positives * precision, axis=-1), tp[..., -1])


def precision_bounds(counts: Counts) -> tuple[float, float]:
    """Return what the average precision is at least and at most, given the bins (2, B) alone.

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
    """
    q, p = (counts[kind].astype(np.float64) for kind in (0, 1))
    if not p.sum():
        return float("nan"), float("nan")
    above, before = np.cumsum(p) - p, np.cumsum(q) - q  # T, F
    cost = before + q
    least = np.where(p > 0, p - cost * (digamma(above + p + cost + 1) - digamma(above + cost + 1)), 0)
    most = p * ratio(above + p, above + p + before)
    return max(0.0, float(least.sum() / p.sum())), min(1.0, float(np.nansum(most) / p.sum()))


def precision_recall(counts: Counts) -> dict[str, list[float]]:
    """Return points of the precision-recall curve, recall rising, at most `CURVE_POINTS`.

    Args:
        counts: (2, B); the end of each bin is a threshold, so that every point is exact.

    Returns:
        `recall` and `precision`: for each of evenly spaced recalls the first threshold that reaches it.
    """
    negatives, positives = (np.cumsum(counts[kind], dtype=np.float64) for kind in (0, 1))
    recall = positives / positives[-1]
    wanted = np.linspace(0, 1, CURVE_POINTS)
    first = int(np.argmax(positives > 0))
    chosen = np.unique(np.maximum(np.searchsorted(recall, wanted), first))
    precision = positives[chosen] / (positives[chosen] + negatives[chosen])
    return {"recall": recall[chosen].round(6).tolist(), "precision": precision.round(6).tolist()}


def rank_pixels(images: Sequence[Scores], positive: Sequence[NDArray[np.bool_]], resamples: Resamples) -> Ranking:
    """Rank the pixels of a class exactly.

    Args:
        images: the scores of each image's pixels that count, N arrays (P_i,).
        positive: which of them are of the class, N arrays (P_i,).
        resamples: says which images belong together.
    """
    parts = [[np.sort(scores[of == kind]) for scores, of in zip(images, positive, strict=True)] for kind in (0, 1)]
    negatives, positives = (np.sort(np.concatenate(part)) for part in parts)
    edges = edges_of(positives, negatives)
    counts = np.zeros((resamples.count, 2, len(edges) + 1), dtype=np.int64)
    for kind, part in enumerate(parts):
        for group, ascending in zip(resamples.members, part, strict=True):
            counts[group, kind] += _binned(ascending, edges)
    value = _exact(positives, negatives)
    return Ranking(value, value, value, counts)


def edges_of(positives: Scores, negatives: Scores) -> Scores:
    """Choose where bins begin: quantiles of the positives and of the negatives, ascending, each a score that occurs.

    Half of the bins go where the class's own pixels are, because only these enter its average precision.

    Args:
        positives: ascending.
        negatives: ascending.
    """
    halves = []
    for scores in (positives, negatives):
        places = np.linspace(0, len(scores), BINS // 2, endpoint=False).astype(np.int64)
        halves.append(scores[places] if len(scores) else scores)
    return np.unique(np.concatenate(halves))[1:]  # nothing lies below the first


def count_bins(scores: Scores, positive: NDArray[np.bool_], edges: Scores) -> NDArray[np.int64]:
    """Count the scores (P,) of one image into bins: (2, B) int64, the highest bin first."""
    return np.stack([_binned(np.sort(scores[positive == kind]), edges) for kind in (False, True)])


def _binned(ascending: Scores, edges: Scores) -> NDArray[np.int64]:
    """Count ascending scores into bins that begin at ascending edges; the highest bin comes first."""
    places = np.searchsorted(ascending, edges)
    return np.diff(places, prepend=0, append=len(ascending))[::-1].astype(np.int64)


def ranking_of(counts: NDArray[np.int64]) -> Ranking:
    """Return what histograms (G, 2, B) alone tell of the average precision."""
    pooled = counts.sum(0)
    return Ranking(float(binned_precision(pooled)), *precision_bounds(pooled), counts)
