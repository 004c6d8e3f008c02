"""The loop: a network and batches go in, a record of each epoch comes out.

It knows nothing of validation, reports or files: whoever iterates may look at the network between two epochs.
"""

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from seamline.data.limits import is_out_of_memory
from seamline.data.loader import IN_NETWORK, Batches, derive_seed
from seamline.errors import SeamlineError
from seamline.models.blocks import BaseModel
from seamline.models.devices import describe_memory
from seamline.run_folder import Epoch
from seamline.training.config import TrainConfig
from seamline.training.distributed import Distributed, is_loss_of_another
from seamline.training.optimizers import build_optimizers
from seamline.training.signals import StopRequest

PIXELS_IN_CACHE = 100_352  # 128 garments of 28 x 28: their maps in both layers stay in a processor's own memory
LOOK_EVERY = 10  # steps between two looks at the loss; a look waits for a GPU to catch up


@dataclass(frozen=True)
class Step:
    """Where training stands, for a progress bar.

    Attributes:
        epoch: the epoch under way, from 1.
        done: steps taken in it.
        steps: steps it has.
        before: steps of all epochs before it.
        total: steps of the whole training.
        images: images seen in it.
        loss: mean loss in it.
        accuracy: share labelled right in it.
    """

    epoch: int
    done: int
    steps: int
    before: int
    total: int
    images: int
    loss: float
    accuracy: float


def lr_factor(recipe: TrainConfig, step: int, steps: int) -> float:
    """Return what share of the highest step size step `step` (from 0) of `steps` takes, 0..1."""
    if recipe.schedule == "constant":
        return 1.0
    place = (step + 0.5) / steps
    return place / recipe.warmup if place < recipe.warmup else (1 - place) / (1 - recipe.warmup)


@dataclass
class _Underway:
    """What an epoch that has begun has come to. Counts stay on the device: reading them would hold a GPU up."""

    losses: Tensor  # (steps,) float32, of each step's loss times its images
    right: Tensor  # () int64, labels that got the highest score
    counted: Tensor  # () int64, labels that count
    step: int = 0
    images: int = 0
    seconds: float = 0.0


class Training:
    """One network on its way through a recipe; iterate over it to train.

    Args:
        network: gives scores (B, K) or (B, K, H, W) for (B, C, H, W) uint8; trained in place.
        batches: what to learn from, on the network's device; of each batch this process's part.
        recipe: how.
        processes: those that train this network together, each with its part of the batches.
        on_step: called every few steps.

    Attributes:
        between: called after every step with the number of the signal that asks this training to stop, or 0: `state`
            can be kept there, and an exception raised.
        wish: what signals say.
    """

    def __init__(
        self,
        network: BaseModel,
        batches: Batches,
        recipe: TrainConfig,
        *,
        processes: Distributed | None = None,
        on_step: Callable[[Step], None] | None = None,
    ) -> None:
        self.network = network
        self.batches = batches
        self.recipe = recipe
        self.processes = processes or Distributed()
        self.on_step = on_step
        self.between: Callable[[int], None] | None = None
        self.wish = StopRequest()
        self.done = 0
        self.underway: _Underway | None = None
        self.steps = max(1, round(recipe.epochs * len(batches)))
        self.optimizers = build_optimizers(network, recipe)
        self.portion = _portion(network, batches)
        weights = recipe.class_weights
        self.class_weights = None
        if weights is not None:
            kind = next(network.parameters()).dtype
            self.class_weights = torch.tensor(weights, dtype=kind, device=batches.device)

    def __iter__(self) -> Iterator[Epoch]:
        """Train epoch after epoch, from where this training stands to the recipe's end.

        Raises:
            SeamlineError: the loss is no longer a number, or memory ran out.
        """
        while self.done * len(self.batches) < self.steps:
            yield self._epoch(self.done + 1)

    @property
    def place(self) -> str:
        """Where this training stands, in words."""
        if self.underway is None:
            return f"after epoch {self.done}"
        return f"in epoch {self.done + 1}, after step {self.underway.step} of {len(self.underway.losses)}"

    def state(self) -> dict[str, Any]:
        """Return all that an exact continuation needs: tensors, numbers and texts only.

        What is chance is a function of the seed and the place, so there are no states of generators to keep.
        """
        return {
            "done": self.done,
            "underway": None if self.underway is None else vars(self.underway),
            "network": self.network.state_dict(),
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go back to a `state`; the steps that follow are then the same, bit for bit."""
        device = self.batches.device
        self.done = state["done"]
        self.underway = None
        if state["underway"] is not None:
            self.underway = _Underway(**state["underway"])
            for name in ("losses", "right", "counted"):
                setattr(self.underway, name, getattr(self.underway, name).to(device))
        self.network.load_state_dict(state["network"])
        for optimizer, kept in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(kept)
            for weight, its in optimizer.state.items():
                for name, one in its.items():
                    if isinstance(one, Tensor) and one.shape == weight.shape:  # in memory as the weight is: same bits
                        its[name] = torch.empty_like(weight).copy_(one)

    def _epoch(self, number: int) -> Epoch:
        """Learn from every image once, or from those left; in the last epoch from as many as the recipe asks for."""
        before = (number - 1) * len(self.batches)
        steps = min(len(self.batches), self.steps - before)
        device = self.batches.device
        if self.underway is None:
            right, counted = (torch.zeros((), dtype=torch.int64, device=device) for _ in range(2))
            self.underway = _Underway(torch.zeros(steps, device=device), right, counted)
        run = self.underway
        self.network.train()
        start = time.perf_counter()
        for batch, labels in islice(self.batches.epoch(number, run.step), steps - run.step):
            self._set_rates(before + run.step)
            try:
                loss = self._gradients(batch, labels, number, run)
                for optimizer in self.optimizers:
                    optimizer.step()
            except (MemoryError, RuntimeError) as error:
                raise self._cause(error) from error
            images = self.batches.batch_len(run.step)
            run.losses[run.step] = loss * images
            run.images += images
            run.step += 1
            if run.step % LOOK_EVERY == 0 or run.step == steps:
                total = self._look(run.losses, number)
                if self.on_step is not None:
                    accuracy = _share(run.right, run.counted)
                    self.on_step(
                        Step(number, run.step, steps, before, self.steps, run.images, total / run.images, accuracy)
                    )
            asked = self.processes.highest(self.wish.signal)
            run.seconds += time.perf_counter() - start
            if self.between is not None:
                self.between(asked)
            start = time.perf_counter()
        self.done, self.underway = number, None
        rate = self.optimizers[0].param_groups[0]["lr"]
        loss_mean = float(run.losses.sum(dtype=torch.float64)) / run.images
        return Epoch(
            epoch=number,
            train_loss=loss_mean,
            train_accuracy=_share(run.right, run.counted),
            learning_rate=rate,
            train_seconds=run.seconds,
            samples=run.images,
        )

    def _gradients(self, images: Tensor, labels: Tensor, epoch: int, run: _Underway) -> Tensor:
        """Leave the gradients of a batch's loss in the weights, adding up portion by portion and process by process.

        The loss is the cross entropy, mean over all labels of 0 or more, weighted. What is chance in the network
        (dropout) is a function of the seed, the epoch, the step and the process.

        Returns:
            The loss, () on the device.
        """
        for optimizer in self.optimizers:
            optimizer.zero_grad(set_to_none=True)
        smoothing = self.recipe.label_smoothing
        whole, counted = self._weight_of(labels), (labels >= 0).sum()
        self.processes.add_up(whole, counted)
        loss, right = torch.zeros((), device=labels.device), torch.zeros((), dtype=torch.int64, device=labels.device)
        mixed = self.recipe.precision == "bfloat16"
        place = (epoch, run.step, self.processes.number)
        with torch.random.fork_rng(devices=[images.device] if images.is_cuda else []):
            torch.manual_seed(derive_seed(IN_NETWORK, self.batches.seed, *(place if place[-1] else place[:-1])))
            for some, their in zip(torch.split(images, self.portion), torch.split(labels, self.portion), strict=True):
                if not len(some):
                    continue
                with torch.autocast(images.device.type, torch.bfloat16, enabled=mixed):
                    scores = self.network(some)
                losses = F.cross_entropy(
                    scores.float() if mixed else scores,
                    their,
                    weight=self.class_weights,
                    label_smoothing=smoothing,
                    reduction="sum",
                )
                part = losses / whole
                part.backward()  # type: ignore[no-untyped-call]
                loss += part.detach()
                right += (scores.detach().argmax(1) == their).sum()
        self._share_with_others(loss, right)
        run.right += right
        run.counted += counted
        return loss

    def _share_with_others(self, loss: Tensor, right: Tensor) -> None:
        """Add up the processes' gradients and figures; take the mean of what their batch normalisations have seen."""
        if self.processes.count == 1:
            return
        weights = [weight for weight in self.network.parameters() if weight.requires_grad]
        for weight in weights:
            if weight.grad is None:  # this process had no image
                weight.grad = torch.zeros_like(weight)
        seen = [
            figures
            for layer in self.network.modules()
            if isinstance(layer, nn.modules.batchnorm._BatchNorm)
            for figures in (layer.running_mean, layer.running_var)
            if figures is not None
        ]
        for figures in seen:
            figures /= self.processes.count
        self.processes.add_up(*[weight.grad for weight in weights if weight.grad is not None], loss, right, *seen)

    def _weight_of(self, labels: Tensor) -> Tensor:
        """Return the sum of the weights of the labels that count, (): what the mean is taken over."""
        if self.class_weights is None:
            return (labels >= 0).sum()
        return torch.where(labels >= 0, self.class_weights[labels.clamp(min=0)], 0).sum()

    def _set_rates(self, step: int) -> None:
        """Give the optimizers the step sizes of step `step` of the whole training."""
        share = lr_factor(self.recipe, step, self.steps)
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = group["highest_lr"] * share

    def _cause(self, error: Exception) -> Exception:
        """Return what to raise for `error`: where memory ran out, what to do, with the numbers."""
        if self.processes.count > 1 and is_loss_of_another(error):
            return SeamlineError("training stopped: another of the processes has ended; look at what it said")
        if not is_out_of_memory(error):
            return error
        size = self.recipe.batch_size
        cure = f"--set batch_size={size // 2}" if size > 1 else "a smaller network or, for masks, --set size=0.5"
        return SeamlineError(
            f"recipe: training with batch_size={size} needs more memory than there is ({describe_memory(error)}); "
            f"try {cure}"
        )

    def _look(self, losses: Tensor, epoch: int) -> float:
        """Return the sum of the losses so far, or stop where one is not a number."""
        if bool(torch.isfinite(losses).all()):
            return _total(losses)
        step = int(torch.nonzero(~torch.isfinite(losses))[0])
        rate = self.recipe.learning_rate * lr_factor(self.recipe, (epoch - 1) * len(self.batches) + step, self.steps)
        raise SeamlineError(
            f"training stopped: the loss is {losses[step].item()} in epoch {epoch}, step {step + 1} of {len(losses)}, "
            f"at learning rate {rate:.3g}; try a smaller one, for example --set learning_rate={rate / 10:.1g}"
        )


def _share(right: Tensor, counted: Tensor) -> float:
    """Return the share labelled right, NaN where nothing is labelled."""
    return right.item() / counted.item() if counted.item() else math.nan


def _total(losses: Tensor) -> float:
    """Add up in double precision, on the processor: not every GPU has it."""
    return float(losses.cpu().double().sum())


def _portion(network: nn.Module, batches: Batches) -> int:
    """Return how many images go through the network at once: a batch, or as many as a processor's cache holds.

    Sums over portions are the sums over the batch. Only batch normalisation would see the difference: a network that
    has it is given whole batches, as a GPU is, whose memory is one.
    """
    if batches.device.type != "cpu" or any(
        isinstance(layer, nn.modules.batchnorm._BatchNorm) for layer in network.modules()
    ):
        return batches.batch_size
    height, width = batches.images.shape[1:3]
    return int(min(batches.batch_size, max(1, PIXELS_IN_CACHE // (height * width))))
