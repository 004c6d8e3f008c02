import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seamline.data.dataset import Dataset, Split
from seamline.data.splits import random_split, split_groups, train_val_split


def test_each_class_gives_its_tenth() -> None:
    labels = np.repeat(np.arange(10), 100)
    learned, aside = split_groups(labels, np.arange(1000), fraction=0.1, seed=3)
    assert np.bincount(labels[aside]).tolist() == [10] * 10
    assert np.bincount(labels[learned]).tolist() == [90] * 10


def test_the_seed_decides() -> None:
    labels, groups = np.arange(400) % 4, np.arange(400)
    first, again, other = (split_groups(labels, groups, fraction=0.25, seed=seed)[1] for seed in (5, 5, 6))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


@given(
    groups=st.lists(st.integers(0, 30), min_size=80, max_size=200),
    classes=st.integers(1, 4),
    seed=st.integers(0, 1000),
)
def test_no_group_is_torn_apart(groups: list[int], classes: int, seed: int) -> None:
    numbers = np.array(groups, dtype=np.int64)
    labels = numbers % classes
    try:
        learned, aside = split_groups(labels, numbers, fraction=0.3, seed=seed)
    except ValueError:
        return  # too few groups to cut
    assert np.array_equal(np.sort(np.concatenate([learned, aside])), np.arange(len(groups)))
    assert not set(numbers[learned]) & set(numbers[aside])
    largest = max(np.bincount(numbers))
    assert len(aside) <= round(0.3 * len(groups)) + classes * (1 + largest)


def test_a_rare_class_is_validated_too() -> None:
    labels = np.array([0] * 100 + [1, 1, 1])
    learned, aside = split_groups(labels, np.arange(103), fraction=0.1, seed=0)
    assert np.bincount(labels[aside]).tolist() == [10, 1]
    assert np.bincount(labels[learned]).tolist() == [90, 2]


def test_one_group_cannot_be_cut() -> None:
    with pytest.raises(ValueError, match="too few"):
        split_groups(np.zeros(9, dtype=np.int64), np.zeros(9, dtype=np.int64), fraction=0.1, seed=0)


@pytest.mark.parametrize("fraction", [0.0, 1.0, -1.0])
def test_a_share_out_of_range_is_refused(fraction: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        split_groups(np.zeros(9, dtype=np.int64), np.arange(9), fraction=fraction, seed=0)


def buildings(train: list[int], test: list[int]) -> Dataset:
    """A dataset of masks whose groups are given."""

    def split(name: str, groups: list[int]) -> Split:
        count = len(groups)
        images = np.zeros((count, 4, 4, 3), dtype=np.uint8)
        names = tuple(f"{name}/{i}" for i in range(count))
        return Split(images, np.zeros((count, 4, 4), dtype=np.uint8), names, np.array(groups, dtype=np.int64))

    return Dataset(
        "made", "Made", ("a", "b"), split("train", train), split("test", test), "a test", colours=((0, 0, 0), (0, 0, 0))
    )


def test_training_images_with_relatives_in_the_test_set_are_left_out() -> None:
    data = buildings([0, 0, 0, 1, 1, 2, 3, 3, 4, 5, 6, 7], [3, 3, 8, 9, 1])
    division = train_val_split(data, fraction=0.3, seed=0)
    used = set(division.learned.groups.tolist()) | set(division.aside.groups.tolist())
    assert used == {0, 2, 4, 5, 6, 7}
    assert not set(division.learned.groups.tolist()) & set(division.aside.groups.tolist())
    facts = division.facts
    assert facts["left_out"] == ["train/3", "train/4", "train/6", "train/7"]
    assert facts["test_related"] == ["test/0", "test/1", "test/4"]
    assert (facts["groups"], facts["test_groups"], facts["grouped_images"], facts["largest_group"]) == (8, 4, 7, 4)


def test_a_random_split_looks_at_no_groups() -> None:
    data = buildings([0] * 20 + [1] * 20 + [2], [2])
    division = train_val_split(data, fraction=0.25, seed=0, by="images")
    assert (len(division.learned), len(division.aside)) == (30, 10)
    assert division.facts["left_out"] == ["train/40"]  # so that both ways learn nothing of the test images
    assert set(division.aside.groups.tolist()) == {0, 1}


def test_a_share_of_less_than_an_image_is_reckoned_as_one() -> None:
    facts = train_val_split(buildings([0, 1, 2, 2], [9]), fraction=0.1, seed=0, by="images").facts
    assert facts["random"]["val_related"] == 0.5


@given(sizes=st.lists(st.integers(1, 5), min_size=2, max_size=30), share=st.floats(0.05, 0.9), seed=st.integers(0, 99))
def test_what_a_random_split_would_do_agrees_with_trying_it(sizes: list[int], share: float, seed: int) -> None:
    groups = np.repeat(np.arange(len(sizes)), sizes)
    aside = max(1, int(share * len(groups)))
    chance = np.random.default_rng(seed)
    torn, related = [], []
    for _ in range(400):
        drawn = np.isin(np.arange(len(groups)), chance.permutation(len(groups))[:aside])
        both = np.intersect1d(groups[drawn], groups[~drawn])
        torn.append(len(both))
        related.append(np.isin(groups[drawn], both).mean())
    expected = random_split(np.array(sizes), aside)
    assert abs(np.mean(torn) - expected[0]) < 5 * np.std(torn) / 20 + 0.05
    assert abs(np.mean(related) - expected[1]) < 5 * np.std(related) / 20 + 0.02
