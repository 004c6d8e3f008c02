"""Which way fronts face: azimuth and compass direction of their outer normals."""

from collections.abc import Sequence
from typing import get_args

import cv2
import msgspec
import numpy as np

from seamline.run_folder import CompassDirection, Front, GpsPosition

_DIRECTIONS: tuple[CompassDirection, ...] = get_args(CompassDirection)
_NOT_TURNED = (
    "The angle between the front and the camera is unknown: the azimuth is that of a front at a right angle to the "
    "camera's axis."
)
_MAGNETIC = (
    "The azimuth is from magnetic north, as the camera wrote it, and not corrected for the magnetic declination of "
    "the place."
)


def orient_fronts(fronts: Sequence[Front], gps: GpsPosition | None, azimuth: float | None = None) -> tuple[Front, ...]:
    """Return the fronts of a photo with their azimuths, compass directions, and notes on what these assume.

    Args:
        fronts: the fronts of a photo.
        gps: position and direction of the camera, by EXIF data.
        azimuth: the user's, in degrees from north, which comes first. It is that of the front which is largest in the
            photo; the others are turned from it by their angles to the camera.
    """
    if azimuth is not None and fronts:
        main = max(fronts, key=_area_in_photo)
        return tuple(_by_main_front(front, main, azimuth) for front in fronts)
    if gps is None or gps.direction is None:
        return tuple(fronts)
    magnetic = (_MAGNETIC,) if gps.magnetic else ()
    return tuple(
        _with_azimuth(
            front,
            front_azimuth(gps.direction, front.plane.yaw or 0.0),
            magnetic if front.plane.yaw is not None else (*magnetic, _NOT_TURNED),
        )
        for front in fronts
    )


def front_azimuth(direction: float, yaw: float) -> float:
    """Return the azimuth in degrees of a front's outer normal, 0 <= azimuth < 360.

    Seen from above, with the camera's axis to the north, the foot of a front runs from left to right along
    (east, north) = (cos yaw, sin yaw). Its normal to the camera's side is (sin yaw, -cos yaw), whose azimuth is
    180° - yaw: a front whose right side is farther faces to the right of the camera.

    Args:
        direction: of the camera's axis, in degrees from north.
        yaw: angle in degrees of the front to the camera, positive where its right side is farther; see `Plane.yaw`.
    """
    return _wrap(direction + 180 - yaw)


def compass_direction(azimuth: float) -> CompassDirection:
    """Return the direction whose sector of 90° contains an azimuth in degrees: N is 315 <= azimuth < 45."""
    return _DIRECTIONS[int(_wrap(azimuth + 45) // 90)]


def _wrap(angle: float) -> float:
    """Return an angle in degrees as 0 <= angle < 360; the remainder of a tiny negative one alone rounds to 360."""
    return angle % 360 % 360


def _by_main_front(front: Front, main: Front, azimuth: float) -> Front:
    """Return a front with the azimuth in degrees that follows from that of the main front of its photo."""
    if front is main:
        return _with_azimuth(front, azimuth, ())
    if front.plane.yaw is None or main.plane.yaw is None:
        return _with_azimuth(front, azimuth, (f"The azimuth is assumed to be that of front {main.number}.",))
    note = f"The azimuth follows from that of front {main.number} and the angle between the two."
    return _with_azimuth(front, azimuth + main.plane.yaw - front.plane.yaw, (note,))


def _area_in_photo(front: Front) -> float:
    """Return the area of a front's plane in the photo, in square pixels."""
    return cv2.contourArea(np.array(front.plane.corners, np.float32))


def _with_azimuth(front: Front, azimuth: float, notes: tuple[str, ...]) -> Front:
    """Return a front with an azimuth in degrees, and further notes."""
    azimuth = _wrap(azimuth)
    return msgspec.structs.replace(
        front, azimuth=azimuth, direction=compass_direction(azimuth), notes=(*front.notes, *notes)
    )
