import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from building_views import Matrix, aim_camera, photograph_street, random_shot
from seamline.buildings.segments import detect_segments
from seamline.buildings.vanishing_points import FEWEST_SEGMENTS, angles_to, find_horizontals, find_vertical

SHAPE = (600, 800)


def degrees_between(first: NDArray[np.float64], second: NDArray[np.float64], focal: float) -> float:
    """The angle between the directions to two points (3,) of a photo of `SHAPE`."""
    camera = np.array([[focal, 0, SHAPE[1] / 2], [0, focal, SHAPE[0] / 2], [0, 0, 1]])
    rays = [np.linalg.solve(camera, point) for point in (first, second)]
    cosine = abs(rays[0] @ rays[1]) / np.linalg.norm(rays[0]) / np.linalg.norm(rays[1])
    return float(np.degrees(np.arccos(min(1, cosine))))


def front_segments(homography: Matrix, seed: int, noise: float = 0.3, outliers: int = 30) -> NDArray[np.float64]:
    """40 verticals and 40 horizontals of a front, off by a fraction of a pixel, then segments of any direction."""
    rng = np.random.default_rng(seed)
    starts = rng.uniform([2, 2], [17, 11], (80, 2))
    ends = starts + np.repeat([[0.0, 1.5], [1.5, 0.0]], 40, 0)
    segments = []
    for points in (starts, ends):
        mapped = np.column_stack([points, np.ones(80)]) @ homography.T
        segments.append(mapped[:, :2] / mapped[:, 2:] + rng.normal(0, noise, (80, 2)))
    middles, angles = rng.uniform([100, 100], [700, 500], (outliers, 2)), rng.uniform(0, np.pi, outliers)
    along = 20 * np.stack([np.cos(angles), np.sin(angles)], 1)
    return np.concatenate([np.concatenate(segments, 1), np.concatenate([middles - along, middles + along], 1)])


@settings(max_examples=25, deadline=None)
@given(
    yaw=st.floats(-55, 55), pitch=st.floats(0, 25), roll=st.floats(-8, 8), focal=st.floats(0.6, 2), seed=st.integers(0)
)
def test_vanishing_points_are_those_of_the_camera(
    yaw: float, pitch: float, roll: float, focal: float, seed: int
) -> None:
    homography = aim_camera(SHAPE, yaw=yaw, pitch=pitch, roll=roll, focal=focal)
    segments = front_segments(homography, seed)
    vertical = find_vertical(segments, SHAPE)
    assert vertical is not None
    horizontals = find_horizontals(segments, SHAPE, vertical)
    assert horizontals
    assert degrees_between(vertical.point, homography[:, 1], focal * 800) < 4
    assert degrees_between(horizontals[0].point, homography[:, 0], focal * 800) < 4
    assert vertical.inliers[:40].mean() > 0.7
    assert horizontals[0].inliers[40:80].mean() > 0.7
    assert not (vertical.inliers & horizontals[0].inliers).any()


def test_points_found_in_photos_are_those_of_the_camera() -> None:
    errors = []
    for seed in range(6):
        shot = random_shot(seed, SHAPE)
        segments = detect_segments(shot.photo, shot.region)
        vertical = find_vertical(segments, SHAPE)
        assert vertical is not None
        assert vertical.support > 0.9
        horizontals = find_horizontals(segments, SHAPE, vertical)
        assert len(horizontals) == 1
        errors.append(degrees_between(vertical.point, shot.homography[:, 1], shot.focal))
        errors.append(degrees_between(horizontals[0].point, shot.homography[:, 0], shot.focal))
    assert np.median(errors) < 0.1
    assert max(errors) < 0.6


def test_deviations_state_how_far_off_the_points_are() -> None:
    homography = aim_camera(SHAPE, yaw=25, pitch=12)
    ratios = []
    for seed in range(20):
        vertical = find_vertical(front_segments(homography, seed, outliers=0), SHAPE)
        assert vertical is not None
        ratios.append(degrees_between(vertical.point, homography[:, 1], 800) / vertical.degrees)
    assert 0.3 < np.median(ratios) < 1.5
    assert np.quantile(ratios, 0.9) < 3


@settings(max_examples=15, deadline=None)
@given(scale=st.floats(0.2, 8), seed=st.integers(0, 50))
def test_points_scale_with_the_photo(scale: float, seed: int) -> None:
    segments = front_segments(aim_camera(SHAPE, yaw=20, pitch=10), seed)
    shape = (round(600 * scale), round(800 * scale))
    exact = (shape[0] / 600, shape[1] / 800)
    small, large = find_vertical(segments, SHAPE), find_vertical(segments * np.array([exact[1], exact[0]] * 2), shape)
    assert small is not None
    assert large is not None
    expected = small.point[:2] / small.point[2] * scale
    np.testing.assert_allclose(large.point[:2] / large.point[2], expected, rtol=0.1, atol=40 * scale)


def test_the_result_follows_from_the_seed() -> None:
    segments = front_segments(aim_camera(SHAPE, yaw=20, pitch=10), 0)
    vertical, again = (find_vertical(segments, SHAPE, seed=3) for _ in range(2))
    assert vertical is not None
    assert again is not None
    np.testing.assert_array_equal(vertical.point, again.point)
    pair = [find_horizontals(segments, SHAPE, vertical, seed=3)[0].point for _ in range(2)]
    np.testing.assert_array_equal(pair[0], pair[1])


def slanted(direction: tuple[float, float], count: int = 30) -> NDArray[np.float64]:
    """Parallel segments of 60 pixels."""
    starts = np.random.default_rng(0).uniform(100, 500, (count, 2))
    return np.concatenate([starts, starts + 60 * np.array(direction) / np.hypot(*direction)], 1)


def test_slopes_of_roofs_are_no_horizontals() -> None:
    upright = slanted((0.0, 1.0))
    vertical = find_vertical(upright, SHAPE)
    assert vertical is not None
    assert find_horizontals(np.concatenate([upright, slanted((1.0, 0.6))]), SHAPE, vertical) == []
    level = find_horizontals(np.concatenate([upright, slanted((1.0, 0.02))]), SHAPE, vertical)
    assert len(level) == 1
    assert level[0].inliers.sum() == 30


def test_a_focal_length_rules_points_out() -> None:
    homography = aim_camera(SHAPE, yaw=35, pitch=20, focal=1.0)
    segments = front_segments(homography, 0, outliers=0)
    vertical = find_vertical(segments, SHAPE)
    assert vertical is not None
    assert len(find_horizontals(segments, SHAPE, vertical, focal_length=800)) == 1
    assert find_horizontals(segments, SHAPE, vertical, focal_length=4000) == []


def test_few_segments_make_no_vanishing_point() -> None:
    assert find_vertical(np.zeros((0, 4)), SHAPE) is None
    assert find_vertical(slanted((0.0, 1.0), FEWEST_SEGMENTS - 1), SHAPE) is None
    vertical = find_vertical(slanted((0.0, 1.0), FEWEST_SEGMENTS), SHAPE)
    assert vertical is not None
    assert find_horizontals(np.zeros((0, 4)), SHAPE, vertical) == []
    assert find_horizontals(slanted((1.0, 0.0), FEWEST_SEGMENTS - 1), SHAPE, vertical) == []


def test_segments_of_one_line_do_not_determine_a_point() -> None:
    steps = np.linspace(100, 500, 12)[:, np.newaxis]
    noise = np.random.default_rng(0).normal(0, 0.3, (12, 4))
    wall_edge = np.concatenate([np.full_like(steps, 300), steps, np.full_like(steps, 300), steps + 30], 1) + noise
    assert find_vertical(wall_edge, SHAPE) is None


def test_angles_are_those_between_segments_and_the_point() -> None:
    segments = np.array([[100.0, 100, 200, 100], [100, 100, 200, 200], [300, 0, 300, 50]])
    at_right = angles_to(np.array([1.0, 0, 0]), segments, SHAPE)
    np.testing.assert_allclose(at_right, [0, 45, 90], atol=1e-6)
    below = angles_to(np.array([300.0, 900, 1]), segments, SHAPE)
    np.testing.assert_allclose(below, [90 - np.degrees(np.arctan(150 / 800)), 45 - np.degrees(np.arctan(1 / 5)), 0])


@pytest.mark.parametrize("seed", range(4))
def test_streets_have_both_vanishing_points(seed: int) -> None:
    shot = photograph_street(seed, SHAPE)
    segments = detect_segments(shot.photo, shot.region)
    vertical = find_vertical(segments, SHAPE)
    assert vertical is not None
    assert degrees_between(vertical.point, shot.homography[:, 1], shot.focal) < 2
    horizontals = find_horizontals(segments, SHAPE, vertical)
    assert horizontals
    assert degrees_between(horizontals[0].point, shot.homography[:, 0], shot.focal) < 2
