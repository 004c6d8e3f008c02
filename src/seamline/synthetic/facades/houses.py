"""A house: wall, bands, bays of windows, pillars, balconies and cornice, from its style."""

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from seamline.synthetic.facades.balconies import draw_balcony
from seamline.synthetic.facades.canvas import METAL, OTHER, SMOOTH, WALL, Canvas, Colour, Paint, shade
from seamline.synthetic.facades.chance import Chance
from seamline.synthetic.facades.glass import Panes
from seamline.synthetic.facades.ground_floors import draw_ground_floor
from seamline.synthetic.facades.ornaments import (
    cut_joints,
    hang_fittings,
    run_downpipes,
    set_medallions,
)
from seamline.synthetic.facades.pillars import draw_pillar
from seamline.synthetic.facades.roofs import draw_roof
from seamline.synthetic.facades.styles import HouseStyle
from seamline.synthetic.facades.windows import WindowStyle, draw_window


@dataclass(frozen=True)
class Plot:
    """Where a house stands.

    Attributes:
        left: metres from the canvas's left edge to the house.
        right: the same to its right end.
        bays: the middle of each bay.
        floors: how high each storey begins, the ground floor first, and the top of the last.
    """

    left: float
    right: float
    bays: tuple[float, ...]
    floors: tuple[float, ...]

    @property
    def top(self) -> float:
        """Metres from the street to the top of the wall."""
        return self.floors[-1]


def plot(style: HouseStyle, left: float, width: float) -> Plot:
    """Return the plot of a house that begins at `left` and is about `width` wide."""
    count = max(2, round(width / style.bay))
    margin = style.bay * 0.12
    right = left + count * style.bay + 2 * margin
    floors = [0.0]
    for height in style.storeys:
        floors.append(floors[-1] + height)
    floors[-1] += style.cornice
    bays = tuple(left + margin + style.bay * (bay + 0.5) for bay in range(count))
    return Plot(left, right, bays, tuple(floors))


def draw_house(canvas: Canvas, chance: Chance, style: HouseStyle, place: Plot) -> None:
    """Draw a house, from its roof down."""
    panes = Panes(chance, canvas.scale)
    draw_roof(canvas, chance, style.roof, style.trim, panes, (place.left, place.right, place.top), place.bays)
    canvas.rect(place.left, 0, place.right, place.top, Paint(style.wall, WALL, 0.0, style.material))
    if style.quoins:
        _quoins(canvas, style, place)
    middle = _middle(len(place.bays))
    if style.accent and len(middle) < len(place.bays):
        edge = style.bay / 2
        x0, x1 = place.bays[middle[0]] - edge, place.bays[middle[-1]] + edge
        canvas.rect(x0, 0, x1, place.top, Paint(shade(style.wall, 1.03), WALL, 0.14))
    if style.joints:
        cut_joints(canvas, chance, (place.left, place.floors[1], place.right, place.top - style.cornice))
    _bands(canvas, style, place)
    if style.medallions:
        between = [x + style.bay / 2 for x in place.bays[:-1]]
        for low, high in pairwise(place.floors[1 : 2 + chance.whole(1, 2)]):
            set_medallions(canvas, style.trim, between, low + (high - low) * 0.62)
    colours, below = (style.wall, style.trim), (place.left, place.right, place.floors[1], style.bay)
    draw_ground_floor(canvas, chance, panes, style.ground, colours, style.windows[0], place.bays, below)
    balconies = _balcony_bays(chance, style, place)
    for storey, window in enumerate(style.windows):
        for bay, x in enumerate(place.bays):
            has_balcony = any(bay in bays for bays in balconies[storey])
            _bay_window(canvas, chance, panes, style, window, (x, place.floors[storey + 1]), has_balcony)
    if style.oriel and style.balconies is None:
        _oriel(canvas, chance, style, place)
    _pillar_rows(canvas, chance, style, place)
    eaves = (place.left, place.right, place.top)
    draw_cornice(canvas, style.trim, eaves, style.cornice, dentils=style.dentils)
    upper = (place.left, place.floors[1], place.right, place.top - style.cornice)
    if style.fittings:
        hang_fittings(canvas, chance, upper)
    run_downpipes(canvas, chance, style.wall, (place.left, 0.3, place.right, place.top - style.cornice))
    for storey, rows in enumerate(balconies):
        for bays in rows:
            reach = _reach(style, bays)
            floor = place.floors[storey + 1] + 0.06
            x0, x1 = place.bays[bays[0]] - reach, place.bays[bays[-1]] + reach
            if style.balconies is not None:
                draw_balcony(canvas, chance, style.balconies, x0, x1, floor)


def _middle(count: int) -> range:
    """Return the middle bays: one or two of few, three of many."""
    wide = 3 if count >= 7 and count % 2 else (2 if count % 2 == 0 else 1)
    first = (count - wide) // 2
    return range(first, first + wide)


def _bay_window(
    canvas: Canvas,
    chance: Chance,
    panes: Panes,
    style: HouseStyle,
    window: WindowStyle,
    foot: tuple[float, float],
    has_balcony: bool,
) -> None:
    """Draw the window of one bay, down to the floor where there is a balcony in front of it."""
    x, floor = foot
    if has_balcony:
        taller = replace(window, height=window.height + 0.7, sill=False, apron=False)
        draw_window(canvas, chance, panes, taller, x, floor + 0.06)
        return
    if window.hood == "none" and chance.happens(0.012):
        return  # a window that was walled up
    draw_window(canvas, chance, panes, window, x, floor + 0.76)


def _balcony_bays(chance: Chance, style: HouseStyle, place: Plot) -> list[list[range]]:
    """Return for each storey above the ground floor its balconies: each the bays that it spans."""
    storeys, bays = len(style.windows), len(place.bays)
    rows: list[list[range]] = [[] for _ in range(storeys)]
    if style.balconies is None:
        return rows
    if style.balconies_at == "middle":
        for storey in range(min(storeys, chance.whole(1, 2))):
            rows[storey] = [_middle(bays)]
    elif style.balconies_at == "every":
        for storey in range(storeys):
            rows[storey] = [range(bay, bay + 1) for bay in range(bays)]
    elif style.balconies_at == "long":
        for storey in range(storeys):
            if chance.happens(0.6):
                rows[storey] = [range(bays)]
    elif style.balconies_at == "stack":
        first, wide = chance.whole(0, max(0, bays - 2)), chance.whole(1, 2)
        for storey in range(storeys):
            rows[storey] = [range(bay, min(bays, bay + wide)) for bay in {first, max(0, bays - first - wide)}]
        rows = [_apart(row) for row in rows]
    else:
        for storey in range(storeys):
            rows[storey] = [range(bay, bay + 1) for bay in range(bays) if chance.happens(0.22)]
    return rows


def _apart(row: list[range]) -> list[range]:
    """Return the balconies of a storey from left to right, without those that would overlap the one before."""
    kept: list[range] = []
    for bays in sorted(row, key=lambda bays: bays.start):
        if not kept or bays.start >= kept[-1].stop:
            kept.append(bays)
    return kept


def _reach(style: HouseStyle, bays: range) -> float:
    """Return how far a balcony goes beyond the middle of its outermost bays."""
    return style.bay * (0.46 if len(bays) > 1 else 0.4)


def _bands(canvas: Canvas, style: HouseStyle, place: Plot) -> None:
    """Draw the bands between storeys; the one above the ground floor is the widest."""
    for number, floor in enumerate(place.floors[1:-1]):
        high = style.bands * (1.5 if number == 0 else 1)
        if not high:
            continue
        band = Paint(style.trim, OTHER, 0.12, SMOOTH)
        canvas.rect(place.left, floor - high, place.right, floor, band)
        ledge = Paint(shade(style.trim, 1.02), OTHER, 0.26, SMOOTH)
        canvas.rect(place.left, floor - high * 0.3, place.right, floor, ledge)


def _quoins(canvas: Canvas, style: HouseStyle, place: Plot) -> None:
    """Set the corners with blocks, long and short by turns; they are wall."""
    row, high = 0, 0.42
    while row * high < place.top - style.cornice:
        wide = 0.62 if row % 2 else 0.4
        y = row * high
        for x0, x1 in ((place.left, place.left + wide), (place.right - wide, place.right)):
            canvas.rect(x0, y + 0.03, x1, y + high - 0.02, Paint(style.trim, WALL, 0.07))
        row += 1


def _oriel(canvas: Canvas, chance: Chance, style: HouseStyle, place: Plot) -> None:
    """Bring the middle bays of some storeys forward, with all that is drawn on them, on a foot and under a roof."""
    middle = _middle(len(place.bays))
    x0, x1 = place.bays[middle[0]] - style.bay * 0.46, place.bays[middle[-1]] + style.bay * 0.46
    low = place.floors[1] + 0.1
    high = place.floors[min(len(place.floors) - 2, chance.whole(2, 5))] + 0.0
    out = chance.between(0.6, 1.1)
    canvas.relief[canvas.box(x0, low, x1, high)] += np.float32(out)
    foot = [(x0, low), (x1, low), (x1 - 0.5, low - 0.6), (x0 + 0.5, low - 0.6)]
    canvas.poly(foot, Paint(style.trim, OTHER, out * 0.5, SMOOTH))
    canvas.rect(x0 - 0.06, low - 0.05, x1 + 0.06, low + 0.15, Paint(style.trim, OTHER, out + 0.1, SMOOTH))
    roof = [(x0 - 0.1, high), (x1 + 0.1, high), (x1 - 0.3, high + 0.5), (x0 + 0.3, high + 0.5)]
    canvas.poly(roof, Paint(shade(style.trim, 0.6), OTHER, out * 0.5, METAL))
    canvas.rect(x0 - 0.12, high - 0.1, x1 + 0.12, high + 0.05, Paint(style.trim, OTHER, out + 0.12, SMOOTH))


def _pillar_rows(canvas: Canvas, chance: Chance, style: HouseStyle, place: Plot) -> None:
    """Stand pillars between the bays: through all storeys, or a row of them on each of some storeys."""
    pillars = style.pillars
    if pillars is None:
        return
    lines = [place.left + style.bay * (0.12 + number) for number in range(len(place.bays) + 1)]
    middle = _middle(len(place.bays))
    if style.pillars_at == "middle":
        lines = lines[middle[0] : middle[-1] + 2]
    elif style.pillars_at == "ends":
        lines = [lines[0], lines[1], lines[-2], lines[-1]] if len(lines) > 5 else [lines[0], lines[-1]]
    clear = min((style.bay - style.windows[0].lights * style.windows[0].width) * 0.42, pillars.width)
    pillars = replace(pillars, width=max(0.22, clear))
    lines[0] = max(lines[0], place.left + pillars.width * 0.62)
    lines[-1] = min(lines[-1], place.right - pillars.width * 0.62)
    top = place.top - style.cornice
    giant = chance.happens(0.5)
    spans = [(place.floors[1], top)]
    if not giant:
        ends = [*place.floors[1:-1], top]
        spans = [(low, high - style.bands) for low, high in pairwise(ends)]
        spans = spans[: chance.whole(1, len(spans))]
    for low, high in spans:
        for x in lines:
            draw_pillar(canvas, pillars, x, low, high)


def draw_cornice(
    canvas: Canvas, trim: Colour, box: tuple[float, float, float], high: float, *, dentils: bool, base: float = 0.0
) -> None:
    """Draw a cornice: a frieze, small blocks, and ledges that stand out further the higher they are.

    Args:
        canvas: what is drawn on.
        trim: its colour.
        box: its left and right end and its top, in metres.
        high: its height.
        dentils: whether it has the small blocks.
        base: how far what it lies on stands out.
    """
    left, right, top = box
    canvas.rect(left, top - high, right, top, Paint(trim, OTHER, base + 0.08, SMOOTH))
    if dentils:
        step = max(0.24, high * 0.36)
        count = max(1, round((right - left) / step))
        for number in range(count):
            x = left + (right - left) * (number + 0.5) / count
            block = Paint(trim, OTHER, base + 0.34, SMOOTH)
            canvas.rect(x - step * 0.27, top - high * 0.62, x + step * 0.27, top - high * 0.36, block)
    for low, up, out in ((0.36, 0.2, 0.42), (0.2, 0.09, 0.55), (0.09, 0.0, 0.65)):
        ledge = Paint(shade(trim, 1.0 + 0.02 * out), OTHER, base + out * min(1, high * 1.4), SMOOTH)
        canvas.rect(left, top - high * low, right, top - high * up, ledge)
