"""What a person sees of a mask: the photo with colours laid over it, and what the colours mean."""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from seamline.data.masks import Color

CLEAR = (0, 0, 0)
"""The colour of a class that overlays leave clear: masks show their background black, and black would only darken."""

_ROWS = 64  # of an overlay at once, so that they stay in the processor's cache
_PER_COLUMN = 24  # classes in a column of the legend
_FONT, _LINE, _SWATCH, _MARGIN = 22, 40, (44, 26), 20  # pixels


def lay_over(photo: NDArray[np.uint8], mask: NDArray[np.uint8], colours: Sequence[Color]) -> None:
    """Lay the classes' colours half transparent over a photo, in place; black classes are left clear.

    Args:
        photo: (H, W, 3) uint8, changed.
        mask: (H, W) uint8, values 0..K-1.
        colours: K colours.
    """
    halves = np.array(colours, np.uint8) // 2
    clear = np.array([tuple(colour) == CLEAR for colour in colours])
    for row in range(0, len(photo), _ROWS):
        part, classes = photo[row : row + _ROWS], mask[row : row + _ROWS]
        mixed = part // 2
        mixed += np.take(halves, classes, axis=0)
        np.copyto(part, mixed, where=~np.take(clear, classes)[..., np.newaxis])


def draw_legend(classes: Sequence[str], colours: Sequence[Color]) -> NDArray[np.uint8]:
    """Draw the classes and their colours, as masks show them; says which ones overlays leave clear.

    Args:
        classes: K names, K at least 1.
        colours: K colours.

    Returns:
        (H, W, 3) uint8, dark text on white.
    """
    font = ImageFont.load_default(_FONT)
    names = [
        f"{name} (clear in overlays)" if tuple(colour) == CLEAR else name
        for name, colour in zip(classes, colours, strict=True)
    ]
    columns = -(-len(names) // _PER_COLUMN)
    rows = -(-len(names) // columns)
    name_width = max(int(np.ceil(font.getlength(name))) for name in names)
    column = _SWATCH[0] + 12 + name_width + _MARGIN
    picture = Image.new("RGB", (_MARGIN + columns * column, 2 * _MARGIN + rows * _LINE), "white")
    draw = ImageDraw.Draw(picture)
    for place, (name, colour) in enumerate(zip(names, colours, strict=True)):
        left, middle = _MARGIN + place // rows * column, _MARGIN + place % rows * _LINE + _LINE // 2
        box = (left, middle - _SWATCH[1] // 2, left + _SWATCH[0], middle + _SWATCH[1] // 2)
        draw.rectangle(box, fill=tuple(colour), outline=(120, 120, 120))
        draw.text((left + _SWATCH[0] + 12, middle), name, fill=(20, 20, 20), font=font, anchor="lm")
    return np.asarray(picture)


def png(picture: NDArray[np.uint8]) -> bytes:
    """Encode a picture (H, W, 3) as a PNG, quickly rather than tightly: OpenCV takes half of Pillow's time for it."""
    _, content = cv2.imencode(".png", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
    return content.tobytes()
