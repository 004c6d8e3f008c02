"""The fronts in a photo: connected building parts, each divided where two walls meet, and rectified."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from seamline.buildings.rectification import Rectification, rectify
from seamline.buildings.roles import BUILDING, ROLES
from seamline.buildings.segments import Segments, detect_segments, measure_curvature, select_segments
from seamline.buildings.vanishing_points import VanishingPoint, find_vertical
from seamline.buildings.walls import Wall, find_walls

Mask = NDArray[np.bool_]

MIN_PART = 0.03
"""Least area of a building part, over that of the photo; smaller ones are far houses and mistakes."""
_BRIDGE = 0.012  # of the photo's longer side: narrower connections are cut
_GAP = 0.08  # of the photo's longer side: trees and vehicles up to this width do not divide a front
_BAND = 0.04  # of the photo's longer side: signs, cornices and wires up to this width do not divide a front
_SIGN = 0.1  # of the photo's longer side: so tall may be what divides a ground floor from the storeys above
_PANORAMA = 3  # longer over shorter side above which a photo is a panorama, whose longer side says little of sizes


@dataclass(frozen=True, eq=False)
class FrontRegion:
    """A front in a photo."""

    mask: Mask  # (H, W) bool, with what stands in front of it
    rectification: Rectification
    curvature: float | None  # median bend of long lines, in thousandths of their length


def find_fronts(photo: NDArray[np.uint8], roles: NDArray[np.uint8], focal_length: float | None) -> list[FrontRegion]:
    """Find the fronts in a photo, from left to right.

    Args:
        photo: (H, W, 3) uint8.
        roles: (H, W) uint8, index in `ROLES` of each pixel.
        focal_length: of the camera in pixels by EXIF; None where it is not known.
    """
    parts = find_parts(roles)
    if not parts:
        return []
    segments = detect_segments(photo, np.logical_or.reduce(parts))
    vertical = find_vertical(segments, (photo.shape[0], photo.shape[1]))
    fronts = []
    for part in parts:
        curvature = measure_curvature(photo, select_segments(segments, part), part)
        for wall in _walls(part, segments, vertical, focal_length):
            rectification = rectify(wall.region, wall.segments, vertical, wall.horizontal, focal_length=focal_length)
            fronts.append(FrontRegion(wall.region, rectification, curvature))
    return sorted(fronts, key=lambda front: float(np.flatnonzero(front.mask.any(0)).mean()))


def find_parts(roles: NDArray[np.uint8]) -> list[Mask]:
    """Find the connected building parts of a photo, with narrow things that stand in front of them.

    Args:
        roles: (H, W) uint8, index in `ROLES` of each pixel.

    Returns:
        Masks (H, W) bool, those of `MIN_PART` of the photo and more.
    """
    side = min(max(roles.shape), _PANORAMA * min(roles.shape))
    mask = np.isin(roles, [ROLES.index(role) for role in BUILDING]).astype(np.uint8)
    building = np.asarray(cv2.morphologyEx(mask, cv2.MORPH_OPEN, _square(_BRIDGE * side)), np.uint8)
    joined = _close(building, _BAND * side)
    joined = _close(joined, _SIGN * side, upright=True)
    hidden = (roles == ROLES.index("hidden")) & (_close(building, _GAP * side) > 0)
    whole = _fill_holes(joined | hidden.astype(np.uint8))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(whole, connectivity=4)
    large = [index for index in range(1, count) if stats[index, cv2.CC_STAT_AREA] >= MIN_PART * roles.size]
    return [labels == index for index in large]


def _walls(part: Mask, segments: Segments, vertical: VanishingPoint | None, focal_length: float | None) -> list[Wall]:
    """Return the walls of a building part; the part as one where verticals do not meet in a point."""
    if vertical is None:
        return [Wall(part, select_segments(segments, part), None)]
    return find_walls(segments, part, vertical, focal_length=focal_length)


def _square(side: float) -> NDArray[np.uint8]:
    """Return a square kernel of an odd side in pixels."""
    return np.ones((2 * round(side / 2) + 1,) * 2, np.uint8)


def _close(mask: NDArray[np.uint8], side: float, *, upright: bool = False) -> NDArray[np.uint8]:
    """Return a mask (H, W) with its gaps up to a size in pixels; the photo's edge closes none.

    With `upright` only gaps between what is above and below.
    """
    kernel = _square(side)[:, :1] if upright else _square(side)
    margin = len(kernel)
    closed = cv2.morphologyEx(np.pad(mask, margin), cv2.MORPH_CLOSE, kernel)
    return np.asarray(closed[margin:-margin, margin:-margin], np.uint8)


def _fill_holes(mask: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return a mask (H, W) with what it surrounds."""
    contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    filled = mask.copy()
    cv2.drawContours(filled, contours, -1, 1, cv2.FILLED)
    return filled
