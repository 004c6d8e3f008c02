"""Draws the figures of the page that compares runs."""

from collections.abc import Sequence

from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from seamline.evaluation.compare import MetricDiff
from seamline.evaluation.text import PRINTED
from seamline.report.plot_layout import canvas, frame, heading, interval_ends, shortened
from seamline.report.svg import Theme, add_tip

STEP = 24
"""Pixels from row to row."""


def class_differences(theme: Theme, *, differences: Sequence[MetricDiff], title: str) -> Figure:
    """Draw the difference of each class with its interval, to the left and right of zero.

    Args:
        theme: the colors.
        differences: those of one metric, one for each class.
        title: what differs.

    Returns:
        The figure.
    """
    percents = differences[0].metric.format == "percent"
    names = [shortened(one.class_name, 18) for one in differences]
    left = 18 + 6.7 * max(len(name) for name in names)
    figure = canvas(420, 34 + STEP * len(names) + 44)
    axes = frame(figure, left, 18, 34, 44)
    axes.grid(axis="x", color=theme.rule, linewidth=0.8)
    axes.grid(axis="y", visible=False)
    axes.set(ylim=(len(names) - 0.5, -0.5))
    axes.axvline(0, color=theme.muted, linewidth=1)
    axes.set_yticks(range(len(names)), names)
    for tick in axes.get_yticklabels():
        tick.set_color(theme.ink)
    shown = [(row, one) for row, one in enumerate(differences) if one.change.present]
    widest = max((abs(end) for _, one in shown for end in interval_ends(one.change)), default=0) or 0.01
    axes.set_xlim(-1.08 * widest, 1.08 * widest)
    scale, digits = (100, "g") if percents else (1, ".3g")
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: signed(scale * value, digits)))
    axes.locator_params(axis="x", nbins=5)
    axes.set_xlabel("difference in points" if percents else "difference")
    for row, one in shown:
        color = theme.accent if one.verdict else theme.muted
        axes.plot(interval_ends(one.change), [row, row], color=color, linewidth=1.2, zorder=2)
        marker = {1: "^", -1: "v", 0: "o"}[one.verdict]
        (dot,) = axes.plot(
            [one.change.value], [row], marker, color=color, markersize=8 if one.verdict else 6, zorder=3,
            markerfacecolor=color if one.verdict else theme.paper, clip_on=False,
        )  # fmt: skip
        add_tip(dot, theme, f"{one.class_name}: {PRINTED[one.metric.format][2](one.change)}")
    heading(figure, title)
    return figure


def signed(value: float, digits: str) -> str:
    """`+2` or `−0.01`; `0` of zero."""
    return "0" if abs(value) < 1e-12 else f"{value:+{digits}}".replace("-", "−")
