"""Draws masks and photos for the page: small, and each once."""

import base64
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from seamline.data.image_io import encode_jpeg
from seamline.data.masks import Color
from seamline.report.colours import WRONG, palette_of
from seamline.report.pictures import data_uri

GREYS = 15
"""Shades of the faint photo under the errors: with the errors' colour they fit into four bits a pixel."""

FAINT = (196, 248)
"""The darkest and the lightest of these shades."""


def mask_uri(mask: NDArray[np.uint8], colours: Sequence[Color]) -> str:
    """Encode a mask as a palette PNG whose palette the page can swap.

    Args:
        mask: (H, W) classes; K and above counts nowhere.
        colours: the K colours.
    """
    picture = Image.fromarray(np.minimum(mask, len(colours)).astype(np.uint8))
    picture.putpalette(palette_of(colours))
    return data_uri(picture, optimize=False)


def photo_uri(photo: Image.Image, side: int, quality: int = 82) -> str:
    """Encode a photo as a JPEG, its longer side at most `side` pixels."""
    content = encode_jpeg(np.asarray(photo.convert("RGB")), side, quality)
    return "data:image/jpeg;base64," + base64.b64encode(content).decode()


def errors_uri(photo: Image.Image, truth: NDArray[np.uint8], output: NDArray[np.uint8], classes: int) -> str:
    """Draw where an output is wrong: wrong pixels in one strong colour, the others as a faint grey photo.

    Args:
        photo: the image.
        truth: (H, W) classes; `classes` and above counts nowhere.
        output: (H, W) classes.
        classes: the number of classes K.
    """
    grey = np.asarray(photo.convert("L"), dtype=np.uint16)
    indices = (1 + grey * GREYS // 256).astype(np.uint8)
    indices[wrong_pixels(truth, output, classes)] = 0
    shades = np.rint(np.linspace(*FAINT, GREYS)).astype(int)
    picture = Image.fromarray(indices)
    picture.putpalette(bytes([*WRONG, *np.repeat(shades, 3).tolist()]))
    return data_uri(picture, optimize=False)


def wrong_pixels(truth: NDArray[np.uint8], output: NDArray[np.uint8], classes: int) -> NDArray[np.bool_]:
    """Tell where an output differs from the truth, of the pixels that count."""
    wrong: NDArray[np.bool_] = (truth != output) & (truth < classes)
    return wrong


def shares_of(mask: NDArray[np.uint8], classes: int) -> NDArray[np.float64]:
    """Return each class's share of the pixels that count, (K,)."""
    counted = np.bincount(mask.ravel(), minlength=classes)[:classes]
    shares: NDArray[np.float64] = counted / max(int(counted.sum()), 1)
    return shares
