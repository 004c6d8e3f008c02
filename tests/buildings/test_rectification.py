import numpy as np
import pytest
from numpy.typing import NDArray

from building_views import HEIGHT, WIDTH, Shot, aim_camera, photograph_front, photograph_street, random_shot
from seamline.buildings.planes import to_plane
from seamline.buildings.rectification import LARGEST_YAW, SMEAR_LIMIT, Rectification, image_plane, rectify
from seamline.buildings.segments import detect_segments
from seamline.buildings.vanishing_points import VanishingPoint, find_horizontals, find_vertical
from seamline.run_folder.measures import Plane

SHAPE = (600, 800)


def rectify_shot(shot: Shot, focal_length: float | None = None) -> Rectification:
    segments = detect_segments(shot.photo, shot.region)
    vertical = find_vertical(segments, shot.shape)
    assert vertical is not None
    horizontals = find_horizontals(segments, shot.shape, vertical, focal_length=focal_length)
    return rectify(shot.region, segments, vertical, horizontals[0] if horizontals else None, focal_length=focal_length)


def true_point(direction: NDArray[np.float64], deviation: float = 0.0) -> VanishingPoint:
    """The vanishing point of a known direction (3,), with a deviation in pixels at infinity."""
    point = direction / np.linalg.norm(direction)
    return VanishingPoint(point, deviation * np.eye(2, 3), np.ones(1, bool), 1.0, 0.0)


def lengths_in_plane(plane: Plane, homography: NDArray[np.float64], axis: int) -> NDArray[np.float64]:
    """What a meter in direction x (0) or y (1) at 25 places of the front is in the plane, (25, 2)."""
    x, y = np.meshgrid(np.linspace(3, 16, 5), np.linspace(2, 11, 5))
    starts = np.stack([x.ravel(), y.ravel(), np.ones(25)], 1)
    ends = starts + np.eye(3)[axis]
    mapped = [points @ homography.T for points in (starts, ends)]
    first, second = (to_plane(plane, points[:, :2] / points[:, 2:]) for points in mapped)
    return second - first


def tilts(plane: Plane, homography: NDArray[np.float64]) -> NDArray[np.float64]:
    """Angles in degrees between the front's true directions and the plane's axes."""
    across, down = (lengths_in_plane(plane, homography, axis) for axis in (0, 1))
    return np.asarray(np.degrees(np.arctan2(*np.abs(np.concatenate([across[:, ::-1], down])).T)))


def aspect(plane: Plane, homography: NDArray[np.float64]) -> float:
    """A horizontal meter over a vertical one in the plane."""
    across, down = (np.linalg.norm(lengths_in_plane(plane, homography, axis), axis=1) for axis in (0, 1))
    return float(np.median(across / down))


def test_true_verticals_and_horizontals_are_upright_and_level() -> None:
    angles, aspects = [], []
    for seed in range(10):
        shot = random_shot(seed, SHAPE)
        result = rectify_shot(shot)
        assert result.reason is None
        assert result.plane.method == "vanishing points"
        angles.append(np.median(tilts(result.plane, shot.homography)))
        if result.plane.true_aspect:
            aspects.append(aspect(result.plane, shot.homography))
        if result.plane.focal_source:
            assert result.plane.focal_length == pytest.approx(shot.focal, rel=0.25)
    assert np.median(angles) < 0.1
    assert max(angles) < 0.5
    assert len(aspects) >= 7
    assert np.abs(np.log(aspects)).max() < 0.05


def test_streets_are_rectified() -> None:
    angles = []
    for seed in range(4):
        shot = photograph_street(seed, SHAPE)
        result = rectify_shot(shot)
        assert result.reason is None
        angles.append(np.median(tilts(result.plane, shot.homography)))
    assert np.median(angles) < 0.5


@pytest.mark.parametrize("yaw", [-40.0, -15.0, 25.0])
def test_the_yaw_is_positive_where_the_right_side_is_farther(yaw: float) -> None:
    shot = photograph_front(1, aim_camera(SHAPE, yaw=yaw, pitch=12), SHAPE)
    right, left = (shot.homography[2] @ [x, 7, 1] for x in (WIDTH, 0))  # depths in meters
    assert (right > left) == (yaw > 0)
    plane = rectify_shot(shot).plane
    assert plane.yaw == pytest.approx(yaw, abs=2)


def test_the_plane_holds_the_region_at_the_photos_scale() -> None:
    shot = random_shot(2, SHAPE)
    plane = rectify_shot(shot).plane
    rows, columns = np.nonzero(shot.region)
    inside = to_plane(plane, np.stack([columns, rows], 1).astype(np.float64) + 0.5)
    assert (inside >= 0).all()
    assert (inside <= [plane.width, plane.height]).all()
    assert plane.width * plane.height == pytest.approx(shot.region.sum(), rel=0.3)
    corners = np.array(plane.corners, np.float64)
    np.testing.assert_allclose(
        to_plane(plane, corners),
        [[0, 0], [plane.width, 0], [plane.width, plane.height], [0, plane.height]],
        atol=1e-6,
    )


def test_large_planes_are_scaled_down() -> None:
    region = np.ones((1500, 4000), bool)
    plane = image_plane(region)
    assert (plane.width, plane.height) == (1600, 600)
    np.testing.assert_allclose(to_plane(plane, np.array([[4000.0, 1500]])), [[1600, 600]])


def test_a_focal_length_gives_the_aspect_where_vanishing_points_do_not() -> None:
    homography = aim_camera(SHAPE, yaw=30, focal=1.4, distance=23)  # verticals are parallel in the photo
    shot = photograph_front(0, homography, SHAPE, 1.4)
    unknown, known = rectify_shot(shot).plane, rectify_shot(shot, 1.4 * 800).plane
    assert unknown.focal_source is None
    assert unknown.yaw is None
    assert not unknown.true_aspect
    assert known.focal_source == "EXIF"
    assert known.focal_length == 1.4 * 800
    assert known.true_aspect
    assert known.yaw == pytest.approx(30, abs=1)
    assert aspect(known, homography) == pytest.approx(1, abs=0.03)
    assert abs(aspect(unknown, homography) - 1) > 0.05


def test_seen_straight_on_the_aspect_is_true_without_a_focal_length() -> None:
    homography = aim_camera(SHAPE)
    plane = rectify_shot(photograph_front(0, homography, SHAPE)).plane
    assert plane.focal_length is None
    assert plane.true_aspect
    assert aspect(plane, homography) == pytest.approx(1, abs=0.01)


def long_front(yaw: float) -> tuple[Shot, NDArray[np.bool_]]:
    """A front that reaches from 0 to 20 meters, seen from 8 meters at its near end."""
    near = 4.0 if yaw > 0 else WIDTH - 4.0
    homography = aim_camera(SHAPE, yaw=yaw, pitch=8, focal=0.8, middle=(near, HEIGHT / 2), distance=10)
    shot = photograph_front(3, homography, SHAPE, 0.8)
    return shot, shot.region


@pytest.mark.parametrize(("yaw", "side"), [(55.0, "right"), (-55.0, "left")])
def test_what_perspective_smears_is_cut_off(yaw: float, side: str) -> None:
    shot, region = long_front(yaw)
    result = rectify_shot(shot)
    assert result.reason is None
    assert result.smeared == side
    assert 0 < result.plane.usable < 1
    rows, columns = np.nonzero(region)
    inverse = np.linalg.inv(shot.homography)
    meters = np.stack([columns + 0.5, rows + 0.5, np.ones(len(rows))]).T @ inverse.T
    visible = meters[:, 0] / meters[:, 2]
    edges = np.array([[0.0, result.plane.height / 2], [result.plane.width, result.plane.height / 2]])
    photo = np.column_stack([edges, np.ones(2)]) @ np.linalg.inv(np.reshape(result.plane.homography, (3, 3))).T
    ends = photo @ inverse.T
    width = abs(np.diff(ends[:, 0] / ends[:, 2])[0])
    assert result.plane.usable == pytest.approx(width / np.ptp(visible), abs=0.05)
    depths = shot.homography[2] @ np.stack([ends[:, 0] / ends[:, 2], [HEIGHT / 2] * 2, np.ones(2)])
    assert (depths.max() / depths.min()) ** 2 == pytest.approx(SMEAR_LIMIT, rel=0.15)


def test_a_front_that_is_all_in_view_is_usable() -> None:
    result = rectify_shot(random_shot(1, SHAPE))
    assert result.smeared is None
    assert result.plane.usable == 1


def test_without_vanishing_points_a_front_is_measured_in_the_image_plane() -> None:
    region = np.zeros((60, 80), bool)
    region[10:40, 20:70] = True
    up = true_point(np.array([0.0, 1, 0]))
    for vertical, horizontal, word in ((None, None, "vertical"), (up, None, "horizontal"), (up, up, "lines")):
        result = rectify(region, np.zeros((0, 4)), vertical, horizontal)
        assert result.plane.method == "image plane"
        assert word in str(result.reason)
        assert (result.plane.width, result.plane.height) == (50, 30)
        assert result.plane.corners == ((20, 10), (70, 10), (70, 40), (20, 40))
        assert result.plane.residual_degrees is None
        assert not result.plane.true_aspect
        assert result.plane.usable == 1


def lines_to(point: VanishingPoint, count: int = 12) -> NDArray[np.float64]:
    """Segments of 40 pixels that point to a vanishing point."""
    middles = np.random.default_rng(0).uniform([300, 200], [500, 400], (count, 2))
    along = point.point[:2] - point.point[2] * middles
    along *= 20 / np.linalg.norm(along, axis=1, keepdims=True)
    return np.concatenate([middles - along, middles + along], 1)


def test_a_front_along_the_camera_axis_is_not_rectified() -> None:
    yaw = LARGEST_YAW + 5
    homography = aim_camera(SHAPE, yaw=yaw, pitch=10)
    vertical, horizontal = true_point(homography[:, 1]), true_point(homography[:, 0])
    region = np.zeros(SHAPE, bool)
    region[200:400, 250:350] = True
    segments = np.concatenate([lines_to(vertical), lines_to(horizontal)])
    result = rectify(region, segments, vertical, horizontal, focal_length=800)
    assert result.plane.method == "image plane"
    assert "75°" in str(result.reason)


def test_a_front_whose_horizon_is_in_view_is_not_rectified() -> None:
    homography = aim_camera(SHAPE, yaw=70, pitch=10)
    vertical, horizontal = true_point(homography[:, 1]), true_point(homography[:, 0])
    segments = np.concatenate([lines_to(vertical), lines_to(horizontal)])
    region = np.zeros(SHAPE, bool)
    region[200:400, 640:] = True  # beside and beyond the horizontal vanishing point, at x = 690
    result = rectify(region, segments, vertical, horizontal, focal_length=800)
    assert result.plane.method == "image plane"
    assert "smears" in str(result.reason)


def test_rectification_repeats() -> None:
    first, second = (rectify_shot(random_shot(4, SHAPE)) for _ in range(2))
    assert first == second
