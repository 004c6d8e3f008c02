import numpy as np
import pytest
from numpy.typing import NDArray

from drawn_views import bare_photo
from measures_factories import Box
from seamline.buildings.fronts import MIN_PART, find_fronts, find_parts
from seamline.buildings.roles import ROLES, Role


def roles_of(*drawn: tuple[Role, Box], shape: tuple[int, int] = (300, 400)) -> NDArray[np.uint8]:
    roles = np.zeros(shape, np.uint8)
    for role, (left, top, right, bottom) in drawn:
        roles[int(top) : int(bottom), int(left) : int(right)] = ROLES.index(role)
    return roles


def test_two_houses_are_two_parts() -> None:
    left, right = find_parts(roles_of(("facade", (20, 50, 160, 250)), ("facade", (240, 50, 380, 250))))
    assert (left.sum(), right.sum()) == (140 * 200, 140 * 200)


def test_a_tree_or_a_sign_does_not_divide_a_house() -> None:
    house: tuple[Role, Box] = ("facade", (20, 50, 380, 250))
    (whole,) = find_parts(roles_of(house, ("hidden", (190, 50, 210, 250))))
    assert whole.sum() == 360 * 200
    (whole,) = find_parts(roles_of(house, ("other", (195, 50, 203, 250))))
    assert whole.sum() == 360 * 200
    assert len(find_parts(roles_of(house, ("other", (160, 0, 240, 300))))) == 2


def test_what_a_house_surrounds_is_part_of_it() -> None:
    (whole,) = find_parts(roles_of(("facade", (20, 50, 380, 250)), ("other", (100, 100, 200, 200))))
    assert whole.sum() == 360 * 200


def test_far_houses_are_left_out() -> None:
    side = int((0.7 * MIN_PART * 300 * 400) ** 0.5)
    assert find_parts(roles_of(("facade", (20, 50, 20 + side, 50 + side)))) == []
    assert find_fronts(bare_photo(), roles_of(), None) == []


def test_fronts_come_from_left_to_right_and_say_why_they_are_not_rectified() -> None:
    houses = [(240.0, 40.0, 380.0, 260.0), (20.0, 60.0, 160.0, 250.0)]
    fronts = find_fronts(bare_photo(*houses), roles_of(*[("facade", house) for house in houses]), None)
    assert [np.flatnonzero(front.mask.any(0))[0] for front in fronts] == [20, 240]
    for front in fronts:
        assert front.rectification.plane.method == "image plane"
        assert front.rectification.reason


@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (9, 1280)])
def test_photos_of_a_few_rows_are_no_error(shape: tuple[int, int]) -> None:
    roles = np.full(shape, ROLES.index("facade"), np.uint8)
    (front,) = find_fronts(np.zeros((*shape, 3), np.uint8), roles, None)
    assert front.mask.all()
