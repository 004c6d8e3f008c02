"""A house of a given style: wall, bands, bays of windows, pillars, balconies and cornice."""

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from seamline.synthetic.facades.balconies import draw_balcony
from seamline.synthetic.facades.canvas import METAL, OTHER, SMOOTH, WALL, Canvas, Color, Paint, shade
from seamline.synthetic.facades.glass import Panes
from seamline.synthetic.facades.ground_floors import draw_ground_floor
from seamline.synthetic.facades.ornaments import draw_downpipes, draw_fittings, draw_joints, draw_medallions
from seamline.synthetic.facades.pillars import draw_pillar
from seamline.synthetic.facades.roofs import draw_roof
from seamline.synthetic.facades.styles import HouseStyle
from seamline.synthetic.facades.windows import WindowStyle, draw_window
from seamline.synthetic.sampling import Sampler


@dataclass(frozen=True)
class HousePlan:
    """Position of a house on the canvas, in meters.

    Attributes:
        left: Left end of the wall.
        right: Right end of the wall.
        bays: Center of each bay.
        floors: Bottom of each story, the ground floor first, and the top of the last.
    """

    left: float
    right: float
    bays: tuple[float, ...]
    floors: tuple[float, ...]

    @property
    def top(self) -> float:
        """Height of the wall above the street."""
        return self.floors[-1]


def plan_house(style: HouseStyle, left: float, width: float) -> HousePlan:
    """Return the plan of a house that begins at `left` and is about `width` meters wide."""
    count = max(2, round(width / style.bay_width))
    margin = style.bay_width * 0.12
    right = left + count * style.bay_width + 2 * margin
    floors = [0.0]
    for height in style.story_heights:
        floors.append(floors[-1] + height)
    floors[-1] += style.cornice_height
    bays = tuple(left + margin + style.bay_width * (bay + 0.5) for bay in range(count))
    return HousePlan(left, right, bays, tuple(floors))


def draw_house(canvas: Canvas, rng: Sampler, style: HouseStyle, plan: HousePlan) -> None:
    """Draw a house, from back to front."""
    panes = Panes(rng, canvas.scale)
    eaves = (plan.left, plan.right, plan.top)
    cornice_bottom = plan.top - style.cornice_height
    upper_wall = (plan.left, plan.floors[1], plan.right, cornice_bottom)
    draw_roof(canvas, rng, style.roof, style.trim, panes, eaves, plan.bays)
    canvas.rect(plan.left, 0, plan.right, plan.top, Paint(style.wall, WALL, 0.0, style.material))
    if style.quoins:
        _draw_quoins(canvas, style, plan)
    middle = _middle_bays(len(plan.bays))
    if style.accent and len(middle) < len(plan.bays):
        half = style.bay_width / 2
        x0, x1 = plan.bays[middle[0]] - half, plan.bays[middle[-1]] + half
        canvas.rect(x0, 0, x1, plan.top, Paint(shade(style.wall, 1.03), WALL, 0.14))
    if style.joints:
        draw_joints(canvas, rng, upper_wall)
    _draw_bands(canvas, style, plan)
    if style.medallions:
        centers = [x + style.bay_width / 2 for x in plan.bays[:-1]]
        for low, high in pairwise(plan.floors[1 : 2 + rng.integer(1, 2)]):
            draw_medallions(canvas, style.trim, centers, low + (high - low) * 0.62)
    ground_floor = (plan.left, plan.right, plan.floors[1], style.bay_width)
    colors = (style.wall, style.trim)
    draw_ground_floor(canvas, rng, panes, style.ground_floor, colors, style.windows[0], plan.bays, ground_floor)
    balconies = _sample_balconies(rng, style, plan)
    for story, window in enumerate(style.windows):
        for bay, x in enumerate(plan.bays):
            has_balcony = any(bay in bays for bays in balconies[story])
            _draw_bay_window(canvas, rng, panes, window, (x, plan.floors[story + 1]), has_balcony)
    if style.oriel and style.balconies is None:
        _draw_oriel(canvas, rng, style, plan)
    _draw_pillars(canvas, rng, style, plan)
    draw_cornice(canvas, style.trim, eaves, style.cornice_height, dentils=style.dentils)
    if style.fittings:
        draw_fittings(canvas, rng, upper_wall)
    draw_downpipes(canvas, rng, style.wall, (plan.left, 0.3, plan.right, cornice_bottom))
    _draw_balconies(canvas, rng, style, plan, balconies)


def _middle_bays(count: int) -> range:
    """Return the indices of the middle bays: one or two of few, three of many."""
    width = 3 if count >= 7 and count % 2 else (2 if count % 2 == 0 else 1)
    first = (count - width) // 2
    return range(first, first + width)


def _draw_bay_window(
    canvas: Canvas,
    rng: Sampler,
    panes: Panes,
    window: WindowStyle,
    position: tuple[float, float],
    has_balcony: bool,
) -> None:
    """Draw the window of one bay, down to the floor if it has a balcony."""
    x, floor = position
    if has_balcony:
        door = replace(window, height=window.height + 0.7, sill=False, apron=False)
        draw_window(canvas, rng, panes, door, x, floor + 0.06)
        return
    if window.hood == "none" and rng.bernoulli(0.012):
        return  # a bricked-up window
    draw_window(canvas, rng, panes, window, x, floor + 0.76)


def _sample_balconies(rng: Sampler, style: HouseStyle, plan: HousePlan) -> list[list[range]]:
    """Return the balconies of each story above the ground floor, each as the range of bays that it spans."""
    stories, bays = len(style.windows), len(plan.bays)
    rows: list[list[range]] = [[] for _ in range(stories)]
    if style.balconies is None:
        return rows
    if style.balcony_layout == "middle":
        for story in range(min(stories, rng.integer(1, 2))):
            rows[story] = [_middle_bays(bays)]
    elif style.balcony_layout == "every":
        for story in range(stories):
            rows[story] = [range(bay, bay + 1) for bay in range(bays)]
    elif style.balcony_layout == "long":
        for story in range(stories):
            if rng.bernoulli(0.6):
                rows[story] = [range(bays)]
    elif style.balcony_layout == "stack":
        first, width = rng.integer(0, max(0, bays - 2)), rng.integer(1, 2)
        for story in range(stories):
            rows[story] = [range(bay, min(bays, bay + width)) for bay in {first, max(0, bays - first - width)}]
        rows = [_without_overlaps(row) for row in rows]
    else:
        for story in range(stories):
            rows[story] = [range(bay, bay + 1) for bay in range(bays) if rng.bernoulli(0.22)]
    return rows


def _without_overlaps(row: list[range]) -> list[range]:
    """Sort the balconies of a story from left to right and drop those that overlap their predecessor."""
    disjoint: list[range] = []
    for bays in sorted(row, key=lambda bays: bays.start):
        if not disjoint or bays.start >= disjoint[-1].stop:
            disjoint.append(bays)
    return disjoint


def _draw_balconies(
    canvas: Canvas, rng: Sampler, style: HouseStyle, plan: HousePlan, balconies: list[list[range]]
) -> None:
    """Draw the balconies of each story above the ground floor."""
    if style.balconies is None:
        return
    for story, row in enumerate(balconies):
        for bays in row:
            overhang = style.bay_width * (0.46 if len(bays) > 1 else 0.4)
            x0, x1 = plan.bays[bays[0]] - overhang, plan.bays[bays[-1]] + overhang
            draw_balcony(canvas, rng, style.balconies, x0, x1, plan.floors[story + 1] + 0.06)


def _draw_bands(canvas: Canvas, style: HouseStyle, plan: HousePlan) -> None:
    """Draw the bands between stories; the one above the ground floor is the highest."""
    for index, floor in enumerate(plan.floors[1:-1]):
        height = style.band_height * (1.5 if index == 0 else 1)
        if not height:
            continue
        band = Paint(style.trim, OTHER, 0.12, SMOOTH)
        canvas.rect(plan.left, floor - height, plan.right, floor, band)
        ledge = Paint(shade(style.trim, 1.02), OTHER, 0.26, SMOOTH)
        canvas.rect(plan.left, floor - height * 0.3, plan.right, floor, ledge)


def _draw_quoins(canvas: Canvas, style: HouseStyle, plan: HousePlan) -> None:
    """Draw alternately long and short corner blocks, which are labeled as wall."""
    row, height = 0, 0.42
    while row * height < plan.top - style.cornice_height:
        width = 0.62 if row % 2 else 0.4
        y = row * height
        for x0, x1 in ((plan.left, plan.left + width), (plan.right - width, plan.right)):
            canvas.rect(x0, y + 0.03, x1, y + height - 0.02, Paint(style.trim, WALL, 0.07))
        row += 1


def _draw_oriel(canvas: Canvas, rng: Sampler, style: HouseStyle, plan: HousePlan) -> None:
    """Raise the middle bays of some stories, with everything drawn on them, and add a base and a roof."""
    middle = _middle_bays(len(plan.bays))
    x0, x1 = plan.bays[middle[0]] - style.bay_width * 0.46, plan.bays[middle[-1]] + style.bay_width * 0.46
    low = plan.floors[1] + 0.1
    high = plan.floors[min(len(plan.floors) - 2, rng.integer(2, 5))]
    projection = rng.uniform(0.6, 1.1)
    canvas.relief[canvas.region(x0, low, x1, high)] += np.float32(projection)
    base = [(x0, low), (x1, low), (x1 - 0.5, low - 0.6), (x0 + 0.5, low - 0.6)]
    canvas.poly(base, Paint(style.trim, OTHER, projection * 0.5, SMOOTH))
    canvas.rect(x0 - 0.06, low - 0.05, x1 + 0.06, low + 0.15, Paint(style.trim, OTHER, projection + 0.1, SMOOTH))
    roof = [(x0 - 0.1, high), (x1 + 0.1, high), (x1 - 0.3, high + 0.5), (x0 + 0.3, high + 0.5)]
    canvas.poly(roof, Paint(shade(style.trim, 0.6), OTHER, projection * 0.5, METAL))
    canvas.rect(x0 - 0.12, high - 0.1, x1 + 0.12, high + 0.05, Paint(style.trim, OTHER, projection + 0.12, SMOOTH))


def _draw_pillars(canvas: Canvas, rng: Sampler, style: HouseStyle, plan: HousePlan) -> None:
    """Draw pillars between the bays, through all stories or a row of them on each of some stories."""
    pillar = style.pillars
    if pillar is None:
        return
    centers = [plan.left + style.bay_width * (0.12 + index) for index in range(len(plan.bays) + 1)]
    middle = _middle_bays(len(plan.bays))
    if style.pillar_layout == "middle":
        centers = centers[middle[0] : middle[-1] + 2]
    elif style.pillar_layout == "ends":
        centers = [*centers[:2], *centers[-2:]] if len(centers) > 5 else [centers[0], centers[-1]]
    gap = style.bay_width - style.windows[0].lights * style.windows[0].width
    pillar = replace(pillar, width=max(0.22, min(gap * 0.42, pillar.width)))
    centers[0] = max(centers[0], plan.left + pillar.width * 0.62)
    centers[-1] = min(centers[-1], plan.right - pillar.width * 0.62)
    top = plan.top - style.cornice_height
    giant_order = rng.bernoulli(0.5)
    spans = [(plan.floors[1], top)]
    if not giant_order:
        spans = [(low, high - style.band_height) for low, high in pairwise([*plan.floors[1:-1], top])]
        spans = spans[: rng.integer(1, len(spans))]
    for low, high in spans:
        for x in centers:
            draw_pillar(canvas, pillar, x, low, high)


def draw_cornice(
    canvas: Canvas,
    color: Color,
    span: tuple[float, float, float],
    height: float,
    *,
    dentils: bool,
    base: float = 0.0,
) -> None:
    """Draw a cornice: a frieze, dentils, and ledges that project further the higher they are.

    Args:
        canvas: The canvas.
        color: Color of the cornice.
        span: Left, right and top end, in meters.
        height: Height in meters.
        dentils: Whether to draw dentils.
        base: Relief of the surface below, in meters.
    """
    left, right, top = span
    canvas.rect(left, top - height, right, top, Paint(color, OTHER, base + 0.08, SMOOTH))
    if dentils:
        step = max(0.24, height * 0.36)
        count = max(1, round((right - left) / step))
        for index in range(count):
            x = left + (right - left) * (index + 0.5) / count
            block = Paint(color, OTHER, base + 0.34, SMOOTH)
            canvas.rect(x - step * 0.27, top - height * 0.62, x + step * 0.27, top - height * 0.36, block)
    for low, high, projection in ((0.36, 0.2, 0.42), (0.2, 0.09, 0.55), (0.09, 0.0, 0.65)):
        relief = base + projection * min(1, height * 1.4)
        ledge = Paint(shade(color, 1.0 + 0.02 * projection), OTHER, relief, SMOOTH)
        canvas.rect(left, top - height * low, right, top - height * high, ledge)
