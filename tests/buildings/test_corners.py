import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from building_views import aim_camera
from seamline.buildings.corners import rectify_corners
from seamline.buildings.planes import to_plane
from seamline.errors import SeamlineError

SHAPE = (600, 800)


def marked_corners(yaw: float, pitch: float, focal: float = 1.0) -> list[list[float]]:
    """The corners in a photo of a part of a front that is 10 meters wide and 8 high."""
    homography = aim_camera(SHAPE, yaw=yaw, pitch=pitch, focal=focal)
    box = np.array([[[5.0, 3], [15, 3], [15, 11], [5, 11]]])
    return list(cv2.perspectiveTransform(box, homography)[0].tolist())


@settings(max_examples=30, deadline=None)
@given(
    yaw=st.floats(12, 50),
    pitch=st.floats(8, 25),
    focal=st.floats(0.6, 1.6),
    left=st.booleans(),
)
def test_corners_give_width_to_height_focal_length_and_yaw(yaw: float, pitch: float, focal: float, left: bool) -> None:
    turn = -yaw if left else yaw
    corners = marked_corners(turn, pitch, focal)
    plane = rectify_corners(corners, SHAPE)
    assert plane.method == "corners"
    planar = to_plane(plane, np.array(corners))
    right, bottom = planar[2]
    np.testing.assert_allclose(planar, [[0, 0], [right, 0], [right, bottom], [0, bottom]], atol=1e-6)
    assert (plane.width, plane.height) == (np.ceil(right - 1e-6), np.ceil(bottom - 1e-6))
    if plane.focal_source is not None:
        assert right / bottom == pytest.approx(10 / 8, rel=1e-3)
        assert plane.focal_length == pytest.approx(focal * 800, rel=1e-3)
        assert plane.yaw == pytest.approx(turn, abs=0.1)


def test_strong_perspective_determines_the_aspect_and_parallel_sides_do_not() -> None:
    strong = rectify_corners(marked_corners(40, 20), SHAPE)
    assert strong.focal_source == "vanishing points"
    assert strong.true_aspect
    tilted = rectify_corners(marked_corners(45, 0), SHAPE)
    assert tilted.focal_source is None
    assert tilted.yaw is None
    assert not tilted.true_aspect
    known = rectify_corners(marked_corners(45, 0), SHAPE, focal_length=800)
    assert known.focal_source == "EXIF"
    assert known.true_aspect
    assert known.width / known.height == pytest.approx(10 / 8, rel=0.02)
    assert known.yaw == pytest.approx(45, abs=0.1)


def test_an_upright_rectangle_is_cropped() -> None:
    plane = rectify_corners([(100, 50), (500, 50), (500, 350), (100, 350)], SHAPE)
    assert (plane.width, plane.height) == (400, 300)
    np.testing.assert_allclose(to_plane(plane, np.array([[110.0, 70]])), [[10, 20]], atol=1e-9)
    assert plane.true_aspect


def test_a_photo_on_its_side_is_turned_by_its_corners() -> None:
    plane = rectify_corners([(500, 50), (500, 350), (100, 350), (100, 50)], SHAPE)
    assert (plane.width, plane.height) == (300, 400)
    np.testing.assert_allclose(to_plane(plane, np.array([[500.0, 50], [500, 350]])), [[0, 0], [300, 0]], atol=1e-9)


@pytest.mark.parametrize(
    ("corners", "reason"),
    [
        ([(1, 2), (3, 4), (5, 6)], "four corners"),
        ([(1, 2), (3, 4), (5, 6), (7, 8), (9, 1)], "four corners"),
        ([(1, 2), (3, 4), (5, 6), (7,)], "four corners"),
        ([(100, 50), (float("nan"), 50), (500, 350), (100, 350)], "not numbers"),
        ([(100, 50), (float("inf"), 50), (500, 350), (100, 350)], "not numbers"),
        ([(100, 50), (900, 50), (500, 350), (100, 350)], "outside the photo, which has 800 x 600"),
        ([(100, -50), (500, 50), (500, 350), (100, 350)], "outside the photo"),
        ([(500, 50), (100, 50), (100, 350), (500, 350)], "counterclockwise"),
        ([(100, 50), (500, 350), (500, 50), (100, 350)], "crossed"),
        ([(100, 50), (500, 50), (200, 100), (100, 350)], "not convex"),
        ([(100, 50), (300, 50), (500, 50), (100, 350)], "not convex"),
        ([(100, 50), (100, 50), (100, 50), (100, 50)], "not convex"),
        ([(100, 50), (110, 50), (110, 60), (100, 60)], "too small"),
        ([(-15, 50), (-5, 50), (-5, 350), (-15, 350)], "too small a part of the photo"),  # beside it
    ],
)
def test_wrong_corners_are_refused(corners: list[tuple[float, ...]], reason: str) -> None:
    with pytest.raises(SeamlineError, match=reason) as error:
        rectify_corners(corners, SHAPE)
    assert str(error.value).startswith("--corners")


def test_corners_just_outside_the_photo_are_allowed() -> None:
    assert rectify_corners([(-5, 50), (805, 50), (805, 605), (-5, 605)], SHAPE).width == 810
