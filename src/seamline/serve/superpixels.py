"""Superpixels: small regions of a photo that keep to its edges, which one click fills.

They are waterpixels: the watershed of the colors from markers on a grid (Machairas et al., Waterpixels, IEEE
Transactions on Image Processing 24, 2015), by OpenCV.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from seamline.data.preprocess import resize_max_side

SIDE = 800
"""Longer side in pixels at which a photo is divided, at most."""

COUNT = 700
"""Superpixels of a large photo, about."""

_LEAST_SPACING = 3.0  # pixels between markers


def divide(photo: NDArray[np.uint8]) -> NDArray[np.uint16]:
    """Divide a photo into superpixels.

    Args:
        photo: (H, W, 3) uint8.

    Returns:
        (h, w) uint16, the number of each pixel's superpixel, 1..N; each is connected. The longer side has at most
        `SIDE` pixels.
    """
    small = resize_max_side(photo, 3, SIDE)
    smooth = cv2.medianBlur(small, 5 if min(small.shape[:2]) > 64 else 3)
    gradient = cv2.morphologyEx(smooth, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)).max(axis=2)
    markers = np.pad(_place_markers(gradient), 1)
    framed = cv2.copyMakeBorder(smooth, 1, 1, 1, 1, cv2.BORDER_REPLICATE)  # the watershed leaves out the frame
    regions = cv2.watershed(framed, markers)[1:-1, 1:-1]
    numbers = np.where(regions > 0, regions, 0).astype(np.uint16)  # the lines between regions are -1
    while not numbers.all():
        grown = cv2.dilate(numbers, np.ones((3, 3), np.uint8))
        numbers = np.where(numbers == 0, grown, numbers)
    return numbers


def _place_markers(gradient: NDArray[np.uint8]) -> NDArray[np.int32]:
    """Return markers (H, W) int32: a number where the gradient (H, W) uint8 is least in the middle of each cell."""
    height, width = gradient.shape
    spacing = max(_LEAST_SPACING, (height * width / COUNT) ** 0.5)
    rows, columns = max(1, round(height / spacing)), max(1, round(width / spacing))
    markers = np.zeros((height, width), np.int32)
    for row in range(rows):
        for column in range(columns):
            top, bottom = _middle(row, rows, height)
            left, right = _middle(column, columns, width)
            cell = gradient[top:bottom, left:right]
            y, x = np.unravel_index(int(cell.argmin()), cell.shape)
            markers[top + y, left + x] = row * columns + column + 1
    return markers


def _middle(number: int, count: int, length: int) -> tuple[int, int]:
    """Return the start and end of the middle half of a cell, one of `count` along a side."""
    size = length / count
    start = int((number + 0.25) * size)
    return start, max(start + 1, int((number + 0.75) * size))
