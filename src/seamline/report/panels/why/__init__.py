"""Why classes are confused: their mean images and outlines, their sharpness, and the spread of their features."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from matplotlib.figure import Figure

from seamline.evaluation.text import pluralize
from seamline.report.images import SIDE, png_uri
from seamline.report.panel import Content
from seamline.report.plot_layout import PERCENT, canvas, frame, spread
from seamline.report.run_data import SPLITS, RunData
from seamline.report.svg import WIDTHS, Theme, add_tip, responsive_svg
from seamline.run_folder import ClassAnalysis, ClassPair, Estimate

FIRST_PAIRS = 8
"""Pairs of classes in the table; the others are folded."""

NAMED_PAIRS = 3
"""Pairs that the plot names."""


def build(run: RunData) -> Content | None:
    """Show how the classes look, which of them resemble each other, and what else goes with low recall."""
    analysis, means = run.class_analysis, run.class_means
    if analysis is None or means is None:
        return None
    height, width = analysis.tile
    scale: float = SIDE // max(height, width) or SIDE / max(height, width)
    draw = partial(confusion_by_overlap, analysis=analysis, classes=run.classes)
    alt = "One dot per pair of classes: overlap and number of confused images; the table below has the values."
    values: dict[str, Any] = {
        "analysis": analysis,
        "classes": run.classes,
        "split_title": SPLITS[run.metrics.held_out_split],
        "uri": png_uri(means),
        "width": width * scale,
        "height": height * scale,
        "orientations": list(next(iter(analysis.classes.values())).orientations),
        "first": analysis.pairs[:FIRST_PAIRS],
        "others": analysis.pairs[FIRST_PAIRS:],
        "plots": responsive_svg(draw, "why", alt) if len(analysis.pairs) > NAMED_PAIRS else None,
    }
    figures = {"confusion-by-overlap": partial(draw, width=WIDTHS["wide"])} if values["plots"] else {}
    return Content(values, figures)


def confusion_by_overlap(theme: Theme, *, analysis: ClassAnalysis, classes: Sequence[str], width: float) -> Figure:
    """Draw how often the classes of each pair are confused over the overlap of their outlines, or of mean images.

    Args:
        theme: the colors.
        analysis: the pairs.
        classes: K class names.
        width: width in pixels.

    Returns:
        The figure.
    """
    height = 250
    figure = canvas(width, height)
    axes = frame(figure, 44, 16, 28, 40)
    most = max(1, *(pair.confused for pair in analysis.pairs))
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1.08 * most)
    axes.xaxis.set_major_formatter(PERCENT)
    axes.locator_params(axis="y", nbins=4, integer=True)
    pairs = [pair for pair in analysis.pairs if overlap_of(pair, analysis).present]  # not of classes without images
    for rank, pair in enumerate(pairs):
        overlap = overlap_of(pair, analysis).value
        color = theme.accent if rank < NAMED_PAIRS else theme.muted
        (dot,) = axes.plot([overlap], [pair.confused], "o", color=color, markersize=6, markeredgewidth=0, clip_on=False)
        names = " and ".join(classes[k] for k in pair.classes)
        add_tip(dot, theme, f"{names}: {pluralize(pair.confused, 'image')} confused, overlap {100 * overlap:.0f} %")
    named = pairs[:NAMED_PAIRS]
    line = 14 * 1.08 * most / 182  # the height of a line of text, in images
    heights = spread([pair.confused for pair in named], line, 0, 1.08 * most)
    for pair, height_of_name in zip(named, heights, strict=True):
        overlap = overlap_of(pair, analysis).value
        offset, side = (8, "left") if overlap < 0.5 else (-8, "right")  # toward the wider side of the figure
        axes.annotate(
            " and ".join(classes[k] for k in pair.classes), (overlap, height_of_name), (offset, 0),
            textcoords="offset points", color=theme.ink, va="center", ha=side, annotation_clip=False,
        )  # fmt: skip
    axes.set_xlabel(f"overlap of the mean {'outlines' if analysis.outlines else 'images'}")
    figure.text(0, 1 - 4 / height, "images confused", color=theme.muted, va="top")
    return figure


def overlap_of(pair: ClassPair, analysis: ClassAnalysis) -> Estimate:
    """Return the overlap of the outlines of a pair, or of the mean images where there are no outlines."""
    return pair.outline_overlap if analysis.outlines else pair.overlap
