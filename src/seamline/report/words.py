"""Numbers into words: every figure on the page is printed by one of these."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

ABSENT = "–"


@dataclass(frozen=True)
class Estimate:
    """A figure and, where it has one, its 95 % interval."""

    value: float
    low: float | None = None
    high: float | None = None

    @classmethod
    def of(cls, written: Any) -> "Estimate | None":
        """Read a figure as a run folder writes it: a number, `{value, low, high}`, or null."""
        if isinstance(written, dict):
            value, low, high = (written.get(key) for key in ("value", "low", "high"))
            if value is None:
                return None
            return cls(float(value), None if low is None else float(low), None if high is None else float(high))
        return None if written is None else cls(float(written))

    @property
    def known(self) -> bool:
        """Whether it has an interval; without one nothing tells how far the value can be believed."""
        return self.low is not None and self.high is not None

    @property
    def interval(self) -> tuple[float, float]:
        """The interval's ends, to draw; the value twice where there is no interval."""
        return (
            self.value if self.low is None else self.low,
            self.value if self.high is None else self.high,
        )

    def apart_from(self, other: "Estimate") -> bool:
        """Tell whether there are two intervals that do not touch, so that the order of the values can be believed."""
        if not (self.known and other.known):
            return False
        return self.interval[1] < other.interval[0] or other.interval[1] < self.interval[0]


def percent(share: "float | Estimate | None") -> str:
    """0.9123 -> `91.2 %`, with a space that does not break."""
    value = share.value if isinstance(share, Estimate) else share
    return ABSENT if value is None or math.isnan(value) else f"{100 * value:.1f}\u00a0%"


def percent_range(figure: Estimate | None) -> str:
    """The interval of a share, as `90.4–91.9 %`; empty where there is none."""
    if figure is None or figure.low is None or figure.high is None:
        return ""
    return f"{100 * figure.low:.1f}–{100 * figure.high:.1f}\u00a0%"


def points(difference: float) -> str:
    """A difference of two shares: 0.032 -> `3.2 points`."""
    return f"{100 * difference:.1f}\u00a0points"


def surely(confidence: float) -> str:
    """A stated probability, short enough to stand under a small image; never rounded up to 100 %."""
    if confidence >= 0.995:
        return ">99\u00a0%"
    return f"{100 * confidence:.0f}\u00a0%"


def number(value: "float | Estimate | None") -> str:
    """A loss or an error: three digits after the point, or three that count where it is small."""
    plain = value.value if isinstance(value, Estimate) else value
    if plain is None or math.isnan(plain):
        return ABSENT
    return f"{plain:.3f}" if abs(plain) >= 0.01 or plain == 0 else f"{plain:.2g}"


def number_range(figure: Estimate | None) -> str:
    """The interval of a loss, as `0.231–0.245`; empty where there is none."""
    if figure is None or figure.low is None or figure.high is None:
        return ""
    return f"{number(figure.low)}–{number(figure.high)}"


def count(value: float) -> str:
    """A whole number, with a comma between thousands."""
    return f"{value:,.0f}"


def several(value: int, one: str, many: str | None = None) -> str:
    """`1 image`, `12 images`."""
    return f"{count(value)} {one if value == 1 else many or one + 's'}"


def listed(names: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else "".join(names)


def duration(seconds: float) -> str:
    """How long something took: `48 s`, `12 min`, `3 h 20 min`."""
    if seconds < 100:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60} min"


def plain(value: Any) -> str:
    """Print a recipe's field."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, (list, tuple)):
        return ", ".join(plain(one) for one in value)
    return "none" if value is None else str(value)
