"""Layout of figures: axes with margins in pixels, labels that keep apart, and texts under the pointer.

One unit is one pixel of the page: figures have 72 dots per inch, so a point is a pixel.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter
from numpy.typing import NDArray

from seamline.report.svg import Theme, add_tip
from seamline.run_folder import Estimate

PERCENT = FuncFormatter(lambda value, _: f"{100 * value:.0f} %")


def canvas(width: float, height: float) -> Figure:
    """Return an empty figure of a size in pixels."""
    return Figure(figsize=(width / 72, height / 72), dpi=72)


def frame(figure: Figure, left: float, right: float, top: float, bottom: float) -> Axes:
    """Add axes with margins in pixels."""
    width, height = figure.get_size_inches() * 72
    return figure.add_axes(
        (left / width, bottom / height, (width - left - right) / width, (height - top - bottom) / height)
    )


def heading(figure: Figure, text: str) -> None:
    """Write a title above the axes."""
    figure.text(0, 1 - 8 / (72 * figure.get_figheight()), text, fontsize=12, fontweight="bold", va="top")


def finite(series: Mapping[str, Sequence[float]]) -> NDArray[np.float64]:
    """Return all values that are finite, (N,) float64."""
    values = np.array(list(series.values()), dtype=np.float64)
    return values[np.isfinite(values)]


def lower_ends(estimates: Iterable[Estimate]) -> NDArray[np.float64]:
    """Return the lower end of each estimate that is present, (N,) float64."""
    return np.array([interval_ends(one)[0] for one in estimates if one.present])


def fraction_floor(values: NDArray[np.float64]) -> float:
    """Return where an axis of fractions starts: the last multiple of 10 % below the values, (N,) float64."""
    return max(0.0, math.floor(10 * float(values.min(initial=0.9)) - 1e-9) / 10)


def spread(positions: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Move labels apart.

    Args:
        positions: where the labels should be.
        gap: smallest distance of two labels.
        low: lowest position.
        high: highest position, which is exceeded where the labels do not fit.

    Returns:
        Positions in the same order, each as close to its own as possible.
    """
    order = sorted(range(len(positions)), key=lambda i: positions[i])
    blocks: list[list[float]] = []  # labels that touch

    def start(block: Sequence[float]) -> float:
        middle = sum(position - i * gap for i, position in enumerate(block)) / len(block)
        return max(min(middle, high - (len(block) - 1) * gap), low)

    for i in order:
        blocks.append([min(max(positions[i], low), high)])
        while len(blocks) > 1 and start(blocks[-2]) + len(blocks[-2]) * gap > start(blocks[-1]):
            last = blocks.pop()
            blocks[-1] += last
    moved = [start(block) + i * gap for block in blocks for i in range(len(block))]
    result = [0.0] * len(positions)
    for i, position in zip(order, moved, strict=True):
        result[i] = position
    return result


def interval_ends(estimate: Estimate) -> tuple[float, float]:
    """Return the ends of an interval; the value twice without one."""
    return (estimate.low, estimate.high) if estimate.has_interval else (estimate.value, estimate.value)


def epoch_axis(axes: Axes, epochs: Sequence[float], start: float | None = None) -> float:
    """Set the axis of epochs up for positions in ascending order, and return its end."""
    first, last = epochs[0] if start is None else start, epochs[-1]
    if first == last:
        axes.set_xlim(first - 0.5, last + 0.5)
        axes.set_xticks([first])
        return last + 0.5
    axes.set_xlim(first, last)
    axes.locator_params(axis="x", nbins=6, integer=last - first >= 3, steps=[1, 2, 5, 10])
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.10g}"))
    return last


def label(axes: Axes, text: str, position: tuple[float, float], offset: float, color: str) -> None:
    """Write a label to the right of a position."""
    axes.annotate(
        text, position, (offset, 0), textcoords="offset points", color=color, va="center",
        annotation_clip=False, linespacing=1.15,
    )  # fmt: skip


def tip_columns(axes: Axes, theme: Theme, positions: Iterable[float], texts: Sequence[str]) -> None:
    """Show a text while the pointer is over the column around each position, the full height of the axes."""
    low, high = axes.get_xlim()
    middles = [(a + b) / 2 for a, b in pairwise(positions)]
    for left, right, text in zip([low, *middles], [*middles, high], texts, strict=True):
        add_tip(axes.axvspan(left, right, alpha=0, linewidth=0, zorder=10), theme, text)


def shortened(name: str, longest: int) -> str:
    """Return a name of at most `longest` characters."""
    return name if len(name) <= longest else f"{name[: longest - 1]}…"
