"""Rectification of a front by its four corners, as a user marks them."""

from collections.abc import Sequence

import cv2
import numpy as np

from seamline.buildings.planes import View, homogeneous, make_plane, project
from seamline.buildings.vanishing_points import Vector
from seamline.errors import SeamlineError
from seamline.run_folder.measures import Plane

_CORNER_DEVIATION = 0.002  # of the photo's longer side, by which corners are missed by hand
_CORNER_TOLERANCE = 0.02  # of the photo's longer side, by which corners may lie outside
_LEAST_AREA = 0.002  # of the photo, between four corners


def rectify_corners(
    corners: Sequence[Sequence[float]], shape: tuple[int, int], *, focal_length: float | None = None
) -> Plane:
    """Rectify a front by its four corners.

    Widths and heights get one scale by the focal length, which follows from the corners (Zhang & He, "Whiteboard
    scanning and image enhancement", Digital Signal Processing 17, 2007) unless two sides are parallel in the photo.

    Args:
        corners: four times x, y in pixels of the photo, clockwise from the upper left.
        shape: height and width of the photo.
        focal_length: of the camera in pixels by EXIF, for where the corners determine it less well.

    Raises:
        SeamlineError: the corners are not those of a rectangle in any view, or outside the photo.
    """
    points = _check_corners(corners, shape)
    step = _CORNER_DEVIATION * max(shape)
    moved = [points + step * np.eye(8)[k].reshape(4, 2) for k in range(8)]
    variants = [_corner_vanishing_points(quad) for quad in (points, *moved)]
    upper_left, upper_right, lower_right, lower_left = homogeneous(points)
    center = np.cross(np.cross(upper_left, lower_right), np.cross(upper_right, lower_left))
    directions = (points[1] + points[2] - points[0] - points[3], points[2] + points[3] - points[0] - points[1])
    view = View.of(variants, center[:2] / center[2], shape, focal_length, directions)
    planar = project(view.to_plane, points)
    box = (*planar.min(0).tolist(), *planar.max(0).tolist())
    return make_plane(view, box, shape, "corners")


def _check_corners(corners: Sequence[Sequence[float]], shape: tuple[int, int]) -> Vector:
    """Return the corners as (4, 2) float64, or raise why they are none."""
    height, width = shape
    if [len(corner) for corner in corners] != [2] * 4:
        raise SeamlineError("--corners: needs four corners, each x,y in pixels, clockwise from the upper left")
    points = np.array(corners, np.float64)
    stated = " ".join(f"{x:g},{y:g}" for x, y in points)
    margin = _CORNER_TOLERANCE * max(shape)
    if not np.isfinite(points).all():
        raise SeamlineError(f"--corners {stated}: not numbers; give each corner as x,y in pixels of the photo")
    if (points < -margin).any() or (points > np.array([width, height]) + margin).any():
        raise SeamlineError(
            f"--corners {stated}: outside the photo, which has {width} x {height} pixels; give pixels of the photo"
        )
    edges = np.roll(points, -1, 0) - points
    turns = edges[:, 0] * np.roll(edges, -1, 0)[:, 1] - edges[:, 1] * np.roll(edges, -1, 0)[:, 0]
    if (turns < 0).all():
        raise SeamlineError(f"--corners {stated}: counterclockwise; give them clockwise from the upper left")
    if not (turns > 0).all():
        raise SeamlineError(
            f"--corners {stated}: crossed, or not convex; give upper left, upper right, lower right, lower left"
        )
    inside = np.clip(points, 0, [width, height])
    if cv2.contourArea(inside.astype(np.float32)) < _LEAST_AREA * width * height:
        raise SeamlineError(f"--corners {stated}: too small a part of the photo, {width} x {height} pixels")
    return points


def _corner_vanishing_points(points: Vector) -> tuple[Vector, Vector]:
    """Return where the horizontal and the vertical sides of a front with corners (4, 2) meet."""
    upper_left, upper_right, lower_right, lower_left = homogeneous(points)
    horizontal = np.cross(np.cross(upper_left, upper_right), np.cross(lower_left, lower_right))
    return horizontal, np.cross(np.cross(upper_left, lower_left), np.cross(upper_right, lower_right))
