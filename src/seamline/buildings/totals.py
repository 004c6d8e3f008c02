"""Window-to-wall ratios of buildings and their sides, from the fronts of all their photos.

One front stands for each side that is seen; sides that are not seen have assumed ratios. The ratio of a building is
its area of windows over its gross area of walls, as energy codes define it (ASHRAE 90.1: vertical fenestration over
gross above-grade walls): the mean of its four sides, weighted by area where the areas are known.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import get_args

from seamline.run_folder import BuildingTotal, CompassDirection, Front, MeasuredPhoto

DIRECTIONS: tuple[CompassDirection, ...] = get_args(CompassDirection)
OPPOSITE: dict[CompassDirection, CompassDirection] = {"N": "S", "E": "W", "S": "N", "W": "E"}

RULES = (
    "A side of a building is measured by one front: of all fronts in its photos that face this direction, the one "
    "that is widest in pixels of its photo, not counting what is hidden or smeared by perspective.",
    "A side that is not seen has the mean window-to-wall ratio above the ground floor of the sides that are, weighted "
    "by area where all areas are known; it has no windows where it is a party wall, which photos do not tell.",
    "A building has the mean of its four sides, weighted by area where the areas of all sides seen are known; a side "
    "that is not seen then has the area of the opposite side, or else the mean area of the sides that are.",
    "Where no front of a building has a direction, the building has the mean of the best front of each photo.",
)
"""How totals follow from fronts, in sentences."""


def building_totals(photos: Iterable[MeasuredPhoto]) -> tuple[BuildingTotal, ...]:
    """Return the measures of buildings: of each side, N to W, and of the whole, in the order of the photos.

    Fronts without a building are left out. `RULES` state what is done; `fronts` counts all fronts that face a side, of
    which one is measured. Windows of a side are those of this front, and those of a building are the sum of its sides
    if all four are seen.
    """
    buildings: dict[str, list[Sequence[Front]]] = defaultdict(list)
    for photo in photos:
        fronts: dict[str, list[Front]] = defaultdict(list)
        for front in photo.fronts:
            if front.building is not None:
                fronts[front.building].append(front)
        for name, of_photo in fronts.items():
            buildings[name].append(of_photo)
    return tuple(total for name, by_photo in buildings.items() for total in _totals(name, by_photo))


def visible_width(front: Front) -> float:
    """Return the width in pixels of the photo that shows a front, without what is hidden or smeared by perspective."""
    upper_left, upper_right, lower_right, lower_left = front.plane.corners
    width = (math.dist(upper_left, upper_right) + math.dist(lower_left, lower_right)) / 2
    return width * front.plane.usable * (1 - front.hidden_fraction)


def wwr_above_ground(front: Front) -> float:
    """Return the window-to-wall ratio of the storeys above the ground floor, weighted by height.

    It is that of the whole front where there are none.
    """
    storeys = [(storey.wwr.value, storey.bottom - storey.top) for storey in front.storeys if not storey.ground]
    total = sum(height for _, height in storeys)
    return sum(wwr * height for wwr, height in storeys) / total if total > 0 else front.wwr.value


def _totals(name: str, photos: Sequence[Sequence[Front]]) -> list[BuildingTotal]:
    """Return the totals of a building by the fronts in each of its photos."""
    fronts = [front for of_photo in photos for front in of_photo]
    facing: dict[CompassDirection, list[Front]] = defaultdict(list)
    for front in fronts:
        if front.direction is not None:
            facing[front.direction].append(front)
    if not facing:
        return [_undirected_total(name, photos)]
    sides = {direction: max(facing[direction], key=visible_width) for direction in DIRECTIONS if direction in facing}
    areas = _areas(sides)
    seen = sum(areas[direction] for direction in sides)
    assumed = sum(areas[direction] * wwr_above_ground(front) for direction, front in sides.items()) / seen
    totals = [_side_total(name, direction, facing[direction], sides, assumed) for direction in DIRECTIONS]
    whole = BuildingTotal(
        building=name,
        direction=None,
        fronts=len(fronts),
        windows=sum(front.windows for front in sides.values()) if len(sides) == len(DIRECTIONS) else None,
        wwr=sum(areas[direction] * total.wwr for direction, total in zip(DIRECTIONS, totals, strict=True))
        / sum(areas.values()),
        assumed=_whole_assumption(sides, len(fronts) - sum(map(len, facing.values()))),
    )
    return [*totals, whole]


def _side_total(
    name: str,
    direction: CompassDirection,
    fronts: Sequence[Front],
    sides: Mapping[CompassDirection, Front],
    assumed: float,
) -> BuildingTotal:
    """Return the total of a side, by the front that is measured or the ratio that is assumed."""
    front = sides.get(direction)
    rule = f"Not seen: the mean above the ground floor of the sides seen ({', '.join(sides)}); "
    return BuildingTotal(
        building=name,
        direction=direction,
        fronts=len(fronts),
        windows=None if front is None else front.windows,
        wwr=assumed if front is None else front.wwr.value,
        assumed=f"{rule}a party wall has no windows." if front is None else None,
    )


def _areas(sides: Mapping[CompassDirection, Front]) -> dict[CompassDirection, float]:
    """Return the areas of the four sides in m², or 1 for each where one of a side that is seen is unknown."""
    known = {direction: front.area_m2 for direction, front in sides.items() if front.area_m2 is not None}
    if len(known) < len(sides):
        return dict.fromkeys(DIRECTIONS, 1.0)
    mean = sum(known.values()) / len(known)
    return {direction: known.get(direction, known.get(OPPOSITE[direction], mean)) for direction in DIRECTIONS}


def _whole_assumption(sides: Mapping[CompassDirection, Front], undirected: int) -> str | None:
    """Return what the total of a building assumes, in sentences."""
    sentences = []
    if unseen := [direction for direction in DIRECTIONS if direction not in sides]:
        sentences.append(f"Not seen: {', '.join(unseen)}.")
    if any(front.area_m2 is None for front in sides.values()):
        sentences.append("The four sides count equally: their areas are unknown.")
    elif unseen:
        sentences.append("A side not seen has the area of the opposite one, or else the mean area of those seen.")
    if undirected:
        sentences.append(f"Fronts of unknown direction, which do not count: {undirected:,}.")
    return " ".join(sentences) or None


def _undirected_total(name: str, photos: Sequence[Sequence[Front]]) -> BuildingTotal:
    """Return the total of a building no front of which has a direction."""
    best = [max(fronts, key=visible_width) for fronts in photos]
    return BuildingTotal(
        building=name,
        direction=None,
        fronts=sum(map(len, photos)),
        windows=None,
        wwr=sum(front.wwr.value for front in best) / len(best),
        assumed=f"No front has a direction: the mean of the best front of each photo ({len(best):,}).",
    )
