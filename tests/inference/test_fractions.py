import numpy as np
import pytest

from seamline.inference.fractions import FLOOR, expected_errors, fraction_intervals
from seamline.run_folder import FractionIntervals


def test_expected_errors_by_hand() -> None:
    """Two pixels of class 0, one of class 2."""
    probabilities = np.array([[0.5, 0.7, 0.1], [0.3, 0.2, 0.2], [0.2, 0.1, 0.7]])
    errors = expected_errors(probabilities, np.array([0, 0, 2]))
    np.testing.assert_allclose(errors, [0.5 + 0.3 + 0.1, 0.3 + 0.2 + 0.2, 0.2 + 0.1 + 0.3])


def test_the_true_error_is_expected_to_be_smaller() -> None:
    """Over labels drawn from the probabilities, the mean error of a fraction is at most the expected one."""
    rng = np.random.default_rng(0)
    probabilities = rng.dirichlet([1, 1, 1], 50).T
    classes = probabilities.argmax(0)
    limits = expected_errors(probabilities, classes)
    drawn = (probabilities.cumsum(0)[:, None] < rng.random((1, 4000, 50))).sum(0)
    for k in range(3):
        assert np.abs((drawn == k).sum(1) - (classes == k).sum()).mean() <= limits[k]


def test_intervals_end_at_nothing_and_everything() -> None:
    intervals = FractionIntervals(level=0.9, quantiles={"wall": 2.0, "door": 1.0}, images=30, groups=30)
    fractions = {"wall": 0.9, "window": 0.07, "door": 0.03}
    result = fraction_intervals(fractions, np.array([0.1, 0.1, 0.01]), intervals)
    assert list(result) == ["wall", "door"]
    assert result["wall"] == pytest.approx((0.9 - 2 * (0.1 + FLOOR), 1.0))
    assert result["door"] == pytest.approx((0.03 - 0.01 - FLOOR, 0.03 + 0.01 + FLOOR))
