"""The measures of a front, from what the photo shows of it in its plane."""

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from seamline.buildings.plane_view import PlaneView
from seamline.buildings.planes import box_corners, to_photo
from seamline.buildings.storeys import Cluster, Level, find_columns, find_levels, find_rows
from seamline.buildings.windows import RULES, WindowPart, WindowRules, find_windows
from seamline.run_folder import Interval, Opening, Storey

Mask = NDArray[np.bool_]

HIDDEN = 0.5
"""Hidden fraction of the place of a window from which on it is inferred where row and column have others."""
GROUND_REACH = 0.25
"""Distance of an opening from the foot of the front, over the usual height, up to which it reaches the ground."""
DOOR_ASPECT = 1.3
"""Height over width from which an opening that reaches the ground is a door; below, a shop window."""
_MIN_SHOP = 0.005  # least area of a shop window or door, over that of the front


@dataclass(frozen=True, eq=False)
class FrontContents:
    """Openings and storeys of a front, in its plane."""

    openings: tuple[Opening, ...]
    storeys: tuple[Storey, ...]  # the lowest first
    columns: int
    dropped: int  # parts that are no windows, by the rules of sizes and rows
    visible_area: float  # square pixels of the plane
    window_area: float  # square pixels of the plane
    expected_error: float  # of their ratio
    pitch: float | None  # mean height of a storey in pixels of the plane; None with fewer than two


@dataclass(frozen=True, eq=False)
class _Located:
    """An opening before it is described."""

    kind: Literal["window", "door", "shop"]
    part: WindowPart
    assumed: bool = False
    inferred: bool = False


def measure_contents(
    view: PlaneView,
    *,
    foot_visible: bool,
    known: Container[str] = (),
    count_inferred: bool = False,
    rules: WindowRules = RULES,
) -> FrontContents:
    """Find the openings and storeys of a front and measure them.

    Args:
        view: what the photo shows of it.
        foot_visible: whether the photo shows where the front meets the ground.
        known: roles that the model has classes for; where doors or shops are not among them, a rule finds them.
        count_inferred: whether totals include inferred windows.
        rules: when a part of the mask is a window.
    """
    parts, others = find_windows(view.probability("window"), view.region, rules)
    located = _by_rule(parts, view.extent[1] if foot_visible else None, known) + _by_class(view)
    windows = [one.part for one in located if one.kind == "window"]
    entrances = [(one.part.box[1] + one.part.box[3]) / 2 for one in located if one.kind != "window"]
    rows, columns = find_rows(windows), find_columns(windows)
    top, bottom = view.extent
    levels = find_levels(rows, top, bottom, foot_visible=foot_visible, entrances=entrances)
    hidden = _infer(windows, rows, columns, view)
    located += [_Located("window", part, inferred=True) for part in hidden]
    column_of = hidden | {windows[index]: number for number, of in enumerate(columns) for index in of.members}
    openings = tuple(_describe(one, view, levels, column_of, count_inferred) for one in located)
    areas = _areas(view, located, count_inferred=count_inferred)
    storeys = tuple(_storey(number, level, openings, areas, view) for number, level in enumerate(levels))
    return FrontContents(
        openings,
        storeys,
        len(columns),
        len(others),
        float(areas.visible.sum()),
        float(areas.windows.sum()),
        _expected_error(view, view.building),
        float(np.mean([level.bottom - level.top for level in levels])) if len(levels) > 1 else None,
    )


def _by_rule(parts: Sequence[WindowPart], foot: float | None, known: Container[str]) -> list[_Located]:
    """Return windows, and as doors or shop windows those that reach the ground, unless the model knows these.

    Args:
        parts: of the window's mask.
        foot: of the front in the plane, in pixels; None where the photo does not show it.
        known: roles that the model has classes for.
    """
    usual = float(np.median([part.height for part in parts])) if parts else 0.0
    located = []
    for part in parts:
        kind: Literal["door", "shop"] = "door" if part.height >= DOOR_ASPECT * part.width else "shop"
        if foot is not None and foot - part.box[3] <= GROUND_REACH * usual and kind not in known:
            located.append(_Located(kind, part, assumed=True))
        else:
            located.append(_Located("window", part))
    return located


def _by_class(view: PlaneView) -> list[_Located]:
    """Return the doors and shop windows that the model tells from windows."""
    located = []
    for kind in ("door", "shop"):
        mask = view.mask(kind).astype(np.uint8)
        count, labels, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
        for index in range(1, count):
            left, top, width, height, area = map(int, stats[index])
            if area < _MIN_SHOP * view.building.sum():
                continue
            box = (float(left), float(top), float(left + width), float(top + height))
            mean = float(view.probability(kind)[labels == index].mean())
            located.append(
                _Located(kind, WindowPart(box, box_corners(box), float(area), mean, area / (width * height)))
            )
    return located


def _infer(
    windows: Sequence[WindowPart], rows: Sequence[Cluster], columns: Sequence[Cluster], view: PlaneView
) -> dict[WindowPart, int]:
    """Return windows that rows and columns make likely where trees, vehicles or balconies hide the front.

    Returns:
        The windows, each with the number of its column.
    """
    hidden = view.mask("hidden", "balcony")
    inferred = {}
    for row in rows:
        for number, column in enumerate(columns):
            if {*row.members} & {*column.members} or min(len(row.members), len(column.members)) < 2:
                continue
            box = (column.low, row.low, column.high, row.high)
            x0, y0, x1, y1 = (max(0, round(value)) for value in box)
            place = hidden[y0:y1, x0:x1]
            if not place.size or place.mean() < HIDDEN or any(_touches(box, window.box) for window in windows):
                continue
            inferred[WindowPart(box, box_corners(box), float((x1 - x0) * (y1 - y0)), 0.0, 1.0)] = number
    return inferred


def _touches(box: Sequence[float], other: Sequence[float]) -> bool:
    """Return whether two boxes overlap."""
    return min(box[2], other[2]) > max(box[0], other[0]) and min(box[3], other[3]) > max(box[1], other[1])


def _describe(
    one: _Located, view: PlaneView, levels: Sequence[Level], column_of: Mapping[WindowPart, int], count_inferred: bool
) -> Opening:
    """Return an opening with its storey, in which its middle is, and its column."""
    middle = (one.part.box[1] + one.part.box[3]) / 2
    storey = next((number for number, level in enumerate(levels) if level.top <= middle < level.bottom), None)
    photo = to_photo(view.plane, one.part.outline)
    return Opening(
        kind=one.kind,
        outline=_points(one.part.outline),
        photo_outline=_points(photo),
        probability=min(1.0, max(0.0, one.part.probability)),
        storey=storey,
        column=column_of.get(one.part),
        assumed=one.assumed,
        inferred=one.inferred,
        counted=one.kind == "window" and (count_inferred or not one.inferred),
    )


def _points(points: NDArray[np.float64]) -> tuple[tuple[float, float], ...]:
    """Return points (N, 2) as tuples, to a hundredth of a pixel."""
    return tuple((round(float(x), 2), round(float(y), 2)) for x, y in points)


@dataclass(frozen=True, eq=False)
class _Areas:
    """Pixels of a front's plane, each (H, W) bool."""

    visible: Mask  # of the front, openings included
    windows: Mask


def _areas(view: PlaneView, located: Sequence[_Located], *, count_inferred: bool) -> _Areas:
    """Return the pixels that count in the ratio of windows: those that are most probably window.

    Outlines of accepted windows would give less than the truth, because they leave out what is no clear window.
    Openings that are doors or shop windows by rule are no windows; inferred windows count where totals include them.
    """
    visible, windows = view.building.copy(), view.mask("window")
    windows &= ~_draw([one.part for one in located if one.assumed], windows.shape)
    if count_inferred:
        places = _draw([one.part for one in located if one.inferred], windows.shape)
        visible, windows = visible | places, windows | places
    return _Areas(visible, windows)


def _draw(parts: Sequence[WindowPart], shape: tuple[int, ...]) -> Mask:
    """Return the pixels (H, W) of openings; OpenCV would fill those beyond the edges of a rectangle too."""
    mask = np.zeros(shape, np.uint8)
    for part in parts:
        if np.array_equal(part.outline, box_corners(part.box)):
            left, top, right, bottom = (max(0, round(value)) for value in part.box)
            mask[top:bottom, left:right] = 1
        else:
            cv2.fillPoly(mask, [np.round(part.outline * 16 - 8).astype(np.int32)], 1, shift=4)
    return mask > 0


def _storey(number: int, level: Level, openings: Sequence[Opening], areas: _Areas, view: PlaneView) -> Storey:
    """Return the measures of a storey."""
    band = slice(max(0, round(level.top)), max(0, round(level.bottom)))
    visible, windows = float(areas.visible[band].sum()), float(areas.windows[band].sum())
    pixels = np.zeros(view.region.shape, bool)
    pixels[band] = view.building[band]
    return Storey(
        number=number,
        ground=level.ground,
        top=level.top,
        bottom=level.bottom,
        windows=sum(one.counted and one.storey == number for one in openings),
        wwr=Interval(min(1.0, windows / visible) if visible else 0.0),
        visible_area=visible,
        expected_error=_expected_error(view, pixels),
    )


def _expected_error(view: PlaneView, pixels: Mask) -> float:
    """Return the fraction of some pixels (H, W) of which the model is expected to be wrong about being window."""
    window = view.probability("window")[pixels]
    return float(np.minimum(window, 1 - window).mean()) if window.size else 0.0
