"""Totals of buildings and their sides."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from front_factories import make_front, make_photo, make_storeys
from seamline.buildings.totals import building_totals, visible_width, wwr_above_ground
from seamline.run_folder import BuildingTotal, Front


def side(direction: str | None, **fields: Any) -> Front:
    return make_front(**{"building": "hall", "direction": direction, **fields})


def by_direction(totals: tuple[BuildingTotal, ...]) -> dict[str | None, BuildingTotal]:
    return {total.direction: total for total in totals}


def test_four_seen_sides_count_by_their_areas() -> None:
    fronts = [
        side("N", wwr=0.1, windows=2, area_m2=200.0),
        side("E", wwr=0.2, windows=3, area_m2=100.0),
        side("S", wwr=0.4, windows=9, area_m2=200.0),
        side("W", wwr=0.1, windows=1, area_m2=100.0),
    ]
    totals = building_totals(make_photo(front) for front in fronts)
    assert [total.direction for total in totals] == ["N", "E", "S", "W", None]
    assert [total.wwr for total in totals[:4]] == [0.1, 0.2, 0.4, 0.1]
    assert totals[4].wwr == pytest.approx((20 + 20 + 80 + 10) / 600)  # area of windows over that of walls
    assert [total.windows for total in totals] == [2, 3, 9, 1, 15]
    assert [total.fronts for total in totals] == [1, 1, 1, 1, 4]
    assert {total.assumed for total in totals} == {None}


def test_sides_of_unknown_area_count_equally() -> None:
    fronts = [side("N", wwr=0.1, area_m2=200.0), side("E", wwr=0.2), side("S", wwr=0.4), side("W", wwr=0.1)]
    whole = building_totals(make_photo(front) for front in fronts)[-1]
    assert whole.wwr == pytest.approx(0.2)
    assert whole.assumed == "The four sides count equally: their areas are unknown."


def test_unseen_sides_have_the_mean_above_the_ground_floor() -> None:
    shop = side("S", wwr=0.5, windows=7, storeys=make_storeys(0.9, 0.3, 0.3))
    gable = side("E", wwr=0.1, windows=1)  # no storeys: its whole front
    totals = by_direction(building_totals([make_photo(shop), make_photo(gable)]))
    assert totals["S"].wwr == 0.5
    assert totals["E"].wwr == 0.1
    for direction in ("N", "W"):
        total = totals[direction]
        assert total.wwr == pytest.approx((0.3 + 0.1) / 2)
        assert (total.fronts, total.windows) == (0, None)
        assert total.assumed == (
            "Not seen: the mean above the ground floor of the sides seen (E, S); a party wall has no windows."
        )
    assert totals[None].wwr == pytest.approx((0.5 + 0.1 + 0.2 + 0.2) / 4)
    assert totals[None].windows is None
    assert totals[None].assumed == "Not seen: N, W. The four sides count equally: their areas are unknown."


def test_an_unseen_side_has_the_area_of_the_opposite_one() -> None:
    fronts = [side("S", wwr=0.4, area_m2=300.0), side("E", wwr=0.1, area_m2=100.0)]
    totals = by_direction(building_totals([make_photo(*fronts)]))
    assumed = (300 * 0.4 + 100 * 0.1) / 400
    assert totals["N"].wwr == pytest.approx(assumed)
    assert totals[None].wwr == pytest.approx((300 * 0.4 + 100 * 0.1 + (300 + 100) * assumed) / 800)
    assert "area of the opposite one" in (totals[None].assumed or "")
    only = by_direction(building_totals([make_photo(side("N", wwr=0.25, area_m2=50.0))]))
    assert {total.wwr for total in only.values()} == {0.25}


def test_a_side_seen_in_several_photos_counts_once() -> None:
    far = side("S", wwr=0.1, windows=4, width=200)
    near = side("S", wwr=0.3, windows=6, width=500)
    hidden = side("S", wwr=0.9, windows=1, width=800, hidden_fraction=0.5)  # 400 pixels visible
    smeared = side("S", wwr=0.8, windows=1, width=900, plane_usable=0.5)  # 450 pixels usable
    totals = by_direction(building_totals(make_photo(front) for front in (far, near, hidden, smeared)))
    assert (totals["S"].wwr, totals["S"].windows, totals["S"].fronts) == (0.3, 6, 4)
    assert visible_width(hidden) == 400
    assert visible_width(smeared) == 450


def test_fronts_of_unknown_direction_do_not_count_beside_others() -> None:
    totals = by_direction(building_totals([make_photo(side("S", wwr=0.3), side(None, wwr=0.9, number=2))]))
    assert totals[None].wwr == 0.3
    assert totals[None].fronts == 2
    assert "Fronts of unknown direction, which do not count: 1." in (totals[None].assumed or "")


def test_without_directions_a_building_has_the_mean_of_its_photos() -> None:
    first = make_photo(side(None, wwr=0.2, width=300), side(None, wwr=0.9, width=100, number=2))
    (total,) = building_totals([first, make_photo(side(None, wwr=0.4))])
    assert total.wwr == pytest.approx(0.3)
    assert (total.direction, total.fronts, total.windows) == (None, 3, None)
    assert total.assumed == "No front has a direction: the mean of the best front of each photo (2)."


def test_buildings_are_in_the_order_of_photos_and_fronts_without_one_are_left_out() -> None:
    photos = [
        make_photo(side("N", building="z")),
        make_photo(side("N", building=None)),
        make_photo(side("N", building="a")),
        make_photo(side("E", building="z")),
    ]
    totals = building_totals(photos)
    assert [total.building for total in totals] == ["z"] * 5 + ["a"] * 5
    assert totals[1].fronts == 1
    assert building_totals([make_photo(side("N", building=None))]) == ()
    assert building_totals([]) == ()


def test_storeys_above_the_ground_floor_count_by_their_heights() -> None:
    low, high = make_storeys(0.9, 0.1, height=10)[1], make_storeys(0.9, 0.1, 0.4, height=30)[2]
    assert wwr_above_ground(side("N", wwr=0.5, storeys=(low, high))) == pytest.approx((10 * 0.1 + 30 * 0.4) / 40)
    assert wwr_above_ground(side("N", wwr=0.5, storeys=make_storeys(0.9))) == 0.5


SIDES = st.builds(
    side,
    st.sampled_from(["N", "E", "S", "W", None]),
    wwr=st.floats(0, 1),
    width=st.integers(1, 1000),
    area_m2=st.none() | st.floats(1, 1000),
    building=st.sampled_from(["a", "b", None]),
    storeys=st.lists(st.floats(0, 1), max_size=3).map(lambda values: make_storeys(*values)),
)


@given(st.lists(st.lists(SIDES, max_size=3), max_size=5))
def test_totals_are_means(photos: list[list[Front]]) -> None:
    totals = building_totals(make_photo(*fronts) for fronts in photos)
    fronts = [front for of_photo in photos for front in of_photo if front.building is not None]
    values = [value for front in fronts for value in (front.wwr.value, wwr_above_ground(front))]
    assert all(min(values) - 1e-9 <= total.wwr <= max(values) + 1e-9 for total in totals)
    assert sum(total.fronts for total in totals if total.direction is None) == len(fronts)
    assert all((total.windows is None) == (total.assumed is not None) for total in totals if total.direction)
