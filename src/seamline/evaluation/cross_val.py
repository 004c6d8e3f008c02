"""Answers about images that their network did not learn from: images are cut into folds, and each is left out once."""

from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray

from seamline.data.dataset import Split
from seamline.data.loader import Batches
from seamline.inference.forward import predict_logits
from seamline.inference.tta import TTA
from seamline.models.factory import build_model
from seamline.progress import Reporter
from seamline.training.config import TrainConfig
from seamline.training.loop import Training

FOLDS = 3
"""How many folds own images are cut into."""
_CHANCE_OF_FOLDS = 4  # tells this stream of random numbers from the others made with the same seed


def fold_of_each(groups: NDArray[np.int64], folds: int, seed: int) -> NDArray[np.int64]:
    """Return the fold of each image, (N,) int64, 0..folds-1; no group is in two, and folds have as many groups."""
    _, group = np.unique(groups, return_inverse=True)
    count = int(group.max(initial=-1)) + 1
    order = np.random.default_rng([_CHANCE_OF_FOLDS, seed]).permutation(count)
    folded: NDArray[np.int64] = (order % folds)[group]
    return folded


def out_of_fold_scores(
    split: Split, classes: int, recipe: TrainConfig, *, folds: int, seed: int, device: torch.device, teller: Reporter
) -> NDArray[np.float32]:
    """Train a network for each fold on the images of all others, and ask it about the fold.

    Each is trained by the recipe for half of its epochs: what is asked for is a second opinion, not the best one.

    Args:
        split: images whose labels are of the whole.
        classes: number of classes K.
        recipe: how.
        folds: how many, 2 or more.
        seed: decides the folds, first weights and batches.
        device: where.
        teller: says how it goes.

    Returns:
        (N, K) float32.
    """
    recipe = replace(recipe, epochs=max(0.5, recipe.epochs / 2), keep="last")
    fold = fold_of_each(split.groups, folds, seed)
    scores = np.zeros((len(split), classes), np.float32)
    with teller.counting("judging labels") as progress:
        for number in range(folds):
            learned, asked = np.flatnonzero(fold != number), np.flatnonzero(fold == number)
            if not len(asked) or len(learned) < 2:
                continue
            part = split.select(learned)
            network = build_model(
                recipe.network,
                part.images.shape[1:],
                classes,
                task="classification",
                seed=seed,
                pretrained=recipe.pretrained,
            )
            network.init_from_data(part.images)
            network.to(device)
            batches = Batches(
                part, recipe.batch_size, task="classification", seed=seed, augmentation=recipe.changes, device=device
            )
            training = Training(network, batches, recipe)
            for epoch in training:
                progress(1000 * number + round(1000 * epoch.epoch / max(1.0, recipe.epochs)), 1000 * folds)
            scores[asked] = predict_logits(TTA(network, recipe.flip), split.select(asked).images)
    return scores
