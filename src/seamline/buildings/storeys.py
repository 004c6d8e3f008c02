"""Storeys and columns: clusters of the vertical and horizontal extents of windows in the plane of a front."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from seamline.buildings.windows import WindowPart

MIN_OVERLAP = 0.4
"""Overlap over the shorter extent from which two windows, or two clusters, are in one row or column."""
LEAST_STOREY = 0.4
"""Height of a storey without windows over that of the others, at least: less of it is hardly visible."""
GROUND_GAP = 1.3
"""Wall below the lowest row, over the height of a storey, from which on there is a storey without windows."""
MIN_PITCH = 0.65
"""Distance of two rows over the height of a storey from which they are two storeys."""
LARGEST_STOREY = 2.4
"""Height of a storey over that of its windows, at most, when rows are told from windows between storeys."""
STOREY_OF_WINDOW = 2.0
"""Height of a storey over that of its windows, where a single row of windows does not tell; facades have 1.6 to 2.4."""


@dataclass(frozen=True)
class Cluster:
    """Windows in one row or column."""

    low: float  # median of the first ends, in pixels of the plane
    high: float  # median of the second ends
    members: tuple[int, ...]  # their indices

    @property
    def middle(self) -> float:
        """Between the ends, in pixels of the plane."""
        return (self.low + self.high) / 2


def cluster_extents(low: NDArray[np.float64], high: NDArray[np.float64]) -> list[Cluster]:
    """Cluster intervals that overlap, in the order of their positions.

    Intervals of usual length come first and found the clusters, so that a tall one that overlaps two joins one of them
    instead of linking both.

    Args:
        low: (N,) float64, first ends.
        high: (N,) float64, second ends.
    """
    clusters: list[list[int]] = []
    unusual = np.abs(high - low - np.median(high - low)) if len(low) else low
    for index in np.argsort(unusual, kind="stable"):
        best, best_overlap = None, MIN_OVERLAP
        for members in clusters:
            first, second = float(np.median(low[members])), float(np.median(high[members]))
            overlap = min(second, high[index]) - max(first, low[index])
            overlap /= max(1e-9, min(second - first, high[index] - low[index]))
            if overlap >= best_overlap:
                best, best_overlap = members, overlap
        if best is None:
            clusters.append([int(index)])
        else:
            best.append(int(index))
    result = [
        Cluster(float(np.median(low[members])), float(np.median(high[members])), tuple(sorted(members)))
        for members in clusters
    ]
    return sorted(result, key=lambda one: one.middle)


def find_rows(windows: Sequence[WindowPart]) -> list[Cluster]:
    """Find the rows of windows that make storeys, the uppermost first.

    Rows of many windows come first. A row nearer to one of these than `MIN_PITCH` of a storey is none: windows of a
    staircase lie between storeys.
    """
    boxes = np.array([window.box for window in windows]).reshape(-1, 4)
    rows = cluster_extents(boxes[:, 1], boxes[:, 3])
    if not rows:
        return []
    largest = max(len(row.members) for row in rows)
    tallest = LARGEST_STOREY * float(np.median(boxes[:, 3] - boxes[:, 1]))
    pitch = min(tallest, _pitch([row for row in rows if len(row.members) >= max(2, largest / 2)] or rows))
    accepted: list[Cluster] = []
    for row in sorted(rows, key=lambda one: -len(one.members)):
        if all(abs(row.middle - other.middle) >= MIN_PITCH * pitch for other in accepted):
            accepted.append(row)
    return sorted(accepted, key=lambda one: one.middle)


def find_columns(windows: Sequence[WindowPart]) -> list[Cluster]:
    """Find the columns of windows, the leftmost first."""
    boxes = np.array([window.box for window in windows]).reshape(-1, 4)
    return cluster_extents(boxes[:, 0], boxes[:, 2])


@dataclass(frozen=True)
class Level:
    """A storey in the plane of a front."""

    top: float  # in pixels of the plane
    bottom: float  # in pixels of the plane
    row: Cluster | None  # its windows; None for a ground floor without windows
    ground: bool


def find_levels(
    rows: Sequence[Cluster], top: float, bottom: float, *, foot_visible: bool, entrances: Sequence[float]
) -> list[Level]:
    """Find the storeys of a front, the lowest first.

    Each row of windows is a storey; storeys meet in the middle between the windows of two rows. Below the lowest row
    there is one more, without windows, where the wall goes on for more than a storey (`GROUND_GAP`) or where a door or
    a shop window has its middle there. The lowest storey is the ground floor if the photo shows where the front ends.

    Args:
        rows: rows of windows, the uppermost first.
        top: of the front in the plane, in pixels.
        bottom: of the front.
        foot_visible: whether the photo shows the foot of the front.
        entrances: middles of doors and shop windows, in pixels of the plane.
    """
    if not rows:
        return [Level(top, bottom, None, foot_visible)] if entrances else []
    pitch = _pitch(rows)
    edges = [(above.high + below.low) / 2 for above, below in pairwise(rows)]
    last = rows[-1]
    top, bottom = min(top, rows[0].low), max(bottom, last.high)
    floor = last.high + (pitch - (last.high - last.low)) / 2
    has_ground = bottom - last.high >= GROUND_GAP * pitch or any(middle > floor for middle in entrances)
    has_ground = has_ground and bottom - floor >= LEAST_STOREY * pitch
    bounds = [top, *edges, floor if has_ground else bottom]
    levels = [Level(upper, lower, row, False) for (upper, lower), row in zip(pairwise(bounds), rows, strict=True)]
    if has_ground:
        levels.append(Level(floor, bottom, None, False))
    levels.reverse()
    levels[0] = replace(levels[0], ground=foot_visible)
    return levels


def _pitch(rows: Sequence[Cluster]) -> float:
    """Return the height of a storey by one row or more: their median distance, else by the height of windows."""
    if len(rows) == 1:
        return STOREY_OF_WINDOW * (rows[0].high - rows[0].low)
    return float(np.median(np.diff([row.middle for row in rows])))
