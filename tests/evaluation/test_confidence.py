import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation.factories import ends
from seamline.evaluation.confidence import agreed_sign, newcombe, newcombe_paired, normal_mean, wilson
from seamline.run_folder import ABSENT, Estimate


def wilson_by_hand(hits: int, of: int) -> tuple[float, float]:
    z = 1.959963984540054
    share = hits / of
    centre = (share + z * z / (2 * of)) / (1 + z * z / of)
    margin = z / (1 + z * z / of) * math.sqrt(share * (1 - share) / of + z * z / (4 * of * of))
    return centre - margin, centre + margin


def test_differences_agree_where_all_their_intervals_are_on_one_side() -> None:
    up, down, both = Estimate(0.2, 0.1, 0.3), Estimate(-0.2, -0.3, -0.1), Estimate(0.1, -0.1, 0.3)
    assert agreed_sign(up, up) == agreed_sign(up, ABSENT) == agreed_sign(up, Estimate(-0.2)) == 1
    assert agreed_sign(down, down) == -1
    assert agreed_sign(up, down) == agreed_sign(up, both) == agreed_sign(ABSENT) == agreed_sign() == 0


@given(of=st.integers(1, 5000), share=st.floats(0, 1))
def test_wilson_is_the_formula(of: int, share: float) -> None:
    hits = round(share * of)
    interval = wilson(hits, of)
    low, high = wilson_by_hand(hits, of)
    assert interval.value == hits / of
    assert interval.low == pytest.approx(low, abs=1e-9)
    assert interval.high == pytest.approx(high, abs=1e-9)
    assert interval.low - 1e-12 <= interval.value <= interval.high + 1e-12


def test_nothing_measured_is_nan() -> None:
    assert all(math.isnan(end) for end in ends(wilson(0, 0)))


def test_newcombe_gives_its_published_example() -> None:
    """56/70 - 48/80: 0.0524 to 0.3339 (Newcombe 1998, table II, column (a), method 10)."""
    gap = newcombe(wilson(56, 70), wilson(48, 80))
    assert ends(gap) == pytest.approx((0.2, 0.0524, 0.3339), abs=5e-5)


def test_a_paired_difference_as_published() -> None:
    """The example of Newcombe, Statistics in Medicine 17, 1998, table II: 36, 12, 2, 0 by method 10."""
    change = newcombe_paired(36, 2, 12, 0)
    assert change.value == pytest.approx(0.2)
    assert [change.low, change.high] == pytest.approx([0.0569, 0.3404], abs=1e-4)
    turned = newcombe_paired(36, 12, 2, 0)
    assert [turned.low, turned.high] == pytest.approx([-change.high, -change.low])


def test_mean_is_the_textbook_interval() -> None:
    values = np.array([1.0, 2.0, 3.0, 6.0])
    interval = normal_mean(12, 50, 4)
    margin = 1.959963984540054 * np.std(values, ddof=1) / 2
    assert ends(interval) == pytest.approx((3.0, 3 - margin, 3 + margin))
    assert math.isnan(normal_mean(1, 1, 1).value)
