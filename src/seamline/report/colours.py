"""The colours of classes: those of the study's masks, and a choice that colour-blind readers can tell apart.

A page holds each mask once, as a palette PNG. Its palette is a piece of its own at a fixed place in the file, place and
length are multiples of three bytes, so that in base64 too it is a piece of its own: the page swaps that text for the
text of another palette, and needs neither a second picture nor a canvas.
"""

import base64
import zlib
from collections.abc import Sequence

from seamline.data.masks import Color

SAFE: tuple[Color, ...] = (
    (0, 0, 0),
    (0, 114, 178),
    (240, 228, 66),
    (213, 94, 0),
    (204, 121, 167),
    (86, 180, 233),
    (0, 158, 115),
    (230, 159, 0),
)
"""The colours of Okabe and Ito, those first that are furthest apart for eyes that lack one kind of cone."""

NOWHERE: Color = (150, 148, 142)
"""Drawn where a pixel counts nowhere: a grey."""

WRONG: Color = (214, 0, 110)
"""Drawn where the output is wrong: apart from every grey in hue and in lightness."""


def safe_colours(own: Sequence[Color]) -> tuple[Color, ...]:
    """Give each class one of the colours that can be told apart, the nearest to its own as far as they last.

    Args:
        own: the K colours of the dataset.

    Returns:
        K colours. Beyond eight classes they return in lighter tints.
    """
    offered = [_tint(SAFE[i % len(SAFE)], i // len(SAFE)) for i in range(len(own))]
    free, chosen = set(range(len(own))), dict[int, Color]()
    pairs = sorted((_distance(a, b), i, j) for i, a in enumerate(own) for j, b in enumerate(offered))
    for _, i, j in pairs:
        if i not in chosen and j in free:
            chosen[i] = offered[j]
            free.remove(j)
    return tuple(chosen[i] for i in range(len(own)))


def hexed(colour: Sequence[int]) -> str:
    """Write a colour as `#ff8000`."""
    red, green, blue = (min(max(int(part), 0), 255) for part in colour)
    return f"#{red:02x}{green:02x}{blue:02x}"


def palette_of(colours: Sequence[Color]) -> bytes:
    """Return the palette of a mask's picture: the classes' colours, then the one of pixels that count nowhere."""
    return bytes(part for colour in (*colours, NOWHERE) for part in colour)


def palette_text(colours: Sequence[Color]) -> str:
    """Return the palette as it stands in the text of a mask's data URI."""
    held = palette_of(colours)
    body = b"PLTE" + held
    return base64.b64encode(len(held).to_bytes(4, "big") + body + zlib.crc32(body).to_bytes(4, "big")).decode()


def _tint(colour: Color, times: int) -> Color:
    """Mix a colour with white, once for each time that all have been used."""
    share = 0.55**times
    red, green, blue = (round(255 - share * (255 - part)) for part in colour)
    return red, green, blue


def _distance(a: Sequence[int], b: Sequence[int]) -> int:
    return sum((x - y) ** 2 for x, y in zip(a, b, strict=True))
