"""How much the images of a split differ from the training images."""

import numpy as np
from numpy.typing import NDArray

from seamline.data.lazy_array import ArrayLike, evenly_spaced
from seamline.data.near_duplicates.exact_and_near import THUMBNAIL_SIDE, thumbnail
from seamline.run_folder import NearestImages

_MAX_TRAIN = 20_000
_MAX_TEST = 1_000
_PAIRS = 2_000


def nearest_images(train: ArrayLike, test: ArrayLike) -> NearestImages:
    """Compare test images with their nearest training images, and random images with one another.

    Of more than 1,000 test images and 20,000 training images, evenly spaced ones are compared.

    Args:
        train: (N, H, W, C) uint8, N of 1 or more.
        test: (M, H, W, C) uint8, M of 1 or more.

    Returns:
        The medians of the root mean square difference of thumbnails, in gray levels (0..255).
    """
    first, second = _thumbnails(train, _MAX_TRAIN), _thumbnails(test, _MAX_TEST)
    nearest = [float(((first - one) ** 2).mean(1).min()) for one in second]
    every = np.concatenate([first, second])
    pairs = np.random.default_rng(0).integers(0, len(every), (2, _PAIRS))
    left, right = pairs[:, pairs[0] != pairs[1]]
    squares = ((every[left] - every[right]) ** 2).mean(1)
    return NearestImages(
        test_to_train=float(np.sqrt(np.median(nearest))), random_pairs=float(np.sqrt(np.median(squares)))
    )


def _thumbnails(images: ArrayLike, limit: int) -> NDArray[np.float32]:
    """Return thumbnails of at most `limit` images, (n, pixels) float32."""
    chosen = evenly_spaced(len(images), limit).tolist()
    return np.stack([thumbnail(images[i]) for i in chosen]).reshape(len(chosen), THUMBNAIL_SIDE**2)
