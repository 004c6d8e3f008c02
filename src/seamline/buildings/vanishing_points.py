"""Vanishing points of fronts, by RANSAC over line segments.

Vanishing points are homogeneous, so that they may lie at infinity. Computations use coordinates with the origin in the
photo's center and a typical focal length as unit: there a point (3,) is about the direction of its lines in the
camera's frame, and distances between points are about angles (Collins & Weiss, "Vanishing point calculation as a
statistical inference on the unit sphere", ICCV 1990).
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from seamline.buildings.segments import Segments

Vector = NDArray[np.float64]
Plausible = Callable[[Vector], NDArray[np.bool_]]
"""Which of points (M, 3) may be a vanishing point."""

TYPICAL_FOCAL = 0.8
"""Focal length of a phone's main camera, over the photo's longer side."""

FOCAL_RANGE = (0.5, 3.0)
"""Plausible focal lengths over the longer side: ultra-wide to short telephoto lenses."""

INLIER_DEGREES = 2.0
"""Angle up to which a segment agrees with a vanishing point: the detector's ends are off by half a pixel."""

FEWEST_SEGMENTS = 5
"""Vanishing points of fewer segments are chance: any two segments meet, and a third often passes near."""

LEAST_SUPPORT = 0.15
"""Fraction of the length of all candidates that has to agree with a vanishing point."""

LARGEST_DEVIATION = 6.0
"""Standard deviation in degrees from which on a vanishing point is not determined, as by segments of one line only."""

_VERTICAL_DEGREES = 30.0  # between the photo's columns and segments that may be vertical
_CROSSING_DEGREES = 25.0  # at least between verticals and horizontals in the photo
_LARGEST_ROLL, _LARGEST_PITCH = 20.0, 50.0  # degrees of the camera
_ORTHOGONAL_DEGREES = 6.0  # by which the angle between vertical and horizontal may miss 90 degrees
_DISTINCT_DEGREES = 12.0  # between the horizontals of two walls
_LONGEST = 3.0  # times the median length, from which on segments count no more: else a roof's edge outvotes windows
_HYPOTHESES = 1200
_RANSAC_SEGMENTS = 400  # the longest, by which hypotheses are judged
_FOCAL_STEPS = 12


@dataclass(frozen=True, eq=False)
class VanishingPoint:
    """A vanishing point and the segments that agree with it.

    Attributes:
        point: (3,) homogeneous, in pixels of the photo; (x / w, y / w) where w is not 0.
        deviations: (2, 3) what one standard deviation adds to `point`, in two independent directions.
        inliers: (S,) bool, of the segments that agree.
        support: length of those over that of all candidates, 0..1.
        degrees: standard deviation of its direction, in degrees.
    """

    point: Vector
    deviations: Vector
    inliers: NDArray[np.bool_]
    support: float
    degrees: float


def find_vertical(segments: Segments, shape: tuple[int, int], *, seed: int = 0) -> VanishingPoint | None:
    """Find the vanishing point of verticals, which all buildings of a photo share.

    Args:
        segments: (S, 4) x1, y1, x2, y2 in pixels.
        shape: height and width of the photo.
        seed: of RANSAC; the result follows from it.

    Returns:
        The point; None where too few segments agree.
    """
    bundle = _Bundle.of(segments, shape)
    candidates = np.abs(bundle.along[:, 1]) >= np.cos(np.radians(_VERTICAL_DEGREES))

    def plausible(points: Vector) -> NDArray[np.bool_]:
        x, y = np.abs(points[:, 0]), np.abs(points[:, 1])
        upright = x <= np.tan(np.radians(_LARGEST_ROLL)) * y
        return np.asarray(upright & (np.abs(points[:, 2]) <= np.tan(np.radians(_LARGEST_PITCH)) * y))

    return bundle.find(candidates, plausible, seed)


def find_horizontals(
    segments: Segments,
    shape: tuple[int, int],
    vertical: VanishingPoint,
    *,
    focal_length: float | None = None,
    limit: int = 3,
    seed: int = 0,
) -> list[VanishingPoint]:
    """Find the vanishing points of horizontals of a building part, one for each of its walls.

    Each is orthogonal to the vertical for a plausible focal length; so roofs, stairs and hedges rarely make one.

    Args:
        segments: (S, 4) x1, y1, x2, y2 in pixels, of this part.
        shape: height and width of the photo.
        vertical: the vanishing point of verticals; its inliers may be those of other segments.
        focal_length: of the camera in pixels, where known.
        limit: number of vanishing points at most.
        seed: of RANSAC; the result follows from it.

    Returns:
        Up to `limit` points, that of most support first.
    """
    bundle = _Bundle.of(segments, shape)
    upright = bundle.normalize(vertical.point)
    candidates = bundle.sines(upright[np.newaxis])[0] >= np.sin(np.radians(_CROSSING_DEGREES))
    total = bundle.lengths[candidates].sum()
    focals = np.geomspace(*FOCAL_RANGE, _FOCAL_STEPS) if focal_length is None else [focal_length / max(shape)]
    units = np.asarray(focals) / TYPICAL_FOCAL
    points: list[VanishingPoint] = []

    def plausible(hypotheses: Vector) -> NDArray[np.bool_]:
        mask: NDArray[np.bool_] = _off_right_angle(hypotheses, upright, units) <= np.sin(
            np.radians(_ORTHOGONAL_DEGREES)
        )
        for other in points:
            cosines = np.abs(_unit(hypotheses) @ _unit(bundle.normalize(other.point)))
            mask &= cosines <= np.cos(np.radians(_DISTINCT_DEGREES))
        return mask

    while len(points) < limit:
        point = bundle.find(candidates, plausible, seed + len(points), total)
        if point is None:
            break
        points.append(point)
        candidates = candidates & ~point.inliers
    return points


def normalization(shape: tuple[int, int]) -> Vector:
    """Return the matrix (3, 3) from points in pixels to normalized coordinates.

    Args:
        shape: height and width of the photo.
    """
    unit = TYPICAL_FOCAL * max(shape)
    return np.array([[1 / unit, 0, -shape[1] / 2 / unit], [0, 1 / unit, -shape[0] / 2 / unit], [0, 0, 1]])


def angles_to(point: Vector, segments: Segments, shape: tuple[int, int]) -> NDArray[np.float64]:
    """Return the angles (S,) in degrees between segments and the directions from their middles to a point (3,)."""
    bundle = _Bundle.of(segments, shape)
    return np.asarray(np.degrees(np.arcsin(np.minimum(bundle.sines(bundle.normalize(point)[np.newaxis])[0], 1))))


@dataclass(frozen=True, eq=False)
class _Bundle:
    """Segments in normalized coordinates."""

    matrix: Vector  # (3, 3) from pixels
    middles: Vector  # (S, 2)
    along: Vector  # (S, 2), of length 1
    lengths: Vector  # (S,) capped

    @classmethod
    def of(cls, segments: Segments, shape: tuple[int, int]) -> "_Bundle":
        """Normalize segments in pixels of a photo."""
        matrix = normalization(shape)
        ends = segments.reshape(-1, 2, 2) * matrix[0, 0] + matrix[:2, 2]
        along = ends[:, 1] - ends[:, 0]
        lengths = np.hypot(along[:, 0], along[:, 1])
        weights = np.minimum(lengths, _LONGEST * np.median(lengths)) if len(lengths) else lengths
        return cls(matrix, ends.mean(1), along / lengths[:, np.newaxis], weights)

    def normalize(self, point: Vector) -> Vector:
        """Return homogeneous points (..., 3) in pixels in normalized coordinates."""
        return point @ self.matrix.T

    def restore(self, point: Vector) -> Vector:
        """Return normalized homogeneous points (..., 3) in pixels."""
        return point @ np.linalg.inv(self.matrix).T

    @property
    def lines(self) -> Vector:
        """(S, 3) with normals of length 1."""
        normals = np.stack([-self.along[:, 1], self.along[:, 0]], 1)
        return np.column_stack([normals, -(normals * self.middles).sum(1)])

    def sines(self, points: Vector) -> Vector:
        """Return the sines (M, S) of the angles between segments and the directions to points (M, 3)."""
        return np.abs(points @ self.lines.T) / np.maximum(self.distances(points), 1e-12)

    def distances(self, points: Vector) -> Vector:
        """Return the distances (M, S) from the segments' middles to homogeneous points, times their last number."""
        x, y, w = points.T[..., np.newaxis]
        return np.asarray(np.hypot(x - w * self.middles[:, 0], y - w * self.middles[:, 1]))

    def find(
        self, candidates: NDArray[np.bool_], plausible: Plausible, seed: int, total: float | None = None
    ) -> VanishingPoint | None:
        """Find the vanishing point of the most candidates (S,), by length; `total` is the length that is all."""
        if candidates.sum() < FEWEST_SEGMENTS:
            return None
        chosen = np.flatnonzero(candidates)
        chosen = chosen[np.argsort(-self.lengths[chosen], kind="stable")[:_RANSAC_SEGMENTS]]
        tolerance = np.sin(np.radians(INLIER_DEGREES))
        hypotheses = self._hypotheses(chosen, seed)
        hypotheses = hypotheses[plausible(hypotheses)]
        if not len(hypotheses):
            return None
        few = self._take(chosen)
        # truncated squares, as in MSAC (Torr & Zisserman, 2000): close agreement counts more
        scores = np.maximum(0, 1 - (few.sines(hypotheses) / tolerance) ** 2) @ few.lengths
        point = hypotheses[scores.argmax()]
        for _ in range(4):
            inliers = candidates & (self.sines(point[np.newaxis])[0] <= tolerance)
            if inliers.sum() < FEWEST_SEGMENTS:
                return None
            point, deviations = self._take(np.flatnonzero(inliers))._refine(point)
        support = float(self.lengths[inliers].sum() / (total or self.lengths[candidates].sum()))
        degrees = float(np.degrees(np.linalg.norm(deviations, axis=1).max()))
        if support < LEAST_SUPPORT or degrees > LARGEST_DEVIATION or not plausible(point[np.newaxis])[0]:
            return None
        return VanishingPoint(self.restore(point), self.restore(deviations), inliers, support, degrees)

    def _hypotheses(self, chosen: NDArray[np.intp], seed: int) -> Vector:
        """Return points (M, 3) in which two random segments meet, the longer the more likely; those of one line not."""
        rng = np.random.default_rng(seed)
        chances = self.lengths[chosen] / self.lengths[chosen].sum()
        pairs = rng.choice(chosen, (_HYPOTHESES, 2), p=chances)
        lines = self.lines
        points = np.cross(lines[pairs[:, 0]], lines[pairs[:, 1]])
        lengths = np.linalg.norm(points, axis=1)
        return np.asarray(points[lengths > 1e-6] / lengths[lengths > 1e-6, np.newaxis])

    def _take(self, indices: NDArray[np.intp]) -> "_Bundle":
        """Return some of the segments."""
        return replace(self, middles=self.middles[indices], along=self.along[indices], lengths=self.lengths[indices])

    def _refine(self, point: Vector) -> tuple[Vector, Vector]:
        """Return the point (3,) that all segments agree with best, and its standard deviations (2, 3).

        It minimizes the squared distances of the segments' ends from the lines through the point and their middles,
        by reweighted least squares.
        """
        for _ in range(5):
            scaled = self.lines * (self.lengths / np.maximum(self.distances(point[np.newaxis])[0], 1e-9))[:, np.newaxis]
            values, vectors = np.linalg.eigh(scaled.T @ scaled)
            point = vectors[:, 0] * np.sign(vectors[:, 0] @ point or 1)
        variance = ((scaled @ point) ** 2).sum() / max(1, len(self.lengths) - 2)
        deviations = vectors[:, 1:].T * np.sqrt(variance / np.maximum(values[1:], 1e-12))[:, np.newaxis]
        return point, deviations


def _off_right_angle(points: Vector, vertical: Vector, units: Vector) -> Vector:
    """Return the sine by which the angles between points (M, 3) and a vertical miss 90 degrees, for the best focal.

    Args:
        points: normalized.
        vertical: (3,) normalized.
        units: (F,) focal lengths in units of the normalized coordinates.
    """
    scales = np.stack([np.ones_like(units), np.ones_like(units), units], 1)  # (F, 3)
    rays = _unit(points * scales[:, np.newaxis])  # (F, M, 3)
    upright = _unit(vertical * scales)  # (F, 3)
    return np.asarray(np.abs(np.einsum("fmk,fk->fm", rays, upright)).min(0))


def _unit(vectors: Vector) -> Vector:
    """Return vectors (..., 3) of length 1."""
    return np.asarray(vectors / np.linalg.norm(vectors, axis=-1, keepdims=True))
