import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, confusion_matrix, log_loss, precision_recall_fscore_support

from seamline.measure.evaluation import Evaluation
from seamline.measure.metrics import METRICS, definitions, summarise

CLASSES = ("shirt", "coat", "bag", "boot")


def evaluation(count: int = 400, seed: int = 0) -> Evaluation:
    chance = np.random.default_rng(seed)
    labels = chance.integers(0, 4, count)
    scores = chance.normal(size=(count, 4)).astype(np.float32)
    scores[np.arange(count), labels] += 1
    return Evaluation(CLASSES, scores, labels)


def test_every_figure_agrees_with_scikit_learn() -> None:
    asked = evaluation()
    figures = summarise(asked)
    exponents = np.exp(asked.scores.astype(np.float64))
    probabilities = exponents / exponents.sum(1, keepdims=True)
    assert np.array_equal(asked.confusion, confusion_matrix(asked.labels, asked.predicted))
    assert figures["accuracy"]["value"] == pytest.approx(accuracy_score(asked.labels, asked.predicted))
    assert figures["loss"]["value"] == pytest.approx(log_loss(asked.labels, probabilities))
    precision, recall, f1, support = precision_recall_fscore_support(asked.labels, asked.predicted)
    for i, name in enumerate(CLASSES):
        row = figures["per_class"][name]
        assert row["images"] == support[i]
        assert row["precision"]["value"] == pytest.approx(precision[i])
        assert row["recall"]["value"] == row["accuracy"]["value"] == pytest.approx(recall[i])
        assert row["f1"]["value"] == pytest.approx(f1[i])
        for metric in METRICS:
            assert row[metric]["low"] < row[metric]["value"] < row[metric]["high"]


def test_f1_intervals_agree_with_resampling_images() -> None:
    asked = evaluation(300)
    chance = np.random.default_rng(1)
    samples = []
    for _ in range(1000):
        drawn = chance.integers(0, 300, 300)
        samples.append(precision_recall_fscore_support(asked.labels[drawn], asked.predicted[drawn])[2])
    low, high = np.quantile(samples, [0.025, 0.975], axis=0)
    for i, interval in enumerate(METRICS["f1"].intervals(asked.confusion)):
        assert interval.low == pytest.approx(low[i], abs=0.025)
        assert interval.high == pytest.approx(high[i], abs=0.025)


def test_a_class_without_an_error_may_still_have_one_in_the_next_images() -> None:
    interval = METRICS["f1"].intervals(np.diag([30, 30]))[0]
    assert interval.value == interval.high == 1
    assert 0.9 < interval.low < 0.97


def test_an_absent_class_is_null_never_zero_or_one() -> None:
    figures = summarise(Evaluation(("a", "b", "c"), np.eye(3, dtype=np.float32)[[0, 0, 1]], np.array([0, 1, 1])))
    assert figures["per_class"]["c"]["images"] == 0
    for metric in METRICS:
        assert figures["per_class"]["c"][metric] == {"value": None, "low": None, "high": None}
    never_seen = METRICS["accuracy"].intervals(np.array([[5, 0], [0, 0]]))[1]
    assert math.isnan(never_seen.value)


@settings(max_examples=30)
@given(st.lists(st.integers(0, 50), min_size=9, max_size=9))
def test_shares_stay_between_their_intervals(cells: list[int]) -> None:
    confusion = np.array(cells).reshape(3, 3)
    for metric in METRICS.values():
        for interval in metric.intervals(confusion):
            if not math.isnan(interval.value):
                assert 0 <= interval.value <= 1
                assert 0 <= interval.low <= interval.value + 1e-12
                assert interval.value - 1e-12 <= interval.high <= 1


def test_every_figure_is_defined() -> None:
    assert all(f"{name} of a class" in definitions() for name in METRICS)
