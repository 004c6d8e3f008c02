"""Images of datasets that do not tell all classes apart, evaluated in the classes that they do."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax
from sklearn.metrics import average_precision_score

from evaluation.factories import CLASSES, Mixed, logits_of, mask_split
from seamline.data.dataset import IGNORE_INDEX, DatasetPart, Split
from seamline.evaluation.calibration import calibrate, fit_temperature
from seamline.evaluation.evaluate import Evaluation, SampleLimits, evaluate_split, quick_eval
from seamline.evaluation.merging import Merging
from seamline.evaluation.write import part_metrics
from seamline.run_folder import Metrics, to_json

PARTS = (
    DatasetPart("all", "Tells all apart", (0, 1, 2, 3)),
    DatasetPart("few", "Posts and doors are wall", (0, 1, 0, 0)),
    DatasetPart("doors", "Posts are doors", (0, 1, 3, 3)),
)
MERGED = np.array([part.merged for part in PARTS])
IMAGES = (np.arange(15) * 7) % 3
"""The dataset of each image, in no order."""


def mixed_split(seed: int = 0) -> Split:
    """Masks of three datasets, each labeled in its own classes; a group has images of several."""
    split = mask_split(15, seed, groups=6)
    images = split.images + np.random.default_rng(seed).integers(
        0, 16, split.images.shape, np.uint8
    )  # few equal scores
    labels = split.labels.copy()
    for label, number in zip(labels, IMAGES, strict=True):
        counted = label != IGNORE_INDEX
        label[counted] = MERGED[number][label[counted]]
    return Split(images, labels, split.names, split.groups, IMAGES)


def evaluated(split: Split, limits: SampleLimits | None = None, sharp: float = 1.0) -> Evaluation:
    return evaluate_split(Mixed(sharp), split, CLASSES, "segmentation", parts=PARTS, limits=limits)


def by_hand(split: Split, temperature: float = 1.0, sharp: float = 1.0) -> NDArray[np.float64]:
    """(N, H, W, K) log-probabilities, summed over what each image's dataset does not tell apart."""
    probabilities = softmax(logits_of(split.images, sharp).astype(np.float64) / temperature, axis=-1)
    summed = np.zeros_like(probabilities)
    for image, number in enumerate(IMAGES):
        for name, target in enumerate(MERGED[number]):
            summed[image, ..., target] += probabilities[image, ..., name]
    with np.errstate(divide="ignore"):
        scores: NDArray[np.float64] = np.log(summed)
    return scores


def test_predictions_losses_and_counts_are_of_the_summed_probabilities() -> None:
    split = mixed_split()
    evaluation, expected = evaluated(split), by_hand(split)
    assert np.array_equal(evaluation.predicted, expected.argmax(-1))
    alone = logits_of(split.images).argmax(-1)
    assert (
        evaluation.predicted != np.take_along_axis(MERGED[IMAGES], alone.reshape(15, -1), 1).reshape(alone.shape)
    ).any()
    labels, valid = np.where(split.labels == IGNORE_INDEX, 0, split.labels), split.labels != IGNORE_INDEX
    losses = -np.take_along_axis(expected, labels[..., None].astype(int), -1)[..., 0]
    assert np.allclose(evaluation.counts.losses, np.where(valid, losses, 0).sum((1, 2)), rtol=1e-5)
    quick = quick_eval(Mixed(), split, "segmentation", PARTS)
    assert quick.loss == pytest.approx(losses[valid].mean(), rel=1e-5)
    assert quick.accuracy == (evaluation.predicted == split.labels)[valid].mean()
    matrix = np.zeros((4, 4), np.int64)
    np.add.at(matrix, (split.labels[valid], evaluation.predicted[valid]), 1)
    assert np.array_equal(evaluation.counts.confusion_matrix, matrix)


def average_precisions(split: Split, scores: NDArray[np.float64], images: NDArray[Any]) -> list[float]:
    valid = (split.labels != IGNORE_INDEX) & images[:, None, None]
    finite = np.maximum(scores, -1e6)  # scikit-learn takes no infinities
    labels = split.labels[valid]
    return [
        average_precision_score(labels == k, finite[..., k][valid]) if (labels == k).any() else math.nan
        for k in range(4)
    ]


@pytest.mark.parametrize("kind", ["raw", "softmax"])
def test_average_precision_is_that_of_scikit_learn(kind: str) -> None:
    split = mixed_split()
    evaluation = evaluated(split)
    logits = logits_of(split.images).astype(np.float64)
    scores = by_hand(split) + (np.log(np.exp(logits).sum(-1, keepdims=True)) if kind == "raw" else 0)
    scores = scores.astype(np.float32).astype(np.float64).round(5)  # equal scores stay equal
    values = [one.value for one in evaluation.counts.rankings[kind]]
    assert values == pytest.approx(average_precisions(split, scores, np.ones(15, np.bool_)), abs=2e-3)
    tells_posts = average_precisions(split, scores, np.equal(IMAGES, 0))
    assert values[2] == pytest.approx(tells_posts[2], abs=2e-3)  # the others have no posts
    for number, part in enumerate(PARTS):
        of = evaluation.parts[part.name].rankings[kind]
        for k, expected in enumerate(average_precisions(split, scores, np.equal(IMAGES, number))):
            if k in MERGED[number]:
                assert of[k].value == pytest.approx(expected, abs=2e-3)
            else:
                assert math.isnan(of[k].value)


def test_histograms_bound_the_exact_values_of_all_and_of_each_dataset() -> None:
    split = mixed_split()
    exact, binned = evaluated(split), evaluated(split, SampleLimits(all_up_to=0, sample=1000))
    assert binned.sample.logits.shape[2] < exact.sample.logits.shape[2]
    pairs = [(exact.counts, binned.counts), *((exact.parts[name], binned.parts[name]) for name in exact.parts)]
    assert len(pairs) == 4
    for of, bounds in pairs:
        for kind, results in of.rankings.items():
            for one, bound in zip(results, bounds.rankings[kind], strict=True):
                if math.isnan(one.value):
                    assert math.isnan(bound.value)
                else:
                    assert bound.low - 1e-9 <= one.value <= bound.high + 1e-9


def test_metrics_of_a_dataset_are_those_of_its_images_alone() -> None:
    split = mixed_split()
    evaluation = evaluated(split)
    written = part_metrics(PARTS, evaluation, evaluation)
    assert list(written) == ["all", "few", "doors"]
    for number, part in enumerate(PARTS):
        images = split.select(np.flatnonzero(number == IMAGES))
        alone = Split(images.images, images.labels, images.names, images.groups, np.zeros(5, np.int64))
        single = evaluate_split(Mixed(), alone, CLASSES, "segmentation", parts=(part,))
        assert to_json(single.metrics.summary()) == to_json(written[part.name].test)
        assert not single.parts


def test_classes_that_all_datasets_tell_apart_need_no_merging() -> None:
    split = mask_split(6)
    parts = (PARTS[0], DatasetPart("other", "Other", (0, 1, 2, 3)))
    split = Split(split.images, split.labels, split.names, split.groups, np.array([0, 1, 1, 0, 0, 1]))
    assert Merging.of(split, parts) is None
    evaluation = evaluate_split(Mixed(), split, CLASSES, "segmentation", parts=parts)
    single = evaluate_split(Mixed(), split, CLASSES, "segmentation")
    assert to_json(evaluation.metrics.summary()) == to_json(single.metrics.summary())
    assert sum(of.confusion_matrix.sum() for of in evaluation.parts.values()) == single.counts.confusion_matrix.sum()


def test_the_temperature_minimizes_the_loss_of_the_summed_probabilities() -> None:
    split = mixed_split()
    evaluation = evaluated(split, sharp=3.0)
    labels, valid = np.where(split.labels == IGNORE_INDEX, 0, split.labels), split.labels != IGNORE_INDEX

    def loss(log_temperature: float) -> float:
        scores = by_hand(split, math.exp(log_temperature), sharp=3.0)
        return -float(np.take_along_axis(scores, labels[..., None].astype(int), -1)[..., 0][valid].mean())

    best = math.exp(minimize_scalar(loss, bounds=(-2, 3), method="bounded").x)
    fitted = fit_temperature(evaluation.sample, evaluation.counts.bootstrap)
    assert fitted.value == pytest.approx(best, rel=1e-3)
    assert fitted.low < fitted.value < fitted.high
    measured = calibrate(evaluation, evaluation)
    assert measured.held_out.nll_scaled.value == pytest.approx(loss(math.log(best)), rel=1e-4)
    assert measured.held_out.nll_raw.value == pytest.approx(loss(0.0), rel=1e-4)
    confidence = np.exp(
        np.take_along_axis(by_hand(split, fitted.value, 3.0), evaluation.predicted[..., None].astype(int), -1)
    )
    gap = confidence[..., 0][valid].mean() - (evaluation.predicted == split.labels)[valid].mean()
    assert measured.held_out.confidence_gap_scaled.value == pytest.approx(gap, abs=1e-5)


def test_no_number_of_an_evaluation_is_infinite_or_missing() -> None:
    evaluation = evaluated(mixed_split())
    summary = evaluation.metrics.summary()
    content = to_json(Metrics(test=summary, val=summary, train=summary, definitions={}))
    assert b'"value":null' not in content
    calibration = to_json(calibrate(evaluation, evaluation))
    assert b'"value":null' not in calibration
    assert b"Infinity" not in content + calibration


@given(
    st.lists(st.lists(st.floats(-30, 30, width=32), min_size=4, max_size=4), min_size=1, max_size=6),
    st.integers(0, 2),
)
def test_merged_logits_are_those_of_the_summed_probabilities(rows: list[list[float]], number: int) -> None:
    logits = np.array(rows, np.float32)
    merging = Merging(MERGED, np.full(len(rows), number))
    merged = merging.merge(logits, slice(None))
    assert merged.dtype == np.float32
    assert np.array_equal(np.isneginf(merged), np.tile(~np.isin(np.arange(4), MERGED[number]), (len(rows), 1)))
    assert np.allclose(softmax(merged.astype(np.float64), 1).sum(1), 1)
    assert not np.isnan(log_softmax(merged, axis=1)[:, MERGED[number]]).any()
    members = merging.members(np.arange(len(rows)), np.full(len(rows), MERGED[number][2]))
    expected = (softmax(logits.astype(np.float64), 1) * members).sum(1)
    assert np.allclose(softmax(merged.astype(np.float64), 1)[:, MERGED[number][2]], expected, atol=1e-6)
