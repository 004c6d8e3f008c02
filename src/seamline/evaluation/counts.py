"""Confusion counts and losses per image: the sums from which every metric is computed.

A label of a whole image is a mask of one pixel, so both tasks are counted alike. Counts are sparse (an image to
classify adds a single entry), and the resamples of a bootstrap are computed in chunks that fit in memory.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeAlias, TypeVar

import numpy as np
import scipy
from numpy.typing import NDArray

from seamline.evaluation.average_precision import APResult
from seamline.evaluation.bootstrap import Array, Bounded, GroupBootstrap, Replicates, Sampled, Values, plain_values

CHUNK_BYTES = 1 << 26
"""Bytes of the confusion matrices that are in memory at once."""

Real = TypeVar("Real", bound=np.floating[Any])


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

    @cached_property
    def truth(self) -> Any:
        """(N, K) sparse, labels of each class in each image."""
        size = len(self.classes)
        return self.confusion @ scipy.sparse.kron(scipy.sparse.eye_array(size), np.ones((size, 1)), format="csr")

    @cached_property
    def hits_per_image(self) -> NDArray[np.int64]:
        """(N,) int64, labels of each image that are predicted correctly."""
        diagonal = np.arange(len(self.classes)) * (len(self.classes) + 1)
        hits: NDArray[np.int64] = np.asarray(self.confusion[:, diagonal].sum(1)).ravel()
        return hits

    @property
    def matrices(self) -> NDArray[np.int64]:
        """(N, K, K) int64, the confusion matrix of each image."""
        matrices: NDArray[np.int64] = self.confusion.toarray().reshape(-1, len(self.classes), len(self.classes))
        return matrices

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

    def sample(self, metric: MetricFunction) -> list[Sampled]:
        """Compute a metric with its interval: one `Sampled` for a metric of all labels, K for one of each class."""
        return self.bootstrap.sample(metric(self.total), lambda: self.replicates(metric))


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
    if len(labels) * size <= 8 * valid.sum():
        counts = np.bincount(keys[valid], minlength=len(labels) * size)
        cells = np.flatnonzero(counts)
        counts = counts[cells]
    else:
        cells, counts = np.unique(keys[valid], return_counts=True)
    return scipy.sparse.csr_array((counts, (cells // size, cells % size)), shape=(len(labels), size))


def cross_entropy(logits: NDArray[Real], labels: NDArray[np.integer[Any]]) -> NDArray[Real]:
    """Return the negative log likelihood of each label, in nats.

    Args:
        logits: (N, K, ...) floats.
        labels: (N, ...) integers, 0..K-1.

    Returns:
        (N, ...) floats of the type of the logits.
    """
    log_probabilities = scipy.special.log_softmax(logits, axis=1)
    losses: NDArray[Real] = -np.take_along_axis(log_probabilities, labels[:, None].astype(np.int64), axis=1)[:, 0]
    return losses
