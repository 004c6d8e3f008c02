"""Windows: opening, frame, panes, and the masonry and joinery around them.

Labels: the whole opening with its frame is `window`. Sills, hoods, pediments, aprons, shutters and closed blinds are
`other`, as in the mini facade set. The plain surround of an opening stays `facade`.
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
    Box,
    Canvas,
    Color,
    Paint,
    Point,
    Region,
    region_shape,
    shade,
)
from seamline.synthetic.facades.glass import Panes
from seamline.synthetic.facades.pillars import PillarStyle, draw_pillar
from seamline.synthetic.sampling import Sampler


@dataclass(frozen=True)
class WindowStyle:
    """Style of the windows of a story; lengths in meters.

    Attributes:
        width: Width of one opening.
        height: Height of the opening above the sill.
        head: `flat`, `arch` (semicircular) or `segment` (slightly curved).
        lights: Number of openings side by side, 1 to 3.
        casements: Number of sashes side by side in an opening.
        transom: Height of the transom bar as a fraction, 0 for none.
        bars: Number of horizontal glazing bars.
        frame: Color of the sashes.
        trim: Color of sill, surround and hood.
        surround: Width of the stone or plaster surround, 0 for none.
        hood: `none`, `ledge`, `triangle`, `round` or `keystone`.
        columns: Whether small columns stand at its sides.
        sill: Whether it has a projecting sill.
        apron: Whether there is a panel below the sill.
        shutters: Color of the shutters, or None.
        closed_probability: Probability that shutters or outer blinds are closed.
        recess: Depth of the frame behind the wall.
    """

    width: float
    height: float
    head: str
    lights: int
    casements: int
    transom: float
    bars: int
    frame: Color
    trim: Color
    surround: float
    hood: str
    columns: bool
    sill: bool
    apron: bool
    shutters: Color | None
    closed_probability: float
    recess: float


_BAR = 0.065  # width of sashes and bars in meters
_MULLION = 0.24  # width between two openings in meters


def draw_window(canvas: Canvas, rng: Sampler, panes: Panes, style: WindowStyle, x: float, y: float) -> None:
    """Draw a window of one or several openings, centered at `x` with its sill at height `y`."""
    width = style.lights * style.width + (style.lights - 1) * _MULLION
    left, right, top = x - width / 2, x + width / 2, y + style.height
    edge = style.surround
    if style.apron:
        _draw_apron(canvas, rng, style, left, right, y)
    if edge:
        head = style.head if style.lights == 1 else "flat"
        outline = opening_outline(left - edge, y - edge * 0.3, right + edge, top + edge, head)
        canvas.poly(outline, Paint(style.trim, WALL, 0.05, SMOOTH))
    if style.hood != "none":
        _draw_hood(canvas, style, left - edge, right + edge, top + edge)
    if style.columns:
        post = PillarStyle(0.2, style.trim, 0.2, rounded=True, fluted=False, capital="block")
        for side in (left - edge * 0.6, right + edge * 0.6):
            draw_pillar(canvas, post, side, y, top + edge)
    closed = rng.bernoulli(style.closed_probability)
    for light in range(style.lights):
        start = left + light * (style.width + _MULLION)
        _draw_opening(canvas, rng, panes, style, (start, y, start + style.width, top), closed)
    if style.shutters is not None and style.lights == 1 and not closed:
        _draw_shutters(canvas, style, style.shutters, (left, y, right, top))
    if style.sill:
        margin = max(edge, 0.07) + 0.05
        stone = style.trim if edge or style.hood != "none" else shade(style.trim, 0.95)
        canvas.rect(left - margin, y - 0.13, right + margin, y, Paint(stone, OTHER, 0.18, SMOOTH))


def opening_outline(x0: float, y0: float, x1: float, y1: float, head: str) -> list[Point]:
    """Return the outline of an opening between two corners; `head` is `flat`, `arch` or `segment`."""
    if head == "flat":
        return [(x0, y0), (x1, y0), (x1, y1), (x0, y1)]
    half = (x1 - x0) / 2
    rise = min(half if head == "arch" else half * 0.35, (y1 - y0) * 0.8)
    angles = [pi * step / 12 for step in range(13)]
    arc = [(x0 + half + half * cos(angle), y1 - rise + rise * sin(angle)) for angle in angles]
    return [(x0, y0), (x1, y0), *arc]


def _draw_opening(
    canvas: Canvas,
    rng: Sampler,
    panes: Panes,
    style: WindowStyle,
    box: Box,
    closed: bool,
) -> None:
    """Draw one opening: its frame and glass, or the blind that closes it."""
    x0, y0, x1, y1 = box
    outline = opening_outline(x0, y0, x1, y1, style.head)
    region = canvas.region(x0, y0, x1, y1)
    rows, columns = region_shape(region)
    if rows < 3 or columns < 3:
        return
    canvas.poly(outline, Paint(style.frame, WINDOW, -style.recess, SMOOTH))
    if closed:
        color = style.shutters or shade((198, 192, 178), rng.uniform(0.6, 1))
        canvas.poly(outline, Paint(color, OTHER, -style.recess * 0.4, SMOOTH))
        _draw_slats(canvas, color, box, 0.09)
        return
    glass = _glass_mask(canvas, style, outline, region)
    paint = Paint(relief=-style.recess - 0.05, material=GLASS)
    canvas.paste(region, panes.render(rng, rows, columns), paint, glass)
    if style.shutters is None and style.head == "flat" and rng.bernoulli(style.closed_probability * 0.6):
        # An outer roller blind, partly down. The covered part is not labeled as window.
        bottom = y1 - (y1 - y0) * rng.uniform(0.15, 0.6)
        color = shade((204, 198, 184), rng.uniform(0.65, 1))
        canvas.rect(x0, bottom, x1, y1, Paint(color, OTHER, -style.recess * 0.5, SMOOTH))
        _draw_slats(canvas, color, (x0, bottom, x1, y1), 0.07)


def _glass_mask(canvas: Canvas, style: WindowStyle, outline: list[Point], region: Region) -> NDArray[np.bool_]:
    """Return the pixels of the window's region between sashes and bars, (h, w) bool."""
    inside = canvas.mask(outline, region)
    bar_width = max(1, round(_BAR * canvas.scale))
    padded = np.pad(inside, 1).astype(np.uint8)
    kernel = np.ones((2 * bar_width + 1, 2 * bar_width + 1), dtype=np.uint8)
    glass = cv2.erode(padded, kernel)[1:-1, 1:-1].astype(np.bool_)
    rows, columns = glass.shape
    for sash in range(1, style.casements):
        center = round(columns * sash / style.casements)
        glass[:, center - bar_width // 2 - bar_width % 2 : center + bar_width // 2 + 1] = False
    transom = round(rows * (1 - style.transom)) if style.transom else 0
    if transom:
        glass[transom - bar_width // 2 : transom + bar_width // 2 + 1] = False
    thin = max(1, round(0.03 * canvas.scale))
    for bar in range(1, style.bars + 1):
        row = transom + round((rows - transom) * bar / (style.bars + 1))
        glass[row : row + thin] = False
    return glass


def _draw_slats(canvas: Canvas, color: Color, box: Box, spacing: float) -> None:
    """Draw the slats of a shutter or blind over a rectangle."""
    rows, columns = canvas.region(*box)
    step = max(2, round(spacing * canvas.scale))
    slats = canvas.color[rows.start + step : rows.stop : step, columns]
    same = (slats == np.array(color, dtype=np.uint8)).all(axis=2)
    slats[same] = shade(color, 0.72)


def _draw_shutters(canvas: Canvas, style: WindowStyle, color: Color, box: Box) -> None:
    """Draw two open shutters beside a window."""
    left, y, right, top = box
    width = style.width * 0.48
    for start in (left - width - 0.03, right + 0.03):
        canvas.rect(start, y, start + width, top, Paint(color, OTHER, 0.06, SMOOTH))
        _draw_slats(canvas, color, (start + 0.06, y + 0.06, start + width - 0.06, top - 0.06), 0.09)
        middle = y + (top - y) * 0.5
        canvas.rect(start, middle - 0.04, start + width, middle + 0.04, Paint(shade(color, 1.05), OTHER, 0.07))


def _draw_apron(canvas: Canvas, rng: Sampler, style: WindowStyle, left: float, right: float, y: float) -> None:
    """Draw the panel below a sill."""
    low = y - 0.62
    canvas.rect(left, low, right, y - 0.1, Paint(style.trim, OTHER, 0.04, SMOOTH))
    canvas.rect(left + 0.12, low + 0.1, right - 0.12, y - 0.22, Paint(shade(style.trim, 0.95), OTHER, -0.01))
    if style.lights == 1 and rng.bernoulli(0.5):
        center, middle = (left + right) / 2, (low + y - 0.1) / 2
        diamond = [(center - 0.25, middle), (center, middle - 0.13), (center + 0.25, middle), (center, middle + 0.13)]
        canvas.poly(diamond, Paint(style.trim, OTHER, 0.05))


def _draw_hood(canvas: Canvas, style: WindowStyle, left: float, right: float, top: float) -> None:
    """Draw the crown of a window: a ledge, a pediment or a keystone."""
    middle = (left + right) / 2
    if style.hood == "keystone":
        wedge = [(middle - 0.12, top - 0.12), (middle + 0.12, top - 0.12), (middle + 0.19, top + 0.3)]
        canvas.poly([*wedge, (middle - 0.19, top + 0.3)], Paint(style.trim, OTHER, 0.12, SMOOTH))
        return
    low = top + 0.14 if style.hood != "ledge" else top + 0.06
    canvas.rect(left, top, right, low, Paint(shade(style.trim, 0.97), OTHER, 0.06, SMOOTH))
    margin = 0.17
    canvas.rect(left - margin, low, right + margin, low + 0.15, Paint(style.trim, OTHER, 0.3, SMOOTH))
    canvas.rect(left - margin * 0.5, low - 0.07, right + margin * 0.5, low, Paint(style.trim, OTHER, 0.16, SMOOTH))
    base = low + 0.15
    rise = min(0.6, (right - left) * 0.3)
    if style.hood == "triangle":
        outer = [(left - margin, base), (right + margin, base), (middle, base + rise)]
        inner = [(left + 0.12, base + 0.02), (right - 0.12, base + 0.02), (middle, base + rise - 0.17)]
    elif style.hood == "round":
        outer = opening_outline(left - margin, base - 0.02, right + margin, base + rise * 0.85, "segment")
        inner = opening_outline(left + 0.05, base, right - 0.05, base + rise * 0.85 - 0.13, "segment")
    else:
        return
    canvas.poly(outer, Paint(style.trim, OTHER, 0.3, SMOOTH))
    canvas.poly(inner, Paint(shade(style.trim, 0.96), OTHER, 0.06))
