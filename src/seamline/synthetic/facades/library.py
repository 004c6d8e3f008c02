"""The own photo of a run without a network: the front of a library, with thin windows and tall columns."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from seamline.synthetic.facades.camera import photograph, set_up
from seamline.synthetic.facades.canvas import (
    GLASS,
    GROUND,
    OTHER,
    SKY,
    SMOOTH,
    STONE,
    WALL,
    Canvas,
    Colour,
    Paint,
    mix,
    shade,
)
from seamline.synthetic.facades.chance import Chance
from seamline.synthetic.facades.front import Front
from seamline.synthetic.facades.glass import Panes
from seamline.synthetic.facades.houses import draw_cornice
from seamline.synthetic.facades.light import Light, lit
from seamline.synthetic.facades.pillars import PillarStyle, draw_pillar
from seamline.synthetic.facades.sky import draw_sky
from seamline.synthetic.facades.surfaces import grain
from seamline.synthetic.facades.windows import WindowStyle, draw_window

_HEIGHT, _WIDTH = 900, 1200
_SEED = 1871
_SCALE = 60.0  # pixels a metre of the picture; the photo has about half of them

_STONE: Colour = (206, 192, 162)
_TRIM: Colour = (222, 210, 184)

_MIDDLE, _BAY = 21.0, 2.15
_PORTICO, _WING = 8, 5  # bays
_BASE, _ORDER, _TOP = 1.8, 14.6, 19.4  # metres up: foot and head of the columns, top of the attic


def own_photo() -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return a photo of a library's front that no image of the dataset shows: tall columns, thin windows.

    Returns:
        The photo (900, 1200, 3) uint8, and its labels (900, 1200) uint8, 0..4.
    """
    chance = Chance(_SEED)
    canvas = Canvas(42.0, 25.0, 6.0, _SCALE)
    light = Light(sun=0.66, across=0.62, down=0.95, warmth=0.7)
    draw_sky(canvas, chance, light)
    _front(canvas, chance)
    _forecourt(canvas)
    picture = lit(canvas, light, chance, grain(canvas, chance))
    levels, walls = picture[::4, ::4, 1], canvas.material[::4, ::4] != SKY
    settings = set_up(chance, float(np.median(levels[walls])), float(np.quantile(levels[walls], 0.95)))
    settings = replace(settings, exposure=0.78, colour=0.95, contrast=0.4, blur=0.5, noise=1.6, quality=92)
    _before(Front(picture, canvas, light), chance)
    rows, columns = canvas.shape
    corners = np.array([(60.0, 50), (columns - 30, 20), (columns - 60, rows - 30), (30, rows - 10)])
    return photograph(picture, canvas.label, corners, settings, chance, (_HEIGHT, _WIDTH))


def _front(canvas: Canvas, chance: Chance) -> None:
    """Draw the building: two wings with pilasters and, between them, a row of columns."""
    panes = Panes(chance, _SCALE)
    half = _PORTICO * _BAY / 2
    left, right = _MIDDLE - half - _WING * _BAY - 0.5, _MIDDLE + half + _WING * _BAY + 0.5
    canvas.rect(left + 5, _TOP - 3, right - 5, _TOP + 1.3, Paint(shade(_STONE, 0.86), OTHER, -1.5, STONE))
    canvas.rect(left + 5, _TOP + 1.0, right - 5, _TOP + 1.3, Paint(_TRIM, OTHER, -1.3, SMOOTH))
    canvas.rect(left, 0, right, _TOP - 1.6, Paint(_STONE, WALL, 0.0, STONE))
    canvas.rect(left, 0, right, _BASE, Paint(shade(_STONE, 0.82), WALL, 0.25, STONE))
    bays = _PORTICO + 2 * _WING
    start = _MIDDLE - bays * _BAY / 2
    for bay in range(bays):
        x = start + (bay + 0.5) * _BAY
        door = abs(x - _MIDDLE) < _BAY * 1.6 and _WING <= bay < _WING + _PORTICO
        _bay(canvas, chance, panes, x, door=door)
    pilaster = PillarStyle(0.55, shade(_STONE, 1.03), 0.16, round=False, fluted=False, capital="block")
    for number in [*range(_WING + 1), *range(_WING + _PORTICO, bays + 1)]:
        draw_pillar(canvas, pilaster, start + number * _BAY, _BASE, _ORDER)
    column = PillarStyle(0.92, _TRIM, 0.95, round=True, fluted=True, capital="leaves")
    for number in range(_PORTICO + 1):
        draw_pillar(canvas, column, _MIDDLE - half + number * _BAY, _BASE, _ORDER)
    _entablature(canvas, (left, right, _TOP - 1.6), 0.1)
    _entablature(canvas, (_MIDDLE - half - 0.8, _MIDDLE + half + 0.8, _TOP), 0.9)
    _inscription(canvas, _ORDER + 0.95)


def _bay(canvas: Canvas, chance: Chance, panes: Panes, x: float, *, door: bool) -> None:
    """Draw one bay: a thin window above another, or a door, with a panel between them."""
    window = WindowStyle(
        width=0.74,
        height=6.2,
        head="flat",
        lights=1,
        casements=2,
        transom=0.8,
        bars=3,
        frame=(66, 60, 52),
        trim=shade(_TRIM, 0.97),
        surround=0.12,
        hood="none",
        columns=False,
        sill=True,
        apron=False,
        shutters=None,
        closed=0.0,
        deep=0.28,
    )
    if door:
        wood, high = (74, 50, 36), _BASE + 3.9
        canvas.rect(x - 0.68, _BASE - 0.4, x + 0.68, high + 0.2, Paint(_TRIM, OTHER, 0.1, SMOOTH))
        canvas.rect(x - 0.52, _BASE - 0.4, x + 0.52, high, Paint(wood, OTHER, -0.35, SMOOTH))
        canvas.rect(x - 0.44, high - 0.9, x + 0.44, high - 0.1, Paint((50, 54, 58), OTHER, -0.4, GLASS))
        for y in (_BASE - 0.2, _BASE + 1.4):
            for side in (-0.46, 0.06):
                canvas.rect(x + side, y, x + side + 0.4, y + 1.3, Paint(shade(wood, 1.2), OTHER, -0.3))
        draw_window(canvas, chance, panes, replace(window, height=2.2, bars=1, transom=0.0), x, high + 0.7)
    else:
        draw_window(canvas, chance, panes, window, x, _BASE + 0.7)
    canvas.rect(x - 0.5, 9.2, x + 0.5, 9.9, Paint(mix(_STONE, _TRIM, 0.5), OTHER, 0.05, SMOOTH))
    canvas.rect(x - 0.4, 9.3, x + 0.4, 9.8, Paint(shade(_STONE, 0.95), OTHER, 0.0))
    draw_window(canvas, chance, panes, replace(window, height=3.5, bars=2, transom=0.0), x, 10.4)


def _entablature(canvas: Canvas, box: tuple[float, float, float], base: float) -> None:
    """Draw what lies on the columns: beam, frieze and cornice, and the attic above them."""
    left, right, top = box
    canvas.rect(left, _ORDER, right, top, Paint(_STONE, OTHER, base, STONE))
    for step in range(3):
        low = _ORDER + 0.24 * step
        canvas.rect(left, low, right, low + 0.24, Paint(shade(_TRIM, 0.98), OTHER, base + 0.04 * step, SMOOTH))
    draw_cornice(canvas, _TRIM, (left, right, _ORDER + 2.6), 0.95, dentils=True, base=base)
    canvas.rect(left, top - 0.3, right, top, Paint(_TRIM, OTHER, base + 0.25, SMOOTH))


def _inscription(canvas: Canvas, y: float) -> None:
    """Cut letters into the frieze."""
    strokes = {
        "L": ((0, 0, 0, 1), (0, 0, 0.5, 0)),
        "I": ((0.25, 0, 0.25, 1),),
        "B": ((0, 0, 0, 1), (0, 1, 0.5, 1), (0, 0.5, 0.5, 0.5), (0, 0, 0.5, 0), (0.5, 0, 0.5, 1)),
        "R": ((0, 0, 0, 1), (0, 1, 0.5, 1), (0.5, 1, 0.5, 0.5), (0, 0.5, 0.5, 0.5), (0.2, 0.5, 0.55, 0)),
        "A": ((0, 0, 0.28, 1), (0.28, 1, 0.56, 0), (0.1, 0.35, 0.45, 0.35)),
        "Y": ((0, 1, 0.28, 0.5), (0.56, 1, 0.28, 0.5), (0.28, 0.5, 0.28, 0)),
    }
    word, step, high = "LIBRARY", 0.95, 0.5
    start = _MIDDLE - (len(word) - 0.5) * step / 2
    for place, letter in enumerate(word):
        for x0, y0, x1, y1 in strokes[letter]:
            left = start + place * step
            ends = (left + x0 * high, y + y0 * high), (left + x1 * high, y + y1 * high)
            canvas.line(*ends, 0.07, Paint(shade(_STONE, 0.5)))


def _forecourt(canvas: Canvas) -> None:
    """Lay steps, a path and lawns in front."""
    width = canvas.width
    canvas.rect(0, -canvas.below, width, 0, Paint((100, 112, 66), OTHER, 0.6, GROUND))
    canvas.rect(0, -1.9, width, -0.5, Paint((176, 168, 152), OTHER, None, GROUND))
    path = [(_MIDDLE - 9, -1.5), (_MIDDLE + 9, -1.5), (_MIDDLE + 15, -canvas.below), (_MIDDLE - 15, -canvas.below)]
    canvas.poly(path, Paint((182, 174, 158), OTHER, None, GROUND))
    half = _PORTICO * _BAY / 2 + 1.0
    for step in range(8):
        y = _BASE - 0.4 - 0.22 * step
        wide = half + 0.16 * step
        tread = Paint(shade(_TRIM, 0.93 + 0.02 * (step % 2)), OTHER, 0.7, SMOOTH)
        canvas.rect(_MIDDLE - wide, y - 0.22, _MIDDLE + wide, y, tread)
        canvas.rect(_MIDDLE - wide, y - 0.22, _MIDDLE + wide, y - 0.16, Paint(shade(_TRIM, 0.72)))
    for x in (_MIDDLE - half - 1.6, _MIDDLE + half + 1.6):
        canvas.rect(x - 0.9, -0.5, x + 0.9, 1.9, Paint(_STONE, OTHER, 1.3, STONE))
        canvas.rect(x - 1.05, 1.75, x + 1.05, 2.0, Paint(_TRIM, OTHER, 1.5, SMOOTH))


def _before(front: Front, chance: Chance) -> None:
    """Draw lamps and trees at both sides."""
    front.lamp(chance, _MIDDLE - 13.2, -1.2)
    front.lamp(chance, _MIDDLE + 13.4, -1.2)
    front.tree(chance, 1.8, -1.6)
    front.tree(chance, 40.6, -1.4)
    for x, foot in ((14.5, -2.6), (18.2, -3.4), (27.5, -2.2), (33.0, -1.8), (33.8, -1.8)):
        front.person(chance, x, foot)
