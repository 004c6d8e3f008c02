"""Arrays of a split, one row per image: `evaluation/SPLIT.npz`."""

import io
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seamline.errors import SeamlineError
from seamline.io import write_bytes
from seamline.run_folder.fields import Task

_AXES = {
    "groups": ("N", "iu"),
    "confusion": ("KK", "iu"),
    "labels": ("N", "iu"),
    "logits": ("NK", "f"),
    "confusions": ("NKK", "iu"),
    "losses": ("N", "f"),
    "predicted": ("NHW", "u"),
}
"""Array -> its axes (N images, K classes, any H and W) and the kinds of its numbers, as `numpy.dtype.kind` has them."""


@dataclass(frozen=True, eq=False)
class ClassificationArrays:
    """Arrays of a split whose images have labels."""

    names: tuple[str, ...]  # (N,) names of the images
    groups: NDArray[np.int64]  # (N,) int64; images of one group are related
    confusion: NDArray[np.int64]  # (K, K) int64 images, a row for each true class
    labels: NDArray[np.int64]  # (N,) int64 true classes
    logits: NDArray[np.float32]  # (N, K) float32


@dataclass(frozen=True, eq=False)
class SegmentationArrays:
    """Arrays of a split whose images have masks."""

    names: tuple[str, ...]  # (N,) names of the images
    groups: NDArray[np.int64]  # (N,) int64; images of one group are related
    confusion: NDArray[np.int64]  # (K, K) int64 pixels, a row for each true class
    confusions: NDArray[np.int64]  # (N, K, K) int64 pixels of each image
    losses: NDArray[np.float64]  # (N,) float64 sum of the negative log likelihoods of each image's pixels, in nats
    predicted: NDArray[np.uint8]  # (N, H, W) uint8 predicted classes


def write_arrays(path: Path, arrays: ClassificationArrays | SegmentationArrays) -> None:
    """Write the arrays of a split, whole or not at all."""
    buffer = io.BytesIO()
    content: dict[str, Any] = {field.name: np.asarray(getattr(arrays, field.name)) for field in fields(arrays)}
    np.savez_compressed(buffer, **content)
    write_bytes(path, buffer.getvalue())


def read_arrays(path: Path, task: Task, classes: int, remedy: str) -> ClassificationArrays | SegmentationArrays:
    """Read the arrays of a split.

    Args:
        path: the file.
        task: decides which arrays are there.
        classes: number of classes K.
        remedy: what a user can do about a damaged file.

    Raises:
        SeamlineError: the file is missing, or its arrays are not of the shapes and types that they must have.
    """
    kind = ClassificationArrays if task == "classification" else SegmentationArrays
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            arrays: dict[str, Any] = {
                field.name: archive[field.name] for field in fields(kind) if field.name in archive
            }
    except FileNotFoundError:
        raise SeamlineError(f"{path}: not found; the run is not evaluated; {remedy}") from None
    except Exception as error:  # a damaged file can make the readers raise almost anything
        raise SeamlineError(f"{path}: cannot be read ({error}); {remedy}") from None
    if problem := _problem(arrays, [field.name for field in fields(kind)], classes):
        raise SeamlineError(f"{path}: {problem}; {remedy}")
    arrays["names"] = tuple(map(str, arrays["names"].tolist()))
    return kind(**arrays)


def _problem(arrays: dict[str, NDArray[Any]], wanted: list[str], classes: int) -> str | None:
    """Say what is wrong with the arrays of a split; None if nothing is."""
    if missing := [name for name in wanted if name not in arrays]:
        return f"lacks {', '.join(missing)}"
    names = arrays["names"]
    if names.ndim != 1 or names.dtype.kind != "U" or not names.size:
        return f"names is {names.shape} {names.dtype}, not one string per image"
    sizes = {"N": len(names), "K": classes}
    for name in wanted[1:]:
        array, (axes, kinds) = arrays[name], _AXES[name]
        shape = [sizes.get(axis) for axis in axes]
        fits = array.ndim == len(shape) and all(
            size in (None, own) for size, own in zip(shape, array.shape, strict=True)
        )
        if not fits or array.dtype.kind not in kinds:
            shown = " × ".join("any" if size is None else str(size) for size in shape)
            return (
                f"{name} is {array.shape} {array.dtype}, not {shown} {'numbers' if kinds == 'f' else 'whole numbers'}"
            )
        if kinds != "f" and array.min(initial=0) < 0:
            return f"{name} has a number below 0"
        if name in ("labels", "predicted") and array.max(initial=0) >= classes:
            return f"{name} has a class beyond the {classes} of run.json"
    return None
