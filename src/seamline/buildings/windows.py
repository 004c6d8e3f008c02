"""Windows as instances: parts of a mask in the plane of a front, split, regularized and checked against each other."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from seamline.buildings.planes import box_corners

Mask = NDArray[np.bool_]
Probabilities = NDArray[np.float32]


@dataclass(frozen=True)
class WindowRules:
    """When a part of a mask is a window; chosen on validation photos."""

    threshold: float = 0.45  # probability from which a pixel is window
    cores: tuple[float, ...] = (0.65, 0.8, 0.9)  # probabilities of cores by which windows that touch are split
    core_fraction: float = 0.15  # least area of a core, over that of its part
    min_side: int = 4  # pixels of the plane
    rectangle: float = 0.75  # IoU with its rectangle from which a part is one
    min_probability: float = 0.6  # mean inside
    min_fill: float = 0.45  # least area over that of its rectangle
    min_size: float = 0.25  # least area, over the typical one of the front, of a part in a row or column
    min_lone_size: float = 0.4  # least area, over the typical one, of a part in neither


RULES = WindowRules()

_FINER = 4  # a polygon goes through the centers of pixels of a mask that is enlarged so: near the edges of its pixels


@dataclass(frozen=True, eq=False)
class WindowPart:
    """A window in the plane of a front."""

    box: tuple[float, float, float, float]  # left, top, right and bottom in pixels of the plane
    outline: NDArray[np.float64]  # (N, 2) x, y in pixels of the plane, clockwise
    area: float  # of the box where that is the outline, else of the part; in square pixels of the plane
    probability: float  # mean inside, 0..1
    fill: float  # area of the part over that of its box, 0..1
    aligned: int = 0  # number of windows in its row and its column

    @property
    def width(self) -> float:
        """In pixels of the plane."""
        return self.box[2] - self.box[0]

    @property
    def height(self) -> float:
        """In pixels of the plane."""
        return self.box[3] - self.box[1]


def find_windows(
    probabilities: Probabilities, region: Mask, rules: WindowRules = RULES
) -> tuple[list[WindowPart], list[WindowPart]]:
    """Find the windows of a front.

    Args:
        probabilities: (H, W) float32, of window, in the plane.
        region: (H, W) bool, the front.
        rules: when a part is a window.

    Returns:
        The windows, and the parts that are none by the rules; those of a side below `min_side` are in neither.
    """
    pieces = _split_parts(probabilities, region, rules)
    parts = [part for piece in pieces if (part := _regularize(*piece, probabilities, rules))]
    return _check_sizes(parts, rules)


def _split_parts(
    probabilities: Probabilities, region: Mask, rules: WindowRules
) -> list[tuple[NDArray[np.uint8], int, int]]:
    """Return the connected parts of the windows, (h, w) uint8 with left and top; touching ones are split."""
    mask = ((probabilities >= rules.threshold) & region).astype(np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=4)
    parts = []
    for index in range(1, count):
        left, top, width, height, _ = stats[index]
        if min(width, height) < rules.min_side:
            continue
        box = np.s_[top : top + height, left : left + width]
        for piece in _split_cores(labels[box] == index, probabilities[box], rules):
            rows, columns = np.flatnonzero(piece.any(1)), np.flatnonzero(piece.any(0))
            if min(len(rows), len(columns)) < rules.min_side:
                continue
            cropped = piece[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].astype(np.uint8)
            parts.append((cropped, left + columns[0], top + rows[0]))
    return parts


def _split_cores(part: Mask, probabilities: Probabilities, rules: WindowRules, level: int = 0) -> list[Mask]:
    """Split a part into those of its cores, level by level; a pixel belongs to the nearest core."""
    if level == len(rules.cores):
        return [part]
    cores = (part & (probabilities >= rules.cores[level])).astype(np.uint8)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(cores, connectivity=4)
    least = max(rules.core_fraction * part.sum(), rules.min_side**2)
    large = [index for index, area in enumerate(stats[:, cv2.CC_STAT_AREA]) if index and area >= least]
    if len(large) < 2:
        return _split_cores(part, probabilities, rules, level + 1)
    seeds = np.isin(labels, large)
    distances = cv2.distanceTransformWithLabels(
        (~seeds).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    nearest = np.asarray(distances[1])
    table = np.zeros(nearest.max() + 1, np.int64)
    table[nearest[seeds]] = labels[seeds]
    owner = table[nearest]
    pieces = [part & (owner == index) for index in large]
    return [one for piece in pieces for one in _split_cores(piece, probabilities, rules, level + 1)]


def _regularize(
    part: NDArray[np.uint8], left: int, top: int, probabilities: Probabilities, rules: WindowRules
) -> WindowPart | None:
    """Return a part as an upright rectangle where that explains it, else as a polygon; None where it is too thin.

    The rectangle spans the rows and columns that are filled at least half as much as a full one.
    """
    rows, columns = part.sum(1), part.sum(0)
    inner_rows = np.flatnonzero(rows >= np.quantile(rows, 0.8) / 2)
    inner_columns = np.flatnonzero(columns >= np.quantile(columns, 0.8) / 2)
    y0, y1 = int(inner_rows[0]), int(inner_rows[-1]) + 1
    x0, x1 = int(inner_columns[0]), int(inner_columns[-1]) + 1
    if min(y1 - y0, x1 - x0) < rules.min_side:
        return None
    height, width = part.shape
    inside = float(part[y0:y1, x0:x1].sum())
    area = float((y1 - y0) * (x1 - x0))
    total = float(part.sum())
    mean = float(probabilities[top : top + height, left : left + width][part > 0].mean())
    box = (float(left + x0), float(top + y0), float(left + x1), float(top + y1))
    if inside / (total + area - inside) >= rules.rectangle:
        return WindowPart(box, box_corners(box), area, mean, inside / area)
    enlarged = cv2.resize(part, None, fx=_FINER, fy=_FINER, interpolation=cv2.INTER_NEAREST)
    contours, _ = cv2.findContours(enlarged, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    contour = max(contours, key=cv2.contourArea)
    polygon = cv2.approxPolyDP(contour, 0.02 * cv2.arcLength(contour, closed=True), closed=True)[:, 0]
    if len(polygon) < 3:
        return None
    outline = (polygon[::-1] + 0.5) / _FINER + np.array([left, top])
    whole = (float(left), float(top), float(left + width), float(top + height))
    return WindowPart(whole, outline, total, mean, total / (height * width))


def _check_sizes(parts: Sequence[WindowPart], rules: WindowRules) -> tuple[list[WindowPart], list[WindowPart]]:
    """Divide parts into windows and others, by their sizes and what stands in line with them."""
    if not parts:
        return [], []
    typical = typical_area(parts)
    boxes = np.array([part.box for part in parts])
    large = np.array([part.area >= rules.min_lone_size * typical for part in parts])
    in_row, in_column = _overlaps(boxes, 1), _overlaps(boxes, 0)
    aligned = ((in_row | in_column) & large).sum(1) - large
    windows: list[WindowPart] = []
    others: list[WindowPart] = []
    for part, count in zip(parts, aligned, strict=True):
        part = replace(part, aligned=int(count))
        size = part.area / typical
        enough = size >= (rules.min_size if count else rules.min_lone_size)
        fits = enough and part.fill >= rules.min_fill and part.probability >= rules.min_probability
        (windows if fits else others).append(part)
    return windows, others


def typical_area(parts: Sequence[WindowPart]) -> float:
    """Return the area up to which half of the area of all parts lies; small parts hardly change it."""
    areas = np.sort([part.area for part in parts])
    return float(areas[np.searchsorted(np.cumsum(areas), areas.sum() / 2)])


def _overlaps(boxes: NDArray[np.float64], axis: int) -> Mask:
    """Return which of N boxes overlap along an axis by half of the shorter one or more: (N, N) bool."""
    low, high = boxes[:, axis], boxes[:, axis + 2]
    overlap = np.minimum.outer(high, high) - np.maximum.outer(low, low)
    result: Mask = overlap >= 0.5 * np.minimum.outer(high - low, high - low)
    return result
