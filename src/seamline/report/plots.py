"""Draws the figures of the page from arrays and structs."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.colors import LinearSegmentedColormap, to_rgb
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator
from numpy.typing import NDArray

from seamline.evaluation.text import pluralize
from seamline.report.formatting import decimal, epochs_number, estimate_text, percent, percent_1dp
from seamline.report.plot_layout import (
    PERCENT,
    canvas,
    epoch_axis,
    finite,
    fraction_floor,
    frame,
    heading,
    interval_ends,
    label,
    lower_ends,
    shortened,
    spread,
    tip_columns,
)
from seamline.report.svg import Theme, add_tip, class_color
from seamline.run_folder import CalibrationBin, Curve, Estimate, ImageMetrics

DOTS = 8
"""Values up to which each has a dot on its line."""

STAGGER = 4.5
"""Pixels between the heights of two dots of a row, so that equal ones do not hide each other."""


def curves(
    theme: Theme,
    *,
    epochs: Sequence[float],
    series: Mapping[str, Sequence[float]],
    title: str,
    percents: bool,
    start: float | None = None,
) -> Figure:
    """Draw one line over the epochs for each series, its name and last value at its end.

    Args:
        theme: the colors.
        epochs: P positions on the axis, in epochs, such as 1, 2 and 2.5.
        series: name -> P values, NaN where there is none, which the line passes over; the last series has the accent
            color. A series with a value at few positions has dots.
        title: what the values are.
        percents: whether values are fractions, shown as percentages on an axis up to 100 %; else it starts at 0.
        start: where the axis of epochs starts; None for the first position.

    Returns:
        The figure.
    """
    figure = canvas(420, 270)
    axes = frame(figure, 44, 98, 34, 40)
    values = np.array(list(series.values()), dtype=np.float64)
    if percents:
        axes.set_ylim(fraction_floor(finite(series)), 1.0)
        axes.yaxis.set_major_formatter(PERCENT)
    else:
        axes.set_ylim(0, 1.06 * max(float(finite(series).max(initial=0.0)), 1e-9))
    axes.locator_params(axis="y", nbins=5)
    last = epoch_axis(axes, epochs, start)
    colors = [theme.muted] * (len(series) - 1) + [theme.accent]
    for row, color in zip(values, colors, strict=True):
        present = np.isfinite(row)
        marker = "o" if present.sum() <= DOTS else None
        axes.plot(
            np.asarray(epochs)[present], row[present], color=color, linewidth=1.8, solid_capstyle="round",
            marker=marker, markersize=5, markeredgewidth=0, clip_on=False,
        )  # fmt: skip
    low, high = axes.get_ylim()
    ends = [row[np.isfinite(row)][-1] if np.isfinite(row).any() else low for row in values]
    heights = spread([float(end) for end in ends], 27 * (high - low) / (270 - 74), low, high)
    show = percent if percents else decimal
    for name, end, height, color in zip(series, ends, heights, colors, strict=True):
        label(axes, f"{name}\n{show(float(end))}", (last, height), 7, color)
    texts = [
        f"epoch {epochs_number(epoch)}: "
        + ", ".join(
            f"{name} {show(float(value))}" for name, value in zip(series, column, strict=True) if np.isfinite(value)
        )
        for epoch, column in zip(epochs, values.T, strict=True)
    ]
    tip_columns(axes, theme, epochs, texts)
    axes.set_xlabel("epoch")
    heading(figure, title)
    return figure


def confusion(theme: Theme, *, matrix: NDArray[np.int64], classes: Sequence[str], percents: bool = False) -> Figure:
    """Draw a confusion matrix: errors shaded by their fraction of the row, the diagonal left white.

    Args:
        theme: the colors.
        matrix: (K, K) int64, a row for each true class.
        classes: K names.
        percents: whether cells show percentages of the row, not counts.

    Returns:
        The figure.
    """
    size = len(classes)
    cell = 34 if size <= 12 else max(10.0, 420 / size)
    margin = 8 + 6 * min(max(len(name) for name in classes), 24)
    side = size * cell
    figure = canvas(margin + 26 + side + 8, margin + 26 + side + 8)
    axes = frame(figure, margin + 26, 8, margin + 26, 8)
    axes.grid(visible=False)
    axes.spines["bottom"].set_visible(False)
    fractions = error_fractions(matrix)
    ramp = LinearSegmentedColormap.from_list("errors", [theme.paper, theme.accent])
    axes.imshow(fractions, cmap=ramp, vmin=0, vmax=max(float(fractions.max()), 1e-9), interpolation="nearest")
    names = [shortened(name, 24) for name in classes]
    axes.xaxis.tick_top()
    axes.set_xticks(range(size), names, rotation=90)
    axes.set_yticks(range(size), names)
    axes.xaxis.set_label_position("top")
    axes.set_xlabel("predicted class")
    axes.set_ylabel("true class")
    if size <= 20:
        hot = 0.7 * fractions.max()
        for (row, column), number in np.ndenumerate(matrix):
            if number:
                error = theme.paper if fractions[row, column] > hot else theme.ink
                color = theme.muted if row == column else error
                text = percent_1dp(number / matrix[row].sum()) if percents else str(number)
                axes.text(column, row, text, color=color, fontsize=10, ha="center", va="center")
    return figure


def error_fractions(matrix: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return each cell off the diagonal as a fraction of its row, (K, K) float64; 0 on the diagonal."""
    totals = np.maximum(matrix.sum(1, keepdims=True), 1)
    fractions: NDArray[np.float64] = matrix / totals
    np.fill_diagonal(fractions, 0.0)
    return fractions


def reliability(theme: Theme, *, bins: Sequence[CalibrationBin], title: str, accent: bool, labels: str) -> Figure:
    """Draw accuracy against confidence, with intervals, and how many predictions each bin holds.

    Args:
        theme: the colors.
        bins: predictions of similar confidence.
        title: which probabilities they are of.
        accent: whether dots have the accent color.
        labels: what is counted: `images` or `pixels`.

    Returns:
        The figure.
    """
    figure = canvas(380, 380)
    axes = frame(figure, 48, 22, 34, 118)
    color = theme.accent if accent else theme.ink
    axes.plot([0, 1], [0, 1], color=theme.muted, linewidth=1, dashes=(3, 3))
    for one in bins:
        if one.accuracy.present:
            x, accuracy = one.confidence, one.accuracy
            axes.plot([x, x], interval_ends(accuracy), color=color, linewidth=1.2, alpha=0.55, solid_capstyle="butt")
            (dot,) = axes.plot([x], [accuracy.value], "o", color=color, markersize=6, markeredgewidth=0, clip_on=False)
            what = pluralize(one.count, labels.removesuffix("s"))
            add_tip(dot, theme, f"{what}: mean confidence {percent(x)}, accuracy {estimate_text(accuracy)}")
    axes.set(xlim=(0, 1), ylim=(0, 1))
    axes.yaxis.set_major_formatter(PERCENT)
    axes.set_yticks(np.linspace(0, 1, 6))
    axes.set_xticks(np.linspace(0, 1, 6), [])
    heading(figure, title)
    axes.text(0.02, 0.955, "accuracy", color=theme.muted)
    below = frame(figure, 48, 22, 380 - 118 + 14, 40)
    counts, widths = [one.count for one in bins], [0.92 * (one.upper - one.lower) for one in bins]
    bars = below.bar([one.lower for one in bins], counts, width=widths, align="edge", color=theme.muted)
    for one, bar in zip(bins, bars, strict=True):
        span = f"confidence {100 * one.lower:.0f} to {100 * one.upper:.0f}\u00a0%"
        add_tip(bar, theme, f"{span}: {pluralize(one.count, labels.removesuffix('s'))}")
    below.set(xlim=(0, 1), ylim=(0, 1.08 * max([*counts, 1])))
    below.yaxis.set_major_locator(MaxNLocator(2, integer=True))
    below.xaxis.set_major_formatter(PERCENT)
    below.set_xticks(np.linspace(0, 1, 6))
    if max([*counts, 1]) >= 100_000:
        below.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value / 1e6:g} M"))
    below.text(0.02, 0.86 * below.get_ylim()[1], labels, color=theme.muted, va="top")
    below.set_xlabel("confidence")
    return figure


def dots(
    theme: Theme,
    *,
    rows: Sequence[str],
    series: Mapping[str, Sequence[Estimate]],
    width: float,
    percents: bool = True,
) -> Figure:
    """Draw one dot with its interval for each row and series; the last series has the accent color.

    Args:
        theme: the colors.
        rows: names of the rows; the first stands for all others together and is set apart by a line.
        series: name -> one estimate per row.
        width: width in pixels.
        percents: whether values are shown as percentages.

    Returns:
        The figure.
    """
    step, left = 28, 18 + 6.7 * min(max(len(row) for row in rows), 18)
    per_line = 2 if width < 500 else len(series)
    legend = 18 * -(-len(series) // per_line) + 14
    height = legend + step * len(rows) + 44
    figure = canvas(width, height)
    axes = frame(figure, left, 22, legend, 36)
    axes.grid(axis="x", color=theme.rule, linewidth=0.8)
    axes.grid(axis="y", visible=False)
    axes.set(ylim=(len(rows) - 0.5, -0.5))
    axes.set_xlim(fraction_floor(lower_ends(one for column in series.values() for one in column)), 1)
    axes.xaxis.set_major_formatter(PERCENT if percents else FuncFormatter(lambda value, _: f"{value:.1f}"))
    axes.locator_params(axis="x", nbins=5)
    axes.set_yticks(range(len(rows)), [shortened(row, 18) for row in rows])
    for tick_label in axes.get_yticklabels():
        tick_label.set_color(theme.ink)
    axes.get_yticklabels()[0].set_fontweight("bold")
    axes.axhline(0.5, color=theme.muted, linewidth=0.8)
    styles = marker_styles(theme, len(series))
    for index, (name, column) in enumerate(series.items()):
        for row, one in enumerate(column):
            if one.present:
                y = row + STAGGER * (index - (len(series) - 1) / 2) / step
                axes.plot(interval_ends(one), [y, y], color=theme.muted, linewidth=1, alpha=0.7, zorder=2)
                (dot,) = axes.plot([one.value], [y], linestyle="none", clip_on=False, zorder=3, **styles[index])
                text = estimate_text(one, "percent" if percents else "decimal")
                add_tip(dot, theme, f"{rows[row]}, {name}: {text}")
    _marker_legend(figure, theme, list(series), left, per_line)
    return figure


def _marker_legend(figure: Figure, theme: Theme, names: Sequence[str], left: float, per_line: int) -> None:
    """Draw the marker and the name of each series above the axes."""
    width, height = figure.get_size_inches() * 72
    for index, (name, style) in enumerate(zip(names, marker_styles(theme, len(names)), strict=True)):
        x = left + (width - left - 16) * (index % per_line) / per_line
        y = height - 8 - 18 * (index // per_line)
        key = figure.add_axes((x / width, (y - 8) / height, 14 / width, 14 / height))
        key.set_axis_off()
        key.plot([0.5], [0.5], linestyle="none", clip_on=False, **style)
        key.set(xlim=(0, 1), ylim=(0, 1))
        figure.text((x + 17) / width, (y - 1) / height, name, va="center")


def marker_styles(theme: Theme, number: int) -> list[dict[str, Any]]:
    """Return markers that differ in shape and shade: open ones, and the last one filled with the accent color."""
    shapes = ["o", "^", "s", "D", "v"]
    styles: list[dict[str, Any]] = [
        {
            "marker": shapes[i % len(shapes)],
            "markersize": 6,
            "markeredgewidth": 1.2,
            "markerfacecolor": theme.paper,
            "markeredgecolor": theme.muted if i == 0 else theme.ink,
        }
        for i in range(number - 1)
    ]
    return [*styles, {"marker": "o", "markersize": 7, "markeredgewidth": 0, "color": theme.accent}]


def kernels(theme: Theme, *, picture: NDArray[np.uint8], title: str) -> Figure:
    """Draw a picture of filters, enlarged without blur.

    Args:
        theme: the colors.
        picture: (H, W) uint8.
        title: what it shows.

    Returns:
        The figure.
    """
    height, width = picture.shape[:2]
    scale = max(1, 560 // max(height, width))
    figure = canvas(scale * width, scale * height + 30)
    axes = frame(figure, 0, 0, 30, 0)
    axes.set_axis_off()
    axes.imshow(picture, cmap="gray", vmin=0, vmax=255, interpolation="nearest", aspect="auto")
    heading(figure, title)
    return figure


def precision_recall(
    theme: Theme,
    *,
    curves: Mapping[str, Curve],
    notes: Mapping[str, str],
    classes: Sequence[str],
    colors: Sequence[str],
    width: float,
) -> Figure:
    """Draw a precision-recall curve for each class in its color.

    Args:
        theme: the colors of the rest.
        curves: class -> curve.
        notes: class -> text below its name.
        classes: all K class names.
        colors: K colors as `#rrggbb`.
        width: width in pixels.

    Returns:
        The figure.
    """
    height, right = (400, 118) if width > 500 else (360, 92)
    inner_width, inner_height = width - 44 - right, height - 68
    figure = canvas(width, height)
    axes = frame(figure, 44, right, 24, 44)
    axes.set(xlim=(0, 1), ylim=(0, 1), xticks=np.linspace(0, 1, 6), yticks=np.linspace(0, 1, 6))
    axes.xaxis.set_major_formatter(PERCENT)
    axes.yaxis.set_major_formatter(PERCENT)
    shown = [name for name in classes if name in curves]
    heights = spread([curves[name].precision[-1] for name in shown], 31 / inner_height, 22 / inner_height, 1)
    for name, y in zip(shown, heights, strict=True):
        recall, precision = curves[name].recall, curves[name].precision
        color = class_color(theme, classes.index(name), colors)
        # A gray line below each is darker than light paper and lighter than dark paper: any color stands out on it.
        edge = 1.4 if is_extreme(colors[classes.index(name)]) else 0.6
        axes.plot(recall, precision, color=theme.muted, linewidth=2.4 + 2 * edge, solid_joinstyle="round")
        axes.plot(recall, precision, color=color, linewidth=2.2, solid_joinstyle="round")
        if abs(y - precision[-1]) * inner_height > 3:
            x = [recall[-1], 1 + 9 / inner_width]
            axes.plot(x, [precision[-1], y], color=theme.muted, linewidth=0.8, clip_on=False)
        axes.plot(
            [1 + 13 / inner_width], [y + 7 / inner_height], "s", color=color, markersize=8,
            markeredgecolor=theme.muted, markeredgewidth=edge, clip_on=False,
        )  # fmt: skip
        text = f"{shortened(name, 16 if width > 500 else 12)}\n{notes.get(name, '')}"
        label(axes, text, (1, y), 22, theme.ink)
    steps = np.linspace(0, 1, 21).tolist()
    texts = [
        f"recall {percent(step)}: precision "
        + ", ".join(f"{name} {percent(np.interp(step, curves[name].recall, curves[name].precision))}" for name in shown)
        for step in steps
    ]
    tip_columns(axes, theme, steps, texts)
    axes.set_xlabel("recall")
    figure.text(0, 1 - 4 / height, "precision", color=theme.muted, va="top")
    return figure


def is_extreme(color: str) -> bool:
    """Return whether a color, such as `#ff8000`, is nearly black or nearly white, and so hard to tell from paper."""
    red, green, blue = to_rgb(color)
    return not 0.1 < 0.2126 * red + 0.7152 * green + 0.0722 * blue < 0.9


def ranking(theme: Theme, *, images: Sequence[ImageMetrics], marked: Sequence[int], width: float) -> Figure:
    """Draw the mean IoU of all images, the best first; those that the page shows have the accent color.

    Args:
        theme: the colors.
        images: metrics of each image, best mean IoU first.
        marked: ranks, from 1, of the images that the page shows.
        width: width in pixels.

    Returns:
        The figure.
    """
    height = 190
    figure = canvas(width, height)
    axes = frame(figure, 36, 16, 28, 40)
    axes.set_xlim(0.5, len(images) + 0.5)
    axes.set_ylim(0, max(0.1, 1.05 * max(one.mean_iou for one in images)))
    axes.locator_params(axis="y", nbins=4)
    axes.locator_params(axis="x", nbins=6, integer=True, steps=[1, 2, 5, 10])
    ranks = range(1, len(images) + 1)
    values = [one.mean_iou for one in images]
    axes.plot(ranks, values, "o", color=theme.muted, markersize=3.2, markeredgewidth=0, clip_on=False)
    for rank in marked:
        value = values[rank - 1]
        axes.plot([rank, rank], [0, value], color=theme.accent, linewidth=1.2)
        axes.plot([rank], [value], "o", color=theme.accent, markersize=7, markeredgewidth=0, clip_on=False)
    texts = [f"rank {rank}: {one.name}, mean IoU {decimal(one.mean_iou)}" for rank, one in enumerate(images, 1)]
    tip_columns(axes, theme, ranks, texts)
    axes.set_xlabel("rank")
    figure.text(0, 1 - 4 / height, "mean IoU", color=theme.muted, va="top")
    return figure
