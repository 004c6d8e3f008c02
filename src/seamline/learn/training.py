"""The loop: a network and batches go in, a record of each epoch comes out.

It knows nothing of validation, reports or files: whoever iterates may look at the network between two epochs.
"""

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from seamline.data.batches import IN_NETWORK, Batches, chance_of
from seamline.data.errors import UserError
from seamline.learn.recipes import Recipe

LOOK_EVERY = 10  # steps between two looks at the loss; a look waits for a GPU to catch up


@dataclass(frozen=True)
class Epoch:
    """What one pass over the training images gave.

    Attributes:
        epoch: its number, from 1.
        train_loss: mean loss met on the way, each batch as it was before its step; smoothed and weighted as trained.
        train_accuracy: share of images, or of pixels, labelled right on the way, 0..1.
        learning_rate: step size of the last step.
        seconds: time for training alone.
        images: images learned from.
    """

    epoch: int
    train_loss: float
    train_accuracy: float
    learning_rate: float
    seconds: float
    images: int


@dataclass(frozen=True)
class Step:
    """Where training stands, for a progress bar.

    Attributes:
        epoch: the epoch under way, from 1.
        done: steps taken in it.
        steps: steps it has.
        images: images seen in it.
        loss: mean loss in it.
        accuracy: share labelled right in it.
    """

    epoch: int
    done: int
    steps: int
    images: int
    loss: float
    accuracy: float


def learning_rate_at(recipe: Recipe, step: int, steps: int) -> float:
    """Return the step size of step `step` (from 0) of `steps`."""
    if recipe.schedule == "constant":
        return recipe.learning_rate
    place = (step + 0.5) / steps
    share = place / recipe.warmup if place < recipe.warmup else (1 - place) / (1 - recipe.warmup)
    return recipe.learning_rate * share


class Training:
    """One network on its way through a recipe; iterate over it to train.

    Args:
        network: gives scores (B, K) or (B, K, H, W) for (B, C, H, W) uint8; trained in place.
        batches: what to learn from, on the network's device.
        recipe: how.
        on_step: called every few steps.
    """

    def __init__(
        self, network: nn.Module, batches: Batches, recipe: Recipe, *, on_step: Callable[[Step], None] | None = None
    ) -> None:
        self.network = network
        self.batches = batches
        self.recipe = recipe
        self.on_step = on_step
        self.done = 0
        self.optimizer = _optimizer(network, recipe)
        weights = recipe.class_weights
        self.class_weights = None if weights is None else torch.tensor(weights, device=batches.labels.device)

    def __iter__(self) -> Iterator[Epoch]:
        """Train epoch after epoch, from where this training stands to the recipe's end.

        Raises:
            UserError: the loss is no longer a number.
        """
        while self.done < self.recipe.epochs:
            yield self._epoch(self.done + 1)

    def state(self) -> dict[str, Any]:
        """Return all that an exact continuation needs: tensors, numbers and texts only."""
        return {
            "done": self.done,
            "network": self.network.state_dict(),
            "optimizer": self.optimizer.state_dict(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go back to a `state`; the epochs that follow are then the same, bit for bit."""
        self.done = state["done"]
        self.network.load_state_dict(state["network"])
        self.optimizer.load_state_dict(state["optimizer"])

    def _epoch(self, number: int) -> Epoch:
        """Learn from every image once."""
        start = time.perf_counter()
        steps = len(self.batches)
        device = self.batches.labels.device
        losses = torch.zeros(steps, device=device)  # read every few steps only, so that a GPU is not held up
        right, counted = (torch.zeros((), dtype=torch.int64, device=device) for _ in range(2))
        images, rate = 0, 0.0
        self.network.train()
        for step, (batch, labels) in enumerate(self.batches.epoch(number)):
            rate = self._set_rate((number - 1) * steps + step)
            scores = self._scores(batch, number, step)
            loss = self._loss(scores, labels)
            self.optimizer.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            self.optimizer.step()
            losses[step] = loss.detach() * len(labels)
            right += (scores.detach().argmax(1) == labels).sum()
            counted += (labels >= 0).sum()
            images += len(labels)
            if (step + 1) % LOOK_EVERY == 0 or step + 1 == steps:
                total = self._look(losses, number)
                if self.on_step is not None:
                    self.on_step(Step(number, step + 1, steps, images, total / images, _share(right, counted)))
        self.done = number
        seconds = time.perf_counter() - start
        return Epoch(
            number, float(losses.sum(dtype=torch.float64)) / images, _share(right, counted), rate, seconds, images
        )

    def _scores(self, images: Tensor, epoch: int, step: int) -> Tensor:
        """Ask the network; what is chance in it (dropout) is a function of the seed, the epoch and the step."""
        with torch.random.fork_rng(devices=[images.device] if images.is_cuda else []):
            torch.manual_seed(chance_of(IN_NETWORK, self.batches.seed, epoch, step))
            scores: Tensor = self.network(images)
            return scores

    def _loss(self, scores: Tensor, labels: Tensor) -> Tensor:
        """Cross entropy, mean over all labels of 0 or more."""
        smoothing = self.recipe.label_smoothing
        return F.cross_entropy(scores, labels, weight=self.class_weights, label_smoothing=smoothing)

    def _set_rate(self, step: int) -> float:
        """Give the optimizer the step size of step `step` of the whole training."""
        rate = learning_rate_at(self.recipe, step, self.recipe.epochs * len(self.batches))
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        return rate

    def _look(self, losses: Tensor, epoch: int) -> float:
        """Return the sum of the losses so far, or stop where one is not a number."""
        if bool(torch.isfinite(losses).all()):
            return _total(losses)
        step = int(torch.nonzero(~torch.isfinite(losses))[0])
        rate = learning_rate_at(self.recipe, (epoch - 1) * len(losses) + step, self.recipe.epochs * len(losses))
        raise UserError(
            f"training stopped: the loss is {losses[step].item()} in epoch {epoch}, step {step + 1} of {len(losses)}, "
            f"at learning rate {rate:.3g}; try a smaller one, for example --set learning_rate={rate / 10:.1g}"
        )


def _share(right: Tensor, counted: Tensor) -> float:
    """Return the share labelled right, NaN where nothing is labelled."""
    return right.item() / counted.item() if counted.item() else math.nan


def _total(losses: Tensor) -> float:
    """Add up in double precision, on the processor: not every GPU has it."""
    return float(losses.cpu().double().sum())


def _optimizer(network: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    """Return the recipe's optimizer in its fused form: one pass over the weights a step.

    Biases and normalisation are left out of AdamW's weight decay: they do not make the function steeper. Adam decays
    every weight, as PyTorch's does by itself, which is how the study used it.
    """
    if recipe.optimizer == "adam":
        rate, decay = recipe.learning_rate, recipe.weight_decay
        return torch.optim.Adam(network.parameters(), lr=rate, weight_decay=decay, fused=True)
    matrices = [weight for weight in network.parameters() if weight.ndim > 1]
    others = [weight for weight in network.parameters() if weight.ndim <= 1]
    groups = [{"params": matrices, "weight_decay": recipe.weight_decay}, {"params": others, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=recipe.learning_rate, fused=True)
