"""The run folder: what of it this stage writes, each file whole or not at all."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
from safetensors.torch import load_file, save
from torch import Tensor

from seamline.errors import SeamlineError
from seamline.io import file_lock, remove_temp_files, sha256_file, write_bytes
from seamline.models.blocks import BaseModel
from seamline.models.factory import build_model
from seamline.run_folder import RunFolder, RunInfo
from seamline.training.checkpoints import Checkpoints
from seamline.training.config import TrainConfig, recipe_from


@dataclass(frozen=True)
class Run:
    """One training's folder.

    Attributes:
        path: the folder.
    """

    path: Path

    @property
    def finished(self) -> bool:
        """Whether training has finished: the kept weights are there."""
        return self.weights_file.is_file()

    @property
    def weights_file(self) -> Path:
        """The kept weights, safetensors."""
        return self.path / "model.safetensors"

    @property
    def digest(self) -> str:
        """32 hexadecimal digits of SHA-256 over the kept weights.

        Raises:
            SeamlineError: there are none, or they cannot be read.
        """
        try:
            return sha256_file(self.weights_file)
        except OSError as error:
            raise SeamlineError(
                f"{self.weights_file}: cannot be read ({error.strerror}); name a finished run"
            ) from None

    @property
    def history_file(self) -> Path:
        """A line of JSON an epoch."""
        return self.path / "history.jsonl"

    @property
    def checkpoints(self) -> Checkpoints:
        """All that an exact continuation needs."""
        return Checkpoints(self.path / "checkpoint")

    def check_writable(self) -> None:
        """Refuse a folder that this process may not write to, before any long work.

        Raises:
            SeamlineError: it may not.
        """
        place = next(folder for folder in (self.path, *self.path.absolute().parents) if folder.exists())
        if not place.is_dir():
            raise SeamlineError(f"{place}: is a file, not a folder; check the path of --out")
        if not os.access(place, os.W_OK | os.X_OK):
            raise SeamlineError(
                f"{self.path}: cannot be written to (Permission denied); name another folder with --out"
            )

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep the folder to this process inside the block; the system lets it go when the process ends, however.

        Raises:
            SeamlineError: another process holds it.
        """
        with ExitStack() as held:
            try:
                held.enter_context(file_lock(self.path))
            except BlockingIOError:
                raise SeamlineError(
                    f"{self.path}: another process works in it; wait for it or name another --out"
                ) from None
            remove_temp_files(self.path)
            yield

    @property
    def folder(self) -> RunFolder:
        """The files of the run."""
        return RunFolder(self.path)

    def read(self) -> RunInfo:
        """Return what `run.json` holds.

        Raises:
            SeamlineError: there is no such file, or it cannot be read.
        """
        return self.folder.info.read()

    def start(self, info: RunInfo) -> None:
        """Prepare the folder for a fresh training: what an earlier one left is removed."""
        self.folder.clear()
        self.folder.info.write(info)
        self.folder.history.write(())

    def finish(self, weights: dict[str, Tensor]) -> None:
        """Write the kept weights; the checkpoint is then no longer needed."""
        plain = {name: tensor.detach().cpu().contiguous() for name, tensor in weights.items()}
        write_bytes(self.weights_file, save(plain))
        self.checkpoints.clear()

    def recipe(self) -> TrainConfig:
        """Return the recipe of `run.json`.

        Raises:
            SeamlineError: the file cannot be read, or its recipe is none.
        """
        fields = self.read().config
        try:
            return recipe_from(fields)
        except (TypeError, SeamlineError) as error:  # fields of another version, or values that cannot be
            raise SeamlineError(
                f"{self.path / 'run.json'}: its recipe cannot be used ({error}); train again with --overwrite"
            ) from None

    def network(self) -> BaseModel:
        """Return the trained network, ready to be asked (in evaluation mode, on the processor).

        Raises:
            SeamlineError: training has not finished, or the weights do not fit what `run.json` says.
        """
        info = self.read()
        if not self.finished:
            raise SeamlineError(f"{self.weights_file}: not found; training has not finished, go on with --resume")
        build = partial(
            build_model,
            info.model.name,
            info.model.input_size,
            len(info.dataset.classes),
            task=info.task,
        )
        try:
            weights = load_file(self.weights_file)
            with torch.device("meta"):  # shapes without memory: a wrong run.json may ask for any amount of it
                sketch = build()
            _check_shapes(weights, sketch.state_dict())
            network = build()
            network.load_state_dict(weights)
        except SeamlineError as error:
            raise SeamlineError(f"{self.path / 'run.json'}: {error}; train again with --overwrite") from None
        except Exception as error:  # safetensors and torch answer misfits with several kinds of errors
            reason = " ".join(str(error).split())
            raise SeamlineError(
                f"{self.weights_file}: not the weights that run.json describes ({reason}); train again with --overwrite"
            ) from None
        return network.eval()


def _check_shapes(weights: dict[str, Tensor], wanted: dict[str, Tensor]) -> None:
    """Raise a ValueError that names the first weight whose shape is not the one wanted."""
    for name in (*wanted, *weights):
        shapes = [tuple(of[name].shape) if name in of else "missing" for of in (weights, wanted)]
        if shapes[0] != shapes[1]:
            raise ValueError(f"{name}: {shapes[0]} in the file, {shapes[1]} in the network")
