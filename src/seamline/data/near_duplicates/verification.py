"""Measure how well two aligned images agree, pixel by pixel and keypoint by keypoint."""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from seamline.data.near_duplicates.features import MIN_VARIANCE, ImageFeatures, blur
from seamline.data.near_duplicates.geometric_alignment import Alignment

_MIN_PIXELS = 600
_FULL_RATIO = 0.3  # ratio of mutual matches from which more do not make an alignment likelier
_MAX_DISTANCE, _MAX_LOG_RATIO, _MIN_SIMILARITY = 4.0, 0.4, 0.6  # of a keypoint and its counterpart


@dataclass(frozen=True)
class Agreement:
    """How well two aligned images agree.

    Attributes:
        lower_quartile: local correlation that three quarters of the textured pixels of the overlap reach, -1..1.
        median: local correlation that half of them reach.
        overlap: fraction of the first image's area that the second covers, and of the second's that the first covers.
        cover: the same for the textured pixels of each image.
        shared: fraction of the keypoints within the overlap, of both images, with a counterpart at the same position.
        mutual_match_ratio: fraction of these keypoints that are mutual nearest neighbors, 0..1; among equal windows
            nearest neighbors are random.
        color: correlation of color, the better of red-green and blue-yellow, -1..1; 1 for gray images.
        strength: textured pixels of the overlap that agree, as a fraction of the first image's area, times
            `lower_quartile`, reduced for a low `mutual_match_ratio`. The strongest of several alignments is used.
    """

    lower_quartile: float
    median: float
    overlap: tuple[float, float]
    cover: tuple[float, float]
    shared: float
    mutual_match_ratio: float
    color: float
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
    """Compare two images under an alignment.

    Brightness is compared by zero-mean normalized cross-correlation in small windows, so that exposure matters little
    and the position of edges much. The finer image is blurred to the detail of the coarser one.

    Args:
        first: an image with P keypoints.
        second: an image with Q keypoints.
        alignment: alignment of the first image to the second.
        similarity: (P, Q) float32, -1..1, of the keypoints of one to those of the other.

    Returns:
        The agreement; None where too few textured pixels overlap.
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
