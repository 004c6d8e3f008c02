"""Rows that are not read: the same as the array that they stand for."""

import hypothesis.strategies as st
import numpy as np
from hypothesis import given

from seamline.data.lazy_array import LazyArray, concat, iter_chunks, take, zeros_or_memmap

BASE = np.arange(7 * 3 * 2, dtype=np.uint8).reshape(7, 3, 2)
PLACES = st.lists(st.integers(0, 6), max_size=9).map(lambda places: np.array(places, np.int64))


@given(PLACES, st.data())
def test_an_index_gives_what_it_gives_of_the_array(places: np.ndarray, data: st.DataObject) -> None:
    rows, array = LazyArray(BASE, places), BASE[places]
    assert (rows.shape, rows.ndim, rows.dtype, len(rows)) == (array.shape, array.ndim, array.dtype, len(array))
    start, stop = (data.draw(st.none() | st.integers(-9, 9)) for _ in range(2))
    chosen = np.array(data.draw(st.lists(st.integers(0, len(array) - 1), max_size=5)) if len(array) else [], np.int64)
    for key in (slice(start, stop), chosen, (slice(start, stop), 1), (chosen, slice(None), 0)):
        assert np.array_equal(rows[key], array[key])
    for place in range(len(array)):
        assert np.array_equal(rows[place], array[place])
        assert rows[place, 2, 1] == array[place, 2, 1]
    assert np.array_equal(rows.take(chosen)[:], array[chosen])
    assert np.array_equal(concat([rows, rows.take(chosen)])[:], np.concatenate([array, array[chosen]]))
    assert isinstance(concat([rows, rows]), LazyArray)


@given(PLACES, st.integers(1, 40))
def test_pieces_are_the_whole_in_order(places: np.ndarray, at_once: int) -> None:
    pieces = list(iter_chunks(LazyArray(BASE, places), at_once))
    assert all(len(piece) == 1 or piece.nbytes <= at_once for piece in pieces)
    if len(places):
        assert np.array_equal(np.concatenate(pieces), BASE[places])
    assert isinstance(take(BASE, places), np.ndarray)


def test_a_large_room_lies_in_a_file_and_is_blank() -> None:
    large = zeros_or_memmap((1 << 15, 1 << 14, 2))
    assert isinstance(large, np.memmap)
    assert not large[-1].any()
    large[5, 5] = 9
    assert large[5, 5, 1] == 9
    assert not isinstance(zeros_or_memmap((3, 4)), np.memmap)
