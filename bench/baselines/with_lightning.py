"""PyTorch Lightning: a module, a data loader, the Trainer with its defaults, writing no files."""

import logging
import warnings
from typing import Any

import lightning
import torch
from torch import Tensor
from torch.nn import functional as F
from torch.utils.data import DataLoader

from baselines.models import build_model
from baselines.plain import Images
from baselines.workload import LEARNING_RATE, Clock, Workload, run_contender


class Learner(lightning.LightningModule):
    """The model, its training step and a timer around each epoch."""

    def __init__(self, workload: Workload, clock: Clock) -> None:
        super().__init__()
        self.model, self.workload, self.clock = build_model(workload), workload, clock
        self.losses: list[float] = []
        self.steps: list[Tensor] = []

    def on_train_epoch_start(self) -> None:
        """Start the clock."""
        self.clock.start()

    def on_train_epoch_end(self) -> None:
        """Stop the clock and store the loss."""
        self.losses.append(float(torch.stack(self.steps).mean()))
        self.steps.clear()
        self.clock.stop()

    def training_step(self, batch: Any, _: int) -> Tensor:
        """Return the loss of a batch."""
        images, labels = batch
        loss = F.cross_entropy(self.model(images), labels)
        self.log("train_loss", loss)
        self.steps.append(loss.detach())
        return loss

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Return the optimizer."""
        return torch.optim.Adam(self.parameters(), lr=LEARNING_RATE, weight_decay=self.workload.decay)


def train(workload: Workload, clock: Clock) -> list[float]:
    """Train for two epochs."""
    warnings.filterwarnings("ignore")
    for name in ("lightning.pytorch", "lightning.fabric"):
        logging.getLogger(name).setLevel(logging.ERROR)
    learner = Learner(workload, clock)
    loader = DataLoader(Images(workload), batch_size=workload.batch, shuffle=True)
    trainer = lightning.Trainer(
        max_epochs=2,
        accelerator=workload.device,
        devices=1,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    trainer.fit(learner, loader)
    return learner.losses


if __name__ == "__main__":
    run_contender(train)
