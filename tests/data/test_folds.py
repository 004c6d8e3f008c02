"""Folds of groups: each image is tested once, and no group is on both sides."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers import refusal
from seamline.data.dataset import Dataset
from seamline.data.folds import Fold, assign_folds, hold_out_fold
from seamline.data.splits import train_val_split


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 3)), min_size=1, max_size=200), st.integers(2, 6))
def test_no_group_is_in_two_folds(images: list[tuple[int, int]], folds: int) -> None:
    groups, strata = (np.array(column, np.int64) for column in zip(*images, strict=True))
    if len(np.unique(groups)) < folds:
        with pytest.raises(ValueError, match="too few for"):
            assign_folds(strata, groups, folds)
        return
    assigned = assign_folds(strata, groups, folds)
    assert set(assigned) <= set(range(folds))
    assert all(len(set(assigned[groups == group])) == 1 for group in groups)


def test_folds_of_single_images_have_as_many_of_each_class() -> None:
    classes = np.repeat([0, 1, 2], [50, 30, 20])
    assigned = assign_folds(classes, np.arange(100), 10)
    counts = np.array([[((assigned == fold) & (classes == k)).sum() for k in range(3)] for fold in range(10)])
    np.testing.assert_array_equal(counts, np.tile([5, 3, 2], (10, 1)))


def test_each_image_is_tested_once(sides: Dataset) -> None:
    folds = [hold_out_fold(sides, Fold(number, 3)) for number in (1, 2, 3)]
    tested = [name for data in folds for name in data.test.names]
    assert sorted(tested) == sorted([*sides.train.names, *sides.test.names])
    for data in folds:
        assert not set(data.test.names) & set(data.train.names)
        assert len(data.train) + len(data.test) == 390
        splits = train_val_split(data, fraction=0.1, seed=0)
        assert not splits.metadata.excluded_train


def test_mistakes_in_folds(sides: Dataset) -> None:
    assert str(Fold.parse(" 2/5 ")) == "2/5"
    assert "write it as NUMBER/FOLDS" in refusal(lambda: Fold.parse("2"))
    assert "must be 1 to 5" in refusal(lambda: Fold.parse("6/5"))
    assert "must be 2 to 100" in refusal(lambda: Fold.parse("1/1"))
    few = sides.train.select(np.arange(3))
    data = Dataset("few", "Few", sides.classes, few, few.select(np.arange(0)), "a test", task="classification")
    assert "3 groups of related images are too few for 4 folds" in refusal(lambda: hold_out_fold(data, Fold(1, 4)))
