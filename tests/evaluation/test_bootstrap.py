import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation.factories import ends, without_interval
from seamline.evaluation.bootstrap import N_RESAMPLES, GroupBootstrap, Sampled, percentile_interval, ratio
from seamline.evaluation.confidence import newcombe, normal_mean, widest, wilson


def test_a_resample_draws_as_many_groups_as_there_are() -> None:
    bootstrap = GroupBootstrap(np.array([5, 5, 2, 9, 9, 9]))
    assert bootstrap.n_groups == 3
    assert bootstrap.members.tolist() == [1, 1, 0, 2, 2, 2]
    assert bootstrap.weights.shape == (1 + N_RESAMPLES, 3)
    assert bootstrap.weights[0].tolist() == [1, 1, 1]
    assert set(bootstrap.weights.sum(1)) == {3}
    assert np.array_equal(bootstrap.weights, GroupBootstrap(bootstrap.groups).weights)
    assert not np.array_equal(bootstrap.weights, GroupBootstrap(bootstrap.groups, stream=1).weights)


@given(st.lists(st.integers(0, 4), min_size=1, max_size=12))
def test_totals_add_up_what_is_drawn(groups: list[int]) -> None:
    bootstrap = GroupBootstrap(np.array(groups))
    counts = np.arange(2 * len(groups)).reshape(-1, 2) ** 2
    totals = bootstrap.resample_sums(counts)
    assert totals[0].tolist() == counts.sum(0).tolist()
    for row in (1, -1):
        if len(totals) > 1:
            by_hand = sum(bootstrap.weights[row, bootstrap.members[i]] * counts[i] for i in range(len(groups)))
            assert totals[row].tolist() == np.asarray(by_hand).tolist()


def test_one_group_has_no_interval() -> None:
    bootstrap = GroupBootstrap(np.full(7, 3))
    figure = bootstrap.resample_sums(np.arange(7))
    assert figure.tolist() == [21]
    assert without_interval(percentile_interval(figure))
    assert without_interval(bootstrap.mean(np.arange(7), np.ones(7)).estimate)


def test_the_interval_of_a_mean_is_about_the_textbooks() -> None:
    values = np.random.default_rng(0).normal(10, 2, 400)
    bootstrap = GroupBootstrap(np.arange(400))
    found = percentile_interval(bootstrap.resample_sums(values) / 400)
    margin = 1.96 * values.std() / 20
    assert found.value == pytest.approx(values.mean())
    assert found.low == pytest.approx(values.mean() - margin, abs=0.02)
    assert found.high == pytest.approx(values.mean() + margin, abs=0.02)


def test_relatives_widen_an_interval() -> None:
    """Each value ten times over: as ten strangers, and as the ten relatives that they are."""
    values = np.repeat(np.random.default_rng(1).normal(size=40), 10)
    strangers = percentile_interval(GroupBootstrap(np.arange(400)).resample_sums(values) / 400)
    relatives = percentile_interval(GroupBootstrap(np.arange(400) // 10).resample_sums(values) / 400)
    wider = (relatives.high - relatives.low) / (strangers.high - strangers.low)
    assert wider == pytest.approx(math.sqrt(10), rel=0.15)


def test_the_interval_covers_as_often_as_it_says() -> None:
    hits = 0
    for seed in range(150):
        values = np.random.default_rng(seed).exponential(size=60)
        found = percentile_interval(GroupBootstrap(np.arange(60), seed).resample_sums(values) / 60)
        hits += found.low <= 1 <= found.high
    assert 0.87 <= hits / 150 <= 0.99


def test_what_most_resamples_cannot_measure_has_no_interval() -> None:
    """A class that one of ten groups shows is missing from a third of the resamples."""
    shown = np.zeros(10)
    shown[4] = 1
    bootstrap = GroupBootstrap(np.arange(10))
    share = ratio(bootstrap.resample_sums(shown), bootstrap.resample_sums(shown))
    assert without_interval(percentile_interval(share))
    assert percentile_interval(share).value == 1
    assert not percentile_interval(np.array([np.nan, 1, 2])).present


def test_a_difference_is_paired_within_a_split() -> None:
    bootstrap = GroupBootstrap(np.arange(50))
    first = bootstrap.resample_sums(np.random.default_rng(2).normal(size=50)) / 50
    better = Sampled.from_replicates(first + 0.01)
    assert ends(better.minus(Sampled.from_replicates(first))) == pytest.approx((0.01, 0.01, 0.01))
    lonely = Sampled.from_replicates(first).minus(Sampled.from_replicates(np.array([0.5])))
    assert math.isnan(lonely.low)
    assert lonely.value == pytest.approx(first[0] - 0.5)


def test_single_labels_get_the_intervals_of_formulas() -> None:
    single = GroupBootstrap(np.array([3, 1, 2, 7]), one_label=True)
    assert single.independent
    right, ones = np.array([1, 0, 1, 1]), np.ones(4)
    assert single.fraction(right, ones).estimate == wilson(3, 4)
    assert single.mean(right, ones).estimate == normal_mean(3, 3, 4)
    related = GroupBootstrap(np.array([3, 3, 2, 7]), one_label=True)
    assert not related.independent
    resampled = percentile_interval(related.resample_sums(right) / related.resample_sums(ones))
    assert related.fraction(right, ones).estimate == widest(resampled, wilson(3, 4))
    perfect = related.fraction(ones, ones).estimate
    assert ends(perfect) == ends(wilson(4, 4))  # no resample has an error, and the next images may have one


def test_estimates_of_formulas_are_subtracted_as_newcombe_does() -> None:
    first, second = Sampled(wilson(56, 70)), Sampled(wilson(48, 80))
    assert first.minus(second) == newcombe(first.estimate, second.estimate)
    resampled = Sampled.from_replicates(np.linspace(0, 1, 101))
    assert first.minus(resampled) == newcombe(first.estimate, resampled.estimate)


def test_a_difference_is_widened_by_what_bins_leave_open() -> None:
    replicates = np.concatenate([[0.5], np.linspace(0.4, 0.6, 100)])
    exact, other = Sampled.from_replicates(replicates), Sampled.from_replicates(replicates[::-1], (0.1, 0.2))
    plain = exact.minus(Sampled.from_replicates(replicates[::-1]))
    widened = exact.minus(other)
    assert (widened.low, widened.high) == pytest.approx((plain.low - 0.2, plain.high + 0.1))
