"""The walls of a building part: a corner house shows two, and each has horizontals of its own."""

from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from seamline.buildings.segments import Segments, segment_lengths, select_segments
from seamline.buildings.vanishing_points import INLIER_DEGREES, VanishingPoint, Vector, angles_to, find_horizontals

LEAST_PURITY = 0.8
"""Purity of a `WallSplit` from which on two vanishing points are those of two walls; below, one of them is chance."""

LEAST_WALL = 0.05
"""Fraction of a building part's area that a wall has at least: a narrower one is a bay or a reveal."""

_PLACES = 256  # columns in which walls may meet
_PURITY_SLACK = 0.04  # of the purest column, so that the line does not cross windows
_MOST_SPLITS = 2  # one after another; so a part has four walls at most


@dataclass(frozen=True, eq=False)
class Wall:
    """A wall of a building part.

    Attributes:
        region: (H, W) bool, where it is in the photo.
        segments: (S, 4) those of it.
        horizontal: vanishing point of its horizontals, its inliers among `segments`; None where there is none.
    """

    region: NDArray[np.bool_]
    segments: Segments
    horizontal: VanishingPoint | None


@dataclass(frozen=True, eq=False)
class WallSplit:
    """Where two walls of a house meet in a photo.

    Attributes:
        line: (3,) through the vertical vanishing point; its product with (x, y, 1) is negative on the left.
        left: vanishing point of the left wall.
        right: vanishing point of the right wall.
        purity: fraction of the segments' length that lies on its own wall's side, the mean of both walls, 0.5..1.
    """

    line: Vector
    left: VanishingPoint
    right: VanishingPoint
    purity: float

    def left_mask(self, shape: tuple[int, int]) -> NDArray[np.bool_]:
        """Return the part (H, W) of the photo that is left of the line."""
        rows, columns = np.ogrid[: shape[0], : shape[1]]
        return np.asarray(self.line[0] * (columns + 0.5) + self.line[1] * (rows + 0.5) + self.line[2] < 0)


def find_walls(
    segments: Segments,
    region: NDArray[np.bool_],
    vertical: VanishingPoint,
    *,
    focal_length: float | None = None,
    seed: int = 0,
) -> list[Wall]:
    """Split a building part into its walls, where they have vanishing points of their own.

    Args:
        segments: (S, 4) x1, y1, x2, y2 in pixels of the photo; those outside the part do not matter.
        region: (H, W) bool, the part.
        vertical: the vanishing point of verticals.
        focal_length: of the camera in pixels, where known.
        seed: of RANSAC; the result follows from it.

    Returns:
        One wall or more, from left to right; together they are the part.
    """
    smallest = LEAST_WALL * np.count_nonzero(region)

    def split(part: NDArray[np.bool_], splits: int) -> list[Wall]:
        own = select_segments(segments, part)
        shape = (part.shape[0], part.shape[1])
        points = find_horizontals(own, shape, vertical, focal_length=focal_length, seed=seed)
        proposals = [propose_split(own, part, vertical, *pair) for pair in combinations(points, 2)] if splits else []
        for proposal in sorted((p for p in proposals if p), key=lambda proposal: -proposal.purity):
            left = proposal.left_mask(shape)
            sides = [part & left, part & ~left]
            if proposal.purity >= LEAST_PURITY and min(map(np.count_nonzero, sides)) >= smallest:
                return [wall for side in sides for wall in split(side, splits - 1)]
        return [Wall(part, own, points[0] if points else None)]

    return split(region, _MOST_SPLITS)


def propose_split(
    segments: Segments,
    region: NDArray[np.bool_],
    vertical: VanishingPoint,
    first: VanishingPoint,
    second: VanishingPoint,
) -> WallSplit | None:
    """Propose the upright line that separates two walls of a building part.

    Args:
        segments: (S, 4) x1, y1, x2, y2 in pixels, of this part.
        region: (H, W) bool, the part.
        vertical: the vanishing point of verticals.
        first: the vanishing point of horizontals of one wall, found in `segments`.
        second: that of the other.

    Returns:
        The line through the vertical vanishing point that crosses the fewest segments, among those of about the highest
        purity; None where no segment decides.
    """
    shape = (region.shape[0], region.shape[1])
    degrees = [angles_to(wall.point, segments, shape) for wall in (first, second)]
    decides = np.abs(degrees[0] - degrees[1]) > INLIER_DEGREES  # near the horizon, lines agree with both
    lengths = segment_lengths(segments)
    weights = [np.where(wall.inliers & decides, lengths, 0) for wall in (first, second)]
    if min(weight.sum() for weight in weights) == 0:
        return None
    row = float(np.flatnonzero(region.any(1)).mean()) + 0.5
    ends = _columns(segments.reshape(-1, 2), vertical.point, row).reshape(-1, 2)
    deciding = ends[weights[0] + weights[1] > 0]
    places = np.linspace(deciding.min(), deciding.max(), _PLACES)
    to_left = ends.mean(1)[:, np.newaxis] < places
    fractions = [weight / weight.sum() @ to_left for weight in weights]
    surplus = fractions[0] - fractions[1]
    sign = np.sign(surplus[np.abs(surplus).argmax()])
    purities = (1 + sign * surplus) / 2
    flat = angles_to(vertical.point, segments, shape) > INLIER_DEGREES
    crossed = (ends[flat].min(1)[:, np.newaxis] < places) & (ends[flat].max(1)[:, np.newaxis] > places)
    good = np.flatnonzero(purities >= purities.max() - _PURITY_SLACK)
    best = good[np.lexsort([-purities[good], crossed.sum(0)[good]])[0]]
    left, right = (first, second) if sign > 0 else (second, first)
    line = np.cross(vertical.point, [places[best], row, 1])
    return WallSplit(line * np.sign(line[0]), left, right, float(purities[best]))


def _columns(points: Vector, vertical: Vector, row: float) -> Vector:
    """Return where lines through points (N, 2) and the vertical vanishing point (3,) cross a row of the photo."""
    crossings = np.cross(np.cross(vertical, np.column_stack([points, np.ones(len(points))])), [0, 1, -row])
    return np.asarray(crossings[:, 0] / crossings[:, 2])
