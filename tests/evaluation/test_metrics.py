import math
from dataclasses import replace

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import (
    accuracy_score,
    balanced_accuracy_score,
    confusion_matrix,
    log_loss,
    precision_recall_fscore_support,
)

from evaluation.factories import label_evaluation, label_metrics
from seamline.evaluation.bootstrap import GroupBootstrap
from seamline.evaluation.evaluate import Evaluation
from seamline.evaluation.metrics import METRICS, PRIMARY, SplitMetrics, metric_infos, metrics_of
from seamline.run_folder import ABSENT, Estimate, Metrics, Task
from seamline.run_folder import SplitMetrics as Summary

CLASSES = ("shirt", "coat", "bag", "boot")
PER_CLASS = ["recall", "precision", "f1"]


def evaluation(count: int = 400, seed: int = 0) -> Evaluation:
    chance = np.random.default_rng(seed)
    labels = chance.integers(0, 4, count)
    logits = chance.normal(size=(count, 4)).astype(np.float32)
    logits[np.arange(count), labels] += 1
    return label_evaluation(CLASSES, logits, labels)


def test_every_figure_agrees_with_scikit_learn() -> None:
    asked = evaluation()
    written = asked.metrics.summary()
    exponents = np.exp(asked.sample.logits[:, :, 0].astype(np.float64))
    probabilities = exponents / exponents.sum(1, keepdims=True)
    assert np.array_equal(asked.counts.confusion_matrix, confusion_matrix(asked.split.labels, asked.predicted))
    assert written.overall["accuracy"].value == pytest.approx(accuracy_score(asked.split.labels, asked.predicted))
    assert written.overall["log_loss"].value == pytest.approx(log_loss(asked.split.labels, probabilities))
    assert written.overall["balanced_accuracy"].value == pytest.approx(
        balanced_accuracy_score(asked.split.labels, asked.predicted)
    )
    precision, recall, f1, support = precision_recall_fscore_support(asked.split.labels, asked.predicted)
    for i, name in enumerate(CLASSES):
        row = written.per_class[name]
        assert written.support[name] == support[i]
        assert row["precision"].value == pytest.approx(precision[i])
        assert row["recall"].value == pytest.approx(recall[i])
        assert row["f1"].value == pytest.approx(f1[i])
        assert list(row) == PER_CLASS
        for estimate in row.values():
            assert estimate.low < estimate.value < estimate.high


def test_f1_intervals_agree_with_resampling_images() -> None:
    asked = evaluation(300)
    chance = np.random.default_rng(1)
    samples = []
    for _ in range(1000):
        drawn = chance.integers(0, 300, 300)
        samples.append(precision_recall_fscore_support(asked.split.labels[drawn], asked.predicted[drawn])[2])
    low, high = np.quantile(samples, [0.025, 0.975], axis=0)
    for i, sampled in enumerate(asked.metrics["f1"]):
        interval = sampled.estimate
        assert interval.low == pytest.approx(low[i], abs=0.025)
        assert interval.high == pytest.approx(high[i], abs=0.025)


def test_a_class_without_an_error_may_still_have_one_in_the_next_images() -> None:
    interval = label_metrics("ab", np.diag([30, 30]))["f1"][0].estimate
    assert interval.value == interval.high == 1
    assert 0.9 < interval.low < 0.97


def test_an_absent_class_is_null_never_zero_or_one() -> None:
    asked = label_evaluation("abc", np.eye(3, dtype=np.float32)[[0, 0, 1]], np.array([0, 1, 1]))
    written = asked.metrics.summary()
    assert written.support["c"] == 0
    for metric in PER_CLASS:
        assert not written.per_class["c"][metric].present
    never_seen = label_metrics("ab", np.array([[5, 0], [0, 0]]))["recall"][1].estimate
    assert math.isnan(never_seen.value)
    falsely_predicted = label_metrics("ab", np.array([[5, 2], [0, 0]]))
    assert all(falsely_predicted[metric][1].estimate is ABSENT for metric in PER_CLASS)


def test_a_class_of_one_image_leaves_balanced_accuracy_uncertain() -> None:
    """Wilson's intervals of 996/1000 and 0/1 reach 0.8943 below nothing: 0 to 0.7935."""
    measured = label_metrics("abc", np.array([[996, 4, 0], [1, 0, 0], [0, 0, 0]]))
    accuracy, balanced = (measured.overall(key).estimate for key in ("accuracy", "balanced_accuracy"))
    assert accuracy.value > 0.99
    assert balanced.value == pytest.approx(0.996 / 2)
    assert balanced.low == pytest.approx(0.498 - (0.996 - 0.989798) / 2, abs=1e-4)
    assert balanced.high == pytest.approx(0.498 + math.hypot(0.793457, 0.998444 - 0.996) / 2, abs=1e-4)
    summary = measured.summary()
    metrics = Metrics(test=summary, val=summary, train=summary, definitions=dict(metric_infos("classification")))
    assert metrics.lowest_class(summary) == ("recall", "b")


@pytest.mark.parametrize("task", ["classification", "segmentation"])
def test_the_lowest_class_is_that_of_the_metric_that_findings_rank_classes_by(task: Task) -> None:
    definitions = dict(metric_infos(task))
    keys = [key for key in reversed(definitions) if METRICS[key].per_class]
    measured = {name: dict.fromkeys(keys, Estimate(value)) for name, value in (("a", 0.4), ("b", 0.3), ("c", 0.5))}
    summary = Summary(images=3, groups=3, count=3, overall={}, per_class=measured)
    metrics = Metrics(test=summary, val=summary, train=summary, definitions=definitions)
    assert metrics.lowest_class(summary) == (PRIMARY[task][1], "b")
    assert metrics.lowest_class(msgspec.structs.replace(summary, per_class={"a": {PRIMARY[task][1]: ABSENT}})) is None


def test_the_balanced_accuracy_of_groups_is_at_least_as_wide_as_that_of_single_images() -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 60)
    logits = np.eye(2, dtype=np.float32)[np.where(rng.random(60) < 0.8, labels, 1 - labels)]
    single = label_evaluation("ab", logits, labels).metrics.overall("balanced_accuracy").estimate
    counts = label_evaluation("ab", logits, labels).counts
    grouped = replace(counts, bootstrap=GroupBootstrap(np.arange(60) // 6, one_label=True))
    wide = SplitMetrics("classification", grouped, 60).overall("balanced_accuracy").estimate
    assert wide.value == single.value
    assert wide.low <= single.low < single.high <= wide.high


@settings(max_examples=30)
@given(st.lists(st.integers(0, 50), min_size=9, max_size=9))
def test_shares_stay_between_their_intervals(cells: list[int]) -> None:
    confusion = np.array(cells).reshape(3, 3)
    measured = label_metrics("abc", confusion)
    for metric in PER_CLASS:
        for interval in (sampled.estimate for sampled in measured[metric]):
            if not math.isnan(interval.value):
                assert 0 <= interval.value <= 1
                assert 0 <= interval.low <= interval.value + 1e-12
                assert interval.value - 1e-12 <= interval.high <= 1


def test_every_figure_is_defined() -> None:
    for task in ("classification", "segmentation"):
        infos = metric_infos(task)
        assert list(infos) == list(metrics_of(task))
        assert all(info.title and info.definition for info in infos.values())
    assert {"classification", "segmentation"} == {task for metric in METRICS.values() for task in metric.tasks}
