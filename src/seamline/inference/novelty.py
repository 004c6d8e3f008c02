"""Measures by pooled features how unlike the training images an image is."""

import numpy as np
from numpy.typing import NDArray

from seamline.run_folder import NoveltyReference

_LIMIT = float(np.finfo(np.float16).max)  # features are stored in half precision


def scale_features(features: NDArray[np.float32], scales: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return features (N, D) float32 times their scales (D,) float32, within what half precision holds."""
    scaled: NDArray[np.float32] = np.clip(features * scales, -_LIMIT, _LIMIT)
    return scaled


def nearest_distances(features: NDArray[np.float32], references: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the distance of each image to the nearest of others.

    Args:
        features: (N, D) float32.
        references: (M, D) float32.

    Returns:
        (N,) float32.
    """
    squares = (features**2).sum(1)[:, np.newaxis] + (references**2).sum(1) - 2 * features @ references.T
    distances: NDArray[np.float32] = np.sqrt(np.maximum(0, squares.min(1)))
    return distances


def novelty_ratios(features: NDArray[np.float32], reference: NoveltyReference) -> NDArray[np.float32]:
    """Return the distances of images from the training images over the threshold; above 1 an image is novel.

    Args:
        features: (N, D) float32, pooled features.
        reference: features of training images, and the threshold.

    Returns:
        (N,) float32.
    """
    distances = nearest_distances(scale_features(features, reference.scale_array), reference.feature_array)
    ratios: NDArray[np.float32] = distances / np.float32(reference.threshold)
    return ratios
