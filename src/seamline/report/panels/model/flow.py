"""The drawing of a network: a bar for each layer, from the image at the top to the output at the bottom."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch, Rectangle
from matplotlib.path import Path

from seamline.report.plot_layout import canvas, frame, shortened
from seamline.report.svg import Theme, add_tip
from seamline.run_folder import ModelLayer

WIDTH = 350
"""Pixels of the drawing, which fit on a phone."""
PITCH = 24
"""Pixels from one bar to the next."""
_CENTER, _HALF = 92, 62  # of the bars, and half the length of the longest
_THIN, _THICK = 4, 15
_LETTERS = 18


@dataclass(frozen=True)
class FlowRow:
    """A bar of the drawing."""

    layer: ModelLayer
    skips: tuple[int, ...]  # bars that it takes maps of beside the one above


def flow_rows(layers: Sequence[ModelLayer]) -> tuple[FlowRow, ...]:
    """Return the layers that a drawing shows: those that compute, pool, join, or change the size.

    The others, such as normalization and activation, belong to the bar above them.
    """
    shown: list[FlowRow] = []
    place: dict[int, int] = {}
    for number, layer in enumerate(layers):
        sources = {place[one] for one in layer.inputs}
        changed = not shown or layer.shape != shown[-1].layer.shape
        if layer.multiply_adds or layer.kernel or len(sources) > 1 or changed or sources != {len(shown) - 1}:
            skips = tuple(sorted(sources - {len(shown) - 1}))
            shown.append(FlowRow(layer, skips))
        place[number] = len(shown) - 1
    return tuple(shown)


def draw_flow(theme: Theme, *, rows: Sequence[FlowRow]) -> Figure:
    """Draw the bars: longer for larger maps, thicker for more channels, both on logarithmic scales.

    Args:
        theme: the colors; the bar with the most multiply-adds has the accent.
        rows: the bars.

    Returns:
        The figure.
    """
    height = PITCH * len(rows) + 6
    figure = canvas(WIDTH, height)
    axes = frame(figure, 0, 0, 3, 3)
    axes.set_xlim(0, WIDTH)
    axes.set_ylim(PITCH * (len(rows) - 0.5), -PITCH / 2)
    axes.axis("off")
    sides = [math.log2(1 + _side(one.layer)) for one in rows]
    channels = [math.log2(1 + one.layer.shape[0]) for one in rows]
    most = max(one.layer.multiply_adds for one in rows)
    axes.plot([_CENTER] * 2, [0, PITCH * (len(rows) - 1)], color=theme.rule, linewidth=1.2, zorder=0)
    for number, one in enumerate(rows):
        length = 2 * max(3.0, _HALF * sides[number] / max(sides))
        thick = _THIN + (_THICK - _THIN) * channels[number] / max(channels)
        computes = one.layer.multiply_adds
        color = theme.accent if computes and computes == most else theme.muted if computes else theme.rule
        corner = (_CENTER - length / 2, PITCH * number - thick / 2)
        bar = axes.add_patch(Rectangle(corner, length, thick, facecolor=color, linewidth=0))
        shape = _shape(one.layer)
        add_tip(bar, theme, f"{one.layer.name}: {one.layer.kind}, {shape}")
        _label(axes, theme, number, _name(one.layer), shape)
        for skip in one.skips:
            _arc(axes, theme, (skip, number), max(sides[skip], sides[number]) / max(sides))
    return figure


def _label(axes: Axes, theme: Theme, number: int, name: str, shape: str) -> None:
    """Write the name of a bar and its shape on its right."""
    left, row = _CENTER + _HALF + 12, PITCH * number
    axes.text(left, row, shortened(name, _LETTERS), fontsize=10, va="center", color=theme.ink)
    axes.text(WIDTH, row, shape, fontsize=9.5, va="center", ha="right", color=theme.muted)


def _arc(axes: Axes, theme: Theme, ends: tuple[int, int], reach: float) -> None:
    """Draw a connection that skips bars, on their left."""
    first, last = (PITCH * end for end in ends)
    left = _CENTER - _HALF * reach - 3
    out = max(2.0, left - 10 - 4 * math.sqrt(ends[1] - ends[0]))
    points = [(left, first), (out, first), (out, last), (left, last)]
    codes = [Path.MOVETO, Path.CURVE4, Path.CURVE4, Path.CURVE4]
    axes.add_patch(PathPatch(Path(points, codes), facecolor="none", edgecolor=theme.muted, linewidth=1))
    axes.plot([left], [last], marker=">", markersize=4, color=theme.muted, clip_on=False)


def _name(layer: ModelLayer) -> str:
    """Return the name of a layer, or its kind and window where its name is only a number."""
    if layer.kind == "Normalize":
        return "pixels"
    kinds = layer.kind.split(", ")
    if not layer.name.rpartition(".")[2].isdigit() or len(kinds) > 1 or layer.kind.endswith(" layers"):
        return layer.name
    full = f"{kinds[0]} {' × '.join(map(str, layer.kernel))}"
    return full if len(full) <= _LETTERS else kinds[0]


def _side(layer: ModelLayer) -> float:
    """Return the side of a square as large as a layer's maps; 1 for features."""
    return math.sqrt(layer.shape[1] * layer.shape[2]) if len(layer.shape) == 3 else 1.0


def _shape(layer: ModelLayer) -> str:
    return " × ".join(map(str, layer.shape))
