"""Renders a figure: into the page, where it follows its light or dark theme, and into SVG and PNG files."""

import io
import re
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from html import escape, unescape
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.artist import Artist
from matplotlib.figure import Figure

from seamline.inference.fonts import PLAIN, fonts_for
from seamline.io import atomic_write, write_text


@dataclass(frozen=True)
class Theme:
    """The colors of a figure: grays and one accent."""

    ink: str
    muted: str
    rule: str
    accent: str
    paper: str


PAPER = Theme(ink="#1c1c1a", muted="#6b6b67", rule="#dddcd8", accent="#b5400f", paper="#ffffff")
"""The colors of files."""

SENTINELS = Theme(ink="#010203", muted="#040506", rule="#070809", accent="#0a0b0c", paper="#0d0e0f")
"""Colors that nothing else has; in the page, each is replaced by a variable of its style sheet."""

_CLASS = "#0f1e{:02x}"
"""Sentinels of the colors of classes."""

_STYLES = {
    SENTINELS.ink: "currentColor",
    SENTINELS.muted: "var(--muted)",
    SENTINELS.rule: "var(--rule)",
    SENTINELS.accent: "var(--accent)",
    SENTINELS.paper: "var(--paper)",
}

_TIP = "tip: "
"""Start of the id of an element that shows a text while the pointer is over it."""

WIDTHS = {"wide": 720.0, "narrow": 350.0}
"""Widths in pixels of a figure that is drawn anew for narrow screens."""

Drawing = Callable[[Theme], Figure]


def class_color(theme: Theme, index: int, colors: Sequence[str]) -> str:
    """Return the color of a class: its own in files, in the page the one of the palette chosen there."""
    return _CLASS.format(index) if theme is SENTINELS else colors[index]


def add_tip(artist: Artist, theme: Theme, text: str) -> None:
    """Show a text in the page while the pointer is over an artist."""
    if theme is SENTINELS:
        artist.set_gid(_TIP + text)


def inline_svg(draw: Drawing, name: str, alt: str) -> str:
    """Render a figure as an SVG element of the page.

    Args:
        draw: makes the figure in the colors of a theme.
        name: name of the figure; its ids start with it, so that no two figures share one.
        alt: description for people who cannot see the figure.

    Returns:
        The element.
    """
    svg = re.sub(r"<!--.*?-->", "", _svg(draw, SENTINELS, name), flags=re.S)
    box = re.findall(r'viewBox="([\d. ]+)"', svg)[0]
    # Its rules would apply to the whole page; the style sheet of the page has them for figures alone.
    body = re.sub(r"<defs>\s*<style.*?</style>\s*</defs>", "", svg, flags=re.S)
    body = re.sub(r"\s+", " ", body[body.index("<svg") :].split(">", 1)[1])
    body = re.sub(f'<g id="{_TIP}([^"]*)">', r"<g><title>\1</title>", body)
    used = set(re.findall(r'(?:href="#|url\(#)([^")]+)', body))
    body = re.sub(r"<[^>]+>", lambda tag: _page_tag(tag[0], name, used), body).replace("> <", "><")
    width, label = box.split()[2], escape(alt, quote=True)
    return f'<svg class="plot" viewBox="{box}" style="--width: {width}px" role="img" aria-label="{label}">{body}'


def responsive_svg(draw: Callable[..., Figure], name: str, alt: str) -> dict[str, str]:
    """Render a figure for wide and for narrow screens.

    Args:
        draw: makes the figure from a theme and a `width`.
        name: name of the figure.
        alt: description for people who cannot see the figure.

    Returns:
        Key of `WIDTHS` -> SVG element.
    """
    return {size: inline_svg(partial(draw, width=width), f"{name}-{size}", alt) for size, width in WIDTHS.items()}


def write_figure(draw: Drawing, path: Path) -> str:
    """Write a figure as `.svg` and `.png`.

    Args:
        draw: makes the figure in the colors of a theme.
        path: path of both files without the ending.

    Returns:
        The letters that no installed font has; in the `.png` they are boxes.

    Raises:
        OSError: a file cannot be written.
    """
    svg = _svg(draw, PAPER, path.stem)
    fonts = fonts_for("".join(sorted(set(unescape(svg)))))
    if len(fonts.names) > 1:
        svg = _svg(draw, PAPER, path.stem, fonts.names)
    write_text(path.with_suffix(".svg"), svg)
    with atomic_write(path.with_suffix(".png")) as temporary, _settings(PAPER, path.stem, fonts.names):
        draw(PAPER).savefig(temporary, format="png", dpi=216, facecolor=PAPER.paper, metadata={"Software": None})
    return fonts.missing


def _page_tag(tag: str, name: str, used: set[str]) -> str:
    """Return a tag with the colors and fonts of the page; ids that nothing refers to are left out."""
    tag = re.sub(r' id="([^"]+)"', lambda match: f' id="{name}-{match[1]}"' if match[1] in used else "", tag)
    tag = re.sub(r'(?:xlink:)?(href="#)|(url\(#)', lambda match: f"{match[1] or match[2]}{name}-", tag)
    tag = re.sub(r"'DejaVu Sans'(, [\w' -]+)*", "var(--sans)", tag)
    for sentinel, style in _STYLES.items():
        tag = tag.replace(sentinel, style)
    return re.sub("#0f1e([0-9a-f]{2})", lambda match: f"var(--class-{int(match[1], 16)})", tag)


def _svg(draw: Drawing, theme: Theme, salt: str, fonts: Sequence[str] = (PLAIN,)) -> str:
    """Render as SVG: the same figure gives the same text."""
    text = io.StringIO()
    with _settings(theme, salt, fonts):
        draw(theme).savefig(
            text, format="svg", transparent=True, metadata={"Date": None, "Creator": None, "Format": None, "Type": None}
        )
    return re.sub(r"<metadata>.*?</metadata>", "", text.getvalue(), flags=re.S)


@contextmanager
def _settings(theme: Theme, salt: str, fonts: Sequence[str]) -> Iterator[None]:
    """Set matplotlib up while one figure is drawn and written: axes have a line below, faint grid lines and no box."""
    settings: Any = {
        "svg.fonttype": "none",
        "svg.hashsalt": salt,
        "font.family": [*fonts],
        "font.size": 11,
        "text.color": theme.ink,
        "text.parse_math": False,
        "axes.facecolor": "none",
        "axes.edgecolor": theme.muted,
        "axes.linewidth": 0.8,
        "axes.labelcolor": theme.muted,
        "axes.labelpad": 6,
        "axes.axisbelow": True,
        "axes.grid": True,
        "axes.grid.axis": "y",
        "grid.color": theme.rule,
        **{f"axes.spines.{side}": False for side in ("left", "right", "top")},
        **{f"{axis}tick.color": theme.muted for axis in "xy"},
        **{f"{axis}tick.major.size": 0 for axis in "xy"},
        **{f"{axis}tick.major.pad": 6 for axis in "xy"},
    }
    with mpl.rc_context(settings), warnings.catch_warnings():
        # A class name may have letters that the measuring font lacks; the fonts of the page have them.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        yield
