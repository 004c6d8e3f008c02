import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seamline.measure.intervals import ABSENT, Interval, difference, mean, wilson


def wilson_by_hand(hits: int, of: int) -> tuple[float, float]:
    z = 1.959963984540054
    share = hits / of
    centre = (share + z * z / (2 * of)) / (1 + z * z / of)
    margin = z / (1 + z * z / of) * math.sqrt(share * (1 - share) / of + z * z / (4 * of * of))
    return centre - margin, centre + margin


@given(of=st.integers(1, 5000), share=st.floats(0, 1))
def test_wilson_is_the_formula(of: int, share: float) -> None:
    hits = round(share * of)
    interval = wilson(hits, of)
    low, high = wilson_by_hand(hits, of)
    assert interval.value == hits / of
    assert interval.low == pytest.approx(low, abs=1e-9)
    assert interval.high == pytest.approx(high, abs=1e-9)
    assert interval.low - 1e-12 <= interval.value <= interval.high + 1e-12


def test_nothing_measured_is_nan_and_null() -> None:
    assert all(math.isnan(number) for number in wilson(0, 0))
    assert wilson(0, 0).json() == {"value": None, "low": None, "high": None}
    back = Interval.of(ABSENT.json())
    assert all(math.isnan(number) for number in back)


def test_newcombe_gives_its_published_example() -> None:
    """56/70 - 48/80: 0.0524 to 0.3339 (Newcombe 1998, table II, column (a), method 10)."""
    gap = difference(wilson(56, 70), wilson(48, 80))
    assert gap == pytest.approx((0.2, 0.0524, 0.3339), abs=5e-5)


def test_mean_is_the_textbook_interval() -> None:
    values = np.array([1.0, 2.0, 3.0, 6.0])
    interval = mean(values)
    margin = 1.959963984540054 * np.std(values, ddof=1) / 2
    assert interval == pytest.approx((3.0, 3 - margin, 3 + margin))
    assert math.isnan(mean(values[:1]).value)
