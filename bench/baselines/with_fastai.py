"""fastai: DataLoaders over a data set in memory, a Learner, Adam, a constant rate."""

from functools import partial
from typing import Any

import torch
from fastai.callback.core import Callback
from fastai.data.core import DataLoaders
from fastai.learner import Learner
from fastai.optimizer import Adam
from torch import nn

from baselines.networks import network
from baselines.plain import Images
from baselines.work import RATE, Clock, Work, answer


class Timed(Callback):  # type: ignore[misc]
    """The clock around each epoch."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.losses: list[float] = []
        self.steps: list[Any] = []

    def before_epoch(self) -> None:
        """An epoch begins."""
        self.clock.start()

    def after_loss(self) -> None:
        """A batch has its loss."""
        self.steps.append(self.learn.loss.detach())

    def after_train(self) -> None:
        """The training half of the epoch has ended."""
        self.losses.append(float(torch.stack(self.steps).mean()))
        self.steps.clear()
        self.clock.stop()


def train(work: Work, clock: Clock) -> list[float]:
    """Two epochs."""
    data = Images(work)
    loaders = DataLoaders.from_dsets(data, data, bs=work.batch, device=work.device, num_workers=0)
    timed = Timed(clock)
    optimizer = partial(Adam, mom=0.9, sqr_mom=0.999, eps=1e-8, wd=work.decay, decouple_wd=False)
    learner = Learner(loaders, network(work), loss_func=nn.CrossEntropyLoss(), opt_func=optimizer, cbs=timed)
    loaders.valid = loaders.valid.new(dataset=torch.utils.data.Subset(data, [0]))
    with learner.no_logging():
        learner.fit(2, lr=RATE)
    return timed.losses


if __name__ == "__main__":
    answer(train)
