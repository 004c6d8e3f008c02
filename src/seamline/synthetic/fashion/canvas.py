"""Outlines and surfaces of many images at once: coordinates, curves, strokes, smooth noise.

A garment is described in pixels: x from -14 (left) to 14, y from 0 (top) to 28. Shapes are signed distances, positive
inside; `cover` turns them into a share of each pixel, so that edges come out smooth without drawing larger first.
"""

from dataclasses import dataclass
from functools import cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from seamline.synthetic.fashion.chance import Array, Chance, clip

SIZE = 28
MIDDLE = SIZE / 2

_LOW, _HIGH = -20.0, 40.0  # the stretch of a coordinate that a curve's table holds: the image and what a turn brings in
_FINE = 8  # table entries a pixel: an edge is then at most 1/16 pixel off, less than can be seen in 256 greys


@dataclass(frozen=True)
class Frame:
    """Where each pixel lies on the garment.

    Attributes:
        x: (n, 28, 28) float32, pixels to the right of the garment's middle.
        y: (n, 28, 28) float32, pixels below the garment's upper edge.
    """

    x: Array
    y: Array

    def take(self, which: NDArray[np.int64]) -> "Frame":
        """Return the frames of the images `which` (m,)."""
        return Frame(self.x[which], self.y[which])


def place(chance: Chance, *, turn: float = 0.02, move: float = 0.35, sway: float = 0.3, size: float = 0.02) -> Frame:
    """Lay each garment down a little differently.

    Args:
        chance: decides how.
        turn: standard deviation of the turn, in radians.
        move: standard deviation of the shift, in pixels.
        sway: standard deviation of the bend of straight lines, in pixels.
        size: standard deviation of the factor of magnification.
    """
    centres = np.arange(SIZE, dtype=np.float32) + np.float32(0.5 - MIDDLE)
    across, down = centres[None, None, :], centres[None, :, None]
    angle, shrink = chance.about(0, turn), 1 / chance.about(1, size)
    cosine, sine = over(np.cos(angle) * shrink), over(np.sin(angle) * shrink)
    x = across * cosine + down * sine - over(chance.about(0, move))
    y = down * cosine - across * sine - over(chance.about(0, move))
    # About one bend over the garment's length: cloth that was laid down, not cut out of tin.
    bend = over(chance.about(0, sway)) * np.sin(down * over(chance.between(0.1, 0.3)) + over(chance.between(0, 6.3)))
    return Frame(x + bend, y + np.float32(MIDDLE))


def over(numbers: Array) -> Array:
    """Return (n,) numbers as (n, 1, 1), to go with (n, 28, 28)."""
    return numbers[:, None, None]


def cover(distance: Array) -> Array:
    """Return which share of each pixel lies inside, 0..1, from the signed distance of its centre in pixels."""
    return clip(distance + np.float32(0.5), 0, 1)


def inside(*distances: Array) -> Array:
    """Return the signed distance of what lies inside all of the shapes."""
    nearest = distances[0]
    for distance in distances[1:]:
        nearest = np.minimum(nearest, distance)
    return nearest


def line(distance: Array, width: Array | float) -> Array:
    """Return 0..1, how much of a line of half-width `width` a pixel at `distance` from its middle shows."""
    return cover(width - np.abs(distance)) if isinstance(width, float) else cover(over(width) - np.abs(distance))


def paint(image: Array, share: Array, value: Array | float) -> Array:
    """Return the image with `value` laid over it, as opaque as `share` (0..1) says."""
    return image + share * (value - image)


class Curve:
    """A smooth line for each image, given by knots: `across` as a function of `along`.

    Args:
        along: k arrays (n,) or numbers, increasing.
        across: k arrays (n,), the line's value there; it goes on level before the first knot and after the last.
        soft: pixels over which corners are rounded.
    """

    def __init__(self, along: list[Array], across: list[Array], soft: float = 1.0) -> None:
        grid = np.arange(_LOW, _HIGH, 1 / _FINE, dtype=np.float32)
        table = np.repeat(across[0][:, None], len(grid), axis=1)
        for near, far, start, end in zip(along[:-1], along[1:], across[:-1], across[1:], strict=True):
            # A quarter of a pixel at least between knots, so that no chance makes a step of no width.
            share = clip((grid - near[:, None]) / np.maximum(far - near, np.float32(0.25))[:, None], 0, 1)
            table += (end - start)[:, None] * share
        table = _rounded(table, max(1, round(soft * _FINE)))
        self._table = table
        self._lean = (1 / np.sqrt(1 + (np.gradient(table, axis=1) * _FINE) ** 2)).astype(np.float32)

    def at(self, along: Array) -> Array:
        """Return the line's value (n, 28, 28) at each pixel's coordinate."""
        return self._table.ravel().take(self._entries(along))

    def beyond(self, along: Array, across: Array) -> Array:
        """Return how far each pixel lies on the far side of the line, in pixels measured squarely to it."""
        entries = self._entries(along)
        return (across - self._table.ravel().take(entries)) * self._lean.ravel().take(entries)

    def _entries(self, along: Array) -> NDArray[np.intp]:
        """Return the places in the flat tables that belong to each pixel."""
        count, length = self._table.shape
        entries: NDArray[np.intp] = clip((along - np.float32(_LOW)) * _FINE, 0, length - 1).astype(np.intp)
        entries += (np.arange(count, dtype=np.intp) * length)[:, None, None]
        return entries


def _rounded(table: Array, width: int) -> Array:
    """Return the table's rows, averaged over `width` entries."""
    padded = np.pad(table, ((0, 0), (width // 2 + 1, (width - 1) // 2)), mode="edge")
    sums = np.cumsum(padded, axis=1, dtype=np.float64)
    return ((sums[:, width:] - sums[:, :-width]) / width).astype(np.float32)


Point = tuple[Array, Array]


def stroke(frame: Frame, points: list[Point], widths: list[Array], *, flat: bool = False) -> Array:
    """Return the signed distance of a thick line through points.

    Args:
        frame: where the pixels lie.
        points: k points, each x and y as (n,) arrays.
        widths: k arrays (n,), half the line's width at each point.
        flat: end squarely at the last point instead of round.

    Returns:
        (n, 28, 28) float32.
    """
    best: Array | None = None
    last = len(points) - 2
    for i, ((x0, y0), (x1, y1)) in enumerate(pairwise(points)):
        dx, dy = x1 - x0, y1 - y0
        squared = np.maximum(dx * dx + dy * dy, np.float32(1e-6))
        from_x, from_y = frame.x - over(x0), frame.y - over(y0)
        share = (from_x * over(dx) + from_y * over(dy)) / over(squared)
        held = clip(share, 0, 1)
        off_x, off_y = from_x - held * over(dx), from_y - held * over(dy)
        distance = over(widths[i]) + held * over(widths[i + 1] - widths[i]) - np.sqrt(off_x * off_x + off_y * off_y)
        if flat and i == last:
            distance = np.minimum(distance, (1 - share) * over(np.sqrt(squared)))
        best = distance if best is None else np.maximum(best, distance)
    if best is None:
        raise ValueError("a stroke needs two points")
    return best


def arch(start: Point, top: Point, end: Point, steps: int) -> list[Point]:
    """Return steps + 1 points of the parabola that leaves `start` towards `top` and comes to `end` from it."""
    points = []
    for i in range(steps + 1):
        t = i / steps
        a, b, c = (1 - t) ** 2, 2 * t * (1 - t), t**2
        points.append((a * start[0] + b * top[0] + c * end[0], a * start[1] + b * top[1] + c * end[1]))
    return points


def clouds(chance: Chance, rows: int, columns: int) -> Array:
    """Return smooth noise (n, 28, 28) of about unit size with this many hills down and across the image."""
    hills = chance.grain(rows + 3, columns + 3)
    smooth: Array = _spread(rows) @ hills @ _spread(columns).T
    return smooth * np.float32(_CLOUD)


_CLOUD = 1.9  # a cubic spline averages its knots; this gives the noise a standard deviation of about 1 again


@cache
def _spread(hills: int) -> Array:
    """Return (28, hills + 3) float32: the weights of a uniform cubic spline's knots at each pixel."""
    places = (np.arange(SIZE) + 0.5) / SIZE * hills + 1
    gap = np.abs(places[:, None] - np.arange(hills + 3))
    near = 2 / 3 - gap**2 + gap**3 / 2
    far = np.maximum(2 - gap, 0) ** 3 / 6
    return np.where(gap < 1, near, far).astype(np.float32)
