"""Polygons, and masks drawn from them."""

import math
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from seamline.data.image_folder.records import Point, Polygon, RunLengthMask, Shape
from seamline.data.image_folder.run_lengths import decode_runs

_MAX_SUPERSAMPLED = 4_000_000  # pixels of an image up to which polygons are drawn at four times the resolution
MIN_CORNERS = 3
_MAX_CORNERS = 1_000_000


def make_polygon(label: str, points: Iterable[Point]) -> Polygon:
    """Return a polygon; a `ValueError` unless it has three corners or more, all finite and none far outside."""
    corners = tuple((float(x), float(y)) for x, y in points)
    if not MIN_CORNERS <= len(corners) <= _MAX_CORNERS:
        raise ValueError(f"a polygon has {len(corners)} corners")
    if not all(math.isfinite(x) and math.isfinite(y) and max(abs(x), abs(y)) < 1e6 for x, y in corners):
        raise ValueError("a corner is not finite or too far outside the image")
    return Polygon(label, corners)


def rasterize(
    polygons: tuple[Shape, ...],
    numbers: dict[str, int],
    height: int,
    width: int,
    name: str = "the image",
    order: tuple[str, ...] = (),
) -> NDArray[np.uint8]:
    """Draw polygons and runs into a mask (height, width) uint8; 0 where there is none.

    The classes of `order` are drawn first, one after the other, then all others; within each of them, and without an
    order, larger polygons are drawn below smaller ones.

    A pixel belongs to a polygon if its center does. Pillow fills every pixel that an outline touches, so polygons are
    drawn at four times the resolution and the centers are sampled.

    Raises:
        SeamlineError: a run-length encoded mask has another size than the image, which is called `name`.
    """
    factor = 4 if height * width <= _MAX_SUPERSAMPLED else 1
    mask = Image.new("L", (factor * width, factor * height), 0)
    pen = ImageDraw.Draw(mask)
    ranks = {label: rank for rank, label in enumerate(order)}
    for polygon in sorted(polygons, key=lambda one: (ranks.get(one.label, len(order)), -polygon_area(one))):
        if isinstance(polygon, RunLengthMask):
            region = Image.fromarray(decode_runs(polygon, height, width, name))
            mask.paste(numbers[polygon.label], mask=region.resize(mask.size, Image.Resampling.NEAREST))
            continue
        pen.polygon([(factor * x - 0.5, factor * y - 0.5) for x, y in polygon.points], fill=numbers[polygon.label])
    return np.array(mask)[factor // 2 :: factor, factor // 2 :: factor]


def polygon_area(polygon: Shape) -> float:
    """Return the area of a polygon by the shoelace formula, or the pixels of runs."""
    if isinstance(polygon, RunLengthMask):
        return sum(polygon.counts[1::2])
    following = [*polygon.points[1:], polygon.points[0]]
    return abs(sum(x * b - a * y for (x, y), (a, b) in zip(polygon.points, following, strict=True))) / 2
