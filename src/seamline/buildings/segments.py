"""Straight line segments of a front in a photo, and how much long lines bend there."""

import cv2
import numpy as np
from numpy.typing import NDArray

Segments = NDArray[np.float64]
"""(S, 4) x1, y1, x2, y2 in pixels of the photo; the first pixel covers 0..1."""

CURVATURE_LIMIT = 8.0
"""Median bend of long lines, in thousandths of their length, from which on a photo is too curved to be measured well.

A line that crosses the photo then leaves its chord by 1/125 of its length, about a tenth of a storey of a front of four
storeys that fills the photo. Phones and cameras stay below 3, action cameras reach 20 and more.
"""

_SHORTEST = 0.022  # of the diagonal of the region's bounding box: shorter segments are ornaments and texture
_SHORTEST_PIXELS = 10.0  # the detector's ends are off by half a pixel, 3 degrees here
_DILATION = 0.01  # of the same diagonal: edges of the front lie on the region's border
_MOST_SEGMENTS = 1500  # the longest ones; more do not help, and cost time
_DETECTOR_SHIFT = 0.625  # half a pixel over the detector's scale of 0.8, by which its coordinates are too small

_LONG_LINE = 0.25  # of the diagonal of the region's bounding box
_FEWEST_LINES = 3
_CHAIN_SEEDS = 60  # the longest segments, from which chains grow
_CHAIN_OFFSET, _CHAIN_DEGREES = 1.5, 3.0  # pixels and degrees by which a segment may leave the line that it prolongs
_CHAIN_GAP = 0.4  # of the line's length, between it and the segment that prolongs it


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
    found = cv2.createLineSegmentDetector().detect(gray)[0]
    if found is None:
        return np.zeros((0, 4))
    segments = found.reshape(-1, 4).astype(np.float64) + _DETECTOR_SHIFT
    lengths = segment_lengths(segments)
    order = np.argsort(-lengths, kind="stable")
    order = order[lengths[order] >= max(_SHORTEST_PIXELS, _SHORTEST * diagonal)]
    shift = (columns.start, rows.start)
    return select_segments(segments[order] + np.array(shift + shift), region)[:_MOST_SEGMENTS]


def select_segments(segments: Segments, region: NDArray[np.bool_]) -> Segments:
    """Return the segments of which most lies in a region (H, W) bool, or within 1 % of its diagonal of it."""
    left, top, width, height = cv2.boundingRect(region.astype(np.uint8))
    radius = max(2, round(_DILATION * float(np.hypot(width, height))))
    near = cv2.copyMakeBorder(
        region[top : top + height, left : left + width].astype(np.uint8), *[radius + 1] * 4, cv2.BORDER_CONSTANT
    )
    near = cv2.dilate(near, cv2.getStructuringElement(cv2.MORPH_RECT, (2 * radius + 1, 2 * radius + 1)))
    share = np.linspace(0, 1, 9)
    x, y = (segments[:, [k]] * (1 - share) + segments[:, [k + 2]] * share for k in (0, 1))
    rows = np.clip(np.floor(y) - top + radius + 1, 0, near.shape[0] - 1).astype(int)
    columns = np.clip(np.floor(x) - left + radius + 1, 0, near.shape[1] - 1).astype(int)
    return np.asarray(segments[near[rows, columns].mean(1) > 0.5])


def segment_lengths(segments: Segments) -> NDArray[np.float64]:
    """Return the lengths (S,) of segments, in pixels."""
    return np.hypot(segments[:, 2] - segments[:, 0], segments[:, 3] - segments[:, 1])


def measure_curvature(segments: Segments, region: NDArray[np.bool_]) -> float | None:
    """Measure how much long lines bend, by parabolas through segments that prolong one another.

    Args:
        segments: (S, 4) of `detect_segments`.
        region: (H, W) bool, in which they were detected.

    Returns:
        The median of sagitta over length, in thousandths; positive where lines bulge away from the photo's center, as
        in wide-angle lenses. None with fewer than three lines as long as a quarter of the region's diagonal.
    """
    _, _, width, height = cv2.boundingRect(region.astype(np.uint8))
    shortest = _LONG_LINE * float(np.hypot(width, height))
    center = np.array(region.shape[::-1]) / 2
    free = np.ones(len(segments), bool)
    bends = []
    for seed in range(min(_CHAIN_SEEDS, len(segments))):
        if not free[seed]:
            continue
        chain = _grow_chain(segments, seed)
        points = segments[chain].reshape(-1, 2)
        length, bend = _bend(points, center)
        if length >= shortest:
            free[chain] = False
            bends.append(bend)
    return 1000 * float(np.median(bends)) if len(bends) >= _FEWEST_LINES else None


def _grow_chain(segments: Segments, seed: int) -> NDArray[np.intp]:
    """Return the indices of segments that prolong a segment, and itself; the line may bend as a parabola."""
    chain = np.array([seed])
    while True:
        origin, along = _axis(segments[chain].reshape(-1, 2))
        local = (segments.reshape(-1, 2) - origin) @ np.stack([along, [-along[1], along[0]]], 1)
        t, offset = local[:, 0].reshape(-1, 2), local[:, 1].reshape(-1, 2)
        line = np.polyfit(t[chain].ravel(), offset[chain].ravel(), 2 if len(chain) > 1 else 1)
        start, end = t[chain].min(), t[chain].max()
        span = t[:, 1] - t[:, 0]
        with np.errstate(divide="ignore", invalid="ignore"):
            slope = (offset[:, 1] - offset[:, 0]) / span
        bound = np.clip(t, start - _CHAIN_GAP * (end - start), end + _CHAIN_GAP * (end - start))
        turn = np.abs(np.arctan(slope) - np.arctan(np.polyval(np.polyder(line), t.mean(1))))
        fits = (np.abs(offset - np.polyval(line, t)) <= _CHAIN_OFFSET).all(1) & (turn <= np.radians(_CHAIN_DEGREES))
        fits &= (bound == t).any(1)
        fits[chain] = True
        grown = np.flatnonzero(fits)
        if len(grown) == len(chain):
            return chain
        chain = grown


def _axis(points: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the mean of points (N, 2) and their main direction, of length 1."""
    mean = points.mean(0)
    return mean, np.linalg.svd(points - mean, full_matrices=False)[2][0]


def _bend(points: NDArray[np.float64], center: NDArray[np.float64]) -> tuple[float, float]:
    """Return the length of a line through points (N, 2), and its sagitta over it, positive away from the center."""
    mean, along = _axis(points)
    across = np.array([-along[1], along[0]])
    t = (points - mean) @ along
    length = float(np.ptp(t))
    if len(points) < 3:
        return length, 0.0
    sagitta = -np.polyfit(t, (points - mean) @ across, 2)[0] * (length / 2) ** 2
    return length, float(sagitta * np.sign((mean - center) @ across) / length)
