"""A photo of any size -> the image that a network is asked about."""

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image


def center_crop_resize(photo: NDArray[np.uint8], shape: tuple[int, int, int]) -> NDArray[np.uint8]:
    """Fit a photo to a network that labels whole images of one size.

    The largest part of that size's proportions is cut from the photo's middle and scaled, smoothly, up or down. For a
    network of grey images colours become their luma (ITU-R 601).

    Args:
        photo: (H, W, 3) uint8, red, green and blue, 0..255.
        shape: (h, w, C) of the images that the network was trained with; C is 1 or 3.

    Returns:
        (h, w, C) uint8.
    """
    height, width, channels = shape
    rows, columns = photo.shape[:2]
    scale = min(rows / height, columns / width)
    cut_rows, cut_columns = min(rows, max(1, round(scale * height))), min(columns, max(1, round(scale * width)))
    top, left = (rows - cut_rows) // 2, (columns - cut_columns) // 2
    return _scaled(photo[top : top + cut_rows, left : left + cut_columns], (height, width), channels)


def resize_max_side(photo: NDArray[np.uint8], channels: int, size: int) -> NDArray[np.uint8]:
    """Fit a photo to a network that gives masks of any size.

    Args:
        photo: (H, W, 3) uint8, red, green and blue, 0..255.
        channels: channels C of the images that the network was trained with, 1 or 3.
        size: the most pixels that the longer side may have; a larger photo is reduced smoothly, a smaller one is left
            as it is. 0 leaves every photo as it is.

    Returns:
        (h, w, C) uint8.
    """
    rows, columns = photo.shape[:2]
    scale = min(1.0, size / max(rows, columns)) if size else 1.0
    shape = (max(1, round(scale * rows)), max(1, round(scale * columns)))
    return photo if shape == (rows, columns) and channels == 3 else _scaled(photo, shape, channels)


def downscale(image: NDArray[np.uint8], longest: int) -> NDArray[np.uint8]:
    """Return an image (H, W, C) uint8 with at most `longest` pixels on its longer side; a smaller one is left alone."""
    height, width, channels = image.shape
    scale = longest / max(height, width)
    if scale >= 1:
        return image
    size = max(1, round(scale * width)), max(1, round(scale * height))
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)  # gives up the dimension of a single channel
    return np.asarray(small, dtype=np.uint8).reshape(size[1], size[0], channels)


def _scaled(photo: NDArray[np.uint8], shape: tuple[int, int], channels: int) -> NDArray[np.uint8]:
    """Scale a photo (H, W, 3) to (h, w, C); Pillow widens the filter when it reduces, so that fine lines stay."""
    image = Image.fromarray(photo)
    if (image.height, image.width) != shape:
        image = image.resize((shape[1], shape[0]), Image.Resampling.BICUBIC)
    pixels = np.array(image.convert("L") if channels == 1 else image)
    return pixels.reshape(*shape, channels)
