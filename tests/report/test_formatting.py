import math

import pytest

from seamline.evaluation.text import count, join_and, pluralize
from seamline.report.formatting import (
    confidence_text,
    decimal,
    decimal_interval,
    duration,
    metric_text,
    nbsp_percent,
    percent,
    percent_interval,
    setting,
)
from seamline.run_folder import ABSENT, Estimate, MetricInfo


def test_fractions_are_percentages_with_one_decimal() -> None:
    assert percent(0.91249) == "91.2\u00a0%"
    assert percent(Estimate(0.5, 0.4, 0.6)) == "50.0\u00a0%"
    assert percent_interval(Estimate(0.5, 0.4, 0.6)) == "40.0–60.0\u00a0%"
    assert percent_interval(Estimate(0, -0.1, 0.1)) == "−10.0–10.0\u00a0%"


def test_absent_values_are_a_dash_and_never_a_number() -> None:
    assert percent(None) == decimal(None) == percent(math.nan) == percent(ABSENT) == "–"
    assert percent_interval(Estimate(0.5)) == decimal_interval(ABSENT) == ""


@pytest.mark.parametrize(
    ("value", "text"), [(0.1339, "0.134"), (2.30259, "2.303"), (0.0, "0.000"), (0.00123, "0.0012")]
)
def test_losses_have_three_digits(value: float, text: str) -> None:
    assert decimal(value) == text


def test_a_metric_is_formatted_as_its_definition_says() -> None:
    estimate = Estimate(0.5, 0.4, 0.6)
    info = MetricInfo(title="IoU", definition="intersection over union", format="decimal")
    assert metric_text(estimate, info) == ("0.500", "0.400–0.600")
    assert metric_text(estimate, MetricInfo(title="Recall", definition="")) == ("50.0\u00a0%", "40.0–60.0\u00a0%")


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
