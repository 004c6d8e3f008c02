"""Scales worked out by hand, of a front of 400 x 300 pixels with three storeys of 100."""

import pytest

from drawn_views import drawn_view, grid
from seamline.buildings.measures import measure_contents
from seamline.buildings.options import MeasureOptions
from seamline.buildings.plane_view import PlaneView
from seamline.buildings.scale import Scale, find_scale

WINDOWS = grid((30, 120, 220, 330), (25, 125, 225))


def scale_of(view: PlaneView, *cut_off: str, factor: float = 1.0, **options: float) -> Scale:
    contents = measure_contents(view, foot_visible=True)
    return find_scale(view, contents, MeasureOptions(**options), cut_off, factor)  # type: ignore[arg-type]


def house(*, true_aspect: bool = True) -> PlaneView:
    return drawn_view(400, 300, ("window", WINDOWS), true_aspect=true_aspect)


def test_the_height_of_a_front_gives_its_scale() -> None:
    scale = scale_of(house(), height_m=12)
    assert (scale.vertical, scale.horizontal, scale.notes) == (0.04, 0.04, ())
    assert scale.height(100) == pytest.approx(4)
    assert scale.width(400) == pytest.approx(16)
    assert scale.area(24_000) == pytest.approx(38.4)


def test_the_height_of_a_storey_gives_the_scale() -> None:
    assert scale_of(house(), storey_height_m=3).vertical == pytest.approx(0.03)


def test_widths_have_no_scale_of_their_own_without_a_focal_length() -> None:
    scale = scale_of(house(true_aspect=False), height_m=12)
    assert (scale.vertical, scale.horizontal) == (0.04, None)
    assert scale.width(400) is scale.area(24_000) is None
    assert scale.notes == ("Widths have no scale: the focal length is not known.",)


def test_the_pixels_of_the_photo_give_the_scale_however_it_was_reduced() -> None:
    """Each pixel of the plane is one of a reduced photo, which is four of the photo: 4 x 5 mm."""
    scale = scale_of(house(true_aspect=False), factor=4, pixel_size_m=0.005)
    assert scale.vertical == scale.horizontal == pytest.approx(0.02)
    assert scale.true_aspect


@pytest.mark.parametrize("side", ["top", "bottom"])
def test_a_height_that_is_cut_off_gives_no_scale(side: str) -> None:
    scale = scale_of(house(), side, height_m=12)
    assert scale.vertical is None
    assert scale.notes == ("Its height is cut off, so the given height gives no scale.",)
    assert scale_of(house(), "left", height_m=12).vertical == 0.04


def test_a_single_storey_has_no_height_of_its_own() -> None:
    scale = scale_of(drawn_view(400, 130, ("window", WINDOWS[:4])), storey_height_m=3)
    assert scale.vertical is None
    assert scale.notes == ("It has fewer than two storeys, so the given height of a storey gives no scale.",)


def test_without_a_scale_nothing_is_in_meters() -> None:
    scale = scale_of(house())
    assert scale == Scale()
    assert scale.height(100) is scale.width(100) is scale.area(100) is None
