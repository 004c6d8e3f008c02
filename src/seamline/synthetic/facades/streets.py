"""A street: a house, its neighbours, sky, ground and what stands in front, as one large picture with labels."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from seamline.synthetic.facades.camera import Corners
from seamline.synthetic.facades.canvas import OTHER, SKY, WALL, Canvas
from seamline.synthetic.facades.chance import Array, Chance
from seamline.synthetic.facades.front import draw_front
from seamline.synthetic.facades.houses import Plot, draw_house, plot
from seamline.synthetic.facades.light import lit, weather
from seamline.synthetic.facades.sky import draw_ground, draw_sky
from seamline.synthetic.facades.styles import house_style
from seamline.synthetic.facades.surfaces import grain

_WIDTH, _HEIGHT, _BELOW, _SCALE = 26.0, 25.0, 2.5, 36.0  # metres, and pixels a metre


@dataclass(frozen=True)
class Street:
    """A street seen squarely, at its largest.

    Attributes:
        picture: (R, C, 3) float32, amounts of light.
        labels: (R, C) uint8, 0..4.
        typical: the light of walls in the middle of their range.
        bright: the light that few parts of the houses exceed.
        house: left, right, top and foot of the house in the middle, in pixels.
    """

    picture: Array
    labels: NDArray[np.uint8]
    typical: float
    bright: float
    house: tuple[float, float, float, float]


def draw_street(chance: Chance) -> Street:
    """Draw a street."""
    canvas = Canvas(_WIDTH, _HEIGHT, _BELOW, _SCALE)
    light = weather(chance)
    draw_sky(canvas, chance, light)
    place = _houses(canvas, chance)
    draw_ground(canvas, chance)
    picture = lit(canvas, light, chance, grain(canvas, chance))
    levels = picture[::4, ::4, 1]
    typical = float(np.median(levels[canvas.label[::4, ::4] == WALL]))
    bright = float(np.quantile(levels[canvas.material[::4, ::4] != SKY], 0.95))
    draw_front(picture, canvas, chance, light)
    if chance.happens(0.16):
        _rim(picture, canvas, chance)
    left, right = max(0.0, place.left), min(canvas.width, place.right)
    house = (left * _SCALE, right * _SCALE, float(canvas.row(place.top)), float(canvas.row(0)))
    return Street(picture, canvas.label, typical, bright, house)


def _houses(canvas: Canvas, chance: Chance) -> Plot:
    """Draw the neighbours, then the house in the middle; return where that stands."""
    style = house_style(chance)
    width = chance.between(11, 24)
    place = plot(style, (canvas.width - width) / 2 + chance.about(0, 1.5), width)
    others = []
    if chance.happens(0.85):
        other = house_style(chance)
        wide = chance.between(9, 16)
        first = plot(other, 0, wide)
        others.append((other, plot(other, place.left - first.right, wide)))
    if chance.happens(0.85):
        other = house_style(chance)
        others.append((other, plot(other, place.right, chance.between(9, 16))))
    for other, there in others:
        draw_house(canvas, chance, other, there)
    draw_house(canvas, chance, style, place)
    return place


def _rim(picture: Array, canvas: Canvas, chance: Chance) -> None:
    """Blacken a wedge at one side or both: what a photo lacks that was made upright afterwards."""
    rows, columns = canvas.shape
    for side in (0, columns):
        if chance.happens(0.6):
            inward = 1 if side == 0 else -1
            upper, lower = (side + inward * columns * chance.between(0.0, 0.2) for _ in range(2))
            wedge = [np.array([(side, 0), (upper, 0), (lower, rows), (side, rows)], dtype=np.int32)]
            cv2.fillPoly(picture, wedge, (0.001, 0.001, 0.001))
            cv2.fillPoly(canvas.label, wedge, (OTHER,))


def views(street: Street, chance: Chance, count: int) -> list[Corners]:
    """Return the corners of several crops of one street; each overlaps the first.

    Args:
        street: what is cropped.
        chance: decides where and how large.
        count: the crops.

    Returns:
        `count` arrays (4, 2) float64, in pixels of the street's picture.
    """
    rows, columns = street.labels.shape
    left, right, top, foot = street.house
    limit = min(rows, columns) - 2.0
    near = chance.pick({8.5: 1, 12.0: 2, 17.0: 2, 21.0: 1.2})
    side = min(limit, near * chance.between(1.0, 1.3) * _SCALE)
    x, y = _within(chance, left, right, 0.22 * side), _within(chance, top, foot, 0.22 * side)
    found = []
    for number in range(count):
        if number:
            here = min(limit, side * chance.between(0.7, 1.2))
            middle = x + chance.about(0, 0.16) * side, y + chance.about(0, 0.16) * side
        else:
            here, middle = side, (x, y)
        found.append(_view(chance, middle, here, (rows, columns)))
    return found


def _within(chance: Chance, low: float, high: float, margin: float) -> float:
    """Return a place between two ends, that far from both; the middle where there is no such place."""
    return chance.between(low + margin, high - margin) if high - low > 2 * margin else (low + high) / 2


def _view(chance: Chance, middle: tuple[float, float], side: float, size: tuple[int, int]) -> Corners:
    """Return a square crop, moved into the picture and tilted by a few per cent."""
    half = side / 2
    x = min(max(middle[0], half), size[1] - half)
    y = min(max(middle[1], half), size[0] - half)
    square = np.array([(x - half, y - half), (x + half, y - half), (x + half, y + half), (x - half, y + half)])
    turn = chance.about(0, 0.008)
    taper, skew = chance.about(0, 0.016), chance.about(0, 0.016)
    here = np.array((x, y))
    off = square - here
    off += turn * off[:, ::-1] * (1, -1)
    off[:, 0] *= 1 + taper * off[:, 1] / half
    off[:, 1] *= 1 + skew * off[:, 0] / half
    corners: Corners = np.clip(off + here, 0, (size[1], size[0]))
    return corners
