"""Checkpoints: the state of a training, one file each, of which the two newest are stored.

A file is safetensors: the tensors by number, and in its header the nested dicts, lists, numbers and strings that they
are part of. Its name holds its sequence number and the first digits of its SHA-256, so that a damaged file is
detected and never used. Nothing depends on clocks.
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

MAX_FILES = 2
"""Checkpoints that are stored."""
_NAME = re.compile(r"(\d{8})-([0-9a-f]{16})\.safetensors")


@dataclass(frozen=True)
class Checkpoints:
    """The checkpoints of a run."""

    folder: Path  # their folder, which holds nothing else

    def files(self) -> list[Path]:
        """Return the files, newest first."""
        files = [file for file in self.folder.glob("*.safetensors") if _NAME.fullmatch(file.name)]
        return sorted(files, reverse=True)  # the sequence numbers have as many digits in each name

    def save(self, state: dict[str, Any]) -> None:
        """Store a state.

        Args:
            state: tensors, numbers, strings and None, nested in dicts, lists and tuples.

        Raises:
            OSError: it cannot be written; the earlier checkpoints are unchanged.
        """
        content = pack(state)
        newest = self.files()[:1]
        number = 1 + (int(newest[0].name[:8]) if newest else 0)
        write_bytes(self.folder / f"{number:08}-{_digest(content)}.safetensors", content)
        current = self.files()[:MAX_FILES]
        for file in self.folder.iterdir():  # older ones, and temporary files of a killed process
            if file not in current:
                file.unlink(missing_ok=True)

    def newest(self) -> tuple[bytes | None, list[Path]]:
        """Return the content of the newest intact checkpoint, None without any, and the damaged newer files.

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
            raise SeamlineError(f"{files[0]}: damaged, as is every checkpoint; start again with --overwrite")
        return None, []

    def clear(self) -> None:
        """Remove all."""
        shutil.rmtree(self.folder, ignore_errors=True)


def pack(state: dict[str, Any]) -> bytes:
    """Return a state as the bytes of a safetensors file."""
    tensors: dict[str, Tensor] = {}
    tree = json.dumps(_flatten(state, tensors))
    return save(tensors, {"tree": tree})


def unpack(content: bytes) -> dict[str, Any]:
    """Return the state that `pack` packed; tensors are contiguous, on the CPU.

    Raises:
        SeamlineError: these are not the bytes of a checkpoint.
    """
    try:
        tensors = load(content)  # checks the header
        size = int.from_bytes(content[:8], "little")
        tree = json.loads(json.loads(content[8 : 8 + size])["__metadata__"]["tree"])
        state: dict[str, Any] = _unflatten(tree, tensors)
    except (SafetensorError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise SeamlineError(f"checkpoint: cannot be read ({error}); start again with --overwrite") from None
    return state


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]


def _flatten(value: Any, tensors: dict[str, Tensor]) -> Any:
    """Return `value` as JSON has it, its tensors moved to `tensors`."""
    if isinstance(value, Tensor):
        name = str(len(tensors))
        tensors[name] = value.detach().cpu().contiguous()
        return {"tensor": name}
    if isinstance(value, dict):
        return {"dict": [[key, _flatten(item, tensors)] for key, item in value.items()]}
    if isinstance(value, tuple):
        return {"tuple": [_flatten(item, tensors) for item in value]}
    if isinstance(value, list):
        return [_flatten(item, tensors) for item in value]
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise TypeError(f"a checkpoint cannot hold {type(value).__name__}")


def _unflatten(value: Any, tensors: dict[str, Tensor]) -> Any:
    """Undo `_flatten`."""
    if isinstance(value, list):
        return [_unflatten(item, tensors) for item in value]
    if not isinstance(value, dict):
        return value
    ((kind, content),) = value.items()
    if kind == "tensor":
        return tensors[content]
    if kind == "tuple":
        return tuple(_unflatten(item, tensors) for item in content)
    return {key: _unflatten(item, tensors) for key, item in content}
