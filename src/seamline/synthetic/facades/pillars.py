"""Pilasters and columns. Base, shaft and capital are all labeled `pillar`."""

from dataclasses import dataclass

import numpy as np

from seamline.synthetic.facades.canvas import PILLAR, SMOOTH, Canvas, Color, Paint, region_shape


@dataclass(frozen=True)
class PillarStyle:
    """Style of the pillars of a house; lengths in meters.

    Attributes:
        width: Width of the shaft.
        color: Color of all parts.
        projection: Relief of the shaft.
        rounded: Whether it is a half column instead of a flat pilaster.
        fluted: Whether the shaft has grooves.
        capital: `plain`, `block` or `leaves`.
        material: Material of the shaft.
    """

    width: float
    color: Color
    projection: float
    rounded: bool
    fluted: bool
    capital: str
    material: int = SMOOTH


def draw_pillar(canvas: Canvas, style: PillarStyle, x: float, y0: float, y1: float) -> None:
    """Draw a pillar centered at `x`, from `y0` to `y1` meters up."""
    half = style.width / 2
    relief = style.projection
    base = min(0.3, (y1 - y0) * 0.1)
    head = min({"plain": 0.2, "block": 0.34, "leaves": 0.62}[style.capital] * (0.5 + style.width), (y1 - y0) * 0.2)
    canvas.rect(x - half, y0, x + half, y1, Paint(style.color, PILLAR, relief, style.material))
    if style.rounded:
        _round_shaft(canvas, x, half, y0, y1, relief)
    if style.fluted:
        _draw_flutes(canvas, x, half, y0 + base, y1 - head, relief)
    stone = Paint(style.color, PILLAR, relief + 0.07, SMOOTH)
    half_base = half * 1.22
    canvas.rect(x - half_base, y0, x + half_base, y0 + base * 0.6, stone)
    canvas.rect(x - half * 1.1, y0 + base * 0.6, x + half * 1.1, y0 + base, stone)
    abacus = Paint(style.color, PILLAR, relief + 0.12, SMOOTH)
    canvas.rect(x - half_base * 1.08, y1 - head * 0.28, x + half_base * 1.08, y1, abacus)
    canvas.rect(x - half * 1.08, y1 - head - 0.06, x + half * 1.08, y1 - head, stone)
    if style.capital == "block":
        canvas.rect(x - half_base, y1 - head * 0.7, x + half_base, y1 - head * 0.28, stone)
    if style.capital == "leaves":
        bell = [(x - half, y1 - head), (x + half, y1 - head), (x + half_base * 1.1, y1 - head * 0.28)]
        canvas.poly([*bell, (x - half_base * 1.1, y1 - head * 0.28)], stone)
        for leaf in range(5):
            center = x + half * (leaf - 2) / 2.4
            low, high = y1 - head * (0.95 - 0.1 * (leaf % 2)), y1 - head * (0.5 - 0.12 * (leaf % 2))
            outline = [(center - half * 0.16, low), (center + half * 0.16, low), (center, high)]
            canvas.poly(outline, Paint(None, PILLAR, relief + 0.16))


def _round_shaft(canvas: Canvas, x: float, half: float, y0: float, y1: float, relief: float) -> None:
    """Give a shaft the relief of a half column."""
    region = canvas.region(x - half, y0, x + half, y1)
    columns = region_shape(region)[1]
    if columns > 0:
        position = (np.arange(columns, dtype=np.float32) + np.float32(0.5)) / np.float32(columns) * 2 - 1
        canvas.relief[region] = np.float32(relief) * np.sqrt(np.maximum(0.02, 1 - position * position))


def _draw_flutes(canvas: Canvas, x: float, half: float, y0: float, y1: float, relief: float) -> None:
    """Draw the grooves of a shaft."""
    count = max(3, round(half * 2 / 0.13))
    for groove in range(count):
        center = x + half * (2 * (groove + 0.5) / count - 1) * 0.92
        canvas.rect(center - 0.022, y0 + 0.08, center + 0.022, y1 - 0.08, Paint(None, PILLAR, relief - 0.05))
