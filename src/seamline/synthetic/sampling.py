"""Random choices of the drawing programs, for one drawing or for a batch of drawings.

Every generator is derived from a key of integers such as (seed, split, index), so each drawing depends on its key
alone and never on how many others are drawn or on which thread.
"""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating[Any]]
"""A float32 array. NumPy's stubs widen the dtype in most arithmetic, so a narrower type would not hold."""

Range = tuple[float, float]

T = TypeVar("T")

STREAMS = {"train": 0, "test": 1}
"""Split -> the second integer of its keys; random numbers of the two never overlap."""

_MAX_SIGMA = 2.5  # normal samples are clipped here: beyond it, outlines could turn inside out
_SMOOTH_DISTANCE = 16  # pixels between knots above which linear upsampling cannot be told from cubic


def make_generator(*key: int) -> np.random.Generator:
    """Return the generator of a key of integers, each 0 or more."""
    return np.random.Generator(np.random.Philox(np.random.SeedSequence(list(key))))


def clip(values: Array, low: float, high: float) -> Array:
    """Clip `values`, float32 of any shape (...), to low..high."""
    clipped: Array = np.clip(values, low, high)
    return clipped


class Sampler:
    """Draws the random numbers of one drawing.

    Args:
        generator: Source of the numbers. They depend on it and on the order of the calls alone.
    """

    def __init__(self, generator: np.random.Generator) -> None:
        self._generator = generator

    def uniform(self, low: float, high: float) -> float:
        """Return a number uniform in low..high."""
        return low + (high - low) * float(self._generator.random())

    def normal(self, mean: float, std: float) -> float:
        """Return a normal number, clipped at 2.5 standard deviations."""
        return mean + std * min(max(float(self._generator.standard_normal()), -_MAX_SIGMA), _MAX_SIGMA)

    def bernoulli(self, probability: float) -> bool:
        """Return True with this probability."""
        return float(self._generator.random()) < probability

    def integer(self, low: int, high: int) -> int:
        """Return an integer uniform in low..high, both included."""
        return int(self._generator.integers(low, high + 1))

    def choice(self, weights: Mapping[T, float]) -> T:
        """Return one of the keys, with probability proportional to its weight."""
        remainder = float(self._generator.random()) * sum(weights.values())
        for option, weight in weights.items():
            remainder -= weight
            if remainder < 0:
                return option
        return option

    def standard_normal(self, *shape: int) -> Array:
        """Return a float32 array of this shape with mean 0 and standard deviation 1."""
        return self._generator.standard_normal(shape, dtype=np.float32)

    def smooth_noise(self, rows: int, columns: int, horizontal: float, vertical: float | None = None) -> Array:
        """Return smooth noise (rows, columns) float32 of about unit variance.

        Args:
            rows: Height in pixels.
            columns: Width in pixels.
            horizontal: Pixels between two knots of a row.
            vertical: Pixels between two knots of a column, by default as `horizontal`.
        """
        vertical = horizontal if vertical is None else vertical
        knots = self.standard_normal(max(2, round(rows / vertical)) + 1, max(2, round(columns / horizontal)) + 1)
        if min(horizontal, vertical) > _SMOOTH_DISTANCE:
            # Four times fewer pixels for the cubic step; the linear step after it is much faster.
            small = cv2.resize(knots, (-(-columns // 4), -(-rows // 4)), interpolation=cv2.INTER_CUBIC)
            return np.asarray(cv2.resize(small, (columns, rows), interpolation=cv2.INTER_LINEAR), dtype=np.float32)
        return np.asarray(cv2.resize(knots, (columns, rows), interpolation=cv2.INTER_CUBIC), dtype=np.float32)


class BatchSampler:
    """Draws the random numbers of a batch of n drawings, one number for each in every call.

    Args:
        count: Number n of drawings.
        generator: Source of the numbers. They depend on it and on the order of the calls alone.
    """

    def __init__(self, count: int, generator: np.random.Generator) -> None:
        self.count = count
        self._generator = generator

    def with_count(self, count: int) -> "BatchSampler":
        """Return a sampler for another number of drawings that shares the generator."""
        return BatchSampler(count, self._generator)

    def uniform(self, low: float, high: float) -> Array:
        """Return (n,) float32, uniform in low..high."""
        return self._unit() * (high - low) + low

    def normal(self, mean: float, std: float) -> Array:
        """Return (n,) float32, normal and clipped at 2.5 standard deviations."""
        return clip(self.standard_normal(), -_MAX_SIGMA, _MAX_SIGMA) * std + mean

    def bernoulli(self, probability: float) -> Array:
        """Return (n,) float32, 1 with this probability and else 0."""
        return (self._unit() < probability).astype(np.float32)

    def choice(self, weights: Sequence[float]) -> NDArray[np.int64]:
        """Return (n,) int64 in 0..len(weights)-1, with probability proportional to the weights."""
        edges = np.cumsum(weights, dtype=np.float64)[:-1] / sum(weights)
        return np.searchsorted(edges, self._unit(), side="right").astype(np.int64)

    def mixture(self, *components: tuple[float, Range]) -> Array:
        """Return (n,) float32 from a mixture of uniform distributions, each a weight and its range."""
        component = self.choice([weight for weight, _ in components])
        ranges = np.array([limits for _, limits in components], dtype=np.float32)
        low, high = ranges[component, 0], ranges[component, 1]
        values: Array = self._unit() * (high - low) + low
        return values

    def standard_normal(self, *shape: int) -> Array:
        """Return (n, *shape) float32 with mean 0 and standard deviation 1."""
        return self._generator.standard_normal((self.count, *shape), dtype=np.float32)

    def _unit(self) -> Array:
        """Return (n,) float32, uniform in 0..1."""
        return self._generator.random(self.count, dtype=np.float32)
