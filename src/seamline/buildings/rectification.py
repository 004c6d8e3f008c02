"""Rectification of a front: to a plane in which verticals are vertical and horizontals horizontal, of one scale."""

from dataclasses import dataclass
from typing import Literal

import cv2
import msgspec
import numpy as np
from numpy.typing import NDArray

from seamline.buildings.planes import View, box_corners, homogeneous, make_plane, to_plane
from seamline.buildings.segments import Segments
from seamline.buildings.vanishing_points import FEWEST_SEGMENTS, INLIER_DEGREES, VanishingPoint, Vector, angles_to
from seamline.run_folder.measures import Plane

SMEAR_LIMIT = 5.0
"""Horizontal magnification over that of the nearest part from which on a front is cut off: the square of the distance.

At 2.2 times the distance, a window of 60 pixels has 12.
"""

LEAST_USABLE = 0.4
"""Fraction of a front's area in the photo below which, after the cut, it is measured in the image plane instead."""

LARGEST_RESIDUAL = 2.0
"""Median degrees between segments and axes from which on the vanishing points do not explain the front."""

LARGEST_YAW = 75.0
"""Degrees between front and camera: from there on windows are slivers, and reveals hide their glass."""

LARGEST_STRETCH = 16.0
"""Magnification of a plane's farthest corner over its nearest, over `SMEAR_LIMIT`: more is a wrong vanishing point."""

_CAUTION = 4.0
"""Factor of the standard deviations of vanishing points, for what segments share: depth of reveals, distortion, crops.

On 25 pairs of walls of one photo, focal lengths differed 4.3 times as much as by the deviations alone.
"""

_FARTHEST = 10.0  # times the nearest distance, to which a front reaches at most in `usable`

Side = Literal["left", "right"]


@dataclass(frozen=True)
class Rectification:
    """How a front was rectified.

    Attributes:
        plane: its plane.
        reason: why it is the image plane, in words; None where it is rectified.
        smeared: side that perspective smears beyond the limit, and that the plane leaves out.
    """

    plane: Plane
    reason: str | None = None
    smeared: Side | None = None


def rectify(
    region: NDArray[np.bool_],
    segments: Segments,
    vertical: VanishingPoint | None,
    horizontal: VanishingPoint | None,
    *,
    focal_length: float | None = None,
) -> Rectification:
    """Rectify a front by its two vanishing points, or say why it is measured in the image plane.

    Args:
        region: (H, W) bool, the front in the photo; not empty.
        segments: (S, 4) x1, y1, x2, y2 in pixels, those of the front.
        vertical: vanishing point of verticals; None where there is none.
        horizontal: vanishing point of the front's horizontals; None where there is none.
        focal_length: of the camera in pixels by EXIF, for where the vanishing points determine it less well.
    """
    if vertical is None or horizontal is None:
        return _give_up(region, f"too few {'vertical' if vertical is None else 'horizontal'} lines meet in a point")
    shape = (region.shape[0], region.shape[1])
    members = [segments[angles_to(p.point, segments, shape) <= INLIER_DEGREES] for p in (horizontal, vertical)]
    if len(members[0]) < FEWEST_SEGMENTS:
        return _give_up(region, "too few of its lines agree with the vanishing points")
    variants = [(horizontal.point, vertical.point)]
    variants += [(horizontal.point + _CAUTION * change, vertical.point) for change in horizontal.deviations]
    variants += [(horizontal.point, vertical.point + _CAUTION * change) for change in vertical.deviations]
    view = View.of(variants, _centroid(region), shape, focal_length)
    if abs(view.yaw) > LARGEST_YAW:
        return _give_up(region, f"the camera looks along it, at more than {LARGEST_YAW:.0f}°")
    part = _usable_part(view, region)
    if part is None:
        return _give_up(region, "perspective smears most of it")
    depths = homogeneous(box_corners(part.box)) @ view.to_photo[2]
    if depths.min() <= 0 or (depths.max() / depths.min()) ** 2 > SMEAR_LIMIT * LARGEST_STRETCH:
        return _give_up(region, "the horizon of its plane is too near")
    plane = make_plane(view, part.box, shape)
    residual = float(np.median(np.concatenate([_tilts(plane, lines, axis) for axis, lines in enumerate(members)])))
    if residual > LARGEST_RESIDUAL:
        return _give_up(region, f"its lines miss the vanishing points by {residual:.1f}°")
    count = sum(map(len, members))
    plane = msgspec.structs.replace(plane, residual_degrees=residual, segments=count, usable=part.usable)
    return Rectification(plane, None, part.smeared)


def image_plane(region: NDArray[np.bool_]) -> Plane:
    """Return the image plane: the photo cropped to a front (H, W) bool, and scaled down where it is large."""
    left, top, width, height = cv2.boundingRect(region.astype(np.uint8))
    view = View(np.eye(3), np.eye(3), 0.0, None, None, False)
    plane = make_plane(view, (left, top, left + width, top + height), (1, 1), "image plane")
    return msgspec.structs.replace(plane, yaw=None)


@dataclass(frozen=True)
class _Part:
    """The part of a front that perspective does not smear."""

    box: tuple[float, float, float, float]  # left, top, right, bottom in the plane
    usable: float
    smeared: Side | None


def _give_up(region: NDArray[np.bool_], reason: str) -> Rectification:
    """Return the image plane with the reason."""
    return Rectification(image_plane(region), reason)


def _usable_part(view: View, region: NDArray[np.bool_]) -> _Part | None:
    """Return the part of a front that is not smeared; None where that is too little.

    Along a horizontal, the distance from the camera is 1 + kx by the plane's coordinate x, and a length in the plane
    is reduced in the photo by its square.
    """
    outline = _outline(region)
    mapped = homogeneous(outline) @ view.to_plane.T
    rate = view.to_photo[2, 0]
    ahead = mapped[:, 2] > 0
    x, y = (mapped[ahead, k] / mapped[ahead, 2] for k in (0, 1))
    nearest = float((1 + rate * x).min())
    if nearest <= 0:
        return None
    ends = [float(x.min()), float(x.max())]
    far = 1 if rate > 0 else 0
    full = list(ends)
    if abs(rate) > 1e-12:
        horizon = np.inf if rate > 0 else -np.inf
        reach = ends[far] if ahead.all() else horizon
        bounds = [(nearest * ratio - 1) / rate for ratio in (SMEAR_LIMIT**0.5, _FARTHEST)]
        nearer = min if far else max
        ends[far], full[far] = nearer(reach, bounds[0]), nearer(reach, bounds[1])
    inside = (x >= ends[0]) & (x <= ends[1])
    rows, columns = np.nonzero(region[::4, ::4])
    pixels = np.column_stack([columns, rows, np.full(len(rows), 0.25)]) @ view.to_plane.T
    within = (pixels[:, 2] > 0) & (pixels[:, 0] >= ends[0] * pixels[:, 2]) & (pixels[:, 0] <= ends[1] * pixels[:, 2])
    if len(rows) and within.mean() < LEAST_USABLE:
        return None
    smeared: Side | None = None if ends == full else ("right" if far else "left")
    usable = (ends[1] - ends[0]) / (full[1] - full[0])
    return _Part((ends[0], float(y[inside].min()), ends[1], float(y[inside].max())), usable, smeared)


def _tilts(plane: Plane, segments: Segments, axis: int) -> Vector:
    """Return the angles (S,) in degrees between segments in the plane and its axis x (0) or y (1)."""
    along: Vector = np.diff(to_plane(plane, segments.reshape(-1, 2)).reshape(-1, 2, 2), axis=1)[:, 0]
    return np.asarray(np.degrees(np.arctan2(np.abs(along[:, 1 - axis]), np.abs(along[:, axis]))))


def _outline(region: NDArray[np.bool_]) -> Vector:
    """Return points (N, 2) on the outer border of a region (H, W)."""
    contours, _ = cv2.findContours(region.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    pixels = np.concatenate(contours).reshape(-1, 1, 2)
    return np.asarray((pixels + np.array([[0, 0], [1, 0], [0, 1], [1, 1]])).reshape(-1, 2), np.float64)


def _centroid(region: NDArray[np.bool_]) -> Vector:
    """Return the center (2,) of a region (H, W)."""
    moments = cv2.moments(region.astype(np.uint8), binaryImage=True)
    return np.array([moments["m10"], moments["m01"]]) / moments["m00"] + 0.5
