"""The fronts in a photo: connected building parts, each divided where two walls meet, and rectified."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from seamline.buildings.rectification import Rectification, rectify
from seamline.buildings.roles import BUILDING, ROLES
from seamline.buildings.segments import Segments, detect_segments, measure_curvature, select_segments
from seamline.buildings.vanishing_points import VanishingPoint, find_horizontals, find_vertical, propose_split

Mask = NDArray[np.bool_]

MIN_PART = 0.03
"""Least area of a building part, over that of the photo; smaller ones are far houses and mistakes."""
_BRIDGE = 0.012  # of the photo's longer side: narrower connections are cut
_GAP = 0.08  # of the photo's longer side: trees and vehicles up to this width do not divide a front
_BAND = 0.04  # of the photo's longer side: signs, cornices and wires up to this width do not divide a front
_PURITY = 0.85  # of a line between two walls, from which a part is divided
_MIN_WALL = 0.15  # least area of a wall, over that of its part


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
        lines = select_segments(segments, part)
        curvature = measure_curvature(lines, part)
        for wall, horizontal in _divide(part, lines, vertical, focal_length):
            of_wall = select_segments(lines, wall)
            rectification = rectify(wall, of_wall, vertical, horizontal, focal_length=focal_length)
            fronts.append(FrontRegion(wall, rectification, curvature))
    return sorted(fronts, key=lambda front: float(np.flatnonzero(front.mask.any(0)).mean()))


def find_parts(roles: NDArray[np.uint8]) -> list[Mask]:
    """Find the connected building parts of a photo, with narrow things that stand in front of them.

    Args:
        roles: (H, W) uint8, index in `ROLES` of each pixel.

    Returns:
        Masks (H, W) bool, those of `MIN_PART` of the photo and more.
    """
    side = max(roles.shape)
    building = np.isin(roles, [ROLES.index(role) for role in BUILDING]).astype(np.uint8)
    building = cv2.morphologyEx(building, cv2.MORPH_OPEN, _square(_BRIDGE * side))
    joined = cv2.morphologyEx(building, cv2.MORPH_CLOSE, _square(_BAND * side))
    hidden = (roles == ROLES.index("hidden")) & (cv2.morphologyEx(building, cv2.MORPH_CLOSE, _square(_GAP * side)) > 0)
    whole = _fill_holes(joined | hidden.astype(np.uint8))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(whole, connectivity=4)
    large = [index for index in range(1, count) if stats[index, cv2.CC_STAT_AREA] >= MIN_PART * roles.size]
    return [labels == index for index in large]


def _divide(
    part: Mask, segments: Segments, vertical: VanishingPoint | None, focal_length: float | None
) -> list[tuple[Mask, VanishingPoint | None]]:
    """Return the walls of a building part, each with the vanishing point of its horizontals."""
    if vertical is None:
        return [(part, None)]
    shape = (part.shape[0], part.shape[1])
    points = find_horizontals(segments, shape, vertical, focal_length=focal_length, limit=2)
    if len(points) < 2:
        return [(part, points[0] if points else None)]
    split = propose_split(segments, part, vertical, *points)
    if split is None or split.purity < _PURITY:
        return [(part, points[0])]
    left = split.left_mask(shape)
    walls = [part & left, part & ~left]
    if min(wall.sum() for wall in walls) < _MIN_WALL * part.sum():
        return [(part, points[0])]
    return [(walls[0], split.left), (walls[1], split.right)]


def _square(side: float) -> NDArray[np.uint8]:
    """Return a square kernel of an odd side in pixels."""
    return np.ones((2 * round(side / 2) + 1,) * 2, np.uint8)


def _fill_holes(mask: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return a mask (H, W) with what it surrounds."""
    contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    filled = mask.copy()
    cv2.drawContours(filled, contours, -1, 1, cv2.FILLED)
    return filled
