"""Linear classifiers on the features of each layer, fitted on training images and scored on validation images."""

from collections.abc import Callable, Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.linalg import solve
from torch import Tensor
from torch.nn import functional as F

from seamline.data.dataset import Split
from seamline.evaluation.confidence import wilson
from seamline.evaluation.evaluate import Evaluation
from seamline.inference.forward import iter_batches
from seamline.models.classifiers import TwoLayerCNN
from seamline.run_folder import LinearProbe, LinearProbes

MAX_MAP = 6
"""Feature maps are averaged down to this many rows and columns: 32 filters then give 1,152 features."""

MAX_IMAGE = 32
"""Larger images are averaged down before their pixels are probed."""

RIDGE = 1e-4
"""Of the features' mean squared length: enough to keep the equations solvable."""

PROBES: dict[str, tuple[str, ...]] = {
    "pixels": ("pixels",),
    "layer 1": ("layer 1",),
    "layers 1 and 2": ("layer 1", "layer 2"),
}
"""Probe -> the layers whose features it uses."""


def probe_layers(
    model: TwoLayerCNN,
    train: Split,
    val: Split,
    evaluation: Evaluation,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> LinearProbes:
    """Fit and score every probe.

    Args:
        model: trained, in evaluation mode.
        train: images to fit on.
        val: images to score on.
        evaluation: of the model on `val`, for comparison.
        progress: called after each batch of `train` with the number of its images done and their total.

    Returns:
        What `analysis/linear_probes.json` holds.
    """
    classes = evaluation.classes
    weights = fit_probes(model, train, len(classes), progress)
    probes = [
        _score(name, len(weights[name]) - 1, classes, val.labels, predicted)
        for name, predicted in predict_probes(model, val, weights).items()
    ]
    probes.append(_score("whole network", None, classes, val.labels, evaluation.predicted))
    return LinearProbes(
        rule=(
            "The features of each layer feed a linear least-squares classifier with a slight ridge, fitted on the "
            "training images and evaluated on the validation images; the network is not changed. Maps are averaged "
            f"down to at most {MAX_MAP} × {MAX_MAP}, images to {MAX_IMAGE} × {MAX_IMAGE}."
        ),
        probes=tuple(probes),
    )


def fit_probes(
    model: TwoLayerCNN,
    train: Split,
    n_classes: int,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> dict[str, NDArray[np.float64]]:
    """Fit every probe by least squares with a ridge.

    The normal equations of all layers together are added up in one pass; those of each probe are a part of them. They
    are in float64: the ridge is so slight that rounding in float32 would change predictions from machine to machine.

    Args:
        model: trained, in evaluation mode.
        train: images to fit on.
        n_classes: number of classes K.
        progress: called after each batch with the number of images done and their total.

    Returns:
        By probe, weights (features + 1, K) float64; the last row is the bias.
    """
    gram, target = np.zeros(()), np.zeros(())  # sums that take their size from the first batch
    columns: dict[str, NDArray[np.int64]] = {}
    start = 0
    for parts in _features(model, train):
        if not columns:
            layer = np.repeat(list(parts), [part.shape[1] for part in parts.values()])
            columns = {name: np.flatnonzero(np.isin(layer, [*own, "bias"])) for name, own in PROBES.items()}
        features = np.hstack(list(parts.values()))
        gram = gram + features.T @ features
        target = target + features.T @ np.eye(n_classes)[train.labels[start : start + len(features)]]
        start += len(features)
        progress(start, len(train))
    weights = {}
    for name, own in columns.items():
        part = gram[np.ix_(own, own)]
        ridge = RIDGE * np.trace(part) / len(part)
        weights[name] = solve(part + ridge * np.eye(len(part)), target[own], assume_a="pos")
    return weights


def predict_probes(
    model: TwoLayerCNN, split: Split, weights: dict[str, NDArray[np.float64]]
) -> dict[str, NDArray[np.int64]]:
    """Predict a split by every probe.

    Args:
        model: trained, in evaluation mode.
        split: images.
        weights: by probe, (features + 1, K) float64.

    Returns:
        By probe, the class of each image, (N,) int64.
    """
    batches = [
        {
            name: (np.hstack([parts[layer] for layer in (*PROBES[name], "bias")]) @ matrix).argmax(1)
            for name, matrix in weights.items()
        }
        for parts in _features(model, split)
    ]
    return {name: np.concatenate([batch[name] for batch in batches]) for name in weights}


def _features(model: TwoLayerCNN, split: Split) -> Iterator[dict[str, NDArray[np.float64]]]:
    """Yield (b, features) of every layer that is probed, and a bias of ones (b, 1), last."""
    device = next(model.parameters()).device
    layers = dict.fromkeys(layer for own in PROBES.values() for layer in own)
    with torch.inference_mode():
        for images in iter_batches(split.images, device):
            stages = model.forward_features(model.normalize(images))
            features = {name: _flat(name, stages[name]).double().cpu().numpy() for name in layers}
            yield {**features, "bias": np.ones((len(images), 1))}


def _flat(name: str, values: Tensor) -> Tensor:
    """(b, C, h, w) -> (b, features); large maps and images averaged down."""
    largest = MAX_IMAGE if name == "pixels" else MAX_MAP
    if max(values.shape[2:]) > largest:
        rows, columns = (min(side, largest) for side in values.shape[2:])
        values = F.adaptive_avg_pool2d(values, (rows, columns))
    return values.flatten(1)


def _score(
    name: str,
    n_features: int | None,
    classes: tuple[str, ...],
    labels: NDArray[np.int64],
    predicted: NDArray[np.integer],
) -> LinearProbe:
    correct = predicted == labels
    return LinearProbe(
        name=name,
        n_features=n_features,
        accuracy=wilson(int(correct.sum()), len(labels)),
        per_class={
            label: wilson(int(correct[labels == k].sum()), int((labels == k).sum())) for k, label in enumerate(classes)
        },
    )
