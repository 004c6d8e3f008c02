"""Starts a network from the weights of a trained one, with a last layer that fits its own classes."""

import torch
from torch import Tensor

from seamline.errors import SeamlineError
from seamline.models.blocks import BaseModel
from seamline.run_folder import InitFrom, RunInfo
from seamline.training.run_dir import Run


def load_pretrained_run(
    network: BaseModel, run: Run, shape: tuple[int, int, int], classes: tuple[str, ...]
) -> InitFrom:
    """Give a fresh network the weights of a finished run, its normalisation included.

    Of layers that give a score for each class (`Network.head_prefixes`) the part of a class is taken over where the run
    has a class of the same name, and stays as it was drawn where it has none.

    Args:
        network: fresh; changed in place.
        run: the finished run.
        shape: (H, W, C) of the images it is to learn from.
        classes: the K class names.

    Returns:
        What `run.json` holds of it.

    Raises:
        SeamlineError: the run has not finished, or its network is another one or learned from images of another kind.
    """
    info = run.read()
    theirs, channels = info.dataset.classes, info.model.input_size[2]
    if channels != shape[2]:
        kinds = {1: "grey", 3: "colour"}
        raise SeamlineError(
            f"--init-from {run.path}: was trained on {kinds.get(channels, channels)} images, and these are "
            f"{kinds.get(shape[2], shape[2])}; start from another run, or afresh"
        )
    weights = run.network().state_dict()
    own = network.state_dict()
    for name, tensor in own.items():
        if name not in weights:
            raise _misfit(run, info, shape)
        if name.startswith(network.head_prefixes):
            weights[name] = _by_class(tensor, weights[name], classes, theirs)
        if weights[name].shape != tensor.shape:
            raise _misfit(run, info, shape)
    network.load_state_dict(weights)
    return InitFrom(
        run=str(run.path.absolute()),
        weights=run.digest,
        shared_classes=tuple(name for name in classes if name in theirs),
        new_classes=tuple(name for name in classes if name not in theirs),
    )


def _by_class(own: Tensor, theirs: Tensor, classes: tuple[str, ...], their_classes: tuple[str, ...]) -> Tensor:
    """Return a layer's weights with the parts of classes of one name taken over.

    A class has as many rows as there are rows in all for each class, on the first axis whose size is a multiple of the
    classes' number in both; the others must be equal.
    """
    for axis in range(own.ndim):
        each = own.shape[axis] // len(classes)
        others = [own.shape[:axis] + own.shape[axis + 1 :], theirs.shape[:axis] + theirs.shape[axis + 1 :]]
        sizes = (own.shape[axis], theirs.shape[axis])
        if each and sizes == (each * len(classes), each * len(their_classes)) and others[0] == others[1]:
            break
    else:
        return theirs
    fitted = own.clone().movedim(axis, 0)
    taken = theirs.movedim(axis, 0)
    for place, name in enumerate(classes):
        if name in their_classes:
            there = their_classes.index(name)
            fitted[place * each : (place + 1) * each] = taken[there * each : (there + 1) * each]
    return fitted.movedim(0, axis).contiguous(memory_format=_format(own))


def _format(weights: Tensor) -> torch.memory_format:
    return torch.channels_last if weights.ndim == 4 else torch.contiguous_format


def _misfit(run: Run, info: RunInfo, shape: tuple[int, int, int]) -> SeamlineError:
    """Return the error for weights that do not fit."""
    height, width, _ = info.model.input_size
    named = info.model.name
    if (height, width) != tuple(shape[:2]):
        return SeamlineError(
            f"--init-from {run.path}: its network {named} fits images of {height} x {width}, and these are {shape[0]} x "
            f"{shape[1]}; add --image-size {height}x{width}"
        )
    return SeamlineError(f"--init-from {run.path}: its network is {named}; leave network out of --set, or start afresh")
