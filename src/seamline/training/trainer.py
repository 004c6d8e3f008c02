"""One training in its folder: from where it stands to the weights it keeps, whatever interrupts it."""

import math
import time
from typing import Any

import msgspec

from seamline.data.dataset import Split
from seamline.errors import SeamlineError, TrainingInterrupted
from seamline.evaluation.evaluate import quick_eval
from seamline.inference.tta import TTA
from seamline.progress import Reporter
from seamline.run_folder import Epoch, RunInfo, Task
from seamline.training.checkpoints import unpack
from seamline.training.config import TrainConfig
from seamline.training.loop import Training
from seamline.training.run_dir import Run
from seamline.training.signals import catch_signals


def train_run(
    run: Run,
    training: Training,
    val: Split,
    info: RunInfo,
    *,
    resume: bool,
    every: float,
    teller: Reporter,
) -> None:
    """Train to the recipe's end, keeping checkpoints on the way, and write the kept weights.

    Where several processes train together all call this; the first alone reads and writes the folder.

    Args:
        run: the folder; the first process holds it alone.
        training: not begun.
        val: the images to look at after each epoch.
        info: contents of `run.json` for a fresh training.
        resume: go on from the newest checkpoint, if there is one.
        every: seconds between two checkpoints; each epoch ends with one beside.
        teller: says how it goes.

    Raises:
        SeamlineError: the loss is no longer a number, or no checkpoint is whole.
        Stopped: a signal asked to stop.
    """
    keeper = _Keeper(run, training, every, info.command, teller)
    content = training.processes.from_first(_newest(run, teller) if resume and training.processes.first else None)
    if content is not None:
        keeper.restore(unpack(content))
        teller.say(f"going on {training.place}")
        if training.processes.first:
            begun = run.read()
            if any(
                getattr(begun, key) != getattr(info, key) for key in ("device", "threads", "versions", "world_size")
            ):
                teller.say("begun on another device, with other threads, processes or versions: last bits may differ")
    elif training.processes.first:
        run.start(info)
    with catch_signals() as training.wish, teller.training(training.recipe.epochs) as training.on_step:
        training.between = keeper.between
        for epoch in training:
            keeper.add(epoch, val)
    if training.processes.first:
        run.finish(keeper.kept["weights"])


def _newest(run: Run, teller: Reporter) -> bytes | None:
    """Return the newest checkpoint that is whole, and say which are not."""
    content, damaged = run.checkpoints.newest()
    for file in damaged:
        teller.say(f"{file}: damaged, its checksum does not fit; using the one before")
        file.unlink(missing_ok=True)
    return content


class _Keeper:
    """Keeps what a training comes to: its history, its best weights, and checkpoints of all of it."""

    def __init__(self, run: Run, training: Training, every: float, command: str, teller: Reporter) -> None:
        self.run = run
        self.training = training
        self.every = every
        self.command = command
        self.teller = teller
        self.history: list[Epoch] = []
        self.kept: dict[str, Any] = {"weights": None, "value": None}
        self.saved = time.monotonic()

    def restore(self, checkpoint: dict[str, Any]) -> None:
        """Go back to where a checkpoint was made."""
        self.training.restore(checkpoint["training"])
        self.history = [Epoch(**fields) for fields in checkpoint["history"]]
        self.kept = checkpoint["kept"]
        if self.training.processes.first:
            self.run.folder.history.write(tuple(self.history))

    def between(self, signal: int) -> None:
        """Keep a checkpoint between two steps, where it is time or a signal asks to stop; then stop."""
        if signal or time.monotonic() - self.saved >= self.every:
            self.save(must=bool(signal))
        if signal:
            raise TrainingInterrupted(self.training.place, f"go on with: {self.command} --resume", signal)

    def add(self, epoch: Epoch, val: Split) -> None:
        """Look at the validation images after an epoch, and keep what came of it."""
        if not self.training.processes.first:
            return
        recipe = self.training.recipe
        task: Task = "classification" if val.labels.ndim == 1 else "segmentation"
        on_val = quick_eval(TTA(self.training.network, recipe.flip), val, task)
        if not math.isfinite(on_val.loss):
            raise SeamlineError(
                f"training stopped: the validation loss is {on_val.loss} after epoch {epoch.epoch}, at learning "
                f"rate {epoch.learning_rate:.3g}; try a smaller one with --set learning_rate=…"
            )
        record = msgspec.structs.replace(epoch, val_loss=on_val.loss, val_accuracy=on_val.accuracy)
        self.history.append(record)
        if _is_best(recipe, record, self.kept["value"]):
            weights = {
                name: tensor.detach().cpu().clone() for name, tensor in self.training.network.state_dict().items()
            }
            self.kept = {"weights": weights, "value": getattr(record, recipe.keep, None)}
        self.save()
        self.teller.epoch(msgspec.structs.asdict(record), recipe.epochs)

    def save(self, *, must: bool = False) -> None:
        """Keep a checkpoint and the history; where the disk takes none, say so and go on unless it `must` be."""
        if not self.training.processes.first:
            return
        try:
            state = {
                "training": self.training.state(),
                "history": [msgspec.structs.asdict(epoch) for epoch in self.history],
                "kept": self.kept,
            }
            self.run.checkpoints.save(state)
            self.run.folder.history.write(tuple(self.history))
        except OSError as error:
            if must:
                raise
            self.teller.say(f"{error.filename}: {error.strerror}; training goes on, the checkpoint before is kept")
        self.saved = time.monotonic()


def _is_best(recipe: TrainConfig, record: Epoch, best: float | None) -> bool:
    """Tell whether this epoch's weights are the ones to keep so far."""
    if recipe.keep == "last" or best is None:
        return True
    value: float = getattr(record, recipe.keep)
    return value < best if recipe.keep == "val_loss" else value > best
