"""Roofs: tiled slopes, mansards with dormers, balustrades, chimneys. All but dormer windows is labeled `other`."""

from seamline.synthetic.facades.balconies import draw_balusters
from seamline.synthetic.facades.canvas import (
    BRICK,
    GLASS,
    METAL,
    OTHER,
    SMOOTH,
    TILES,
    WINDOW,
    Canvas,
    Color,
    Paint,
    region_shape,
    shade,
)
from seamline.synthetic.facades.colors import BRICKS, ROOFS, vary
from seamline.synthetic.facades.glass import Panes
from seamline.synthetic.sampling import Sampler

Eaves = tuple[float, float, float]
"""Left and right end of the eaves and their height, in meters."""


def draw_roof(
    canvas: Canvas, rng: Sampler, kind: str, trim: Color, panes: Panes, eaves: Eaves, bays: tuple[float, ...]
) -> None:
    """Draw the roof behind the top of a wall.

    Args:
        canvas: The canvas.
        rng: Decides colors, dormers and chimneys.
        kind: `slope`, `mansard`, `flat` or `balustrade`.
        trim: Color of a balustrade and of dormers.
        panes: Glass of the house.
        eaves: Top of the wall.
        bays: Center of each bay, where dormers are placed.
    """
    left, right, top = eaves
    color = vary(rng, ROOFS)
    heights = {"slope": rng.uniform(1.6, 3.4), "mansard": rng.uniform(2.6, 3.4), "flat": 0.0, "balustrade": 1.0}
    height = heights[kind]
    _draw_chimneys(canvas, rng, left, right, top + height)
    if kind == "balustrade":
        _draw_balustrade(canvas, trim, eaves)
    if kind in ("flat", "balustrade"):
        return
    inset = rng.uniform(0, 1.2) if kind == "slope" else 0.35
    outline = [(left - 0.15, top), (right + 0.15, top), (right - inset, top + height), (left + inset, top + height)]
    canvas.poly(outline, Paint(color, OTHER, -0.3, TILES))
    if kind == "mansard":
        ridge = Paint(shade(color, 0.8), OTHER, 0.0, METAL)
        canvas.rect(left + inset, top + height - 0.15, right - inset, top + height + 0.05, ridge)
    step = 1 if kind == "mansard" else rng.choice({2: 2, 3: 1, None: 2})
    for x in bays[::step] if step else ():
        _draw_dormer(canvas, rng, panes, (trim, color), (x, top + 0.45), min(1.5, height * 0.55))


def _draw_dormer(
    canvas: Canvas,
    rng: Sampler,
    panes: Panes,
    colors: tuple[Color, Color],
    position: tuple[float, float],
    height: float,
) -> None:
    """Draw a dormer in the colors of trim and roof: walls and gable are `other`, its window is `window`."""
    trim, roof = colors
    x, y = position
    half = 0.62
    canvas.rect(x - half, y - 0.2, x + half, y + height, Paint(trim, OTHER, 0.0, SMOOTH))
    gable = [(x - half - 0.15, y + height), (x + half + 0.15, y + height), (x, y + height + 0.5)]
    canvas.poly(gable, Paint(shade(roof, 0.85), OTHER, 0.1, SMOOTH))
    frame = Paint((214, 210, 200), WINDOW, -0.06, SMOOTH)
    canvas.rect(x - half * 0.66, y, x + half * 0.66, y + height - 0.12, frame)
    for side in (-1, 1):
        region = canvas.region(x + side * half * 0.06, y + 0.07, x + side * half * 0.58, y + height - 0.19)
        rows, columns = region_shape(region)
        if rows > 2 and columns > 2:
            canvas.paste(region, panes.render(rng, rows, columns), Paint(None, WINDOW, -0.1, GLASS))


def _draw_balustrade(canvas: Canvas, trim: Color, eaves: Eaves) -> None:
    """Draw a balustrade along the eaves, labeled `other` because it belongs to no balcony."""
    left, right, top = eaves
    stone = Paint(trim, OTHER, 0.1, SMOOTH)
    draw_balusters(canvas, stone, left, right, top, top + 0.75)
    canvas.rect(left, top + 0.75, right, top + 0.92, stone)
    count = max(2, round((right - left) / 3))
    for index in range(count + 1):
        x = left + 0.2 + (right - left - 0.4) * index / count
        canvas.rect(x - 0.2, top, x + 0.2, top + 1.0, stone)


def _draw_chimneys(canvas: Canvas, rng: Sampler, left: float, right: float, top: float) -> None:
    """Draw some chimneys and an antenna behind the ridge."""
    for _ in range(rng.integer(0, 3)):
        x, width, height = rng.uniform(left + 1, right - 1.5), rng.uniform(0.5, 1.1), rng.uniform(0.7, 1.4)
        brick = vary(rng, BRICKS)
        canvas.rect(x, top - 1.2, x + width, top + height, Paint(brick, OTHER, 0.0, BRICK))
        cap = Paint(shade(brick, 0.7), OTHER, 0.1, SMOOTH)
        canvas.rect(x - 0.08, top + height, x + width + 0.08, top + height + 0.12, cap)
    if rng.bernoulli(0.4):
        x, tip = rng.uniform(left + 1, right - 1), top + rng.uniform(1.0, 2.2)
        metal = Paint((70, 70, 72), OTHER, None, METAL)
        canvas.rect(x - 0.02, top - 1, x + 0.02, tip, metal)
        for bar in range(4):
            half = 0.45 - 0.08 * bar
            canvas.rect(x - half, tip - 0.15 - 0.16 * bar, x + half, tip - 0.12 - 0.16 * bar, metal)
