import cv2
import numpy as np
import pytest

from building_views import aim_camera, distort, photograph_front, random_shot
from seamline.buildings.segments import (
    CURVATURE_LIMIT,
    detect_segments,
    measure_curvature,
    segment_lengths,
    select_segments,
)


def box_photo(brightness: int = 255) -> np.ndarray:
    """A bright box, columns 40..219 and rows 50..149, on black."""
    photo = np.zeros((200, 300, 3), np.uint8)
    photo[50:150, 40:220] = brightness
    return photo


@pytest.mark.parametrize("brightness", [255, 16])
def test_the_edges_of_a_box_are_where_its_pixels_end(brightness: int) -> None:
    segments = detect_segments(box_photo(brightness), np.ones((200, 300), bool))
    assert len(segments) == 4
    assert (np.diff(segment_lengths(segments)) <= 0).all()
    flat = np.abs(segments[:, 3] - segments[:, 1]) < 1
    np.testing.assert_allclose(np.sort(segments[flat][:, 1]), [50, 150], atol=0.15)
    np.testing.assert_allclose(np.sort(segments[~flat][:, 0]), [40, 220], atol=0.15)


def test_segments_outside_the_region_are_left_out() -> None:
    region = np.zeros((200, 300), bool)
    region[30:170, 30:120] = True
    segments = detect_segments(box_photo(), region)
    upright = np.abs(segments[:, 2] - segments[:, 0]) < 1
    np.testing.assert_allclose(segments[upright][:, 0], [40], atol=0.15)
    everywhere = detect_segments(box_photo(), np.ones_like(region))
    assert len(select_segments(everywhere, region)) < len(everywhere)
    assert detect_segments(box_photo(), np.zeros_like(region)).shape == (0, 4)
    assert detect_segments(np.zeros((200, 300, 3), np.uint8), region).shape == (0, 4)
    assert detect_segments(np.zeros((1, 1, 3), np.uint8), np.ones((1, 1), bool)).shape == (0, 4)


def bent_bars(sagitta: float) -> np.ndarray:
    """Six dark bars of 600 pixels across a white photo that bulge up and down by a share of their length."""
    photo = np.full((600, 800, 3), 255, np.uint8)
    x = np.linspace(-300, 300, 200)
    for row in (60, 120, 180, 420, 480, 540):
        bulge = np.sign(row - 300) * sagitta * 600 * (1 - (x / 300) ** 2)
        points = np.stack([x + 400, row + bulge], 1)
        cv2.polylines(photo, [(points * 16).round().astype(np.int32)], False, (0, 0, 0), 5, cv2.LINE_AA, 4)
    return photo


@pytest.mark.parametrize("sagitta", [-0.015, -0.006, 0.0, 0.003, 0.01, 0.02])
def test_the_bend_of_lines_is_their_sagitta_over_length(sagitta: float) -> None:
    photo, region = bent_bars(sagitta), np.ones((600, 800), bool)
    bend = measure_curvature(photo, detect_segments(photo, region), region)
    assert bend == pytest.approx(1000 * sagitta, rel=0.15, abs=0.3)


@pytest.mark.parametrize("seed", range(3))
def test_a_lens_that_distorts_is_told_from_one_that_does_not(seed: int) -> None:
    shape = (800, 1000)
    shot = photograph_front(seed, aim_camera(shape, yaw=10 * seed, pitch=6, distance=19), shape)
    bends = []
    for strength in (-0.1, 0.0, 0.1, 0.3):
        bent = distort(shot, strength)
        bend = measure_curvature(bent.photo, detect_segments(bent.photo, bent.region), bent.region)
        assert bend is not None
        bends.append(bend)
    assert bends[0] < -3
    assert abs(bends[1]) < 0.5
    assert 3 < bends[2] < bends[3]
    assert bends[3] > CURVATURE_LIMIT > abs(bends[1])


def test_without_long_lines_the_curvature_is_not_known() -> None:
    region = np.ones((600, 800), bool)
    photo = np.zeros((600, 800, 3), np.uint8)
    assert measure_curvature(photo, np.zeros((0, 4)), region) is None
    rng = np.random.default_rng(0)
    starts = rng.uniform(0, 500, (40, 2))
    segments = np.concatenate([starts, starts + rng.uniform(-20, 20, (40, 2))], 1)
    assert measure_curvature(photo, segments, region) is None


def test_segments_repeat() -> None:
    shot = random_shot(0)
    first, second = (detect_segments(shot.photo, shot.region) for _ in range(2))
    np.testing.assert_array_equal(first, second)
