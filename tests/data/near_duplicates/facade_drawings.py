"""Draw facades with equal windows, so that only other details distinguish buildings."""

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]


def building(seed: int, size: int = 640) -> Image:
    """Draw a (size, size, 3) facade: rows of one kind of window on a wall with stains of its own."""
    rng = np.random.default_rng(seed)
    wall = np.array([170, 150, 120]) + rng.normal(0, 6, 3)
    canvas = np.broadcast_to(wall, (size, size, 3)).astype(np.float32).copy()
    for reach, depth in ((2, 60), (6, 180), (40, 300)):  # grain, dirt, damp
        noise = cv2.GaussianBlur(rng.normal(0, 1, (size, size)).astype(np.float32), (0, 0), reach)
        canvas += depth * noise[:, :, None]
    step = 62 + 3 * (seed % 10)
    for top in range(20, size - 50, step):
        canvas[top - 12 : top - 8] -= 50
        for left in range(20, size - 30, step - 14):
            canvas[top : top + 44, left : left + 26] = (225, 225, 215)
            shade = rng.normal(60, 14, (2, 2))
            for row in (0, 1):
                for column in (0, 1):
                    y, x = top + 4 + 20 * row, left + 3 + 11 * column
                    canvas[y : y + 16, x : x + 9] = shade[row, column]
            canvas[top + 44 : top + 48, left - 3 : left + 29] -= 60
    return canvas.clip(0, 255).astype(np.uint8)


def crop(image: Image, left: int, top: int, side: int, size: int = 192) -> Image:
    """Cut a square and resize it to (size, size, 3)."""
    part = cv2.resize(image[top : top + side, left : left + side], (size, size), interpolation=cv2.INTER_AREA)
    return part.astype(np.uint8)


def recoded(image: Image, quality: int = 85) -> Image:
    """Encode as JPEG and decode again."""
    read = cv2.imdecode(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], cv2.IMREAD_UNCHANGED)
    assert read is not None
    return read.reshape(image.shape).astype(np.uint8)


def brighter(image: Image, factor: float, added: float) -> Image:
    """Multiply and add."""
    return (image.astype(np.float32) * factor + added).clip(0, 255).astype(np.uint8)
