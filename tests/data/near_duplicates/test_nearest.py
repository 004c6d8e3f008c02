"""The distance of test images to training images."""

import numpy as np
import pytest

from seamline.data.near_duplicates.nearest import nearest_images


def gray(*levels: int) -> np.ndarray:
    return np.stack([np.full((40, 40, 1), level, np.uint8) for level in levels])


def test_distances_are_in_gray_levels() -> None:
    nearest = nearest_images(gray(10, 100), gray(14, 94, 190))
    assert nearest.test_to_train == pytest.approx(6)  # of 4, 6 and 90
    # of the ten pairs of 10, 14, 94, 100 and 190, the middle ones differ by 86 and 90; all pairs are about as frequent
    assert 84 <= nearest.random_pairs <= 90


def test_identical_images_have_no_distance() -> None:
    nearest = nearest_images(gray(7), gray(7))
    assert (nearest.test_to_train, nearest.random_pairs) == (0, 0)
