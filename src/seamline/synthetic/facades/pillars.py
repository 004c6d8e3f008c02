"""Pilasters and columns: base, shaft and capital, all of them pillar."""

from dataclasses import dataclass

import numpy as np

from seamline.synthetic.facades.canvas import PILLAR, SMOOTH, Canvas, Colour, Paint


@dataclass(frozen=True)
class PillarStyle:
    """How the pillars of a house look; lengths in metres.

    Attributes:
        width: of the shaft.
        colour: of all of it.
        out: how far it stands out.
        round: whether it is a half column, not a flat pilaster.
        fluted: whether its shaft has grooves.
        capital: `plain`, `block` or `leaves`.
        material: of the shaft.
    """

    width: float
    colour: Colour
    out: float
    round: bool
    fluted: bool
    capital: str
    material: int = SMOOTH


def draw_pillar(canvas: Canvas, style: PillarStyle, x: float, y0: float, y1: float) -> None:
    """Draw a pillar with its middle at `x`, from `y0` to `y1` metres up."""
    half = style.width / 2
    out = style.out
    base = min(0.3, (y1 - y0) * 0.1)
    head = min({"plain": 0.2, "block": 0.34, "leaves": 0.62}[style.capital] * (0.5 + style.width), (y1 - y0) * 0.2)
    canvas.rect(x - half, y0, x + half, y1, Paint(style.colour, PILLAR, out, style.material))
    if style.round:
        _turn(canvas, x, half, y0, y1, out)
    if style.fluted:
        _flutes(canvas, x, half, y0 + base, y1 - head, out)
    stone = Paint(style.colour, PILLAR, out + 0.07, SMOOTH)
    wide = half * 1.22
    canvas.rect(x - wide, y0, x + wide, y0 + base * 0.6, stone)
    canvas.rect(x - half * 1.1, y0 + base * 0.6, x + half * 1.1, y0 + base, stone)
    canvas.rect(x - wide * 1.08, y1 - head * 0.28, x + wide * 1.08, y1, Paint(style.colour, PILLAR, out + 0.12, SMOOTH))
    canvas.rect(x - half * 1.08, y1 - head - 0.06, x + half * 1.08, y1 - head, stone)
    if style.capital == "block":
        canvas.rect(x - wide, y1 - head * 0.7, x + wide, y1 - head * 0.28, stone)
    if style.capital == "leaves":
        bell = [(x - half, y1 - head), (x + half, y1 - head), (x + wide * 1.1, y1 - head * 0.28)]
        canvas.poly([*bell, (x - wide * 1.1, y1 - head * 0.28)], stone)
        for leaf in range(5):
            middle = x + half * (leaf - 2) / 2.4
            low, high = y1 - head * (0.95 - 0.1 * (leaf % 2)), y1 - head * (0.5 - 0.12 * (leaf % 2))
            tip = [(middle - half * 0.16, low), (middle + half * 0.16, low), (middle, high)]
            canvas.poly(tip, Paint(None, PILLAR, out + 0.16))


def _turn(canvas: Canvas, x: float, half: float, y0: float, y1: float, out: float) -> None:
    """Give a shaft the relief of a half column."""
    where = canvas.box(x - half, y0, x + half, y1)
    columns = where[1].stop - where[1].start
    if columns > 0:
        across = (np.arange(columns, dtype=np.float32) + np.float32(0.5)) / np.float32(columns) * 2 - 1
        canvas.relief[where] = np.float32(out) * np.sqrt(np.maximum(0.02, 1 - across * across))


def _flutes(canvas: Canvas, x: float, half: float, y0: float, y1: float, out: float) -> None:
    """Cut grooves into a shaft."""
    count = max(3, round(half * 2 / 0.13))
    for groove in range(count):
        middle = x + half * (2 * (groove + 0.5) / count - 1) * 0.92
        canvas.rect(middle - 0.022, y0 + 0.08, middle + 0.022, y1 - 0.08, Paint(None, PILLAR, out - 0.05))
