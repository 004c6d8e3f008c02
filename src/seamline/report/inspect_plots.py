"""Draws the figure of the page of an inspection."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from seamline.data.validate import SizeCount
from seamline.evaluation.text import pluralize
from seamline.report.plot_layout import canvas, frame
from seamline.report.svg import Theme, add_tip


def image_sizes(theme: Theme, *, sizes: Sequence[SizeCount]) -> Figure:
    """Draw a dot for each size of images, its area by their number.

    Args:
        theme: the colors.
        sizes: the sizes, the most frequent first.

    Returns:
        The figure.
    """
    width, height = 420, 290
    figure = canvas(width, height)
    axes = frame(figure, 52, 18, 30, 44)
    axes.grid(axis="both", color=theme.rule, linewidth=0.8)
    largest = max(one.images for one in sizes)
    for one in sizes:
        size = 4 + 12 * np.sqrt(one.images / largest)
        (dot,) = axes.plot(
            [one.width], [one.height], "o", color=theme.muted, alpha=0.55, markersize=size, markeredgewidth=0,
            clip_on=False,
        )  # fmt: skip
        add_tip(dot, theme, f"{one.width} x {one.height} pixels: {pluralize(one.images, 'image')}")
    axes.set_xlim(0, 1.05 * max(one.width for one in sizes))
    axes.set_ylim(0, 1.08 * max(one.height for one in sizes))
    axes.locator_params(nbins=6)
    axes.set_xlabel("width in pixels")
    figure.text(0, 1 - 4 / height, "height in pixels", color=theme.muted, va="top")
    return figure
