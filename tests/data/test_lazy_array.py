"""A lazy array behaves like the array that it stands for."""

import hypothesis.strategies as st
import numpy as np
from hypothesis import given

from seamline.data.lazy_array import LazyArray, concat, iter_chunks, take, zeros_or_memmap

BASE = np.arange(7 * 3 * 2, dtype=np.uint8).reshape(7, 3, 2)
INDICES = st.lists(st.integers(0, 6), max_size=9).map(lambda indices: np.array(indices, np.int64))


@given(INDICES, st.data())
def test_indexing_agrees_with_numpy(indices: np.ndarray, data: st.DataObject) -> None:
    rows, array = LazyArray(BASE, indices), BASE[indices]
    assert (rows.shape, rows.ndim, rows.dtype, len(rows)) == (array.shape, array.ndim, array.dtype, len(array))
    start, stop = (data.draw(st.none() | st.integers(-9, 9)) for _ in range(2))
    chosen = np.array(data.draw(st.lists(st.integers(0, len(array) - 1), max_size=5)) if len(array) else [], np.int64)
    for key in (slice(start, stop), chosen, (slice(start, stop), 1), (chosen, slice(None), 0)):
        assert np.array_equal(rows[key], array[key])
    for index in range(len(array)):
        assert np.array_equal(rows[index], array[index])
        assert rows[index, 2, 1] == array[index, 2, 1]
    assert np.array_equal(take(rows, chosen)[:], array[chosen])
    assert np.array_equal(concat([rows, take(rows, chosen)])[:], np.concatenate([array, array[chosen]]))
    assert isinstance(concat([rows, rows]), LazyArray)


@given(INDICES, st.integers(1, 40))
def test_chunks_cover_the_array_in_order(indices: np.ndarray, chunk_bytes: int) -> None:
    chunks = list(iter_chunks(LazyArray(BASE, indices), chunk_bytes))
    assert all(len(chunk) == 1 or chunk.nbytes <= chunk_bytes for chunk in chunks)
    if len(indices):
        assert np.array_equal(np.concatenate(chunks), BASE[indices])
    assert isinstance(take(BASE, indices), np.ndarray)


def test_large_zeros_are_memory_mapped() -> None:
    large = zeros_or_memmap((1 << 15, 1 << 14, 2))
    assert isinstance(large, np.memmap)
    assert not large[-1].any()
    large[5, 5] = 9
    assert large[5, 5, 1] == 9
    assert not isinstance(zeros_or_memmap((3, 4)), np.memmap)
