"""Balconies: slab, consoles and railing, labeled `balcony` together with everything visible through the railing."""

from collections.abc import Callable
from dataclasses import dataclass

from seamline.synthetic.facades.canvas import BALCONY, METAL, OTHER, SMOOTH, Box, Canvas, Color, Paint, shade
from seamline.synthetic.sampling import Sampler

_SLAB = 0.17  # height in meters


@dataclass(frozen=True)
class BalconyStyle:
    """Style of the balconies of a house; lengths in meters.

    Attributes:
        railing: `iron`, `ornate`, `stone`, `solid` or `glass`.
        color: Color of an iron or solid railing.
        trim: Color of slab, consoles and stone railings.
        height: Height of the railing.
        depth: How far the slab projects.
        consoles: Whether brackets carry the slab.
        flower_probability: Probability of a flower box on each balcony.
    """

    railing: str
    color: Color
    trim: Color
    height: float
    depth: float
    consoles: bool
    flower_probability: float


def draw_balcony(canvas: Canvas, rng: Sampler, style: BalconyStyle, x0: float, x1: float, floor: float) -> None:
    """Draw a balcony from `x0` to `x1` with its floor at height `floor`, in meters."""
    low, high = floor - _SLAB, floor + style.height
    _draw_consoles(canvas, style, x0, x1, low)
    canvas.rect(x0, low, x1, high, Paint(label=BALCONY))
    _RAILINGS[style.railing](canvas, rng, style, (x0, floor, x1, high))
    canvas.rect(x0, low, x1, floor, Paint(style.trim, BALCONY, style.depth, SMOOTH))
    canvas.rect(x0, low, x1, low + 0.05, Paint(shade(style.trim, 0.85), BALCONY))
    if rng.bernoulli(style.flower_probability):
        _draw_flowers(canvas, rng, x0, x1, high)


def _draw_consoles(canvas: Canvas, style: BalconyStyle, x0: float, x1: float, low: float) -> None:
    """Draw the brackets below the slab, labeled `other` as all ornament."""
    if not style.consoles:
        return
    count = max(2, round((x1 - x0) / 1.3) + 1)
    for index in range(count):
        x = x0 + 0.2 + (x1 - x0 - 0.4) * index / (count - 1)
        canvas.rect(x - 0.09, low - 0.42, x + 0.09, low, Paint(style.trim, OTHER, style.depth * 0.25, SMOOTH))
        canvas.rect(x - 0.09, low - 0.2, x + 0.09, low, Paint(style.trim, OTHER, style.depth * 0.7, SMOOTH))


def _draw_iron(canvas: Canvas, rng: Sampler, style: BalconyStyle, box: Box) -> None:
    """Draw a railing of vertical bars between two rails."""
    x0, y0, x1, y1 = box
    bar = Paint(style.color, BALCONY, None, METAL)
    step = rng.choice({0.11: 2, 0.14: 2, 0.18: 1})
    count = max(2, round((x1 - x0) / step))
    for index in range(count + 1):
        x = x0 + (x1 - x0) * index / count
        canvas.rect(x - 0.012, y0, x + 0.012, y1, bar)
    canvas.rect(x0, y1 - 0.06, x1, y1, Paint(style.color, BALCONY, 0.06, METAL))
    canvas.rect(x0, y0 + 0.08, x1, y0 + 0.11, bar)


def _draw_ornate(canvas: Canvas, rng: Sampler, style: BalconyStyle, box: Box) -> None:
    """Draw a wrought-iron railing: bars, and crosses between posts."""
    x0, y0, x1, y1 = box
    _draw_iron(canvas, rng, style, box)
    bar = Paint(style.color, BALCONY)
    count = max(2, round((x1 - x0) / 0.55))
    for index in range(count):
        left, right = (x0 + (x1 - x0) * end / count for end in (index, index + 1))
        canvas.line((left, y0), (right, y1), 0.03, bar)
        canvas.line((left, y1), (right, y0), 0.03, bar)
        canvas.rect(left - 0.025, y0, left + 0.025, y1, bar)
    canvas.rect(x0, y1 - 0.24, x1, y1 - 0.2, bar)


def _draw_stone(canvas: Canvas, rng: Sampler, style: BalconyStyle, box: Box) -> None:
    """Draw a stone balustrade: balusters under a coping."""
    x0, y0, x1, y1 = box
    stone = Paint(style.trim, BALCONY, style.depth, SMOOTH)
    canvas.rect(x0, y0, x1, y1, Paint(shade(style.trim, rng.uniform(0.3, 0.5)), BALCONY, style.depth - 0.2, SMOOTH))
    draw_balusters(canvas, stone, x0, x1, y0, y1 - 0.13)
    canvas.rect(x0, y1 - 0.13, x1, y1, stone)
    posts = max(1, round((x1 - x0) / 2))
    for index in range(posts + 1):
        x = x0 + 0.12 + (x1 - x0 - 0.24) * index / posts
        canvas.rect(x - 0.12, y0, x + 0.12, y1 - 0.05, stone)


def draw_balusters(canvas: Canvas, paint: Paint, x0: float, x1: float, y0: float, y1: float) -> None:
    """Draw a row of balusters, which are wider in their lower half."""
    count = max(1, round((x1 - x0) / 0.24))
    height = y1 - y0
    for index in range(count):
        x = x0 + (x1 - x0) * (index + 0.5) / count
        profile = ((0.0, 0.07), (0.1, 0.04), (0.35, 0.09), (0.75, 0.035), (0.9, 0.05), (1.0, 0.07))
        right = [(x + half, y0 + height * fraction) for fraction, half in profile]
        left = [(x - half, y0 + height * fraction) for fraction, half in reversed(profile)]
        canvas.poly(right + left, paint)


def _draw_solid(canvas: Canvas, rng: Sampler, style: BalconyStyle, box: Box) -> None:
    """Draw a solid parapet, sometimes with a rail on top."""
    x0, y0, x1, y1 = box
    top = y1 - (0.2 if rng.bernoulli(0.4) else 0)
    canvas.rect(x0, y0, x1, top, Paint(style.color, BALCONY, style.depth, SMOOTH))
    if top < y1:
        canvas.rect(x0, y1 - 0.05, x1, y1, Paint((70, 70, 72), BALCONY, None, METAL))


def _draw_glass(canvas: Canvas, rng: Sampler, style: BalconyStyle, box: Box) -> None:
    """Draw frosted glass between posts."""
    x0, y0, x1, y1 = box
    tint = shade((150, 170, 172), rng.uniform(0.8, 1.2))
    canvas.rect(x0, y0, x1, y1, Paint(tint, BALCONY, style.depth, SMOOTH))
    count = max(2, round((x1 - x0) / 1.1))
    for index in range(count + 1):
        x = x0 + (x1 - x0) * index / count
        canvas.rect(x - 0.02, y0, x + 0.02, y1, Paint(shade(tint, 0.6), BALCONY))
    canvas.rect(x0, y1 - 0.05, x1, y1, Paint((96, 98, 98), BALCONY, style.depth + 0.04, METAL))


def _draw_flowers(canvas: Canvas, rng: Sampler, x0: float, x1: float, top: float) -> None:
    """Draw a flower box on the railing."""
    blossom = rng.choice({(196, 46, 58): 3, (214, 96, 140): 2, (232, 226, 220): 1, (180, 70, 160): 1})
    width = min(x1 - x0, rng.uniform(0.8, 2.0))
    left = rng.uniform(x0, x1 - width) if x1 - width > x0 else x0
    canvas.rect(left, top - 0.22, left + width, top - 0.04, Paint((92, 76, 60), BALCONY, None, SMOOTH))
    for _ in range(round(width * 26)):
        x, y = rng.uniform(left, left + width), top + rng.uniform(-0.18, 0.14)
        color = blossom if rng.bernoulli(0.35) else shade((66, 104, 50), rng.uniform(0.6, 1.4))
        label = BALCONY if y <= top else None
        canvas.rect(x - 0.04, y - 0.04, x + 0.04, y + 0.03, Paint(color, label, None, SMOOTH))


_RAILINGS: dict[str, Callable[[Canvas, Sampler, BalconyStyle, Box], None]] = {
    "iron": _draw_iron,
    "ornate": _draw_ornate,
    "stone": _draw_stone,
    "solid": _draw_solid,
    "glass": _draw_glass,
}
