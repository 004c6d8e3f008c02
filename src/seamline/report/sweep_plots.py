"""Draws the figures of a sweep's page."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, PercentFormatter
from numpy.typing import NDArray

from seamline.evaluation.effects import FieldEffect
from seamline.report.formatting import decimal, epochs_number, estimate_text, percent
from seamline.report.plot_layout import (
    canvas,
    epoch_axis,
    frame,
    heading,
    interval_ends,
    label,
    shortened,
    spread,
    tip_columns,
)
from seamline.report.svg import Theme, add_tip
from seamline.run_folder import Estimate

MAX_LABELS = 6
"""Lines that have their name at the end; of more, only those that are marked have one."""
MAX_LOSS = 4
"""Top of the axis of losses, as a multiple of their median, at most."""
MAX_TIPS = 8
"""Lines whose values a text under the pointer lists."""
NAME = 22
"""Characters of a setting's name in a figure."""


@dataclass(frozen=True)
class Line:
    """The curve of a setting."""

    name: str  # of the setting
    epochs: NDArray[np.float64]  # (E,) float64, ends of the epochs; the last may be partial
    values: NDArray[np.float64]  # (E,) float64, the mean over its runs after each epoch
    runs: tuple[NDArray[np.float64], ...]  # (E,) float64, each of its runs
    marked: str = ""  # `winner` or `baseline`; empty for the others


def setting_curves(theme: Theme, *, lines: Sequence[Line], title: str, percents: bool, width: float) -> Figure:
    """Draw the curve of each setting over the epochs; runs are faint, means strong, the winner in the accent color.

    Args:
        theme: the colors.
        lines: the settings.
        title: what the values are.
        percents: whether values are fractions.
        width: width in pixels.

    Returns:
        The figure.
    """
    height, right = 300, 150 if width > 500 else 118
    figure = canvas(width, height)
    axes = frame(figure, 58 if percents else 48, right, 34, 40)
    ends = np.unique(np.concatenate([line.epochs for line in lines])).tolist()
    for line in sorted(lines, key=lambda line: _rank(line)):
        color = _color(theme, line)
        for run in line.runs if len(line.runs) > 1 else ():
            shared = min(len(run), len(line.epochs))
            axes.plot(line.epochs[:shared], run[:shared], color=color, linewidth=0.7, alpha=0.35)
        style = "--" if line.marked == "baseline" else "-"
        marker = "o" if len(line.values) == 1 else None
        axes.plot(line.epochs, line.values, style, color=color, linewidth=1.9, marker=marker, markersize=5)
    values = np.concatenate([line.values for line in lines])
    low, high = _limits(values[np.isfinite(values)], percents=percents)
    if not percents:  # a training that diverges leaves the frame
        high = min(high, MAX_LOSS * float(np.nanmedian(values)))
    axes.set_ylim(low, high)
    epoch_axis(axes, ends)
    axes.locator_params(axis="y", nbins=5)
    if percents:
        axes.yaxis.set_major_formatter(_percents())
    shown = [line for line in lines if (len(lines) <= MAX_LABELS or line.marked) and np.isfinite(line.values).any()]
    last = [float(line.values[np.isfinite(line.values)][-1]) for line in shown]
    heights = spread([min(max(value, low), high) for value in last], 28 * (high - low) / (height - 74), low, high)
    show = percent if percents else decimal
    for line, value, y in zip(shown, last, heights, strict=True):
        longest_name = NAME if width > 500 else 16
        name = line.marked if line.marked and len(line.name) > longest_name else shortened(line.name, longest_name)
        text = f"{name}\n{show(value)}"
        label(axes, text, (axes.get_xlim()[1], y), 7, _color(theme, line))
    listed = sorted(lines, key=lambda line: -_rank(line))[:MAX_TIPS]
    texts = [
        f"epoch {epochs_number(end)}: "
        + ", ".join(f"{one.name} {show(float(value))}" for one in listed for value in one.values[one.epochs == end])
        for end in ends
    ]
    tip_columns(axes, theme, ends, texts)
    axes.set_xlabel("epoch")
    heading(figure, title)
    return figure


def effects(
    theme: Theme,
    *,
    fields: Sequence[FieldEffect],
    percents: bool,
    higher_is_better: bool,
    title: str,
    width: float,
) -> Figure:
    """Draw a dot with its interval for each value of each varied field; the best of a field has the accent color.

    Args:
        theme: the colors.
        fields: the varied fields.
        percents: whether values are shown as percentages.
        higher_is_better: whether the best value is the highest.
        title: the metric.
        width: width in pixels.

    Returns:
        The figure.
    """
    rows = sum(len(field.levels) + 1 for field in fields)
    step, left = 26, 24 + 6.7 * min(max(len(level.value) for field in fields for level in field.levels), NAME)
    height = 30 + step * rows + 40
    figure = canvas(width, height)
    axes = frame(figure, left, 30, 30, 36)
    axes.grid(axis="x", color=theme.rule, linewidth=0.8)
    axes.grid(axis="y", visible=False)
    axes.set(ylim=(rows - 0.5, -0.5))
    ticks: list[int] = []
    names: list[str] = []
    row = 0
    for field in fields:
        axes.text(
            -(left - 2) / (width - left - 30), row, field.field.replace("_", " "), transform=axes.get_yaxis_transform(),
            va="center", fontweight="bold", color=theme.ink,
        )  # fmt: skip
        sign = 1 if higher_is_better else -1
        best = max(field.levels, key=lambda level: sign * level.estimate.value)
        for level in field.levels:
            row += 1
            ticks.append(row)
            names.append(shortened(level.value, NAME))
            text = estimate_text(level.estimate, "percent" if percents else "decimal")
            color = theme.accent if level is best else theme.ink
            _dot(theme, axes, row, level.estimate, f"{field.field}={level.value}: {text}", color=color)
        row += 1
    axes.set_yticks(ticks, names)
    ends = [end for field in fields for level in field.levels for end in interval_ends(level.estimate)]
    axes.set_xlim(*_limits(np.array(ends), percents=percents))
    axes.xaxis.set_major_formatter(_percents() if percents else FuncFormatter(lambda value, _: f"{value:.3g}"))
    axes.locator_params(axis="x", nbins=5)
    heading(figure, title)
    return figure


@dataclass(frozen=True)
class Coordinate:
    """An axis of parallel coordinates."""

    name: str  # of the field, or of the metric
    positions: tuple[float, ...]  # place of each setting, 0..1
    ticks: Mapping[float, str]  # place -> text


def parallel(
    theme: Theme, *, coordinates: Sequence[Coordinate], names: Sequence[str], best: int, width: float
) -> Figure:
    """Draw a line for each setting through all varied fields to its result; the best has the accent color.

    Args:
        theme: the colors.
        coordinates: the axes; the last one is the result, higher places are better.
        names: the text under the pointer for each setting.
        best: position of the best setting.
        width: width in pixels.

    Returns:
        The figure.
    """
    height = 320
    figure = canvas(width, height)
    axes = frame(figure, 46, 46, 46, 22)
    axes.set_axis_off()
    axes.set(xlim=(0, len(coordinates) - 1), ylim=(-0.03, 1.03))
    quality = np.argsort(np.argsort(coordinates[-1].positions))  # better lines are darker
    for index in sorted(range(len(names)), key=lambda index: index == best):
        points = [coordinate.positions[index] for coordinate in coordinates]
        chosen = index == best
        alpha = 1.0 if chosen else 0.25 + 0.5 * float(quality[index]) / max(1, len(names) - 1)
        color = theme.accent if chosen else theme.muted
        axes.plot(range(len(points)), points, color=color, linewidth=2.4 if chosen else 1.1, alpha=alpha)
        (wide,) = axes.plot(range(len(points)), points, color=theme.muted, linewidth=9, alpha=0)
        add_tip(wide, theme, names[index])
    for x, coordinate in enumerate(coordinates):
        axes.plot([x, x], [0, 1], color=theme.muted, linewidth=0.9, zorder=4)
        last = x == len(coordinates) - 1
        align = "left" if x == 0 else "right" if last else "center"
        shift = {"left": -40, "right": 40, "center": 0}[align]
        raised = 14 if x % 2 and len(coordinates) > 3 else 0  # neighbors do not touch
        axes.annotate(
            shortened(coordinate.name.replace("_", " "), 18), (x, 1), (shift, 14 + raised),
            textcoords="offset points", ha=align, fontweight="bold" if last else "normal", annotation_clip=False,
        )  # fmt: skip
        for y, text in coordinate.ticks.items():
            side = 5 if last else -5
            axes.annotate(
                shortened(text, 10), (x, y), (side, 0), textcoords="offset points", fontsize=10, va="center",
                ha="left" if last else "right", color=theme.muted, annotation_clip=False,
                bbox={"facecolor": theme.paper, "edgecolor": "none", "alpha": 0.75, "pad": 1}, zorder=5,
            )  # fmt: skip
    return figure


def _dot(theme: Theme, axes: Axes, row: int, estimate: Estimate, text: str, *, color: str) -> None:
    """Draw a value with its interval in a row."""
    axes.plot(interval_ends(estimate), [row, row], color=theme.muted, linewidth=1.4, alpha=0.8, zorder=2)
    (dot,) = axes.plot(
        [estimate.value], [row], "o", color=color, markersize=7, markeredgewidth=0, zorder=3, clip_on=False
    )
    add_tip(dot, theme, text)


def _rank(line: Line) -> int:
    """Return how important a line is: the winner is drawn last, and listed first."""
    return {"winner": 2, "baseline": 1}.get(line.marked, 0)


def _color(theme: Theme, line: Line) -> str:
    return {"winner": theme.accent, "baseline": theme.ink}.get(line.marked, theme.muted)


def _percents() -> PercentFormatter:
    """Return a format of percentages with as many decimals as an axis needs to tell its ticks apart."""
    return PercentFormatter(1, symbol=" %")


def _limits(values: NDArray[np.float64], *, percents: bool) -> tuple[float, float]:
    """Return the ends of an axis: those of (N,) float64 values with a margin; fractions end at 1."""
    if not len(values):
        return 0.0, 1.0
    low, high = float(values.min()), float(values.max())
    margin = max(0.06 * (high - low), 0.01 if percents else 0.01 * max(abs(high), 1e-6))
    high = min(1.0, high + margin) if percents else high + margin
    return max(0.0, low - margin) if low >= 0 else low - margin, high


def positions_of(values: Sequence[float], *, logarithmic: bool) -> tuple[tuple[float, ...], dict[float, str]]:
    """Return the places of numbers on an axis from 0 to 1, and the texts at its ends.

    Args:
        values: one number for each setting.
        logarithmic: whether the axis is logarithmic.
    """
    scaled = [math.log(value) if logarithmic else value for value in values]
    low, high = min(scaled), max(scaled)
    if high == low:
        return tuple(0.5 for _ in values), {0.5: f"{values[0]:.3g}"}
    places = tuple((one - low) / (high - low) for one in scaled)
    middle = math.exp((low + high) / 2) if logarithmic else (low + high) / 2
    return places, {0.0: f"{min(values):.3g}", 0.5: f"{middle:.3g}", 1.0: f"{max(values):.3g}"}
