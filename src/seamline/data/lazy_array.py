"""Arrays that may be larger than memory: rows of a memory-mapped array, read on access."""

import math
import tempfile
from collections.abc import Iterator, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

_CHUNK_BYTES = 1 << 24  # read at once when all rows are iterated
_MAX_IN_MEMORY = 1 << 29  # bytes of zeros that are allocated in memory; more are in a file

ArrayLike: TypeAlias = Any
"""A NumPy array or a `LazyArray`: both have a shape, a dtype, a length, and rows by index."""


class LazyArray:
    """Rows of an array, which may be memory-mapped. Indexing reads them into memory.

    Args:
        base: (M, ...) uint8 or another dtype.
        indices: (N,) int64, its rows in this array; all by default.
    """

    def __init__(self, base: NDArray[Any], indices: NDArray[np.int64] | None = None) -> None:
        self.base = base
        self.indices = np.arange(len(base)) if indices is None else indices

    @property
    def shape(self) -> tuple[int, ...]:
        """(N, ...)."""
        return (len(self.indices), *self.base.shape[1:])

    @property
    def ndim(self) -> int:
        """Number of dimensions."""
        return self.base.ndim

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the elements."""
        return self.base.dtype

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, key: Any) -> NDArray[Any]:
        """Return the rows at an index, a slice or an array of indices; of a tuple, the first element selects rows."""
        rows, *rest = key if isinstance(key, tuple) else (key,)
        array = np.asarray(self.base[self.indices[rows]])
        if not rest:
            return array
        return array[(slice(None), *rest) if isinstance(rows, slice | np.ndarray) else tuple(rest)]


def take(array: ArrayLike, indices: NDArray[np.int64]) -> Any:
    """Select the rows `indices` (n,) int64: a copy of a NumPy array (N, ...), a view of a `LazyArray`."""
    return LazyArray(array.base, array.indices[indices]) if isinstance(array, LazyArray) else array[indices]


def concat(arrays: Sequence[ArrayLike]) -> Any:
    """Concatenate arrays (N, ...) of one dtype, such as uint8; the result is lazy if all are rows of one array."""
    bases = [array.base if isinstance(array, LazyArray) else None for array in arrays]
    if bases[0] is not None and all(base is bases[0] for base in bases):
        return LazyArray(bases[0], np.concatenate([array.indices for array in arrays]))
    return np.concatenate([array[:] for array in arrays])


def iter_chunks(array: ArrayLike, chunk_bytes: int = _CHUNK_BYTES) -> Iterator[NDArray[Any]]:
    """Yield all rows of an array (N, ...), uint8 or another dtype, in chunks in memory; each has at least one row."""
    row = math.prod(array.shape[1:]) * array.dtype.itemsize
    step = max(1, chunk_bytes // max(1, row))
    for start in range(0, len(array), step):
        yield np.asarray(array[start : start + step])


def zeros_or_memmap(shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """Return writable uint8 zeros; above half a GiB they are in an anonymous file that is removed with the array."""
    if math.prod(shape) <= _MAX_IN_MEMORY:
        return np.zeros(shape, np.uint8)
    with tempfile.TemporaryFile() as file:
        return np.memmap(file, np.uint8, "w+", shape=shape)
