import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seamline.measure.masks.resampling import RESAMPLES, Resamples, interval, ratio, unlike


def test_a_resample_draws_as_many_groups_as_there_are() -> None:
    resamples = Resamples(np.array([5, 5, 2, 9, 9, 9]))
    assert resamples.count == 3
    assert resamples.members.tolist() == [1, 1, 0, 2, 2, 2]
    assert resamples.weights.shape == (1 + RESAMPLES, 3)
    assert resamples.weights[0].tolist() == [1, 1, 1]
    assert set(resamples.weights.sum(1)) == {3}
    assert np.array_equal(resamples.weights, Resamples(resamples.groups).weights)
    assert not np.array_equal(resamples.weights, Resamples(resamples.groups, stream=1).weights)


@given(st.lists(st.integers(0, 4), min_size=1, max_size=12))
def test_totals_add_up_what_is_drawn(groups: list[int]) -> None:
    resamples = Resamples(np.array(groups))
    counts = np.arange(2 * len(groups)).reshape(-1, 2) ** 2
    totals = resamples.totals(counts)
    assert totals[0].tolist() == counts.sum(0).tolist()
    for row in (1, -1):
        if len(totals) > 1:
            by_hand = sum(resamples.weights[row, resamples.members[i]] * counts[i] for i in range(len(groups)))
            assert totals[row].tolist() == np.asarray(by_hand).tolist()


def test_one_group_has_no_interval() -> None:
    resamples = Resamples(np.full(7, 3))
    figure = resamples.totals(np.arange(7))
    assert figure.tolist() == [21]
    assert interval(figure).json() == {"value": 21, "low": None, "high": None}


def test_the_interval_of_a_mean_is_about_the_textbooks() -> None:
    values = np.random.default_rng(0).normal(10, 2, 400)
    resamples = Resamples(np.arange(400))
    found = interval(resamples.totals(values) / 400)
    margin = 1.96 * values.std() / 20
    assert found.value == pytest.approx(values.mean())
    assert found.low == pytest.approx(values.mean() - margin, abs=0.02)
    assert found.high == pytest.approx(values.mean() + margin, abs=0.02)


def test_relatives_widen_an_interval() -> None:
    """Each value ten times over: as ten strangers, and as the ten relatives that they are."""
    values = np.repeat(np.random.default_rng(1).normal(size=40), 10)
    strangers = interval(Resamples(np.arange(400)).totals(values) / 400)
    relatives = interval(Resamples(np.arange(400) // 10).totals(values) / 400)
    wider = (relatives.high - relatives.low) / (strangers.high - strangers.low)
    assert wider == pytest.approx(math.sqrt(10), rel=0.15)


def test_the_interval_covers_as_often_as_it_says() -> None:
    hits = 0
    for seed in range(150):
        values = np.random.default_rng(seed).exponential(size=60)
        found = interval(Resamples(np.arange(60), seed).totals(values) / 60)
        hits += found.low <= 1 <= found.high
    assert 0.87 <= hits / 150 <= 0.99


def test_what_most_resamples_cannot_measure_has_no_interval() -> None:
    """A class that one of ten groups shows is missing from a third of the resamples."""
    shown = np.zeros(10)
    shown[4] = 1
    resamples = Resamples(np.arange(10))
    share = ratio(resamples.totals(shown), resamples.totals(shown))
    assert interval(share).json() == {"value": 1, "low": None, "high": None}
    assert interval(np.array([np.nan, 1, 2])).json() == {"value": None, "low": None, "high": None}


def test_a_difference_is_paired_within_a_split() -> None:
    resamples = Resamples(np.arange(50))
    first = resamples.totals(np.random.default_rng(2).normal(size=50)) / 50
    assert unlike(first + 0.01, first) == pytest.approx((0.01, 0.01, 0.01))
    lonely = unlike(first, np.array([0.5]))
    assert math.isnan(lonely.low)
    assert lonely.value == pytest.approx(first[0] - 0.5)
