"""How well two images agree, pixel by pixel and point by point, when one is laid on the other."""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from seamline.data.near_duplicates.features import TEXTURE, Picture, blur
from seamline.data.near_duplicates.geometric_alignment import Alignment

_LEAST_PIXELS = 600
_FAITHFUL = 0.3  # share of faithful points from which more do not make an alignment likelier
_REACH, _STRETCH, _ALIKE = 4.0, 0.4, 0.6  # a point's counterpart: pixels away, ratio of sizes (log), likeness


@dataclass(frozen=True)
class Agreement:
    """What speaks for an alignment.

    Attributes:
        quarter: local correlation that three quarters of the textured pixels of the overlap reach, -1..1.
        median: the same for half of them.
        overlap: share of the first image's area that the second covers, and of the second's that the first covers.
        cover: the same, counted over the textured pixels of each alone.
        shared: share of the points within the overlap, of both images, that have their like at the same place, 0..1.
        faithful: share of these points whose best match anywhere is the one at that place, 0..1: among equal windows it
            is any of them.
        colour: correlation of colour, the better of red to green and blue to yellow, -1..1; 1 for grey images.
        strength: textured pixels of the overlap that agree, as a share of the first image's area, times `quarter`, less
            where `faithful` is low: of several alignments the strongest is to be believed.
    """

    quarter: float
    median: float
    overlap: tuple[float, float]
    cover: tuple[float, float]
    shared: float
    faithful: float
    colour: float
    strength: float


def agreement(first: Picture, second: Picture, alignment: Alignment, likeness: NDArray[np.float32]) -> Agreement | None:
    """Lay the second image on the first and compare them; None where too little texture lies on texture.

    Brightness is compared by zero-mean normalised cross-correlation in small windows, so that exposure and light
    count for little and the place of every edge for much. The finer image is blurred to the coarser one's detail.

    Args:
        first: an image with P points.
        second: an image with Q points.
        alignment: from the first to the second.
        likeness: (P, Q) float32, -1..1, of the points of one to those of the other.
    """
    box = _overlap(first, second, alignment)
    if box is None:
        return None
    left, top, right, bottom = box
    a: NDArray[Any] = first.grey
    b: NDArray[Any] = second.grey
    if alignment.scale > 1.05:
        b = cv2.GaussianBlur(b, (0, 0), 0.5 * np.sqrt(alignment.scale**2 - 1))
    if alignment.scale < 0.95:
        a = cv2.GaussianBlur(a, (0, 0), 0.5 * np.sqrt(alignment.scale**-2 - 1))
    a = np.ascontiguousarray(a[top:bottom, left:right])
    lay = np.array(
        [
            [alignment.scale_x, 0, alignment.scale_x * left + alignment.shift_x],
            [0, alignment.scale_y, alignment.scale_y * top + alignment.shift_y],
        ]
    )
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    b = cv2.warpAffine(b, lay, (a.shape[1], a.shape[0]), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    mean_a, mean_b = blur(a), blur(b)
    variance_a = blur(a * a) - mean_a**2
    variance_b = blur(b * b) - mean_b**2
    textured = (variance_a > TEXTURE) & (variance_b > TEXTURE)
    pixels = int(textured.sum())
    if pixels < _LEAST_PIXELS:
        return None
    joint = (blur(a * b) - mean_a * mean_b)[textured]
    local = joint / np.sqrt(variance_a[textured] * variance_b[textured])
    quarter, median = (float(q) for q in np.percentile(local, [25, 50]))
    area = a.size / first.grey.size
    stretch = alignment.scale_x * alignment.scale_y
    shared, counterparts = _shared(first, second, alignment, likeness, box)
    faithful = min(1.0, alignment.matches / max(counterparts, 1.0))
    return Agreement(
        quarter=quarter,
        median=median,
        overlap=(area, min(1.0, a.size * stretch / second.grey.size)),
        cover=(pixels / max(first.textured, pixels), min(1.0, pixels * stretch / max(second.textured, 1))),
        shared=shared,
        faithful=faithful,
        colour=_colour(first, second, lay, box, textured),
        strength=float((np.maximum(local, 0) ** 4).sum())
        / first.grey.size
        * max(quarter, 0.0)
        * min(1.0, faithful / _FAITHFUL),
    )


def _overlap(first: Picture, second: Picture, alignment: Alignment) -> tuple[int, int, int, int] | None:
    """Return left, top, right and bottom of the overlap in the first image, or None where it is a sliver."""
    height, width = first.grey.shape
    end_y, end_x = second.grey.shape
    left = max(0, int(np.ceil(-alignment.shift_x / alignment.scale_x)))
    top = max(0, int(np.ceil(-alignment.shift_y / alignment.scale_y)))
    right = min(width, int(np.floor((end_x - 1 - alignment.shift_x) / alignment.scale_x)) + 1)
    bottom = min(height, int(np.floor((end_y - 1 - alignment.shift_y) / alignment.scale_y)) + 1)
    return (left, top, right, bottom) if right - left >= 12 and bottom - top >= 12 else None


def _colour(
    first: Picture,
    second: Picture,
    lay: NDArray[np.float64],
    box: tuple[int, int, int, int],
    textured: NDArray[np.bool_],
) -> float:
    """Return how far the colours of both images change at the same places: white balance and light do not matter."""
    if first.colour is None or second.colour is None:
        return 1.0
    left, top, right, bottom = box
    a: NDArray[Any] = first.colour[top:bottom, left:right].astype(np.float32)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    b: NDArray[Any] = cv2.warpAffine(
        second.colour, lay, (right - left, bottom - top), flags=flags, borderMode=cv2.BORDER_REPLICATE
    )
    a, b = cv2.GaussianBlur(a, (0, 0), 2), cv2.GaussianBlur(b.astype(np.float32), (0, 0), 2)
    return max(_correlation(a[textured, k], b[textured, k]) for k in (0, 1))


def _correlation(x: NDArray[np.float32], y: NDArray[np.float32]) -> float:
    x, y = x - x.mean(), y - y.mean()
    lengths = float(np.linalg.norm(x)) * float(np.linalg.norm(y))
    return float(x @ y) / max(lengths, 1e-3)


def _shared(
    first: Picture,
    second: Picture,
    alignment: Alignment,
    likeness: NDArray[np.float32],
    box: tuple[int, int, int, int],
) -> tuple[float, float]:
    """Return which share of the points in the overlap have their like at the same place, and how many in one image."""
    placed = alignment.place(first.points)
    inner = np.array([[box[0], box[1]], [box[2], box[3]]], np.float32)
    corners = alignment.place(inner)
    of_first = _within(first.points, inner)
    of_second = _within(second.points, corners)
    if not of_first.any() or not of_second.any():
        return 0.0, 0.0
    close = np.abs(placed[of_first, None, 0] - second.points[None, of_second, 0]) < _REACH
    close &= np.abs(placed[of_first, None, 1] - second.points[None, of_second, 1]) < _REACH
    expected = np.log(first.sizes[of_first] * np.float32(alignment.scale))
    close &= np.abs(np.log(second.sizes[of_second])[None] - expected[:, None]) < _STRETCH
    close &= likeness[np.ix_(of_first, of_second)] > _ALIKE
    having = float(close.any(1).sum() + close.any(0).sum())
    return having / sum(close.shape), having / 2


def _within(points: NDArray[np.float32], box: NDArray[np.float32]) -> NDArray[np.bool_]:
    inside: NDArray[np.bool_] = ((points >= box[0]) & (points <= box[1])).all(1)
    return inside
