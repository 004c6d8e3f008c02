"""Align two images by matching keypoints, and measure how well they agree, pixel by pixel and keypoint by keypoint."""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from seamline.data.near_duplicates.features import MIN_VARIANCE, ImageFeatures, blur

SCALE_RANGE = (0.4, 2.5)
"""Smallest and largest scale between two images."""

_LOOSE, _STRICT = 7.0, 3.0  # pixels within which matches support a hypothesis
_MIN_LOOSE, _MIN_STRICT = 7, 4  # matches of a hypothesis
_MIN_EQUAL = 0.9  # similarity from which two keypoints may be the same pixels
_MAX_PROPOSALS = 3  # of each type
_MIN_PIXELS = 600
_FULL_RATIO = 0.3  # ratio of mutual matches from which more do not make an alignment likelier
_MAX_DISTANCE, _MAX_LOG_RATIO, _MIN_SIMILARITY = 4.0, 0.4, 0.6  # of a keypoint and its counterpart


@dataclass(frozen=True)
class Alignment:
    """Maps (x, y) in the first image to (scale_x * x + shift_x, scale_y * y + shift_y) in the second, in pixels.

    `matches` keypoints agree with it.
    """

    scale_x: float
    scale_y: float
    shift_x: float
    shift_y: float
    matches: int

    @property
    def scale(self) -> float:
        """The geometric mean of both scales."""
        return float(np.sqrt(self.scale_x * self.scale_y))

    def transform(self, points: NDArray[np.float32]) -> NDArray[np.float32]:
        """Map points (P, 2) float32, x and y, of the first image into the second."""
        scales = np.array([self.scale_x, self.scale_y], np.float32)
        return points * scales + np.array([self.shift_x, self.shift_y], np.float32)

    def is_close_to(self, other: "Alignment") -> bool:
        """Return whether both map every pixel of an image of usual size to about the same position."""
        scales = max(abs(self.scale_x - other.scale_x), abs(self.scale_y - other.scale_y))
        shifts = max(abs(self.shift_x - other.shift_x), abs(self.shift_y - other.shift_y))
        return 128 * scales < 1 and shifts < 1


def propose_alignments(first: ImageFeatures, second: ImageFeatures, similarity: NDArray[np.float32]) -> list[Alignment]:
    """Propose alignments of two images, the best supported first.

    Mutual nearest neighbors give a scale and a shift each (the Hough transform of Lowe, IJCV 2004, with a cell for
    every match). Facades repeat themselves, so several proposals are made: the best supported ones within wide bounds,
    and those of nearly identical keypoints within narrow ones, which finds a small overlap of two crops among many
    equal windows. `similarity` (P, Q) float32, -1..1, is that of the keypoints of one to those of the other.
    """
    if len(first.keypoints) < 2 or len(second.keypoints) < 2:
        return []
    forward, backward = similarity.argmax(1), similarity.argmax(0)
    i = np.flatnonzero(backward[forward] == np.arange(len(forward)))
    j = forward[i]
    scale = second.scales[j] / first.scales[i]
    in_range = (scale > SCALE_RANGE[0]) & (scale < SCALE_RANGE[1])
    i, j, scale = i[in_range], j[in_range], scale[in_range]
    matches = _KeypointMatches(first.keypoints[i], second.keypoints[j], np.log(scale))
    loose = matches.propose(_LOOSE, 0.35, _MIN_LOOSE, (6.0, 4.5, 3.5, 3.0, 3.0))
    equal = matches.select(similarity[i, j] > _MIN_EQUAL)
    strict = equal.propose(_STRICT, 0.12, _MIN_STRICT, (3.0, 2.0, 1.5, 1.5), try_unit_scale=True)
    return loose + [one for one in strict if not any(one.is_close_to(other) for other in loose)]


@dataclass(frozen=True, eq=False)
class _KeypointMatches:
    """Matching keypoints: `p` (M, 2) in the first image, `q` (M, 2) in the second, and the logarithm (M,) of scales."""

    p: NDArray[np.float32]
    q: NDArray[np.float32]
    log_scale: NDArray[np.float32]

    def select(self, which: NDArray[np.bool_]) -> "_KeypointMatches":
        """Return the matches where `which` (M,) bool is True."""
        return _KeypointMatches(self.p[which], self.q[which], self.log_scale[which])

    def propose(
        self,
        distance: float,
        log_ratio: float,
        min_matches: int,
        bounds: tuple[float, ...],
        *,
        try_unit_scale: bool = False,
    ) -> list[Alignment]:
        """Cluster the matches around each of them, and fit an alignment to the largest clusters.

        Args:
            distance: pixels within which a match supports another.
            log_ratio: difference of the logarithms of their scales within which it does.
            min_matches: smallest size of a cluster.
            bounds: distances within which matches are fitted again, one after the other.
            try_unit_scale: whether a scale close to 1 is also tried as 1. Few keypoints in a small overlap measure
                it badly, and crops of one photo often have its scale.

        Returns:
            The alignments.
        """
        if len(self.p) < min_matches:
            return []
        factor = np.exp(self.log_scale)[:, None]
        shift = self.q - factor * self.p
        supports = np.abs(self.log_scale[None] - self.log_scale[:, None]) < log_ratio
        for axis in (0, 1):
            predicted = factor * self.p[None, :, axis] + shift[:, axis, None]
            supports &= np.abs(self.q[None, :, axis] - predicted) < distance
        support = supports.sum(1)
        used = np.zeros(len(self.p), bool)
        proposals: list[Alignment] = []
        clusters = 0
        for k in np.argsort(-support, kind="stable"):
            if support[k] < min_matches or clusters == _MAX_PROPOSALS:
                break
            if used[k]:
                continue
            fitted, members = self._fit(supports[k], bounds)
            used |= supports[k] | members
            if fitted is not None:
                clusters += 1
                proposals.append(fitted)
                if try_unit_scale and max(abs(fitted.scale_x - 1), abs(fitted.scale_y - 1)) < 0.04:
                    x, y = np.median(self.q[members] - self.p[members], axis=0)
                    proposals.append(Alignment(1.0, 1.0, float(x), float(y), fitted.matches))
        return proposals

    def _fit(self, members: NDArray[np.bool_], bounds: tuple[float, ...]) -> tuple[Alignment | None, NDArray[np.bool_]]:
        """Fit an alignment to members (M,) bool, select the members again within narrower bounds, and repeat."""
        typical = float(np.exp(np.median(self.log_scale[members])))
        fitted = None
        for bound in bounds:
            if members.sum() < 4:
                break
            scale_x, shift_x = _fit_line(self.p[members, 0], self.q[members, 0], typical)
            scale_y, shift_y = _fit_line(self.p[members, 1], self.q[members, 1], typical)
            off_x = np.abs(self.q[:, 0] - scale_x * self.p[:, 0] - shift_x)
            off_y = np.abs(self.q[:, 1] - scale_y * self.p[:, 1] - shift_y)
            members = (np.maximum(off_x, off_y) < bound) & (np.abs(self.log_scale - np.log(typical)) < 0.5)
            fitted = Alignment(scale_x, scale_y, shift_x, shift_y, int(members.sum()))
        if fitted is None or not 0.6 < fitted.scale_x / fitted.scale_y < 1.67:
            return None, members
        in_range = SCALE_RANGE[0] * 0.85 < fitted.scale < SCALE_RANGE[1] / 0.85
        return (fitted if in_range else None), members


def _fit_line(x: NDArray[np.float32], y: NDArray[np.float32], typical: float) -> tuple[float, float]:
    """Fit y = scale * x + shift to (M,) float32; close x draw the scale toward `typical`."""
    mean_x, mean_y = float(x.mean()), float(y.mean())
    weight = 2000.0  # square pixels: that of a few matches some 20 pixels apart
    spread = float(((x - mean_x) ** 2).sum()) + weight
    scale = (float(((x - mean_x) * (y - mean_y)).sum()) + typical * weight) / spread
    return scale, mean_y - scale * mean_x


@dataclass(frozen=True)
class Agreement:
    """How well two aligned images agree."""

    lower_quartile: float  # local correlation that three quarters of the textured pixels of the overlap reach, -1..1
    median: float  # local correlation that half of them reach
    # fraction of the first image's area that the second covers, and of the second's that the first covers
    overlap: tuple[float, float]
    cover: tuple[float, float]  # the same for the textured pixels of each image
    # fraction of the keypoints within the overlap, of both images, with a counterpart at the same position
    shared: float
    # fraction of these keypoints that are mutual nearest neighbors, 0..1; among equal windows nearest neighbors are
    # random
    mutual_match_ratio: float
    color: float  # correlation of color, the better of red-green and blue-yellow, -1..1; 1 for gray images
    # textured pixels of the overlap that agree, as a fraction of the first image's area, times `lower_quartile`,
    # reduced for a low `mutual_match_ratio`. The strongest of several alignments is used
    strength: float


@dataclass(frozen=True)
class _Overlap:
    """The overlap of two aligned images, in pixels of the first one, and the matrix that warps the second to it."""

    left: int
    top: int
    right: int
    bottom: int
    matrix: NDArray[np.float64]

    def crop(self, image: NDArray[Any]) -> NDArray[Any]:
        """Return the overlap of the first image (H, W, …)."""
        return image[self.top : self.bottom, self.left : self.right]

    def warp(self, image: NDArray[Any]) -> NDArray[Any]:
        """Return the overlap of the second image (H, W, …), resampled to the first."""
        size = self.right - self.left, self.bottom - self.top
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        warped: NDArray[Any] = cv2.warpAffine(image, self.matrix, size, flags=flags, borderMode=cv2.BORDER_REPLICATE)
        return warped


def measure_agreement(
    first: ImageFeatures, second: ImageFeatures, alignment: Alignment, similarity: NDArray[np.float32]
) -> Agreement | None:
    """Compare two images under an alignment; None where too few textured pixels overlap.

    Brightness is compared by zero-mean normalized cross-correlation in small windows, so that exposure matters little
    and the position of edges much. The finer image is blurred to the detail of the coarser one. `similarity` (P, Q)
    float32, -1..1, is that of the keypoints of one to those of the other.
    """
    overlap = _find_overlap(first, second, alignment)
    if overlap is None:
        return None
    a: NDArray[Any] = first.gray
    b: NDArray[Any] = second.gray
    if alignment.scale > 1.05:
        b = cv2.GaussianBlur(b, (0, 0), 0.5 * np.sqrt(alignment.scale**2 - 1))
    if alignment.scale < 0.95:
        a = cv2.GaussianBlur(a, (0, 0), 0.5 * np.sqrt(alignment.scale**-2 - 1))
    a, b = np.ascontiguousarray(overlap.crop(a)), overlap.warp(b)
    mean_a, mean_b = blur(a), blur(b)
    variance_a = blur(a * a) - mean_a**2
    variance_b = blur(b * b) - mean_b**2
    textured = (variance_a > MIN_VARIANCE) & (variance_b > MIN_VARIANCE)
    pixels = int(textured.sum())
    if pixels < _MIN_PIXELS:
        return None
    covariance = (blur(a * b) - mean_a * mean_b)[textured]
    local = covariance / np.sqrt(variance_a[textured] * variance_b[textured])
    lower_quartile, median = (float(q) for q in np.percentile(local, [25, 50]))
    area_ratio = alignment.scale_x * alignment.scale_y
    shared, counterparts = _shared_keypoints(first, second, alignment, similarity, overlap)
    ratio = min(1.0, alignment.matches / max(counterparts, 1.0))
    agreeing = float((np.maximum(local, 0) ** 4).sum()) / first.gray.size
    return Agreement(
        lower_quartile=lower_quartile,
        median=median,
        overlap=(a.size / first.gray.size, min(1.0, a.size * area_ratio / second.gray.size)),
        cover=(pixels / max(first.n_textured, pixels), min(1.0, pixels * area_ratio / max(second.n_textured, 1))),
        shared=shared,
        mutual_match_ratio=ratio,
        color=_color_correlation(first, second, overlap, textured),
        strength=agreeing * max(lower_quartile, 0.0) * min(1.0, ratio / _FULL_RATIO),
    )


def _find_overlap(first: ImageFeatures, second: ImageFeatures, alignment: Alignment) -> _Overlap | None:
    """Return the overlap of two images, or None where it is less than 12 pixels wide or high."""
    height, width = first.gray.shape
    end_y, end_x = second.gray.shape
    left = max(0, int(np.ceil(-alignment.shift_x / alignment.scale_x)))
    top = max(0, int(np.ceil(-alignment.shift_y / alignment.scale_y)))
    right = min(width, int(np.floor((end_x - 1 - alignment.shift_x) / alignment.scale_x)) + 1)
    bottom = min(height, int(np.floor((end_y - 1 - alignment.shift_y) / alignment.scale_y)) + 1)
    if right - left < 12 or bottom - top < 12:
        return None
    matrix = np.array(
        [
            [alignment.scale_x, 0, alignment.scale_x * left + alignment.shift_x],
            [0, alignment.scale_y, alignment.scale_y * top + alignment.shift_y],
        ]
    )
    return _Overlap(left, top, right, bottom, matrix)


def _color_correlation(
    first: ImageFeatures, second: ImageFeatures, overlap: _Overlap, textured: NDArray[np.bool_]
) -> float:
    """Return the correlation of color over the textured pixels (h, w) bool, independent of white balance and light."""
    if first.color is None or second.color is None:
        return 1.0
    a: NDArray[Any] = overlap.crop(first.color).astype(np.float32)
    b: NDArray[Any] = overlap.warp(second.color).astype(np.float32)
    a, b = cv2.GaussianBlur(a, (0, 0), 2), cv2.GaussianBlur(b, (0, 0), 2)
    return max(_correlation(a[textured, k], b[textured, k]) for k in (0, 1))


def _correlation(x: NDArray[np.float32], y: NDArray[np.float32]) -> float:
    """Return the correlation of two arrays (n,) float32; 0 for constant ones."""
    x, y = x - x.mean(), y - y.mean()
    lengths = float(np.linalg.norm(x)) * float(np.linalg.norm(y))
    return float(x @ y) / max(lengths, 1e-3)


def _shared_keypoints(
    first: ImageFeatures,
    second: ImageFeatures,
    alignment: Alignment,
    similarity: NDArray[np.float32],
    overlap: _Overlap,
) -> tuple[float, float]:
    """Return the fraction of keypoints in the overlap that have a counterpart, and their number per image."""
    corners = np.array([[overlap.left, overlap.top], [overlap.right, overlap.bottom]], np.float32)
    in_first = _inside(first.keypoints, corners)
    in_second = _inside(second.keypoints, alignment.transform(corners))
    if not in_first.any() or not in_second.any():
        return 0.0, 0.0
    mapped = alignment.transform(first.keypoints)
    close = np.abs(mapped[in_first, None, 0] - second.keypoints[None, in_second, 0]) < _MAX_DISTANCE
    close &= np.abs(mapped[in_first, None, 1] - second.keypoints[None, in_second, 1]) < _MAX_DISTANCE
    expected = np.log(first.scales[in_first] * np.float32(alignment.scale))
    close &= np.abs(np.log(second.scales[in_second])[None] - expected[:, None]) < _MAX_LOG_RATIO
    close &= similarity[np.ix_(in_first, in_second)] > _MIN_SIMILARITY
    count = float(close.any(1).sum() + close.any(0).sum())
    return count / sum(close.shape), count / 2


def _inside(points: NDArray[np.float32], corners: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Return which points (P, 2) are inside the box between two corners (2, 2)."""
    inside: NDArray[np.bool_] = ((points >= corners[0]) & (points <= corners[1])).all(1)
    return inside
