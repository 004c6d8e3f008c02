import os
from typing import NamedTuple

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from seamline.synthetic import facades
from seamline.synthetic.facades.canvas import BALCONY, PILLAR, WALL, WINDOW

CLASSES, TRAIN, TEST, SEED = 5, 30, 6, 3

Pixels = NDArray[np.uint8]


class Split(NamedTuple):
    """What `draw` returns."""

    images: Pixels
    labels: Pixels
    groups: NDArray[np.int64]


@pytest.fixture(scope="module")
def train() -> Split:
    return Split(*facades.generate(TRAIN, SEED))


@pytest.fixture(scope="module")
def test() -> Split:
    return Split(*facades.generate(TEST, SEED, "test"))


@pytest.fixture(scope="module")
def photo() -> tuple[Pixels, Pixels]:
    return facades.library_photo()


def brightness(image: Pixels) -> NDArray[np.float64]:
    return np.asarray(image.mean(axis=-1), dtype=np.float64)


def pieces(labels: Pixels, label: int) -> NDArray[np.int32]:
    """Return (n, 2) width and height of each connected piece of a class, crumbs left out."""
    _, _, stats, _ = cv2.connectedComponentsWithStats((labels == label).astype(np.uint8))
    whole = stats[1:][stats[1:, cv2.CC_STAT_AREA] > 100]
    return np.asarray(whole[:, [cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT]], dtype=np.int32)


def shared_points(one: Pixels, other: Pixels) -> int:
    """Return how many points of two images one change of view brings together."""
    finder, matcher = cv2.ORB_create(1000, fastThreshold=5), cv2.BFMatcher(cv2.NORM_HAMMING, crossCheck=True)  # type: ignore[attr-defined]
    features = [finder.detectAndCompute(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), None) for image in (one, other)]
    (first, described), (second, again) = features
    pairs = matcher.match(described, again)
    here = np.array([first[pair.queryIdx].pt for pair in pairs], dtype=np.float32)
    there = np.array([second[pair.trainIdx].pt for pair in pairs], dtype=np.float32)
    cv2.setRNGSeed(0)
    _, inside = cv2.findHomography(here, there, cv2.RANSAC, 2.0)
    return int(inside.sum())


def test_shapes_and_types(train: Split, test: Split) -> None:
    for split, count in ((train, TRAIN), (test, TEST)):
        assert split.images.shape == (count, 256, 256, 3)
        assert split.images.dtype == np.uint8
        assert split.labels.shape == (count, 256, 256)
        assert split.labels.dtype == np.uint8
        assert split.groups.dtype == np.int64


def test_buildings_are_numbered_in_order_and_have_two_to_four_crops(train: Split, test: Split) -> None:
    for split in (train, test):
        assert split.groups[0] == 0
        assert set(np.diff(split.groups)) == {0, 1}
        counts = np.bincount(split.groups)[:-1]  # the last building may lack some of its crops
        assert counts.min() >= 2
        assert counts.max() <= 4


def test_images_depend_on_the_seed_and_not_on_threads(train: Split, monkeypatch: pytest.MonkeyPatch) -> None:
    before = cv2.getNumThreads()
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    cv2.setNumThreads(1 if before > 1 else 2)
    try:
        images, labels, groups = facades.generate(7, SEED)
    finally:
        cv2.setNumThreads(before)
    np.testing.assert_array_equal(images, train.images[:7])
    np.testing.assert_array_equal(labels, train.labels[:7])
    np.testing.assert_array_equal(groups, train.groups[:7])


@pytest.mark.parametrize("count", [0, 1, 4])
def test_fewer_images_are_the_first_of_more(train: Split, count: int) -> None:
    images, labels, groups = facades.generate(count, SEED)
    np.testing.assert_array_equal(images, train.images[:count])
    np.testing.assert_array_equal(labels, train.labels[:count])
    np.testing.assert_array_equal(groups, train.groups[:count])


def test_no_image_repeats_in_train_test_or_another_seed(train: Split, test: Split) -> None:
    other = facades.generate(3, SEED + 1)[0]
    images = np.concatenate([train.images, test.images, other])
    assert len({image.tobytes() for image in images}) == TRAIN + TEST + 3


def test_class_frequencies_match_the_real_set(train: Split, test: Split) -> None:
    labels = np.concatenate([train.labels, test.labels])
    assert labels.max() == CLASSES - 1
    fractions = np.bincount(labels.ravel(), minlength=CLASSES) / labels.size
    # Wide bands: a dozen buildings are few. The real set has 35.5, 40.6, 2.4, 16.5 and 5.1 %.
    for fraction, (low, high) in zip(fractions, ((25, 48), (30, 52), (0.7, 5), (11, 22), (2, 10)), strict=True):
        assert low < fraction * 100 < high, fractions
    assert fractions[[PILLAR, BALCONY]].max() < fractions[WINDOW]


def test_every_image_shows_a_facade_with_sensible_exposure(train: Split) -> None:
    for image, labels in zip(train.images, train.labels, strict=True):
        assert (labels == WALL).mean() > 0.05
        assert (labels == WINDOW).mean() > 0.01
        assert 50 < image.mean() < 220
        assert image.std() > 15


def test_windows_differ_from_the_wall_around_them(train: Split) -> None:
    # Labels a little beside their image would mix the two: windows are darker, so their rims show where they are.
    closer, shades = 0, []
    for image, labels in zip(train.images, train.labels, strict=True):
        light, window = brightness(image), (labels == WINDOW).astype(np.uint8)
        rim = cv2.dilate(window, np.ones((9, 9), np.uint8)).astype(bool) & (labels == WALL)
        contrast = [
            light[rim].mean() - light[np.roll(window, shift, axis=1).astype(bool)].mean() for shift in (0, 6, -6)
        ]
        shades.append(contrast[0])
        closer += contrast[0] == max(contrast)
    assert np.median(shades) > 25
    assert closer > 0.85 * TRAIN


def test_crops_of_one_building_match_and_others_do_not(train: Split) -> None:
    images, groups = train.images, train.groups
    own = [shared_points(images[i], images[i + 1]) for i in range(12) if groups[i] == groups[i + 1]]
    others = [shared_points(images[i], images[i + 8]) for i in range(12)]
    assert np.median(own) > 3 * np.median(others)
    assert np.mean(np.array(own) > max(others)) > 0.7


def test_library_photo_has_narrow_windows_and_tall_columns(photo: tuple[Pixels, Pixels]) -> None:
    image, labels = photo
    assert image.shape == (900, 1200, 3)
    assert labels.shape == (900, 1200)
    assert image.dtype == labels.dtype == np.uint8
    assert labels.max() < CLASSES
    windows, pillars = pieces(labels, WINDOW), pieces(labels, PILLAR)
    assert len(windows) >= 25
    assert np.median(windows[:, 1] / windows[:, 0]) > 3
    assert (pillars[:, 1] > 300).sum() >= 10
    assert brightness(image)[labels == WINDOW].mean() < 0.7 * brightness(image)[labels == PILLAR].mean()


def test_library_photo_is_deterministic(photo: tuple[Pixels, Pixels]) -> None:
    for one, other in zip(photo, facades.library_photo(), strict=True):
        np.testing.assert_array_equal(one, other)
