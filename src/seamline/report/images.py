"""Pictures as data URIs: sprites of example images, photos, masks and errors; each no larger than it needs to be."""

import base64
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from seamline.data.image_io import encode_jpeg
from seamline.report.palette import png_palette
from seamline.report.run_data import SheetImages
from seamline.run_folder import Color, SheetExample

MAX_BYTES = 900_000
"""Size of a sprite on the page."""

SIDE = 84
"""Pixels that the longer side of an example is enlarged to, in whole steps where possible."""

FAINT = (196, 248)
"""The darkest and the lightest shade of the photo below errors."""


@dataclass(frozen=True)
class Tile:
    """An example image on a sprite, at a row and a column."""

    example: SheetExample
    row: int
    column: int


@dataclass(frozen=True, eq=False)
class Sprite:
    """Example images as one picture."""

    uri: str  # the picture, as a data URI
    columns: int  # images per row
    rows: int  # rows of images
    height: float  # height of an image on the page, in pixels
    width: float  # its width
    # (true class, predicted class) -> its examples, the most confident first
    cells: Mapping[tuple[int, int], tuple[Tile, ...]]


@lru_cache(maxsize=4)
def example_sprite(images: SheetImages) -> Sprite:
    """Make the sprite of a split; the least confident examples of each cell are left out until it is small enough.

    Args:
        images: the examples.

    Returns:
        The sprite.
    """
    for cap in (None, 12, 8, 6, 4, 3, 2, 1):
        sprite = _sprite(images, cap)
        if len(sprite.uri) <= MAX_BYTES:
            break
    return sprite


def _sprite(images: SheetImages, cap: int | None) -> Sprite:
    """Lay out at most `cap` examples of each cell; None for all."""
    sheet = images.sheet
    by_cell: dict[tuple[int, int], list[int]] = {}
    for index, example in enumerate(sheet.examples):
        by_cell.setdefault((example.ground_truth, example.prediction), []).append(index)
    chosen = [index for cell in sorted(by_cell) for index in by_cell[cell][:cap]]
    height, width = sheet.tile
    columns = max(1, round((len(chosen) * height / width) ** 0.5))
    cells: dict[tuple[int, int], list[Tile]] = {}
    for position, index in enumerate(chosen):
        example = sheet.examples[index]
        tile = Tile(example, *divmod(position, columns))
        cells.setdefault((example.ground_truth, example.prediction), []).append(tile)
    scale: float = SIDE // max(height, width) or SIDE / max(height, width)
    return Sprite(
        uri=sprite_uri(images.arrange(chosen, columns)),
        columns=columns,
        rows=max(1, -(-len(chosen) // columns)),
        height=round(scale * height, 2),
        width=round(scale * width, 2),
        cells={cell: tuple(tiles) for cell, tiles in cells.items()},
    )


def png_uri(image: Image.Image, *, optimize: bool = True, transparency: int | None = None) -> str:
    """Encode a picture as a PNG: exact, and the same bytes each time.

    Args:
        image: the picture.
        optimize: whether unused colors of its palette may be removed.
        transparency: the number of a palette picture that is transparent.

    Returns:
        A data URI.
    """
    buffer = io.BytesIO()
    transparent = {} if transparency is None else {"transparency": transparency}
    image.save(buffer, "PNG", optimize=optimize, compress_level=9, **transparent)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


def sprite_uri(sprite: Image.Image) -> str:
    """Encode a sprite as a PNG, or as a JPEG where it is in color and the PNG would be too large."""
    uri = png_uri(sprite)
    return uri if len(uri) <= MAX_BYTES or sprite.mode != "RGB" else photo_uri(sprite, max(sprite.size), 85)


def photo_uri(photo: Image.Image, side: int, quality: int = 82) -> str:
    """Encode a photo as a JPEG, its longer side at most `side` pixels."""
    pixels = np.asarray(photo if photo.mode in ("L", "RGB") else photo.convert("RGB"))
    content = encode_jpeg(np.atleast_3d(pixels), side, quality)
    return "data:image/jpeg;base64," + base64.b64encode(content).decode()


def mask_uri(mask: NDArray[np.uint8], palette: Sequence[Color]) -> str:
    """Encode a mask as a PNG whose palette the page can swap.

    Args:
        mask: (H, W) uint8 classes; K and above are ignored.
        palette: K colors.

    Returns:
        A data URI.
    """
    picture = Image.fromarray(np.minimum(mask, len(palette)).astype(np.uint8))
    picture.putpalette(png_palette(palette))
    return png_uri(picture, optimize=False)


def errors_uri(ground_truth: NDArray[np.uint8], prediction: NDArray[np.uint8], palette: Sequence[Color]) -> str:
    """Draw wrong pixels in the color of the predicted class; the others are transparent, to lie over a faint photo.

    Args:
        ground_truth: (H, W) uint8 classes; K and above are ignored.
        prediction: (H, W) uint8 classes.
        palette: K colors, which the page can swap.

    Returns:
        A data URI.
    """
    wrong = wrong_pixels(ground_truth, prediction, len(palette))
    picture = Image.fromarray(np.where(wrong, prediction, len(palette)).astype(np.uint8))
    picture.putpalette(png_palette(palette))
    return png_uri(picture, optimize=False, transparency=len(palette))


def faint_uri(photo: Image.Image, side: int) -> str:
    """Encode a photo as a faint gray one, its longer side at most `side` pixels."""
    low, high = FAINT
    return photo_uri(photo.convert("L").point(lambda level: low + level * (high - low) / 255), side, 60)


def wrong_pixels(ground_truth: NDArray[np.uint8], prediction: NDArray[np.uint8], n_classes: int) -> NDArray[np.bool_]:
    """Return where a prediction is wrong, (H, W) bool; ignored pixels are not wrong."""
    wrong: NDArray[np.bool_] = (ground_truth != prediction) & (ground_truth < n_classes)
    return wrong
