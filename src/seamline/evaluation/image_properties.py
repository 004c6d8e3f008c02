"""Properties of single images: sharpness, edges, and which pixels show the object in front of a uniform background."""

import cv2
import numpy as np
from numpy.typing import NDArray

from seamline.data.lazy_array import ArrayLike
from seamline.data.preprocess import downscale

THUMBNAIL_SIDE = 32
"""Longer side of thumbnails in pixels; smaller images are not resized."""

MIN_GRADIENT = 32.0
"""Gray levels per pixel from which on a pixel is at an edge."""

MIN_CONTRAST = 16
"""Gray levels by which a pixel of an object differs from the background at least."""

MIN_UNIFORM = 0.5
"""Fraction of the pixels at the borders of images that have the color of a common background at least."""


def grays(images: ArrayLike, side: int | None = None) -> NDArray[np.float32]:
    """Return the brightness of images.

    Args:
        images: (N, H, W, C) uint8.
        side: longer side in pixels to which larger images are reduced; None keeps their size.

    Returns:
        (N, h, w) float32, 0..255: the mean of the channels.
    """
    shown = (images[i] if side is None else downscale(images[i], side) for i in range(len(images)))
    return np.stack([image.mean(2, dtype=np.float32) for image in shown])


def sharpness(gray: NDArray[np.float32]) -> float:
    """Return how much of an image is fine detail.

    It is the standard deviation of the Laplacian, divided by that of the gray levels. The variance of the Laplacian is
    a measure of focus (Pech-Pacheco et al., ICPR 2000); the ratio does not depend on contrast.

    Args:
        gray: (H, W) float32.

    Returns:
        0 for a uniform image, the root of 20 for independent pixels, and 8 for a checkerboard, the highest value.
    """
    deviation = float(gray.std())
    return float(cv2.Laplacian(gray, cv2.CV_32F).std()) / deviation if deviation > 0 else 0.0


def edge_fraction(gray: NDArray[np.float32]) -> float:
    """Return the fraction of pixels at an edge: those whose Sobel gradient is at least `MIN_GRADIENT`.

    Args:
        gray: (H, W) float32.
    """
    down, right = (cv2.Sobel(gray, cv2.CV_32F, dx, 1 - dx) / 8 for dx in (0, 1))
    return float((np.hypot(down, right) >= MIN_GRADIENT).mean())


def common_background(gray: NDArray[np.float32]) -> int | None:
    """Return the gray level of a background that images share; None where their borders have no common one.

    Args:
        gray: (N, H, W) float32.
    """
    borders = [gray[:, 0], gray[:, -1], gray[:, :, 0], gray[:, :, -1]]
    levels = np.bincount(np.rint(np.concatenate([border.ravel() for border in borders])).astype(np.int64))
    background = int(levels.argmax())
    near = levels[max(0, background - MIN_CONTRAST) : background + MIN_CONTRAST + 1].sum()
    return background if near >= MIN_UNIFORM * levels.sum() else None
