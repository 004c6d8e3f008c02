"""The training loop: takes a model and batches, yields a record of each epoch.

It knows nothing of validation, reports or files.
"""

import itertools
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from seamline.data.dataset import Dataset
from seamline.data.limits import describe_memory, is_out_of_memory
from seamline.data.loader import IN_NETWORK, Batch, Batches, derive_seed
from seamline.errors import SeamlineError
from seamline.models.blocks import BaseModel
from seamline.run_folder import CurvePoint, Epoch
from seamline.training.config import TrainConfig
from seamline.training.distributed import Distributed, is_lost_peer
from seamline.training.losses import build_loss
from seamline.training.optimizers import build_optimizers
from seamline.training.signals import StopRequest

MICRO_BATCH_PIXELS = 100_352  # 128 images of 28 x 28, whose feature maps fit into the cache of a CPU
CHECK_EVERY = 10  # steps between two checks of the loss; a check waits for a GPU
CURVE_POINTS = 100  # points of a whole training's curve, roughly


@dataclass(frozen=True)
class StepStats:
    """Progress within an epoch."""

    epoch: int  # number of the epoch, from 1
    done: int  # steps done in it
    steps: int  # steps of the epoch
    before: int  # steps of all epochs before it
    total: int  # steps of the whole training
    samples: int  # images trained on in it
    loss: float  # mean loss in it
    accuracy: float  # accuracy in it, 0..1


def lr_factor(config: TrainConfig, step: int, steps: int) -> float:
    """Return the learning rate of step `step` (from 0) of `steps` as a fraction of the highest one, 0..1."""
    if config.schedule == "constant":
        return 1.0
    position = (step + 0.5) / steps
    return position / config.warmup if position < config.warmup else (1 - position) / (1 - config.warmup)


@dataclass
class _EpochState:
    """Sums of an epoch that is not finished. Tensors stay on the device: reading them would make a GPU wait."""

    losses: Tensor  # (steps,) float32, of each step's loss times its images
    n_correct: Tensor  # (steps,) int64, labels predicted correctly in each step
    n_valid: Tensor  # (steps,) int64, labels that count in each step
    step: int = 0
    samples: int = 0
    seconds: float = 0.0


class Training:
    """The training of a model; iterate over it to train.

    Args:
        model: trained in place.
        batches: the training images, on the model's device; this process's shard of each batch.
        config: the configuration.
        data: the dataset of the batches, whose labels may leave classes open; None where each label is one class.
        processes: the processes that train the model together.
        on_progress: called every few steps.

    Attributes:
        on_step_end: called after every step with the number of the signal that asks to stop, or 0; it may take the
            `state` or raise an exception.
        stop_request: set by signals.

    Raises:
        SeamlineError: images are trained on in another size than the model takes, or a setting of pretrained encoders
            is given for a model without one.
    """

    def __init__(
        self,
        model: BaseModel,
        batches: Batches,
        config: TrainConfig,
        *,
        data: Dataset | None = None,
        processes: Distributed | None = None,
        on_progress: Callable[[StepStats], None] | None = None,
    ) -> None:
        resized = batches.output_size != tuple(batches.images.shape[1:3])
        _check_model(model, config, resized=resized)
        self.model = model
        self.batches = batches
        self.config = config
        self.processes = processes or Distributed()
        self.on_progress = on_progress
        self.on_step_end: Callable[[int], None] | None = None
        self.stop_request = StopRequest()
        self.epochs_done = 0
        self.epoch_state: _EpochState | None = None
        self.steps = max(1, round(config.epochs * len(batches)))
        self.parts = min(max(round(CURVE_POINTS / config.epochs), 2), 20)  # of an epoch, a point of the curve for each
        self.frozen = model.encoder_stages[: config.frozen_stages]
        for stage in self.frozen:
            stage.requires_grad_(False)
        self.optimizers = build_optimizers(model, config)
        self.micro_batch_size = _micro_batch_size(model, batches)
        self.loss = build_loss(config, data, model)
        self.average = _weight_average(model, config.ema_decay) if config.ema_decay else None

    def __iter__(self) -> Iterator[Epoch]:
        """Train to the end, from the current position.

        Yields:
            Each epoch, without its validation.

        Raises:
            SeamlineError: the loss is no longer finite, or memory ran out.
        """
        while self.epochs_done * len(self.batches) < self.steps:
            yield self._train_epoch(self.epochs_done + 1)

    @property
    def final_model(self) -> BaseModel:
        """The model that is validated and stored: the trained one, or the one with the averages of its weights."""
        return self.model if self.average is None else cast(BaseModel, self.average.module)

    @property
    def position(self) -> str:
        """The current position, in words."""
        if self.epoch_state is None:
            return f"after epoch {self.epochs_done}"
        return f"in epoch {self.epochs_done + 1}, after step {self.epoch_state.step} of {len(self.epoch_state.losses)}"

    def state(self) -> dict[str, Any]:
        """Return everything that an exact resume needs: tensors, numbers and strings.

        Random numbers are a function of the seed and the position, so there are no states of generators.
        """
        return {
            "epochs_done": self.epochs_done,
            "epoch_state": None if self.epoch_state is None else vars(self.epoch_state),
            "model": self.model.state_dict(),
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
            "average": None if self.average is None else self.average.state_dict(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Restore a `state`; the steps that follow are then the same, bit for bit."""
        self.epochs_done = state["epochs_done"]
        self.epoch_state = None
        if state["epoch_state"] is not None:
            self.epoch_state = _EpochState(**state["epoch_state"])
            for name in ("losses", "n_correct", "n_valid"):
                setattr(self.epoch_state, name, getattr(self.epoch_state, name).to(self.batches.device))
        self.model.load_state_dict(state["model"])
        if self.average is not None:
            self.average.load_state_dict(state["average"])
        for optimizer, stored in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(stored)
            for weight, buffers in optimizer.state.items():
                for name, buffer in buffers.items():
                    if isinstance(buffer, Tensor) and buffer.shape == weight.shape:  # same memory layout: same bits
                        buffers[name] = torch.empty_like(weight).copy_(buffer)

    def _train_epoch(self, number: int) -> Epoch:
        """Train on every image once, or on those left; the last epoch may be partial."""
        before = (number - 1) * len(self.batches)
        steps = min(len(self.batches), self.steps - before)
        if self.epoch_state is None:
            n_correct, n_valid = (torch.zeros(steps, dtype=torch.int64, device=self.batches.device) for _ in range(2))
            self.epoch_state = _EpochState(torch.zeros(steps, device=self.batches.device), n_correct, n_valid)
        state = self.epoch_state
        self.model.train()
        for stage in self.frozen:
            stage.eval()  # batch normalization keeps its statistics
        start = time.perf_counter()
        for batch in islice(self.batches.epoch(number, state.step), steps - state.step):
            self._train_step(batch, number, before)
            if state.step % CHECK_EVERY == 0 or state.step == steps:
                self._report_progress(number, before)
            stop_signal = self.processes.all_reduce_max(self.stop_request.signal)
            state.seconds += time.perf_counter() - start
            if self.on_step_end is not None:
                self.on_step_end(stop_signal)
            start = time.perf_counter()
        self.epochs_done, self.epoch_state = number, None
        return Epoch(
            epoch=number,
            train_loss=float(state.losses.sum(dtype=torch.float64)) / state.samples,
            train_accuracy=_ratio(state.n_correct, state.n_valid),
            learning_rate=self.optimizers[0].param_groups[0]["lr"],
            train_seconds=state.seconds,
            samples=state.samples,
            curve=self._curve(state, before),
        )

    def _curve(self, state: _EpochState, before: int) -> tuple[CurvePoint, ...]:
        """Return means over consecutive parts of an epoch that is done, each at the end of its part.

        A last batch of less than half the usual size joins the part before it, because a mean over few images is noisy.
        """
        whole, steps = len(self.batches), len(state.losses)
        ends = sorted({*(min(-(-whole * i // self.parts), steps) for i in range(1, self.parts + 1)), steps})
        if ends[-2:-1] == [steps - 1] and 2 * self.batches.batch_len(steps - 1) < self.batches.batch_len(0):
            del ends[-2]
        points = []
        for start, end in itertools.pairwise([0, *ends]):
            samples = sum(self.batches.batch_len(step) for step in range(start, end))
            loss = float(state.losses[start:end].cpu().sum(dtype=torch.float64)) / samples
            accuracy = _ratio(state.n_correct[start:end], state.n_valid[start:end])
            points.append(CurvePoint((before + end) / whole, loss, accuracy))
        return tuple(points)

    def _train_step(self, batch: Batch, epoch: int, before: int) -> None:
        """Train on one batch."""
        assert self.epoch_state is not None  # noqa: S101 - set by the caller
        state = self.epoch_state
        factor = lr_factor(self.config, before + state.step, self.steps)
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = group["base_lr"] * factor
        try:
            loss = self._backward(batch, epoch, state)
            for optimizer in self.optimizers:
                optimizer.step()
            if self.average is not None:
                self.average.update_parameters(self.model)
        except (MemoryError, RuntimeError, ValueError) as error:
            raise self._explain(error) from error
        samples = self.batches.batch_len(state.step)
        state.losses[state.step] = loss * samples
        state.samples += samples
        state.step += 1

    def _backward(self, batch: Batch, epoch: int, state: _EpochState) -> Tensor:
        """Accumulate the gradients of a batch's loss over micro-batches and processes.

        The loss is the weighted mean over all labels of 0 or more. Random numbers of the model (dropout) are a function
        of the seed, the epoch, the step and the process.

        Returns:
            The loss, () on the device.
        """
        for optimizer in self.optimizers:
            optimizer.zero_grad(set_to_none=True)
        images, labels, parts = batch
        total_weight, n_valid = self.loss.weight(labels), (labels >= 0).sum()
        self.processes.all_reduce_sum(total_weight, n_valid)
        loss, n_correct = (
            torch.zeros((), device=labels.device),
            torch.zeros((), dtype=torch.int64, device=labels.device),
        )
        mixed = self.config.amp_dtype == "bfloat16"
        position = (epoch, state.step, self.processes.rank)
        size = self.micro_batch_size
        parts_of_each = itertools.repeat(None) if parts is None else torch.split(parts, size)
        micro_batches = zip(torch.split(images, size), torch.split(labels, size), parts_of_each, strict=False)
        with torch.random.fork_rng(devices=[images.device] if images.is_cuda else []):
            stream = position if self.processes.rank else position[:-1]
            torch.manual_seed(derive_seed(IN_NETWORK, self.batches.seed, *stream))
            for inputs, targets, its_parts in micro_batches:
                if not len(inputs):
                    continue
                with torch.autocast(images.device.type, torch.bfloat16, enabled=mixed):
                    logits = self.model(inputs)
                losses = self.loss.total(logits.float() if mixed else logits, targets, its_parts)
                contribution = losses / total_weight
                contribution.backward()  # type: ignore[no-untyped-call]
                loss += contribution.detach()
                n_correct += self.loss.hits(logits.detach().argmax(1), targets, its_parts)
        self._all_reduce(loss, n_correct)
        state.n_correct[state.step] = n_correct
        state.n_valid[state.step] = n_valid
        return loss

    def _all_reduce(self, loss: Tensor, n_correct: Tensor) -> None:
        """Sum gradients, loss and counts over the processes; average the running statistics of batch normalization."""
        if self.processes.world_size == 1:
            return
        weights = [weight for weight in self.model.parameters() if weight.requires_grad]
        for weight in weights:
            if weight.grad is None:  # this process had no image
                weight.grad = torch.zeros_like(weight)
        running = [
            statistic
            for layer in self.model.modules()
            if isinstance(layer, nn.modules.batchnorm._BatchNorm) and layer.training  # frozen ones are all equal
            for statistic in (layer.running_mean, layer.running_var)
            if statistic is not None
        ]
        for statistic in running:
            statistic /= self.processes.world_size
        gradients = [weight.grad for weight in weights if weight.grad is not None]
        self.processes.all_reduce_sum(*gradients, loss, n_correct, *running)

    def _report_progress(self, epoch: int, before: int) -> None:
        """Check that the losses are finite, and call `on_progress`."""
        assert self.epoch_state is not None  # noqa: S101 - set by the caller
        state = self.epoch_state
        steps = len(state.losses)
        if not bool(torch.isfinite(state.losses).all()):
            step = int(torch.nonzero(~torch.isfinite(state.losses))[0])
            lr = self.config.lr * lr_factor(self.config, before + step, self.steps)
            raise SeamlineError(
                f"training stopped: the loss is {state.losses[step].item()} in epoch {epoch}, step {step + 1} of "
                f"{steps}, at learning rate {lr:.3g}; try a lower one, for example --set lr={lr / 10:.1g}"
            )
        if self.on_progress is not None:
            loss = float(state.losses.cpu().double().sum()) / state.samples  # not every GPU has float64
            accuracy = _ratio(state.n_correct, state.n_valid)
            progress = (epoch, state.step, steps, before, self.steps, state.samples, loss, accuracy)
            self.on_progress(StepStats(*progress))

    def _explain(self, error: Exception) -> Exception:
        """Return what to raise for an error: a line with the fix for errors that a user can fix."""
        if self.processes.world_size > 1 and is_lost_peer(error):
            return SeamlineError("training stopped: another process has ended; see its output")
        size = self.config.batch_size
        if "more than 1 value per channel" in str(error):  # of PyTorch's batch normalization
            remedy = f"try --batch-size {2 * size}" if len(self.batches.labels) > 1 else "add images"
            return SeamlineError(
                f"config: with batch_size={size}, a batch has one small image, which cannot be normalized; {remedy}"
            )
        if not is_out_of_memory(error):
            return error
        remedy = f"--set batch_size={size // 2}" if size > 1 else "a smaller model, or --set train_scale=0.5 for masks"
        return SeamlineError(
            f"config: not enough memory to train with batch_size={size} ({describe_memory(error)}); try {remedy}"
        )


def _weight_average(model: BaseModel, decay: float) -> AveragedModel:
    """Return the exponential moving average of a model's weights and statistics.

    After n steps the decay is at most (1 + n) / (10 + n), so that the initial weights soon count for nothing (Tan and
    Le, EfficientNet, ICML 2019, in the authors' code).
    """

    def update(averages: Any, weights: Any, steps: Tensor | int) -> None:
        warm = (1 + int(steps)) / (10 + int(steps))
        get_ema_multi_avg_fn(min(decay, warm))(averages, weights, steps)  # type: ignore[no-untyped-call]

    return AveragedModel(model, multi_avg_fn=update, use_buffers=True)


def _ratio(n_correct: Tensor, n_valid: Tensor) -> float:
    """Return the accuracy of some steps, NaN where no label counts."""
    valid = int(n_valid.sum())
    return int(n_correct.sum()) / valid if valid else math.nan


def _check_model(model: BaseModel, config: TrainConfig, *, resized: bool) -> None:
    """Refuse a configuration that does not fit the model; `resized` images have another size than those loaded."""
    stages = len(model.encoder_stages)
    if model.fixed_size and resized:
        name, needed = "crop" if config.crop else "train_scale", "that takes images of any size"
    elif config.frozen_stages and not stages:
        name, needed = "frozen_stages", "with a pretrained encoder"
    elif config.encoder_lr != 1 and not model.encoder_prefix:
        name, needed = "encoder_lr", "with a pretrained encoder"
    elif config.frozen_stages > stages:
        raise SeamlineError(
            f"config: frozen_stages must be 0 to {stages} for {config.model}, got {config.frozen_stages}"
        )
    else:
        return
    raise SeamlineError(f"config: {name} needs a model {needed}, and {config.model} is none; leave it out")


def _micro_batch_size(model: nn.Module, batches: Batches) -> int:
    """Return how many images pass through the model at once: a batch, or as many as fit into the cache of a CPU.

    Sums over micro-batches are sums over the batch. Only batch normalization would see the difference: a model that
    has it gets whole batches, and so does a GPU.
    """
    if batches.device.type != "cpu" or any(
        isinstance(layer, nn.modules.batchnorm._BatchNorm) for layer in model.modules()
    ):
        return batches.batch_size + 1  # a last batch includes a single remaining image
    height, width = batches.images.shape[1:3]
    return int(min(batches.batch_size, max(1, MICRO_BATCH_PIXELS // (height * width))))
