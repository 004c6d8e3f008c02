"""What a model says of one photo, wherever it is asked for."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seamline.data.preprocess import center_crop_resize, resize_max_side
from seamline.inference.predictor import Model
from seamline.inference.tiled import predict_mask


def mask_of(
    model: Model, pixels: NDArray[np.uint8], size: int, progress: Callable[[int, int], None] | None = None
) -> NDArray[np.uint8]:
    """Return a photo's mask (H, W) uint8, of the photo's own size.

    Args:
        model: gives masks.
        pixels: (H, W, 3) uint8.
        size: the most pixels on the photo's longer side for the network; 0 for no limit.
        progress: called with parts done and parts in all.
    """
    return predict_mask(
        model.ask, resize_max_side(pixels, model.image[2], size), shape=pixels.shape[:2], progress=progress
    )


def shares_of(model: Model, mask: NDArray[np.uint8]) -> dict[str, float]:
    """Return each class's share of a mask's area, 0..1."""
    counts = np.bincount(mask.ravel(), minlength=len(model.classes))
    return dict(zip(model.classes, (counts / mask.size).tolist(), strict=True))


def label_of(model: Model, pixels: NDArray[np.uint8]) -> dict[str, Any]:
    """Return a photo's most probable class as `label`, its `probability`, and the `probabilities` of all."""
    probabilities = model.probabilities(model.ask(center_crop_resize(pixels, model.image)[np.newaxis]))[0].tolist()
    likeliest = int(np.argmax(probabilities))
    return {
        "label": model.classes[likeliest],
        "probability": probabilities[likeliest],
        "probabilities": dict(zip(model.classes, probabilities, strict=True)),
    }
