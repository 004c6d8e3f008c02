"""Crop and resize images."""

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image


def center_crop_resize(image: NDArray[np.uint8], shape: tuple[int, int, int]) -> NDArray[np.uint8]:
    """Crop the center of an image to the proportions of a shape, and resize it, for a classifier.

    Args:
        image: (H, W, 3) uint8, RGB.
        shape: (h, w, C) of the result, uint8; C is 1 for grayscale (ITU-R 601 luma) or 3.
    """
    height, width, channels = shape
    rows, columns = image.shape[:2]
    scale = min(rows / height, columns / width)
    cut_rows, cut_columns = min(rows, max(1, round(scale * height))), min(columns, max(1, round(scale * width)))
    top, left = (rows - cut_rows) // 2, (columns - cut_columns) // 2
    return _resize(image[top : top + cut_rows, left : left + cut_columns], (height, width), channels)


def resize_max_side(image: NDArray[np.uint8], channels: int, size: int) -> NDArray[np.uint8]:
    """Resize an image so that its longer side has at most `size` pixels, for a segmenter.

    Args:
        image: (H, W, 3) uint8, RGB; smaller images are not resized.
        channels: channels C of the result (h, w, C) uint8, 1 or 3.
        size: largest longer side; 0 resizes none.
    """
    rows, columns = image.shape[:2]
    scale = min(1.0, size / max(rows, columns)) if size else 1.0
    shape = (max(1, round(scale * rows)), max(1, round(scale * columns)))
    return image if shape == (rows, columns) and channels == 3 else _resize(image, shape, channels)


def fit_inside(image: NDArray[np.uint8], shape: tuple[int, int, int]) -> NDArray[np.uint8]:
    """Resize an image so that it just fits into a shape, as images of a folder are resized for a segmenter.

    Args:
        image: (H, W, 3) uint8, RGB.
        shape: height, width and channels that bound the result (h, w, C) uint8; C is 1 for grayscale or 3.
    """
    rows, columns = image.shape[:2]
    scale = min(shape[0] / rows, shape[1] / columns)
    return _resize(image, (max(1, round(scale * rows)), max(1, round(scale * columns))), shape[2])


def _resize(image: NDArray[np.uint8], shape: tuple[int, int], channels: int) -> NDArray[np.uint8]:
    """Resize an image (H, W, 3) uint8 to (h, w, C), with antialiasing."""
    resized = Image.fromarray(image)
    if (resized.height, resized.width) != shape:
        resized = resized.resize((shape[1], shape[0]), Image.Resampling.BICUBIC)
    pixels = np.array(resized.convert("L") if channels == 1 else resized)
    return pixels.reshape(*shape, channels)


def downscale(image: NDArray[np.uint8], max_side: int) -> NDArray[np.uint8]:
    """Downscale an image (H, W, C) uint8 to a longer side of at most `max_side` pixels.

    Each new pixel is the mean of those that it covers; a smaller image is returned unchanged.
    """
    height, width, channels = image.shape
    scale = max_side / max(height, width)
    if scale >= 1:
        return image
    size = max(1, round(scale * width)), max(1, round(scale * height))
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)  # drops the axis of a single channel
    return np.asarray(small, dtype=np.uint8).reshape(size[1], size[0], channels)
