"""What a model says of one photo, wherever it is asked for."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seamline.data.fitting import fitted_pixels, fitted_whole
from seamline.measure.tiles import predict_mask
from seamline.ship.model import Model


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
        model.ask, fitted_pixels(pixels, model.image[2], size), shape=pixels.shape[:2], progress=progress
    )


def shares_of(model: Model, mask: NDArray[np.uint8]) -> dict[str, float]:
    """Return each class's share of a mask's area, 0..1."""
    counts = np.bincount(mask.ravel(), minlength=len(model.classes))
    return dict(zip(model.classes, (counts / mask.size).tolist(), strict=True))


def label_of(model: Model, pixels: NDArray[np.uint8]) -> dict[str, Any]:
    """Return a photo's most probable class as `label`, its `probability`, and the `probabilities` of all."""
    probabilities = model.probabilities(model.ask(fitted_whole(pixels, model.image)[np.newaxis]))[0].tolist()
    likeliest = int(np.argmax(probabilities))
    return {
        "label": model.classes[likeliest],
        "probability": probabilities[likeliest],
        "probabilities": dict(zip(model.classes, probabilities, strict=True)),
    }
