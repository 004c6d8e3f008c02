"""Checkpoints: all that an exact continuation needs, one file each, the two newest kept.

A file is safetensors: the tensors by number, and in its header the nest of dicts, lists, numbers and texts that they
stood in. Its name says its place in the order and the first digits of its SHA-256, so that a damaged file is noticed
and never used. Nothing depends on clocks.
"""

import hashlib
import json
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from seamline.errors import SeamlineError
from seamline.io import write_bytes

KEPT = 2
_NAME = re.compile(r"(\d{8})-([0-9a-f]{16})\.safetensors")


@dataclass(frozen=True)
class Checkpoints:
    """A run's checkpoints.

    Attributes:
        folder: where they lie, and nothing else.
    """

    folder: Path

    def files(self) -> list[Path]:
        """Return the files, newest first."""
        found = [file for file in self.folder.glob("*.safetensors") if _NAME.fullmatch(file.name)]
        return sorted(found, reverse=True)  # by number: as many digits in each name

    def save(self, state: dict[str, Any]) -> None:
        """Keep `state`: tensors, numbers, texts and None, nested in dicts, lists and tuples.

        Raises:
            OSError: it cannot be written; the earlier checkpoints are as they were.
        """
        content = pack(state)
        newest = self.files()[:1]
        number = 1 + (int(newest[0].name[:8]) if newest else 0)
        write_bytes(self.folder / f"{number:08}-{_digest(content)}.safetensors", content)
        kept = self.files()[:KEPT]
        for file in self.folder.iterdir():  # older ones, and what a killed process left half written
            if file not in kept:
                file.unlink(missing_ok=True)

    def newest(self) -> tuple[bytes | None, list[Path]]:
        """Return the content of the newest checkpoint that is whole, if there is any, and the damaged newer files.

        Raises:
            SeamlineError: there are checkpoints, and all are damaged.
        """
        files = self.files()
        damaged: list[Path] = []
        for file in files:
            content = file.read_bytes()
            if _digest(content) == file.name[9:25]:
                return content, damaged
            damaged.append(file)
        if files:
            raise SeamlineError(f"{files[0]}: damaged, as is every checkpoint; start afresh with --overwrite")
        return None, []

    def clear(self) -> None:
        """Remove all."""
        shutil.rmtree(self.folder, ignore_errors=True)


def pack(state: dict[str, Any]) -> bytes:
    """Return `state` as the bytes of a safetensors file."""
    tensors: dict[str, Tensor] = {}
    nest = json.dumps(_apart(state, tensors))
    return save(tensors, {"nest": nest})


def unpack(content: bytes) -> dict[str, Any]:
    """Return the state that `pack` packed; tensors are contiguous, on the processor.

    Raises:
        SeamlineError: these are not the bytes of a checkpoint.
    """
    try:
        tensors = load(content)  # checks the header
        size = int.from_bytes(content[:8], "little")
        nest = json.loads(json.loads(content[8 : 8 + size])["__metadata__"]["nest"])
        state: dict[str, Any] = _together(nest, tensors)
    except (SafetensorError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise SeamlineError(f"checkpoint: not one of Seamline's ({error}); start afresh with --overwrite") from None
    return state


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]


def _apart(value: Any, tensors: dict[str, Tensor]) -> Any:
    """Return `value` as JSON has it, its tensors moved to `tensors`."""
    if isinstance(value, Tensor):
        name = str(len(tensors))
        tensors[name] = value.detach().cpu().contiguous()
        return {"tensor": name}
    if isinstance(value, dict):
        return {"dict": [[key, _apart(one, tensors)] for key, one in value.items()]}
    if isinstance(value, tuple):
        return {"tuple": [_apart(one, tensors) for one in value]}
    if isinstance(value, list):
        return [_apart(one, tensors) for one in value]
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise TypeError(f"a checkpoint cannot hold {type(value).__name__}")


def _together(value: Any, tensors: dict[str, Tensor]) -> Any:
    """Undo `_apart`."""
    if isinstance(value, list):
        return [_together(one, tensors) for one in value]
    if not isinstance(value, dict):
        return value
    ((kind, content),) = value.items()
    if kind == "tensor":
        return tensors[content]
    if kind == "tuple":
        return tuple(_together(one, tensors) for one in content)
    return {key: _together(one, tensors) for key, one in content}
