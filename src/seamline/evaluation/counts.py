"""Confusion counts and losses per image: the sums from which every metric is computed.

A label of a whole image is a mask of one pixel, so both tasks are counted alike. Counts are sparse (an image to
classify adds a single entry), and the resamples of a bootstrap are computed in chunks that fit in memory.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import scipy
from numpy.typing import NDArray

from seamline.evaluation.average_precision import APResult
from seamline.evaluation.bootstrap import GroupBootstrap, Replicates, Sampled, ratio
from seamline.evaluation.confidence import Z, wilson
from seamline.run_folder import ABSENT, Estimate

CHUNK_BYTES = 1 << 26
"""Bytes of the confusion matrices that are in memory at once."""

Array = NDArray[np.float64]


class Fraction(NamedTuple):
    """A metric that is a number of labels divided by a number of labels: `part / whole`, each (...) or (..., K).

    Where labels are independent its interval is Wilson's. `recalled` says that the part is of correct predictions and
    that the whole depends on the ground truth alone, so that two models evaluated on the same images share it;
    `transform` is applied to the fraction and to both ends of its interval.
    """

    part: Array
    whole: Array
    recalled: bool = False
    transform: Callable[[Any], Any] = lambda value: value


class Mean(NamedTuple):
    """A metric that is the mean of a quantity over labels: sum, sum of squares and number of labels, each (...).

    Where labels are independent its interval is the normal one.
    """

    total: Array
    squares: Array
    n: Array


class Bounded(NamedTuple):
    """Values (...) or (..., K), and how far each may lie below and above because scores were counted into bins."""

    values: Array
    below: Array
    above: Array


Values: TypeAlias = Fraction | Mean | Bounded | Array
"""What a metric returns: a fraction, a mean, or any values, (...) for all labels or (..., K) for each class."""


def plain_values(values: Values) -> Array:
    """Return a metric's values (...) or (..., K), NaN where there is nothing to measure."""
    match values:
        case Fraction(part, whole, _, transform):
            transformed: Array = transform(ratio(part, whole))
            return transformed
        case Mean(total, _, n):
            return ratio(total, n)
        case Bounded(each, _, _):
            return each
    return values


@dataclass(frozen=True, eq=False)
class Counts:
    """Sums over the images of a split, or over those of resamples, in front of the other axes as (...)."""

    confusion: Array  # (..., K, K) number of labels; row the ground truth, column the prediction
    loss: Array  # (...) sum of negative log likelihoods, in nats
    squared_loss: Array  # (...) sum of the squares of the images' losses; NaN for resamples
    present: NDArray[np.bool_]  # (K,) bool, whether a class has a label in the split itself
    # score type -> average precision of each class, (..., K), with its bounds
    ap: Mapping[str, Bounded] = field(default_factory=dict)

    @cached_property
    def hits(self) -> Array:
        """(..., K), labels of each class that are predicted correctly."""
        diagonal: Array = np.diagonal(self.confusion, axis1=-2, axis2=-1)
        return diagonal

    @cached_property
    def truth(self) -> Array:
        """(..., K), labels of each class; NaN for a class without any, so that it has no metrics."""
        labels = self.confusion.sum(-1)
        return np.where(labels == 0, np.nan, labels)

    @cached_property
    def predicted(self) -> Array:
        """(..., K), labels predicted as each class."""
        return np.where(np.isnan(self.truth), np.nan, self.confusion.sum(-2))

    @cached_property
    def total(self) -> Array:
        """(...), number of labels."""
        return np.asarray(self.confusion.sum((-2, -1)))

    def mean_over_classes(self, values: Values) -> Array:
        """Return the mean of (..., K) values over the classes that are present: (...).

        A resample without a label of one of them is NaN: it has no mean of the same classes.
        """
        each = plain_values(values)
        return each[..., self.present].mean(-1) if self.present.any() else each[..., 0]


MetricFunction: TypeAlias = Callable[[Counts], Values]


@dataclass(frozen=True, eq=False)
class SplitCounts:
    """Counts of each image of a split."""

    classes: tuple[str, ...]  # K class names
    bootstrap: GroupBootstrap  # resamples of the groups of the N images
    confusion: Any  # (N, K * K) sparse int64; row the ground truth, column the prediction of each matrix
    losses: Array  # (N,) float64, each image's sum of negative log likelihoods, in nats
    # score type -> average precision of each of the K classes; empty where no scores were ranked
    rankings: Mapping[str, tuple[APResult, ...]] = field(default_factory=dict)

    @cached_property
    def labels_per_image(self) -> NDArray[np.int64]:
        """(N,) int64, labels of each image that count."""
        total: NDArray[np.int64] = np.asarray(self.confusion.sum(1)).ravel().astype(np.int64)
        return total

    def matrix(self, image: int) -> NDArray[np.int64]:
        """Return the confusion matrix of one image, (K, K) int64."""
        size = len(self.classes)
        cells: NDArray[np.int64] = self.confusion[[image]].toarray()
        return cells.reshape(size, size)

    @cached_property
    def total(self) -> Counts:
        """Sums over all images."""
        ap = {
            kind: Bounded(*(np.array([getattr(one, name) for one in of]) for name in ("value", "below", "above")))
            for kind, of in self.rankings.items()
        }
        return self._sum(slice(None), ap)

    def total_of(self, images: NDArray[np.bool_]) -> Counts:
        """Return the sums over some images, (N,) bool, without average precision."""
        return self._sum(images, {})

    def _sum(self, images: Any, ap: Mapping[str, Bounded]) -> Counts:
        size = len(self.classes)
        confusion = np.asarray(self.confusion[images].sum(0)).reshape(size, size).astype(np.float64)
        losses = self.losses[images]
        return Counts(confusion, np.asarray(losses.sum()), np.asarray((losses**2).sum()), confusion.sum(1) > 0, ap)

    @cached_property
    def confusion_matrix(self) -> NDArray[np.int64]:
        """(K, K) int64 of all images together; row the ground truth, column the prediction."""
        return self.total.confusion.astype(np.int64)

    def resampled(self) -> Iterator[Counts]:
        """Yield sums over the images themselves and over each resample, a chunk of (n, ...) at a time."""
        size, rows = len(self.bootstrap.weights), max(1, CHUNK_BYTES // (8 * len(self.classes) ** 2))
        if rows >= size:
            yield self._all_resamples
        else:
            yield from (self._weighted(slice(start, start + rows)) for start in range(0, size, rows))

    @cached_property
    def _all_resamples(self) -> Counts:
        return self._weighted(slice(None))

    @cached_property
    def _ap_replicates(self) -> dict[str, Array]:
        return {kind: np.stack([one.replicates(self.bootstrap) for one in of], 1) for kind, of in self.rankings.items()}

    def _weighted(self, rows: slice) -> Counts:
        """Return the sums over some of the resamples."""
        confusion, losses = (self.bootstrap.sum_by_group(part) for part in (self.confusion, self.losses))
        cells = self.bootstrap.weighted_sums(confusion, rows)
        ap = {kind: self.total.ap[kind]._replace(values=of[rows]) for kind, of in self._ap_replicates.items()}
        size, none = len(self.classes), np.full(len(cells), np.nan)
        loss = self.bootstrap.weighted_sums(losses, rows)
        return Counts(cells.reshape(-1, size, size), loss, none, self.total.present, ap)

    def replicates(self, metric: MetricFunction) -> Replicates:
        """Return a metric of the images themselves and of each resample: (1 + R,) or (1 + R, K)."""
        return np.concatenate([plain_values(metric(counts)) for counts in self.resampled()])


def sample_metric(counts: SplitCounts, metric: MetricFunction) -> list[Sampled]:
    """Compute a metric with its interval.

    Args:
        counts: of a split.
        metric: counts -> values of all labels or of each class.

    Returns:
        One `Sampled` for a metric of all labels, K for one of each class.
    """
    values = metric(counts.total)
    formulas: list[Estimate] = []
    if counts.bootstrap.one_label and isinstance(values, Fraction):
        formulas = [_wilson(part, whole, values.transform) for part, whole in _pairs(values)]
        if counts.bootstrap.independent:
            return [Sampled(formula) for formula in formulas]
    if counts.bootstrap.independent and isinstance(values, Mean):
        return [Sampled(_normal(values))]
    replicates = counts.replicates(metric)
    columns = (replicates[:, None] if replicates.ndim == 1 else replicates).T
    if formulas:
        pairs = zip(columns, formulas, strict=True)
        return [counts.bootstrap.fraction_of_replicates(column, formula) for column, formula in pairs]
    if not isinstance(values, Bounded):
        return [Sampled.from_replicates(column) for column in columns]
    errors = zip(np.atleast_1d(values.below), np.atleast_1d(values.above), strict=True)
    return [Sampled.from_replicates(column, error) for column, error in zip(columns, errors, strict=True)]


def _pairs(values: Fraction) -> Iterator[tuple[float, float]]:
    part, whole = np.broadcast_arrays(np.atleast_1d(values.part), values.whole)
    return zip(part.tolist(), whole.tolist(), strict=True)


def _wilson(part: float, whole: float, transform: Callable[[Any], Any]) -> Estimate:
    if np.isnan(whole):
        return ABSENT
    around = wilson(int(part), int(whole))
    return Estimate(*(float(transform(end)) for end in (around.value, around.low, around.high)))


def _normal(mean: Mean) -> Estimate:
    n = float(mean.n)
    if n < 2:
        return ABSENT
    center = float(mean.total) / n
    variance = max(0.0, float(mean.squares) / n - center**2) * n / (n - 1)
    margin = Z * (variance / n) ** 0.5
    return Estimate(center, center - margin, center + margin)


def count_cells(keys: NDArray[np.int64], size: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Count equal keys: the distinct ones, ascending, and how often each occurs.

    Args:
        keys: (P,) int64, 0..size-1.
        size: number of possible keys.

    Returns:
        Two arrays (M,) int64.
    """
    if size <= 8 * len(keys):
        counts = np.bincount(keys, minlength=size)
        cells = np.flatnonzero(counts)
        return cells, counts[cells]
    return np.unique(keys, return_counts=True)


def confusion_counts(
    labels: NDArray[np.integer[Any]], predicted: NDArray[np.integer[Any]], valid: NDArray[np.bool_], n_classes: int
) -> Any:
    """Count ground truth and prediction together, image by image.

    Args:
        labels: (N, M) integers, the classes of M labels of each image.
        predicted: (N, M) integers.
        valid: (N, M) bool, which labels count.
        n_classes: number of classes K.

    Returns:
        (N, K * K) sparse int64.
    """
    size = n_classes * n_classes
    keys = np.arange(len(labels))[:, None] * size + labels.astype(np.int64) * n_classes + predicted
    cells, counts = count_cells(keys[valid], len(labels) * size)
    return scipy.sparse.csr_array((counts, (cells // size, cells % size)), shape=(len(labels), size))
