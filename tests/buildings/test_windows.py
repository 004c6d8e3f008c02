from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from drawn_views import grid
from measures_factories import Box
from seamline.buildings.windows import RULES, WindowPart, find_windows, typical_area

SHAPE = (300, 400)
WALL = np.ones(SHAPE, bool)
HOUSE = grid((30, 120, 220, 330), (25, 125, 225))


def drawn(*boxes: Box, shape: tuple[int, int] = SHAPE) -> NDArray[np.float32]:
    """The probabilities of windows in boxes."""
    probabilities = np.full(shape, 0.02, np.float32)
    for left, top, right, bottom in boxes:
        probabilities[int(top) : int(bottom), int(left) : int(right)] = 0.97
    return probabilities


def boxes_of(windows: list[WindowPart]) -> list[Box]:
    return sorted(window.box for window in windows)


def polygon_area(window: WindowPart) -> float:
    """By the shoelace formula, positive where clockwise on a photo."""
    x, y = window.outline.T
    return float(x @ np.roll(y, -1) - y @ np.roll(x, -1)) / 2


def test_a_window_is_its_rectangle() -> None:
    (window,), others = find_windows(drawn((30, 25, 70, 75)), WALL)
    assert not others
    np.testing.assert_array_equal(window.outline, [(30, 25), (70, 25), (70, 75), (30, 75)])
    assert (window.width, window.height, window.area, window.fill) == (40, 50, 2000, 1)
    assert window.probability == pytest.approx(0.97)


def test_frayed_edges_become_straight() -> None:
    probabilities = drawn((30, 25, 70, 75))
    probabilities[25:75:9, 26:74] = 0.97  # thin spikes on both sides
    (window,), _ = find_windows(probabilities, WALL)
    assert window.box == (30, 25, 70, 75)


def test_windows_that_touch_are_split_where_the_model_is_less_sure() -> None:
    probabilities = drawn((30, 25, 110, 75))
    probabilities[25:75, 68:72] = (RULES.threshold + RULES.cores[0]) / 2
    windows, _ = find_windows(probabilities, WALL)
    assert boxes_of(windows) == [(30, 25, 70, 75), (70, 25, 110, 75)]
    assert len(find_windows(drawn((30, 25, 110, 75)), WALL)[0]) == 1


def test_a_window_with_a_bright_spot_is_not_split() -> None:
    probabilities = drawn((30, 25, 70, 75))
    probabilities[25:75, 30:70] = (RULES.cores[-2] + RULES.cores[-1]) / 2
    probabilities[40:44, 40:44] = 0.99
    assert len(find_windows(probabilities, WALL)[0]) == 1


@pytest.mark.parametrize(
    "corners",
    [
        [(100, 20), (160, 140), (40, 140)],  # a gable
        [(100, 20), (160, 80), (100, 140), (40, 80)],  # a diamond
        [(40, 20), (80, 20), (80, 100), (160, 100), (160, 130), (40, 130)],  # an L
    ],
)
def test_a_shape_that_no_rectangle_explains_stays_a_polygon(corners: list[tuple[int, int]]) -> None:
    mask = cv2.fillPoly(np.zeros(SHAPE, np.uint8), [np.array(corners)], 1)
    (window,), _ = find_windows(np.where(mask, np.float32(0.97), np.float32(0.02)), WALL)
    assert window.area == mask.sum()
    assert polygon_area(window) == pytest.approx(mask.sum(), rel=0.03)
    again = cv2.fillPoly(np.zeros(SHAPE, np.uint8), [np.round(window.outline - 0.5).astype(int)], 1)
    assert np.logical_and(mask, again).sum() / np.logical_or(mask, again).sum() > 0.95
    rows, columns = np.nonzero(mask)
    assert window.box == (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)


def test_dust_is_dropped_and_counted() -> None:
    dust = grid((90, 190, 300), (60, 100, 200), 5, 5)
    windows, others = find_windows(drawn(*HOUSE, *dust), WALL)
    assert boxes_of(windows) == sorted(HOUSE)
    assert boxes_of(others) == sorted(dust)


def test_a_small_window_counts_in_line_with_others_and_not_alone() -> None:
    rules = replace(RULES, min_size=0.1, min_lone_size=0.5)
    row = grid((30, 120, 220), (25,))
    in_row, alone = (300.0, 30.0, 320.0, 60.0), (300.0, 200.0, 320.0, 230.0)  # 600 of 2,000 pixels
    windows, others = find_windows(drawn(*row, in_row), WALL, rules)
    assert boxes_of(windows) == sorted([*row, in_row])
    assert {window.box[0]: window.aligned for window in windows} == {30: 2, 120: 2, 220: 2, 300: 3}
    windows, others = find_windows(drawn(*row, alone), WALL, rules)
    assert (boxes_of(windows), boxes_of(others)) == (row, [alone])


def test_lines_and_what_is_outside_the_front_are_no_windows() -> None:
    region = WALL.copy()
    region[:, 200:] = False
    probabilities = drawn((30, 25, 70, 75), (250, 25, 290, 75), (100, 100, 101, 180))
    windows, _ = find_windows(probabilities, region)
    assert boxes_of(windows) == [(30, 25, 70, 75)]


def test_a_wall_without_windows() -> None:
    assert find_windows(drawn(), WALL) == ([], [])


def test_the_typical_area_ignores_crumbs() -> None:
    def part(area: float) -> WindowPart:
        return WindowPart((0, 0, 1, 1), np.zeros((4, 2)), area, 1, 1)

    assert typical_area([part(area) for area in (1, 1, 1, 1, 1, 100, 110, 120)]) == 110


@settings(max_examples=30)
@given(
    lefts=st.lists(st.integers(0, 7), min_size=1, max_size=8, unique=True),
    tops=st.lists(st.integers(0, 5), min_size=1, max_size=6, unique=True),
    width=st.integers(8, 40),
    height=st.integers(8, 40),
)
def test_a_grid_is_found_exactly_and_mirrored(lefts: list[int], tops: list[int], width: int, height: int) -> None:
    boxes = grid([50 * left + 2 for left in lefts], [50 * top + 2 for top in tops], width, height)
    probabilities = drawn(*boxes)
    assert boxes_of(find_windows(probabilities, WALL)[0]) == sorted(boxes)
    mirrored, _ = find_windows(probabilities[:, ::-1], WALL)
    assert boxes_of(mirrored) == sorted((400 - right, top, 400 - left, bottom) for left, top, right, bottom in boxes)
