import math

import pytest

from seamline.evaluation.text import count, join_and, percent_inside, pluralize
from seamline.evaluation.text import percent as text_percent
from seamline.report.formatting import (
    confidence_text,
    decimal,
    duration,
    epochs_number,
    estimate_text,
    fractions_text,
    interval_text,
    nbsp_percent,
    percent,
    rough_interval,
    rough_percent,
    setting,
    signed_interval,
    signed_text,
    significant,
    value_text,
)
from seamline.run_folder import ABSENT, Estimate, Interval


def test_fractions_are_percentages_with_one_decimal() -> None:
    assert percent(0.91249) == "91.2\u00a0%"
    assert percent(Estimate(0.5, 0.4, 0.6)) == "50.0\u00a0%"
    assert interval_text(Estimate(0.5, 0.4, 0.6)) == "40.0–60.0\u00a0%"
    assert interval_text(Estimate(0, -0.1, 0.1)) == "−10.0–10.0\u00a0%"


@pytest.mark.parametrize(
    ("estimate", "text"),
    [
        (Estimate(0.0, 0.0, 0.0), "0 %"),
        (Estimate(0.0001, 0.0, 0.0004), "less than 0.1 %"),
        (Estimate(0.0, 0.0, 0.004), "0.0 % (0.0 to 0.4)"),
        (Estimate(0.5, 0.5, 0.5), "50.0 % (50.0 to 50.0)"),
        (Estimate(1.0, 1.0, 1.0), "100 %"),
        (Estimate(0.9999, 0.9997, 1.0), "more than 99.9 %"),
        (Estimate(0.0), "0.0 %"),
    ],
)
def test_an_interval_that_is_a_point_at_an_end_is_left_out(estimate: Estimate, text: str) -> None:
    assert text_percent(estimate) == text
    assert percent_inside(estimate) == text.replace(" (", ", ").removesuffix(")")
    dashes = text.replace(" to ", "–").replace(")", " %)")
    assert estimate_text(estimate) == dashes.replace(" %", "\u00a0%")


@pytest.mark.parametrize(
    ("fraction", "text"),
    [(0.0, "0"), (0.0042, "0.4"), (0.0831, "8.3"), (0.0994, "9.9"), (0.0996, "10"), (0.3175, "32"), (1.0, "100")],
)
def test_measures_are_percentages_with_two_digits(fraction: float, text: str) -> None:
    assert rough_percent(fraction) == f"{text}\u00a0%"


def test_intervals_of_measures_have_the_decimals_of_the_value() -> None:
    assert rough_interval(Interval(0.3175, 0.2712, 0.3806)) == "27 to 38"
    assert rough_interval(Interval(0.0831, 0.0, 0.1312)) == "0.0 to 13.1"
    assert rough_interval(Interval(0.3)) == rough_interval(Interval(0.3, 0.2)) == ""


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0.0, "0"),
        (0.0123, "0.0123"),
        (0.6234, "0.623"),
        (9.3, "9.30"),
        (9.996, "10.0"),
        (0.9999, "1.00"),
        (12.345, "12.3"),
        (1860.4, "1,860"),
        (-3.1, "−3.10"),
    ],
)
def test_sizes_have_three_significant_digits(number: float, text: str) -> None:
    assert significant(number) == text


def test_absent_values_are_a_dash_and_never_a_number() -> None:
    assert percent(None) == decimal(None) == percent(math.nan) == percent(ABSENT) == "–"
    assert interval_text(Estimate(0.5)) == interval_text(ABSENT, "decimal") == ""


@pytest.mark.parametrize(
    ("value", "text"), [(0.1339, "0.134"), (2.30259, "2.303"), (0.0, "0.000"), (0.00123, "0.0012")]
)
def test_losses_have_three_digits(value: float, text: str) -> None:
    assert decimal(value) == text


def test_a_metric_is_formatted_as_its_definition_says() -> None:
    estimate = Estimate(0.5, 0.4, 0.6)
    assert value_text(estimate, "decimal") == "0.500"
    assert interval_text(estimate, "decimal") == "0.400–0.600"
    assert estimate_text(estimate, "decimal") == "0.500 (0.400–0.600)"
    assert estimate_text(estimate) == "50.0\u00a0% (40.0–60.0\u00a0%)"
    assert estimate_text(Estimate(0.5)) == "50.0\u00a0%"


def test_differences_have_their_sign() -> None:
    difference = Estimate(-0.0123, -0.02, 0.001)
    assert (signed_text(difference, "percent"), signed_interval(difference, "percent")) == (
        "−1.2 points",
        "−2.0 to +0.1",
    )
    assert (signed_text(difference, "decimal"), signed_interval(difference, "decimal")) == (
        "−0.012",
        "−0.020 to +0.001",
    )
    assert (signed_text(ABSENT, "percent"), signed_interval(Estimate(0.1), "percent")) == ("–", "")


def test_fractions_are_listed_the_largest_first() -> None:
    assert fractions_text({"wall": 0.2, "door": 0.0004, "window": 0.7996}) == "window 80.0\u00a0% and wall 20.0\u00a0%"
    assert fractions_text({}) == ""


def test_confidence_is_never_rounded_up_to_certainty() -> None:
    assert confidence_text(0.9999) == ">99\u00a0%"
    assert confidence_text(0.984) == "98\u00a0%"


def test_counts_lists_and_durations() -> None:
    assert count(999) == "999"
    assert count(60_000) == "60,000"
    assert pluralize(1, "image") == "1 image"
    assert pluralize(2, "image") == "2 images"
    assert join_and(["a"]) == "a"
    assert join_and(["a", "b", "c"]) == "a, b and c"
    assert [duration(s) for s in (7.25, 150, 12_000)] == ["7.2 s", "2 min", "3 h 20 min"]


def test_settings_and_sentences() -> None:
    assert [setting(value) for value in (True, 0.5, (1, 2), None, "x")] == ["yes", "0.5", "1, 2", "none", "x"]
    assert nbsp_percent("5 % of 10 %") == "5\u00a0% of 10\u00a0%"


@pytest.mark.parametrize(
    ("epochs", "text"), [(1.0, "1"), (4 / 3, "1.33"), (0.0125, "0.0125"), (100.0, "100"), (1200.0, "1,200")]
)
def test_epochs_are_read_without_exponents(epochs: float, text: str) -> None:
    assert epochs_number(epochs) == text
