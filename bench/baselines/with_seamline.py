"""Seamline: the same model and preset."""

import numpy as np
import torch

from baselines.workload import Clock, Workload, run_contender
from seamline.data.dataset import Split
from seamline.data.loader import Batches
from seamline.models.devices import tune_malloc
from seamline.models.factory import build_model
from seamline.run_folder import Task
from seamline.training.loop import Training
from seamline.training.presets import get_preset


def train(workload: Workload, clock: Clock) -> list[float]:
    """Train for two epochs."""
    tune_malloc()
    segments = workload.task == "facades"
    preset = get_preset("original", "segmentation" if segments else "classification")
    count = len(workload.images)
    split = Split(workload.images, workload.labels, tuple(map(str, range(count))), np.arange(count))
    task: Task = "segmentation" if segments else "classification"
    network = build_model(preset.model, split.images.shape[1:], workload.classes, task=task)
    network.init_from_data(split.images)
    network.to(workload.device)
    batches = Batches(
        split,
        workload.batch,
        task=task,
        seed=0,
        augmentation=preset.augmentation,
        device=torch.device(workload.device),
    )
    training = iter(Training(network, batches, preset))
    losses = []
    for _ in range(2):
        clock.start()
        losses.append(next(training).train_loss)
        clock.stop()
    return losses


if __name__ == "__main__":
    run_contender(train)
