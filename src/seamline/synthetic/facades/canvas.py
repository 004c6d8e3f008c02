"""A canvas of four layers, drawn on in meters: color, relief, material and label of each pixel.

Every shape is filled into all layers by one outline, so labels are exact. The relief is the height of a surface above
the wall; `lighting` derives all shadows from it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from seamline.synthetic.sampling import Array

OTHER, WALL, PILLAR, WINDOW, BALCONY = range(5)
"""Labels of a mask."""

SMOOTH, PLASTER, BRICK, STONE, GLASS, TILES, METAL, GROUND, SKY = range(9)
"""Materials. `textures` gives each its texture, `lighting` its response to light."""

Color = tuple[int, int, int]
Point = tuple[float, float]
Box = tuple[float, float, float, float]
"""Left, bottom, right and top of a rectangle, in meters."""
Region = tuple[slice, slice]
"""Rows and columns of a part of the canvas, in pixels."""


@dataclass(frozen=True)
class Paint:
    """Values to fill a shape with; None leaves a layer unchanged.

    Attributes:
        color: Red, green and blue, 0..255, in even light.
        label: Class, 0..4.
        relief: Meters above the wall, negative for recesses.
        material: One of the materials of this module.
    """

    color: Color | None = None
    label: int | None = None
    relief: float | None = None
    material: int | None = None


class Canvas:
    """An orthographic view of a stretch of street.

    Args:
        width: Width in meters.
        height: Visible height above the street in meters.
        below: Visible height below street level in meters, which shows pavement and road.
        scale: Pixels per meter.

    Attributes:
        color: (R, C, 3) uint8.
        relief: (R, C) float32, meters.
        label: (R, C) uint8, 0..4.
        material: (R, C) uint8.
    """

    def __init__(self, width: float, height: float, below: float, scale: float) -> None:
        self.width, self.height, self.below, self.scale = width, height, below, scale
        rows, columns = round((height + below) * scale), round(width * scale)
        self.color = np.zeros((rows, columns, 3), dtype=np.uint8)
        self.relief = np.zeros((rows, columns), dtype=np.float32)
        self.label = np.zeros((rows, columns), dtype=np.uint8)
        self.material = np.zeros((rows, columns), dtype=np.uint8)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns in pixels."""
        return self.label.shape[0], self.label.shape[1]

    def column(self, x: float) -> int:
        """Return the pixel column `x` meters from the left edge."""
        return round(x * self.scale)

    def row(self, y: float) -> int:
        """Return the pixel row `y` meters above the street."""
        return round((self.height - y) * self.scale)

    def region(self, x0: float, y0: float, x1: float, y1: float) -> Region:
        """Return the region between two corners, at least one pixel wide and high, cropped to the canvas."""
        rows, columns = self.shape
        left, top = self.column(min(x0, x1)), self.row(max(y0, y1))
        right, bottom = max(self.column(max(x0, x1)), left + 1), max(self.row(min(y0, y1)), top + 1)
        return (
            slice(min(max(top, 0), rows), min(max(bottom, 0), rows)),
            slice(min(max(left, 0), columns), min(max(right, 0), columns)),
        )

    def rect(self, x0: float, y0: float, x1: float, y1: float, paint: Paint) -> None:
        """Fill the rectangle between two corners."""
        region = self.region(x0, y0, x1, y1)
        if paint.color is not None:
            self.color[region] = paint.color
        if paint.label is not None:
            self.label[region] = paint.label
        if paint.relief is not None:
            self.relief[region] = paint.relief
        if paint.material is not None:
            self.material[region] = paint.material

    def poly(self, points: Sequence[Point], paint: Paint) -> None:
        """Fill the polygon through the points (x, y)."""
        corners = [np.array([(self.column(x), self.row(y)) for x, y in points], dtype=np.int32)]
        if paint.color is not None:
            cv2.fillPoly(self.color, corners, paint.color)
        if paint.label is not None:
            cv2.fillPoly(self.label, corners, (paint.label,))
        if paint.relief is not None:
            cv2.fillPoly(self.relief, corners, (paint.relief,))
        if paint.material is not None:
            cv2.fillPoly(self.material, corners, (paint.material,))

    def line(self, start: Point, end: Point, width: float, paint: Paint) -> None:
        """Draw a straight line, `width` meters wide, on the color and label layers."""
        thickness = max(1, round(width * self.scale))
        ends = [(self.column(x), self.row(y)) for x, y in (start, end)]
        if paint.color is not None:
            cv2.line(self.color, ends[0], ends[1], paint.color, thickness)
        if paint.label is not None:
            cv2.line(self.label, ends[0], ends[1], (paint.label,), thickness)

    def mask(self, points: Sequence[Point], region: Region) -> NDArray[np.bool_]:
        """Return the pixels of a region inside a polygon, (h, w) bool."""
        top, left = region[0].start, region[1].start
        inside = np.zeros(region_shape(region), dtype=np.uint8)
        corners = [np.array([(self.column(x) - left, self.row(y) - top) for x, y in points], dtype=np.int32)]
        if inside.size:
            cv2.fillPoly(inside, corners, (1,))
        return inside.astype(np.bool_)

    def paste(self, region: Region, colors: Array, paint: Paint, mask: NDArray[np.bool_] | None = None) -> None:
        """Copy colors into a region, and fill its other layers.

        Args:
            region: Where to paste.
            colors: (h, w, 3) float32, 0..255; values beyond are clipped.
            paint: Values of the other layers.
            mask: (h, w) bool, the pixels to change; by default all.
        """
        mask = np.ones(region_shape(region), dtype=np.bool_) if mask is None else mask
        self.color[region][mask] = np.clip(colors[mask], 0, 255).astype(np.uint8)
        if paint.label is not None:
            self.label[region][mask] = paint.label
        if paint.relief is not None:
            self.relief[region][mask] = paint.relief
        if paint.material is not None:
            self.material[region][mask] = paint.material


def region_shape(region: Region) -> tuple[int, int]:
    """Return the height and width of a region in pixels."""
    return region[0].stop - region[0].start, region[1].stop - region[1].start


def shade(color: Color, factor: float) -> Color:
    """Return the color, darker (factor below 1) or lighter."""
    red, green, blue = (min(255, max(0, round(channel * factor))) for channel in color)
    return red, green, blue


def mix(first: Color, second: Color, fraction: float) -> Color:
    """Interpolate between two colors; fraction 0 is the first, 1 the second."""
    red, green, blue = (round(a + (b - a) * fraction) for a, b in zip(first, second, strict=True))
    return red, green, blue
