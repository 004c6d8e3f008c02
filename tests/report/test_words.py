import pytest

from seamline.report.words import Estimate, count, duration, listed, number, percent, percent_range, several, surely


def test_shares_are_percent_with_one_decimal() -> None:
    assert percent(0.91249) == "91.2\u00a0%"
    assert percent(Estimate(0.5, 0.4, 0.6)) == "50.0\u00a0%"
    assert percent_range(Estimate(0.5, 0.4, 0.6)) == "40.0–60.0\u00a0%"


def test_what_is_absent_is_a_dash_and_never_a_number() -> None:
    assert percent(None) == number(None) == percent(float("nan")) == "–"
    assert Estimate.of(None) is None
    assert Estimate.of({"value": None, "low": None, "high": None}) is None
    assert percent_range(Estimate(0.5)) == ""


@pytest.mark.parametrize(
    ("value", "text"), [(0.1339, "0.134"), (2.30259, "2.303"), (0.0, "0.000"), (0.00123, "0.0012")]
)
def test_losses_have_three_digits(value: float, text: str) -> None:
    assert number(value) == text


def test_confidence_is_never_rounded_up_to_certainty() -> None:
    assert surely(0.9999) == ">99\u00a0%"
    assert surely(0.984) == "98\u00a0%"


def test_intervals_tell_whether_an_order_can_be_believed() -> None:
    low, middle, high = Estimate(0.5, 0.45, 0.55), Estimate(0.57, 0.54, 0.6), Estimate(0.7, 0.65, 0.75)
    assert not low.apart_from(middle)
    assert low.apart_from(high)
    assert high.apart_from(low)


def test_a_figure_without_an_interval_is_no_certain_one() -> None:
    bare, high = Estimate(0.5), Estimate(0.7, 0.65, 0.75)
    assert not bare.known
    assert high.known
    assert not bare.apart_from(high)
    assert not high.apart_from(bare)
    assert not bare.apart_from(Estimate(0.7))


def test_counts_lists_and_durations() -> None:
    assert count(999) == "999"
    assert count(60_000) == "60,000"
    assert several(1, "image") == "1 image"
    assert several(2, "image") == "2 images"
    assert listed(["a"]) == "a"
    assert listed(["a", "b", "c"]) == "a, b and c"
    assert [duration(s) for s in (7.25, 150, 12_000)] == ["7.2 s", "2 min", "3 h 20 min"]
