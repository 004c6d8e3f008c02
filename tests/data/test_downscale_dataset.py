"""Datasets at a fraction of their image size."""

from dataclasses import replace

import numpy as np

from seamline.data.dataset import Dataset
from seamline.data.downscale import downscale_dataset, pixelate, reduce_resolution


def test_pixels_are_means_and_masks_keep_their_classes(streets: Dataset) -> None:
    half = downscale_dataset(streets, 2)
    assert half.train.images.shape[1:] == (16, 16, 3)
    expected = streets.train.images[0, 4:6, 10:12].astype(float).mean((0, 1)).round()
    np.testing.assert_array_equal(half.train.images[0, 2, 5], expected)
    np.testing.assert_array_equal(half.train.labels[:], np.asarray(streets.train.labels)[:, 1::2, 1::2])
    np.testing.assert_array_equal(half.groups, streets.groups)
    assert half.train.names == streets.train.names
    assert (half.name, half.title) == ("walls-half", "Walls and windows at a half of the size")
    assert downscale_dataset(streets, 1) is streets


def test_what_is_left_over_is_cut_off(sides: Dataset) -> None:
    third = downscale_dataset(replace(sides, val=sides.test), 3)
    assert third.train.images.shape == (300, 6, 6, 1)
    assert third.val is not None
    assert third.val.images.shape == (90, 6, 6, 1)
    np.testing.assert_array_equal(third.train.labels, sides.train.labels)
    empty = downscale_dataset(replace(sides, test=sides.test.select(np.arange(0))), 2)
    assert empty.test.images.shape == (0, 10, 10, 1)


def test_blocks_of_pixels_become_their_mean() -> None:
    image = np.array([[1, 3, 10, 10], [5, 7, 10, 10]], np.uint8).reshape(1, 2, 4, 1)
    assert pixelate(image, 2)[0, ..., 0].tolist() == [[4, 4, 10, 10], [4, 4, 10, 10]]
    colors = np.random.default_rng(0).integers(0, 256, (3, 6, 9, 3)).astype(np.uint8)
    assert np.array_equal(pixelate(pixelate(colors, 3), 3), pixelate(colors, 3))


def test_reduced_resolution_keeps_the_size(sides: Dataset) -> None:
    small, reduced = downscale_dataset(sides, 2), reduce_resolution(sides, 2)
    assert reduced.train.images.shape == sides.train.images.shape
    for row, column in ((0, 0), (0, 1), (1, 0), (1, 1)):
        np.testing.assert_array_equal(reduced.test.images[:, row::2, column::2], small.test.images)
    assert (reduced.name, reduced.title) == ("sides-half", f"{sides.title} at a half of the resolution")
    assert reduce_resolution(sides, 1).fingerprint == sides.fingerprint
