"""Balconies: slab, consoles and railing. All of it is balcony, and what is seen through the bars of its railing too."""

from dataclasses import dataclass

from seamline.synthetic.facades.canvas import BALCONY, METAL, OTHER, SMOOTH, Canvas, Colour, Paint, shade
from seamline.synthetic.facades.chance import Chance

Box = tuple[float, float, float, float]
"""Left end, foot, right end and top of a railing, in metres."""

_SLAB = 0.17  # metres


@dataclass(frozen=True)
class BalconyStyle:
    """How the balconies of a house look; lengths in metres.

    Attributes:
        railing: `iron`, `ornate`, `stone`, `solid` or `glass`.
        colour: of the railing, where it is iron or solid.
        trim: of slab, consoles and stone railings.
        high: of the railing.
        deep: how far it stands out.
        consoles: whether brackets carry it.
        flowers: how often boxes of flowers hang on it.
    """

    railing: str
    colour: Colour
    trim: Colour
    high: float
    deep: float
    consoles: bool
    flowers: float


def draw_balcony(canvas: Canvas, chance: Chance, style: BalconyStyle, x0: float, x1: float, floor: float) -> None:
    """Draw a balcony from `x0` to `x1` with its floor `floor` metres up."""
    low, high = floor - _SLAB, floor + style.high
    _consoles(canvas, style, x0, x1, low)
    canvas.rect(x0, low, x1, high, Paint(label=BALCONY))
    {"iron": _iron, "ornate": _ornate, "stone": _stone, "solid": _solid, "glass": _pane}[style.railing](
        canvas, chance, style, (x0, floor, x1, high)
    )
    canvas.rect(x0, low, x1, floor, Paint(style.trim, BALCONY, style.deep, SMOOTH))
    canvas.rect(x0, low, x1, low + 0.05, Paint(shade(style.trim, 0.85), BALCONY))
    if chance.happens(style.flowers):
        _flowers(canvas, chance, x0, x1, high)


def _consoles(canvas: Canvas, style: BalconyStyle, x0: float, x1: float, low: float) -> None:
    """Draw the brackets below the slab: other, as all ornament."""
    if not style.consoles:
        return
    count = max(2, round((x1 - x0) / 1.3) + 1)
    for number in range(count):
        x = x0 + 0.2 + (x1 - x0 - 0.4) * number / (count - 1)
        canvas.rect(x - 0.09, low - 0.42, x + 0.09, low, Paint(style.trim, OTHER, style.deep * 0.25, SMOOTH))
        canvas.rect(x - 0.09, low - 0.2, x + 0.09, low, Paint(style.trim, OTHER, style.deep * 0.7, SMOOTH))


def _iron(canvas: Canvas, chance: Chance, style: BalconyStyle, box: Box) -> None:
    """Draw upright bars between two rails."""
    x0, y0, x1, y1 = box
    bar = Paint(style.colour, BALCONY, None, METAL)
    step = chance.pick({0.11: 2, 0.14: 2, 0.18: 1})
    count = max(2, round((x1 - x0) / step))
    for number in range(count + 1):
        x = x0 + (x1 - x0) * number / count
        canvas.rect(x - 0.012, y0, x + 0.012, y1, bar)
    canvas.rect(x0, y1 - 0.06, x1, y1, Paint(style.colour, BALCONY, 0.06, METAL))
    canvas.rect(x0, y0 + 0.08, x1, y0 + 0.11, bar)


def _ornate(canvas: Canvas, chance: Chance, style: BalconyStyle, box: Box) -> None:
    """Draw wrought iron: bars, and crosses between posts."""
    x0, y0, x1, y1 = box
    _iron(canvas, chance, style, box)
    bar = Paint(style.colour, BALCONY)
    count = max(2, round((x1 - x0) / 0.55))
    for number in range(count):
        left, right = (x0 + (x1 - x0) * place / count for place in (number, number + 1))
        canvas.line((left, y0), (right, y1), 0.03, bar)
        canvas.line((left, y1), (right, y0), 0.03, bar)
        canvas.rect(left - 0.025, y0, left + 0.025, y1, bar)
    canvas.rect(x0, y1 - 0.24, x1, y1 - 0.2, bar)


def _stone(canvas: Canvas, chance: Chance, style: BalconyStyle, box: Box) -> None:
    """Draw a balustrade: turned posts under a coping."""
    x0, y0, x1, y1 = box
    stone = Paint(style.trim, BALCONY, style.deep, SMOOTH)
    canvas.rect(x0, y0, x1, y1, Paint(shade(style.trim, chance.between(0.3, 0.5)), BALCONY, style.deep - 0.2, SMOOTH))
    balusters(canvas, stone, x0, x1, y0, y1 - 0.13)
    canvas.rect(x0, y1 - 0.13, x1, y1, stone)
    posts = max(1, round((x1 - x0) / 2))
    for number in range(posts + 1):
        x = x0 + 0.12 + (x1 - x0 - 0.24) * number / posts
        canvas.rect(x - 0.12, y0, x + 0.12, y1 - 0.05, stone)


def balusters(canvas: Canvas, paint: Paint, x0: float, x1: float, y0: float, y1: float) -> None:
    """Draw turned posts side by side, wide in their lower half."""
    count = max(1, round((x1 - x0) / 0.24))
    high = y1 - y0
    for number in range(count):
        x = x0 + (x1 - x0) * (number + 0.5) / count
        profile = ((0.0, 0.07), (0.1, 0.04), (0.35, 0.09), (0.75, 0.035), (0.9, 0.05), (1.0, 0.07))
        right = [(x + wide, y0 + high * up) for up, wide in profile]
        left = [(x - wide, y0 + high * up) for up, wide in reversed(profile)]
        canvas.poly(right + left, paint)


def _solid(canvas: Canvas, chance: Chance, style: BalconyStyle, box: Box) -> None:
    """Draw a closed parapet, with a rail on it at times."""
    x0, y0, x1, y1 = box
    top = y1 - (0.2 if chance.happens(0.4) else 0)
    canvas.rect(x0, y0, x1, top, Paint(style.colour, BALCONY, style.deep, SMOOTH))
    if top < y1:
        canvas.rect(x0, y1 - 0.05, x1, y1, Paint((70, 70, 72), BALCONY, None, METAL))


def _pane(canvas: Canvas, chance: Chance, style: BalconyStyle, box: Box) -> None:
    """Draw sheets of clouded glass between posts."""
    x0, y0, x1, y1 = box
    tint = shade((150, 170, 172), chance.between(0.8, 1.2))
    canvas.rect(x0, y0, x1, y1, Paint(tint, BALCONY, style.deep, SMOOTH))
    count = max(2, round((x1 - x0) / 1.1))
    for number in range(count + 1):
        x = x0 + (x1 - x0) * number / count
        canvas.rect(x - 0.02, y0, x + 0.02, y1, Paint(shade(tint, 0.6), BALCONY))
    canvas.rect(x0, y1 - 0.05, x1, y1, Paint((96, 98, 98), BALCONY, style.deep + 0.04, METAL))


def _flowers(canvas: Canvas, chance: Chance, x0: float, x1: float, top: float) -> None:
    """Hang a box of flowers on the railing."""
    bloom = chance.pick({(196, 46, 58): 3, (214, 96, 140): 2, (232, 226, 220): 1, (180, 70, 160): 1})
    wide = min(x1 - x0, chance.between(0.8, 2.0))
    left = chance.between(x0, x1 - wide) if x1 - wide > x0 else x0
    canvas.rect(left, top - 0.22, left + wide, top - 0.04, Paint((92, 76, 60), BALCONY, None, SMOOTH))
    for _ in range(round(wide * 26)):
        x, y = chance.between(left, left + wide), top + chance.between(-0.18, 0.14)
        colour = bloom if chance.happens(0.35) else shade((66, 104, 50), chance.between(0.6, 1.4))
        label = BALCONY if y <= top else None
        canvas.rect(x - 0.04, y - 0.04, x + 0.04, y + 0.03, Paint(colour, label, None, SMOOTH))
