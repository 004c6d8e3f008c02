"""Pictures of measured fronts: the photo with their outlines, and each one rectified with its windows and storeys."""

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import msgspec
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from seamline.buildings.planes import rescale_photo, warp
from seamline.run_folder import Front, Opening, Plane, Point

MAX_SIDE = 1600
"""Pixels of the longer side of a rectified picture, at most."""

MIN_SIDE = 480
"""Pixels that the longer side of a smaller plane is enlarged to, so that lines and numbers do not cover it."""

WINDOW, DOOR, SHOP, FRONT = (70, 200, 255), (255, 150, 40), (255, 120, 220), (255, 196, 0)
"""Colors of lines; they differ in hue and lightness, and each line has a dark border, so that it shows on any wall."""

NOT_COUNTED = (205, 205, 205)
BORDER, MARGIN, INK = (20, 20, 20), (38, 38, 36), (245, 245, 242)
"""Colors of the lines' border, of the margin that holds the numbers, and of these."""

_COLORS = {"window": WINDOW, "door": DOOR, "shop": SHOP}
_GRID = 256  # pixels of the longer side of the grid on which the place of a number is searched
_SUBPIXEL_BITS = 4  # of coordinates that OpenCV draws at


class Stroke(NamedTuple):
    """How a line is drawn."""

    color: tuple[int, int, int]
    width: int  # in pixels, without its border
    dash: float = 0.0  # length of a dash in pixels; 0 for a whole line


def draw_front(photo: NDArray[np.uint8], front: Front, scale: float = 1.0) -> NDArray[np.uint8]:
    """Draw a front, rectified: its openings by kind, its storeys' lines, and the numbers of storeys and columns.

    Inferred windows are dashed, other windows that totals leave out are gray. The numbers of storeys stand in a margin
    on the left, those of columns in a margin below.

    Args:
        photo: (H, W, 3) uint8, the photo or a reduced copy of it.
        front: its points are in pixels of the full photo.
        scale: pixels of `photo` per pixel of the full photo, above 0.

    Returns:
        (H', W', 3) uint8.
    """
    zoom = _zoom(front.plane)
    picture = rectify_photo(photo, front.plane, scale, zoom)
    unit = _line_width(picture)
    for storey in front.storeys[1:]:
        y = zoom * storey.bottom
        _draw_line(picture, np.array([(0, y), (picture.shape[1], y)]), Stroke(INK, unit), closed=False)
    for opening in front.openings:
        _draw_line(picture, zoom * np.array(opening.outline), _stroke(opening, unit))
    return _add_margin(picture, front, zoom)


def draw_fronts(photo: NDArray[np.uint8], fronts: Sequence[Front], scale: float = 1.0) -> NDArray[np.uint8]:
    """Draw the outlines of fronts and their numbers over a copy of the photo.

    Args:
        photo: (H, W, 3) uint8, the photo or a reduced copy of it.
        fronts: their points are in pixels of the full photo.
        scale: pixels of `photo` per pixel of the full photo, above 0.

    Returns:
        (H, W, 3) uint8.
    """
    picture = photo.copy()
    unit = _line_width(picture)
    for front in fronts:
        _draw_line(picture, scale * np.array(front.outline), Stroke(FRONT, 2 * unit))
    size = max(14, round(0.045 * min(picture.shape[:2])))
    for front in fronts:
        _draw_label(picture, _inside(front.outline, scale, picture.shape[:2]), str(front.number), size)
    return picture


def rectify_photo(photo: NDArray[np.uint8], plane: Plane, scale: float, zoom: float) -> NDArray[np.uint8]:
    """Rectify a photo into a plane.

    Args:
        photo: (H, W, 3) uint8, the photo or a reduced copy of it.
        plane: of the full photo.
        scale: pixels of `photo` per pixel of the full photo, above 0.
        zoom: pixels of the result per pixel of the plane, above 0.

    Returns:
        (H', W', 3) uint8.
    """
    width, height = max(1, round(zoom * plane.width)), max(1, round(zoom * plane.height))
    reduction = min(1.0, max(_reduction(plane, scale, (width, height)), 1 / min(photo.shape[:2])))
    if reduction < 1:  # a warp takes four pixels for one, and would skip the others
        photo = np.asarray(cv2.resize(photo, None, fx=reduction, fy=reduction, interpolation=cv2.INTER_AREA), np.uint8)
    plane = rescale_photo(plane, scale * reduction)
    rows = np.diag([zoom, zoom, 1.0]) @ np.reshape(plane.homography, (3, 3))
    plane = msgspec.structs.replace(plane, homography=tuple(rows.ravel().tolist()), width=width, height=height)
    return warp(plane, photo)


def _zoom(plane: Plane) -> float:
    """Return the pixels of the picture per pixel of the plane."""
    longer = max(plane.width, plane.height)
    return min(MAX_SIDE, max(MIN_SIDE, longer)) / longer


def _reduction(plane: Plane, scale: float, size: tuple[int, int]) -> float:
    """Return the factor of the photo at which the front has as many pixels as its picture."""
    corners = scale * np.array(plane.corners)
    sides = np.linalg.norm(corners - np.roll(corners, -1, axis=0), axis=1)  # upper, right, lower, left
    return float(min(size[0] / max(sides[0], sides[2], 1), size[1] / max(sides[1], sides[3], 1)))


def _line_width(picture: NDArray[np.uint8]) -> int:
    """Return the width of a thin line in pixels."""
    return max(1, round(int(max(picture.shape[:2])) / 700))


def _stroke(opening: Opening, unit: int) -> Stroke:
    """Return how an opening is drawn."""
    left_out = opening.kind == "window" and not opening.counted and not opening.inferred
    color = NOT_COUNTED if left_out else _COLORS[opening.kind]
    return Stroke(color, unit + 1, 10.0 * unit if opening.inferred else 0.0)


def _draw_line(picture: NDArray[np.uint8], points: NDArray[np.float64], stroke: Stroke, *, closed: bool = True) -> None:
    """Draw a line through points (n, 2) in place: its color over a wider dark border."""
    parts = _dashes(points, stroke.dash) if stroke.dash else [points]
    fixed = [np.rint((part - 0.5) * 2**_SUBPIXEL_BITS).astype(np.int32) for part in parts]
    whole = closed and not stroke.dash
    for color, width in ((BORDER, stroke.width + 2 * max(1, stroke.width // 2)), (stroke.color, stroke.width)):
        cv2.polylines(picture, fixed, whole, color, width, cv2.LINE_AA, _SUBPIXEL_BITS)


def _dashes(points: NDArray[np.float64], length: float) -> list[NDArray[np.float64]]:
    """Cut the sides of a polygon (n, 2) into dashes, so that each side starts and ends with one."""
    dashes = []
    for start, end in zip(points, np.roll(points, -1, axis=0), strict=True):
        gaps = max(1, round(float(np.linalg.norm(end - start)) / (2 * length)))
        places = np.linspace(0, 1, 2 * gaps + 2).reshape(-1, 2)[:, :, np.newaxis]
        dashes += list(start + places * (end - start))
    return dashes


def _add_margin(picture: NDArray[np.uint8], front: Front, zoom: float) -> NDArray[np.uint8]:
    """Add a margin with the numbers of storeys on the left, and one with the numbers of columns below."""
    columns = _column_middles(front)
    size = max(13, round(max(picture.shape[:2]) / 36))
    side, below = (2 * size if front.storeys else 0), (2 * size if columns else 0)
    height, width = picture.shape[:2]
    canvas = Image.new("RGB", (width + side, height + below), MARGIN)
    canvas.paste(Image.fromarray(picture), (side, 0))
    draw, font = ImageDraw.Draw(canvas), ImageFont.load_default(size)
    for storey in front.storeys:
        y = zoom * (storey.top + storey.bottom) / 2
        draw.text((side / 2, y), str(storey.number), INK, font, anchor="mm")
        if storey is not front.storeys[0]:
            draw.line((side / 2, zoom * storey.bottom, side, zoom * storey.bottom), INK, _line_width(picture))
    for column, x in columns.items():
        draw.text((side + zoom * x, height + below / 2), str(column), INK, font, anchor="mm")
    return np.array(canvas)


def _column_middles(front: Front) -> dict[int, float]:
    """Return the median x of the openings of each column."""
    middles: dict[int, list[float]] = {}
    for opening in front.openings:
        if opening.column is not None:
            left, right = min(x for x, _ in opening.outline), max(x for x, _ in opening.outline)
            middles.setdefault(opening.column, []).append((left + right) / 2)
    return {column: float(np.median(xs)) for column, xs in sorted(middles.items())}


def _inside(outline: Sequence[Point], scale: float, shape: tuple[int, int]) -> tuple[float, float]:
    """Return about the point of a polygon that is farthest from its edge and the picture's, in the picture."""
    factor = min(1.0, _GRID / max(shape))
    mask = np.zeros((max(1, round(factor * shape[0])), max(1, round(factor * shape[1]))), np.uint8)
    cv2.fillPoly(mask, [np.rint(factor * scale * np.array(outline)).astype(np.int32)], 1)
    distances = cv2.distanceTransform(np.pad(mask, 1), cv2.DIST_L2, 3)[1:-1, 1:-1]
    row, column = np.unravel_index(int(distances.argmax()), mask.shape)
    return (float(column) + 0.5) / factor, (float(row) + 0.5) / factor


def _draw_label(picture: NDArray[np.uint8], middle: tuple[float, float], text: str, size: int) -> None:
    """Write a number on a dark disk, in place."""
    font = ImageFont.load_default(size)
    radius = max(0.85 * size, 0.5 * font.getlength(text) + 0.35 * size)
    left, top = (max(0, int(place - radius) - 1) for place in middle)
    part = picture[top : top + int(2 * radius) + 4, left : left + int(2 * radius) + 4]
    canvas = Image.fromarray(part)
    draw, x, y = ImageDraw.Draw(canvas), middle[0] - left, middle[1] - top
    draw.ellipse((x - radius, y - radius, x + radius, y + radius), BORDER, FRONT, max(2, size // 10))
    draw.text((x, y), text, FRONT, font, anchor="mm")
    part[:] = np.asarray(canvas)
