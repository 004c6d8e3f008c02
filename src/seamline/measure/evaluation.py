"""One pass over a split: the scores, from which every figure is derived."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_softmax
from torch import nn

from seamline.data.dataset import Split
from seamline.measure.inference import predict_scores


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
        logs = log_softmax(self.scores.astype(np.float64), axis=1)
        losses: NDArray[np.float64] = -logs[np.arange(len(self.labels)), self.labels]
        return losses

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
    """Ask the network about every image of a split."""
    return Evaluation(classes, predict_scores(network, split.images), split.labels)
