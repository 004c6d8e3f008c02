"""Numbers as text: every number on a page is formatted by one of these functions."""

import math
from collections.abc import Mapping
from typing import Any

from seamline.evaluation.text import PRINTED, count, extreme_percent, join_and
from seamline.run_folder import Estimate, Interval

DASH = "–"


def percent(fraction: float | Estimate | None) -> str:
    """`91.2 %` of 0.9123, with a space that does not break."""
    value = _value(fraction)
    return DASH if math.isnan(value) else f"{100 * value:.1f}\u00a0%".replace("-", "−")


def decimal(number: float | Estimate | None) -> str:
    """`0.231`: three digits after the point, or two significant digits if it is small."""
    value = _value(number)
    if math.isnan(value):
        return DASH
    return f"{value:.3f}" if abs(value) >= 0.01 or value == 0 else f"{value:.2g}"


def epochs_number(epochs: float) -> str:
    """`1`, `1.33`, `0.0125` and `1,200` of passes over the training images."""
    return f"{epochs:.3g}" if epochs < 100 else f"{epochs:,.0f}"


def value_text(number: float | Estimate, form: str = "percent") -> str:
    """Return a value as the format of its metric says, `percent` or `decimal`."""
    return percent(number) if form == "percent" else decimal(number)


def interval_text(estimate: Estimate, form: str = "percent") -> str:
    """`90.4–91.9 %` or `0.231–0.245`; empty without an interval."""
    if not estimate.has_interval:
        return ""
    if form == "decimal":
        return f"{decimal(estimate.low)}–{decimal(estimate.high)}"
    return f"{100 * estimate.low:.1f}–{percent(estimate.high)}".replace("-", "−")


def estimate_text(estimate: Estimate, form: str = "percent") -> str:
    """`91.2 % (90.4–91.9 %)`, or the value alone, also where an interval is just `0 %`."""
    if form == "percent" and (extreme := extreme_percent(estimate)):
        return nbsp_percent(extreme)
    interval = interval_text(estimate, form)
    return f"{value_text(estimate, form)} ({interval})" if interval else value_text(estimate, form)


def signed_text(difference: Estimate, form: str) -> str:
    """`+3.2 points` or `−0.012`; its interval is left out."""
    return PRINTED[form][2](Estimate(difference.value)) if difference.present else DASH


def signed_interval(difference: Estimate, form: str) -> str:
    """`+1.3 to +2.5`; empty without an interval."""
    if not difference.has_interval:
        return ""
    scale, digits = (100, 1) if form == "percent" else (1, 3)
    return f"{scale * difference.low:+.{digits}f} to {scale * difference.high:+.{digits}f}".replace("-", "−")


def confidence_text(confidence: float) -> str:
    """`98 %`, short enough for a caption below a small image; never rounded up to 100 %."""
    return ">99\u00a0%" if confidence >= 0.995 else f"{100 * confidence:.0f}\u00a0%"


def percent_1dp(fraction: float) -> str:
    """`91.2`, a percentage for a narrow cell, without the sign."""
    return f"{100 * fraction:.1f}" if fraction >= 0.0005 else "<0.1"


def rough_percent(fraction: float) -> str:
    """`32 %` of 0.3175, `8.3 %` of 0.0831: two digits, for measures that are no surer."""
    return f"{100 * fraction:.{_rough_decimals(fraction)}f}\u00a0%"


def rough_interval(measure: Interval) -> str:
    """`27 to 38`, with the decimals of the value; empty without an interval."""
    if measure.low is None or measure.high is None:
        return ""
    decimals = _rough_decimals(measure.value)
    return f"{100 * measure.low:.{decimals}f} to {100 * measure.high:.{decimals}f}"


def significant(number: float) -> str:
    """`12.3`, `0.623`, `1,860`: three significant digits, and all before the point."""
    if number == 0:
        return "0"
    exponent = int(f"{abs(number):.2e}".partition("e")[2])  # of the rounded number: 9.996 is 10.0
    return f"{number:,.{max(0, 2 - exponent)}f}".replace("-", "−")


def compact(number: int) -> str:
    """`842`, `16.4 k`, `1.64 M` or `2.42 G`: three digits."""
    for scale, unit in ((10**9, "G"), (10**6, "M"), (10**3, "k")):
        if number >= max(0.9995 * scale, 10_000):  # what rounds to 1 of a unit has that unit
            return f"{significant(number / scale)}\u00a0{unit}"
    return count(number)


def fractions_text(fractions: Mapping[str, float]) -> str:
    """`wall 71.2 % and window 28.8 %`: the largest first, those below 0.05 % left out."""
    shown = sorted((name for name in fractions if fractions[name] >= 0.0005), key=lambda name: -fractions[name])
    return join_and([f"{name} {percent(fractions[name])}" for name in shown])


def duration(seconds: float) -> str:
    """`48 s`, `12 min`, `3 h 20 min`."""
    if seconds < 100:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60} min"


def setting(value: Any) -> str:
    """Return the value of a field of the configuration as text."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, list | tuple):
        return ", ".join(setting(one) for one in value)
    return "none" if value is None else str(value)


def nbsp_percent(sentence: str) -> str:
    """Keep each percent sign on the line of its number."""
    return sentence.replace(" %", "\u00a0%")


def _rough_decimals(fraction: float) -> int:
    return 0 if fraction == 0 or 100 * fraction >= 9.95 else 1


def _value(number: float | Estimate | None) -> float:
    if isinstance(number, Estimate):
        return number.value
    return math.nan if number is None else number
