"""Draws: arrays -> figures. Knows nothing of run folders and nothing of the page.

One unit is one pixel of the page: figures are made at 72 dots to the inch, where a point is a pixel.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator
from numpy.typing import NDArray

from seamline.report.drawing import Palette
from seamline.report.words import Estimate

SMALL = 11.0
"""Size of the letters."""

STAGGER = 4.5
"""Pixels between the heights of two dots of a row, so that equal ones do not hide each other."""


def canvas(width: float, height: float) -> Figure:
    """Make an empty figure of this many pixels."""
    return Figure(figsize=(width / 72, height / 72), dpi=72)


def frame(figure: Figure, palette: Palette, left: float, right: float, top: float, bottom: float) -> Axes:
    """Add axes with these margins in pixels: a line below, faint lines across, no box."""
    width, height = figure.get_size_inches() * 72
    axes = figure.add_axes(
        (left / width, bottom / height, (width - left - right) / width, (height - top - bottom) / height)
    )
    axes.set_facecolor("none")
    for side in ("left", "right", "top"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(palette.muted)
    axes.tick_params(length=0, labelsize=SMALL, colors=palette.muted, pad=6)
    axes.grid(axis="y", color=palette.rule, linewidth=0.8)
    axes.set_axisbelow(True)
    return axes


def curves(
    palette: Palette, epochs: Sequence[float], series: Mapping[str, Sequence[float]], title: str, *, share: bool
) -> Figure:
    """Draw one line for each of `series` over the epochs, its name and last value at its end.

    Args:
        palette: the colours.
        epochs: the numbers of the epochs.
        series: name -> a value an epoch; the last one is drawn in the accent.
        title: what the values are.
        share: whether values are shares, printed as percent on an axis that ends at 100 %; else it starts at 0.
    """
    figure = canvas(420, 270)
    axes = frame(figure, palette, 44, 98, 34, 40)
    values = np.array(list(series.values()), dtype=np.float64)
    if share:
        axes.set_ylim(share_floor(finite(series)), 1.0)
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:.0f} %"))
    else:
        axes.set_ylim(0, 1.06 * max(float(finite(series).max(initial=0.0)), 1e-9))
    axes.yaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]))
    alone = 0.5 if len(epochs) == 1 else 0.0
    last = epochs[-1] + alone
    axes.set_xlim(epochs[0] - alone, last)
    whole = MaxNLocator(6, integer=True, steps=[1, 2, 5, 10])
    axes.xaxis.set_major_locator(FixedLocator(epochs) if len(epochs) == 1 else whole)
    colours = [palette.muted] * (len(series) - 1) + [palette.accent]
    for row, colour in zip(values, colours, strict=True):
        marker = "o" if len(epochs) == 1 else None
        axes.plot(epochs, row, color=colour, linewidth=1.8, solid_capstyle="round", marker=marker, clip_on=False)
    low, high = axes.get_ylim()
    ends = [row[np.isfinite(row)][-1] if np.isfinite(row).any() else low for row in values]
    places = spread([float(end) for end in ends], 27 * (high - low) / (270 - 74), low, high)
    for name, end, place, colour in zip(series, ends, places, colours, strict=True):
        text = f"{name}\n{100 * end:.1f} %" if share else f"{name}\n{end:.3f}"
        axes.annotate(
            text, (last, place), (7, 0), textcoords="offset points", color=colour, fontsize=SMALL, va="center",
            annotation_clip=False, linespacing=1.15,
        )  # fmt: skip
    axes.set_xlabel("epoch", color=palette.muted, fontsize=SMALL, labelpad=6)
    figure.text(0, 1 - 8 / 270, title, color=palette.ink, fontsize=12, fontweight="bold", va="top")
    return figure


def finite(series: Mapping[str, Sequence[float]]) -> NDArray[np.float64]:
    """Gather all values that are numbers."""
    values = np.array(list(series.values()), dtype=np.float64)
    return values[np.isfinite(values)]


def share_floor(values: NDArray[np.float64]) -> float:
    """Where an axis of shares starts: the last step of 10 % below the values, so that curves use the room."""
    return max(0.0, math.floor(10 * float(values.min(initial=0.9)) - 1e-9) / 10)


def spread(places: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Move labels apart until neighbours are `gap` apart, within low..high as far as they fit, in their order."""
    order = sorted(range(len(places)), key=lambda i: places[i])
    blocks: list[list[float]] = []  # labels that touch; each stays as near to its places as it can

    def start(block: Sequence[float]) -> float:
        middle = sum(place - i * gap for i, place in enumerate(block)) / len(block)
        return max(min(middle, high - (len(block) - 1) * gap), low)

    for i in order:
        blocks.append([min(max(places[i], low), high)])
        while len(blocks) > 1 and start(blocks[-2]) + len(blocks[-2]) * gap > start(blocks[-1]):
            last = blocks.pop()
            blocks[-1] += last
    moved = [start(block) + i * gap for block in blocks for i in range(len(block))]
    result = [0.0] * len(places)
    for i, place in zip(order, moved, strict=True):
        result[i] = place
    return result


def confusion(palette: Palette, matrix: NDArray[np.int64], classes: Sequence[str], *, percents: bool = False) -> Figure:
    """Draw a confusion matrix: errors shaded by their share of the row, the diagonal left quiet.

    Args:
        palette: the colours.
        matrix: (K, K) numbers.
        classes: the K names.
        percents: whether a cell says its share of the row in percent, not its number.
    """
    size = len(classes)
    cell = 34 if size <= 12 else max(10.0, 420 / size)
    margin = 8 + 6 * min(max(len(name) for name in classes), 24)
    side = size * cell
    figure = canvas(margin + 26 + side + 8, margin + 26 + side + 8)
    axes = frame(figure, palette, margin + 26, 8, margin + 26, 8)
    axes.grid(visible=False)
    axes.spines["bottom"].set_visible(False)
    shares = error_shares(matrix)
    ramp = LinearSegmentedColormap.from_list("errors", [palette.paper, palette.accent])
    axes.imshow(shares, cmap=ramp, vmin=0, vmax=max(float(shares.max()), 1e-9), interpolation="nearest")
    names = [name if len(name) <= 24 else name[:23] + "…" for name in classes]
    axes.xaxis.tick_top()
    axes.set_xticks(range(size), names, rotation=90)
    axes.set_yticks(range(size), names)
    axes.xaxis.set_label_position("top")
    axes.set_xlabel("taken for", color=palette.muted, fontsize=SMALL)
    axes.set_ylabel("true class", color=palette.muted, fontsize=SMALL)
    if size <= 20:
        hot = 0.7 * shares.max()
        for (row, column), images in np.ndenumerate(matrix):
            if images:
                errs = palette.paper if shares[row, column] > hot else palette.ink
                colour = palette.muted if row == column else errs
                said = tenths(images / matrix[row].sum()) if percents else str(images)
                axes.text(column, row, said, color=colour, fontsize=10, ha="center", va="center")
    return figure


def tenths(share: float) -> str:
    """A share as percent for a narrow cell: one digit after the point, the sign left out."""
    return f"{100 * share:.1f}" if share >= 0.0005 else "<0.1"


def error_shares(matrix: NDArray[np.int64]) -> NDArray[np.float64]:
    """Give each cell off the diagonal as its share of the row; the diagonal, and rows without images, are 0."""
    totals = np.maximum(matrix.sum(1, keepdims=True), 1)
    shares: NDArray[np.float64] = matrix / totals
    np.fill_diagonal(shares, 0.0)
    return shares


def reliability(
    palette: Palette, bins: Sequence[Mapping[str, Any]], title: str, *, accent: bool, unit: str = "images"
) -> Figure:
    """Draw how often answers were right against how surely they were given, with intervals and counts of `unit`."""
    figure = canvas(380, 380)
    axes = frame(figure, palette, 48, 22, 34, 118)
    colour = palette.accent if accent else palette.ink
    axes.plot([0, 1], [0, 1], color=palette.muted, linewidth=1, dashes=(3, 3))
    percent = FuncFormatter(lambda value, _: f"{100 * value:.0f} %")
    right = [Estimate.of(one["accuracy"]) for one in bins]
    for one, figure_of in zip(bins, right, strict=True):
        if figure_of is not None:
            x = one["confidence"]
            axes.plot([x, x], figure_of.interval, color=colour, linewidth=1.2, alpha=0.55, solid_capstyle="butt")
            axes.plot([x], [figure_of.value], "o", color=colour, markersize=6, markeredgewidth=0, clip_on=False)
    axes.set(xlim=(0, 1), ylim=(0, 1))
    axes.yaxis.set_major_formatter(percent)
    axes.set_yticks(np.linspace(0, 1, 6))
    axes.set_xticks(np.linspace(0, 1, 6), [])
    figure.text(0, 1 - 8 / 380, title, color=palette.ink, fontsize=12, fontweight="bold", va="top")
    axes.text(0.02, 0.955, "how often it was right", color=palette.muted, fontsize=SMALL)
    below = frame(figure, palette, 48, 22, 380 - 118 + 14, 40)
    images = [one[unit] for one in bins]
    widths = [one["to"] - one["from"] for one in bins]
    below.bar([one["from"] for one in bins], images, width=np.multiply(widths, 0.92), align="edge", color=palette.muted)
    below.set(xlim=(0, 1), ylim=(0, 1.08 * max([*images, 1])))
    below.yaxis.set_major_locator(MaxNLocator(2, integer=True))
    below.xaxis.set_major_formatter(percent)
    below.set_xticks(np.linspace(0, 1, 6))
    if max([*images, 1]) >= 100_000:
        below.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value / 1e6:g} M"))
    below.text(0.02, 0.86 * below.get_ylim()[1], unit, color=palette.muted, fontsize=SMALL, va="top")
    below.set_xlabel("how sure it said it was", color=palette.muted, fontsize=SMALL, labelpad=6)
    return figure


def dots(
    palette: Palette,
    rows: Sequence[str],
    series: Mapping[str, Sequence[Estimate | None]],
    width: float,
    *,
    share: bool = True,
) -> Figure:
    """Draw one row for each of `rows`, one dot for each of `series`; the last of them in the accent.

    The first row is set apart by a line: it stands for all the others together. With `share` the axis is in percent.
    """
    step = 28
    left = 18 + 6.7 * min(max(len(row) for row in rows), 18)
    across = 2 if width < 500 else len(series)
    legend = 18 * -(-len(series) // across) + 14
    height = legend + step * len(rows) + 44
    figure = canvas(width, height)
    axes = frame(figure, palette, left, 22, legend, 36)
    axes.grid(axis="x", color=palette.rule, linewidth=0.8)
    axes.grid(axis="y", visible=False)
    axes.set(ylim=(len(rows) - 0.5, -0.5))
    known = [one.interval[0] for column in series.values() for one in column if one is not None]
    low = share_floor(np.array(known))
    axes.set_xlim(low, 1)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:.0f} %" if share else f"{value:.1f}"))
    axes.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]))
    names = [row if len(row) <= 18 else row[:17] + "…" for row in rows]
    axes.set_yticks(range(len(rows)), names)
    for label in axes.get_yticklabels():
        label.set_color(palette.ink)
    axes.get_yticklabels()[0].set_fontweight("bold")
    axes.axhline(0.5, color=palette.muted, linewidth=0.8)
    looks = dot_looks(palette, len(series))
    for place in range(len(rows)):
        values = [column[place] for column in series.values()]
        for index, (one, look) in enumerate(zip(values, looks, strict=True)):
            if one is not None:
                y = place + STAGGER * (index - (len(values) - 1) / 2) / step
                axes.plot(one.interval, [y, y], color=palette.muted, linewidth=1, alpha=0.7, zorder=2)
                axes.plot([one.value], [y], linestyle="none", clip_on=False, zorder=3, **look)
    for index, (name, look) in enumerate(zip(series, looks, strict=True)):
        x = left + (width - left - 16) * (index % across) / across
        y = height - 8 - 18 * (index // across)
        key = figure.add_axes((x / width, (y - 8) / height, 14 / width, 14 / height))
        key.set_axis_off()
        key.plot([0.5], [0.5], linestyle="none", clip_on=False, **look)
        key.set(xlim=(0, 1), ylim=(0, 1))
        figure.text((x + 17) / width, (y - 1) / height, name, color=palette.ink, fontsize=SMALL, va="center")
    return figure


def dot_looks(palette: Palette, number: int) -> list[dict[str, Any]]:
    """Give marks that differ in shape as well as in shade: open first, the last one filled with the accent."""
    shapes = ["o", "^", "s", "D", "v"]
    looks: list[dict[str, Any]] = [
        {
            "marker": shapes[i % len(shapes)],
            "markersize": 6,
            "markeredgewidth": 1.2,
            "markerfacecolor": palette.paper,
            "markeredgecolor": palette.muted if i == 0 else palette.ink,
        }
        for i in range(number - 1)
    ]
    return [*looks, {"marker": "o", "markersize": 7, "markeredgewidth": 0, "color": palette.accent}]


def kernels(palette: Palette, picture: NDArray[np.uint8], title: str) -> Figure:
    """Draw a picture of kernels, enlarged without blur.

    Args:
        palette: the colours.
        picture: (H, W) or (H, W, 3).
        title: what it shows.
    """
    height, width = picture.shape[:2]
    scale = max(1, 560 // max(height, width))
    figure = canvas(scale * width, scale * height + 30)
    axes = frame(figure, palette, 0, 0, 30, 0)
    axes.set_axis_off()
    axes.imshow(picture, cmap="gray", vmin=0, vmax=255, interpolation="nearest", aspect="auto")
    figure.text(0, 1 - 6 / (scale * height + 30), title, color=palette.ink, fontsize=12, va="top")
    return figure
