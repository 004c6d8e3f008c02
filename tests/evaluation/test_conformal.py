import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation.factories import CLASSES, Mixed, label_evaluation, logits_of, mask_evaluation, mask_split
from seamline.data.dataset import IGNORE_INDEX, DatasetPart
from seamline.evaluation.calibration import calibrate
from seamline.evaluation.conformal import (
    Fractions,
    calibrate_fractions,
    conformal_quantile,
    fit_intervals,
    measure_coverage,
    measure_fractions,
)
from seamline.evaluation.evaluate import evaluate_split
from seamline.inference.fractions import FLOOR, fraction_intervals

GROUPS = st.lists(st.lists(st.integers(0, 20), min_size=1, max_size=5), min_size=2, max_size=12)


def flat(groups: list[list[int]]) -> tuple[list[int], list[int]]:
    """Scores and the number of the group of each."""
    return [score for group in groups for score in group], [i for i, group in enumerate(groups) for _ in group]


@pytest.mark.parametrize(
    ("count", "alpha", "expected"),
    [(9, 0.1, 9), (8, 0.1, math.inf), (19, 0.1, 18), (19, 0.05, 19), (18, 0.05, math.inf), (99, 0.1, 90), (3, 0.5, 2)],
)
def test_single_images_give_the_order_statistic_of_split_conformal(count: int, alpha: float, expected: float) -> None:
    scores = np.random.default_rng(count).permutation(np.arange(1, count + 1))
    assert conformal_quantile(scores, np.arange(count), alpha) == expected  # the ceil((n + 1) (1 - alpha))-th


def test_each_group_counts_once() -> None:
    """Four images of group 7 weigh 1/16 each, the image of group 2 1/4: 1 (1/8), 2 (3/8), 3 (1/2), 5 (9/16), …"""
    scores, groups = np.array([1, 3, 2, 5, 6, 7, 8]), np.array([4, 4, 2, 7, 7, 7, 7])
    for alpha, expected in ((0.9, 1), (0.6, 3), (0.5, 3), (0.49, 5), (0.3, 8), (0.25, 8), (0.24, math.inf)):
        assert conformal_quantile(scores, groups, alpha) == expected


@given(GROUPS, st.sampled_from([0.05, 0.1, 0.3, 0.5, 0.9]))
def test_the_limit_holds_for_a_group_that_was_left_out(groups: list[list[int]], alpha: float) -> None:
    """Exchangeable groups: whichever is the new one, on average 1 - alpha of it stays within the limit of the others.

    The mean over all choices of the new group is what exchangeability makes the probability.
    """
    covered = []
    for left_out, group in enumerate(groups):
        scores, members = flat(groups[:left_out] + groups[left_out + 1 :])
        limit = conformal_quantile(np.array(scores), np.array(members), alpha)
        covered.append(np.mean([score <= limit for score in group]))
    assert np.mean(covered) >= 1 - alpha - 1e-9


@given(GROUPS, st.randoms(use_true_random=False))
def test_the_order_of_images_and_the_numbers_of_groups_do_not_matter(groups: list[list[int]], random: object) -> None:
    scores, members = map(np.array, flat(groups))
    order = np.random.default_rng(len(scores)).permutation(len(scores))
    expected = conformal_quantile(scores, members, 0.3)
    assert conformal_quantile(scores[order], 100 - 7 * members[order], 0.3) == expected


def test_fractions_and_expected_errors_are_those_of_each_image() -> None:
    evaluation = mask_evaluation(mask_split(5, 3), sharp=0.5)
    fractions = measure_fractions(evaluation.sample, evaluation.counts.matrices, 1.7)
    for image in range(5):
        labels = evaluation.split.labels[image]
        valid = labels != IGNORE_INDEX
        predicted = evaluation.predicted[image][valid]
        logits = evaluation.sample.logits[image].reshape(4, *labels.shape)[:, valid].astype(np.float64) / 1.7
        probabilities = np.exp(logits) / np.exp(logits).sum(0)
        for k in range(4):
            assert fractions.predicted[image, k] == pytest.approx((predicted == k).mean())
            assert fractions.truth[image, k] == pytest.approx((labels[valid] == k).mean())
            wrong = np.where(predicted == k, 1 - probabilities[k], probabilities[k])
            assert fractions.expected[image, k] == pytest.approx(wrong.mean(), rel=1e-5)


def test_an_interval_has_the_coverage_that_is_counted() -> None:
    """Counted again with the intervals that a prediction would have."""
    val, test = mask_evaluation(mask_split(60, 1, groups=60)), mask_evaluation(mask_split(40, 2, groups=9))
    calibration = calibrate_fractions(val, test, 1.3)
    intervals = calibration.intervals
    assert (intervals.level, intervals.images, intervals.groups) == (0.9, 60, 60)
    fractions = measure_fractions(test.sample, test.counts.matrices, 1.3)
    for k, name in enumerate(CLASSES):
        ends = [
            fraction_intervals(dict(zip(CLASSES, row, strict=True)), expected, intervals)[name]
            for row, expected in zip(fractions.predicted.tolist(), fractions.expected, strict=True)
        ]
        inside = [low <= truth <= high for (low, high), truth in zip(ends, fractions.truth[:, k], strict=True)]
        assert calibration.coverage[name].value == pytest.approx(np.mean(inside))
        assert calibration.coverage[name].low < calibration.coverage[name].value <= calibration.coverage[name].high
        assert calibration.width[name] == pytest.approx(np.mean([high - low for low, high in ends]))
        assert np.mean(inside) > 0.7  # of 40 images in nine groups


def test_quantiles_are_those_of_the_scores() -> None:
    rng = np.random.default_rng(0)
    predicted, truth, expected = rng.random((3, 25, 2))
    fit = fit_intervals(Fractions(predicted, truth, expected), np.arange(25), ("a", "b"))
    scores = np.abs(predicted - truth) / (expected + FLOOR)
    assert fit.quantiles == {name: np.sort(scores[:, k])[23] for k, name in enumerate("ab")}  # ceil(26 x 0.9) = 24
    few = fit_intervals(Fractions(predicted[:8], truth[:8], expected[:8]), np.arange(8), ("a", "b"))
    assert few.quantiles == {}
    predicted[3] = np.nan  # an image without a label
    assert fit_intervals(Fractions(predicted, truth, expected), np.arange(25), ("a", "b")).images == 24


def test_images_that_do_not_tell_a_class_do_not_count_for_it() -> None:
    """A dataset in which a post is a wall, and one that tells all classes apart."""
    split = dataclasses.replace(mask_split(30, groups=30), parts=np.arange(30) // 12)
    parts = [DatasetPart("a", "A", (0, 1, 0, 3)), *(DatasetPart(name, name, (0, 1, 2, 3)) for name in "bc")]
    split.labels[:12][split.labels[:12] == 2] = 0
    evaluation = evaluate_split(Mixed(0.7), split, CLASSES, "segmentation", parts=parts)
    fractions = measure_fractions(evaluation.sample, evaluation.counts.matrices, 1.6)
    assert np.isnan(fractions.scores).sum(0).tolist() == [0, 0, 12, 0]
    logits = logits_of(split.images[3], 0.7).astype(np.float64) / 1.6
    probabilities = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    wall = probabilities[..., 0] + probabilities[..., 2]
    wrong = np.where(evaluation.predicted[3] == 0, 1 - wall, wall)[split.labels[3] != IGNORE_INDEX]
    assert fractions.expected[3, 0] == pytest.approx(wrong.mean(), rel=1e-4)
    fit = fit_intervals(fractions, split.groups, CLASSES)
    assert (fit.images, fit.groups) == (30, 30)
    assert fit.quantiles["post"] == np.sort(fractions.scores[12:, 2])[17]  # ceil(19 x 0.9) = 18


def test_without_enough_groups_there_is_no_interval() -> None:
    val = mask_evaluation(mask_split(12, groups=5))
    calibration = calibrate(val, val)
    assert calibration.fractions is not None
    assert (calibration.fractions.intervals.quantiles, calibration.fractions.coverage) == ({}, {})
    assert measure_coverage(calibration.fractions.intervals, val, 1.0).width == {}
    logits = np.random.default_rng(0).normal(size=(30, 2)).astype(np.float32)
    labels = label_evaluation(("a", "b"), logits, np.arange(30) % 2)
    assert calibrate(labels, labels).fractions is None
