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
        table: (256,) uint8, replaces each value of a uint8 array as it is read; None leaves them.
    """

    def __init__(
        self,
        base: NDArray[Any],
        indices: NDArray[np.int64] | None = None,
        table: NDArray[np.uint8] | None = None,
    ) -> None:
        self.base = base
        self.indices = np.arange(len(base)) if indices is None else indices
        self.table = table

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
        if rest:
            array = array[(slice(None), *rest) if isinstance(rows, slice | np.ndarray) else tuple(rest)]
        return array if self.table is None else np.asarray(self.table[array])


def evenly_spaced(count: int, most: int) -> NDArray[np.int64]:
    """Return at most `most` evenly spaced ones of the numbers 0..count-1, the first and the last among several."""
    return np.linspace(0, count - 1, min(count, most)).round().astype(np.int64)


def take(array: ArrayLike, indices: NDArray[np.int64]) -> Any:
    """Select the rows `indices` (n,) int64: a copy of a NumPy array (N, ...), a view of a `LazyArray`."""
    if isinstance(array, LazyArray):
        return LazyArray(array.base, array.indices[indices], array.table)
    return array[indices]


def concat(arrays: Sequence[ArrayLike]) -> Any:
    """Concatenate arrays (N, ...) of one dtype, such as uint8; the result is lazy if all are rows of one array."""
    first = arrays[0]
    if isinstance(first, LazyArray) and all(_same_base(first, array) for array in arrays):
        return LazyArray(first.base, np.concatenate([array.indices for array in arrays]), first.table)
    return np.concatenate([array[:] for array in arrays])


def _same_base(first: LazyArray, other: ArrayLike) -> bool:
    """Return whether two arrays are rows of one array, with the same replacement of values."""
    if not isinstance(other, LazyArray) or other.base is not first.base:
        return False
    return first.table is other.table or np.array_equal(first.table, other.table)  # type: ignore[arg-type]


def map_values(array: ArrayLike, table: NDArray[np.uint8]) -> Any:
    """Replace the values of an array.

    Args:
        array: (N, ...) uint8.
        table: (256,) uint8, the new value of each value.

    Returns:
        (N, ...) uint8: a NumPy array, or a `LazyArray` whose values are replaced as they are read.
    """
    if isinstance(array, LazyArray):
        return LazyArray(array.base, array.indices, table if array.table is None else table[array.table])
    return table[array]


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
