import numpy as np
import pytest

from seamline.data.dataset import Split
from seamline.evaluation.class_overlap import ClassOverlap, class_overlaps


def overlap_of(a: object, b: object, c: object) -> ClassOverlap:
    """Three classes of one image each, every image twice."""
    pixels = np.array([a, b, c, a, b, c], np.float32)
    return ClassOverlap(pixels, np.arange(6) % 3, np.arange(6), 3)


def test_the_overlap_is_the_smaller_mean_over_the_larger() -> None:
    overlap = overlap_of([2, 4, 0, 0], [1, 4, 3, 0], [0, 0, 0, 5])
    assert overlap.between(0, 1).value == pytest.approx((1 + 4) / (2 + 4 + 3))
    assert overlap.between(1, 0).value == pytest.approx(5 / 9)
    assert overlap.between(0, 2).value == 0
    assert overlap.between(0, 0).value == 1
    assert overlap.between(0, 1).low == pytest.approx(5 / 9)  # images of a class do not differ
    assert overlap.mean([(0, 1), (0, 2)]).value == pytest.approx(5 / 18)
    assert overlap.mean([(0, 1)], [(0, 2), (1, 2)]).value == pytest.approx(5 / 9)
    assert not overlap.mean([]).present


@pytest.mark.parametrize("size", [1, 3], ids=["images", "groups of three"])
def test_intervals_are_those_of_resampled_groups(size: int) -> None:
    rng = np.random.default_rng(1)
    groups = np.arange(600) // size
    labels = groups % 3
    shared = rng.gamma(2.0, 1.0, (groups.max() + 1, 5))[groups] * (1 + labels[:, None] * np.arange(5))
    overlap = ClassOverlap(shared.astype(np.float32), labels, groups, 3)
    estimate = overlap.mean([(0, 1)], [(0, 2)])
    values = []
    for _ in range(400):
        drawn = rng.choice(groups.max() + 1, groups.max() + 1)
        rows = (drawn[:, None] * size + np.arange(size)).ravel()
        again = ClassOverlap(overlap.pixels[rows], labels[rows], groups[rows], 3)
        values.append(again.between(0, 1).value - again.between(0, 2).value)
    low, high = np.quantile(values, [0.025, 0.975])
    assert estimate.low == pytest.approx(low, abs=0.2 * (high - low))
    assert estimate.high == pytest.approx(high, abs=0.2 * (high - low))


def test_a_class_without_images_has_no_overlap() -> None:
    overlap = ClassOverlap(np.ones((2, 3), np.float32), np.array([0, 1]), np.arange(2), 3)
    assert not overlap.between(0, 2).present


def test_a_class_of_one_group_has_no_interval() -> None:
    pixels = np.array([[2, 4], [1, 3], [2, 2], [3, 2], [5, 0], [4, 1]], np.float32)
    overlap = ClassOverlap(pixels, np.array([0, 0, 1, 1, 2, 2]), np.array([0, 1, 2, 3, 4, 4]), 3)
    assert overlap.between(0, 1).has_interval
    assert overlap.between(0, 2).present
    assert not overlap.between(0, 2).has_interval
    assert not overlap.mean([(0, 1)], [(1, 2)]).has_interval


def test_outlines_need_a_common_background() -> None:
    images = np.full((6, 12, 12, 1), 240, np.uint8)
    images[::2, 2:6, 2:10] = 30
    images[1::2, 4:8, 2:10] = 60
    labels = np.arange(6) % 2
    split = Split(images, labels, tuple("abcdef"), np.arange(6))
    overlaps = class_overlaps(split, 2)
    assert overlaps.outlines is not None
    assert overlaps.outlines.between(0, 1).value == pytest.approx(2 / 6)  # rows 4 and 5 of 2 to 7
    assert overlaps.images.between(0, 1).value == pytest.approx(2 * 180 / (4 * 210 + 2 * 180))
    noise = np.random.default_rng(0).integers(0, 256, images.shape).astype(np.uint8)
    assert class_overlaps(Split(noise, labels, split.names, split.groups), 2).outlines is None
