"""Seamline: the same network and recipe through its own loop."""

import numpy as np
import torch

from baselines.work import Clock, Work, answer
from seamline.data.dataset import Split
from seamline.data.loader import Batches
from seamline.models.devices import tune_malloc
from seamline.models.factory import build_model
from seamline.training.config import get_preset
from seamline.training.loop import Training


def train(work: Work, clock: Clock) -> list[float]:
    """Two epochs."""
    tune_malloc()
    segments = work.task == "facades"
    recipe = get_preset("original", segments=segments)
    count = len(work.images)
    split = Split(work.images, work.labels, tuple(map(str, range(count))), np.arange(count))
    network = build_model(recipe.network, split.images.shape[1:], work.classes, segments=segments)
    network.fit(split.images)
    network.to(work.device)
    batches = Batches(
        split,
        work.batch,
        task="segmentation" if segments else "classification",
        seed=0,
        augmentation=recipe.changes,
        device=torch.device(work.device),
    )
    training = iter(Training(network, batches, recipe))
    losses = []
    for _ in range(2):
        clock.start()
        losses.append(next(training).train_loss)
        clock.stop()
    return losses


if __name__ == "__main__":
    answer(train)
