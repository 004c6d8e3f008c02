from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from drawn_views import SURE, drawn_view, grid
from measures_factories import rectangle
from seamline.buildings.measures import FrontContents, measure_contents
from seamline.buildings.plane_view import PlaneView
from seamline.buildings.roles import ROLES

LEFTS, TOPS = (30, 120, 220, 330), (25, 125, 225)
WINDOWS = grid(LEFTS, TOPS)


def measured(view: PlaneView, **options: Any) -> FrontContents:
    return measure_contents(view, **{"foot_visible": True} | options)


def boxes(contents: FrontContents, kind: str = "window") -> list[tuple[Any, ...]]:
    return sorted((*one.outline[0], *one.outline[2]) for one in contents.openings if one.kind == kind)


def test_a_front_by_hand() -> None:
    """Twelve windows of 40 x 50 in 400 x 300: 24,000 of 120,000; a storey has 8,000 of 40,000."""
    contents = measured(drawn_view(400, 300, ("window", WINDOWS)))
    assert boxes(contents) == sorted(WINDOWS)
    assert (contents.window_area, contents.visible_area) == (24_000, 120_000)
    assert (contents.columns, contents.dropped, contents.pitch) == (4, 0, 100)
    assert contents.expected_error == pytest.approx(1 - SURE)
    assert [(one.number, one.ground, one.top, one.bottom, one.windows) for one in contents.storeys] == [
        (0, True, 200, 300, 4),
        (1, False, 100, 200, 4),
        (2, False, 0, 100, 4),
    ]
    for storey in contents.storeys:
        assert storey.wwr.value == pytest.approx(0.2)
        assert storey.visible_area == 40_000
        assert storey.expected_error == pytest.approx(1 - SURE)
    for one in contents.openings:
        assert (one.counted, one.inferred, one.assumed) == (True, False, False)
        left, top = one.outline[0]
        assert (one.storey, one.column) == (2 - TOPS.index(int(top)), LEFTS.index(int(left)))
        assert one.photo_outline == one.outline
        assert one.probability == pytest.approx(SURE)


def test_what_hides_a_front_is_not_part_of_it() -> None:
    """A tree over 80 x 100 pixels of wall: 24,000 of 112,000, on the ground floor 6,000 of 32,000."""
    tree = (300, 200, 380, 300)
    contents = measured(drawn_view(400, 300, ("window", WINDOWS), ("hidden", [tree])))
    assert contents.visible_area == 112_000
    assert contents.window_area == 22_000
    assert contents.storeys[0].wwr.value == pytest.approx(6_000 / 32_000)
    assert contents.storeys[1].wwr.value == pytest.approx(8_000 / 40_000)


@pytest.mark.parametrize(("counted", "windows", "area"), [(False, 11, 22_000), (True, 12, 24_000)])
def test_a_hidden_window_is_inferred_and_counted_only_if_asked(counted: bool, windows: int, area: int) -> None:
    tree = (310, 205, 390, 300)
    view = drawn_view(400, 300, ("window", WINDOWS), ("hidden", [tree]))
    contents = measured(view, count_inferred=counted)
    (inferred,) = (one for one in contents.openings if one.inferred)
    assert inferred.outline == rectangle((330, 225, 370, 275))
    assert (inferred.storey, inferred.column, inferred.probability, inferred.counted) == (0, 3, 0, counted)
    assert sum(one.counted for one in contents.openings) == sum(one.windows for one in contents.storeys) == windows
    assert contents.window_area == area
    assert contents.visible_area == 120_000 - 80 * 95 + (2_000 if counted else 0)


def test_no_window_is_inferred_in_a_bare_wall_or_beside_the_grid() -> None:
    bare = [box for box in WINDOWS if box != (330, 225, 370, 275)]
    contents = measured(drawn_view(400, 300, ("window", bare)))
    assert len(contents.openings) == 11
    single = [(30, 25, 70, 75), (120, 125, 160, 175)]
    assert len(measured(drawn_view(400, 300, ("window", single), ("hidden", [(110, 15, 170, 85)]))).openings) == 2


def test_openings_that_reach_the_ground_are_doors_or_shops_by_the_rule() -> None:
    door, shop = (30, 215, 70, 300), (120, 230, 260, 298)
    view = drawn_view(400, 300, ("window", [*grid(LEFTS, TOPS[:2]), door, shop, (330, 225, 370, 275)]))
    contents = measured(view)
    assert boxes(contents, "door") == [door]
    assert boxes(contents, "shop") == [shop]
    assert len(boxes(contents)) == 9
    for one in contents.openings:
        assert one.assumed == (one.kind != "window")
        assert one.counted == (one.kind == "window")
    assert contents.window_area == 18_000
    assert [storey.windows for storey in contents.storeys] == [1, 4, 4]


@pytest.mark.parametrize(("known", "doors", "shops"), [(("door",), 0, 1), (("shop",), 1, 0), (("door", "shop"), 0, 0)])
def test_the_rule_leaves_alone_what_the_model_has_a_class_for(known: tuple[str, ...], doors: int, shops: int) -> None:
    door, shop = (30, 215, 70, 300), (120, 230, 260, 298)
    contents = measured(drawn_view(400, 300, ("window", [*grid(LEFTS, TOPS[:2]), door, shop])), known=known)
    assert (len(boxes(contents, "door")), len(boxes(contents, "shop"))) == (doors, shops)


def test_without_the_foot_of_the_front_nothing_reaches_the_ground() -> None:
    view = drawn_view(400, 300, ("window", [*grid(LEFTS, TOPS[:2]), (30, 215, 70, 300)]))
    contents = measured(view, foot_visible=False)
    assert not boxes(contents, "door")
    assert not any(storey.ground for storey in contents.storeys)


def test_doors_and_shops_by_class() -> None:
    door, shop, crumb = (30, 215, 70, 300), (120, 220, 260, 300), (300, 295, 304, 299)
    drawn = drawn_view(400, 300, ("window", grid(LEFTS, TOPS[:2])), ("door", [door, crumb]), ("shop", [shop]))
    contents = measured(drawn, known=("door", "shop"))
    assert boxes(contents, "door") == [door]
    assert boxes(contents, "shop") == [shop]
    assert all(not one.assumed and one.probability == pytest.approx(SURE) for one in contents.openings)
    assert contents.window_area == 16_000
    assert [(storey.windows, storey.ground) for storey in contents.storeys] == [(0, True), (4, False), (4, False)]
    assert contents.storeys[0].wwr.value == 0


def test_windows_of_a_staircase_belong_to_a_storey_and_make_none() -> None:
    windows = [*grid((30, 120, 330), TOPS), *grid((220,), (72, 172))]
    contents = measured(drawn_view(400, 300, ("window", windows)))
    assert len(contents.storeys) == 3
    assert sum(storey.windows for storey in contents.storeys) == 11


def test_each_window_of_a_column_has_its_number() -> None:
    """The widest one has its middle beside the others."""
    windows = [*grid((30,), TOPS), *grid((200,), TOPS[:2]), (205, 225, 330, 275)]
    contents = measured(drawn_view(400, 300, ("window", windows)))
    assert contents.columns == 2
    assert sorted(one.column for one in contents.openings if one.column is not None) == [0, 0, 0, 1, 1, 1]


def test_a_wall_without_windows() -> None:
    contents = measured(drawn_view(400, 300))
    assert (contents.openings, contents.storeys, contents.window_area, contents.pitch) == ((), (), 0, None)
    assert contents.visible_area == 120_000


boxes_drawn = st.lists(
    st.tuples(st.integers(0, 150), st.integers(0, 100), st.integers(1, 60), st.integers(1, 60)).map(
        lambda box: (box[0], box[1], box[0] + box[2], box[1] + box[3])
    ),
    max_size=12,
)


@settings(max_examples=40)
@given(
    windows=boxes_drawn,
    hidden=boxes_drawn,
    shops=boxes_drawn,
    others=boxes_drawn,
    foot_visible=st.booleans(),
    count_inferred=st.booleans(),
)
def test_whatever_is_drawn_the_measures_are_consistent(
    windows: Any, hidden: Any, shops: Any, others: Any, foot_visible: bool, count_inferred: bool
) -> None:
    view = drawn_view(160, 120, ("window", windows), ("shop", shops), ("hidden", hidden), ("other", others))
    contents = measured(view, foot_visible=foot_visible, count_inferred=count_inferred)
    assert 0 <= contents.window_area <= contents.visible_area <= 160 * 120
    assert 0 <= contents.expected_error <= 0.5
    counted = sum(one.counted for one in contents.openings)
    assert sum(storey.windows for storey in contents.storeys) <= counted
    assert [storey.number for storey in contents.storeys] == [*range(len(contents.storeys))]
    for storey in contents.storeys:
        assert 0 <= storey.wwr.value <= 1
    assert sum(storey.visible_area for storey in contents.storeys) <= contents.visible_area
    for lower, upper in zip(contents.storeys, contents.storeys[1:], strict=False):
        assert lower.top == upper.bottom
        assert not upper.ground
    for one in contents.openings:
        assert one.counted == (one.kind == "window" and (count_inferred or not one.inferred))
        assert one.column is None or one.column < contents.columns
        assert np.isfinite(one.outline).all()


@settings(max_examples=15)
@given(
    columns=st.lists(st.integers(0, 6), min_size=1, max_size=7, unique=True),
    rows=st.lists(st.integers(0, 3), min_size=1, max_size=4, unique=True),
    tree=st.integers(0, 300),
)
def test_a_mirrored_front_has_mirrored_measures(columns: list[int], rows: list[int], tree: int) -> None:
    windows = grid([50 * column + 8 for column in columns], [60 * row + 12 for row in rows], 30, 30)
    hidden = [(tree, 100, tree + 50, 240)]
    here = measured(drawn_view(350, 240, ("window", windows), ("hidden", hidden)))

    def mirror(drawn: Any) -> Any:
        return [(350 - right, top, 350 - left, bottom) for left, top, right, bottom in drawn]

    there = measured(drawn_view(350, 240, ("window", mirror(windows)), ("hidden", mirror(hidden))))
    assert boxes(there) == sorted(mirror(boxes(here)))
    assert [replace(one, expected_error=0.0) for one in there.storeys] == [
        replace(one, expected_error=0.0) for one in here.storeys
    ]
    assert there.expected_error == pytest.approx(here.expected_error)
    assert (there.columns, there.window_area, there.visible_area) == (here.columns, here.window_area, here.visible_area)


def test_areas_are_of_the_most_probable_pixels_and_the_expected_error_of_the_probabilities() -> None:
    view = drawn_view(100, 100, ("window", [(10, 20, 60, 70)]))  # a quarter of the front
    window, facade = (ROLES.index(role) for role in ("window", "facade"))
    view.probabilities[window] *= 0.9
    view.probabilities[facade] = 1 - view.probabilities[window]
    contents = measure_contents(view, foot_visible=True)
    assert contents.window_area == 2500
    assert contents.visible_area == 10_000
    assert contents.expected_error == pytest.approx(0.1 / 4)
