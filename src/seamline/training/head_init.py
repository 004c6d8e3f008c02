"""The initial head of a pretrained classifier: a logistic regression on features of the training images."""

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray

from seamline.data.dataset import Split
from seamline.data.lazy_array import ArrayLike, evenly_spaced, iter_chunks, take
from seamline.models.classifiers import LiteClassifier
from seamline.models.logistic_regression import fit_logistic_regression
from seamline.training.config import TrainConfig

MAX_IMAGES = 4_000
"""Images that a head is fitted to at most; where there are more, each class gives about as many."""
PENALTY = 3e-4
"""Penalty of the logistic regression."""
_BATCH_BYTES = 1 << 22  # pixels that pass through the encoder at once

Progress = Callable[[int, int], None]


def fit_head(model: LiteClassifier, train: Split, config: TrainConfig, progress: Progress) -> None:
    """Fit the head of a classifier to the features of its encoder; random numbers play no part.

    Args:
        model: with a pretrained encoder, on its device; its head is replaced in place.
        train: the training images.
        config: the configuration, whose class weights count.
        progress: called with the number of images done and their total.
    """
    n_classes = model.head.out_features
    labels = np.asarray(train.labels[:])
    rows = sample_rows(labels, n_classes)
    features = encode_images(model, take(train.images, rows), hflip=config.hflip, progress=progress)
    weights, bias = fit_weights(features, labels[rows], np.bincount(labels, minlength=n_classes), config)
    with torch.no_grad():
        model.head.weight.copy_(torch.from_numpy(weights))
        model.head.bias.copy_(torch.from_numpy(bias))
    fitted = f"and a head fitted to features of {len(rows):,} training images"
    model.init_description = f"{model.init_description} {fitted}"


def sample_rows(labels: NDArray[np.int64], n_classes: int) -> NDArray[np.int64]:
    """Return the rows of the images to fit to: all, or equally many of each class as far as it has them.

    Args:
        labels: (N,) int64, 0..K-1.
        n_classes: number of classes K.

    Returns:
        (n,) int64, ascending; evenly spaced among the images of a class.
    """
    if len(labels) <= MAX_IMAGES:
        return np.arange(len(labels))
    members = [np.flatnonzero(labels == k) for k in range(n_classes)]
    most = max(1, MAX_IMAGES // sum(len(own) > 0 for own in members))
    spread = [own[evenly_spaced(len(own), most)] for own in members]
    return np.sort(np.concatenate(spread))


def encode_images(
    model: LiteClassifier, images: ArrayLike, *, hflip: bool, progress: Progress = lambda done, total: None
) -> NDArray[np.float32]:
    """Return the features of images.

    Args:
        model: the classifier; it runs in evaluation mode and keeps its mode.
        images: (N, H, W, C) uint8.
        hflip: whether to add the features of the mirrored images.
        progress: called with the number of images done and their total.

    Returns:
        (V, N, D) float32, V views of each image: as it is, and mirrored.
    """
    device, training = next(model.parameters()).device, model.training
    model.eval()
    parts, done = [], 0
    try:
        with torch.inference_mode():
            for chunk in iter_chunks(images, _BATCH_BYTES):
                pixels = model.normalize(torch.from_numpy(np.ascontiguousarray(chunk)).to(device).permute(0, 3, 1, 2))
                views = [pixels, pixels.flip(-1)] if hflip else [pixels]
                parts.append(np.stack([model.pooled_features(view).float().cpu().numpy() for view in views]))
                done += len(chunk)
                progress(done, len(images))
    finally:
        model.train(training)
    return np.concatenate(parts, axis=1)


def fit_weights(
    features: NDArray[np.float32], labels: NDArray[np.int64], class_counts: NDArray[np.int64], config: TrainConfig
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Fit a logistic regression to all views of images.

    Args:
        features: (V, N, D) float32.
        labels: (N,) int64, 0..K-1.
        class_counts: (K,) int64, how many images each class has where these were drawn from.
        config: the configuration, whose class weights count.

    Returns:
        Weights (K, D) and biases (K,) float64.
    """
    views, n_classes = len(features), len(class_counts)
    drawn = np.bincount(labels, minlength=n_classes)
    weights = class_counts / np.maximum(1, drawn)  # a class that is thinned out counts as often as it occurs
    if isinstance(config.class_weights, tuple):
        weights = weights * np.array(config.class_weights)
    return fit_logistic_regression(
        features.reshape(-1, features.shape[-1]).astype(np.float64),
        np.tile(labels, views),
        n_classes,
        penalty=PENALTY,
        sample_weights=np.tile(weights[labels], views),
    )
