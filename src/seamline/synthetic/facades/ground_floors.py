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
    Color,
    Paint,
    mix,
    region_shape,
    shade,
)
from seamline.synthetic.facades.colors import DOORS, vary
from seamline.synthetic.facades.glass import Panes
from seamline.synthetic.facades.ornaments import draw_joints
from seamline.synthetic.facades.pillars import PillarStyle, draw_pillar
from seamline.synthetic.facades.windows import WindowStyle, draw_window, opening_outline
from seamline.synthetic.sampling import Array, Sampler

Span = tuple[float, float, float, float]
"""Left and right end, height and bay width of a ground floor, in meters."""


def draw_ground_floor(
    canvas: Canvas,
    rng: Sampler,
    panes: Panes,
    kind: str,
    colors: tuple[Color, Color],
    window: WindowStyle,
    bays: tuple[float, ...],
    span: Span,
) -> None:
    """Draw the ground floor of a house.

    Args:
        canvas: The canvas.
        rng: Decides what is in each bay.
        panes: Glass of the house.
        kind: `shops`, `rustic` or `plain`.
        colors: Colors of wall and trim.
        window: Style of the windows above.
        bays: Center of each bay.
        span: Extent of the ground floor.
    """
    wall, trim = colors
    left, right, height, bay_width = span
    base = mix(wall, trim, 0.5) if kind == "rustic" else wall
    if kind == "rustic":
        canvas.rect(left, 0, right, height, Paint(base, WALL, 0.08, SMOOTH))
        draw_joints(canvas, rng, (left, 0, right, height))
    elif rng.bernoulli(0.5):
        canvas.rect(left, 0, right, height - 0.3, Paint(shade(base, rng.uniform(0.8, 1.0)), WALL))
    plinth = rng.uniform(0.4, 0.9)
    canvas.rect(left, 0, right, plinth, Paint(shade(base, rng.uniform(0.6, 0.85)), WALL, 0.12, STONE))
    door = rng.integer(0, len(bays) - 1) if rng.bernoulli(0.4) else len(bays) // 2
    window = _simplify(window, height, kind)
    arched = rng.bernoulli(0.4)
    if kind == "shops":
        _draw_sign(canvas, rng, trim, span)
    for index, x in enumerate(bays):
        if index == door:
            _draw_door(canvas, rng, trim, x, min(height - 0.9, rng.uniform(2.5, 3.3)), arched)
        elif kind == "shops":
            _draw_shop(canvas, rng, panes, x, min(bay_width * 0.84, 3.4), height)
        else:
            draw_window(canvas, rng, panes, window, x, plinth + rng.normal(0.35, 0.0))


def _simplify(window: WindowStyle, height: float, kind: str) -> WindowStyle:
    """Return a window for the ground floor, simpler than those above."""
    return replace(
        window,
        height=min(window.height, height * 0.5),
        hood="keystone" if kind == "rustic" else "none",
        apron=False,
        columns=False,
        closed_probability=0.05,
    )


def _draw_door(canvas: Canvas, rng: Sampler, trim: Color, x: float, height: float, arched: bool) -> None:
    """Draw an entrance door with its frame and panels."""
    half = rng.uniform(0.6, 1.2)
    head = "arch" if arched else "flat"
    frame = 0.2
    if not arched and rng.bernoulli(0.35):
        post = PillarStyle(0.3, trim, 0.4, rounded=True, fluted=False, capital="block")
        for side in (-1, 1):
            draw_pillar(canvas, post, x + side * (half + frame + 0.2), 0, height + frame)
        lintel = Paint(trim, OTHER, 0.5, SMOOTH)
        canvas.rect(x - half - 0.7, height + frame, x + half + 0.7, height + frame + 0.3, lintel)
    outline = opening_outline(x - half - frame, 0, x + half + frame, height + frame, head)
    canvas.poly(outline, Paint(trim, OTHER, 0.14, SMOOTH))
    wood = vary(rng, DOORS)
    canvas.poly(opening_outline(x - half, 0, x + half, height, head), Paint(wood, OTHER, -0.3, SMOOTH))
    transom = height * 0.7 if not arched else height - half
    glass = Paint(shade((56, 60, 64), rng.uniform(0.6, 1.3)), OTHER, -0.36, GLASS)
    canvas.rect(x - half * 0.85, transom + 0.08, x + half * 0.85, min(height - 0.1, transom + 0.6), glass)
    canvas.rect(x - 0.02, 0, x + 0.02, transom, Paint(shade(wood, 0.6)))
    for side in (-1, 1):
        inner, outer = x + side * half * 0.14, x + side * half * 0.84
        for low, high in ((0.1, 0.36), (0.42, 0.92)):
            canvas.rect(inner, transom * low, outer, transom * high, Paint(shade(wood, 1.14), None, -0.26))
            canvas.rect(inner, transom * low, outer, transom * low + 0.05, Paint(shade(wood, 0.7)))


def _draw_sign(canvas: Canvas, rng: Sampler, trim: Color, span: Span) -> None:
    """Draw the board above the shops, with shapes that resemble letters."""
    left, right, height, _ = span
    low, top = height - 1.0, height - 0.35
    board = rng.choice({trim: 3, shade(trim, 0.5): 2, (44, 52, 60): 1, (120, 36, 34): 1, (40, 70, 56): 1})
    canvas.rect(left + 0.1, low, right - 0.1, top, Paint(board, OTHER, 0.1, SMOOTH))
    is_light = sum(board) > 330
    ink = Paint(shade(board, 0.35) if is_light else mix(board, (240, 230, 200), 0.85), OTHER)
    x = left + rng.uniform(0.5, 1.5)
    while x < right - 2.5:
        letters = rng.integer(4, 9)
        for letter in range(letters):
            letter_x = x + letter * 0.24
            canvas.rect(letter_x, low + 0.18, letter_x + 0.06, top - 0.18, ink)
            if rng.bernoulli(0.6):
                y = low + rng.choice({0.18: 1, 0.3: 1, 0.41: 1})
                canvas.rect(letter_x, y, letter_x + 0.16, y + 0.06, ink)
            if rng.bernoulli(0.4):
                canvas.rect(letter_x + 0.12, low + 0.18, letter_x + 0.17, top - 0.18, ink)
        x += letters * 0.24 + rng.uniform(1.0, 4.0)


def _draw_goods(rng: Sampler, view: Array) -> None:
    """Draw dim goods on shelves into the view of a shop window (h, w, 3) float32, in place."""
    rows, columns = view.shape[:2]
    for _ in range(rng.integer(4, 16)):
        height, width = round(rows * rng.uniform(0.06, 0.3)), round(columns * rng.uniform(0.03, 0.2))
        bottom = round(rows * rng.choice({0.98: 3, 0.72: 2, 0.48: 1}))
        left = rng.integer(0, max(1, columns - width))
        gray = rng.uniform(20, 95)
        color = [gray * rng.uniform(0.7, 1.4) for _ in range(3)]
        view[max(0, bottom - height) : bottom, left : left + width] *= 0.45
        view[max(0, bottom - height) : bottom, left : left + width] += np.array(color, dtype=np.float32)


def _draw_shop(canvas: Canvas, rng: Sampler, panes: Panes, x: float, width: float, height: float) -> None:
    """Draw a shop window, sometimes with an awning."""
    x0, x1, top = x - width / 2, x + width / 2, height - 1.05
    frame = Paint(vary(rng, DOORS), OTHER, -0.1, SMOOTH)
    canvas.rect(x0, 0.0, x1, top, frame)
    region = canvas.region(x0 + 0.1, 0.5, x1 - 0.1, top - 0.1)
    rows, columns = region_shape(region)
    if rows > 3 and columns > 3:
        view = panes.render(rng, rows, columns)
        _draw_goods(rng, view)
        canvas.paste(region, view, Paint(None, OTHER, -0.2, GLASS))
    if rng.bernoulli(0.5):
        mullion = x0 + width * rng.uniform(0.25, 0.75)
        canvas.rect(mullion - 0.05, 0.0, mullion + 0.05, top, frame)
    if rng.bernoulli(0.3):
        cloth = rng.choice({(150, 40, 40): 2, (40, 84, 62): 2, (196, 176, 130): 2, (60, 76, 110): 1})
        stripe = mix(cloth, (235, 228, 212), 0.85) if rng.bernoulli(0.4) else cloth
        drop, margin, strips = rng.uniform(0.6, 1.0), 0.12, max(4, round(width / 0.28))
        for index in range(strips):
            left, right = (x0 - margin + (width + 2 * margin) * end / strips for end in (index, index + 1))
            paint = Paint(stripe if index % 2 else cloth, OTHER, 1.0, SMOOTH)
            canvas.rect(left, top + 0.1 - drop, right, top + 0.1, paint)
