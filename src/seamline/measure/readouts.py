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
from seamline.learn.classifiers import TwoConvolutions
from seamline.measure.evaluation import Evaluation, confusion_matrix
from seamline.measure.inference import portions
from seamline.measure.intervals import wilson
from seamline.measure.metrics import found

LARGEST_MAP = 6  # a layer's maps are averaged down to this many rows and columns: 32 filters then give 1,152 numbers
RIDGE = 1e-4  # of the features' mean squared length: enough to keep the equations soluble

READOUTS: dict[str, tuple[str, ...]] = {
    "pixels": ("pixels",),
    "layer 1": ("layer 1",),
    "layers 1 and 2": ("layer 1", "layer 2"),
}


def describe_readouts(network: TwoConvolutions, train: Split, val: Split, whole: Evaluation) -> dict[str, Any]:
    """Fit and score every readout, as `insides/readouts.json` holds it.

    Args:
        network: trained, in evaluation mode.
        train: images to fit on.
        val: images to score on.
        whole: the network's own evaluation of `val`, to stand beside.
    """
    rows = []
    for name, layers in READOUTS.items():
        weights = fit_readout(network, train, layers, len(whole.classes))
        predicted = ask_readout(network, val, layers, weights)
        rows.append(_row(name, len(weights) - 1, whole.classes, val.labels, predicted))
    numbers = sum(parameter.numel() for parameter in network.parameters())
    rows.append(_row("whole network", numbers, whole.classes, whole.labels, whole.predicted))
    return {
        "rule": (
            "The numbers of a layer (its maps averaged down to at most "
            f"{LARGEST_MAP} x {LARGEST_MAP}; pixels as they are) feed a linear least-squares classifier with a slight "
            "ridge, fitted on the training images and scored on the validation images. The network stays as it is."
        ),
        "readouts": rows,
    }


def fit_readout(network: TwoConvolutions, train: Split, layers: tuple[str, ...], classes: int) -> NDArray[np.float64]:
    """Return the weights (features + 1, K) of the least-squares readout of `layers`; the last row is the bias."""
    gram, target = np.zeros((0, 0)), np.zeros((0, 0))
    start = 0
    for features in _features(network, train, layers):
        labels = train.labels[start : start + len(features)]
        start += len(features)
        if not gram.size:
            gram = np.zeros((features.shape[1], features.shape[1]))
            target = np.zeros((features.shape[1], classes))
        gram += (features.T @ features).numpy()
        target += (features.T @ F.one_hot(torch.from_numpy(labels), classes).float()).numpy()
    ridge = RIDGE * np.trace(gram) / len(gram)
    weights: NDArray[np.float64] = solve(gram + ridge * np.eye(len(gram)), target, assume_a="pos")
    return weights


def ask_readout(
    network: TwoConvolutions, split: Split, layers: tuple[str, ...], weights: NDArray[np.float64]
) -> NDArray[np.int64]:
    """Return the class (N,) int64 that a readout gives each image."""
    matrix = torch.from_numpy(weights).float()
    return np.concatenate([(part @ matrix).argmax(1).numpy() for part in _features(network, split, layers)])


def _features(network: TwoConvolutions, split: Split, layers: tuple[str, ...]) -> Iterator[Tensor]:
    """Yield (b, features + 1) float32 on the processor, the last column 1 for the bias."""
    device = next(network.parameters()).device
    with torch.inference_mode():
        for images in portions(split.images, device):
            stages = network.stages(images)
            parts = [_flat(name, stages[name]).cpu() for name in layers]
            yield torch.cat([*parts, torch.ones(len(images), 1)], dim=1)


def _flat(name: str, values: Tensor) -> Tensor:
    """(b, C, h, w) -> (b, features); the maps of a layer averaged down, pixels as they are."""
    if name != "pixels" and max(values.shape[2:]) > LARGEST_MAP:
        rows, columns = (min(side, LARGEST_MAP) for side in values.shape[2:])
        values = F.adaptive_avg_pool2d(values, (rows, columns))
    return values.flatten(1)


def _row(
    name: str, numbers: int, classes: tuple[str, ...], labels: NDArray[np.int64], predicted: NDArray[np.int64]
) -> dict[str, Any]:
    confusion = confusion_matrix(labels, predicted, len(classes))
    return {
        "name": name,
        "numbers": numbers,
        "accuracy": wilson(int(np.trace(confusion)), len(labels)).json(),
        "per_class": {label: share.json() for label, share in zip(classes, found(confusion), strict=True)},
    }
