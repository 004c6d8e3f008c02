"""How one image may lie on another: a scale and a shift in each direction, found from points that look alike.

Only proposes; whether the pixels agree is for `agreement`.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seamline.data.near_duplicates.features import Picture

SCALES = (0.4, 2.5)
"""The least and the greatest scale of one image against the other that is looked for."""

_LOOSE, _STRICT = 7.0, 3.0  # pixels within which matches join the hypothesis of one of them
_FEWEST_LOOSE, _FEWEST_STRICT = 7, 4
_EQUAL = 0.9  # likeness from which two points may be the same pixels
_PROPOSALS = 3  # of each sort


@dataclass(frozen=True)
class Alignment:
    """Maps a place (x, y) in the first image to (scale_x * x + shift_x, scale_y * y + shift_y) in the second.

    Attributes:
        matches: how many pairs of points agree with it.
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

    def place(self, points: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return where (P, 2) points of the first image lie in the second."""
        scales = np.array([self.scale_x, self.scale_y], np.float32)
        return points * scales + np.array([self.shift_x, self.shift_y], np.float32)

    def near(self, other: "Alignment") -> bool:
        """Whether both put every pixel of an image of usual size at about the same place."""
        scales = max(abs(self.scale_x - other.scale_x), abs(self.scale_y - other.scale_y))
        shifts = max(abs(self.shift_x - other.shift_x), abs(self.shift_y - other.shift_y))
        return 128 * scales < 1 and shifts < 1


def alignments(first: Picture, second: Picture, likeness: NDArray[np.float32]) -> list[Alignment]:
    """Propose how two images may lie on each other, best supported first.

    Points that are each other's best match give a scale and a shift each (the Hough transform of Lowe, IJCV 2004, with
    every match as a cell of its own). Facades repeat themselves, so several proposals are followed: the best
    supported ones within wide bounds, and those of points that look the same to the pixel, within narrow ones, which
    finds a small overlap of two crops among many equal windows.

    Args:
        first: an image with P points.
        second: an image with Q points.
        likeness: (P, Q) float32, -1..1, of the points of one to those of the other.
    """
    if len(first.points) < 2 or len(second.points) < 2:
        return []
    forth, back = likeness.argmax(1), likeness.argmax(0)
    i = np.flatnonzero(back[forth] == np.arange(len(forth)))
    j = forth[i]
    scale = second.sizes[j] / first.sizes[i]
    kept = (scale > SCALES[0]) & (scale < SCALES[1])
    i, j, scale = i[kept], j[kept], scale[kept]
    matches = _Matches(first.points[i], second.points[j], np.log(scale))
    loose = matches.proposals(_LOOSE, 0.35, _FEWEST_LOOSE, (6.0, 4.5, 3.5, 3.0, 3.0))
    equal = likeness[i, j] > _EQUAL
    strict = matches.take(equal).proposals(_STRICT, 0.12, _FEWEST_STRICT, (3.0, 2.0, 1.5, 1.5), level=True)
    return loose + [found for found in strict if not any(found.near(other) for other in loose)]


@dataclass(frozen=True, eq=False)
class _Matches:
    """Pairs of points: places `p` (M, 2) in the first image, `q` in the second, and the logarithm of their scale."""

    p: NDArray[np.float32]
    q: NDArray[np.float32]
    scale: NDArray[np.float32]

    def take(self, which: NDArray[np.bool_]) -> "_Matches":
        return _Matches(self.p[which], self.q[which], self.scale[which])

    def proposals(
        self, reach: float, stretch: float, fewest: int, bounds: tuple[float, ...], *, level: bool = False
    ) -> list[Alignment]:
        """Gather matches around each one of them and fit an alignment to the largest gatherings.

        With `level`, a scale close to 1 is also tried as 1: few points in a small overlap measure it badly, and crops
        of one photo often have its scale.
        """
        if len(self.p) < fewest:
            return []
        factor = np.exp(self.scale)[:, None]
        moves = self.q - factor * self.p
        joins = np.abs(self.scale[None] - self.scale[:, None]) < stretch
        for axis in (0, 1):
            predicted = factor * self.p[None, :, axis] + moves[:, axis, None]
            joins &= np.abs(self.q[None, :, axis] - predicted) < reach
        support = joins.sum(1)
        used = np.zeros(len(self.p), bool)
        found: list[Alignment] = []
        gathered = 0
        for k in np.argsort(-support, kind="stable"):
            if support[k] < fewest or gathered == _PROPOSALS:
                break
            if used[k]:
                continue
            fitted, members = self._fit(joins[k], bounds)
            used |= joins[k] | members
            if fitted is not None:
                gathered += 1
                found.append(fitted)
                if level and max(abs(fitted.scale_x - 1), abs(fitted.scale_y - 1)) < 0.04:
                    shift = np.median(self.q[members] - self.p[members], axis=0)
                    found.append(Alignment(1.0, 1.0, float(shift[0]), float(shift[1]), fitted.matches))
        return found

    def _fit(self, members: NDArray[np.bool_], bounds: tuple[float, ...]) -> tuple[Alignment | None, NDArray[np.bool_]]:
        """Fit to the members, choose the members anew within ever narrower bounds, and so on."""
        usual = float(np.exp(np.median(self.scale[members])))
        fitted = None
        for bound in bounds:
            if members.sum() < 4:
                break
            scale_x, shift_x = _line(self.p[members, 0], self.q[members, 0], usual)
            scale_y, shift_y = _line(self.p[members, 1], self.q[members, 1], usual)
            off_x = np.abs(self.q[:, 0] - scale_x * self.p[:, 0] - shift_x)
            off_y = np.abs(self.q[:, 1] - scale_y * self.p[:, 1] - shift_y)
            members = (np.maximum(off_x, off_y) < bound) & (np.abs(self.scale - np.log(usual)) < 0.5)
            fitted = Alignment(scale_x, scale_y, shift_x, shift_y, int(members.sum()))
        if fitted is None or not 0.6 < fitted.scale_x / fitted.scale_y < 1.67:
            return None, members
        return (fitted if SCALES[0] * 0.85 < fitted.scale < SCALES[1] / 0.85 else None), members


def _line(x: NDArray[np.float32], y: NDArray[np.float32], usual: float) -> tuple[float, float]:
    """Fit y = scale * x + shift, the scale drawn a little towards `usual` where all x lie close together."""
    mean_x, mean_y = float(x.mean()), float(y.mean())
    weight = 2000.0  # square pixels: that of a few matches some 20 pixels apart
    spread = float(((x - mean_x) ** 2).sum()) + weight
    scale = (float(((x - mean_x) * (y - mean_y)).sum()) + usual * weight) / spread
    return scale, mean_y - scale * mean_x
