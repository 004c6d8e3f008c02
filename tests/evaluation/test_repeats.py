"""t intervals and Holm's correction, against textbook values and SciPy."""

import math
from collections.abc import Sequence

import numpy as np
import pytest
from scipy import stats

from evaluation.factories import ends, without_interval
from seamline.evaluation.confidence import significant
from seamline.evaluation.repeats import (
    Repeats,
    bootstrap_p_value,
    holm,
    holm_bootstrap,
    holm_normal,
    holm_t,
    t_mean,
    t_p_value,
)
from seamline.run_folder import Estimate


def exact(values: Sequence[float]) -> Repeats:
    """Return measurements that change in no steps."""
    return Repeats(values, 0)


def test_the_interval_of_a_mean_is_that_of_the_t_distribution() -> None:
    # 1..5: standard deviation sqrt(2.5), standard error sqrt(0.5), t of 4 degrees of freedom 2.7764
    assert ends(t_mean(exact([1, 2, 3, 4, 5]))) == pytest.approx(
        (3, 3 - 2.7764451 * math.sqrt(0.5), 3 + 2.7764451 * math.sqrt(0.5))
    )
    values = np.random.default_rng(0).normal(size=7).tolist()
    expected = stats.t.interval(0.99, 6, np.mean(values), stats.sem(values))
    assert ends(t_mean(exact(values), 0.99))[1:] == pytest.approx(expected)
    assert without_interval(t_mean(Repeats([0.5], 0.1)))
    assert not t_mean(Repeats([], 0.1)).present


def test_the_p_value_is_that_of_the_t_test() -> None:
    values = np.random.default_rng(1).normal(0.3, 1, 9).tolist()
    assert t_p_value(exact(values)) == pytest.approx(stats.ttest_1samp(values, 0).pvalue)
    assert t_p_value(Repeats([0.2], 0.1)) == 1
    assert t_p_value(exact([0.0, 0.0])) == 1
    assert t_p_value(exact([0.1, 0.1])) == 0


def test_equal_values_of_two_seeds_have_the_deviation_of_one_label() -> None:
    # of 100 images two more are right with both seeds: t of 1 degree of freedom 12.7062, standard error 0.01 / sqrt(2)
    margin = 12.7062047 * 0.01 / math.sqrt(2)
    equal = Repeats([0.02, 0.02], 0.01)
    assert ends(t_mean(equal)) == pytest.approx((0.02, 0.02 - margin, 0.02 + margin))
    assert t_p_value(equal) == pytest.approx(2 * stats.t.sf(2 * math.sqrt(2), 1))
    wider = [0.05, 0.08, 0.02]  # standard deviation 0.03
    assert t_mean(Repeats(wider, 0.01)) == t_mean(exact(wider))


@pytest.mark.parametrize(("seeds", "images", "deviation"), [(2, 100, 0.01), (3, 100, 0.01), (2, 1000, 0.003)])
def test_equal_settings_are_rarely_told_apart_by_rounded_fractions(seeds: int, images: int, deviation: float) -> None:
    rng, trials, wrong = np.random.default_rng(seeds * images), 300, {0.0: 0, 1 / images: 0}
    for _ in range(trials):
        values = (images * rng.normal(0.9, deviation, (6, seeds))).round() / images
        for step in wrong:
            family = holm_t([Repeats((one - values[0]).tolist(), step) for one in values[1:]])
            wrong[step] += any(significant(one) for one in family)
    limit = trials * 0.05 + 2 * math.sqrt(trials * 0.05 * 0.95)
    assert wrong[1 / images] <= limit < wrong[0.0]


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
    first, second = holm_t([exact(one) for one in differences])
    p_values = [stats.ttest_1samp(one, 0).pvalue for one in differences]
    assert p_values[1] < p_values[0] < 0.05
    assert ends(first) == pytest.approx(ends(t_mean(exact(differences[0]), 0.95)))
    assert ends(second) == pytest.approx(ends(t_mean(exact(differences[1]), 0.975)))
    assert holm_t([]) == []


def test_one_false_claim_in_twenty_families_at_most() -> None:
    rng = np.random.default_rng(0)
    families = [holm_t([exact(one) for one in rng.normal(size=(6, 5)).tolist()]) for _ in range(400)]
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


@pytest.mark.parametrize("comparisons", [1, 5, 50])
def test_one_false_claim_in_twenty_families_of_resampled_differences(comparisons: int) -> None:
    """Also of so many comparisons that the corrected ends are beyond the resamples."""
    rng, wrong = np.random.default_rng(4), 0
    for _ in range(400):
        values = rng.normal(size=(comparisons, 1))
        resampled = values + rng.normal(size=(comparisons, 1000))
        wrong += any(significant(one) for one in holm_bootstrap([*np.hstack([values, resampled])]))
    assert 5 < wrong <= 20 + 3 * math.sqrt(400 * 0.05 * 0.95)


def test_intervals_from_formulas_are_widened_as_normal_ones() -> None:
    # three comparisons: standard errors 1, values 2, 2.6 and 0; z of 1 - 0.05 / 3 is 2.394, of 1 - 0.05 / 2 is 2.2414
    differences = [Estimate(value, value - 1.959964, value + 1.959964) for value in (2.0, 2.6, 0.0)]
    first, second, third = holm_normal(differences)
    assert ends(second) == pytest.approx((2.6, 2.6 - 2.3939798, 2.6 + 2.3939798), abs=1e-5)
    assert ends(first) == pytest.approx((2.0, 2.0 - 2.2414027, 2.0 + 2.2414027), abs=1e-5)
    assert ends(third) == pytest.approx((0.0, -2.2414027, 2.2414027), abs=1e-5)
    assert [significant(one) for one in (first, second, third)] == [0, 1, 0]
    uneven = holm_normal([Estimate(-1, -4, -0.2), Estimate(3, 1, 9)])  # its upper end decides a value below 0
    assert ends(uneven[1]) == pytest.approx((3, 3 - 2 * 2.2414027 / 1.959964, 3 + 6 * 2.2414027 / 1.959964))
    assert without_interval(holm_normal([Estimate(1)])[0])
