"""Rows of an array that may be larger than memory, in an order of one's own; read when they are asked for."""

import math
import tempfile
from collections.abc import Iterator, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

_AT_ONCE = 1 << 24  # bytes that are read together when all rows are gone through
_IN_MEMORY = 1 << 29  # bytes of working room that are taken from memory; more lies in a file


ArrayLike: TypeAlias = Any
"""An array in memory or `Rows` of one that is not: both have a shape, a length, and rows at places."""


class LazyArray:
    """Some rows of an array, which may lie in a memory-mapped file. An index gives a copy in memory.

    Args:
        base: (M, ...) the array.
        places: (N,) int64, which of its rows these are; all of them by default.
    """

    def __init__(self, base: NDArray[Any], places: NDArray[np.int64] | None = None) -> None:
        self.base = base
        self.places = np.arange(len(base)) if places is None else places

    @property
    def shape(self) -> tuple[int, ...]:
        """(N, ...)."""
        return (len(self.places), *self.base.shape[1:])

    @property
    def ndim(self) -> int:
        """How many dimensions there are, that of the rows counted."""
        return self.base.ndim

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of the numbers."""
        return self.base.dtype

    def __len__(self) -> int:
        return len(self.places)

    def __getitem__(self, key: Any) -> NDArray[Any]:
        """Return the rows at a place, a slice or an array of places; of a tuple the first is meant so."""
        rows, *rest = key if isinstance(key, tuple) else (key,)
        read = np.asarray(self.base[self.places[rows]])
        return read[(slice(None), *rest) if isinstance(rows, slice | np.ndarray) else tuple(rest)] if rest else read

    def take(self, places: NDArray[np.int64]) -> "LazyArray":
        """Return the rows at `places` (n,), still unread."""
        return LazyArray(self.base, self.places[places])


def take(images: ArrayLike, places: NDArray[np.int64]) -> Any:
    """Return the rows at `places` (n,): a copy of those in memory, unread rows of those that are not."""
    return images.take(places) if isinstance(images, LazyArray) else images[places]


def concat(parts: Sequence[ArrayLike]) -> Any:
    """Return the rows of all parts, one part after another; still unread where all are of one array."""
    bases = [part.base if isinstance(part, LazyArray) else None for part in parts]
    if bases[0] is not None and all(base is bases[0] for base in bases):
        return LazyArray(bases[0], np.concatenate([part.places for part in parts]))
    return np.concatenate([part[:] for part in parts])


def iter_chunks(images: ArrayLike, at_once: int = _AT_ONCE) -> Iterator[NDArray[Any]]:
    """Yield all rows in order, as many together as `at_once` bytes hold, at least one: (n, ...) each."""
    row = math.prod(images.shape[1:]) * images.dtype.itemsize
    step = max(1, at_once // max(1, row))
    for start in range(0, len(images), step):
        yield np.asarray(images[start : start + step])


def zeros_or_memmap(shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """Return zeros to be written to; past half a GiB they lie in a file without a name, which goes with the array."""
    if math.prod(shape) <= _IN_MEMORY:
        return np.zeros(shape, np.uint8)
    with tempfile.TemporaryFile() as file:
        return np.memmap(file, np.uint8, "w+", shape=shape)


class Subset(Sequence[NDArray[np.uint8]]):
    """Some images of many, each read when it is asked for."""

    def __init__(self, images: ArrayLike, places: Sequence[int]) -> None:
        self.images = images
        self.places = places

    def __len__(self) -> int:
        return len(self.places)

    def __getitem__(self, place: int) -> NDArray[np.uint8]:  # type: ignore[override]
        if place >= len(self.places):
            raise IndexError(place)
        image: NDArray[np.uint8] = self.images[self.places[place]]
        return image
