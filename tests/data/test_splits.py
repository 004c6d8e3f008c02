import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seamline.data.splits import split_groups


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
