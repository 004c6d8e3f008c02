import numpy as np
import pytest

from seamline.evaluation.image_properties import common_background, edge_fraction, grays, sharpness


def test_grays_are_the_mean_of_the_channels_and_at_most_of_a_size() -> None:
    images = np.zeros((2, 8, 4, 3), np.uint8)
    images[1] = (30, 60, 90)
    assert grays(images).shape == (2, 8, 4)
    assert grays(images)[1].max() == pytest.approx(60)
    assert grays(images, 4).shape == (2, 4, 2)


def test_detail_is_sharp_whatever_its_contrast() -> None:
    board = (np.indices((16, 16)).sum(0) % 2 * 255).astype(np.float32)
    # inside a checkerboard the Laplacian is -8 times the difference from the mean
    assert sharpness(board) == pytest.approx(8, rel=0.05)
    assert sharpness(board / 5 + 20) == pytest.approx(sharpness(board), rel=1e-4)
    ramp = np.tile(np.arange(16, dtype=np.float32), (16, 1))
    assert sharpness(ramp) < 0.5
    assert sharpness(np.full((16, 16), 9, np.float32)) == 0


def test_edges_are_the_two_columns_at_a_step() -> None:
    step = np.zeros((10, 20), np.float32)
    step[:, 12:] = 200  # a Sobel gradient of 100 levels per pixel on both sides of the step
    assert edge_fraction(step) == pytest.approx(2 / 20)
    assert edge_fraction(step * np.float32(0.25)) == 0


def test_a_background_is_what_most_borders_show() -> None:
    images = np.full((4, 10, 10), 250, np.float32)
    images[:, 3:7, 3:7] = 20
    assert common_background(images) == 250
    noise = np.random.default_rng(0).integers(0, 256, (4, 10, 10)).astype(np.float32)
    assert common_background(noise) is None
