import cv2
import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from building_views import aim_camera
from seamline.buildings.corners import rectify_corners
from seamline.buildings.planes import rescale_photo, to_photo, to_plane, warp
from seamline.buildings.rectification import image_plane

CORNERS = ((80, 40), (330, 70), (350, 260), (60, 280))
SHAPE = (300, 400)


@given(
    st.lists(st.tuples(st.floats(80, 320), st.floats(80, 250)), min_size=1, max_size=5),
    st.lists(st.tuples(st.floats(-20, 20), st.floats(-20, 20)), min_size=4, max_size=4),
)
def test_points_come_back_from_the_plane(points: list[tuple[float, float]], shifts: list[tuple[float, float]]) -> None:
    plane = rectify_corners((np.array(CORNERS) + shifts).tolist(), SHAPE)
    there = to_plane(plane, np.array(points))
    np.testing.assert_allclose(to_photo(plane, there), points, atol=1e-6)


def test_the_image_plane_has_the_photos_pixels() -> None:
    photo = np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8)
    region = np.zeros((40, 60), bool)
    region[5:25, 10:50] = True
    np.testing.assert_array_equal(warp(image_plane(region), photo), photo[5:25, 10:50])
    np.testing.assert_array_equal(warp(image_plane(region), region), np.ones((20, 40), bool))


def test_a_warped_blob_is_where_its_center_is() -> None:
    plane = rectify_corners(CORNERS, SHAPE)
    blob = np.zeros(SHAPE, np.float32)
    blob[148:153, 198:203] = 1  # pixels 198..202 cover 198..203
    warped = warp(plane, blob)
    assert warped.shape == (plane.height, plane.width)
    rows, columns = np.mgrid[: plane.height, : plane.width] + 0.5
    center = [(warped * columns).sum() / warped.sum(), (warped * rows).sum() / warped.sum()]
    np.testing.assert_allclose(center, to_plane(plane, np.array([[200.5, 150.5]]))[0], atol=0.05)


def test_channels_are_warped_alike() -> None:
    plane = rectify_corners(CORNERS, SHAPE)
    values = np.random.default_rng(0).random(SHAPE).astype(np.float32)
    warped = warp(plane, np.stack([np.zeros_like(values), values, values], 2))
    assert warped.dtype == np.float32
    assert warped.shape == (plane.height, plane.width, 3)
    np.testing.assert_array_equal(warped[..., 2], warp(plane, values))
    assert not warped[..., 0].any()


def test_a_plane_serves_the_larger_photo() -> None:
    plane = rectify_corners(CORNERS, SHAPE)
    large = rescale_photo(plane, 2.5)
    points = np.array([[100.0, 100], [200, 150]])
    np.testing.assert_allclose(to_plane(large, 2.5 * points), to_plane(plane, points))
    np.testing.assert_allclose(large.corners, 2.5 * np.array(plane.corners))
    assert (large.width, large.height) == (plane.width, plane.height)
    homography = aim_camera((600, 800), yaw=30, pitch=15)
    square = cv2.perspectiveTransform(np.array([[[4.0, 3], [14, 3], [14, 11], [4, 11]]]), homography)[0]
    seen = rectify_corners(square.tolist(), (600, 800))
    assert seen.focal_length == pytest.approx(800, rel=0.01)
    assert rescale_photo(seen, 2).focal_length == pytest.approx(1600, rel=0.01)
    assert rescale_photo(seen, 2).yaw == seen.yaw


def test_a_plane_is_valid_in_its_file() -> None:
    plane = rectify_corners(CORNERS, SHAPE)
    assert msgspec.json.decode(msgspec.json.encode(plane), type=type(plane)) == plane
