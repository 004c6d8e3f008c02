"""Draws what only segmenters need: precision against recall, and all images by their mean IoU.

As in `figures`, one unit is one pixel of the page.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from seamline.report.drawing import Palette, class_ink
from seamline.report.figures import SMALL, canvas, frame, spread

PERCENT = FuncFormatter(lambda value, _: f"{100 * value:.0f} %")


def precision_recall(
    palette: Palette,
    curves: Mapping[str, tuple[Sequence[float], Sequence[float]]],
    ends: Mapping[str, str],
    classes: Sequence[str],
    colours: Sequence[str],
    width: float,
) -> Figure:
    """Draw one line a class in its colour, its name and figure at its end.

    Args:
        palette: the colours of the rest.
        curves: class -> recall, rising, and precision.
        ends: class -> what stands below its name.
        classes: all class names, in their order.
        colours: the colour of each, as `#rrggbb`.
        width: in pixels.
    """
    height, right = (400, 118) if width > 500 else (360, 92)
    figure = canvas(width, height)
    axes = frame(figure, palette, 44, right, 24, 44)
    axes.set(xlim=(0, 1), ylim=(0, 1))
    axes.xaxis.set_major_formatter(PERCENT)
    axes.yaxis.set_major_formatter(PERCENT)
    axes.set_xticks(np.linspace(0, 1, 6))
    axes.set_yticks(np.linspace(0, 1, 6))
    shown = [name for name in classes if name in curves and len(curves[name][0])]
    places = spread([curves[name][1][-1] for name in shown], 31 / (height - 68), 22 / (height - 68), 1)
    longest = 16 if width > 500 else 12
    for name, place in zip(shown, places, strict=True):
        recall, precision = (np.asarray(axis, dtype=np.float64) for axis in curves[name])
        colour = class_ink(palette, classes.index(name), colours)
        # A grey line below each is darker than light paper and lighter than dark paper: any colour then stands out.
        axes.plot(recall, precision, color=palette.muted, linewidth=3.6, solid_joinstyle="round")
        axes.plot(recall, precision, color=colour, linewidth=2.2, solid_joinstyle="round")
        if abs(place - precision[-1]) * (height - 68) > 3:
            x = [recall[-1], 1 + 9 / (width - 44 - right)]
            axes.plot(x, [precision[-1], place], color=palette.muted, linewidth=0.8, clip_on=False)
        axes.plot(
            [1 + 13 / (width - 44 - right)], [place + 7 / (height - 68)], "s", color=colour, markersize=8,
            markeredgecolor=palette.muted, markeredgewidth=0.6, clip_on=False,
        )  # fmt: skip
        text = f"{name if len(name) <= longest else name[: longest - 1] + '…'}\n{ends.get(name, '')}"
        axes.annotate(
            text, (1, place), (22, 0), textcoords="offset points", color=palette.ink, fontsize=SMALL, va="center",
            annotation_clip=False, linespacing=1.2,
        )  # fmt: skip
    axes.set_xlabel("recall: share of the class's pixels found", color=palette.muted, fontsize=SMALL, labelpad=6)
    figure.text(
        0, 1 - 4 / height, "precision: share of what is found that is right",
        color=palette.muted, fontsize=SMALL, va="top",
    )  # fmt: skip
    return figure


def ranking(palette: Palette, values: Sequence[float], marked: Mapping[int, str], width: float) -> Figure:
    """Draw the images in the order of their mean IoU, the ones shown on the page in the accent.

    Args:
        palette: the colours.
        values: mean IoU of each image, best first.
        marked: place, from 1, of the images that the page shows.
        width: in pixels.
    """
    height = 190
    figure = canvas(width, height)
    axes = frame(figure, palette, 36, 16, 28, 40)
    places = np.arange(1, len(values) + 1)
    axes.set_xlim(0.5, len(values) + 0.5)
    axes.set_ylim(0, max(0.1, 1.05 * max(values)))
    axes.yaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 2.5, 5, 10]))
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True, steps=[1, 2, 5, 10]))
    axes.plot(places, values, "o", color=palette.muted, markersize=3.2, markeredgewidth=0, clip_on=False)
    for place in marked:
        axes.plot([place, place], [0, values[place - 1]], color=palette.accent, linewidth=1.2)
        axes.plot(
            [place], [values[place - 1]], "o", color=palette.accent, markersize=7, markeredgewidth=0, clip_on=False
        )
    axes.set_xlabel("place of the image", color=palette.muted, fontsize=SMALL, labelpad=6)
    figure.text(0, 1 - 4 / height, "mean IoU", color=palette.muted, fontsize=SMALL, va="top")
    return figure
