import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, jaccard_score, precision_recall_fscore_support

from evaluation.factories import CLASSES, ends, mask_evaluation, mask_split, without_interval
from seamline.data.dataset import IGNORE_INDEX
from seamline.evaluation.bootstrap import plain_values
from seamline.evaluation.counts import Counts
from seamline.evaluation.evaluate import NO_LOGITS
from seamline.evaluation.metrics import METRICS, SplitMetrics, metrics_of

PER_CLASS = ["pixel_fraction", "ap", "ap_softmax", "iou", "recall", "precision", "f1"]
OVERALL = ["mean_ap", "mean_ap_softmax", "mean_iou", "accuracy", "log_loss"]


def test_every_figure_agrees_with_scikit_learn() -> None:
    split = mask_split()
    asked = mask_evaluation(split)
    written = asked.metrics.summary()
    used = split.labels != IGNORE_INDEX
    truth, answer = split.labels[used], asked.predicted[used]
    precision, recall, f1, support = precision_recall_fscore_support(truth, answer)
    iou = jaccard_score(truth, answer, average=None)
    assert (written.images, written.groups, written.count) == (12, 5, len(truth))
    assert written.overall["accuracy"].value == pytest.approx(accuracy_score(truth, answer))
    assert written.overall["log_loss"].value == pytest.approx(asked.counts.losses.sum() / len(truth))
    for k, name in enumerate(CLASSES):
        row = written.per_class[name]
        assert list(row) == PER_CLASS
        assert row["pixel_fraction"].value == pytest.approx(support[k] / len(truth))
        assert row["iou"].value == pytest.approx(iou[k])
        assert row["recall"].value == pytest.approx(recall[k])
        assert row["precision"].value == pytest.approx(precision[k])
        assert row["f1"].value == pytest.approx(f1[k])
        assert row["ap"].value == asked.counts.rankings["raw"][k].value
        for figure in row.values():
            assert figure.low < figure.value < figure.high
    assert written.overall["mean_iou"].value == pytest.approx(iou.mean())
    for name in ("ap", "ap_softmax"):
        mean = np.mean([row[name].value for row in written.per_class.values()])
        assert written.overall[f"mean_{name}"].value == pytest.approx(mean)


def test_intervals_are_those_of_resampled_groups() -> None:
    split = mask_split(30, groups=10)
    asked = mask_evaluation(split)
    confusions = asked.counts.confusion.toarray().reshape(-1, 4, 4)
    weights = asked.counts.bootstrap.weights[:, asked.counts.bootstrap.members]
    by_hand = []
    for row in weights[1:]:
        confusion = (row[:, None, None] * confusions).sum(0)
        by_hand.append(confusion[2, 2] / (confusion[2].sum() + confusion[:, 2].sum() - confusion[2, 2]))
    low, high = np.quantile(by_hand, [0.025, 0.975])
    found = asked.metrics.summary().per_class["post"]["iou"]
    assert (found.low, found.high) == pytest.approx((low, high))


def test_an_absent_class_is_null_and_in_no_mean() -> None:
    asked = mask_evaluation(mask_split(absent=3))
    written = asked.metrics.summary()
    assert not any(estimate.present for estimate in written.per_class["door"].values())
    present = [written.per_class[name]["iou"].value for name in CLASSES[:3]]
    assert written.overall["mean_iou"].value == pytest.approx(np.mean(present))
    assert written.overall["mean_ap"].has_interval


def test_a_single_group_has_no_interval() -> None:
    written = mask_evaluation(mask_split(groups=1)).metrics.summary()
    assert written.groups == 1
    for estimate in (*written.overall.values(), *written.per_class["sky"].values()):
        assert without_interval(estimate)


def test_a_class_that_one_group_shows_has_no_interval() -> None:
    split = mask_split(absent=2, groups=12)
    split.labels[4, :3] = 2
    written = mask_evaluation(split).metrics.summary()
    assert written.per_class["post"]["ap"].value > 0
    assert without_interval(written.per_class["post"]["ap"])
    assert written.per_class["sky"]["ap"].has_interval


def test_nothing_counts_and_nothing_is_said() -> None:
    asked = mask_evaluation(mask_split(ignored=1.0))
    written = asked.metrics.summary()
    assert written.count == 0
    assert list(written.overall) == OVERALL
    assert not any(estimate.present for estimate in written.overall.values())


def test_bins_widen_the_interval_by_what_they_leave_open() -> None:
    asked = mask_evaluation(mask_split(20))
    ranking = asked.counts.rankings["raw"][1]
    open_by = 0.05
    loose = type(ranking)(ranking.value, ranking.value - open_by, ranking.value + open_by, ranking.histograms)
    raw = asked.counts.rankings["raw"]
    counts = dataclasses.replace(asked.counts, rankings={**asked.counts.rankings, "raw": (raw[0], loose, *raw[2:])})
    widened = SplitMetrics("segmentation", counts, 20).summary()
    plain = asked.metrics.summary()
    for key, part in (("low", -open_by), ("high", open_by)):
        new, old = (getattr(one.per_class["sky"]["ap"], key) for one in (widened, plain))
        assert new == pytest.approx(old + part)
        new, old = (getattr(one.overall["mean_ap"], key) for one in (widened, plain))
        assert new == pytest.approx(old + part / 4)
        assert widened.overall["mean_ap_softmax"] == plain.overall["mean_ap_softmax"]


def test_training_images_have_no_rankings() -> None:
    counted = mask_evaluation(mask_split(), limits=NO_LOGITS).metrics.summary(per_class=False)
    assert set(counted.overall) == {"accuracy", "log_loss", "mean_iou"}
    assert counted.per_class == {}


@settings(max_examples=40)
@given(st.lists(st.integers(0, 50), min_size=18, max_size=18))
def test_figures_of_any_matrix_are_shares(cells: list[int]) -> None:
    confusion = np.array(cells, dtype=np.float64).reshape(2, 3, 3)
    nothing = np.zeros(2)
    counts = Counts(confusion, nothing, nothing, confusion.sum((0, 2)) > 0)
    for metric in metrics_of("segmentation").values():
        if metric.ranked or not metric.per_class:
            continue
        values = plain_values(metric.function(counts))
        assert values.shape == (2, 3)
        known = values[~np.isnan(values)]
        assert ((known >= 0) & (known <= 1)).all()


def test_every_figure_is_defined() -> None:
    assert all(METRICS[name].definition for name in (*OVERALL, *PER_CLASS))


def test_resamples_of_a_split_are_paired() -> None:
    """Twice the same split: every difference is 0 in every resample."""
    asked, again = (mask_evaluation(mask_split()).metrics.overall("mean_ap") for _ in range(2))
    assert ends(asked.minus(again)) == (0, 0, 0)
