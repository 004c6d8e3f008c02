import io

import numpy as np
import pytest
import scipy.stats
import torch
from PIL import Image
from torch import nn

from conftest import CLASSES, bright_sides
from evaluation.factories import ends, label_evaluation
from seamline.evaluation.class_analysis import (
    analyze_classes,
    class_thirds,
    feature_distances,
    orientation_shares,
    rank_correlation,
)
from seamline.evaluation.evaluate import evaluate_split
from seamline.evaluation.filter_analysis import analyze_filters
from seamline.inference.tta import TTA
from seamline.models.classifiers import TwoLayerCNN


def test_thirds_have_the_same_classes() -> None:
    values = np.array([3.0, 1, 2, 30, 10, 20, 5])
    labels = np.array([0, 0, 0, 1, 1, 1, 2])
    assert class_thirds(values, labels).tolist() == [2, 0, 1, 2, 0, 1, 0]


def test_the_spread_of_features_is_a_fraction_of_the_variance_of_all() -> None:
    # one feature of the classes, one of the images, one that is constant
    features = np.array([[0, 1, 7], [0, -1, 7], [0, 0, 7], [4, 3, 7], [4, -1, 7], [4, 1, 7]], np.float32)
    labels = np.array([0, 0, 0, 1, 1, 1])
    distances = feature_distances(features, labels, 2)
    for k in range(2):
        within = features[labels == k].var(0, ddof=1) / features.var(0, ddof=1).clip(1e-9)
        assert distances[labels == k].mean() == pytest.approx(within[:2].mean())
    assert feature_distances(1000 * features, labels, 2) == pytest.approx(distances)
    assert feature_distances(features, np.zeros(6, np.int64), 1).mean() == pytest.approx(1)


def test_the_spread_of_small_classes_has_no_bias() -> None:
    rng, spreads = np.random.default_rng(0), []
    labels = np.repeat([0, 1], [3, 300])  # two classes alike, one of them with few images
    for _ in range(300):
        distances = feature_distances(rng.normal(size=(303, 8)).astype(np.float32), labels, 2)
        spreads.append([distances[labels == k].mean() for k in range(2)])
    mean, error = np.mean(spreads, 0), np.std(spreads, 0) / np.sqrt(300)
    assert mean[1] == pytest.approx(1, abs=0.005)
    assert abs(mean[0] - 1) < 3 * error[0] < 0.1  # not 2 / 3
    labels[:2] = 1
    assert np.isnan(feature_distances(rng.normal(size=(303, 8)).astype(np.float32), labels, 2)).tolist() == [
        number == 2 for number in range(303)
    ]
    assert np.isnan(feature_distances(np.ones((1, 8), np.float32), np.zeros(1, np.int64), 1)).all()


def test_rank_correlation_is_spearmans_with_ties() -> None:
    rng = np.random.default_rng(4)
    first, second = rng.integers(0, 9, 25).astype(float), rng.normal(size=25)
    estimate = rank_correlation(first.tolist(), second.tolist())
    assert estimate.value == pytest.approx(scipy.stats.spearmanr(first, second).statistic)
    margin = 1.959964 * np.sqrt(1.06 / 22)
    assert estimate.low == pytest.approx(np.tanh(np.arctanh(estimate.value) - margin), abs=2e-3)
    assert not rank_correlation([1, 2, 3, 4, 5], [1, 2, 3, 5, 4]).present
    assert not rank_correlation([1.0] * 8, list(range(8))).present
    assert rank_correlation([1, 2, 3, 4, 5, 6, float("nan")], [1, 2, 3, 4, 5, 6, 7]).value == pytest.approx(1)


def test_filters_of_vertical_edges_respond_to_vertical_edges() -> None:
    model = TwoLayerCNN((20, 20, 1), 2)
    ramp = torch.arange(-2.0, 3).expand(5, 5)
    with torch.no_grad():
        model.conv1.weight[:16] = ramp  # bright on the right
        model.conv1.weight[16:] = ramp.T
        nn.init.constant_(model.conv1.bias, 0.5)  # type: ignore[arg-type]
    split = bright_sides(2, 0)
    images = np.zeros((2, 20, 20, 1), np.uint8)
    images[0, :, 10:] = 200
    images[1, 10:] = 200
    split = type(split)(images, split.labels, split.names, split.groups)
    shares = orientation_shares(model.eval(), analyze_filters(model.kernels(), ""), split)
    assert shares["vertical"] == pytest.approx([1, 0])
    assert shares["horizontal"] == pytest.approx([0, 1])
    assert shares["diagonal"] == pytest.approx([0, 0])


def test_the_analysis_of_a_classifier_fits_its_evaluation() -> None:
    torch.manual_seed(0)
    split = bright_sides(90, 2)
    model = TTA(TwoLayerCNN((20, 20, 1), 3).eval(), hflip=False)
    evaluation = evaluate_split(model, split, CLASSES, "classification")
    result = analyze_classes(model, evaluation, analyze_filters(model.model.kernels(), ""))  # type: ignore[operator]
    assert result is not None
    analysis, png = result
    recalls = evaluation.metrics.summary().per_class
    assert tuple(analysis.classes) == CLASSES
    for name, one in analysis.classes.items():
        assert one.recall == recalls[name]["recall"]
        assert np.mean([part.value for part in one.recall_by_sharpness]) == pytest.approx(one.recall.value)
        assert set(one.orientations) == {"vertical", "horizontal", "diagonal"}
    assert sum(pair.confused for pair in analysis.pairs) == np.count_nonzero(evaluation.predicted != split.labels)
    assert analysis.pairs[0].confused == max(pair.confused for pair in analysis.pairs)
    assert not analysis.outlines  # noise everywhere
    assert Image.open(io.BytesIO(png)).size == (3 * 20, 20)
    means = np.asarray(Image.open(io.BytesIO(png)))
    assert np.array_equal(means[:, :20], split.images[split.labels == 0, ..., 0].mean(0).round())


def test_classes_without_images_do_not_hide_the_others() -> None:
    torch.manual_seed(0)
    split = bright_sides(90, 2)
    labels = np.asarray(split.labels)
    logits = np.eye(4, dtype=np.float32)[np.where(labels == 0, 1, labels)]
    analyses = []
    for classes in (3, 4):  # the last class of four has no images
        model = TTA(TwoLayerCNN((20, 20, 1), classes).eval(), hflip=False)
        evaluation = label_evaluation("abcd"[:classes], logits[:, :classes], labels, split=split)
        result = analyze_classes(model, evaluation)
        assert result is not None
        analyses.append(result[0])
    assert analyses[0].overlap_difference.has_interval
    assert ends(analyses[1].overlap_difference) == pytest.approx(ends(analyses[0].overlap_difference))
    assert not analyses[1].classes["d"].spread.present


def test_many_classes_are_not_compared() -> None:
    split = bright_sides(9, 2)
    model = TTA(TwoLayerCNN((20, 20, 1), 41).eval(), hflip=False)
    evaluation = evaluate_split(model, split, tuple(map(str, range(41))), "classification")
    assert analyze_classes(model, evaluation) is None
