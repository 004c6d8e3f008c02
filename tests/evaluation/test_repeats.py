"""t intervals and Holm's correction, against textbook values and SciPy."""

import math

import numpy as np
import pytest
from scipy import stats

from evaluation.factories import ends, without_interval
from seamline.evaluation.confidence import significant
from seamline.evaluation.repeats import bootstrap_p_value, holm, holm_bootstrap, holm_t, t_mean, t_p_value
from seamline.run_folder import Estimate


def test_the_interval_of_a_mean_is_that_of_the_t_distribution() -> None:
    # 1..5: standard deviation sqrt(2.5), standard error sqrt(0.5), t of 4 degrees of freedom 2.7764
    assert ends(t_mean([1, 2, 3, 4, 5])) == pytest.approx(
        (3, 3 - 2.7764451 * math.sqrt(0.5), 3 + 2.7764451 * math.sqrt(0.5))
    )
    values = np.random.default_rng(0).normal(size=7).tolist()
    expected = stats.t.interval(0.99, 6, np.mean(values), stats.sem(values))
    assert ends(t_mean(values, 0.99))[1:] == pytest.approx(expected)
    assert without_interval(t_mean([0.5]))
    assert not t_mean([]).present


def test_the_p_value_is_that_of_the_t_test() -> None:
    values = np.random.default_rng(1).normal(0.3, 1, 9).tolist()
    assert t_p_value(values) == pytest.approx(stats.ttest_1samp(values, 0).pvalue)
    assert t_p_value([0.2]) == 1
    assert t_p_value([0.0, 0.0]) == 1
    assert t_p_value([0.1, 0.1]) == 0


def test_the_p_value_of_resamples_counts_those_beyond_zero() -> None:
    replicates = np.array([1.0, *np.arange(-1.5, 98.5)])  # 2 of 100 are below 0
    assert bootstrap_p_value(replicates) == pytest.approx(2 * 3 / 101)
    assert bootstrap_p_value(np.array([1.0])) == 1


def test_holm_rejects_as_by_hand() -> None:
    # Holm with 0.01, 0.04, 0.03, 0.005: 0.005 < 0.05 / 4 and 0.01 < 0.05 / 3 are rejected, 0.03 > 0.05 / 2 is not
    p_values, levels = [0.01, 0.04, 0.03, 0.005], dict[int, float]()

    def interval(number: int, level: float) -> Estimate:
        levels[number] = level
        rejected = p_values[number] < 1 - level
        return Estimate(1, 0.5, 2) if rejected else Estimate(1, -0.5, 2)

    assert [significant(one) for one in holm(p_values, interval)] == [1, 0, 0, 1]
    assert [levels[number] for number in range(4)] == pytest.approx([1 - 0.05 / 3, 0.975, 0.975, 0.9875])


def test_all_that_are_significant_end_at_the_usual_level() -> None:
    differences = [[1.0, 1.1, 0.9, 1.05], [2.0, 2.1, 1.9, 2.2]]
    first, second = holm_t(differences)
    p_values = [stats.ttest_1samp(one, 0).pvalue for one in differences]
    assert p_values[1] < p_values[0] < 0.05
    assert ends(first) == pytest.approx(ends(t_mean(differences[0], 0.95)))
    assert ends(second) == pytest.approx(ends(t_mean(differences[1], 0.975)))
    assert holm_t([]) == []


def test_one_false_claim_in_twenty_families_at_most() -> None:
    rng = np.random.default_rng(0)
    families = [holm_t(rng.normal(size=(6, 5)).tolist()) for _ in range(400)]
    wrong = sum(any(significant(one) for one in family) for family in families)
    assert wrong <= 20 + 3 * math.sqrt(400 * 0.05 * 0.95)
    assert wrong > 5  # it is not needlessly wide


def test_resampled_differences_are_widened() -> None:
    rng = np.random.default_rng(2)
    clear, weak = (np.concatenate([[mean], rng.normal(mean, 1, 1000)]) for mean in (6.0, 2.1))
    alone, together = holm_bootstrap([weak])[0], holm_bootstrap([weak, weak, weak])[0]
    assert significant(alone) == 1
    assert significant(together) == 0
    assert together.low < alone.low
    assert [significant(one) for one in holm_bootstrap([weak, clear])] == [1, 1]
