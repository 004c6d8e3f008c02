"""One pass over a split: the scores, from which every figure is derived; or a glance, which keeps none."""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_softmax
from torch import nn

from seamline.data.dataset import IGNORE_INDEX, Split
from seamline.inference.forward import eval_batch_size, predict_batches, predict_logits

Real = TypeVar("Real", bound=np.floating[Any])


@dataclass(frozen=True, eq=False)
class Evaluation:
    """What a network said about labelled images.

    Attributes:
        classes: K class names.
        scores: (N, K) float32, the network's own, before any softmax.
        labels: (N,) int64, the truth.
    """

    classes: tuple[str, ...]
    scores: NDArray[np.float32]
    labels: NDArray[np.int64]

    @cached_property
    def predicted(self) -> NDArray[np.int64]:
        """(N,) int64, the class of the highest score."""
        best: NDArray[np.int64] = self.scores.argmax(1)
        return best

    @cached_property
    def confusion(self) -> NDArray[np.int64]:
        """(K, K) int64: row the true class, column the predicted one."""
        return confusion_matrix(self.labels, self.predicted, len(self.classes))

    @cached_property
    def losses(self) -> NDArray[np.float64]:
        """(N,) float64, each image's negative log likelihood, in nats."""
        return log_losses(self.scores.astype(np.float64), self.labels)

    @property
    def accuracy(self) -> float:
        """Share of images labelled right."""
        return float(np.mean(self.predicted == self.labels))

    @property
    def loss(self) -> float:
        """Mean negative log likelihood, in nats."""
        return float(self.losses.mean())


def confusion_matrix(labels: NDArray[np.int64], predicted: NDArray[np.int64], classes: int) -> NDArray[np.int64]:
    """Count label and prediction together: (K, K) int64, row the true class, column the predicted one."""
    return np.bincount(labels * classes + predicted, minlength=classes * classes).reshape(classes, classes)


def evaluate_split(network: nn.Module, split: Split, classes: tuple[str, ...]) -> Evaluation:
    """Ask the network about every image of a split whose labels are of whole images."""
    return Evaluation(classes, predict_logits(network, split.images), split.labels.astype(np.int64, copy=False))


@dataclass(frozen=True)
class Glance:
    """How a split stands, in two numbers; both NaN where no label counts.

    Attributes:
        loss: mean negative log likelihood of the labels that count, in nats.
        accuracy: share of them labelled right, 0..1.
    """

    loss: float
    accuracy: float


def glance(network: nn.Module, split: Split) -> Glance:
    """Ask the network about every image of a split and keep no score: for a look between two epochs.

    Args:
        network: (B, C, H, W) uint8 -> (B, K) scores of images, or (B, K, H, W) of pixels.
        split: labelled images; its labels say which of the two is asked for.
    """
    losses = np.zeros(len(split))
    right = counted = start = 0
    size = eval_batch_size(split.images)
    for scores in predict_batches(network, split.images):
        labels = split.labels[start : start + size]
        counts = counting(labels)
        # seven digits do for a pixel, and take a thirtieth of the time
        exact = scores.astype(np.float64) if labels.ndim == 1 else scores
        lost = np.where(counts, log_losses(exact, np.where(counts, labels, 0)), 0)
        losses[start : start + size] = lost.reshape(len(labels), -1).sum(1, dtype=np.float64)
        right += int(np.count_nonzero((scores.argmax(1) == labels) & counts))
        counted += int(np.count_nonzero(counts))
        start += size
    return Glance(float(losses.sum()) / counted, right / counted) if counted else Glance(math.nan, math.nan)


def counting(labels: NDArray[np.integer[Any]]) -> NDArray[np.bool_]:
    """Return which labels count: all of whole images (N,), those that are not `IGNORE_INDEX` of masks (N, H, W)."""
    return np.ones(labels.shape, dtype=bool) if labels.ndim == 1 else labels != IGNORE_INDEX


def log_losses(scores: NDArray[Real], labels: NDArray[np.integer[Any]]) -> NDArray[Real]:
    """Return the negative log likelihood of each label, in nats: (N, K, ...) and (N, ...) in 0..K-1 -> (N, ...)."""
    logs = log_softmax(scores, axis=1)
    losses: NDArray[Real] = -np.take_along_axis(logs, labels[:, None].astype(np.int64), axis=1)[:, 0]
    return losses
