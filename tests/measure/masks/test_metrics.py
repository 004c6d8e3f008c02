import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, jaccard_score, precision_recall_fscore_support

from measure.masks.made import CLASSES, made_evaluation, made_split
from seamline.data.dataset import IGNORE_INDEX
from seamline.measure.masks.evaluation import MaskEvaluation, Tally
from seamline.measure.masks.metrics import (
    PIXEL_METRICS,
    RANKED,
    Figures,
    definitions,
    figures_of,
    summarise,
    summarise_whole,
)
from seamline.measure.masks.resampling import interval


def figures(asked: MaskEvaluation) -> Figures:
    return figures_of(asked.tally, asked)


def test_every_figure_agrees_with_scikit_learn() -> None:
    split = made_split()
    asked = made_evaluation(split)
    written = summarise(figures(asked))
    used = split.labels != IGNORE_INDEX
    truth, answer = split.labels[used], asked.tally.predicted[used]
    precision, recall, f1, support = precision_recall_fscore_support(truth, answer)
    iou = jaccard_score(truth, answer, average=None)
    assert (written["images"], written["groups"], written["pixels"]) == (12, 5, len(truth))
    assert written["accuracy"]["value"] == pytest.approx(accuracy_score(truth, answer))
    assert written["loss"]["value"] == pytest.approx(asked.tally.losses.sum() / len(truth))
    for k, name in enumerate(CLASSES):
        row = written["per_class"][name]
        assert list(row) == ["share", "ap", "ap_softmax", "iou", "accuracy", "precision", "f1"]
        assert row["share"]["value"] == pytest.approx(support[k] / len(truth))
        assert row["iou"]["value"] == pytest.approx(iou[k])
        assert row["accuracy"]["value"] == pytest.approx(recall[k])
        assert row["precision"]["value"] == pytest.approx(precision[k])
        assert row["f1"]["value"] == pytest.approx(f1[k])
        assert row["ap"]["value"] == asked.rankings["raw"][k].value
        for figure in row.values():
            assert figure["low"] < figure["value"] < figure["high"]
    assert written["mean_iou"]["value"] == pytest.approx(iou.mean())
    for name in RANKED:
        mean = np.mean([row[name]["value"] for row in written["per_class"].values()])
        assert written[f"mean_{name}"]["value"] == pytest.approx(mean)


def test_intervals_are_those_of_resampled_groups() -> None:
    split = made_split(30, groups=10)
    asked = made_evaluation(split)
    tally = asked.tally
    weights = tally.resamples.weights[:, tally.resamples.members]
    by_hand = []
    for row in weights[1:]:
        confusion = (row[:, None, None] * tally.confusions).sum(0)
        by_hand.append(confusion[2, 2] / (confusion[2].sum() + confusion[:, 2].sum() - confusion[2, 2]))
    low, high = np.quantile(by_hand, [0.025, 0.975])
    found = summarise(figures(asked))["per_class"]["post"]["iou"]
    assert (found["low"], found["high"]) == pytest.approx((low, high))


def test_an_absent_class_is_null_and_in_no_mean() -> None:
    asked = made_evaluation(made_split(absent=3))
    written = summarise(figures(asked))
    empty = {"value": None, "low": None, "high": None}
    assert all(figure == empty for figure in written["per_class"]["door"].values())
    present = [written["per_class"][name]["iou"]["value"] for name in CLASSES[:3]]
    assert written["mean_iou"]["value"] == pytest.approx(np.mean(present))
    assert written["mean_ap"]["low"] is not None


def test_a_single_group_has_no_interval() -> None:
    written = summarise(figures(made_evaluation(made_split(groups=1))))
    assert written["groups"] == 1
    for figure in (written["accuracy"], written["loss"], written["mean_ap"], *written["per_class"]["sky"].values()):
        assert figure["value"] is not None
        assert (figure["low"], figure["high"]) == (None, None)


def test_a_class_that_one_group_shows_has_no_interval() -> None:
    split = made_split(absent=2, groups=12)
    split.labels[4, :3] = 2
    written = summarise(figures(made_evaluation(split)))
    assert written["per_class"]["post"]["ap"]["value"] > 0
    assert written["per_class"]["post"]["ap"]["low"] is None
    assert written["per_class"]["sky"]["ap"]["low"] is not None


def test_nothing_counts_and_nothing_is_said() -> None:
    asked = made_evaluation(made_split(ignored=1.0))
    written = summarise(figures(asked))
    assert written["pixels"] == 0
    for name in ("accuracy", "loss", "mean_ap", "mean_iou"):
        assert written[name]["value"] is None


def test_bins_widen_the_interval_by_what_they_leave_open() -> None:
    asked = made_evaluation(made_split(20))
    exact = figures(asked)
    ranking = asked.rankings["raw"][1]
    open_by = 0.05
    loose = type(ranking)(ranking.value, ranking.value - open_by, ranking.value + open_by, ranking.counts)
    rankings = {**asked.rankings, "raw": (asked.rankings["raw"][0], loose, *asked.rankings["raw"][2:])}
    widened = summarise(figures(MaskEvaluation(asked.tally, asked.kept, rankings)))
    plain = summarise(exact)
    for key, part in (("low", -open_by), ("high", open_by)):
        assert widened["per_class"]["sky"]["ap"][key] == pytest.approx(plain["per_class"]["sky"]["ap"][key] + part)
        assert widened["mean_ap"][key] == pytest.approx(plain["mean_ap"][key] + part / 4)
        assert widened["mean_ap_softmax"][key] == plain["mean_ap_softmax"][key]


def test_training_images_have_no_rankings() -> None:
    tally: Tally = made_evaluation(made_split()).tally
    assert set(summarise_whole(figures_of(tally))) == {"images", "accuracy", "loss", "mean_iou"}


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 50), min_size=18, max_size=18))
def test_figures_of_any_matrix_are_shares(cells: list[int]) -> None:
    confusion = np.array(cells, dtype=np.float64).reshape(2, 3, 3)
    for metric in PIXEL_METRICS.values():
        values = metric.values(confusion)
        assert values.shape == (2, 3)
        known = values[~np.isnan(values)]
        assert ((known >= 0) & (known <= 1)).all()


def test_every_figure_is_defined() -> None:
    assert all(f"{name} of a class" in definitions() for name in (*PIXEL_METRICS, *RANKED))


def test_resamples_of_a_split_are_paired() -> None:
    """Twice the same split: every difference is 0 in every resample."""
    asked = figures(made_evaluation(made_split()))
    again = figures(made_evaluation(made_split()))
    assert interval(asked.over_classes("ap") - again.over_classes("ap")) == (0, 0, 0)
