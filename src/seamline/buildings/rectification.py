"""Rectification: the plane of a front, in which verticals are vertical, horizontals horizontal, and both of one scale."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import cv2
import msgspec
import numpy as np
from numpy.typing import NDArray

from seamline.buildings.segments import Segments
from seamline.buildings.vanishing_points import (
    FOCAL_RANGE,
    TYPICAL_FOCAL,
    VanishingPoint,
    Vector,
    agreeing_segments,
    normalization,
)
from seamline.errors import SeamlineError
from seamline.run_folder.measures import FrontMethod, Plane

LARGEST_SIDE = 1600
"""Pixels of the longer side of a plane: a storey of a front of ten then has 160."""

SMEAR_LIMIT = 4.0
"""Horizontal magnification over that of the nearest part from which on a front is cut off; 4 is twice as far away."""

LEAST_USABLE = 0.4
"""Share of a front's area in the photo below which, after the cut, it is measured in the image plane instead."""

LARGEST_RESIDUAL = 2.0
"""Median degrees between segments and axes from which on the vanishing points do not explain the front."""

LARGEST_YAW = 75.0
"""Degrees between front and camera: from there on windows are slivers, and reveals hide their glass."""

LARGEST_STRETCH = 16.0
"""Ratio of the magnification of a plane's farthest and nearest corner, beyond the cut: more is a horizon near the front,
as by a wrong vanishing point."""

ASPECT_TOLERANCE = 0.06
"""Relative standard deviation up to which widths and heights count as of one scale."""

FEWEST_IN_FRONT = 4
"""Segments of a front that have to agree with each of its vanishing points: others' lines do not prove its plane."""

_FOCAL_TOLERANCE = 0.25  # relative standard deviation up to which a focal length is stated
_FOCAL_TOLERANCE_BESIDE_EXIF = 0.08  # the same where EXIF states one, which is about as exact
_CORNER_DEVIATION = 0.002  # of the photo's longer side, by which corners are missed by hand
_CORNER_TOLERANCE = 0.02  # of the photo's longer side, by which corners may lie outside
_LEAST_AREA = 0.002  # of the photo, between four corners
_FARTHEST = 10.0  # times the nearest distance, to which a front reaches at most in `usable`

Side = Literal["left", "right"]
FocalSource = Literal["vanishing points", "EXIF"]


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
    members = [segments[agreeing_segments(segments, point.point, shape)] for point in (horizontal, vertical)]
    if min(map(len, members)) < FEWEST_IN_FRONT:
        return _give_up(region, "too few of its lines agree with the vanishing points")
    variants = [(horizontal.point, vertical.point)]
    variants += [(horizontal.point + change, vertical.point) for change in horizontal.deviations]
    variants += [(horizontal.point, vertical.point + change) for change in vertical.deviations]
    view = _View.of(variants, _centroid(region), shape, focal_length)
    if abs(view.yaw) > LARGEST_YAW:
        return _give_up(region, f"the camera looks along it, at more than {LARGEST_YAW:.0f}°")
    part = _usable_part(view, region)
    if part is None:
        return _give_up(region, "perspective smears most of it")
    depths = _homogeneous(_corners(part.box)) @ view.to_photo[2]
    if depths.min() <= 0 or (depths.max() / depths.min()) ** 2 > SMEAR_LIMIT * LARGEST_STRETCH:
        return _give_up(region, "the horizon of its plane is too near")
    plane = _make_plane(view, part.box, shape)
    residual = float(np.median(np.concatenate([_tilts(plane, lines, axis) for axis, lines in enumerate(members)])))
    if residual > LARGEST_RESIDUAL:
        return _give_up(region, f"its lines miss the vanishing points by {residual:.1f}°")
    count = sum(map(len, members))
    plane = msgspec.structs.replace(plane, residual_degrees=residual, segments=count, usable=part.usable)
    return Rectification(plane, None, part.smeared)


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
    upper_left, upper_right, lower_right, lower_left = _homogeneous(points)
    center = np.cross(np.cross(upper_left, lower_right), np.cross(upper_right, lower_left))
    directions = (points[1] + points[2] - points[0] - points[3], points[2] + points[3] - points[0] - points[1])
    view = _View.of(variants, center[:2] / center[2], shape, focal_length, directions)
    planar = _project(view.to_plane, points)
    box = (*planar.min(0).tolist(), *planar.max(0).tolist())
    return _make_plane(view, box, shape, "corners")


def image_plane(region: NDArray[np.bool_]) -> Plane:
    """Return the image plane: the photo cropped to a front (H, W) bool, and scaled down where it is large."""
    left, top, width, height = cv2.boundingRect(region.astype(np.uint8))
    view = _View(np.eye(3), np.eye(3), 0.0, None, None, False)
    plane = _make_plane(view, (left, top, left + width, top + height), (1, 1), "image plane")
    return msgspec.structs.replace(plane, yaw=None)


def rescale_photo(plane: Plane, factor: float) -> Plane:
    """Return a plane found in a reduced photo as that of the photo that is `factor` times as large."""
    matrix = _matrix(plane) @ np.diag([1 / factor, 1 / factor, 1])
    return msgspec.structs.replace(
        plane,
        homography=tuple(matrix.ravel().tolist()),
        corners=tuple((x * factor, y * factor) for x, y in plane.corners),
        focal_length=None if plane.focal_length is None else plane.focal_length * factor,
    )


def to_plane(plane: Plane, points: Vector) -> Vector:
    """Return points (N, 2) of the photo in the plane."""
    return _project(_matrix(plane), points)


def to_photo(plane: Plane, points: Vector) -> Vector:
    """Return points (N, 2) of the plane in the photo."""
    return _project(np.linalg.inv(_matrix(plane)), points)


def warp(plane: Plane, array: NDArray[np.generic], interpolation: int = cv2.INTER_LINEAR) -> NDArray[np.generic]:
    """Warp an array of the photo into the plane; what the photo does not show is 0.

    Args:
        plane: of the front.
        array: (H, W) or (H, W, C), bool, uint8 or float32.
        interpolation: of OpenCV; `cv2.INTER_NEAREST` for masks. bool is always nearest.

    Returns:
        (height, width) or (height, width, C) of the plane, of the same dtype.
    """
    half = np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1]])  # OpenCV's first pixel has its center at 0
    matrix = np.linalg.inv(half) @ _matrix(plane) @ half
    size = (plane.width, plane.height)
    if array.dtype == bool:
        return cv2.warpPerspective(array.astype(np.uint8), matrix, size, flags=cv2.INTER_NEAREST).astype(bool)
    if array.ndim == 2 or array.shape[2] <= 4:
        warped = cv2.warpPerspective(array, matrix, size, flags=interpolation)
        return np.asarray(warped.reshape(plane.height, plane.width, *array.shape[2:]))
    layers = [cv2.warpPerspective(layer, matrix, size, flags=interpolation) for layer in np.moveaxis(array, 2, 0)]
    return np.stack(layers, 2)


@dataclass(frozen=True, eq=False)
class _View:
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
    ) -> "_View":
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


@dataclass(frozen=True)
class _Part:
    """The part of a front that perspective does not smear."""

    box: tuple[float, float, float, float]  # left, top, right, bottom in the plane
    usable: float
    smeared: Side | None


def _give_up(region: NDArray[np.bool_], reason: str) -> Rectification:
    """Return the image plane with the reason."""
    return Rectification(image_plane(region), reason)


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


def _usable_part(view: _View, region: NDArray[np.bool_]) -> _Part | None:
    """Return the part of a front that is not smeared; None where that is too little.

    Along a horizontal, the distance from the camera is 1 + kx by the plane's coordinate x, and a length in the plane
    is reduced in the photo by its square.
    """
    outline = _outline(region)
    mapped = _homogeneous(outline) @ view.to_plane.T
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
    share = (pixels[:, 2] > 0) & (pixels[:, 0] >= ends[0] * pixels[:, 2]) & (pixels[:, 0] <= ends[1] * pixels[:, 2])
    if len(rows) and share.mean() < LEAST_USABLE:
        return None
    smeared: Side | None = None if ends == full else ("right" if far else "left")
    usable = (ends[1] - ends[0]) / (full[1] - full[0])
    return _Part((ends[0], float(y[inside].min()), ends[1], float(y[inside].max())), usable, smeared)


def _make_plane(
    view: _View, box: Sequence[float], shape: tuple[int, int], method: FrontMethod = "vanishing points"
) -> Plane:
    """Return the plane cropped to a box: left, top, right, bottom."""
    left, top, right, bottom = box
    scale = min(1.0, LARGEST_SIDE / max(right - left, bottom - top))
    matrix = np.array([[scale, 0, -scale * left], [0, scale, -scale * top], [0, 0, 1]]) @ view.to_plane
    width, height = (max(1, int(np.ceil(scale * length - 1e-6))) for length in (right - left, bottom - top))
    corners = _project(np.linalg.inv(matrix), _corners((0, 0, width, height)))
    return Plane(
        method=method,
        homography=tuple(matrix.ravel().tolist()),
        width=width,
        height=height,
        corners=tuple((float(x), float(y)) for x, y in corners),
        focal_length=view.focal_length,
        focal_source=view.focal_source,
        yaw=view.yaw if view.focal_source else None,
        true_aspect=view.true_aspect,
    )


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
    if cv2.contourArea(points.astype(np.float32)) < _LEAST_AREA * width * height:
        raise SeamlineError(f"--corners {stated}: too small a part of the photo, {width} x {height} pixels")
    return points


def _corner_vanishing_points(points: Vector) -> tuple[Vector, Vector]:
    """Return where the horizontal and the vertical sides of a front with corners (4, 2) meet."""
    upper_left, upper_right, lower_right, lower_left = _homogeneous(points)
    horizontal = np.cross(np.cross(upper_left, upper_right), np.cross(lower_left, lower_right))
    return horizontal, np.cross(np.cross(upper_left, lower_left), np.cross(upper_right, lower_right))


def _tilts(plane: Plane, segments: Segments, axis: int) -> Vector:
    """Return the angles (S,) in degrees between segments in the plane and its axis x (0) or y (1)."""
    along = np.diff(to_plane(plane, segments.reshape(-1, 2)).reshape(-1, 2, 2), axis=1)[:, 0]
    return np.degrees(np.arctan2(np.abs(along[:, 1 - axis]), np.abs(along[:, axis])))


def _outline(region: NDArray[np.bool_]) -> Vector:
    """Return points (N, 2) on the outer border of a region (H, W)."""
    contours, _ = cv2.findContours(region.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    pixels = np.concatenate(contours).reshape(-1, 1, 2)
    return (pixels + np.array([[0, 0], [1, 0], [0, 1], [1, 1]])).reshape(-1, 2).astype(np.float64)


def _centroid(region: NDArray[np.bool_]) -> Vector:
    """Return the center (2,) of a region (H, W)."""
    moments = cv2.moments(region.astype(np.uint8), binaryImage=True)
    return np.array([moments["m10"], moments["m01"]]) / moments["m00"] + 0.5


def _corners(box: Sequence[float]) -> Vector:
    """Return the corners (4, 2) of a box, clockwise from the upper left."""
    left, top, right, bottom = box
    return np.array([[left, top], [right, top], [right, bottom], [left, bottom]], np.float64)


def _homogeneous(points: Vector) -> Vector:
    """Return points (N, 2) as (N, 3)."""
    return np.column_stack([points, np.ones(len(points))])


def _project(matrix: Vector, points: Vector) -> Vector:
    """Return points (N, 2) mapped by a homography (3, 3)."""
    mapped = _homogeneous(np.asarray(points, np.float64).reshape(-1, 2)) @ matrix.T
    return np.asarray(mapped[:, :2] / mapped[:, 2:])


def _matrix(plane: Plane) -> Vector:
    """Return the homography (3, 3) from the photo to the plane."""
    return np.array(plane.homography).reshape(3, 3)
