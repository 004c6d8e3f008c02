"""fastai: DataLoaders over a dataset in memory, a Learner, Adam, a constant learning rate."""

from functools import partial
from typing import Any

import torch
from fastai.callback.core import Callback
from fastai.data.core import DataLoaders
from fastai.learner import Learner
from fastai.optimizer import Adam
from torch import nn

from baselines.models import build_model
from baselines.plain import Images
from baselines.workload import LEARNING_RATE, Clock, Workload, run_contender


class Timer(Callback):  # type: ignore[misc]
    """Times each epoch."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.losses: list[float] = []
        self.steps: list[Any] = []

    def before_epoch(self) -> None:
        """Start the clock."""
        self.clock.start()

    def after_loss(self) -> None:
        """Store the loss of a batch."""
        self.steps.append(self.learn.loss.detach())

    def after_train(self) -> None:
        """Stop the clock before validation."""
        self.losses.append(float(torch.stack(self.steps).mean()))
        self.steps.clear()
        self.clock.stop()


def train(workload: Workload, clock: Clock) -> list[float]:
    """Train for two epochs."""
    data = Images(workload)
    loaders = DataLoaders.from_dsets(data, data, bs=workload.batch, device=workload.device, num_workers=0)
    timer = Timer(clock)
    optimizer = partial(Adam, mom=0.9, sqr_mom=0.999, eps=1e-8, wd=workload.decay, decouple_wd=False)
    learner = Learner(loaders, build_model(workload), loss_func=nn.CrossEntropyLoss(), opt_func=optimizer, cbs=timer)
    loaders.valid = loaders.valid.new(dataset=torch.utils.data.Subset(data, [0]))
    with learner.no_logging():
        learner.fit(2, lr=LEARNING_RATE)
    return timer.losses


if __name__ == "__main__":
    run_contender(train)
