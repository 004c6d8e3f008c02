import numpy as np
import pytest
from numpy.typing import NDArray

from building_views import aim_camera, photograph_front, random_shot
from seamline.buildings.segments import Segments, detect_segments
from seamline.buildings.vanishing_points import VanishingPoint, angles_to, find_horizontals, find_vertical
from seamline.buildings.walls import LEAST_PURITY, find_walls, propose_split

SHAPE = (600, 800)


def corner_house(corner: float = 0.5) -> tuple[NDArray[np.uint8], NDArray[np.bool_], list[NDArray[np.float64]]]:
    """Two walls that meet at an edge straight ahead, 18 meters away: photo, region and the walls' homographies."""
    photo, region = np.full((*SHAPE, 3), 200, np.uint8), np.zeros(SHAPE, bool)
    homographies = []
    for seed, (yaw, middle) in enumerate(((-40, 20.0), (48, 0.0))):
        homography = aim_camera(SHAPE, yaw=yaw, pitch=9, middle=(middle, 7), distance=18)
        homography = np.array([[1, 0, (corner - 0.5) * 800], [0, 1, 0], [0, 0, 1]]) @ homography
        shot = photograph_front(seed, homography, SHAPE)
        photo[shot.region] = shot.photo[shot.region]
        region |= shot.region
        homographies.append(homography)
    return photo, region, homographies


def vertical_of(segments: Segments) -> VanishingPoint:
    vertical = find_vertical(segments, SHAPE)
    assert vertical is not None
    return vertical


@pytest.mark.parametrize("corner", [0.4, 0.5, 0.65])
def test_a_corner_house_is_split_at_its_edge(corner: float) -> None:
    photo, region, homographies = corner_house(corner)
    segments = detect_segments(photo, region)
    walls = find_walls(segments, region, vertical_of(segments))
    assert len(walls) == 2
    assert (walls[0].region ^ walls[1].region == region).all()
    for wall, homography in zip(walls, homographies, strict=True):
        assert wall.horizontal is not None
        true = np.cross(homography[:, 0], [0, 1, 0])  # any line through the vanishing point
        assert abs(true @ wall.horizontal.point) < 0.02 * np.linalg.norm(true) * np.linalg.norm(wall.horizontal.point)
        assert wall.horizontal.support > 0.8
        assert len(wall.horizontal.inliers) == len(wall.segments)
    edge = np.argmax(walls[1].region[300] & region[300])
    assert abs(edge - corner * 800) < 40


def test_a_split_separates_the_walls_segments() -> None:
    photo, region, _ = corner_house()
    segments = detect_segments(photo, region)
    vertical = vertical_of(segments)
    first, second = find_horizontals(segments, SHAPE, vertical)[:2]
    split = propose_split(segments, region, vertical, first, second)
    assert split is not None
    assert split.purity > 0.95 > LEAST_PURITY
    swapped = propose_split(segments, region, vertical, second, first)
    assert swapped is not None
    assert swapped.left is split.left
    np.testing.assert_allclose(swapped.line, split.line)
    middles = (segments[split.left.inliers][:, :2] + segments[split.left.inliers][:, 2:]) / 2
    sides = np.column_stack([middles, np.ones(len(middles))]) @ split.line
    assert (sides < 0).mean() > 0.9
    through = np.abs(split.line @ vertical.point) / np.linalg.norm(split.line) / np.linalg.norm(vertical.point)
    assert through < 1e-6
    mask = split.left_mask(SHAPE)
    assert mask[:, 0].all()
    assert not mask[:, -1].any()


@pytest.mark.parametrize("seed", range(4))
def test_one_wall_stays_whole(seed: int) -> None:
    shot = random_shot(seed, SHAPE)
    segments = detect_segments(shot.photo, shot.region)
    walls = find_walls(segments, shot.region, vertical_of(segments))
    assert len(walls) == 1
    np.testing.assert_array_equal(walls[0].region, shot.region)
    assert walls[0].horizontal is not None
    agreeing = angles_to(walls[0].horizontal.point, walls[0].segments, SHAPE) <= 2
    assert (walls[0].horizontal.inliers <= agreeing).all()


def test_a_part_without_lines_is_one_wall() -> None:
    shot = random_shot(0, SHAPE)
    vertical = vertical_of(detect_segments(shot.photo, shot.region))
    walls = find_walls(np.zeros((0, 4)), shot.region, vertical)
    assert len(walls) == 1
    assert walls[0].horizontal is None
