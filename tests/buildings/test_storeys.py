import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drawn_views import grid
from measures_factories import Box, rectangle
from seamline.buildings.storeys import Cluster, cluster_extents, find_columns, find_levels, find_rows
from seamline.buildings.windows import WindowPart


def part(box: Box) -> WindowPart:
    left, top, right, bottom = box
    return WindowPart(box, np.array(rectangle(box)), (right - left) * (bottom - top), 1.0, 1.0)


def rows_of(*boxes: Box) -> list[Cluster]:
    return find_rows([part(box) for box in boxes])


def test_intervals_that_overlap_are_a_cluster() -> None:
    low, high = np.array([100.0, 0, 104, 3, 98]), np.array([150.0, 50, 156, 51, 149])
    clusters = cluster_extents(low, high)
    assert [(one.low, one.high, one.members) for one in clusters] == [(1.5, 50.5, (1, 3)), (100, 150, (0, 2, 4))]
    assert [one.middle for one in clusters] == [26, 125]


def test_a_tall_window_does_not_join_two_rows() -> None:
    low, high = np.array([0.0, 0, 100, 100, 0]), np.array([50.0, 50, 150, 150, 150])
    assert [one.low for one in cluster_extents(low, high)] == [0, 100]


def test_no_windows_make_no_rows_and_no_columns() -> None:
    assert find_rows([]) == find_columns([]) == []


def test_windows_of_a_staircase_make_no_rows() -> None:
    windows = grid((30, 120, 330), (25, 125, 225))
    staircase = grid((220,), (75, 175))
    rows = rows_of(*windows, *staircase)
    assert [row.low for row in rows] == [25, 125, 225]
    assert not {9, 10} & {index for row in rows for index in row.members}


@settings(max_examples=30)
@given(counts=st.lists(st.integers(4, 8), min_size=1, max_size=9), seed=st.integers(0, 2**32 - 1))
def test_each_row_of_windows_is_one_however_uneven(counts: list[int], seed: int) -> None:
    shifts = np.random.default_rng(seed).uniform(-6, 6, (9, 8)).tolist()
    tops = [(column, 100 * row + shifts[row][column]) for row, count in enumerate(counts) for column in range(count)]
    boxes = [(60.0 * column, top, 60.0 * column + 40, top + 50) for column, top in tops]
    rows = rows_of(*boxes)
    assert [len(row.members) for row in rows] == counts
    columns = find_columns([part(box) for box in boxes])
    assert len(columns) == max(counts)
    mirrored = find_columns([part((-right, top, -left, bottom)) for left, top, right, bottom in boxes])
    assert [one.members for one in mirrored] == [one.members for one in reversed(columns)]


ROWS = [Cluster(25, 75, (0, 1)), Cluster(125, 175, (2, 3)), Cluster(225, 275, (4, 5))]


def test_storeys_meet_between_rows() -> None:
    levels = find_levels(ROWS, 0, 300, foot_visible=True, entrances=())
    assert [(level.top, level.bottom, level.row, level.ground) for level in levels] == [
        (200, 300, ROWS[2], True),
        (100, 200, ROWS[1], False),
        (0, 100, ROWS[0], False),
    ]


def test_a_wall_below_without_windows_is_a_ground_floor() -> None:
    levels = find_levels(ROWS, 0, 460, foot_visible=True, entrances=())
    assert [(level.top, level.bottom, level.row, level.ground) for level in levels[:2]] == [
        (300, 460, None, True),
        (200, 300, ROWS[2], False),
    ]


@pytest.mark.parametrize(("middle", "storeys"), [(320.0, 4), (250.0, 3)])
def test_a_door_below_the_windows_has_a_storey_of_its_own(middle: float, storeys: int) -> None:
    assert len(find_levels(ROWS, 0, 340, foot_visible=True, entrances=[middle])) == storeys


def test_the_lowest_storey_of_a_photo_is_no_ground_floor_where_the_foot_is_not_shown() -> None:
    levels = find_levels(ROWS, 0, 300, foot_visible=False, entrances=())
    assert [level.ground for level in levels] == [False] * 3


def test_a_single_row_has_storeys_of_about_twice_its_height() -> None:
    row = Cluster(50, 100, (0,))
    assert len(find_levels([row], 0, 130, foot_visible=True, entrances=())) == 1
    assert len(find_levels([row], 0, 230, foot_visible=True, entrances=())) == 2


def test_a_front_without_windows_has_a_storey_only_by_its_entrance() -> None:
    assert find_levels([], 0, 300, foot_visible=True, entrances=()) == []
    (level,) = find_levels([], 0, 300, foot_visible=True, entrances=[250])
    assert (level.top, level.bottom, level.row, level.ground) == (0, 300, None, True)


def test_a_row_of_few_windows_between_two_of_many_is_a_storey() -> None:
    counts = {0.0: 5, 80.0: 2, 160.0: 3}
    boxes = [(60.0 * k, top, 60.0 * k + 30, top + 40) for top, count in counts.items() for k in range(count)]
    assert [len(row.members) for row in rows_of(*boxes)] == [5, 2, 3]
