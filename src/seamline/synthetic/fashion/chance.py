"""Random numbers for a batch of images: one number for each image in every call."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating[Any]]  # float32 throughout; what numpy declares of arithmetic is no sharper
Range = tuple[float, float]


def clip(numbers: Array, low: float, high: float) -> Array:
    """Return the numbers, none below `low` and none above `high`."""
    held: Array = np.clip(numbers, low, high)
    return held


_FAR = 2.5  # standard deviations: beyond these an outline could turn inside out


class Chance:
    """Numbers for `count` images, decided by `generator` and the order of the calls alone.

    Args:
        count: the images.
        generator: where the numbers come from.
    """

    def __init__(self, count: int, generator: np.random.Generator) -> None:
        self.count = count
        self._generator = generator

    def of(self, count: int) -> "Chance":
        """Return a chance for other images that goes on with the same generator."""
        return Chance(count, self._generator)

    def between(self, low: float, high: float) -> Array:
        """Return (n,) float32, even over low..high."""
        return self._even() * (high - low) + low

    def about(self, mean: float, spread: float) -> Array:
        """Return (n,) float32, normal, cut at 2.5 standard deviations."""
        numbers = self.grain()
        return clip(numbers, -_FAR, _FAR) * spread + mean

    def happens(self, share: float) -> Array:
        """Return (n,) float32: 1 for about `share` of the images, 0 for the others."""
        return (self._even() < share).astype(np.float32)

    def pick(self, shares: Sequence[float]) -> NDArray[np.int64]:
        """Return (n,) int64 in 0..len(shares)-1, each number as often as its share of the sum of shares."""
        edges = np.cumsum(shares, dtype=np.float64)[:-1] / sum(shares)
        return np.searchsorted(edges, self._even(), side="right").astype(np.int64)

    def mix(self, *parts: tuple[float, Range]) -> Array:
        """Return (n,) float32 from a mixture: each part is its share and the range that it is even over."""
        which = self.pick([share for share, _ in parts])
        ranges = np.array([limits for _, limits in parts], dtype=np.float32)
        low, high = ranges[which, 0], ranges[which, 1]
        numbers: Array = self._even() * (high - low) + low
        return numbers

    def grain(self, *shape: int) -> Array:
        """Return (n, *shape) float32, normal with mean 0 and standard deviation 1."""
        return self._generator.standard_normal((self.count, *shape), dtype=np.float32)

    def _even(self) -> Array:
        """Return (n,) float32, even over 0..1."""
        return self._generator.random(self.count, dtype=np.float32)
