"""Roofs: slopes of tiles, mansards with dormers, parapets, chimneys. All of a roof is other, but for its windows."""

from seamline.synthetic.facades.balconies import balusters
from seamline.synthetic.facades.canvas import (
    BRICK,
    GLASS,
    METAL,
    OTHER,
    SMOOTH,
    TILES,
    WINDOW,
    Canvas,
    Colour,
    Paint,
    shade,
)
from seamline.synthetic.facades.chance import Chance
from seamline.synthetic.facades.glass import Panes
from seamline.synthetic.facades.palette import BRICKS, ROOFS, varied

Eaves = tuple[float, float, float]
"""Left and right end of the eaves and their height, in metres."""


def draw_roof(
    canvas: Canvas, chance: Chance, kind: str, trim: Colour, panes: Panes, eaves: Eaves, bays: tuple[float, ...]
) -> None:
    """Draw the roof behind the top of a wall.

    Args:
        canvas: what is drawn on.
        chance: decides dormers and chimneys.
        kind: `slope`, `mansard`, `flat` or `balustrade`.
        trim: colour of a balustrade and of dormers.
        panes: the house's glass.
        eaves: where the wall ends.
        bays: the middle of each bay, where dormers stand.
    """
    left, right, top = eaves
    colour = varied(chance, ROOFS)
    high = {"slope": chance.between(1.6, 3.4), "mansard": chance.between(2.6, 3.4), "flat": 0.0, "balustrade": 1.0}[
        kind
    ]
    _chimneys(canvas, chance, left, right, top + high)
    if kind == "balustrade":
        _balustrade(canvas, trim, eaves)
    if high == 0 or kind == "balustrade":
        return
    tuck = chance.between(0, 1.2) if kind == "slope" else 0.35
    outline = [(left - 0.15, top), (right + 0.15, top), (right - tuck, top + high), (left + tuck, top + high)]
    canvas.poly(outline, Paint(colour, OTHER, -0.3, TILES))
    if kind == "mansard":
        ridge = Paint(shade(colour, 0.8), OTHER, 0.0, METAL)
        canvas.rect(left + tuck, top + high - 0.15, right - tuck, top + high + 0.05, ridge)
    step = 1 if kind == "mansard" else chance.pick({2: 2, 3: 1, 99: 2})
    for bay in bays[:: max(1, step)] if step < 90 else ():
        _dormer(canvas, chance, panes, trim, colour, (bay, top + 0.45, min(1.5, high * 0.55)))


def _dormer(
    canvas: Canvas,
    chance: Chance,
    panes: Panes,
    trim: Colour,
    roof: Colour,
    place: tuple[float, float, float],
) -> None:
    """Draw a dormer: cheeks and gable are other, its window is window."""
    x, y, high = place
    half = 0.62
    canvas.rect(x - half, y - 0.2, x + half, y + high, Paint(trim, OTHER, 0.0, SMOOTH))
    gable = [(x - half - 0.15, y + high), (x + half + 0.15, y + high), (x, y + high + 0.5)]
    canvas.poly(gable, Paint(shade(roof, 0.85), OTHER, 0.1, SMOOTH))
    canvas.rect(x - half * 0.66, y, x + half * 0.66, y + high - 0.12, Paint((214, 210, 200), WINDOW, -0.06, SMOOTH))
    for side in (-1, 1):
        where = canvas.box(x + side * half * 0.06, y + 0.07, x + side * half * 0.58, y + high - 0.19)
        rows, columns = where[0].stop - where[0].start, where[1].stop - where[1].start
        if rows > 2 and columns > 2:
            look = panes.look(chance, rows, columns)
            canvas.paste(where, look[:, :, 0] > -1, look, Paint(None, WINDOW, -0.1, GLASS))


def _balustrade(canvas: Canvas, trim: Colour, eaves: Eaves) -> None:
    """Draw a balustrade along the eaves: ornament, not a balcony, so other."""
    left, right, top = eaves
    stone = Paint(trim, OTHER, 0.1, SMOOTH)
    balusters(canvas, stone, left, right, top, top + 0.75)
    canvas.rect(left, top + 0.75, right, top + 0.92, stone)
    count = max(2, round((right - left) / 3))
    for number in range(count + 1):
        x = left + 0.2 + (right - left - 0.4) * number / count
        canvas.rect(x - 0.2, top, x + 0.2, top + 1.0, stone)


def _chimneys(canvas: Canvas, chance: Chance, left: float, right: float, top: float) -> None:
    """Draw some chimneys and an aerial behind the ridge."""
    for _ in range(chance.whole(0, 3)):
        x, wide, high = chance.between(left + 1, right - 1.5), chance.between(0.5, 1.1), chance.between(0.7, 1.4)
        brick = varied(chance, BRICKS)
        canvas.rect(x, top - 1.2, x + wide, top + high, Paint(brick, OTHER, 0.0, BRICK))
        canvas.rect(
            x - 0.08, top + high, x + wide + 0.08, top + high + 0.12, Paint(shade(brick, 0.7), OTHER, 0.1, SMOOTH)
        )
    if chance.happens(0.4):
        x, high = chance.between(left + 1, right - 1), top + chance.between(1.0, 2.2)
        thin = Paint((70, 70, 72), OTHER, None, METAL)
        canvas.rect(x - 0.02, top - 1, x + 0.02, high, thin)
        for bar in range(4):
            reach = 0.45 - 0.08 * bar
            canvas.rect(x - reach, high - 0.15 - 0.16 * bar, x + reach, high - 0.12 - 0.16 * bar, thin)
