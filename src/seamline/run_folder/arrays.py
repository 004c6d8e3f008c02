"""Arrays of a split, one row per image: `evaluation/SPLIT.npz`."""

import io
from dataclasses import MISSING, dataclass, fields
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
    "split_ids": ("N", "u"),
    "image_digests": ("ND", "u"),
    "label_digests": ("ND", "u"),
}
"""Array -> its axes (N images, K classes, any H, W, D) and the kinds of its numbers, as `numpy.dtype.kind` has them."""


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


@dataclass(frozen=True, eq=False)
class ImageIndex:
    """The images of a run, by which they are found again in a folder that has moved or grown."""

    names: tuple[str, ...]  # (N,) names of the training, then the validation, then the test images
    groups: NDArray[np.int64]  # (N,) int64; images of one group are related
    split_ids: NDArray[np.uint8]  # (N,) uint8, 0 for training, 1 for validation, 2 for test images
    image_digests: NDArray[np.uint8]  # (N, 16) uint8, digest of the pixels, as they were resized
    label_digests: NDArray[np.uint8]  # (N, 16) uint8, digest of the label or mask


@dataclass(frozen=True, eq=False)
class StoredImages:
    """Images of a run, evenly spaced, with which it is exported where its data are not at hand."""

    train_images: NDArray[np.uint8]  # (M, H, W, C) uint8 training images, 2 million pixels at most
    val_images: NDArray[np.uint8]  # (N, H, W, C) uint8 validation images, 2 million pixels at most
    val_labels: NDArray[np.int64]  # (N,) int64 classes, or (N, H, W) uint8 masks
    # (N,) int64, the dataset of each validation image where the run was trained on several
    val_parts: NDArray[np.int64] | None = None


RunArrays = ClassificationArrays | SegmentationArrays | ImageIndex | StoredImages


def write_arrays(path: Path, arrays: RunArrays) -> None:
    """Write arrays, whole or not at all."""
    buffer = io.BytesIO()
    values = {field.name: getattr(arrays, field.name) for field in fields(arrays)}
    content: dict[str, Any] = {name: np.asarray(value) for name, value in values.items() if value is not None}
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
    missing = f"{path}: not found; the run is not evaluated; {remedy}"
    arrays = _load(path, kind, missing, remedy)
    if problem := _problem(arrays, [field.name for field in fields(kind)], classes):
        raise SeamlineError(f"{path}: {problem}; {remedy}")
    arrays["names"] = tuple(map(str, arrays["names"].tolist()))
    return kind(**arrays)


def read_index(path: Path, remedy: str) -> ImageIndex:
    """Read the index of a run's images; raises a SeamlineError with the remedy where it is missing or damaged."""
    arrays = _load(path, ImageIndex, f"{path}: not found; {remedy}", remedy)
    if problem := _problem(arrays, [field.name for field in fields(ImageIndex)], 3):
        raise SeamlineError(f"{path}: {problem}; {remedy}")
    arrays["names"] = tuple(map(str, arrays["names"].tolist()))
    return ImageIndex(**arrays)


def read_stored_images(path: Path, size: tuple[int, int, int], classes: int, remedy: str) -> StoredImages:
    """Read the images that a run keeps, of a size (height, width, channels); raises as `read_index` does."""
    arrays = _load(path, StoredImages, f"{path}: not found; {remedy}", remedy)
    names = [field.name for field in fields(StoredImages) if field.default is MISSING]
    if missing := [name for name in names if name not in arrays]:
        raise SeamlineError(f"{path}: lacks {', '.join(missing)}; {remedy}")
    train, val, labels = (arrays[name] for name in names)
    fit = all(array.dtype == np.uint8 and array.shape[1:] == size and len(array) for array in (train, val))
    fit = fit and labels.dtype.kind in "iu" and labels.shape in (val.shape[:1], val.shape[:3])
    parts = arrays.get("val_parts", np.zeros(len(val), np.int64))
    fit = fit and parts.dtype.kind in "iu" and parts.shape == val.shape[:1] and int(parts.min(initial=0)) >= 0
    if not fit or (labels.ndim == 1 and not 0 <= int(labels.min()) <= int(labels.max()) < classes):
        raise SeamlineError(f"{path}: images or labels do not fit run.json; {remedy}")
    return StoredImages(**arrays)


def _load(path: Path, kind: type[Any], missing: str, remedy: str) -> dict[str, Any]:
    """Return the arrays of a file that are fields of a kind."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            arrays: dict[str, Any] = {
                field.name: archive[field.name] for field in fields(kind) if field.name in archive
            }
    except FileNotFoundError:
        raise SeamlineError(missing) from None
    except Exception as error:  # a damaged file can make the readers raise almost anything
        raise SeamlineError(f"{path}: cannot be read ({error}); {remedy}") from None
    return arrays


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
        if name in ("labels", "predicted", "split_ids") and array.max(initial=0) >= classes:
            return f"{name} has a class beyond the {classes} of run.json"
    return None
