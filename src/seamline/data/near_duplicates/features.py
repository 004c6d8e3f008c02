"""Local features of images: upright SIFT keypoints, with descriptors projected to a space shared by a set of images."""

from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from seamline.data.preprocess import downscale

MAX_SIDE = 512
"""Larger images are downscaled to this longer side before features are extracted."""

MAX_KEYPOINTS = 500
"""Largest number of keypoints of an image, those of the highest contrast."""

MIN_VARIANCE = 30.0
"""Variance of brightness in a small window from which it counts as textured; sky and black corners do not."""

DIMENSIONS = 64
"""Length of a projected descriptor."""


@dataclass(frozen=True, eq=False)
class ImageFeatures:
    """Features of an image for the search for crops of one scene.

    Attributes:
        gray: (H, W) float32, brightness 0..255, the longer side at most `MAX_SIDE`.
        color: (H, W, 2) uint8, CIE a and b, or None for gray images.
        n_textured: number of textured pixels.
        keypoints: (P, 2) float32, x and y in pixels of `gray`.
        scales: (P,) float32, diameter of each keypoint in pixels, above 0.
        descriptors: (P, 128) uint8 as extracted; (P, `DIMENSIONS`) float32 of unit length after
            `project_descriptors`.
    """

    gray: NDArray[np.float32]
    color: NDArray[np.uint8] | None
    n_textured: int
    keypoints: NDArray[np.float32]
    scales: NDArray[np.float32]
    descriptors: NDArray[Any]


def extract_features(image: NDArray[np.uint8]) -> ImageFeatures:
    """Extract SIFT features (Lowe, IJCV 2004) without rotation invariance.

    Photos and their crops are upright, so all keypoints get the same orientation. That way each keypoint occurs once,
    and the left edge of a window does not match its right edge.

    Args:
        image: (H, W, C) uint8, C is 1 or 3.

    Returns:
        The features.
    """
    image = downscale(image, MAX_SIDE)
    gray = np.ascontiguousarray(image[:, :, 0]) if image.shape[2] == 1 else cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    color = None if image.shape[2] == 1 else cv2.cvtColor(image, cv2.COLOR_RGB2LAB)[:, :, 1:]
    if color is not None and max(color[:, :, 0].std(), color[:, :, 1].std()) < 1:
        color = None
    sift = cv2.SIFT_create(contrastThreshold=0.02, edgeThreshold=12)  # type: ignore[attr-defined]
    strongest: dict[tuple[float, float, float], cv2.KeyPoint] = {}
    for point in sift.detect(gray, None):  # SIFT repeats a keypoint for each of its orientations
        key = (round(point.pt[0], 1), round(point.pt[1], 1), round(point.size, 1))
        if key not in strongest or point.response > strongest[key].response:
            point.angle = 0.0
            strongest[key] = point
    order = sorted(strongest, key=lambda key: (-strongest[key].response, key))
    points = [strongest[key] for key in order[:MAX_KEYPOINTS]]
    descriptors: NDArray[Any] = np.zeros((0, 128), np.float32)
    if points:
        points, descriptors = sift.compute(gray, points)
    brightness = gray.astype(np.float32)
    variance = blur(brightness**2) - blur(brightness) ** 2
    return ImageFeatures(
        brightness,
        None if color is None else np.ascontiguousarray(color),
        int((variance > MIN_VARIANCE).sum()),
        np.array([point.pt for point in points], np.float32).reshape(-1, 2),
        np.array([point.size for point in points], np.float32),
        descriptors.astype(np.uint8),
    )


def project_descriptors(images: list[ImageFeatures]) -> list[ImageFeatures]:
    """Project the descriptors of a set of images onto their principal components.

    Descriptors are normalized to square roots of fractions first (RootSIFT; Arandjelović and Zisserman, CVPR 2012) and
    centered, so that the scalar product of two descriptors is 1 for equal ones and about 0 for a random pair.

    Args:
        images: features as `extract_features` returns them.

    Returns:
        The features with descriptors of `DIMENSIONS` numbers and unit length.
    """
    if not images:
        return []
    step = max(1, sum(len(image.descriptors) for image in images) // 100_000)
    sample = np.concatenate([_root_sift(image.descriptors[::step]) for image in images]).astype(np.float64)
    if len(sample) < 2:
        none = np.zeros((0, DIMENSIONS), np.float32)
        return [replace(one, keypoints=one.keypoints[:0], scales=one.scales[:0], descriptors=none) for one in images]
    mean = sample.mean(0)
    _, axes = np.linalg.eigh(np.cov((sample - mean).T))
    components = axes[:, ::-1][:, :DIMENSIONS].astype(np.float32)
    center = mean.astype(np.float32)
    projected = []
    for image in images:
        descriptors = (_root_sift(image.descriptors) - center) @ components
        descriptors /= np.maximum(np.linalg.norm(descriptors, axis=1, keepdims=True), 1e-9)
        projected.append(replace(image, descriptors=descriptors))
    return projected


def _root_sift(descriptors: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the square roots of descriptors (P, 128) uint8 that are scaled to a sum of 1."""
    fractions = descriptors / np.maximum(descriptors.sum(1, keepdims=True, dtype=np.float32), 1)
    roots: NDArray[np.float32] = np.sqrt(fractions, dtype=np.float32)
    return roots


def blur(values: NDArray[Any]) -> NDArray[np.float32]:
    """Return the Gaussian mean in a small window around each pixel.

    Args:
        values: (H, W) float32.

    Returns:
        (H, W) float32.
    """
    mean: NDArray[Any] = cv2.GaussianBlur(values, (0, 0), 2.5)
    return mean
