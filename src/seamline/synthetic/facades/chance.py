"""Random numbers for one building: every choice about it comes from one generator of its own."""

from collections.abc import Mapping
from typing import Any, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating[Any]]  # float32 throughout; what numpy declares of arithmetic is no sharper

T = TypeVar("T")


def clip(numbers: Array, low: float, high: float) -> Array:
    """Return the numbers, none below `low` and none above `high`."""
    held: Array = np.clip(numbers, low, high)
    return held


_SMOOTH = 16  # pixels between hills from which noise is smooth

_FAR = 2.5  # standard deviations: beyond these a house would look like a mistake


class Chance:
    """Numbers decided by `key` and the order of the calls alone.

    Args:
        key: whole numbers, 0 or more, such as seed, stream and number of the building.
    """

    def __init__(self, *key: int) -> None:
        self._generator = np.random.Generator(np.random.Philox(np.random.SeedSequence(list(key))))

    def between(self, low: float, high: float) -> float:
        """Return a number even over low..high."""
        return low + (high - low) * float(self._generator.random())

    def about(self, mean: float, spread: float) -> float:
        """Return a normal number, cut at 2.5 standard deviations."""
        return mean + spread * min(max(float(self._generator.standard_normal()), -_FAR), _FAR)

    def happens(self, share: float) -> bool:
        """Return True in about this share of the calls."""
        return float(self._generator.random()) < share

    def whole(self, low: int, high: int) -> int:
        """Return a whole number, low..high, both included."""
        return int(self._generator.integers(low, high + 1))

    def pick(self, weights: Mapping[T, float]) -> T:
        """Return one of the keys, each as often as its weight among the weights says."""
        left = float(self._generator.random()) * sum(weights.values())
        for option, weight in weights.items():
            left -= weight
            if left < 0:
                return option
        return option

    def grain(self, *shape: int) -> Array:
        """Return float32 numbers of this shape, normal with mean 0 and standard deviation 1."""
        return self._generator.standard_normal(shape, dtype=np.float32)

    def clouds(self, rows: int, columns: int, across: float, down: float | None = None) -> Array:
        """Return smooth noise (rows, columns) float32 of about unit size.

        Args:
            rows: pixels down.
            columns: pixels across.
            across: pixels from one hill to the next, from left to right.
            down: the same from top to bottom; as `across` by default.
        """
        down = across if down is None else down
        hills = self.grain(max(2, round(rows / down)) + 1, max(2, round(columns / across)) + 1)
        if min(across, down) > _SMOOTH:
            # Drawn smaller first: straight lines between points that close cannot be told from curves.
            small = cv2.resize(hills, (-(-columns // 4), -(-rows // 4)), interpolation=cv2.INTER_CUBIC)
            return np.asarray(cv2.resize(small, (columns, rows), interpolation=cv2.INTER_LINEAR), dtype=np.float32)
        return np.asarray(cv2.resize(hills, (columns, rows), interpolation=cv2.INTER_CUBIC), dtype=np.float32)
