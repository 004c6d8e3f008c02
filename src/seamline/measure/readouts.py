"""What each layer alone can tell: a linear readout of it, fitted on training images, scored on validation images."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.linalg import solve
from torch import Tensor
from torch.nn import functional as F

from seamline.data.dataset import Split
from seamline.inference.forward import iter_batches
from seamline.measure.evaluation import Evaluation, confusion_matrix
from seamline.measure.intervals import wilson
from seamline.measure.metrics import found
from seamline.models.classifiers import TwoLayerCNN

LARGEST_MAP = 6  # a layer's maps are averaged down to this many rows and columns: 32 filters then give 1,152 numbers
LARGEST_PICTURE = 32  # larger pictures are averaged down before their pixels are read out
RIDGE = 1e-4  # of the features' mean squared length: enough to keep the equations soluble

READOUTS: dict[str, tuple[str, ...]] = {
    "pixels": ("pixels",),
    "layer 1": ("layer 1",),
    "layers 1 and 2": ("layer 1", "layer 2"),
}


def describe_readouts(network: TwoLayerCNN, train: Split, val: Split, whole: Evaluation) -> dict[str, Any]:
    """Fit and score every readout, as `insides/readouts.json` holds it.

    Args:
        network: trained, in evaluation mode.
        train: images to fit on.
        val: images to score on.
        whole: the network's own evaluation of `val`, to stand beside.
    """
    fitted = fit_readouts(network, train, len(whole.classes))
    answers = ask_readouts(network, val, fitted)
    rows = [
        _row(name, len(fitted[name]) - 1, whole.classes, whole.labels, predicted) for name, predicted in answers.items()
    ]
    rows.append(_row("whole network", None, whole.classes, whole.labels, whole.predicted))
    return {
        "rule": (
            "The numbers of a layer feed a linear least-squares classifier with a slight ridge, fitted on the training "
            "images and scored on the validation images; the network stays as it is. Maps are averaged down to at most "
            f"{LARGEST_MAP} × {LARGEST_MAP}, pictures to {LARGEST_PICTURE} × {LARGEST_PICTURE}."
        ),
        "readouts": rows,
    }


def fit_readouts(network: TwoLayerCNN, train: Split, classes: int) -> dict[str, NDArray[np.float64]]:
    """Return the weights (features + 1, K) of each least-squares readout by name; the last row is the bias.

    The normal equations of all layers together are added up in one pass; those of each readout are a part of them.
    """
    gram, target = torch.zeros(()), torch.zeros(())  # sums that take their size from the first portion
    columns: dict[str, list[int]] = {}
    start = 0
    for parts in _features(network, train):
        columns = columns or _columns(parts)
        features = torch.cat(list(parts.values()), dim=1)
        labels = torch.from_numpy(train.labels[start : start + len(features)])
        start += len(features)
        gram = gram + (features.T @ features).double()
        target = target + (features.T @ F.one_hot(labels, classes).float()).double()
    weights = {}
    for name, chosen in columns.items():
        part = gram[chosen][:, chosen].numpy()
        ridge = RIDGE * np.trace(part) / len(part)
        weights[name] = solve(part + ridge * np.eye(len(part)), target[chosen].numpy(), assume_a="pos")
    return weights


def ask_readouts(
    network: TwoLayerCNN, split: Split, weights: dict[str, NDArray[np.float64]]
) -> dict[str, NDArray[np.int64]]:
    """Return the class (N,) int64 that each readout gives each image."""
    matrices = {name: torch.from_numpy(matrix).float() for name, matrix in weights.items()}
    answers: dict[str, list[NDArray[np.int64]]] = {name: [] for name in weights}
    for parts in _features(network, split):
        for name, matrix in matrices.items():
            features = torch.cat([parts[layer] for layer in (*READOUTS[name], "bias")], dim=1)
            answers[name].append((features @ matrix).argmax(1).numpy())
    return {name: np.concatenate(given) for name, given in answers.items()}


def _features(network: TwoLayerCNN, split: Split) -> Iterator[dict[str, Tensor]]:
    """Yield (b, features) float32 of every layer that is read out, on the processor, and a bias of ones (b, 1)."""
    device = next(network.parameters()).device
    layers = dict.fromkeys(layer for chosen in READOUTS.values() for layer in chosen)
    with torch.inference_mode():
        for images in iter_batches(split.images, device):
            stages = network.forward_features(network.normalize(images))
            yield {**{name: _flat(name, stages[name]).cpu() for name in layers}, "bias": torch.ones(len(images), 1)}


def _columns(parts: dict[str, Tensor]) -> dict[str, list[int]]:
    """Return which columns of all features side by side belong to each readout, the bias last."""
    starts = np.cumsum([0, *(part.shape[1] for part in parts.values())])
    own = {layer: range(int(a), int(b)) for layer, a, b in zip(parts, starts, starts[1:], strict=False)}
    return {name: [column for layer in (*layers, "bias") for column in own[layer]] for name, layers in READOUTS.items()}


def _flat(name: str, values: Tensor) -> Tensor:
    """(b, C, h, w) -> (b, features); large maps and pictures averaged down."""
    largest = LARGEST_PICTURE if name == "pixels" else LARGEST_MAP
    if max(values.shape[2:]) > largest:
        rows, columns = (min(side, largest) for side in values.shape[2:])
        values = F.adaptive_avg_pool2d(values, (rows, columns))
    return values.flatten(1)


def _row(
    name: str, numbers: int | None, classes: tuple[str, ...], labels: NDArray[np.int64], predicted: NDArray[np.int64]
) -> dict[str, Any]:
    confusion = confusion_matrix(labels, predicted, len(classes))
    return {
        "name": name,
        "numbers": numbers,
        "accuracy": wilson(int(np.trace(confusion)), len(labels)).json(),
        "per_class": {label: share.json() for label, share in zip(classes, found(confusion), strict=True)},
    }
