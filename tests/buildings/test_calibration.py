"""Intervals of window-to-wall ratios, and tables of how often counts are right."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seamline.buildings.calibration import (
    Counts,
    Scores,
    count_table,
    fit_calibration,
    scene_quantile,
    wwr_interval,
    wwr_score,
)
from seamline.errors import SeamlineError

FRACTION = st.floats(0, 1)


def scores(values: list[float], scenes: list[int]) -> Scores:
    return Scores(np.array(values, np.float64), np.array(scenes, np.int64))


def counts(predicted: list[int], truth: list[int], scenes: list[int]) -> Counts:
    return Counts(*(np.array(values, np.int64) for values in (predicted, truth, scenes)))


@given(value=FRACTION, truth=FRACTION, expected=FRACTION, quantile=st.floats(0.01, 50))
def test_an_interval_contains_the_ratios_whose_score_is_small(
    value: float, truth: float, expected: float, quantile: float
) -> None:
    score = wwr_score(value, truth, expected)
    if abs(score - quantile) < 1e-9 * max(1, quantile):
        return  # rounding decides
    interval = wwr_interval(value, expected, quantile)
    assert interval.low is not None
    assert interval.high is not None
    assert 0 <= interval.low <= value <= interval.high <= 1
    assert (interval.low <= truth <= interval.high) == (score <= quantile)


def test_an_interval_by_hand() -> None:
    interval = wwr_interval(0.3, 0.02, 4.0)  # 4 x (0.02 + 0.005) = 0.1
    assert (interval.low, interval.high) == pytest.approx((0.2, 0.4))
    assert wwr_interval(0.05, 0.02, 4.0).low == 0.0
    assert wwr_interval(0.3, 0.02, None).low is None


def test_each_scene_counts_once() -> None:
    """Nine scenes of one score 1 to 9, and of the last a hundred: at 90 % the nine reach 0.9 x 10 only at the last."""
    values, scenes = [float(scene) for scene in range(1, 10)], [*range(1, 10)]
    assert scene_quantile(scores(values, scenes), 0.9) == 9.0
    assert scene_quantile(scores([*values, *[1.0] * 99], [*scenes, *[1] * 99]), 0.9) == 9.0


def test_few_scenes_have_the_pooled_quantile() -> None:
    """Two scenes, of ten scores and of two: seven tenths of two scenes are 1.4, at weights of 0.1 and 0.5."""
    values = [*(float(value) for value in range(1, 11)), 0.5, 0.6]
    assert scene_quantile(scores(values, [0] * 10 + [1] * 2), 0.7) == 4.0  # 2 x 0.5 + 4 x 0.1
    assert scene_quantile(scores(values, [0] * 10 + [1] * 2), 0.9) == 8.0  # 2 x 0.5 + 8 x 0.1


def test_rates_of_counts_by_hand() -> None:
    """Up to 2: scene 0 is right in one photo of two, scene 1 within one. From 6 on: one scene, three too few."""
    table = count_table(counts([1, 2, 2, 7], [1, 4, 3, 10], [0, 0, 1, 1]), (2, 5))
    assert table.exact == pytest.approx(((0.5 + 0 + 1) / 4, 0.5, 1 / 3))
    assert table.within_one == pytest.approx(((0.5 + 1 + 1) / 4, 0.5, 1 / 3))
    assert table.probability(2).within_one == pytest.approx(0.625)
    assert table.probability(6).exact == pytest.approx(1 / 3)


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60), st.integers(0, 5)), max_size=40))
def test_rates_are_probabilities(rows: list[tuple[int, int, int]]) -> None:
    table = count_table(counts(*map(list, zip(*rows, strict=True))) if rows else counts([], [], []), (4, 9, 19))
    for exact, within in zip(table.exact, table.within_one, strict=True):
        assert 0 < exact <= within < 1


def test_a_calibration_states_what_it_was_fitted_on() -> None:
    fitted = fit_calibration(
        scores([1.0, 2.0, 3.0], [0, 0, 4]), scores([5.0], [0]), counts([3], [3], [0]), counts([2], [3], [0])
    )
    assert (fitted.fronts, fitted.scenes, fitted.level) == (3, 2, 0.9)
    assert fitted.storey_wwr_quantile == 5.0
    assert fitted.windows.probability(3).exact == pytest.approx(2 / 3)
    assert fitted.storeys.probability(2).exact == pytest.approx(1 / 3)


def test_nothing_to_fit_with() -> None:
    with pytest.raises(SeamlineError, match="no front"):
        fit_calibration(scores([], []), scores([], []), counts([], [], []), counts([], [], []))
