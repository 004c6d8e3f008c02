"""The truth of street photos, and how measures of their fronts differ from it.

Points are (x, y) in pixels of the photo, of which the first covers 0..1, as in `seamline.run_folder.measures`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from seamline.data.class_map.builtin import CLASS_MAPS
from seamline.data.image_folder.polygons import MIN_CORNERS, rasterize
from seamline.data.image_folder.records import Polygon
from seamline.run_folder import Front, Opening, Storey

LEAST_IOU = 0.5
"""IoU from which a prediction matches a front or a window."""

LEAST_AREA, LEAST_AREA_WITHOUT_WINDOWS = 0.03, 0.1
"""Smallest visible part of a photo that a true front takes, with windows and without."""

ON_FACADE = ("balcony-fence", "shop", "window")
"""Classes whose polygons belong to the facade below them."""

HIDDEN = ("vegetation", "car")
"""Classes that hide buildings; their pixels do not count in the IoU of fronts."""

EDGE = 2
"""Pixels from the edge of a photo within which a window is cut off by it."""

Mask = NDArray[np.bool_]
Points = NDArray[np.float64]
"""(N, 2) float64, x and y."""


@dataclass(frozen=True, eq=False)
class Truth:
    """What the annotations say about a photo."""

    shape: tuple[int, int]  # height and width in pixels
    windows: list[Points]  # outlines of the windows
    window_mask: Mask  # (H, W), visible windows
    fronts: NDArray[np.uint8]  # (H, W), number of the front of each visible pixel of a building, from 1; 0 for none
    known: Mask  # (H, W), pixels that nothing hides
    front_of: tuple[int, ...] = ()  # the front of each window, 0 for none

    @cached_property
    def numbers(self) -> list[int]:
        """The numbers of the fronts that are large enough to count."""
        sizes = np.bincount(self.fronts.ravel()) / self.fronts.size
        with_windows = np.isin(np.arange(len(sizes)), self.front_of)
        large = sizes >= np.where(with_windows, LEAST_AREA, LEAST_AREA_WITHOUT_WINDOWS)
        return [number for number in range(1, len(sizes)) if large[number]]


def truth_of_polygons(polygons: Sequence[Polygon], shape: tuple[int, int]) -> Truth:
    """Return the truth of a photo of `streets`.

    A front is a facade's polygon with the balconies, shops and windows that lie on it or touch it. Polygons are painted
    in the order of the dataset's class map, and what stands in front of buildings last.
    """
    order = CLASS_MAPS["streets"].order
    painted = sorted(polygons, key=lambda one: (_rank(one.label, order), -cv2.contourArea(_array(one))))
    facades = [one for one in painted if one.label == "facade"]
    on_facades = _paint(facades, [*range(1, len(facades) + 1)], shape)
    numbers = [facades.index(one) + 1 if one.label == "facade" else _facade_below(one, on_facades) for one in painted]
    windows = [(one, number) for one, number in zip(painted, numbers, strict=True) if one.label == "window"]
    return Truth(
        shape,
        [_array(one).astype(np.float64) for one, _ in windows],
        _paint(painted, [int(one.label == "window") for one in painted], shape) > 0,
        _paint(painted, numbers, shape),
        _paint(painted, [int(one.label in HIDDEN) for one in painted], shape) == 0,
        tuple(number for _, number in windows),
    )


def truth_of_boxes(boxes: Sequence[Points], shape: tuple[int, int]) -> Truth:
    """Return the truth of a photo of `windows`, whose boxes (4, 2) are of windows alone."""
    mask = _paint([Polygon("window", tuple(map(tuple, box))) for box in boxes], [1] * len(boxes), shape) > 0
    return Truth(shape, list(boxes), mask, np.ones(shape, np.uint8), np.ones(shape, np.bool_))


def _rank(label: str, order: Sequence[str]) -> int:
    """Return when a class is painted."""
    return order.index(label) if label in order else len(order)


def _array(polygon: Polygon) -> NDArray[np.float32]:
    return np.array(polygon.points, np.float32)


def _paint(polygons: Sequence[Polygon], numbers: Sequence[int], shape: tuple[int, int]) -> NDArray[np.uint8]:
    """Paint polygons one over the other with their numbers, up to 255: (H, W) uint8, 0 where there is none."""
    labels = [str(index) for index in range(len(polygons))]
    named = tuple(Polygon(label, one.points) for label, one in zip(labels, polygons, strict=True))
    return rasterize(named, dict(zip(labels, numbers, strict=True)), *shape, order=tuple(labels))


def _facade_below(polygon: Polygon, facades: NDArray[np.uint8]) -> int:
    """Return the number of the facade that a polygon overlaps most, or touches; 0 for none, or another class."""
    if polygon.label not in ON_FACADE:
        return 0
    mask = np.zeros(facades.shape, np.uint8)
    cv2.fillPoly(mask, [np.rint(_array(polygon)).astype(np.int32)], (1,))
    near = cv2.dilate(mask, np.ones((7, 7), np.uint8)) > 0
    counts = np.bincount(facades[near], minlength=2)[1:]
    return int(counts.argmax()) + 1 if counts.any() else 0


def outline_mask(outline: Sequence[tuple[float, float]], shape: tuple[int, int]) -> Mask:
    """Return the pixels of a photo whose center lies in an outline: (H, W) bool."""
    if len(outline) < MIN_CORNERS:
        return _none(shape)
    return rasterize((Polygon("front", tuple(outline)),), {"front": 1}, *shape) > 0


def _none(shape: tuple[int, int]) -> Mask:
    return np.zeros(shape, np.bool_)


def homography(front: Front) -> NDArray[np.float64]:
    """Return the homography of a front, photo to plane: (3, 3) float64."""
    return np.array(front.plane.homography, np.float64).reshape(3, 3)


def warp(mask: Mask, front: Front) -> NDArray[np.float32]:
    """Warp a mask of the photo into the plane of a front: (height, width) float32, 0..1."""
    half = np.array([(1, 0, 0.5), (0, 1, 0.5), (0, 0, 1)])  # the center of the first pixel is at 0.5
    matrix = np.linalg.inv(half) @ homography(front) @ half
    size = (front.plane.width, front.plane.height)
    return np.asarray(cv2.warpPerspective(mask.astype(np.float32), matrix, size), np.float32)


@dataclass(frozen=True)
class Pair:
    """A predicted front, or storey, on a true one."""

    value: float  # its window-to-wall ratio
    truth: float  # the true one, in the same plane
    low: float | None  # of its interval
    high: float | None
    expected: float  # the expected error of its ratio
    area: float = 1.0  # visible true area, in pixels of the plane or photo

    @property
    def covered(self) -> bool | None:
        """Whether the interval contains the truth; None without an interval."""
        return None if self.low is None or self.high is None else self.low <= self.truth <= self.high


@dataclass(frozen=True)
class FrontResult:
    """A true front and what was measured of it."""

    iou: float  # of the fronts predicted on it together
    single_iou: float  # of the best of them
    pairs: list[Pair] = field(default_factory=list)  # of the fronts predicted on it
    storeys: list[Pair] = field(default_factory=list)  # of their storeys
    windows: tuple[int, int] = (0, 0)  # predicted and true number

    @property
    def matched(self) -> bool:
        """Whether it has a match with a number."""
        return self.iou >= LEAST_IOU and bool(self.pairs)

    @property
    def error(self) -> float:
        """Error of its window-to-wall ratio, infinite without a match."""
        if not self.matched:
            return np.inf
        areas = np.array([pair.area for pair in self.pairs])
        errors = np.array([pair.value - pair.truth for pair in self.pairs])
        return float(abs(areas @ errors) / areas.sum())


def compare_fronts(fronts: Sequence[Front], truth: Truth) -> list[FrontResult]:
    """Compare the fronts of a photo with the true ones.

    A polygon may outline a building with two sides. So the fronts predicted on it, those of which most pixels of
    buildings are its, match it together, and the errors of their ratios are averaged by area.
    """
    masks = [outline_mask(front.outline, truth.shape) & truth.known for front in fronts]
    owners = [_owner(mask, truth.fronts) for mask in masks]
    results = []
    for number in truth.numbers:
        region = truth.fronts == number
        mine = [index for index, owner in enumerate(owners) if owner == number]
        union = np.any([_none(truth.shape), *(masks[index] for index in mine)], axis=0)
        pairs = [(fronts[index], pair) for index in mine if (pair := front_pair(fronts[index], truth, region))]
        results.append(
            FrontResult(
                _iou(union, region & truth.known),
                max((_iou(masks[index], region & truth.known) for index in mine), default=0.0),
                [pair for _, pair in pairs],
                [storey for front, _ in pairs for storey in storey_pairs(front, truth, region)],
                (sum(front.windows for front, _ in pairs), truth.front_of.count(number)),
            )
        )
    return results


def _owner(mask: Mask, fronts: NDArray[np.uint8]) -> int:
    """Return the true front with most pixels of a mask; 0 if it has none."""
    counts = np.bincount(fronts[mask], minlength=2)[1:]
    return int(counts.argmax()) + 1 if counts.any() else 0


def _iou(one: Mask, other: Mask) -> float:
    union = np.count_nonzero(one | other)
    return np.count_nonzero(one & other) / union if union else 0.0


def front_pair(front: Front, truth: Truth, region: Mask) -> Pair | None:
    """Return the ratio of a front beside the true one of a region, both in the front's plane; None outside of it."""
    visible, windows = warp(region, front), warp(region & truth.window_mask, front)
    if not visible.sum():
        return None
    area = float((outline_mask(front.outline, truth.shape) & region).sum())
    return _pair(front, float(windows.sum() / visible.sum()), area or 1.0)


def storey_pairs(front: Front, truth: Truth, region: Mask) -> list[Pair]:
    """Return the ratio of each storey of a front beside the true one, where a tenth of it is visible building."""
    visible, windows = warp(region, front), warp(region & truth.window_mask, front)
    pairs = []
    for storey in front.storeys:
        rows = slice(max(0, round(storey.top)), max(0, round(storey.bottom)))
        seen = float(visible[rows].sum())
        if seen and seen >= 0.1 * visible[rows].size:
            pairs.append(_pair(storey, float(windows[rows].sum()) / seen, seen))
    return pairs


def _pair(measured: Front | Storey, truth: float, area: float) -> Pair:
    wwr = measured.wwr
    return Pair(wwr.value, truth, wwr.low, wwr.high, measured.expected_error, area)


def with_shops(front: Front) -> float:
    """Return the area of windows and shop windows over that of the visible front: boxes are of both."""
    areas = [
        cv2.contourArea(np.array(one.outline, np.float32))
        for one in front.openings
        if one.kind in ("window", "shop") and one.counted
    ]
    return float(sum(areas)) / front.visible_area if front.visible_area else 0.0


def predicted_windows(fronts: Sequence[Front], *, shops: bool = False) -> list[Opening]:
    """Return the windows of fronts, and their shop windows if wanted, from the most probable; inferred ones not."""
    kinds = ("window", "shop") if shops else ("window",)
    openings = [one for front in fronts for one in front.openings if one.kind in kinds and not one.inferred]
    return sorted(openings, key=lambda one: -one.probability)


def polygon_ious(one: Sequence[Points], other: Sequence[Points]) -> NDArray[np.float64]:
    """Return the IoU of each polygon with each other one, drawn at four times the resolution: (P, T) float64."""
    ious = np.zeros((len(one), len(other)))
    boxes, other_boxes = boxes_of(one), boxes_of(other)
    for row, column in np.argwhere(box_ious(boxes, other_boxes) > 0):
        low = np.minimum(boxes[row, :2], other_boxes[column, :2])
        high = np.maximum(boxes[row, 2:], other_boxes[column, 2:])
        width, height = np.ceil(4 * (high - low)).astype(int).tolist()
        pair = (4 * (points - low) for points in (one[row], other[column]))
        ious[row, column] = _iou(*(outline_mask([*map(tuple, points.tolist())], (height, width)) for points in pair))
    return ious


def box_ious(one: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the IoU of boxes (P, 4) with boxes (T, 4), each left, top, right, bottom: (P, T) float64."""
    low, high = np.maximum(one[:, None, :2], other[None, :, :2]), np.minimum(one[:, None, 2:], other[None, :, 2:])
    both = np.maximum(high - low, 0).prod(2)
    areas = [(boxes[:, 2:] - boxes[:, :2]).prod(1) for boxes in (one, other)]
    either = areas[0][:, None] + areas[1][None] - both
    ious: NDArray[np.float64] = np.divide(both, either, out=np.zeros_like(both), where=either > 0)
    return ious


def boxes_of(polygons: Sequence[Points]) -> NDArray[np.float64]:
    """Return the boxes of polygons: (N, 4) float64, left, top, right, bottom."""
    return np.array([[*points.min(0), *points.max(0)] for points in polygons]).reshape(-1, 4)


def cut_off(boxes: NDArray[np.float64], shape: tuple[int, int]) -> Mask:
    """Return which boxes (N, 4) the edge of a photo cuts off: (N,) bool."""
    height, width = shape
    return (boxes[:, :2] <= EDGE).any(1) | (boxes[:, 2] >= width - EDGE) | (boxes[:, 3] >= height - EDGE)


def match_instances(ious: NDArray[np.float64], ignored: Mask, unpunished: Mask) -> tuple[int, int, int]:
    """Match predictions with true instances, one after the other.

    Each takes the free instance with the highest IoU, of those that count first.

    Args:
        ious: (P, T) float64, predictions in the order of their probability.
        ignored: (T,) bool, instances that do not count; a prediction that matches one does not count either.
        unpunished: (P,) bool, predictions that do not count where they match nothing.

    Returns:
        Numbers of matched predictions, of unmatched ones, and of instances without a match.
    """
    free, right, wrong = np.ones(len(ignored), np.bool_), 0, 0
    for row, forgiven in zip(ious, unpunished, strict=True):
        for candidates in (free & ~ignored, free & ignored):
            reached = np.where(candidates, row, 0.0)
            if reached.max(initial=0.0) >= LEAST_IOU:
                free[reached.argmax()] = False
                right += not ignored[reached.argmax()]
                break
        else:
            wrong += not forgiven
    return right, wrong, int(np.count_nonzero(free & ~ignored))


def is_close_count(predicted: int, truth: int) -> bool:
    """Return whether a number of windows is off by at most a tenth, or by one."""
    return abs(predicted - truth) <= max(1.0, 0.1 * truth)


def main_front(fronts: Sequence[Front], left: float, right: float, shape: tuple[int, int]) -> Front | None:
    """Return the front with the largest area between two columns of a photo; None if none has any."""
    columns = slice(max(0, round(left)), max(0, round(right)))
    areas = [int(outline_mask(front.outline, shape)[:, columns].sum()) for front in fronts]
    return fronts[int(np.argmax(areas))] if max(areas, default=0) else None


def residual_degrees(front: Front, to_photo: NDArray[np.float64], corners: Points, count: int = 5) -> float:
    """Return the median angle between the plane's axes and true verticals and horizontals in it, in degrees.

    Args:
        front: the front.
        to_photo: (3, 3) float64, from the wall to the photo.
        corners: (2, 2) float64, two opposite corners of the wall, between which the lines are drawn.
        count: number of verticals, and of horizontals.
    """
    (left, top), (right, bottom) = corners
    xs, ys = np.linspace(left, right, count), np.linspace(top, bottom, count)
    starts = [*((x, top) for x in xs), *((left, y) for y in ys)]
    ends = [*((x, bottom) for x in xs), *((right, y) for y in ys)]
    matrix = homography(front) @ to_photo
    first, last = (cv2.perspectiveTransform(np.array([points]), matrix)[0] for points in (starts, ends))
    dx, dy = np.abs(last - first).T
    upright = np.arange(2 * count) < count
    return float(np.median(np.degrees(np.arctan2(np.where(upright, dx, dy), np.where(upright, dy, dx)))))
