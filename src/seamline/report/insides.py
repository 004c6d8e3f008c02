"""What the run folder holds of a classifier's insides; read and checked."""

from pathlib import Path
from typing import Any

from seamline.errors import SeamlineError
from seamline.report import forms
from seamline.report.reading import AGAIN, read_json


def read_kernels(path: Path) -> dict[str, Any] | None:
    """Read `kernels.json`; None where there is no such file.

    Raises:
        SeamlineError: it is not what it should be, or the numbers of a layer do not fit its shape.
    """
    written = read_json(path, forms.KERNELS)
    for layer in written["layers"] if written else ():
        shape = layer["shape"]
        if len(shape) != 4 or shape[0] * shape[1] * shape[2] * shape[3] != len(layer["weights"]):
            raise SeamlineError(f"{path}: {layer['name']} has {len(layer['weights'])} weights for {shape}; {AGAIN}")
        if not shape[0] * shape[1] == len(layer["kinds"]) == len(layer["matches"]):
            raise SeamlineError(f"{path}: {layer['name']} has not one kind and one match for each kernel; {AGAIN}")
        if not set(layer["kinds"]) <= set(layer["shares"]):
            raise SeamlineError(f"{path}: {layer['name']} has kinds without a share; {AGAIN}")
    return written


def read_readouts(path: Path) -> dict[str, Any] | None:
    """Read `readouts.json`; None where there is no such file.

    Raises:
        SeamlineError: it is not what it should be.
    """
    return read_json(path, forms.READOUTS)
