"""Shapes of n images at once: coordinates, curves, strokes and smooth noise.

A garment is described in pixels: x from -14 (left) to 14, y from 0 (top) to 28. Shapes are signed distances, positive
inside. `coverage` converts them to the covered fraction of each pixel, so edges are anti-aliased without supersampling.
"""

from dataclasses import dataclass
from functools import cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from seamline.synthetic.sampling import Array, BatchSampler, clip

SIZE = 28
MIDDLE = SIZE / 2

_TABLE_RANGE = (-20.0, 40.0)  # coordinates that a curve's table holds: the image and what a rotation adds
_RESOLUTION = 8  # table entries per pixel, an error of at most 1/16 pixel
_NOISE_SCALE = 1.9  # restores the unit variance of smooth noise, since a cubic spline averages its knots

Point = tuple[Array, Array]
"""x and y of n points, each (n,) float32."""


@dataclass(frozen=True)
class Frame:
    """Garment coordinates of each pixel.

    Attributes:
        x: (n, 28, 28) float32, pixels to the right of the garment's middle.
        y: (n, 28, 28) float32, pixels below the garment's upper edge.
    """

    x: Array
    y: Array

    def select(self, indices: NDArray[np.int64]) -> "Frame":
        """Return the frames of the images `indices`, (m,) int64."""
        return Frame(self.x[indices], self.y[indices])


def sample_frame(
    rng: BatchSampler, *, rotation: float = 0.02, shift: float = 0.35, bend: float = 0.3, scale: float = 0.02
) -> Frame:
    """Sample a slightly different pose of each garment.

    Args:
        rng: Source of randomness.
        rotation: Standard deviation of the rotation in radians.
        shift: Standard deviation of the translation in pixels.
        bend: Standard deviation of the bend of straight lines in pixels.
        scale: Standard deviation of the magnification.
    """
    centers = np.arange(SIZE, dtype=np.float32) + np.float32(0.5 - MIDDLE)
    column, row = centers[None, None, :], centers[None, :, None]
    angle, shrinkage = rng.normal(0, rotation), 1 / rng.normal(1, scale)
    cosine, sine = expand(np.cos(angle) * shrinkage), expand(np.sin(angle) * shrinkage)
    x = column * cosine + row * sine - expand(rng.normal(0, shift))
    y = row * cosine - column * sine - expand(rng.normal(0, shift))
    # About one bend over the garment's length, because cloth never lies perfectly straight.
    amplitude = expand(rng.normal(0, bend))
    phase = row * expand(rng.uniform(0.1, 0.3)) + expand(rng.uniform(0, 6.3))
    return Frame(x + amplitude * np.sin(phase), y + np.float32(MIDDLE))


def expand(values: Array) -> Array:
    """Reshape one float32 value per image, (n,), to (n, 1, 1) for broadcasting with (n, 28, 28)."""
    return values[:, None, None]


def coverage(distance: Array) -> Array:
    """Convert the signed distance of pixel centers, (n, 28, 28) float32, to the covered fraction 0..1."""
    return clip(distance + np.float32(0.5), 0, 1)


def intersect(*distances: Array) -> Array:
    """Return the signed distance of the intersection of shapes, each (n, 28, 28) float32."""
    intersection = distances[0]
    for distance in distances[1:]:
        intersection = np.minimum(intersection, distance)
    return intersection


def line(distance: Array, half_width: Array | float) -> Array:
    """Return the fraction 0..1 of each pixel that a line covers.

    Args:
        distance: (n, 28, 28) float32, distance to the center of the line.
        half_width: (n,) float32 or a number, in pixels.
    """
    return coverage((half_width if isinstance(half_width, float) else expand(half_width)) - np.abs(distance))


def blend(image: Array, alpha: Array, value: Array | float) -> Array:
    """Blend values over an image.

    Args:
        image: (n, 28, 28) float32.
        alpha: (n, 28, 28) float32, opacity 0..1.
        value: (n, 28, 28) or (n, 1, 1) float32, or a number.
    """
    return image + alpha * (value - image)


class Curve:
    """A smooth curve for each image: values as a function of a coordinate, between knots.

    Args:
        knots: k increasing coordinates, each (n,) float32.
        values: k values, each (n,) float32; constant before the first knot and after the last.
        smoothing: Pixels over which corners are rounded.
    """

    def __init__(self, knots: list[Array], values: list[Array], smoothing: float = 1.0) -> None:
        grid = np.arange(*_TABLE_RANGE, 1 / _RESOLUTION, dtype=np.float32)
        table = np.repeat(values[0][:, None], len(grid), axis=1)
        for left, right, start, end in zip(knots[:-1], knots[1:], values[:-1], values[1:], strict=True):
            # At least a quarter of a pixel between knots, so that random knots never coincide.
            span = np.maximum(right - left, np.float32(0.25))
            table += (end - start)[:, None] * clip((grid - left[:, None]) / span[:, None], 0, 1)
        table = _moving_average(table, max(1, round(smoothing * _RESOLUTION)))
        self._table = table
        self._cosine = (1 / np.sqrt(1 + (np.gradient(table, axis=1) * _RESOLUTION) ** 2)).astype(np.float32)

    def evaluate(self, coordinate: Array) -> Array:
        """Return the value of the curve at each pixel's coordinate, both (n, 28, 28) float32."""
        return self._table.ravel().take(self._entries(coordinate))

    def distance(self, coordinate: Array, value: Array) -> Array:
        """Return the signed distance to the curve, perpendicular to it and positive beyond it.

        Args:
            coordinate: (n, 28, 28) float32, coordinate of each pixel along the curve.
            value: (n, 28, 28) float32, coordinate of each pixel across the curve.
        """
        entries = self._entries(coordinate)
        return (value - self._table.ravel().take(entries)) * self._cosine.ravel().take(entries)

    def _entries(self, coordinate: Array) -> NDArray[np.intp]:
        """Return each pixel's index into the flat tables."""
        count, length = self._table.shape
        position = (coordinate - np.float32(_TABLE_RANGE[0])) * _RESOLUTION
        entries: NDArray[np.intp] = clip(position, 0, length - 1).astype(np.intp)
        entries += (np.arange(count, dtype=np.intp) * length)[:, None, None]
        return entries


def _moving_average(table: Array, width: int) -> Array:
    """Average the rows of a table over `width` entries."""
    padded = np.pad(table, ((0, 0), (width // 2 + 1, (width - 1) // 2)), mode="edge")
    sums = np.cumsum(padded, axis=1, dtype=np.float64)
    return ((sums[:, width:] - sums[:, :-width]) / width).astype(np.float32)


def stroke(frame: Frame, points: list[Point], half_widths: list[Array], *, flat: bool = False) -> Array:
    """Return the signed distance of a thick line through points.

    Args:
        frame: Coordinates of the pixels.
        points: k points, each x and y as (n,) float32.
        half_widths: k half widths of the line, one per point, each (n,) float32.
        flat: Whether the last end is flat instead of round.

    Returns:
        (n, 28, 28) float32.
    """
    union: Array | None = None
    last = len(points) - 2
    for i, ((x0, y0), (x1, y1)) in enumerate(pairwise(points)):
        dx, dy = x1 - x0, y1 - y0
        squared = np.maximum(dx * dx + dy * dy, np.float32(1e-6))
        from_x, from_y = frame.x - expand(x0), frame.y - expand(y0)
        position = (from_x * expand(dx) + from_y * expand(dy)) / expand(squared)
        nearest = clip(position, 0, 1)
        off_x, off_y = from_x - nearest * expand(dx), from_y - nearest * expand(dy)
        half_width = expand(half_widths[i]) + nearest * expand(half_widths[i + 1] - half_widths[i])
        distance = half_width - np.sqrt(off_x * off_x + off_y * off_y)
        if flat and i == last:
            distance = np.minimum(distance, (1 - position) * expand(np.sqrt(squared)))
        union = distance if union is None else np.maximum(union, distance)
    if union is None:
        raise ValueError("a stroke needs two points")
    return union


def parabola(start: Point, control: Point, end: Point, steps: int) -> list[Point]:
    """Return steps + 1 points of the quadratic Bézier curve from `start` to `end`."""
    points = []
    for i in range(steps + 1):
        t = i / steps
        a, b, c = (1 - t) ** 2, 2 * t * (1 - t), t**2
        x, y = (a * start[axis] + b * control[axis] + c * end[axis] for axis in (0, 1))
        points.append((x, y))
    return points


def smooth_noise(rng: BatchSampler, rows: int, columns: int) -> Array:
    """Return smooth noise (n, 28, 28) float32 of about unit variance, from rows x columns knots over the image."""
    knots = rng.standard_normal(rows + 3, columns + 3)
    noise: Array = _spline_weights(rows) @ knots @ _spline_weights(columns).T
    return noise * np.float32(_NOISE_SCALE)


@cache
def _spline_weights(knots: int) -> Array:
    """Return the weights of a uniform cubic spline's knots at each pixel, (28, knots + 3) float32."""
    positions = (np.arange(SIZE) + 0.5) / SIZE * knots + 1
    distance = np.abs(positions[:, None] - np.arange(knots + 3))
    near = 2 / 3 - distance**2 + distance**3 / 2
    far = np.maximum(2 - distance, 0) ** 3 / 6
    return np.where(distance < 1, near, far).astype(np.float32)
