"""Masks whose scores can be worked out by hand: a network of one fixed 1 x 1 convolution."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from seamline.data.dataset import IGNORE_INDEX, Split
from seamline.measure.masks.evaluation import MaskEvaluation, evaluate_masks

CLASSES = ("wall", "sky", "post", "door")
WEIGHTS = np.array([[1.0, 0, 0], [0, 1, 0], [0, 0, 1], [0.9, 0.9, -0.9]], dtype=np.float32) / 64


class Mixed(nn.Module):
    """(B, 3, H, W) uint8 -> (B, 4, H, W): `WEIGHTS` times the channels, times `sharp`."""

    def __init__(self, sharp: float = 1.0) -> None:
        super().__init__()
        self.weights = nn.Parameter(sharp * torch.from_numpy(WEIGHTS))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return torch.einsum("kc,bchw->bkhw", self.weights, images.float())


def scores_of(images: NDArray[np.uint8], sharp: float = 1.0) -> NDArray[np.float32]:
    """The same by hand: (N, H, W, 3) -> (N, H, W, 4)."""
    return (images.astype(np.float32) @ (sharp * WEIGHTS).T).astype(np.float32)


def made_split(
    count: int = 12,
    seed: int = 0,
    *,
    side: tuple[int, int] = (16, 12),
    groups: int = 5,
    ignored: float = 0.1,
    absent: int | None = None,
) -> Split:
    """Images of few grey levels, so that scores tie; masks that follow the scores with noise, and pixels ignored."""
    chance = np.random.default_rng(seed)
    images = (chance.integers(0, 16, (count, *side, 3)) * 16).astype(np.uint8)
    scores = scores_of(images) + chance.gumbel(size=(count, *side, 4))
    if absent is not None:
        scores[..., absent] = -99
    labels = scores.argmax(-1).astype(np.uint8)
    labels[chance.random(labels.shape) < ignored] = IGNORE_INDEX
    names = tuple(f"{seed}/{i:03d}" for i in range(count))
    return Split(images, labels, names, np.arange(count, dtype=np.int64) % groups + 7)


def made_evaluation(split: Split, sharp: float = 1.0, stream: int = 0) -> MaskEvaluation:
    return evaluate_masks(Mixed(sharp), split, CLASSES, stream)
