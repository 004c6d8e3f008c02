"""Renders a figure: into the page, where it follows light and dark, and into files for a paper."""

import io
import re
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

from seamline.io import atomic_write, write_text


@dataclass(frozen=True)
class Palette:
    """The colours of a figure: greys and one accent."""

    ink: str
    muted: str
    rule: str
    accent: str
    paper: str


PAPER = Palette(ink="#1c1c1a", muted="#6b6b67", rule="#dddcd8", accent="#b5400f", paper="#ffffff")
"""The colours of the files."""

SENTINELS = Palette(ink="#010203", muted="#040506", rule="#070809", accent="#0a0b0c", paper="#0d0e0f")
"""Colours that nothing else has, so that each can be replaced by what the page's style sheet says."""

_CLASS = "#0f1e{:02x}"
"""The colours that stand for the classes' own, for the same reason."""

_STYLES = {
    SENTINELS.ink: "currentColor",
    SENTINELS.muted: "var(--muted)",
    SENTINELS.rule: "var(--rule)",
    SENTINELS.accent: "var(--accent)",
    SENTINELS.paper: "var(--paper)",
}

Drawing = Callable[[Palette], Figure]

_SETTINGS: Any = {
    "font.family": "DejaVu Sans",
    "font.size": 11,
    "svg.fonttype": "none",
    "axes.unicode_minus": True,
    "axes.linewidth": 0.8,
    "text.parse_math": False,
}


def class_ink(palette: Palette, place: int, colours: Sequence[str]) -> str:
    """Return a class's colour: its own in files, and in the page the one that a reader chooses there."""
    return _CLASS.format(place) if palette is SENTINELS else colours[place]


def inline_svg(draw: Drawing, name: str, alt: str) -> str:
    """Render a figure as an SVG element to stand in the page.

    Args:
        draw: makes the figure from a palette.
        name: the figure's name; its ids start with it, so that no two figures share one.
        alt: what a person who cannot see the figure should know of it.
    """
    svg = re.sub(r"<!--.*?-->", "", _svg(draw, SENTINELS, name), flags=re.S)
    box = re.findall(r'viewBox="([\d. ]+)"', svg)[0]
    # Its rules would hold for the whole page; the style sheet says the same for figures alone.
    body = re.sub(r"<defs>\s*<style.*?</style>\s*</defs>", "", svg, flags=re.S)
    body = re.sub(r"\s+", " ", body[body.index("<svg") :].split(">", 1)[1])
    used = set(re.findall(r'(?:href="#|url\(#)([^")]+)', body))
    body = re.sub(r"<[^>]+>", lambda tag: _follow_page(tag[0], name, used), body).replace("> <", "><")
    width, label = box.split()[2], escape(alt, quote=True)
    return f'<svg class="plot" viewBox="{box}" style="--width: {width}px" role="img" aria-label="{label}">{body}'


def _follow_page(tag: str, name: str, used: set[str]) -> str:
    """Give a tag the page's colours and fonts, and ids of its figure's own where they are used at all."""
    tag = re.sub(r' id="([^"]+)"', lambda found: f' id="{name}-{found[1]}"' if found[1] in used else "", tag)
    tag = re.sub(r'(?:xlink:)?(href="#)|(url\(#)', lambda found: f"{found[1] or found[2]}{name}-", tag)
    tag = re.sub(r"'DejaVu Sans'(, [\w' -]+)*", "var(--sans)", tag)
    for sentinel, style in _STYLES.items():
        tag = tag.replace(sentinel, style)
    return re.sub("#0f1e([0-9a-f]{2})", lambda found: f"var(--class-{int(found[1], 16)})", tag)


def write_figure(draw: Drawing, path: Path) -> None:
    """Write a figure beside `path` as `.svg` and `.png`."""
    write_text(path.with_suffix(".svg"), _svg(draw, PAPER, path.stem))
    with atomic_write(path.with_suffix(".png")) as temporary, _settings(path.stem):
        draw(PAPER).savefig(temporary, format="png", dpi=216, facecolor=PAPER.paper, metadata={"Software": None})


def _svg(draw: Drawing, palette: Palette, salt: str) -> str:
    """Render as SVG: the same figure gives the same text."""
    text = io.StringIO()
    with _settings(salt):
        draw(palette).savefig(
            text, format="svg", transparent=True, metadata={"Date": None, "Creator": None, "Format": None, "Type": None}
        )
    return re.sub(r"<metadata>.*?</metadata>", "", text.getvalue(), flags=re.S)


@contextmanager
def _settings(salt: str) -> Iterator[None]:
    """Hold matplotlib's settings while one figure is made and written."""
    with mpl.rc_context(_SETTINGS | {"svg.hashsalt": salt}), warnings.catch_warnings():
        # A class name may be written in letters that the measuring font lacks; the reader's own font has them.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        yield
