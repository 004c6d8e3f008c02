"""Images made smaller, each pixel the mean of those it covers."""

import cv2
import numpy as np
from numpy.typing import NDArray


def downscale(image: NDArray[np.uint8], longest: int) -> NDArray[np.uint8]:
    """Return an image (H, W, C) uint8 with at most `longest` pixels on its longer side; a smaller one is left alone."""
    height, width, channels = image.shape
    scale = longest / max(height, width)
    if scale >= 1:
        return image
    size = max(1, round(scale * width)), max(1, round(scale * height))
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)  # gives up the dimension of a single channel
    return np.asarray(small, dtype=np.uint8).reshape(size[1], size[0], channels)
