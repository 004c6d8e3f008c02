import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn import metrics
from sklearn.metrics import average_precision_score

from seamline.evaluation import average_precision as module
from seamline.evaluation.average_precision import (
    CURVE_POINTS,
    average_precision,
    average_precision_bounds,
    binned_average_precision,
    binned_result,
    count_bins,
    exact_result,
    precision_recall_curve,
)
from seamline.evaluation.bootstrap import GroupBootstrap, percentile_interval

levels = st.lists(st.tuples(st.integers(0, 12), st.booleans()), min_size=1, max_size=60)
"""Scores of few levels, so that many tie, and whether each is positive."""


def arrays(drawn: list[tuple[int, bool]]) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    scores, positive = zip(*drawn, strict=True)
    return np.array(scores, dtype=np.float32), np.array(positive, dtype=bool)


def test_by_hand() -> None:
    """Positives at ranks 1 and 3 of 4: (1/1 + 2/3) / 2; all tied: 2/4 for both."""
    positive = np.array([True, False, True, False])
    assert average_precision(np.array([4, 3, 2, 1], dtype=np.float32), positive) == pytest.approx((1 + 2 / 3) / 2)
    assert average_precision(np.zeros(4, dtype=np.float32), positive) == 0.5


@given(levels)
def test_the_value_is_scikit_learns(drawn: list[tuple[int, bool]]) -> None:
    scores, positive = arrays(drawn)
    value = average_precision(scores, positive)
    if positive.any():
        assert value == pytest.approx(average_precision_score(positive, scores), abs=1e-12)
        assert 0 < value <= 1
    else:
        assert math.isnan(value)


def test_the_value_is_scikit_learns_on_many_scores() -> None:
    chance = np.random.default_rng(0)
    positive = chance.random(50_000) < 0.03
    for scores in (chance.normal(positive * 1.5, 1), chance.normal(positive, 1).round(1)):
        used = scores.astype(np.float32)
        assert average_precision(used, positive) == pytest.approx(average_precision_score(positive, used), abs=1e-12)


@settings(max_examples=200)
@given(levels, st.lists(st.floats(-1, 13, width=32), max_size=5, unique=True))
def test_bounds_hold_whatever_the_bins(drawn: list[tuple[int, bool]], edges: list[float]) -> None:
    scores, positive = arrays(drawn)
    counts = count_bins(scores, positive, np.sort(np.array(edges, dtype=np.float32)))
    assert counts.sum() == len(scores)
    assert counts[1].sum() == positive.sum()
    low, high = average_precision_bounds(counts)
    value, binned = average_precision(scores, positive), float(binned_average_precision(counts))
    if not positive.any():
        assert all(math.isnan(number) for number in (low, high, value, binned))
        return
    assert 0 <= low <= high + 1e-9
    assert high <= 1
    assert low - 1e-9 <= value <= high + 1e-9
    assert low - 1e-9 <= binned <= high + 1e-9


def test_the_lower_bound_is_reached_by_negatives_first() -> None:
    """A bin of two positives and a negative: negative first gives (1/2 + 2/3) / 2."""
    counts = np.array([[1], [2]])
    assert average_precision_bounds(counts) == pytest.approx(((1 / 2 + 2 / 3) / 2, 1.0))


def test_bounds_close_in_as_bins_become_many() -> None:
    chance = np.random.default_rng(1)
    positive = chance.random(40_000) < 0.1
    scores = chance.normal(positive * 1.0, 1).astype(np.float32)
    ranked = exact_result([scores], [positive], GroupBootstrap(np.zeros(1, dtype=np.int64)))
    low, high = average_precision_bounds(ranked.histograms.sum(0))
    assert low <= ranked.value <= high
    assert high - low < 0.01
    assert binned_result(ranked.histograms).value == pytest.approx(ranked.value, abs=5e-4)


def test_every_point_of_a_curve_is_one_of_scikit_learns() -> None:
    chance = np.random.default_rng(2)
    positive = chance.random(5_000) < 0.2
    scores = chance.normal(positive * 1.0, 1).round(2).astype(np.float32)
    ranked = exact_result([scores], [positive], GroupBootstrap(np.zeros(1, dtype=np.int64)))
    recall, precision = precision_recall_curve(ranked.histograms.sum(0))
    theirs, recalls, _ = metrics.precision_recall_curve(positive, scores)
    known = {(round(float(r), 6), round(float(p), 6)) for r, p in zip(recalls, theirs, strict=True)}
    assert set(zip(recall, precision, strict=True)) <= known
    assert recall == sorted(recall)
    assert recall[-1] == 1
    assert 100 < len(recall) <= CURVE_POINTS


def test_resampling_groups_is_resampling_their_scores(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a bin for each score the histogram is exact, and so is every resample."""
    monkeypatch.setattr(module, "BINS", 4096)
    chance = np.random.default_rng(3)
    images = [chance.integers(0, 40, 50).astype(np.float32) for _ in range(6)]
    positive = [chance.random(50) < 0.05 + 0.1 * number for number in range(6)]
    bootstrap = GroupBootstrap(np.array([3, 3, 1, 1, 9, 9]))
    figure = exact_result(images, positive, bootstrap).replicates(bootstrap)
    for row in (0, 1, 2, 500):
        times = bootstrap.weights[row][bootstrap.members].astype(int)
        scores = np.concatenate([image for image, n in zip(images, times, strict=True) for _ in range(n)])
        truth = np.concatenate([of for of, n in zip(positive, times, strict=True) for _ in range(n)])
        assert figure[row] == pytest.approx(average_precision_score(truth, scores))
    assert percentile_interval(figure).low < figure[0] < percentile_interval(figure).high


def test_an_interval_belongs_to_the_exact_value() -> None:
    chance = np.random.default_rng(4)
    positive = [chance.random(4_000) < 0.1 for _ in range(8)]
    scores = [chance.normal(of * 1.0, 1).astype(np.float32) for of in positive]
    bootstrap = GroupBootstrap(np.arange(8))
    ranked = exact_result(scores, positive, bootstrap)
    assert ranked.replicates(bootstrap)[0] == ranked.value
    assert ranked.low == ranked.value == ranked.high
