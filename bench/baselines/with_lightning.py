"""PyTorch Lightning: a module, a data loader, the Trainer with its defaults and without files."""

import logging
import warnings
from typing import Any

import lightning
import torch
from torch import Tensor
from torch.nn import functional as F
from torch.utils.data import DataLoader

from baselines.networks import network
from baselines.plain import Images
from baselines.work import RATE, Clock, Work, answer


class Learner(lightning.LightningModule):
    """What Lightning calls, and the clock around each epoch."""

    def __init__(self, work: Work, clock: Clock) -> None:
        super().__init__()
        self.model, self.work, self.clock = network(work), work, clock
        self.losses: list[float] = []
        self.steps: list[Tensor] = []

    def on_train_epoch_start(self) -> None:
        """An epoch begins."""
        self.clock.start()

    def on_train_epoch_end(self) -> None:
        """An epoch has ended."""
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
        """Adam."""
        return torch.optim.Adam(self.parameters(), lr=RATE, weight_decay=self.work.decay)


def train(work: Work, clock: Clock) -> list[float]:
    """Two epochs."""
    warnings.filterwarnings("ignore")
    for name in ("lightning.pytorch", "lightning.fabric"):
        logging.getLogger(name).setLevel(logging.ERROR)
    learner = Learner(work, clock)
    loader = DataLoader(Images(work), batch_size=work.batch, shuffle=True)
    trainer = lightning.Trainer(
        max_epochs=2,
        accelerator=work.device,
        devices=1,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    trainer.fit(learner, loader)
    return learner.losses


if __name__ == "__main__":
    answer(train)
