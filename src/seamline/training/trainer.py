"""Training in a run folder: checkpoints, history and the final weights, whatever interrupts it."""

import math
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import msgspec
from torch import Tensor

from seamline.data.loader import Batches
from seamline.errors import SeamlineError, TrainingInterrupted
from seamline.models.blocks import BaseModel
from seamline.models.classifiers import LiteClassifier
from seamline.models.factory import build_model
from seamline.models.saved import save_weights
from seamline.progress import Reporter
from seamline.run_folder import Epoch, InitFrom, RunFolder, RunInfo
from seamline.run_folder.fields import decode_field
from seamline.training.checkpoints import Checkpoints, unpack
from seamline.training.config import TrainConfig
from seamline.training.distributed import Distributed
from seamline.training.head_init import fit_head
from seamline.training.loop import Training
from seamline.training.plan import TrainingPlan
from seamline.training.run_metadata import run_info
from seamline.training.signals import catch_signals
from seamline.training.transfer import init_from_run

Validate = Callable[[BaseModel], tuple[float, float]]
"""Model -> loss and accuracy on the validation images."""


def fit(
    folder: RunFolder,
    plan: TrainingPlan,
    validate: Validate,
    *,
    resume: bool = False,
    processes: Distributed | None = None,
    val_images: int | None = None,
) -> None:
    """Train the model of a plan, and write run.json, history and the final weights.

    All processes that train together call this; only the main process uses the folder and validates, after each epoch.
    With `resume` the training continues from the newest checkpoint, if there is one.

    Raises:
        SeamlineError: the loss is no longer finite, or no checkpoint is intact.
        TrainingInterrupted: a signal asked to stop.
    """
    processes = processes or Distributed()
    reporter = plan.options.reporter
    fresh = not (resume and Checkpoints(folder.checkpoint_dir).files())
    model, init_from = initial_model(plan, processes, fetch=fresh)
    if model.init_description and fresh and init_from is None:
        reporter.say(f"{plan.config.model} starts {model.init_description}")
    batches = Batches(
        plan.splits.train,
        plan.config.batch_size,
        task=plan.data.task,
        seed=plan.seed,
        augmentation=plan.config.augmentation,
        device=processes.device,
        shard=(processes.rank, processes.world_size),
        mix=plan.config.mix,
    )
    info = run_info(plan, model, folder, processes, init_from)
    with folder.lock() if processes.is_main else nullcontext():
        training = Training(model, batches, plan.config, data=plan.data, processes=processes)
        trainer = Trainer(folder, training, info, validate, plan.options.checkpoint_every, reporter, val_images)
        trainer.run(resume=resume)


def initial_model(
    plan: TrainingPlan, processes: Distributed, *, fetch: bool = True
) -> tuple[BaseModel, InitFrom | None]:
    """Build the model of a plan with its initial weights, on its device; return it with the run that it starts from.

    All processes get the weights of the main process. Without `fetch`, as to resume, pretrained weights are not loaded,
    and no head is fitted to their features.
    """
    start, config = plan.options.init_folder, plan.config
    pretrained = config.pretrained and fetch and start is None and processes.is_main
    model = build_model(
        config.model,
        plan.input_shape,
        len(plan.data.classes),
        task=plan.data.task,
        seed=plan.seed,
        pretrained=pretrained,
        choices=config.layer_choices,
    )
    model.init_from_data(plan.splits.train.images)
    init_from = None if start is None else init_from_run(model, start, plan.input_shape, plan.data.classes)
    model.to(processes.device)
    if pretrained and isinstance(model, LiteClassifier):
        with plan.options.reporter.counting("computing features") as progress:
            fit_head(model, plan.splits.train, config, progress)
    processes.broadcast_model(model)
    return model, init_from


@dataclass
class Trainer:
    """Runs a training in its folder."""

    folder: RunFolder  # the run folder, locked by the main process
    training: Training  # not started
    info: RunInfo  # `run.json` of a fresh training
    validate: Validate  # called after each epoch, by the main process
    checkpoint_every: float  # seconds between two checkpoints; each epoch ends with one too
    reporter: Reporter
    val_images: int | None = None  # number of images that `validate` uses, None for all validation images

    def __post_init__(self) -> None:
        self.checkpoints = Checkpoints(self.folder.checkpoint_dir)
        self.is_main = self.training.processes.is_main
        self.history: list[Epoch] = []
        self.best_weights: dict[str, Tensor] = {}
        self.best_metric: float | None = None
        self.saved_at = time.monotonic()

    def run(self, *, resume: bool) -> None:
        """Train to the end, from the newest checkpoint with `resume`, and write the final weights."""
        content = self._newest_checkpoint() if resume and self.is_main else None
        content = self.training.processes.broadcast(content)
        if content is not None:
            self._restore(unpack(content))
        elif self.is_main:
            self.folder.clear()
            self.folder.info.write(self.info)
            self.folder.history.write(())
        epochs = self.training.config.epochs
        with catch_signals() as request, self.reporter.training(epochs) as self.training.on_progress:
            self.training.stop_request = request
            self.training.on_step_end = self._on_step_end
            for epoch in self.training:
                if self.is_main:
                    self._on_epoch_end(epoch)
        if self.is_main:
            save_weights(self.folder, self.best_weights)
            self.checkpoints.clear()

    def _newest_checkpoint(self) -> bytes | None:
        """Return the newest intact checkpoint, and report damaged ones."""
        content, damaged = self.checkpoints.newest()
        for file in damaged:
            self.reporter.say(f"{file}: damaged, its checksum does not match; using the previous checkpoint")
            file.unlink(missing_ok=True)
        return content

    def _restore(self, checkpoint: dict[str, Any]) -> None:
        """Restore a checkpoint."""
        self.training.restore(checkpoint["training"])
        self.history = [msgspec.convert(fields, Epoch, dec_hook=decode_field) for fields in checkpoint["history"]]
        self.best_weights, self.best_metric = checkpoint["best_weights"], checkpoint["best_metric"]
        self.reporter.say(f"resuming {self.training.position}")
        if self.is_main:
            self.folder.history.write(tuple(self.history))
            stored = self.folder.info.read()
            names = ("device", "threads", "versions", "world_size")
            if any(getattr(stored, name) != getattr(self.info, name) for name in names):
                self.reporter.say("device, threads, processes or versions have changed: results may differ in rounding")

    def _on_step_end(self, signal: int) -> None:
        """Save a checkpoint where it is due or a signal asks to stop; then stop."""
        if signal or time.monotonic() - self.saved_at >= self.checkpoint_every:
            self._save(required=bool(signal))
        if signal:
            remedy = f"resume with: {self.info.command} --resume"
            raise TrainingInterrupted(self.training.position, remedy, signal)

    def _on_epoch_end(self, epoch: Epoch) -> None:
        """Validate, and store the epoch and the best weights."""
        loss, accuracy = self.validate(self.training.final_model)
        if not math.isfinite(loss):
            raise SeamlineError(
                f"training stopped: the validation loss is {loss} after epoch {epoch.epoch}, at learning rate "
                f"{epoch.learning_rate:.3g}; try a lower one with --set lr=…"
            )
        epoch = msgspec.structs.replace(epoch, val_loss=loss, val_accuracy=accuracy, val_images=self.val_images)
        self.history.append(epoch)
        if _is_best(self.training.config, epoch, self.best_metric):
            weights = self.training.final_model.state_dict()
            self.best_weights = {name: tensor.detach().cpu().clone() for name, tensor in weights.items()}
            metric = self.training.config.checkpoint_metric
            self.best_metric = None if metric == "last" else getattr(epoch, metric)
        self._save()
        self.reporter.epoch(epoch, self.training.config.epochs)

    def _save(self, *, required: bool = False) -> None:
        """Save a checkpoint and the history; training continues without where the disk is full, unless `required`."""
        if not self.is_main:
            return
        try:
            self.checkpoints.save(
                {
                    "training": self.training.state(),
                    "history": [msgspec.to_builtins(epoch) for epoch in self.history],
                    "best_weights": self.best_weights,
                    "best_metric": self.best_metric,
                }
            )
            self.folder.history.write(tuple(self.history))
        except OSError as error:
            if required:
                raise
            self.reporter.say(
                f"{error.filename}: {error.strerror}; training continues, the previous checkpoint is unchanged"
            )
        self.saved_at = time.monotonic()


def _is_best(config: TrainConfig, epoch: Epoch, best: float | None) -> bool:
    """Return whether an epoch's weights are the best so far."""
    if config.checkpoint_metric == "last" or best is None:
        return True
    value: float = getattr(epoch, config.checkpoint_metric)
    return value < best if config.checkpoint_metric == "val_loss" else value > best
