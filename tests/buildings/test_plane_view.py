import numpy as np
import pytest

from drawn_views import drawn_view
from measures_factories import rectified_plane
from seamline.buildings.plane_view import PlaneView, cut_off_sides, outline_of


def test_masks_of_roles() -> None:
    view = drawn_view(40, 30, ("window", [(0, 0, 10, 10)]), ("hidden", [(10, 0, 20, 30)]), ("other", [(30, 0, 40, 30)]))
    assert view.mask("window").sum() == 100
    assert view.mask("window", "hidden").sum() == 400
    assert view.building.sum() == 600
    region = view.region.copy()
    region[:, :5] = False
    assert PlaneView(view.plane, region, view.probabilities).mask("window").sum() == 50


def test_the_extent_is_that_of_most_columns() -> None:
    view = drawn_view(100, 80)
    region = np.zeros((80, 100), bool)
    region[10:70, 20:90] = True
    region[0:70, 40:50] = True  # a chimney
    view = PlaneView(view.plane, region, view.probabilities)
    assert view.extent == (10, 70)
    assert view.visible_size == (70, 60)
    empty = PlaneView(view.plane, np.zeros((80, 100), bool), view.probabilities)
    assert empty.extent == (0, 80)
    assert empty.visible_size == (0, 80)


def test_pixels_of_the_plane_in_the_photo() -> None:
    corners = ((0.0, 0.0), (200.0, 0.0), (200.0, 300.0), (0.0, 300.0))
    view = drawn_view(100, 100)
    assert view.photo_scale == pytest.approx(1)
    assert PlaneView(rectified_plane(corners, 100, 100), view.region, view.probabilities).photo_scale == pytest.approx(
        3
    )


@pytest.mark.parametrize(
    ("box", "sides"),
    [
        ((10, 10, 90, 70), ()),
        ((0, 10, 90, 70), ("left",)),
        ((10, 10, 100, 80), ("right", "bottom")),
        ((0, 0, 100, 80), ("left", "right", "top", "bottom")),
    ],
)
def test_sides_on_which_the_photo_ends_first(box: tuple[int, int, int, int], sides: tuple[str, ...]) -> None:
    mask = np.zeros((80, 100), bool)
    mask[box[1] : box[3], box[0] : box[2]] = True
    assert cut_off_sides(mask) == sides


def test_a_chimney_at_the_edge_cuts_nothing_off() -> None:
    mask = np.zeros((80, 100), bool)
    mask[10:70, 10:90] = True
    mask[:, 50:54] = True
    assert cut_off_sides(mask) == ()


def test_the_outline_is_that_of_the_largest_part() -> None:
    mask = np.zeros((80, 100), bool)
    mask[10:70, 20:60] = True
    mask[5:15, 80:90] = True
    assert sorted(map(tuple, outline_of(mask))) == [(20.5, 10.5), (20.5, 69.5), (59.5, 10.5), (59.5, 69.5)]
