"""Synthetic garments: ten classes of 28 x 28 grey garments, drawn by a program.

They stand in for Fashion-MNIST where there is no network. Nothing of its images is in here: each garment is drawn from
an outline, a cloth, folds and light, and its measures are chance. Image i depends on the seed and i alone.
"""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from seamline.synthetic.fashion.bags import bags
from seamline.synthetic.fashion.canvas import SIZE
from seamline.synthetic.fashion.chance import Array, Chance, clip
from seamline.synthetic.fashion.shoes import ankle_boots, sandals, sneakers
from seamline.synthetic.fashion.trousers import trousers
from seamline.synthetic.fashion.wardrobe import coats, dresses, pullovers, shirts, t_shirts

Images = NDArray[np.uint8]
Labels = NDArray[np.int64]

_STREAMS = {"train": 0, "test": 1}  # of random numbers, which never overlap
_LABELS = 10  # beside the classes 0..9, the stream of a block that decides its order
_EACH = 100  # images of a class drawn together: their arrays of float32 then stay in a core's own cache
_GAMMA = 0.8  # lifts the middle greys as a photograph on white paper, turned to its negative, does
_THREADS = 8  # more gain nothing: between the large operations only one thread runs at a time


def draw(count: int, seed: int, split: Literal["train", "test"] = "train") -> tuple[Images, Labels]:
    """Draw garments, as many of each class in every hundred.

    Fewer images are the first of more: `draw(100, s)` equals the first hundred of `draw(1000, s)`.

    Args:
        count: the images.
        seed: decides every image; 0 or more.
        split: no image is in both splits of a seed.

    Returns:
        Images (count, 28, 28, 1) uint8, 0 outside the garment, and labels (count,) int64 in the order of `DRAWERS`.
    """
    block = _EACH * len(DRAWERS)
    blocks = -(-count // block)
    images = np.empty((blocks * block, SIZE, SIZE, 1), dtype=np.uint8)
    labels = np.empty(blocks * block, dtype=np.int64)

    def fill(number: int) -> None:
        here = slice(number * block, (number + 1) * block)
        images[here], labels[here] = _block(seed, _STREAMS[split], number)

    with ThreadPoolExecutor(min(os.cpu_count() or 1, _THREADS)) as pool:
        list(pool.map(fill, range(blocks)))
    return images[:count], labels[:count]


def _block(seed: int, stream: int, number: int) -> tuple[Images, Labels]:
    """Draw one block whole, as many of each class in every hundred images, in a random order."""
    order = _generator(seed, stream, number, _LABELS)
    hundred = np.arange(_EACH, dtype=np.int64) % len(DRAWERS)
    labels = np.concatenate([order.permutation(hundred) for _ in DRAWERS])
    images = np.empty((len(labels), SIZE, SIZE, 1), dtype=np.uint8)
    for label, drawer in enumerate(DRAWERS.values()):
        drawn = drawer(Chance(_EACH, _generator(seed, stream, number, label)))
        images[labels == label, :, :, 0] = (clip(drawn, 0, 1) ** _GAMMA * 255).round()
    return images, labels


def _generator(seed: int, stream: int, block: int, part: int) -> np.random.Generator:
    """Return the generator of one part of one block: it knows nothing of what else is drawn."""
    return np.random.Generator(np.random.Philox(np.random.SeedSequence([seed, stream, block, part])))


DRAWERS: dict[str, Callable[[Chance], Array]] = {
    "T-shirt/top": t_shirts,
    "Trouser": trousers,
    "Pullover": pullovers,
    "Dress": dresses,
    "Coat": coats,
    "Sandal": sandals,
    "Shirt": shirts,
    "Sneaker": sneakers,
    "Bag": bags,
    "Ankle boot": ankle_boots,
}
"""Class name -> what draws it, in the order of the labels: the classes of Fashion-MNIST. A drawer takes the chance of n
images and returns them as (n, 28, 28) float32, about 0..1."""

CLASSES = tuple(DRAWERS)
"""Class names; label i means `CLASSES[i]`."""
