"""Fonts for text in pictures: names of classes may have letters that the usual font lacks."""

from functools import cache
from pathlib import Path
from typing import NamedTuple

PLAIN = "DejaVu Sans"
"""The font of figures, which comes with matplotlib: Latin, Greek, Cyrillic, Arabic, Hebrew and many symbols."""

_PIXELS = 12  # size at which a font must be able to draw a letter
_SKIPPED = ("Last Resort", "cm", "STIX")
"""Starts of names of fonts that have a box for every letter, or other letters in their places."""

_PREFERRED = "Noto Sans"
"""Start of names of fonts that are preferred among those with equally many of the letters."""


class Fonts(NamedTuple):
    """Fonts for a text."""

    names: tuple[str, ...]  # names of the fonts, `PLAIN` first
    files: tuple[Path, ...]  # the file of each
    missing: str  # letters that none of them has, each once


def fonts_for(text: str) -> Fonts:
    """Return the usual font, and installed fonts with the letters of a text that it lacks, as few as cover most."""
    from matplotlib import font_manager

    plain = Path(font_manager.findfont(PLAIN))
    missing = {letter for letter in text if letter.isprintable() and not letter.isspace()} - _letters(plain, text)
    names, files = [PLAIN], [plain]
    fonts = {entry.name: Path(entry.fname) for entry in font_manager.fontManager.ttflist if missing and _upright(entry)}
    while missing:
        covered = {name: _letters(file, "".join(sorted(missing))) for name, file in sorted(fonts.items())}
        best = max(covered, key=lambda name: (len(covered[name]), name.startswith(_PREFERRED)), default=None)
        if best is None or not covered[best]:
            break
        names.append(best)
        files.append(fonts[best])
        missing -= covered[best]
    return Fonts(tuple(names), tuple(files), "".join(sorted(missing)))


def draws(file: Path, text: str) -> bool:
    """Return whether a font has every letter of a text."""
    return {letter for letter in text if not letter.isspace()} <= _letters(file, text)


def _upright(entry: object) -> bool:
    """Return whether an entry of matplotlib's list is a regular font of letters."""
    name, style = str(getattr(entry, "name", "")), getattr(entry, "style", "normal")
    return style == "normal" and not name.startswith(_SKIPPED)


@cache
def _letters(file: Path, text: str) -> set[str]:
    """Return the letters of a text that a font can draw."""
    from matplotlib.ft2font import FT2Font

    drawn = set()
    try:
        font = FT2Font(str(file))
        font.set_size(_PIXELS, 72)
        for letter in set(text):
            if font.get_char_index(ord(letter)):
                font.load_char(ord(letter))
                drawn.add(letter)
    except (OSError, RuntimeError, ValueError):  # damaged, or of bitmaps only, as some fonts of emoji are
        return set()
    return drawn
