"""Propose how one image lies on another: a scale and a shift per axis, from matching keypoints.

`verification` decides whether the pixels agree.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seamline.data.near_duplicates.features import ImageFeatures

SCALE_RANGE = (0.4, 2.5)
"""Smallest and largest scale between two images."""

_LOOSE, _STRICT = 7.0, 3.0  # pixels within which matches support a hypothesis
_MIN_LOOSE, _MIN_STRICT = 7, 4  # matches of a hypothesis
_MIN_EQUAL = 0.9  # similarity from which two keypoints may be the same pixels
_MAX_PROPOSALS = 3  # of each type


@dataclass(frozen=True)
class Alignment:
    """Maps (x, y) in the first image to (scale_x * x + shift_x, scale_y * y + shift_y) in the second.

    Attributes:
        scale_x: horizontal scale.
        scale_y: vertical scale.
        shift_x: horizontal shift in pixels.
        shift_y: vertical shift in pixels.
        matches: number of matching keypoints that agree with it.
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
        """Map points of the first image into the second.

        Args:
            points: (P, 2) float32, x and y.

        Returns:
            (P, 2) float32.
        """
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
    equal windows.

    Args:
        first: an image with P keypoints.
        second: an image with Q keypoints.
        similarity: (P, Q) float32, -1..1, of the keypoints of one to those of the other.

    Returns:
        The alignments.
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
    """Fit y = scale * x + shift to (M,) float32; close x draw the scale towards `typical`."""
    mean_x, mean_y = float(x.mean()), float(y.mean())
    weight = 2000.0  # square pixels: that of a few matches some 20 pixels apart
    spread = float(((x - mean_x) ** 2).sum()) + weight
    scale = (float(((x - mean_x) * (y - mean_y)).sum()) + typical * weight) / spread
    return scale, mean_y - scale * mean_x
