"""Detect masks whose values were mixed: by smooth scaling, anti-aliasing or JPEG compression."""

from collections.abc import Mapping
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

_NEIGHBORHOOD = 5  # pixels: the edges of masks that were enlarged are up to four wide
_MIN_STEP = 16  # least difference between the neighbors of a mixed pixel: numbers of classes are closer
_MIN_FRACTION = 0.5  # fraction of the pixels of a mixed value that lie between their neighbors
_MAX_RATIO = 2  # of mixed values to others, where there are more than two others
_JPEG_MARGIN = 24  # largest difference to 0 and 255 of values that JPEG makes of them
_MIN_JPEG_VALUES = 4
_MAX_MIXED = 0.25  # largest fraction of mixed pixels in masks of two values: more are classes


def pixels_between_neighbors(values: NDArray[Any]) -> NDArray[np.bool_]:
    """Return where a pixel lies between its neighbors, as mixed pixels at an edge do and real classes rarely do.

    Args:
        values: (H, W) numbers, or (H, W, 3) uint8 colors. Every channel of a mixed color lies between those of its
            neighbors, and in one of them some neighbors are lower and others higher.

    Returns:
        (H, W) bool.
    """
    center: NDArray[Any] = values if values.dtype == np.uint8 else values.astype(np.float32)
    kernel = np.ones((_NEIGHBORHOOD, _NEIGHBORHOOD), np.uint8)
    low, high = np.asarray(cv2.erode(center, kernel)), np.asarray(cv2.dilate(center, kernel))
    between: NDArray[np.bool_] = (low < center) & (center < high) & (high - low >= _MIN_STEP)
    return between if between.ndim == 2 else np.asarray(between.any(axis=2))


def find_mixed_values(counts: Mapping[int, int], between: Mapping[int, int], *, by_color: bool) -> set[int]:
    """Return the values of a set of masks that are no classes but mixtures of others; none where that is unlikely.

    Args:
        counts: value -> number of pixels.
        between: value -> number of pixels between their neighbors.
        by_color: whether values are colors, 0xRRGGBB.
    """
    mixed = {value for value, count in counts.items() if between.get(value, 0) >= _MIN_FRACTION * count}
    total = sum(counts.values())
    rest = counts.keys() - mixed
    if mixed and len(rest) <= 2 and sum(counts[value] for value in mixed) < _MAX_MIXED * total:
        return mixed
    if not by_color and {0, 255} <= counts.keys():
        inner = counts.keys() - {0, 255}
        near_white = any(255 - value <= _JPEG_MARGIN for value in inner)
        near = {value for value in inner if value <= _JPEG_MARGIN or 255 - value <= _JPEG_MARGIN} | mixed
        if near_white and len(near) >= _MIN_JPEG_VALUES and near == inner:
            return near
    return mixed if len(mixed) > _MAX_RATIO * len(rest) else set()
