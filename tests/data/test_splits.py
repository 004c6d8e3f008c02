import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seamline.data.dataset import Dataset, Split
from seamline.data.splits import (
    can_split,
    ensure_test_split,
    expected_random_leakage,
    stratified_group_split,
    train_val_split,
)


def test_each_class_is_split_by_the_fraction() -> None:
    labels = np.repeat(np.arange(10), 100)
    train, val = stratified_group_split(labels, np.arange(1000), fraction=0.1, seed=3)
    assert np.bincount(labels[val]).tolist() == [10] * 10
    assert np.bincount(labels[train]).tolist() == [90] * 10


def test_the_seed_determines_the_split() -> None:
    labels, groups = np.arange(400) % 4, np.arange(400)
    first, again, other = (stratified_group_split(labels, groups, fraction=0.25, seed=seed)[1] for seed in (5, 5, 6))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


@given(
    groups=st.lists(st.integers(0, 30), min_size=80, max_size=200),
    classes=st.integers(1, 4),
    seed=st.integers(0, 1000),
)
def test_no_group_is_split(groups: list[int], classes: int, seed: int) -> None:
    numbers = np.array(groups, dtype=np.int64)
    labels = numbers % classes
    try:
        train, val = stratified_group_split(labels, numbers, fraction=0.3, seed=seed)
    except ValueError:
        return  # too few groups to split
    assert np.array_equal(np.sort(np.concatenate([train, val])), np.arange(len(groups)))
    assert not set(numbers[train]) & set(numbers[val])
    largest = max(np.bincount(numbers))
    assert len(val) <= round(0.3 * len(groups)) + classes * (1 + largest)


def test_a_rare_class_gets_a_validation_image() -> None:
    labels = np.array([0] * 100 + [1, 1, 1])
    train, val = stratified_group_split(labels, np.arange(103), fraction=0.1, seed=0)
    assert np.bincount(labels[val]).tolist() == [10, 1]
    assert np.bincount(labels[train]).tolist() == [90, 2]


def test_one_group_cannot_be_split() -> None:
    with pytest.raises(ValueError, match="too few"):
        stratified_group_split(np.zeros(9, dtype=np.int64), np.zeros(9, dtype=np.int64), fraction=0.1, seed=0)


@pytest.mark.parametrize("fraction", [0.0, 1.0, -1.0])
def test_a_fraction_out_of_range_is_refused(fraction: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        stratified_group_split(np.zeros(9, dtype=np.int64), np.arange(9), fraction=fraction, seed=0)


def buildings(train: list[int], test: list[int]) -> Dataset:
    """A dataset of masks whose groups are given."""

    def split(name: str, groups: list[int]) -> Split:
        count = len(groups)
        images = np.zeros((count, 4, 4, 3), dtype=np.uint8)
        names = tuple(f"{name}/{i}" for i in range(count))
        return Split(images, np.zeros((count, 4, 4), dtype=np.uint8), names, np.array(groups, dtype=np.int64))

    return Dataset(
        "made",
        "Made",
        ("a", "b"),
        split("train", train),
        split("test", test),
        "a test",
        palette=((0, 0, 0), (0, 0, 0)),
        task="segmentation",
    )


def test_training_images_related_to_test_images_are_excluded() -> None:
    data = buildings([0, 0, 0, 1, 1, 2, 3, 3, 4, 5, 6, 7], [3, 3, 8, 9, 1])
    splits = train_val_split(data, fraction=0.3, seed=0)
    used = set(splits.train.groups.tolist()) | set(splits.val.groups.tolist())
    assert used == {0, 2, 4, 5, 6, 7}
    assert not set(splits.train.groups.tolist()) & set(splits.val.groups.tolist())
    info = splits.metadata
    assert info.excluded_train == ("train/3", "train/4", "train/6", "train/7")
    assert info.test_with_train_duplicates == ("test/0", "test/1", "test/4")
    assert (info.groups, info.test_groups, info.duplicate_images, info.largest_group) == (8, 4, 7, 4)


def test_validation_images_alone_are_held_out() -> None:
    whole = buildings([0, 0, 1, 2, 2, 3], [2, 7, 8])
    data = dataclasses.replace(whole, val=whole.test, test=whole.test.select(np.arange(0)))
    assert ensure_test_split(data) is data  # nothing is taken from the training images
    assert can_split(data)
    splits = train_val_split(data, fraction=0.3, seed=0)
    assert splits.val.names == whole.test.names
    assert splits.train.groups.tolist() == [0, 0, 1, 3]
    info = splits.metadata
    assert info.predefined
    assert info.excluded_train == ("train/3", "train/4")
    assert (info.test_groups, info.test_with_train_duplicates) == (0, ())
    related = dataclasses.replace(data, train=whole.train.select(np.array([3, 4])))
    assert not can_split(related)


def test_the_strategy_images_ignores_groups() -> None:
    data = buildings([0] * 20 + [1] * 20 + [2], [2])
    splits = train_val_split(data, fraction=0.25, seed=0, strategy="images")
    assert (len(splits.train), len(splits.val)) == (30, 10)
    assert splits.metadata.excluded_train == ("train/40",)  # so that the test images are new to both strategies
    assert set(splits.val.groups.tolist()) == {0, 1}


def test_a_fraction_below_one_image_counts_as_one() -> None:
    splits = train_val_split(buildings([0, 1, 2, 2], [9]), fraction=0.1, seed=0, strategy="images")
    assert splits.metadata.random.expected_val_leakage == 0.5


@given(
    sizes=st.lists(st.integers(1, 5), min_size=2, max_size=30), fraction=st.floats(0.05, 0.9), seed=st.integers(0, 99)
)
def test_the_expected_leakage_agrees_with_simulation(sizes: list[int], fraction: float, seed: int) -> None:
    groups = np.repeat(np.arange(len(sizes)), sizes)
    count = max(1, int(fraction * len(groups)))
    rng = np.random.default_rng(seed)
    split, leaked = [], []
    for _ in range(400):
        drawn = np.isin(np.arange(len(groups)), rng.permutation(len(groups))[:count])
        both = np.intersect1d(groups[drawn], groups[~drawn])
        split.append(len(both))
        leaked.append(np.isin(groups[drawn], both).mean())
    expected = expected_random_leakage(np.array(sizes), count)
    assert abs(np.mean(split) - expected.expected_split_groups) < 5 * np.std(split) / 20 + 0.05
    assert abs(np.mean(leaked) - expected.expected_val_leakage) < 5 * np.std(leaked) / 20 + 0.02
