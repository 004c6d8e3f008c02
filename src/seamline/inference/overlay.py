"""Pictures of masks: the image with the classes' colors over it, and the legend."""

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from seamline.inference.fonts import draws, fonts_for
from seamline.run_folder import Color

TRANSPARENT = (0, 0, 0)
"""The color of a class that overlays leave transparent: in masks black is the background, and would only darken."""

_ROWS = 64  # rows that are blended at once, so that they stay in the processor's cache
_LEGEND_ROWS = 24
_FONT_SIZE, _LINE, _SWATCH, _MARGIN = 22, 40, (44, 26), 20  # pixels


def blend_overlay(image: NDArray[np.uint8], mask: NDArray[np.uint8], palette: Sequence[Color]) -> None:
    """Blend the classes' colors into an image in place, half and half; black classes are left transparent.

    Args:
        image: (H, W, 3) uint8, changed.
        mask: (H, W) uint8, values 0..K-1.
        palette: K colors.
    """
    halves = np.array(palette, np.uint8) // 2
    transparent = np.array([tuple(color) == TRANSPARENT for color in palette])
    for row in range(0, len(image), _ROWS):
        rows, classes = image[row : row + _ROWS], mask[row : row + _ROWS]
        blended = rows // 2
        blended += np.take(halves, classes, axis=0)
        np.copyto(rows, blended, where=~np.take(transparent, classes)[..., np.newaxis])


def draw_legend(classes: Sequence[str], palette: Sequence[Color]) -> NDArray[np.uint8]:
    """Draw the classes with their colors, and note those that overlays leave transparent.

    Args:
        classes: K names, K at least 1.
        palette: K colors.

    Returns:
        (H, W, 3) uint8, dark text on white.
    """
    labels = [
        f"{name} (transparent in overlays)" if tuple(color) == TRANSPARENT else name
        for name, color in zip(classes, palette, strict=True)
    ]
    fonted = [_label_font(label) for label in labels]
    columns = -(-len(labels) // _LEGEND_ROWS)
    rows = -(-len(labels) // columns)
    column_width = _SWATCH[0] + 12 + max(int(np.ceil(font.getlength(label))) for label, font in fonted) + _MARGIN
    picture = Image.new("RGB", (_MARGIN + columns * column_width, 2 * _MARGIN + rows * _LINE), "white")
    draw = ImageDraw.Draw(picture)
    for index, ((label, font), color) in enumerate(zip(fonted, palette, strict=True)):
        left = _MARGIN + index // rows * column_width
        middle = _MARGIN + index % rows * _LINE + _LINE // 2
        box = (left, middle - _SWATCH[1] // 2, left + _SWATCH[0], middle + _SWATCH[1] // 2)
        draw.rectangle(box, fill=tuple(color), outline=(120, 120, 120))
        draw.text((left + _SWATCH[0] + 12, middle), label, fill=(20, 20, 20), font=font, anchor="lm")
    return np.asarray(picture)


def _label_font(label: str) -> tuple[str, Any]:
    """Return a label and a font that has its letters; letters that no installed font has become escapes."""
    if label.isascii():
        return label, ImageFont.load_default(_FONT_SIZE)
    fonts = fonts_for(label)
    file = next((file for file in reversed(fonts.files) if draws(file, label)), None)
    if file is None:
        return label.encode("ascii", "backslashreplace").decode(), ImageFont.load_default(_FONT_SIZE)
    return label, ImageFont.truetype(file, _FONT_SIZE)


def encode_png(image: NDArray[np.uint8]) -> bytes:
    """Encode an image (H, W, 3) or (H, W) uint8 as a PNG with OpenCV, which takes half the time of Pillow."""
    _, content = cv2.imencode(".png", image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
    return content.tobytes()
