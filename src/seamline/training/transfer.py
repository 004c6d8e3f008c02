"""Initialization of a model from the weights of a finished run with other classes."""

import torch
from torch import Tensor

from seamline.errors import SeamlineError, size_text
from seamline.models.blocks import BaseModel
from seamline.models.layer_choices import LayerChoices
from seamline.models.saved import load_saved_model
from seamline.run_folder import InitFrom, RunFolder, RunInfo
from seamline.training.config import format_settings


def init_from_run(
    model: BaseModel, folder: RunFolder, input_shape: tuple[int, int, int], classes: tuple[str, ...]
) -> InitFrom:
    """Load the weights of a finished run into a new model, normalization statistics included; return what was loaded.

    In layers with weights per class (`BaseModel.head_prefixes`) those of a class are loaded where the run has a class
    of the same name, and stay as they are where it has none.

    Args:
        model: changed in place.
        folder: the finished run.
        input_shape: (H, W, C) of the images to train on.
        classes: the K class names.

    Raises:
        SeamlineError: the run has not finished, or its model or images are of another kind.
    """
    info = folder.info.read()
    run_classes = info.dataset.classes
    channels = info.model.input_size[2]
    if channels != input_shape[2]:
        kinds = {1: "grayscale", 3: "color"}
        raise SeamlineError(
            f"--init-from {folder.path}: was trained on {kinds.get(channels, channels)} images, and these are "
            f"{kinds.get(input_shape[2], input_shape[2])}; name another run, or leave --init-from out"
        )
    weights, own = load_saved_model(folder).state_dict(), model.state_dict()
    if weights.keys() != own.keys():
        raise _misfit(folder, info, input_shape)
    for name, tensor in own.items():
        if name.startswith(model.head_prefixes):
            weights[name] = _remap_head(tensor, weights[name], classes, run_classes)
        if weights[name].shape != tensor.shape:
            raise _misfit(folder, info, input_shape)
    model.load_state_dict(weights)
    return InitFrom(
        run=str(folder.path.absolute()),
        weights=folder.weights_digest,
        shared_classes=tuple(name for name in classes if name in run_classes),
        new_classes=tuple(name for name in classes if name not in run_classes),
    )


def _remap_head(own: Tensor, other: Tensor, classes: tuple[str, ...], other_classes: tuple[str, ...]) -> Tensor:
    """Return weights of a head in which those of shared classes are replaced.

    The class axis is the first one whose size is a multiple of the number of classes in both tensors and all other
    sizes of which agree.
    """
    for axis in range(own.ndim):
        rows = own.shape[axis] // len(classes)
        rest = [own.shape[:axis] + own.shape[axis + 1 :], other.shape[:axis] + other.shape[axis + 1 :]]
        sizes = (own.shape[axis], other.shape[axis])
        if rows and sizes == (rows * len(classes), rows * len(other_classes)) and rest[0] == rest[1]:
            break
    else:
        return other
    remapped = own.clone().movedim(axis, 0)
    source = other.movedim(axis, 0)
    for index, name in enumerate(classes):
        if name in other_classes:
            start = other_classes.index(name) * rows
            remapped[index * rows : (index + 1) * rows] = source[start : start + rows]
    layout = torch.channels_last if own.ndim == 4 else torch.contiguous_format
    return remapped.movedim(0, axis).contiguous(memory_format=layout)


def _misfit(folder: RunFolder, info: RunInfo, input_shape: tuple[int, int, int]) -> SeamlineError:
    """Return the error for weights that do not fit."""
    size = info.model.input_size
    if size[:2] != tuple(input_shape[:2]):
        return SeamlineError(
            f"--init-from {folder.path}: its model {info.model.name} takes images of {size_text(size)}, and these are "
            f"{size_text(input_shape)}; add --image-size {size_text(size, 'x')}"
        )
    name = " ".join((info.model.name, *format_settings(LayerChoices.of(info.config).given)))
    return SeamlineError(
        f"--init-from {folder.path}: its model is {name}; use the same model, or leave --init-from out"
    )
