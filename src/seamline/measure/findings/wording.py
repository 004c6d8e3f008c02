"""Figures and their intervals in words. An interval that is not known is left out."""

import math

import numpy as np

from seamline.measure.intervals import Interval


def negated(interval: Interval) -> Interval:
    """Return minus the figure."""
    return Interval(-interval.value, -interval.high, -interval.low)


def known(interval: Interval) -> bool:
    """Tell whether there is an interval around the figure."""
    return not math.isnan(interval.low)


def percent(share: Interval) -> str:
    """`70.0 % (67.1 to 72.8)`."""
    return f"{100 * share.value:.1f} %{_brackets(share, '.1f', 100)}"


def within(share: Interval) -> str:
    """`70.0 %, 67.1 to 72.8`, for use inside brackets."""
    around = f", {100 * share.low:.1f} to {100 * share.high:.1f}" if known(share) else ""
    return f"{100 * share.value:.1f} %{around}"


def points(gap: Interval) -> str:
    """`5.6 points (4.5 to 6.7)`."""
    return f"{100 * gap.value:.1f} points{_brackets(gap, '.1f', 100)}"


def signed_points(gap: Interval) -> str:
    """`+0.1 points (−0.4 to +0.6)`."""
    return f"{100 * gap.value:+.1f} points{_brackets(gap, '+.1f', 100)}".replace("-", "−")


def plain(figure: Interval, digits: int = 3) -> str:
    """`0.628 (0.601 to 0.655)`."""
    return f"{figure.value:.{digits}f}{_brackets(figure, f'.{digits}f')}"


def signed(gap: Interval, digits: int = 3) -> str:
    """`+0.012 (−0.010 to +0.034)`."""
    return f"{gap.value:+.{digits}f}{_brackets(gap, f'+.{digits}f')}".replace("-", "−")


def count(number: int | np.int64) -> str:
    """`7,471,104`."""
    return f"{int(number):,}"


def listed(parts: list[str], last: str = " and ") -> str:
    """`a`, `a and b`, `a, b and c`."""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])}{last}{parts[-1]}"


def _brackets(interval: Interval, form: str, scale: int = 1) -> str:
    return f" ({scale * interval.low:{form}} to {scale * interval.high:{form}})" if known(interval) else ""
