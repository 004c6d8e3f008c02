"""Synthetic garments: gray images of 28 x 28 pixels in ten classes.

They replace Fashion-MNIST where it cannot be downloaded, and contain nothing of its images: each garment is drawn from
an outline, a fabric, folds and light with random dimensions. An image depends on the seed, the split and its index
alone.
"""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from seamline.synthetic.fashion.bags import draw_bags
from seamline.synthetic.fashion.geometry import SIZE
from seamline.synthetic.fashion.shoes import draw_ankle_boots, draw_sandals, draw_sneakers
from seamline.synthetic.fashion.top_classes import (
    draw_coats,
    draw_dresses,
    draw_pullovers,
    draw_shirts,
    draw_t_shirts,
)
from seamline.synthetic.fashion.trousers import draw_trousers
from seamline.synthetic.sampling import STREAMS, Array, BatchSampler, clip, make_generator

_ORDER = 10  # last integer of a block's key for the order of its labels; 0..9 are those of the classes
_BATCH = 100  # images of one class drawn at once: their float32 arrays fit a core's cache
_GAMMA = 0.8  # lifts the mid-tones, as in the inverted product photos of Fashion-MNIST
_THREADS = 8  # more gain nothing, because Python code between NumPy calls runs on one thread at a time


def generate(
    count: int, seed: int, split: Literal["train", "test"] = "train"
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Generate garments, ten of each class in every hundred.

    A longer sequence starts with the shorter one: `generate(100, s)` equals the first hundred of `generate(1000, s)`.

    Args:
        count: Number of images.
        seed: Seed of every image, 0 or more.
        split: The two splits of a seed have no image in common.

    Returns:
        Images (count, 28, 28, 1) uint8, 0 outside the garment, and labels (count,) int64, indices into `CLASSES`.
    """
    block_size = _BATCH * len(DRAWERS)
    blocks = -(-count // block_size)
    images = np.empty((blocks * block_size, SIZE, SIZE, 1), dtype=np.uint8)
    labels = np.empty(blocks * block_size, dtype=np.int64)

    def draw_block(block: int) -> None:
        part = slice(block * block_size, (block + 1) * block_size)
        images[part], labels[part] = _draw_block(seed, STREAMS[split], block)

    with ThreadPoolExecutor(min(os.cpu_count() or 1, _THREADS)) as pool:
        list(pool.map(draw_block, range(blocks)))
    return images[:count], labels[:count]


def _draw_block(seed: int, stream: int, block: int) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Draw one block of images, ten of each class in every hundred, in a random order."""
    order = make_generator(seed, stream, block, _ORDER)
    hundred = np.arange(_BATCH, dtype=np.int64) % len(DRAWERS)
    labels = np.concatenate([order.permutation(hundred) for _ in DRAWERS])
    images = np.empty((len(labels), SIZE, SIZE, 1), dtype=np.uint8)
    for label, draw in enumerate(DRAWERS.values()):
        values = draw(BatchSampler(_BATCH, make_generator(seed, stream, block, label)))
        images[labels == label, :, :, 0] = (clip(values, 0, 1) ** _GAMMA * 255).round()
    return images, labels


DRAWERS: dict[str, Callable[[BatchSampler], Array]] = {
    "T-shirt/top": draw_t_shirts,
    "Trouser": draw_trousers,
    "Pullover": draw_pullovers,
    "Dress": draw_dresses,
    "Coat": draw_coats,
    "Sandal": draw_sandals,
    "Shirt": draw_shirts,
    "Sneaker": draw_sneakers,
    "Bag": draw_bags,
    "Ankle boot": draw_ankle_boots,
}
"""Class -> function that draws n garments, (n, 28, 28) float32 of about 0..1, in the order of the labels."""

CLASSES = tuple(DRAWERS)
"""Class names of Fashion-MNIST; label i means `CLASSES[i]`."""
