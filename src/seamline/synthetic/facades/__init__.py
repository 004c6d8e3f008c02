"""Synthetic facades: images of streets with a label for every pixel.

They replace the mini facade set where it is not available, and contain nothing of its photos: each house is drawn from
stories and bays with random dimensions, and its shadows follow from its relief. As in the real set, several images are
crops of one building. A building depends on the seed, the split and its index alone.

Labels: `facade` is wall, with plain surrounds of openings, quoins and plinth. `window` is an opening with its frame.
`pillar` is a pilaster or column with base and capital. `balcony` is slab and railing, with everything visible through
it. `other` is all else: sky, ground, roof, door, shop, band, cornice, sill, hood, shutter, closed blind, cars and leafy
crowns. Thin foreground objects, such as wires, lamps and bare branches, keep the label behind them.
"""

import os
from concurrent.futures import ThreadPoolExecutor
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from seamline.synthetic.facades.camera import photograph, sample_camera
from seamline.synthetic.facades.library import library_photo
from seamline.synthetic.facades.streets import draw_street, sample_views
from seamline.synthetic.sampling import STREAMS, Sampler, make_generator

__all__ = ["generate", "library_photo"]

_SIZE = 256
_CROPS, _STREET = 0, 1  # last integer of a building's keys: number of crops, and everything else
_THREADS = 8  # each needs about 100 MB


def generate(
    count: int, seed: int, split: Literal["train", "test"] = "train"
) -> tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.int64]]:
    """Generate facades, two to four consecutive crops of each building.

    A longer sequence starts with the shorter one: `generate(10, s)` equals the first ten of `generate(100, s)`.

    Args:
        count: Number of images.
        seed: Seed of every image, 0 or more.
        split: The two splits of a seed have no building in common.

    Returns:
        Images (count, 256, 256, 3) uint8, labels (count, 256, 256) uint8 in 0..4, and groups (count,) int64, the
        index of each image's building.
    """
    stream = STREAMS[split]
    images = np.empty((count, _SIZE, _SIZE, 3), dtype=np.uint8)
    labels = np.empty((count, _SIZE, _SIZE), dtype=np.uint8)
    starts = [0]
    while starts[-1] < count:
        rng = Sampler(make_generator(seed, stream, len(starts) - 1, _CROPS))
        starts.append(starts[-1] + rng.choice({2: 1, 3: 2, 4: 1}))

    def draw_building(building: int) -> None:
        start, stop = starts[building], starts[building + 1]
        rng = Sampler(make_generator(seed, stream, building, _STREET))
        street = draw_street(rng)
        camera = sample_camera(rng, street.median, street.highlight)
        views = sample_views(street, rng, stop - start)
        for index, corners in zip(range(start, min(stop, count)), views, strict=False):
            images[index], labels[index] = photograph(street.scene, street.labels, corners, camera, rng, (_SIZE, _SIZE))

    with ThreadPoolExecutor(min(os.cpu_count() or 1, _THREADS)) as pool:
        list(pool.map(draw_building, range(len(starts) - 1)))
    groups = np.repeat(np.arange(len(starts) - 1, dtype=np.int64), np.diff(starts))[:count]
    return images, labels, groups
