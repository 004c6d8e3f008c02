"""Windows: opening, frame, panes, and what masons and joiners put around them.

Labels: the whole opening with its frame is window; sills, hoods, pediments, aprons, shutters and closed blinds are
other, as in the real set; the plain surround of an opening stays wall.
"""

from dataclasses import dataclass
from math import cos, pi, sin

import cv2
import numpy as np
from numpy.typing import NDArray

from seamline.synthetic.facades.canvas import (
    GLASS,
    OTHER,
    SMOOTH,
    WALL,
    WINDOW,
    Canvas,
    Colour,
    Paint,
    Point,
    shade,
)
from seamline.synthetic.facades.chance import Chance
from seamline.synthetic.facades.glass import Panes
from seamline.synthetic.facades.pillars import PillarStyle, draw_pillar


@dataclass(frozen=True)
class WindowStyle:
    """How the windows of a storey look; lengths in metres.

    Attributes:
        width: of the opening.
        height: of the opening, from the sill to the top.
        head: `flat`, `arch` (half round) or `segment` (a little round).
        lights: openings side by side, 1 to 3.
        casements: sashes beside each other in an opening.
        transom: the height, as a share, at which a bar divides it; 0 for none.
        bars: glazing bars across each sash.
        frame: colour of sashes.
        trim: colour of sill, surround and hood.
        surround: width of the frame of stone or plaster around it; 0 for none.
        hood: `none`, `ledge`, `triangle`, `round` or `keystone`.
        sill: whether it has one that stands out.
        columns: whether small columns stand at its sides.
        apron: whether there is a panel below the sill.
        shutters: their colour, or None.
        closed: how often shutters or outer blinds are closed.
        deep: metres that the glass lies behind the wall.
    """

    width: float
    height: float
    head: str
    lights: int
    casements: int
    transom: float
    bars: int
    frame: Colour
    trim: Colour
    surround: float
    hood: str
    columns: bool
    sill: bool
    apron: bool
    shutters: Colour | None
    closed: float
    deep: float


_BAR = 0.065
_MULLION = 0.24


def draw_window(canvas: Canvas, chance: Chance, panes: Panes, style: WindowStyle, x: float, y: float) -> None:
    """Draw a window whose sill is `y` metres up and whose middle is at `x`, of one light or several."""
    whole = style.lights * style.width + (style.lights - 1) * _MULLION
    left, right, top = x - whole / 2, x + whole / 2, y + style.height
    edge = style.surround
    _apron(canvas, chance, style, left, right, y)
    if edge:
        rim = opening(
            left - edge, y - edge * 0.3, right + edge, top + edge, style.head if style.lights == 1 else "flat"
        )
        canvas.poly(rim, Paint(style.trim, WALL, 0.05, SMOOTH))
    _hood(canvas, style, left - edge, right + edge, top + edge)
    if style.columns:
        post = PillarStyle(0.2, style.trim, 0.2, round=True, fluted=False, capital="block")
        for side in (left - edge * 0.6, right + edge * 0.6):
            draw_pillar(canvas, post, side, y, top + edge)
    closed = chance.happens(style.closed)
    for light in range(style.lights):
        start = left + light * (style.width + _MULLION)
        _opening(canvas, chance, panes, style, (start, y, start + style.width, top), closed)
    if style.shutters is not None and style.lights == 1 and not closed:
        _shutters(canvas, style, left, right, y, top)
    if style.sill:
        wide = max(edge, 0.07) + 0.05
        stone = style.trim if edge or style.hood != "none" else shade(style.trim, 0.95)
        canvas.rect(left - wide, y - 0.13, right + wide, y, Paint(stone, OTHER, 0.18, SMOOTH))


def opening(x0: float, y0: float, x1: float, y1: float, head: str) -> list[Point]:
    """Return the outline of an opening between two corners, its head flat, half round or a little round."""
    if head == "flat":
        return [(x0, y0), (x1, y0), (x1, y1), (x0, y1)]
    half = (x1 - x0) / 2
    rise = min(half if head == "arch" else half * 0.35, (y1 - y0) * 0.8)
    steps = [pi * step / 12 for step in range(13)]
    arc = [(x0 + half + half * cos(step), y1 - rise + rise * sin(step)) for step in steps]
    return [(x0, y0), (x1, y0), *arc]


def _opening(
    canvas: Canvas,
    chance: Chance,
    panes: Panes,
    style: WindowStyle,
    corners: tuple[float, float, float, float],
    closed: bool,
) -> None:
    """Draw one light: its frame, its glass, or the blind that closes it."""
    x0, y0, x1, y1 = corners
    outline = opening(x0, y0, x1, y1, style.head)
    where = canvas.box(x0, y0, x1, y1)
    rows, columns = where[0].stop - where[0].start, where[1].stop - where[1].start
    if rows < 3 or columns < 3:
        return
    canvas.poly(outline, Paint(style.frame, WINDOW, -style.deep, SMOOTH))
    if closed:
        colour = style.shutters or shade((198, 192, 178), chance.between(0.6, 1))
        canvas.poly(outline, Paint(colour, OTHER, -style.deep * 0.4, SMOOTH))
        _louvres(canvas, colour, x0, y0, x1, y1, 0.09)
        return
    glass = _glass(canvas, style, outline, where)
    canvas.paste(where, glass, panes.look(chance, rows, columns), Paint(relief=-style.deep - 0.05, material=GLASS))
    if style.shutters is None and style.head == "flat" and chance.happens(style.closed * 0.6):
        # An outer roller blind, partly down: the part that it covers is no longer window.
        bottom = y1 - (y1 - y0) * chance.between(0.15, 0.6)
        colour = shade((204, 198, 184), chance.between(0.65, 1))
        canvas.rect(x0, bottom, x1, y1, Paint(colour, OTHER, -style.deep * 0.5, SMOOTH))
        _louvres(canvas, colour, x0, bottom, x1, y1, 0.07)


def _glass(canvas: Canvas, style: WindowStyle, outline: list[Point], where: tuple[slice, slice]) -> NDArray[np.bool_]:
    """Return which pixels of the window's box are glass: what the sashes and bars leave."""
    inside = canvas.mask(outline, where)
    edge = max(1, round(_BAR * canvas.scale))
    padded = np.pad(inside, 1).astype(np.uint8)
    glass = cv2.erode(padded, np.ones((2 * edge + 1, 2 * edge + 1), dtype=np.uint8))[1:-1, 1:-1].astype(np.bool_)
    rows, columns = glass.shape
    half = max(1, round(_BAR * canvas.scale))
    for sash in range(1, style.casements):
        middle = round(columns * sash / style.casements)
        glass[:, middle - half // 2 - half % 2 : middle + half // 2 + 1] = False
    cross = round(rows * (1 - style.transom)) if style.transom else 0
    if cross:
        glass[cross - half // 2 : cross + half // 2 + 1] = False
    thin = max(1, round(0.03 * canvas.scale))
    for bar in range(1, style.bars + 1):
        place = cross + round((rows - cross) * bar / (style.bars + 1))
        glass[place : place + thin] = False
    return glass


def _louvres(canvas: Canvas, colour: Colour, x0: float, y0: float, x1: float, y1: float, gap: float) -> None:
    """Draw the slats of a shutter or blind over a rectangle."""
    rows, columns = canvas.box(x0, y0, x1, y1)
    step = max(2, round(gap * canvas.scale))
    part = canvas.colour[rows.start + step : rows.stop : step, columns]
    same = (part == np.array(colour, dtype=np.uint8)).all(axis=2)
    part[same] = shade(colour, 0.72)


def _shutters(canvas: Canvas, style: WindowStyle, left: float, right: float, y: float, top: float) -> None:
    """Draw two open shutters against the wall."""
    colour = style.shutters or style.trim
    wide = style.width * 0.48
    for start in (left - wide - 0.03, right + 0.03):
        canvas.rect(start, y, start + wide, top, Paint(colour, OTHER, 0.06, SMOOTH))
        _louvres(canvas, colour, start + 0.06, y + 0.06, start + wide - 0.06, top - 0.06, 0.09)
        middle = y + (top - y) * 0.5
        canvas.rect(start, middle - 0.04, start + wide, middle + 0.04, Paint(shade(colour, 1.05), OTHER, 0.07))


def _apron(canvas: Canvas, chance: Chance, style: WindowStyle, left: float, right: float, y: float) -> None:
    """Draw the panel below a sill."""
    if not style.apron:
        return
    low = y - 0.62
    canvas.rect(left, low, right, y - 0.1, Paint(style.trim, OTHER, 0.04, SMOOTH))
    canvas.rect(left + 0.12, low + 0.1, right - 0.12, y - 0.22, Paint(shade(style.trim, 0.95), OTHER, -0.01))
    if style.lights == 1 and chance.happens(0.5):
        middle, high = (left + right) / 2, (low + y - 0.1) / 2
        diamond = [(middle - 0.25, high), (middle, high - 0.13), (middle + 0.25, high), (middle, high + 0.13)]
        canvas.poly(diamond, Paint(style.trim, OTHER, 0.05))


def _hood(canvas: Canvas, style: WindowStyle, left: float, right: float, top: float) -> None:
    """Draw what crowns a window: a ledge, a pediment, a keystone."""
    middle = (left + right) / 2
    if style.hood == "keystone":
        wedge = [(middle - 0.12, top - 0.12), (middle + 0.12, top - 0.12), (middle + 0.19, top + 0.3)]
        canvas.poly([*wedge, (middle - 0.19, top + 0.3)], Paint(style.trim, OTHER, 0.12, SMOOTH))
        return
    if style.hood == "none":
        return
    low = top + 0.14 if style.hood != "ledge" else top + 0.06
    canvas.rect(left, top, right, low, Paint(shade(style.trim, 0.97), OTHER, 0.06, SMOOTH))
    out = 0.17
    canvas.rect(left - out, low, right + out, low + 0.15, Paint(style.trim, OTHER, 0.3, SMOOTH))
    canvas.rect(left - out * 0.5, low - 0.07, right + out * 0.5, low, Paint(style.trim, OTHER, 0.16, SMOOTH))
    base = low + 0.15
    rise = min(0.6, (right - left) * 0.3)
    if style.hood == "triangle":
        outer = [(left - out, base), (right + out, base), (middle, base + rise)]
        inner = [(left + 0.12, base + 0.02), (right - 0.12, base + 0.02), (middle, base + rise - 0.17)]
    elif style.hood == "round":
        outer = opening(left - out, base - 0.02, right + out, base + rise * 0.85, "segment")
        inner = opening(left + 0.05, base, right - 0.05, base + rise * 0.85 - 0.13, "segment")
    else:
        return
    canvas.poly(outer, Paint(style.trim, OTHER, 0.3, SMOOTH))
    canvas.poly(inner, Paint(shade(style.trim, 0.96), OTHER, 0.06))
