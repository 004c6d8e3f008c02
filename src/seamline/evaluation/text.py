"""Numbers and estimates in words; an interval that is not known is left out."""

from collections.abc import Callable, Sequence

import numpy as np

from seamline.run_folder import BeforeAfter, Estimate, Metrics, SplitMetrics


def percent(fraction: Estimate) -> str:
    """`70.0 % (67.1 to 72.8)`, or `0 %` where the interval is just that."""
    return extreme_percent(fraction) or f"{100 * fraction.value:.1f} %{_brackets(fraction, '.1f', 100)}"


def percent_inside(fraction: Estimate) -> str:
    """`70.0 %, 67.1 to 72.8`, or `0 %`, for use inside brackets."""
    if extreme := extreme_percent(fraction):
        return extreme
    interval = f", {100 * fraction.low:.1f} to {100 * fraction.high:.1f}" if fraction.has_interval else ""
    return f"{100 * fraction.value:.1f} %{interval}"


def extreme_percent(fraction: Estimate) -> str:
    """`0 %`, `less than 0.1 %`, `more than 99.9 %` or `100 %` if value and interval round to that, else empty."""
    numbers = (fraction.low, fraction.value, fraction.high)
    if fraction.has_interval and all(abs(number) < 0.0005 for number in numbers):
        return "less than 0.1 %" if any(numbers) else "0 %"
    if fraction.has_interval and all(abs(1 - number) <= 0.0005 for number in numbers):
        return "more than 99.9 %" if any(number != 1 for number in numbers) else "100 %"
    return ""


def points(difference: Estimate) -> str:
    """`5.6 points (4.5 to 6.7)`."""
    return f"{100 * difference.value:.1f} points{_brackets(difference, '.1f', 100)}"


def signed_points(difference: Estimate) -> str:
    """`+0.1 points (−0.4 to +0.6)`."""
    return f"{100 * difference.value:+.1f} points{_brackets(difference, '+.1f', 100)}".replace("-", "−")


def decimal(estimate: Estimate) -> str:
    """`0.628 (0.601 to 0.655)`."""
    return f"{estimate.value:.3f}{_brackets(estimate, '.3f')}"


def signed_decimal(difference: Estimate) -> str:
    """`+0.012 (−0.010 to +0.034)`."""
    return f"{difference.value:+.3f}{_brackets(difference, '+.3f')}".replace("-", "−")


Printed = tuple[Callable[[Estimate], str], Callable[[Estimate], str], Callable[[Estimate], str]]
PRINTED: dict[str, Printed] = {
    "percent": (percent, points, signed_points),
    "decimal": (decimal, decimal, signed_decimal),
}
"""Format of a metric -> how a value, a difference, and a difference with its sign are printed."""


def title_inside(title: str) -> str:
    """Return a title as it stands inside a sentence: `mean IoU` of `Mean IoU`; `IoU` and `AP` stay."""
    return title[0].lower() + title[1:] if title.split()[0][1:].islower() else title


def capitalize_first(sentence: str) -> str:
    """Return a sentence with a capital at its start; names inside it stay as they are."""
    return sentence[:1].upper() + sentence[1:]


def count(number: float | np.int64) -> str:
    """`7,471,104`."""
    return f"{number:,.0f}"


def pluralize(number: int, one: str, many: str | None = None) -> str:
    """`1 image`, `12 images`."""
    return f"{count(number)} {one if number == 1 else many or one + 's'}"


def join_and(parts: Sequence[str], last: str = " and ") -> str:
    """`a`, `a and b`, `a, b and c`."""
    return last.join([", ".join(parts[:-1]), parts[-1]]) if len(parts) > 1 else "".join(parts)


def _brackets(estimate: Estimate, form: str, scale: int = 1) -> str:
    if not estimate.has_interval:
        return ""
    return f" ({scale * estimate.low:{form}} to {scale * estimate.high:{form}})"


def metric_lines(metrics: Metrics) -> list[str]:
    """Return a line for the validation images and one for the test images: metrics over all classes, with intervals.

    Where a run was trained on several datasets, a line follows for each, of its test images or else of its validation
    images.
    """
    of_parts = [
        f"{name} ({'test' if one.test else 'validation'})  " + ", ".join(_split_texts(metrics, split))
        for name, one in metrics.parts.items()
        if (split := one.test or one.val)
    ]
    return [
        f"{title:<11}"
        + (", ".join(_split_texts(metrics, split)) if split else "none; metrics are of the validation images")
        for split, title in ((metrics.val, "validation"), (metrics.test, "test"))
    ] + of_parts


def change_lines(compared: BeforeAfter, metrics: Metrics) -> list[str]:
    """Return a line for each dataset of a run that started from another one: metrics before, after, and the change."""
    lines = []
    for one in compared.datasets:
        texts = []
        for key, change in one.overall.items():
            if not change.present:
                continue
            info = metrics.definitions[key]
            show, _, signed = PRINTED[info.format]
            before, after = show(Estimate(change.before)), show(Estimate(change.after))
            texts.append(f"{title_inside(info.title)} {before} before, {after} after, {signed(change.change)}")
        lines.append(f"{one.name} ({'test' if one.split == 'test' else 'validation'})  {'; '.join(texts)}")
    return lines


def _split_texts(metrics: Metrics, split: SplitMetrics) -> list[str]:
    """Return the metrics over all classes, and the lowest of a class, with their intervals, as text."""

    def text(key: str, estimate: Estimate) -> str:
        info = metrics.definitions[key]
        return f"{title_inside(info.title)} {PRINTED[info.format][0](estimate)}"

    texts = [text(key, estimate) for key, estimate in split.overall.items() if estimate.present]
    if lowest := metrics.lowest_class(split):
        key, name = lowest
        texts.append(f"lowest {text(key, split.per_class[name][key])}, of {name}")
    return texts
