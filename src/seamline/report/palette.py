"""Colors of classes: those of the dataset, and a palette for color-blind readers.

A page holds each mask once, as a palette PNG. The palette is a chunk of its own at a fixed position of the file;
position and length are multiples of three bytes, so in base64 too it is a text of its own. The page swaps that text for
another palette, and needs neither a second picture nor a canvas.
"""

import base64
import zlib
from collections.abc import Sequence

from seamline.run_folder import Color

OKABE_ITO: tuple[Color, ...] = (
    (0, 0, 0),
    (0, 114, 178),
    (240, 228, 66),
    (213, 94, 0),
    (204, 121, 167),
    (86, 180, 233),
    (0, 158, 115),
    (230, 159, 0),
)
"""The palette of Okabe and Ito, sorted so that the first colors differ most for color-blind readers."""

IGNORED: Color = (150, 148, 142)
"""Gray of pixels that are ignored."""


def colorblind_palette(palette: Sequence[Color]) -> tuple[Color, ...]:
    """Return a color that color-blind readers can distinguish for each class, close to its own where possible.

    Args:
        palette: K colors of the dataset.

    Returns:
        K colors. Beyond eight classes they repeat in lighter tints.
    """
    offered = [_tint(OKABE_ITO[i % len(OKABE_ITO)], i // len(OKABE_ITO)) for i in range(len(palette))]
    free, chosen = set(range(len(palette))), dict[int, Color]()
    pairs = sorted((_distance(a, b), i, j) for i, a in enumerate(palette) for j, b in enumerate(offered))
    for _, i, j in pairs:
        if i not in chosen and j in free:
            chosen[i] = offered[j]
            free.remove(j)
    return tuple(chosen[i] for i in range(len(palette)))


def hex_color(color: Sequence[int]) -> str:
    """Return a color as `#ff8000`."""
    red, green, blue = color
    return f"#{red:02x}{green:02x}{blue:02x}"


def png_palette(palette: Sequence[Color]) -> bytes:
    """Return the palette of a mask's PNG: the colors of the classes, then that of ignored pixels."""
    return bytes(channel for color in (*palette, IGNORED) for channel in color)


def png_palette_text(palette: Sequence[Color]) -> str:
    """Return the palette chunk as it stands in the text of a mask's data URI."""
    content = png_palette(palette)
    body = b"PLTE" + content
    return base64.b64encode(len(content).to_bytes(4, "big") + body + zlib.crc32(body).to_bytes(4, "big")).decode()


def _tint(color: Color, times: int) -> Color:
    """Mix a color with white `times` times."""
    weight = 0.55**times
    red, green, blue = (round(255 - weight * (255 - channel)) for channel in color)
    return red, green, blue


def _distance(a: Sequence[int], b: Sequence[int]) -> int:
    return sum((x - y) ** 2 for x, y in zip(a, b, strict=True))
