"""Planes of fronts: made from two vanishing points, and how points and arrays of the photo get into them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast

import cv2
import msgspec
import numpy as np
from numpy.typing import NDArray

from seamline.buildings.vanishing_points import FOCAL_RANGE, TYPICAL_FOCAL, Vector, normalization
from seamline.run_folder.measures import FrontMethod, Plane, Point

LARGEST_SIDE = 1600
"""Pixels of the longer side of a plane: a storey of a front of ten then has 160."""

ASPECT_TOLERANCE = 0.08
"""Relative standard deviation up to which widths and heights count as of one scale."""

_FOCAL_TOLERANCE = 0.25  # relative standard deviation up to which a focal length is stated
_FOCAL_TOLERANCE_BESIDE_EXIF = 0.08  # the same where EXIF states one, which is about as exact

Homography = tuple[float, float, float, float, float, float, float, float, float]
Corners = tuple[Point, Point, Point, Point]
FocalSource = Literal["vanishing points", "EXIF"]


def rescale_photo(plane: Plane, factor: float) -> Plane:
    """Return a plane found in a reduced photo as that of the photo that is `factor` times as large."""
    matrix = _matrix(plane) @ np.diag([1 / factor, 1 / factor, 1])
    return msgspec.structs.replace(
        plane,
        homography=_numbers(matrix),
        corners=tuple((x * factor, y * factor) for x, y in plane.corners),
        focal_length=None if plane.focal_length is None else plane.focal_length * factor,
    )


def to_plane(plane: Plane, points: Vector) -> Vector:
    """Return points (N, 2) of the photo in the plane."""
    return project(_matrix(plane), points)


def to_photo(plane: Plane, points: Vector) -> Vector:
    """Return points (N, 2) of the plane in the photo."""
    return project(np.linalg.inv(_matrix(plane)), points)


def warp(plane: Plane, array: NDArray[Any]) -> NDArray[Any]:
    """Warp an array of the photo into the plane; what the photo does not show is 0.

    Args:
        plane: of the front.
        array: (H, W) bool, which gets the nearest pixels; (H, W) or (H, W, 3) uint8 or float32, which is interpolated.

    Returns:
        (height, width) or (height, width, 3) of the plane, of the same dtype.
    """
    half = np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1]])  # OpenCV's first pixel has its center at 0
    matrix = np.linalg.inv(half) @ _matrix(plane) @ half
    size = (plane.width, plane.height)
    if array.dtype == bool:
        return cv2.warpPerspective(array.astype(np.uint8), matrix, size, flags=cv2.INTER_NEAREST).astype(bool)
    return np.asarray(cv2.warpPerspective(array, matrix, size, flags=cv2.INTER_LINEAR))


@dataclass(frozen=True, eq=False)
class View:
    """A plane in the photo, its origin at the front's center, where areas are those of the photo."""

    to_photo: Vector  # (3, 3)
    to_plane: Vector  # (3, 3)
    yaw: float  # degrees, by a typical focal length where it is not known
    focal_length: float | None  # pixels
    focal_source: FocalSource | None
    true_aspect: bool

    @classmethod
    def of(
        cls,
        variants: Sequence[tuple[Vector, Vector]],
        center: Vector,
        shape: tuple[int, int],
        exif: float | None,
        directions: tuple[Vector, Vector] = (np.array([1.0, 0.0]), np.array([0.0, 1.0])),
    ) -> "View":
        """Build the plane from a horizontal and a vertical vanishing point.

        Args:
            variants: the two points, (3,) in pixels; then those of one standard deviation in each source of error.
            center: (2,) the plane's origin in the photo.
            shape: height and width of the photo.
            exif: focal length in pixels.
            directions: of the plane's axes x and y in the photo, roughly.
        """
        matrix = normalization(shape)
        pairs = [(matrix @ horizontal, matrix @ vertical) for horizontal, vertical in variants]
        origin = matrix @ np.array([*center, 1.0])
        unit = TYPICAL_FOCAL * max(shape)
        focal, source, focals = _choose_focal(pairs, None if exif is None else exif / unit)
        if source is None:  # how much the aspect depends on what is not known
            pairs, focals = [pairs[0]] * 3, np.array([1.0, *np.array(FOCAL_RANGE) / TYPICAL_FOCAL])
        aspects = np.log([_aspect(pair, value, origin) for pair, value in zip(pairs, focals, strict=True)])
        deviation = np.abs(aspects - aspects[0]).max() if source is None else np.linalg.norm(aspects - aspects[0])
        horizontal, vertical = (
            _orient(point, origin, direction) for point, direction in zip(pairs[0], directions, strict=True)
        )
        rays = [point * (1, 1, focal) for point in (horizontal, vertical)]
        axes = [point / np.linalg.norm(ray) for point, ray in zip((horizontal, vertical), rays, strict=True)]
        slopes = np.stack([axis[:2] - axis[2] * origin[:2] for axis in axes])
        scale = abs(np.linalg.det(slopes)) ** -0.5 / unit
        photo = np.linalg.inv(matrix) @ np.stack([scale * axes[0], scale * axes[1], origin], 1)
        return cls(
            photo,
            np.linalg.inv(photo),
            _yaw(rays[0], rays[1]),
            focal * unit if source else None,
            source,
            bool(deviation <= ASPECT_TOLERANCE),
        )


def make_plane(
    view: View, box: Sequence[float], shape: tuple[int, int], method: FrontMethod = "vanishing points"
) -> Plane:
    """Return the plane cropped to a box: left, top, right, bottom."""
    left, top, right, bottom = box
    scale = min(1.0, LARGEST_SIDE / max(right - left, bottom - top))
    matrix = np.array([[scale, 0, -scale * left], [0, scale, -scale * top], [0, 0, 1]]) @ view.to_plane
    width, height = (max(1, int(np.ceil(scale * length - 1e-6))) for length in (right - left, bottom - top))
    corners = project(np.linalg.inv(matrix), box_corners((0, 0, width, height)))
    return Plane(
        method=method,
        homography=_numbers(matrix),
        width=width,
        height=height,
        corners=cast(Corners, tuple((float(x), float(y)) for x, y in corners)),
        focal_length=view.focal_length,
        focal_source=view.focal_source,
        yaw=view.yaw if view.focal_source else None,
        true_aspect=view.true_aspect,
    )


def box_corners(box: Sequence[float]) -> Vector:
    """Return the corners (4, 2) of a box, clockwise from the upper left."""
    left, top, right, bottom = box
    return np.array([[left, top], [right, top], [right, bottom], [left, bottom]], np.float64)


def _choose_focal(
    pairs: Sequence[tuple[Vector, Vector]], exif: float | None
) -> tuple[float, FocalSource | None, NDArray[np.float64]]:
    """Return the focal length, its source, and that of each variant; all normalized, and typical where not known."""
    focals = np.array([_focal(*pair) for pair in pairs])
    low, high = (limit / TYPICAL_FOCAL for limit in FOCAL_RANGE)
    deviation = np.linalg.norm(focals / focals[0] - 1)
    tolerance = _FOCAL_TOLERANCE if exif is None else _FOCAL_TOLERANCE_BESIDE_EXIF
    if low <= focals[0] <= high and deviation <= tolerance:
        return float(focals[0]), "vanishing points", focals
    if exif is not None:
        return exif, "EXIF", np.full(len(pairs), exif)
    return 1.0, None, np.ones(len(pairs))


def _focal(horizontal: Vector, vertical: Vector) -> float:
    """Return the focal length for which two vanishing points (3,) are orthogonal; NaN where there is none.

    The principal point is the photo's center, pixels are square (Caprile & Torre, "Using vanishing points for camera
    calibration", IJCV 4, 1990).
    """
    depth = horizontal[2] * vertical[2]
    squared = -(horizontal[:2] @ vertical[:2]) / depth if depth else np.nan
    return float(np.sqrt(squared)) if squared > 0 else np.nan


def _aspect(pair: tuple[Vector, Vector], focal: float, origin: Vector) -> float:
    """Return how much more a length along the horizontal is reduced at the origin than one along the vertical."""
    across, down = (
        np.linalg.norm(point[:2] - point[2] * origin[:2]) / np.linalg.norm(point * (1, 1, focal)) for point in pair
    )
    return float(across / down)


def _orient(point: Vector, origin: Vector, direction: Vector) -> Vector:
    """Return a vanishing point (3,) with the sign by which it lies in a direction (2,) from the origin."""
    return point if (point[:2] - point[2] * origin[:2]) @ direction > 0 else -point


def _yaw(across: Vector, down: Vector) -> float:
    """Return the angle in degrees between the camera's axis and a front, about the vertical.

    Args:
        across: (3,) direction of the front's horizontals, to its right, in the camera's frame: right, down, forward.
        down: (3,) direction of its verticals.
    """
    down = down / np.linalg.norm(down)
    level = np.array([0, 0, 1]) - down[2] * down
    sine = across @ level / np.linalg.norm(across) / np.linalg.norm(level)
    return float(np.degrees(np.arcsin(np.clip(sine, -1, 1))))


def homogeneous(points: Vector) -> Vector:
    """Return points (N, 2) as (N, 3)."""
    return np.column_stack([points, np.ones(len(points))])


def project(matrix: NDArray[np.floating[Any]], points: Vector) -> Vector:
    """Return points (N, 2) mapped by a homography (3, 3)."""
    mapped = homogeneous(np.asarray(points, np.float64).reshape(-1, 2)) @ matrix.T
    return np.asarray(mapped[:, :2] / mapped[:, 2:])


def _matrix(plane: Plane) -> Vector:
    """Return the homography (3, 3) from the photo to the plane."""
    return np.array(plane.homography, np.float64).reshape(3, 3)


def _numbers(matrix: Vector) -> Homography:
    """Return a homography (3, 3) by rows."""
    return cast(Homography, tuple(matrix.ravel().tolist()))
