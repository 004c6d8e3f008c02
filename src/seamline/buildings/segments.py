"""Straight line segments of a front in a photo, and how much long lines bend there."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Segments = NDArray[np.float64]
"""(S, 4) x1, y1, x2, y2 in pixels of the photo; the first pixel covers 0..1."""

CURVATURE_LIMIT = 10.0
"""Median bend of long lines, in thousandths of their length, from which on a photo is too curved to be measured well.

A line of a storey's width, a quarter of a front of 1200 pixels, then leaves its chord by 3 pixels, and rows of windows
no longer fit one plane. Cameras for architecture stay below 2, phones below 4, and action cameras exceed 15.
"""

_SHORTEST = 0.022  # of the diagonal of the region's bounding box: shorter segments are ornaments and texture
_SHORTEST_PIXELS = 10.0  # the detector's ends are off by half a pixel, 3 degrees here
_DILATION = 0.01  # of the same diagonal: edges of the front lie on the region's border
_MOST_SEGMENTS = 1500  # the longest ones; more do not help, and cost time
_DETECTOR_SHIFT = 0.625  # half a pixel over the detector's scale of 0.8, by which its coordinates are too small
_BRIGHTER = np.sqrt(np.arange(256) * 255).round().astype(np.uint8)  # so that lines in the shade are detected as well

_LONG_LINE = 0.25  # of the diagonal of the region's bounding box
_EDGE_REACH = 6  # pixels on both sides of a segment within which its edge is
_FEWEST_EDGE_POINTS = 8
_OFF_CENTER = 0.1  # of the photo's shorter side: lines through the center stay straight in any lens
_FEWEST_LINES = 3
_CHAIN_SEEDS = 60  # the longest segments, from which chains grow
_CHAIN_OFFSET, _CHAIN_DEGREES = 1.5, 4.0  # pixels and degrees by which a segment may leave the line that it prolongs
_CHAIN_SLACK = 0.04  # pixels more for each pixel beyond the line's end
_CHAIN_GAP = 0.15  # of the same diagonal, between a line and the segment that prolongs it, and no more than its length


def detect_segments(image: NDArray[np.uint8], region: NDArray[np.bool_]) -> Segments:
    """Detect straight line segments in a region of a photo.

    By the detector of von Gioi et al., "LSD: a line segment detector", IPOL 2012.

    Args:
        image: (H, W, 3) uint8.
        region: (H, W) bool.

    Returns:
        (S, 4) float64, the longest first. Most of each lies in the region, or within 1 % of its diagonal of it.
    """
    left, top, width, height = cv2.boundingRect(region.astype(np.uint8))
    if min(width, height) < 2:
        return np.zeros((0, 4))
    diagonal = float(np.hypot(width, height))
    radius = max(2, round(_DILATION * diagonal))
    rows = slice(max(0, top - radius), top + height + radius)
    columns = slice(max(0, left - radius), left + width + radius)
    gray = cv2.cvtColor(np.ascontiguousarray(image[rows, columns]), cv2.COLOR_RGB2GRAY)
    detected = cv2.createLineSegmentDetector().detect(cv2.LUT(gray, _BRIGHTER))[0]
    if detected is None:
        return np.zeros((0, 4))
    segments = detected.reshape(-1, 4).astype(np.float64) + _DETECTOR_SHIFT
    lengths = segment_lengths(segments)
    order = np.argsort(-lengths, kind="stable")
    order = order[lengths[order] >= max(_SHORTEST_PIXELS, _SHORTEST * diagonal)]
    shift = (columns.start, rows.start)
    return select_segments(segments[order] + np.array(shift + shift), region)[:_MOST_SEGMENTS]


def select_segments(segments: Segments, region: NDArray[np.bool_]) -> Segments:
    """Return the segments of which most lies in a region (H, W) bool, or within 1 % of its diagonal of it."""
    left, top, width, height = cv2.boundingRect(region.astype(np.uint8))
    radius = max(2, round(_DILATION * float(np.hypot(width, height))))
    near = np.pad(region[top : top + height, left : left + width].astype(np.uint8), radius + 1)
    near = cv2.dilate(near, np.ones((2 * radius + 1, 2 * radius + 1), np.uint8)).astype(np.uint8)
    steps = np.linspace(0, 1, 9)
    x, y = (segments[:, [k]] * (1 - steps) + segments[:, [k + 2]] * steps for k in (0, 1))
    rows = np.clip(np.floor(y) - top + radius + 1, 0, near.shape[0] - 1).astype(int)
    columns = np.clip(np.floor(x) - left + radius + 1, 0, near.shape[1] - 1).astype(int)
    return np.asarray(segments[near[rows, columns].mean(1) > 0.5])


def segment_lengths(segments: Segments) -> NDArray[np.float64]:
    """Return the lengths (S,) of segments, in pixels."""
    return np.hypot(segments[:, 2] - segments[:, 0], segments[:, 3] - segments[:, 1])


def measure_curvature(image: NDArray[np.uint8], segments: Segments, region: NDArray[np.bool_]) -> float | None:
    """Measure how much long lines bend, by parabolas through their edges.

    Args:
        image: (H, W, 3) uint8.
        segments: (S, 4) of `detect_segments`; those that prolong one another are one line.
        region: (H, W) bool, in which they were detected.

    Returns:
        The median of sagitta over length, in thousandths; positive where lines bulge away from the photo's center, as
        in wide-angle lenses. Where there are enough steep and enough flat lines, it is that of those that bend less,
        as lenses bend both, and round houses only horizontals. None with fewer than three lines that are as long as a
        quarter of the region's diagonal and pass beside the photo's center.
    """
    _, _, width, height = cv2.boundingRect(region.astype(np.uint8))
    diagonal = float(np.hypot(width, height))
    gray = np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), np.uint8)
    center = np.array(region.shape[::-1]) / 2
    free = np.ones(len(segments), bool)
    bends: tuple[list[float], list[float]] = ([], [])  # of flat and steep lines
    for seed in range(min(_CHAIN_SEEDS, len(segments))):
        if not free[seed]:
            continue
        chain = _grow_chain(segments, seed, _CHAIN_GAP * diagonal)
        edge = _edge_points(gray, segments[chain])
        line = _Line.of(edge, center) if len(edge) >= _FEWEST_EDGE_POINTS else None
        if line and line.length >= _LONG_LINE * diagonal:
            free[chain] = False
            if line.distance >= _OFF_CENTER * min(region.shape):
                bends[line.steep].append(line.bend)
    groups = [group for group in bends if len(group) >= _FEWEST_LINES] or [bends[0] + bends[1]]
    if len(groups[0]) < _FEWEST_LINES:
        return None
    return 1000 * float(min((np.median(group) for group in groups), key=abs))


def _edge_points(gray: NDArray[np.uint8], segments: Segments) -> NDArray[np.float64]:
    """Return points (N, 2) on the edge near segments of one line: the detector's are straight where the edge bends."""
    steps = np.linspace(0.02, 0.98, 16)[:, np.newaxis, np.newaxis]
    starts, along = segments[:, :2], segments[:, 2:] - segments[:, :2]
    points = (starts + steps * along).reshape(-1, 2)
    normals = np.stack([-along[:, 1], along[:, 0]], 1) / segment_lengths(segments)[:, np.newaxis]
    across = np.tile(normals, (len(steps), 1))
    offsets = np.arange(-_EDGE_REACH, _EDGE_REACH + 1)
    grid = points[:, np.newaxis] + offsets[:, np.newaxis] * across[:, np.newaxis] - 0.5
    x, y = grid[..., 0].astype(np.float32), grid[..., 1].astype(np.float32)
    profiles = cv2.remap(gray, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    slopes = np.gradient(profiles.astype(np.float64), axis=1)
    slopes *= np.sign(slopes[:, 2:-2].sum())
    peak = slopes[:, 1:-1].argmax(1) + 1
    before, at, after = (slopes[np.arange(len(peak)), peak + step] for step in (-1, 0, 1))
    curve = before - 2 * at + after
    clear = (at > np.median(at) / 2) & (curve < 0) & (before <= at) & (after <= at)
    shift = offsets[peak[clear]] + (before - after)[clear] / curve[clear] / 2
    return np.asarray(points[clear] + shift[:, np.newaxis] * across[clear])


def _grow_chain(segments: Segments, seed: int, gap: float) -> NDArray[np.intp]:
    """Return the indices of segments that prolong a segment, and itself; the line may bend as a parabola."""
    chain = np.array([seed])
    while True:
        origin, along = _axis(segments[chain].reshape(-1, 2))
        local = (segments.reshape(-1, 2) - origin) @ np.stack([along, [-along[1], along[0]]], 1)
        t, offset = local[:, 0].reshape(-1, 2), local[:, 1].reshape(-1, 2)
        line = np.polyfit(t[chain].ravel(), offset[chain].ravel(), 2 if len(chain) > 1 else 1)
        start, end = t[chain].min(), t[chain].max()
        reach = min(gap, end - start)  # a short line does not tell how it goes on far away
        slope = np.arctan2(np.diff(offset, axis=1), np.diff(t, axis=1))[:, 0]
        turn = slope - np.arctan(np.polyval(np.polyder(line), t.mean(1)))
        turn -= np.pi * np.round(slope[seed] / np.pi)  # the detector's segments have the darker side on their left
        fits = np.cos(turn) >= np.cos(np.radians(_CHAIN_DEGREES))
        beyond = np.maximum(0, np.maximum(start - t, t - end))
        fits &= (np.abs(offset - np.polyval(line, t)) <= _CHAIN_OFFSET + _CHAIN_SLACK * beyond).all(1)
        fits &= (t.max(1) >= start - reach) & (t.min(1) <= end + reach)
        fits[chain] = True
        if fits.sum() == len(chain):
            return chain
        chain = np.flatnonzero(fits)


@dataclass(frozen=True)
class _Line:
    """A long line of a photo."""

    length: float
    distance: float  # from the photo's center
    bend: float  # sagitta over length, positive away from the center
    steep: bool  # whether it is nearer to the photo's columns than to its rows

    @classmethod
    def of(cls, points: NDArray[np.float64], center: NDArray[np.float64]) -> "_Line":
        """Fit a parabola to points (N, 2), and again to those near it."""
        mean, along = _axis(points)
        across = np.array([-along[1], along[0]])
        t, offset = (points - mean) @ along, (points - mean) @ across
        length, distance = float(np.ptp(t)), float((mean - center) @ across)
        terms = np.vander(2 * t / length, 3)
        line = np.linalg.lstsq(terms, offset)[0]
        misses = np.abs(offset - terms @ line)
        near = misses <= max(0.5, 2.5 * float(np.median(misses)))
        line = np.linalg.lstsq(terms[near], offset[near])[0]
        bend = -line[0] / length * np.sign(distance)
        return cls(length, abs(distance), float(bend), bool(abs(along[1]) > abs(along[0])))


def _axis(points: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the mean of points (N, 2) and their main direction, of length 1."""
    mean = points.mean(0)
    return mean, np.linalg.svd(points - mean, full_matrices=False)[2][0]
