"""The ground floor: shops with awnings and signs, doors, or rusticated masonry with windows."""

from dataclasses import replace

import numpy as np

from seamline.synthetic.facades.canvas import (
    GLASS,
    OTHER,
    SMOOTH,
    STONE,
    WALL,
    Canvas,
    Colour,
    Paint,
    mix,
    shade,
)
from seamline.synthetic.facades.chance import Array, Chance
from seamline.synthetic.facades.glass import Panes
from seamline.synthetic.facades.ornaments import cut_joints
from seamline.synthetic.facades.palette import DOORS, varied
from seamline.synthetic.facades.pillars import PillarStyle, draw_pillar
from seamline.synthetic.facades.windows import WindowStyle, draw_window, opening

Span = tuple[float, float, float, float]
"""Left and right end, height and width of a bay of a ground floor, in metres."""


def draw_ground_floor(
    canvas: Canvas,
    chance: Chance,
    panes: Panes,
    kind: str,
    colours: tuple[Colour, Colour],
    window: WindowStyle,
    bays: tuple[float, ...],
    span: Span,
) -> None:
    """Draw the ground floor of a house.

    Args:
        canvas: what is drawn on.
        chance: decides what is in which bay.
        panes: the house's glass.
        kind: `shops`, `rustic` or `plain`.
        colours: of the wall and of its trim.
        window: how windows look upstairs.
        bays: the middle of each bay.
        span: where the ground floor is.
    """
    wall, trim = colours
    left, right, high, bay = span
    base = mix(wall, trim, 0.5) if kind == "rustic" else wall
    if kind == "rustic":
        canvas.rect(left, 0, right, high, Paint(base, WALL, 0.08, SMOOTH))
        cut_joints(canvas, chance, (left, 0, right, high))
    elif chance.happens(0.5):
        canvas.rect(left, 0, right, high - 0.3, Paint(shade(base, chance.between(0.8, 1.0)), WALL))
    plinth = chance.between(0.4, 0.9)
    canvas.rect(left, 0, right, plinth, Paint(shade(base, chance.between(0.6, 0.85)), WALL, 0.12, STONE))
    door = chance.whole(0, len(bays) - 1) if chance.happens(0.4) else len(bays) // 2
    below = _lower(window, high, kind)
    arched = chance.happens(0.4)
    if kind == "shops":
        _sign_band(canvas, chance, trim, span)
    for number, x in enumerate(bays):
        if number == door:
            _door(canvas, chance, trim, x, min(high - 0.9, chance.between(2.5, 3.3)), arched)
        elif kind == "shops":
            _shop(canvas, chance, panes, x, min(bay * 0.84, 3.4), high)
        else:
            draw_window(canvas, chance, panes, below, x, plinth + chance.about(0.35, 0.0))


def _lower(window: WindowStyle, high: float, kind: str) -> WindowStyle:
    """Return the windows of the ground floor: simpler than those above."""
    height = min(window.height, high * 0.5)
    return replace(
        window, height=height, hood="keystone" if kind == "rustic" else "none", apron=False, columns=False, closed=0.05
    )


def _door(canvas: Canvas, chance: Chance, trim: Colour, x: float, high: float, arched: bool) -> None:
    """Draw a house door with its frame and panels."""
    half = chance.between(0.6, 1.2)
    head = "arch" if arched else "flat"
    rim = 0.2
    if not arched and chance.happens(0.35):
        post = PillarStyle(0.3, trim, 0.4, round=True, fluted=False, capital="block")
        for side in (-1, 1):
            draw_pillar(canvas, post, x + side * (half + rim + 0.2), 0, high + rim)
        canvas.rect(x - half - 0.7, high + rim, x + half + 0.7, high + rim + 0.3, Paint(trim, OTHER, 0.5, SMOOTH))
    canvas.poly(opening(x - half - rim, 0, x + half + rim, high + rim, head), Paint(trim, OTHER, 0.14, SMOOTH))
    wood = varied(chance, DOORS)
    canvas.poly(opening(x - half, 0, x + half, high, head), Paint(wood, OTHER, -0.3, SMOOTH))
    light = high * 0.7 if not arched else high - half
    glass = Paint(shade((56, 60, 64), chance.between(0.6, 1.3)), OTHER, -0.36, GLASS)
    canvas.rect(x - half * 0.85, light + 0.08, x + half * 0.85, min(high - 0.1, light + 0.6), glass)
    canvas.rect(x - 0.02, 0, x + 0.02, light, Paint(shade(wood, 0.6)))
    for side in (-1, 1):
        inner, outer = x + side * half * 0.14, x + side * half * 0.84
        for low, up in ((0.1, 0.36), (0.42, 0.92)):
            canvas.rect(inner, light * low, outer, light * up, Paint(shade(wood, 1.14), None, -0.26))
            canvas.rect(inner, light * low, outer, light * low + 0.05, Paint(shade(wood, 0.7)))


def _sign_band(canvas: Canvas, chance: Chance, trim: Colour, span: Span) -> None:
    """Draw the board above the shops, with what may be letters."""
    left, right, high, _ = span
    low, top = high - 1.0, high - 0.35
    board = chance.pick({trim: 3, shade(trim, 0.5): 2, (44, 52, 60): 1, (120, 36, 34): 1, (40, 70, 56): 1})
    canvas.rect(left + 0.1, low, right - 0.1, top, Paint(board, OTHER, 0.1, SMOOTH))
    bright = sum(board) > 330
    ink = shade(board, 0.35) if bright else mix(board, (240, 230, 200), 0.85)
    x = left + chance.between(0.5, 1.5)
    while x < right - 2.5:
        word = chance.whole(4, 9)
        for letter in range(word):
            place = x + letter * 0.24
            canvas.rect(place, low + 0.18, place + 0.06, top - 0.18, Paint(ink, OTHER))
            if chance.happens(0.6):
                y = low + chance.pick({0.18: 1, 0.3: 1, 0.41: 1})
                canvas.rect(place, y, place + 0.16, y + 0.06, Paint(ink, OTHER))
            if chance.happens(0.4):
                canvas.rect(place + 0.12, low + 0.18, place + 0.17, top - 0.18, Paint(ink, OTHER))
        x += word * 0.24 + chance.between(1.0, 4.0)


def _goods(chance: Chance, look: Array) -> None:
    """Put things on shelves behind a shop window, dim as they are; in place."""
    rows, columns = look.shape[:2]
    for _ in range(chance.whole(4, 16)):
        high, wide = round(rows * chance.between(0.06, 0.3)), round(columns * chance.between(0.03, 0.2))
        bottom = round(rows * chance.pick({0.98: 3, 0.72: 2, 0.48: 1}))
        left = chance.whole(0, max(1, columns - wide))
        grey = chance.between(20, 95)
        tone = [grey * chance.between(0.7, 1.4) for _ in range(3)]
        look[max(0, bottom - high) : bottom, left : left + wide] *= 0.45
        look[max(0, bottom - high) : bottom, left : left + wide] += np.array(tone, dtype=np.float32)


def _shop(canvas: Canvas, chance: Chance, panes: Panes, x: float, wide: float, high: float) -> None:
    """Draw a shop window, with an awning at times."""
    x0, x1, top = x - wide / 2, x + wide / 2, high - 1.05
    frame = varied(chance, DOORS)
    canvas.rect(x0, 0.0, x1, top, Paint(frame, OTHER, -0.1, SMOOTH))
    where = canvas.box(x0 + 0.1, 0.5, x1 - 0.1, top - 0.1)
    rows, columns = where[0].stop - where[0].start, where[1].stop - where[1].start
    if rows > 3 and columns > 3:
        look = panes.look(chance, rows, columns)
        _goods(chance, look)
        canvas.paste(where, look[:, :, 0] > -1, look, Paint(None, OTHER, -0.2, GLASS))
    if chance.happens(0.5):
        side = x0 + wide * chance.between(0.25, 0.75)
        canvas.rect(side - 0.05, 0.0, side + 0.05, top, Paint(frame, OTHER, -0.1, SMOOTH))
    if chance.happens(0.3):
        cloth = chance.pick({(150, 40, 40): 2, (40, 84, 62): 2, (196, 176, 130): 2, (60, 76, 110): 1})
        stripe = mix(cloth, (235, 228, 212), 0.85) if chance.happens(0.4) else cloth
        drop, out, strips = chance.between(0.6, 1.0), 0.12, max(4, round(wide / 0.28))
        for number in range(strips):
            a, b = (x0 - out + (wide + 2 * out) * place / strips for place in (number, number + 1))
            canvas.rect(a, top + 0.1 - drop, b, top + 0.1, Paint(stripe if number % 2 else cloth, OTHER, 1.0, SMOOTH))
