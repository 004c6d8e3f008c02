"""Local features of one image: upright SIFT points, and their projection to a space shared by a set of images.

Knows one image at a time; what two images have in common is for `alignment`.
"""

from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from seamline.data.preprocess import downscale

LONGEST = 512
"""Larger images are shrunk to this many pixels on their longer side before features are taken."""

POINTS = 500
"""At most this many points of an image are kept, those of the highest contrast."""

TEXTURE = 30.0
"""Variance of brightness in a small window from which it says something: sky and black corners say nothing."""

DIMENSIONS = 64
"""Numbers that describe a point after projection."""


@dataclass(frozen=True, eq=False)
class Picture:
    """What is kept of an image while crops are looked for.

    Attributes:
        grey: (H, W) float32, brightness 0..255, the longer side at most `LONGEST`.
        colour: (H, W, 2) uint8, red against green and blue against yellow (CIE a and b), or None where all is grey.
        textured: in how many pixels there is something to compare.
        points: (P, 2) float32, x and y of each point in pixels of `grey`.
        sizes: (P,) float32, the diameter of each point in pixels, above 0.
        looks: what each point looks like: (P, 128) uint8 before `shared_space`, after it (P, `DIMENSIONS`) float32 of
            unit length.
    """

    grey: NDArray[np.float32]
    colour: NDArray[np.uint8] | None
    textured: int
    points: NDArray[np.float32]
    sizes: NDArray[np.float32]
    looks: NDArray[Any]


def describe(image: NDArray[np.uint8]) -> Picture:
    """Find the points of an image and describe them by SIFT (Lowe, IJCV 2004), without regard to rotation.

    Photos and crops of them stand upright, so all points are read with the same orientation: a point is then found
    once, and a window's left edge is not taken for its right one.

    Args:
        image: (H, W, C) uint8, C 1 or 3.
    """
    image = downscale(image, LONGEST)
    grey = np.ascontiguousarray(image[:, :, 0]) if image.shape[2] == 1 else cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    colour = None if image.shape[2] == 1 else cv2.cvtColor(image, cv2.COLOR_RGB2LAB)[:, :, 1:]
    if colour is not None and max(colour[:, :, 0].std(), colour[:, :, 1].std()) < 1:
        colour = None
    sift = cv2.SIFT_create(contrastThreshold=0.02, edgeThreshold=12)  # type: ignore[attr-defined]
    strongest: dict[tuple[float, float, float], cv2.KeyPoint] = {}
    for point in sift.detect(grey, None):  # a point comes once for each of its orientations
        place = (round(point.pt[0], 1), round(point.pt[1], 1), round(point.size, 1))
        if place not in strongest or point.response > strongest[place].response:
            point.angle = 0.0
            strongest[place] = point
    order = sorted(strongest, key=lambda place: (-strongest[place].response, place))
    chosen = [strongest[place] for place in order[:POINTS]]
    looks: NDArray[Any] = np.zeros((0, 128), np.float32)
    if chosen:
        chosen, looks = sift.compute(grey, chosen)
    brightness = grey.astype(np.float32)
    variance = blur(brightness**2) - blur(brightness) ** 2
    return Picture(
        brightness,
        None if colour is None else np.ascontiguousarray(colour),
        int((variance > TEXTURE).sum()),
        np.array([point.pt for point in chosen], np.float32).reshape(-1, 2),
        np.array([point.size for point in chosen], np.float32),
        looks.astype(np.uint8),
    )


def shared_space(pictures: list[Picture]) -> list[Picture]:
    """Project the looks of all points onto the directions in which they differ most.

    The square root of each share is taken first (Arandjelović and Zisserman, CVPR 2012), and the mean over the set
    removed, so that the scalar product of two points is 1 for equal ones and about 0 for any two of the set.

    Args:
        pictures: as `describe` gives them.

    Returns:
        The same pictures with looks of `DIMENSIONS` numbers and unit length.
    """
    if not pictures:
        return []
    every = max(1, sum(len(picture.looks) for picture in pictures) // 100_000)
    sample = np.concatenate([_roots(picture.looks[::every]) for picture in pictures]).astype(np.float64)
    if len(sample) < 2:
        nothing = np.zeros((0, DIMENSIONS), np.float32)
        return [replace(p, points=p.points[:0], sizes=p.sizes[:0], looks=nothing) for p in pictures]
    mean = sample.mean(0)
    _, axes = np.linalg.eigh(np.cov((sample - mean).T))
    chosen = axes[:, ::-1][:, :DIMENSIONS].astype(np.float32)
    centre = mean.astype(np.float32)
    projected = []
    for picture in pictures:
        looks = (_roots(picture.looks) - centre) @ chosen
        looks /= np.maximum(np.linalg.norm(looks, axis=1, keepdims=True), 1e-9)
        projected.append(replace(picture, looks=looks))
    return projected


def _roots(looks: NDArray[np.uint8]) -> NDArray[np.float32]:
    shares = looks / np.maximum(looks.sum(1, keepdims=True, dtype=np.float32), 1)
    roots: NDArray[np.float32] = np.sqrt(shares, dtype=np.float32)
    return roots


def blur(values: NDArray[Any]) -> NDArray[np.float32]:
    """Return the mean of (H, W) float32 values in a small window around each pixel."""
    mean: NDArray[Any] = cv2.GaussianBlur(values, (0, 0), 2.5)
    return mean
