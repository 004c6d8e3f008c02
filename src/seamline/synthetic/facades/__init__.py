"""Synthetic facades: streets of houses with the class of every pixel, drawn by a program.

They stand in for the mini facade set where it is not to be had. Nothing of its photographs is in here: each house is
drawn from storeys and bays, its shadows come from its relief, and its measures are chance. As in the real set several
crops of one building stand in the set as images of their own. A building depends on the seed and its number alone.

What the labels mean: facade is wall, with the plain surrounds of openings, quoins and plinth; window is an opening with
its frame; pillar is a pilaster or column with base and capital; balcony is slab and railing, with what is seen between
its bars. Other is all else: sky, ground, roof, door, shop, band, cornice, sill, hood, shutter, closed blind, cars and
the crowns of trees in leaf. What is thin and stands in front, such as wires, lamps and bare branches, keeps the label
of what is behind it.
"""

import os
from concurrent.futures import ThreadPoolExecutor
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from seamline.synthetic.facades.camera import photograph, set_up
from seamline.synthetic.facades.chance import Chance
from seamline.synthetic.facades.library import own_photo
from seamline.synthetic.facades.streets import draw_street, views

__all__ = ["draw", "own_photo"]

Images = NDArray[np.uint8]
Labels = NDArray[np.uint8]
Groups = NDArray[np.int64]

SIZE = 256

_STREAMS = {"train": 0, "test": 1}  # of random numbers, which never overlap
_CROPS, _HOUSE = 0, 1  # of a building: how many crops, and all else
_THREADS = 8  # each draws a street of some 100 MB


def draw(count: int, seed: int, split: Literal["train", "test"] = "train") -> tuple[Images, Labels, Groups]:
    """Draw facades, two to four crops of each building one after the other.

    Fewer images are the first of more: `draw(10, s)` equals the first ten of `draw(100, s)`.

    Args:
        count: the images.
        seed: decides every image; 0 or more.
        split: no building is in both splits of a seed.

    Returns:
        Images (count, 256, 256, 3) uint8, labels (count, 256, 256) uint8, 0..4, and groups (count,) int64, the
        building of each image, numbered from 0.
    """
    stream = _STREAMS[split]
    images = np.empty((count, SIZE, SIZE, 3), dtype=np.uint8)
    labels = np.empty((count, SIZE, SIZE), dtype=np.uint8)
    firsts = [0]
    while firsts[-1] < count:
        firsts.append(firsts[-1] + Chance(seed, stream, len(firsts) - 1, _CROPS).pick({2: 1, 3: 2, 4: 1}))

    def fill(building: int) -> None:
        first, crops = firsts[building], firsts[building + 1] - firsts[building]
        chance = Chance(seed, stream, building, _HOUSE)
        street = draw_street(chance)
        settings = set_up(chance, street.typical, street.bright)
        for place, corners in enumerate(views(street, chance, crops), first):
            if place < count:
                images[place], labels[place] = photograph(
                    street.picture, street.labels, corners, settings, chance, (SIZE, SIZE)
                )

    with ThreadPoolExecutor(min(os.cpu_count() or 1, _THREADS)) as pool:
        list(pool.map(fill, range(len(firsts) - 1)))
    groups = np.repeat(np.arange(len(firsts) - 1, dtype=np.int64), np.diff(firsts))[:count]
    return images, labels, groups
