"""A canvas of four layers, drawn on in metres: colour, relief, material and label of each pixel.

Whatever is drawn goes into all layers by one outline, so labels are exact. The relief is how far a surface stands out
of the wall; from it come all the shadows (see `light`), so nothing that is drawn has to think of its own.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from seamline.synthetic.facades.chance import Array

OTHER, WALL, PILLAR, WINDOW, BALCONY = range(5)
"""Labels of a mask."""

SMOOTH, PLASTER, BRICK, STONE, GLASS, TILES, METAL, GROUND, SKY = range(9)
"""Materials: `surfaces` gives each its grain, `light` decides what shadows do to it."""

Colour = tuple[int, int, int]
Point = tuple[float, float]


@dataclass(frozen=True)
class Paint:
    """What is laid on the canvas; None leaves a layer as it is.

    Attributes:
        colour: red, green, blue, 0..255, in even light.
        label: the class, 0..4.
        relief: metres out of the wall; negative for what lies in it.
        material: one of the materials of this file.
    """

    colour: Colour | None = None
    label: int | None = None
    relief: float | None = None
    material: int | None = None


class Canvas:
    """A stretch of street, seen squarely.

    Args:
        width: metres from left to right.
        height: metres above the street that are seen.
        below: metres below street level, the pavement and road in front.
        scale: pixels a metre.

    Attributes:
        colour: (R, C, 3) uint8.
        relief: (R, C) float32, metres.
        label: (R, C) uint8, 0..4.
        material: (R, C) uint8.
    """

    def __init__(self, width: float, height: float, below: float, scale: float) -> None:
        self.width, self.height, self.below, self.scale = width, height, below, scale
        rows, columns = round((height + below) * scale), round(width * scale)
        self.colour = np.zeros((rows, columns, 3), dtype=np.uint8)
        self.relief = np.zeros((rows, columns), dtype=np.float32)
        self.label = np.zeros((rows, columns), dtype=np.uint8)
        self.material = np.zeros((rows, columns), dtype=np.uint8)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns in pixels."""
        return self.label.shape[0], self.label.shape[1]

    def column(self, x: float) -> int:
        """Return the pixel column `x` metres from the left edge."""
        return round(x * self.scale)

    def row(self, y: float) -> int:
        """Return the pixel row `y` metres above the street."""
        return round((self.height - y) * self.scale)

    def box(self, x0: float, y0: float, x1: float, y1: float) -> tuple[slice, slice]:
        """Return rows and columns of the rectangle between two corners, a pixel wide and high at least."""
        rows, columns = self.shape
        left, top = self.column(min(x0, x1)), self.row(max(y0, y1))
        right, bottom = max(self.column(max(x0, x1)), left + 1), max(self.row(min(y0, y1)), top + 1)
        return slice(_held(top, rows), _held(bottom, rows)), slice(_held(left, columns), _held(right, columns))

    def rect(self, x0: float, y0: float, x1: float, y1: float, paint: Paint) -> None:
        """Fill the rectangle between two corners."""
        where = self.box(x0, y0, x1, y1)
        if paint.colour is not None:
            self.colour[where] = paint.colour
        if paint.label is not None:
            self.label[where] = paint.label
        if paint.relief is not None:
            self.relief[where] = paint.relief
        if paint.material is not None:
            self.material[where] = paint.material

    def poly(self, points: Sequence[Point], paint: Paint) -> None:
        """Fill the polygon through points (x, y)."""
        corners = [np.array([(self.column(x), self.row(y)) for x, y in points], dtype=np.int32)]
        if paint.colour is not None:
            cv2.fillPoly(self.colour, corners, paint.colour)
        if paint.label is not None:
            cv2.fillPoly(self.label, corners, (paint.label,))
        if paint.relief is not None:
            cv2.fillPoly(self.relief, corners, (paint.relief,))
        if paint.material is not None:
            cv2.fillPoly(self.material, corners, (paint.material,))

    def line(self, start: Point, end: Point, width: float, paint: Paint) -> None:
        """Draw a straight line, `width` metres wide, on colour and label."""
        thick = max(1, round(width * self.scale))
        ends = [(self.column(x), self.row(y)) for x, y in (start, end)]
        if paint.colour is not None:
            cv2.line(self.colour, ends[0], ends[1], paint.colour, thick)
        if paint.label is not None:
            cv2.line(self.label, ends[0], ends[1], (paint.label,), thick)

    def mask(self, points: Sequence[Point], where: tuple[slice, slice]) -> NDArray[np.bool_]:
        """Return which pixels of the part `where` of the canvas lie inside a polygon."""
        top, left = where[0].start, where[1].start
        inside = np.zeros((where[0].stop - top, where[1].stop - left), dtype=np.uint8)
        corners = [np.array([(self.column(x) - left, self.row(y) - top) for x, y in points], dtype=np.int32)]
        if inside.size:
            cv2.fillPoly(inside, corners, (1,))
        return inside.astype(np.bool_)

    def paste(self, where: tuple[slice, slice], mask: NDArray[np.bool_], colours: Array, paint: Paint) -> None:
        """Lay `colours` (h, w, 3), 0..255, on the part `where`, inside the mask, and the other layers of `paint`."""
        self.colour[where][mask] = np.clip(colours[mask], 0, 255).astype(np.uint8)
        if paint.label is not None:
            self.label[where][mask] = paint.label
        if paint.relief is not None:
            self.relief[where][mask] = paint.relief
        if paint.material is not None:
            self.material[where][mask] = paint.material


def _held(place: int, limit: int) -> int:
    """Return the place, but not outside the canvas."""
    return min(max(place, 0), limit)


def shade(colour: Colour, factor: float) -> Colour:
    """Return the colour, darker (factor below 1) or lighter."""
    red, green, blue = (min(255, max(0, round(part * factor))) for part in colour)
    return red, green, blue


def mix(one: Colour, other: Colour, share: float) -> Colour:
    """Return a colour on the way from one to the other, at 0 the first and at 1 the second."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(one, other, strict=True))
    return red, green, blue
