"""What halving the resolution does to a confusion of classes: networks trained on both, compared on the same images."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from seamline.data.dataset import Split
from seamline.data.downscale import pixelate
from seamline.data.splits import Splits
from seamline.evaluation.bootstrap import GroupBootstrap
from seamline.evaluation.confidence import widest
from seamline.evaluation.cross_val import train_and_predict
from seamline.evaluation.repeats import Repeats, t_mean
from seamline.models.factory import build_model
from seamline.run_folder import Estimate
from seamline.training.presets import get_preset

SEEDS = 3
"""Networks that are trained for each resolution."""

PRESET = "sprint"
"""Their preset: a few seconds each."""


@dataclass(frozen=True)
class ResolutionEffect:
    """Confusion of a class with others at full and at half resolution, as fractions of the images of all of these."""

    full: float  # mean over the seeds at full resolution
    half: float  # mean over the seeds at half resolution
    by_seed: tuple[float, ...]  # half minus full, of each seed
    difference: Estimate  # half minus full; the interval includes those over images and over seeds
    accuracy: tuple[float, float]  # accuracy on all images at full and at half resolution, mean over the seeds


def resolution_effect(
    splits: Splits,
    test: Split,
    n_classes: int,
    hardest: int,
    others: Collection[int],
    *,
    device: torch.device,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> ResolutionEffect:
    """Train networks at both resolutions, and compare how often a class is confused with others.

    Args:
        splits: the training images.
        test: images of even height and width to compare on.
        n_classes: number of classes.
        hardest: the class.
        others: the classes that it is confused with.
        device: where to train.
        progress: called with the number of networks trained and their total.

    Returns:
        The effect.
    """
    labels = np.asarray(test.labels[:])
    confused, correct = np.zeros((2, SEEDS, len(test))), np.zeros((2, SEEDS))
    for number in range(2 * SEEDS):
        half, seed = divmod(number, SEEDS)
        train, shown = (_at_half(split) if half else split for split in (splits.train, test))
        predicted = _train_and_predict(train, shown, n_classes, seed, device)
        progress(number + 1, 2 * SEEDS)
        pair = np.isin(predicted, list(others)) & (labels == hardest)
        confused[half, seed] = pair | (np.isin(labels, list(others)) & (predicted == hardest))
        correct[half, seed] = (predicted == labels).mean()
    members = np.isin(labels, [hardest, *others])
    rates = confused[:, :, members].mean(2)  # (2, SEEDS)
    over_images = GroupBootstrap(test.groups, one_label=True).mean(
        np.where(members, (confused[1] - confused[0]).mean(0), 0.0), members.astype(np.int64)
    )
    by_seed: list[float] = (rates[1] - rates[0]).tolist()
    return ResolutionEffect(
        full=float(rates[0].mean()),
        half=float(rates[1].mean()),
        by_seed=tuple(by_seed),
        difference=widest(over_images.estimate, t_mean(Repeats(by_seed, 1 / int(members.sum())))),
        accuracy=(float(correct[0].mean()), float(correct[1].mean())),
    )


def _at_half(split: Split) -> Split:
    return replace(split, images=pixelate(np.asarray(split.images[:]), 2))


def _train_and_predict(train: Split, test: Split, n_classes: int, seed: int, device: torch.device) -> NDArray[np.int64]:
    """Train a network on images and return its predictions for others, (N,) int64."""
    config = get_preset(PRESET, "classification")
    model = build_model(config.model, train.images.shape[1:], n_classes, task="classification", seed=seed)
    logits = train_and_predict(model, train, test.images, config, seed=seed, device=device)
    predicted: NDArray[np.int64] = logits.argmax(1)
    return predicted
