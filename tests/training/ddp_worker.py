"""One of several processes that train together on images of its own drawing; run by test_distributed.py.

    python ddp_worker.py FOLDER CASE...

Writes weights and records of each case to FOLDER/CASE, if it is the first.
"""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from seamline.data.augmentation import Augmentation
from seamline.data.dataset import IGNORE_INDEX, Split
from seamline.data.loader import Batches
from seamline.models.blocks import BaseModel
from seamline.models.factory import build_model
from seamline.run_folder import Task
from seamline.training.checkpoints import pack
from seamline.training.config import TrainConfig
from seamline.training.distributed import Distributed, init_distributed
from seamline.training.loop import Training


class Pixels(BaseModel):
    """(B, 3, H, W) uint8 -> (B, 3, H, W), without batch normalisation."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.layers = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 3, 1))

    def forward(self, images: Tensor) -> Tensor:
        """Score every pixel."""
        scores: Tensor = self.layers(images.double() / 128 - 1)
        return scores


def images_of(count: int, side: int, channels: int, *, masks: bool) -> Split:
    """Draw images whose brightness, or whose pixels' brightness, tells their class."""
    chance = np.random.default_rng(0)
    shape = (count, side, side) if masks else (count,)
    labels = chance.integers(0, 3, shape)
    bright = 80 * labels if masks else (80 * labels)[:, None, None]
    images = (chance.integers(0, 90, (count, side, side, channels)) + bright[..., None]).astype(np.uint8)
    if masks:
        labels = np.where(chance.random(shape) < 0.1, IGNORE_INDEX, labels).astype(np.uint8)  # uneven numbers count
    return Split(images, labels, tuple(map(str, range(count))), np.arange(count))


def train(case: str, processes: Distributed) -> dict[str, Any]:
    """Train for three epochs."""
    part = (processes.rank, processes.world_size)
    if case == "masks":
        task: Task = "segmentation"
        split = images_of(27, 16, 3, masks=True)
        network: Any = Pixels().double()
        weights = (1.0, 2.0, 0.5)
        recipe = TrainConfig(model="unet-fast", epochs=3, batch_size=8, lr=1e-2, class_weights=weights, ema_decay=0.9)
        changes = Augmentation(
            hflip=True, translate=2, scale_jitter=0.2, aspect_jitter=0.1, color_jitter=0.2, cutmix=0.6
        )
    else:
        task = "classification"
        split = images_of(203, 20, 1, masks=False)
        name = "cnn-fast" if case == "normalised" else "cnn"
        trained = build_model(name, (20, 20, 1), 3, task="classification")
        trained.init_from_data(split.images)
        network = trained if case == "normalised" else trained.double()
        recipe = TrainConfig(model=name, epochs=3, batch_size=32, lr=1e-3, label_smoothing=0.1, ema_decay=0.9)
        changes = Augmentation(translate=1)
    if processes.rank:
        with torch.no_grad():
            next(network.parameters()).add_(1)  # as where the first alone could fetch weights
    processes.broadcast_model(network)
    batches = Batches(split, recipe.batch_size, task=task, seed=4, augmentation=changes, shard=part)
    training = Training(network, batches, recipe, processes=processes)
    records = [(record.train_loss, record.train_accuracy, record.samples) for record in training]
    return {"network": network.state_dict(), "average": training.final_model.state_dict(), "records": records}


if __name__ == "__main__":
    torch.set_num_threads(1)
    with init_distributed(torch.device("cpu")) as processes:
        for case in sys.argv[2:]:
            came = train(case, processes)
            passed = processes.broadcast(b"to all" if processes.is_main else None)
            if passed != b"to all" or processes.broadcast(None) is not None:
                sys.exit("what the first process had did not arrive")
            if processes.is_main:
                Path(sys.argv[1], case).write_bytes(pack(came))
    threads = [(task / "comm").read_text().strip() for task in Path("/proc/self/task").glob("*")]
    if "pt_gloo_runloop" in threads:  # one that lets go of a tensor while Python ends aborts the process, now and then
        sys.exit("threads of the group are left")
