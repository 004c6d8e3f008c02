"""A synthetic photo of a library with narrow windows and tall columns, which no generated facade resembles."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from seamline.synthetic.facades.camera import photograph, sample_camera
from seamline.synthetic.facades.canvas import (
    GLASS,
    GROUND,
    OTHER,
    SMOOTH,
    STONE,
    WALL,
    Canvas,
    Color,
    Paint,
    mix,
    shade,
)
from seamline.synthetic.facades.foreground import Foreground
from seamline.synthetic.facades.glass import Panes
from seamline.synthetic.facades.houses import draw_cornice
from seamline.synthetic.facades.lighting import Light, illuminate
from seamline.synthetic.facades.pillars import PillarStyle, draw_pillar
from seamline.synthetic.facades.streets import draw_sky
from seamline.synthetic.facades.textures import surface_texture
from seamline.synthetic.facades.windows import WindowStyle, draw_window
from seamline.synthetic.sampling import Sampler, make_generator

_HEIGHT, _WIDTH = 900, 1200
_SEED = 1871
_SCALE = 60.0  # pixels per meter of the scene; the photo has about half of them

_STONE: Color = (206, 192, 162)
_TRIM: Color = (222, 210, 184)

_MIDDLE, _BAY_WIDTH = 21.0, 2.15  # meters
_PORTICO_BAYS, _WING_BAYS = 8, 5
COLUMNS, STOREYS = _PORTICO_BAYS + 2 * _WING_BAYS, 2
"""Columns and storeys of windows of the front."""

_BASE, _ENTABLATURE, _TOP = 1.8, 14.6, 19.4  # meters: bottom and top of the columns, top of the attic


def library_photo() -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Draw the photo, the same in every call.

    Returns:
        The photo (900, 1200, 3) uint8 and its labels (900, 1200) uint8, 0..4.
    """
    rng = Sampler(make_generator(_SEED))
    canvas = Canvas(42.0, 25.0, 6.0, _SCALE)
    light = Light(sun=0.66, dx=0.62, dy=0.95, warmth=0.7)
    draw_sky(canvas, rng, light)
    _draw_building(canvas, rng)
    _draw_forecourt(canvas)
    scene = illuminate(canvas, light, rng, surface_texture(canvas, rng))
    camera = sample_camera(rng, 1.0, 1.0)  # only its random tint is used
    camera = replace(camera, exposure=0.78, saturation=0.95, contrast=0.4, blur=0.5, noise=1.6, quality=92)
    _draw_lamps_and_trees(Foreground(scene, canvas, light), rng)
    rows, columns = canvas.shape
    corners = np.array([(60.0, 50), (columns - 30, 20), (columns - 60, rows - 30), (30, rows - 10)])
    return photograph(scene, canvas.label, corners, camera, rng, (_HEIGHT, _WIDTH))


def _draw_building(canvas: Canvas, rng: Sampler) -> None:
    """Draw two wings with pilasters and, between them, a portico of columns."""
    panes = Panes(rng, _SCALE)
    half = _PORTICO_BAYS * _BAY_WIDTH / 2
    left, right = _MIDDLE - half - _WING_BAYS * _BAY_WIDTH - 0.5, _MIDDLE + half + _WING_BAYS * _BAY_WIDTH + 0.5
    canvas.rect(left + 5, _TOP - 3, right - 5, _TOP + 1.3, Paint(shade(_STONE, 0.86), OTHER, -1.5, STONE))
    canvas.rect(left + 5, _TOP + 1.0, right - 5, _TOP + 1.3, Paint(_TRIM, OTHER, -1.3, SMOOTH))
    canvas.rect(left, 0, right, _TOP - 1.6, Paint(_STONE, WALL, 0.0, STONE))
    canvas.rect(left, 0, right, _BASE, Paint(shade(_STONE, 0.82), WALL, 0.25, STONE))
    start = _MIDDLE - COLUMNS * _BAY_WIDTH / 2
    for bay in range(COLUMNS):
        x = start + (bay + 0.5) * _BAY_WIDTH
        door = abs(x - _MIDDLE) < _BAY_WIDTH * 1.6 and _WING_BAYS <= bay < _WING_BAYS + _PORTICO_BAYS
        _draw_bay(canvas, rng, panes, x, door=door)
    pilaster = PillarStyle(0.55, shade(_STONE, 1.03), 0.16, rounded=False, fluted=False, capital="block")
    for index in [*range(_WING_BAYS + 1), *range(_WING_BAYS + _PORTICO_BAYS, COLUMNS + 1)]:
        draw_pillar(canvas, pilaster, start + index * _BAY_WIDTH, _BASE, _ENTABLATURE)
    column = PillarStyle(0.92, _TRIM, 0.95, rounded=True, fluted=True, capital="leaves")
    for index in range(_PORTICO_BAYS + 1):
        draw_pillar(canvas, column, _MIDDLE - half + index * _BAY_WIDTH, _BASE, _ENTABLATURE)
    _draw_entablature(canvas, (left, right, _TOP - 1.6), 0.1)
    _draw_entablature(canvas, (_MIDDLE - half - 0.8, _MIDDLE + half + 0.8, _TOP), 0.9)
    _draw_inscription(canvas, _ENTABLATURE + 0.95)


def _draw_bay(canvas: Canvas, rng: Sampler, panes: Panes, x: float, *, door: bool) -> None:
    """Draw one bay: a narrow window or a door, a panel, and a window above."""
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
        closed_probability=0.0,
        recess=0.28,
    )
    if door:
        wood, door_top = (74, 50, 36), _BASE + 3.9
        canvas.rect(x - 0.68, _BASE - 0.4, x + 0.68, door_top + 0.2, Paint(_TRIM, OTHER, 0.1, SMOOTH))
        canvas.rect(x - 0.52, _BASE - 0.4, x + 0.52, door_top, Paint(wood, OTHER, -0.35, SMOOTH))
        canvas.rect(x - 0.44, door_top - 0.9, x + 0.44, door_top - 0.1, Paint((50, 54, 58), OTHER, -0.4, GLASS))
        for y in (_BASE - 0.2, _BASE + 1.4):
            for side in (-0.46, 0.06):
                canvas.rect(x + side, y, x + side + 0.4, y + 1.3, Paint(shade(wood, 1.2), OTHER, -0.3))
        draw_window(canvas, rng, panes, replace(window, height=2.2, bars=1, transom=0.0), x, door_top + 0.7)
    else:
        draw_window(canvas, rng, panes, window, x, _BASE + 0.7)
    canvas.rect(x - 0.5, 9.2, x + 0.5, 9.9, Paint(mix(_STONE, _TRIM, 0.5), OTHER, 0.05, SMOOTH))
    canvas.rect(x - 0.4, 9.3, x + 0.4, 9.8, Paint(shade(_STONE, 0.95), OTHER, 0.0))
    draw_window(canvas, rng, panes, replace(window, height=3.5, bars=2, transom=0.0), x, 10.4)


def _draw_entablature(canvas: Canvas, span: tuple[float, float, float], base: float) -> None:
    """Draw architrave, frieze, cornice and attic from left to right, up to a height."""
    left, right, top = span
    canvas.rect(left, _ENTABLATURE, right, top, Paint(_STONE, OTHER, base, STONE))
    for step in range(3):
        low = _ENTABLATURE + 0.24 * step
        canvas.rect(left, low, right, low + 0.24, Paint(shade(_TRIM, 0.98), OTHER, base + 0.04 * step, SMOOTH))
    draw_cornice(canvas, _TRIM, (left, right, _ENTABLATURE + 2.6), 0.95, dentils=True, base=base)
    canvas.rect(left, top - 0.3, right, top, Paint(_TRIM, OTHER, base + 0.25, SMOOTH))


def _draw_inscription(canvas: Canvas, y: float) -> None:
    """Draw the inscription of the frieze."""
    strokes = {
        "L": ((0, 0, 0, 1), (0, 0, 0.5, 0)),
        "I": ((0.25, 0, 0.25, 1),),
        "B": ((0, 0, 0, 1), (0, 1, 0.5, 1), (0, 0.5, 0.5, 0.5), (0, 0, 0.5, 0), (0.5, 0, 0.5, 1)),
        "R": ((0, 0, 0, 1), (0, 1, 0.5, 1), (0.5, 1, 0.5, 0.5), (0, 0.5, 0.5, 0.5), (0.2, 0.5, 0.55, 0)),
        "A": ((0, 0, 0.28, 1), (0.28, 1, 0.56, 0), (0.1, 0.35, 0.45, 0.35)),
        "Y": ((0, 1, 0.28, 0.5), (0.56, 1, 0.28, 0.5), (0.28, 0.5, 0.28, 0)),
    }
    word, spacing, size = "LIBRARY", 0.95, 0.5
    start = _MIDDLE - (len(word) - 0.5) * spacing / 2
    for index, letter in enumerate(word):
        for x0, y0, x1, y1 in strokes[letter]:
            left = start + index * spacing
            ends = (left + x0 * size, y + y0 * size), (left + x1 * size, y + y1 * size)
            canvas.line(*ends, 0.07, Paint(shade(_STONE, 0.5)))


def _draw_forecourt(canvas: Canvas) -> None:
    """Draw steps, a path and lawns in front."""
    width = canvas.width
    canvas.rect(0, -canvas.below, width, 0, Paint((100, 112, 66), OTHER, 0.6, GROUND))
    canvas.rect(0, -1.9, width, -0.5, Paint((176, 168, 152), OTHER, None, GROUND))
    path = [(_MIDDLE - 9, -1.5), (_MIDDLE + 9, -1.5), (_MIDDLE + 15, -canvas.below), (_MIDDLE - 15, -canvas.below)]
    canvas.poly(path, Paint((182, 174, 158), OTHER, None, GROUND))
    half = _PORTICO_BAYS * _BAY_WIDTH / 2 + 1.0
    for step in range(8):
        y = _BASE - 0.4 - 0.22 * step
        half_width = half + 0.16 * step
        tread = Paint(shade(_TRIM, 0.93 + 0.02 * (step % 2)), OTHER, 0.7, SMOOTH)
        canvas.rect(_MIDDLE - half_width, y - 0.22, _MIDDLE + half_width, y, tread)
        canvas.rect(_MIDDLE - half_width, y - 0.22, _MIDDLE + half_width, y - 0.16, Paint(shade(_TRIM, 0.72)))
    for x in (_MIDDLE - half - 1.6, _MIDDLE + half + 1.6):
        canvas.rect(x - 0.9, -0.5, x + 0.9, 1.9, Paint(_STONE, OTHER, 1.3, STONE))
        canvas.rect(x - 1.05, 1.75, x + 1.05, 2.0, Paint(_TRIM, OTHER, 1.5, SMOOTH))


def _draw_lamps_and_trees(foreground: Foreground, rng: Sampler) -> None:
    """Draw lamps and trees at both sides, and some pedestrians."""
    foreground.lamp(rng, _MIDDLE - 13.2, -1.2)
    foreground.lamp(rng, _MIDDLE + 13.4, -1.2)
    foreground.tree(rng, 1.8, -1.6)
    foreground.tree(rng, 40.6, -1.4)
    for x, foot in ((14.5, -2.6), (18.2, -3.4), (27.5, -2.2), (33.0, -1.8), (33.8, -1.8)):
        foreground.person(rng, x, foot)
