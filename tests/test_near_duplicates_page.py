"""Intervals of the page on near-duplicates where nothing is wrong in the sample."""

import numpy as np
import pytest

import near_duplicate_accuracy
import near_duplicates
from seamline.evaluation.confidence import wilson


def test_resamples_without_an_error_are_as_uncertain_as_their_number_of_scenes() -> None:
    weights = np.ones((4, 98), np.int64)
    pairs = near_duplicates.pair_fraction(np.full(98, 6), np.full(98, 6), weights)
    assert pairs["interval"] == pytest.approx([98 / (98 + 1.96**2), 1.0], abs=1e-4)  # Wilson's end where all succeed
    alone = near_duplicates.pair_fraction(np.array([6, 0]), np.array([6, 0]), np.ones((4, 2), np.int64))
    assert (alone["scenes"], alone["faultless_scenes"]) == (1, 1)  # a scene of one image has no pair
    some = near_duplicates.pair_fraction(np.array([6, 5]), np.array([6, 6]), np.array([[2, 0], [0, 2], [1, 1]]))
    assert 10 / 12 <= some["interval"][0] < some["value"] == 11 / 12 < some["interval"][1] <= 1  # of resamples alone
    row = {"images": 2, "groups": 1, "related": 1, "seconds": 1.0, "peak_gib": 1.0, "precision": pairs, "recall": pairs}
    assert "| 100.0 % (96.2–100.0) | 100.0 % (96.2–100.0) |" in near_duplicates.table({"crops": row})


def test_near_duplicates_that_are_all_correct_may_yet_add_errors() -> None:
    related = np.arange(1_000) < 10
    correct = np.arange(1_000) < 910  # all 10 related ones, and 900 of the other 990
    difference = near_duplicate_accuracy.difference(correct, related)
    assert difference.value == pytest.approx(0.91 - 900 / 990)
    assert difference.low < 0.01 * (wilson(10, 10).low - 900 / 990) < 0 < difference.high
