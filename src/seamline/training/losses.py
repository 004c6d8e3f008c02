"""Losses of labels: of a single class each, or of classes that a dataset does not tell apart."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from seamline.data.dataset import Dataset
from seamline.data.loader import IGNORE_LABEL
from seamline.training.config import TrainConfig


class ClassLoss:
    """Cross entropy of labels that are a class each, the weighted mean over all labels of 0 or more.

    Args:
        class_weights: (K,) weight of each class; None for equal weights.
        label_smoothing: fraction of the target probability that is spread over all classes.
    """

    def __init__(self, class_weights: Tensor | None = None, label_smoothing: float = 0.0) -> None:
        self.class_weights = class_weights
        self.label_smoothing = label_smoothing

    def total(self, logits: Tensor, labels: Tensor, parts: Tensor | None) -> Tensor:
        """Return the sum of the losses of the labels that count, ().

        Args:
            logits: (B, K) or (B, K, H, W) float32.
            labels: (B,) or (B, H, W) int64, negative where they do not count.
            parts: (B,) int64, the part of the dataset of each image; not used here.
        """
        return F.cross_entropy(
            logits, labels, weight=self.class_weights, label_smoothing=self.label_smoothing, reduction="sum"
        )

    def weight(self, labels: Tensor) -> Tensor:
        """Return the weight of the labels that count, the denominator of the mean loss.

        Args:
            labels: (B,) or (B, H, W) int64, negative where they do not count.

        Returns:
            () int64, or float32 with class weights.
        """
        if self.class_weights is None:
            return (labels >= 0).sum()
        return torch.where(labels >= 0, self.class_weights[labels.clamp(min=0)], 0).sum()

    def hits(self, predicted: Tensor, labels: Tensor, parts: Tensor | None) -> Tensor:
        """Count the labels that are predicted correctly.

        Args:
            predicted: (B,) or (B, H, W) int64, the predicted classes.
            labels: (B,) or (B, H, W) int64, negative where they do not count.
            parts: (B,) int64, the part of the dataset of each image; not used here.

        Returns:
            () int64.
        """
        return (predicted == labels).sum()


class PartialLabelLoss(ClassLoss):
    """The negative logarithm of the summed probabilities of the classes that a label leaves open.

    A part of a dataset that does not tell two classes apart labels both as one of them. Where a label is a single
    class, this is cross entropy. After Cour, Sapp and Taskar, Learning from Partial Labels, JMLR 2011.

    Args:
        merged: (P, K) int64, for each part and class the class of its label, as `DatasetPart.merged`.
    """

    def __init__(self, merged: Tensor) -> None:
        super().__init__()
        self.merged = merged

    def total(self, logits: Tensor, labels: Tensor, parts: Tensor | None) -> Tensor:
        """Return the sum of the losses of the labels that count, ().

        Args:
            logits: (B, K) or (B, K, H, W) float32.
            labels: (B,) or (B, H, W) int64, negative where they do not count.
            parts: (B,) or (B, W) int64, the part of the dataset of each image, or of its columns.
        """
        assert parts is not None  # noqa: S101 - batches of a dataset with parts have them
        total = logits.new_zeros(())
        for part, merged in enumerate(self.merged.tolist()):
            shown = _align(parts, labels) == part
            rows = shown.reshape(len(labels), -1).any(1)
            own = torch.where(shown, labels, IGNORE_LABEL)[rows]
            total = total + F.cross_entropy(_merge_logits(logits[rows], merged), own, reduction="sum")
        return total

    def hits(self, predicted: Tensor, labels: Tensor, parts: Tensor | None) -> Tensor:
        """Count the predicted classes that are among those of their labels.

        Args:
            predicted: (B,) or (B, H, W) int64, the predicted classes.
            labels: (B,) or (B, H, W) int64, negative where they do not count.
            parts: (B,) or (B, W) int64, the part of the dataset of each image, or of its columns.

        Returns:
            () int64.
        """
        assert parts is not None  # noqa: S101 - batches of a dataset with parts have them
        return (self.merged.to(labels.device)[_align(parts, labels), predicted] == labels).sum()


def _align(parts: Tensor, labels: Tensor) -> Tensor:
    """Return the parts of images, or of their columns, in a shape that broadcasts to that of their labels."""
    between = [1] * (labels.ndim - parts.ndim)
    return parts.to(labels.device).view(len(labels), *between, *parts.shape[1:])


def _merge_logits(logits: Tensor, merged: Sequence[int]) -> Tensor:
    """Merge logits to those of labels, each the logarithm of the summed exponentials of its classes.

    Args:
        logits: (B, K, ...) float32.
        merged: (K) the label of each class.

    Returns:
        (B, K, ...) float32, minus infinity for labels that do not occur.
    """
    absent = torch.full_like(logits[:, 0], -torch.inf)
    labels: list[Tensor] = []
    for label in range(len(merged)):
        members = [logits[:, k] for k, of in enumerate(merged) if of == label]
        labels.append(torch.stack(members).logsumexp(0) if len(members) > 1 else members[0] if members else absent)
    return torch.stack(labels, 1)


def build_loss(config: TrainConfig, data: Dataset | None, model: nn.Module) -> ClassLoss:
    """Return the loss of a configuration for the labels of a dataset; class weights lie beside those of the model."""
    if data is not None and data.parts:
        return PartialLabelLoss(torch.tensor([part.merged for part in data.parts]))
    weights = config.class_weights
    if weights == "balanced":
        raise ValueError("class_weights is balanced; TrainConfig.balance returns the numbers")
    like = next(model.parameters())
    tensor = None if weights is None else torch.tensor(weights, dtype=like.dtype, device=like.device)
    return ClassLoss(tensor, config.label_smoothing)
