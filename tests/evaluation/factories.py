"""Evaluations that can be computed by hand: given logits, or a model of one fixed 1 x 1 convolution."""

import math
from collections.abc import Sequence

import numpy as np
import torch
from msgspec.structs import astuple
from numpy.typing import NDArray
from torch import nn

from seamline.data.dataset import IGNORE_INDEX, Split
from seamline.evaluation.bootstrap import GroupBootstrap
from seamline.evaluation.counts import SplitCounts, confusion_counts, cross_entropy
from seamline.evaluation.evaluate import Evaluation, SampledLogits, SampleLimits, evaluate_split
from seamline.evaluation.metrics import SplitMetrics
from seamline.run_folder import Estimate

CLASSES = ("wall", "sky", "post", "door")
WEIGHTS = np.array([[1.0, 0, 0], [0, 1, 0], [0, 0, 1], [0.9, 0.9, -0.9]], dtype=np.float32) / 64


class Mixed(nn.Module):
    """(B, 3, H, W) uint8 -> (B, 4, H, W): `WEIGHTS` times the channels, times `sharp`."""

    def __init__(self, sharp: float = 1.0) -> None:
        super().__init__()
        self.weights = nn.Parameter(sharp * torch.from_numpy(WEIGHTS))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return torch.einsum("kc,bchw->bkhw", self.weights, images.float())


def logits_of(images: NDArray[np.uint8], sharp: float = 1.0) -> NDArray[np.float32]:
    """The same by hand: (N, H, W, 3) -> (N, H, W, 4)."""
    return (images.astype(np.float32) @ (sharp * WEIGHTS).T).astype(np.float32)


def mask_split(
    count: int = 12,
    seed: int = 0,
    *,
    side: tuple[int, int] = (16, 12),
    groups: int = 5,
    ignored: float = 0.1,
    absent: int | None = None,
) -> Split:
    """Images of few gray levels, so that scores tie; masks that follow the scores with noise, and pixels ignored."""
    rng = np.random.default_rng(seed)
    images = (rng.integers(0, 16, (count, *side, 3)) * 16).astype(np.uint8)
    scores = logits_of(images) + rng.gumbel(size=(count, *side, 4))
    if absent is not None:
        scores[..., absent] = -99
    labels = scores.argmax(-1).astype(np.uint8)
    labels[rng.random(labels.shape) < ignored] = IGNORE_INDEX
    names = tuple(f"{seed}/{i:03d}" for i in range(count))
    return Split(images, labels, names, np.arange(count, dtype=np.int64) % groups + 7)


def mask_evaluation(
    split: Split, sharp: float = 1.0, stream: int = 0, limits: SampleLimits | None = None
) -> Evaluation:
    return evaluate_split(Mixed(sharp), split, CLASSES, "segmentation", stream=stream, limits=limits)


def label_evaluation(
    classes: Sequence[str],
    logits: NDArray[np.float32],
    labels: NDArray[np.int64],
    *,
    split: Split | None = None,
    groups: NDArray[np.int64] | None = None,
) -> Evaluation:
    """Return the evaluation of (N, K) logits of images whose labels are (N,)."""
    names = tuple(f"{i:05d}" for i in range(len(labels)))
    groups = np.arange(len(labels)) if groups is None else groups
    split = split or Split(np.zeros((len(labels), 1, 1, 1), np.uint8), labels, names, groups)
    predicted, valid = logits.argmax(1), np.ones((len(labels), 1), dtype=bool)
    confusion = confusion_counts(labels[:, None], predicted[:, None], valid, len(classes))
    bootstrap = GroupBootstrap(split.groups, one_label=True)
    counts = SplitCounts(tuple(classes), bootstrap, confusion, cross_entropy(logits.astype(np.float64), labels))
    sample = SampledLogits(logits[:, :, None], labels[:, None], predicted[:, None], valid)
    return Evaluation("classification", split, predicted, counts, sample)


def label_metrics(classes: Sequence[str], confusion: NDArray[np.int64]) -> SplitMetrics:
    """Return the metrics of images to classify that give a (K, K) confusion matrix."""
    cells = np.repeat(np.arange(confusion.size), confusion.ravel())
    labels, predicted = np.divmod(cells, len(confusion))
    return label_evaluation(classes, np.eye(len(confusion), dtype=np.float32)[predicted], labels).metrics


def ends(estimate: Estimate) -> tuple[float, float, float]:
    """Return value, low and high, to compare with numbers."""
    value, low, high = astuple(estimate)
    return value, low, high


def without_interval(estimate: Estimate) -> bool:
    return not math.isnan(estimate.value) and math.isnan(estimate.low) and math.isnan(estimate.high)
