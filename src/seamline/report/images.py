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
from seamline.report.palette import ERROR, png_palette
from seamline.report.run_data import SheetImages
from seamline.run_folder import Color, SheetExample

MAX_BYTES = 900_000
"""Size of a sprite on the page."""

SIDE = 84
"""Pixels that the longer side of an example is enlarged to, in whole steps where possible."""

N_GRAYS = 15
"""Shades of the faint photo below the errors: with the color of errors they fit into four bits a pixel."""

FAINT = (196, 248)
"""The darkest and the lightest of these shades."""


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
    for cap in (12, 8, 6, 4, 3, 2, 1):
        sprite = _sprite(images, cap)
        if len(sprite.uri) <= MAX_BYTES:
            break
    return sprite


def _sprite(images: SheetImages, cap: int) -> Sprite:
    """Lay out at most `cap` examples of each cell."""
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
        uri=png_uri(images.arrange(chosen, columns)),
        columns=columns,
        rows=max(1, -(-len(chosen) // columns)),
        height=round(scale * height, 2),
        width=round(scale * width, 2),
        cells={cell: tuple(tiles) for cell, tiles in cells.items()},
    )


def png_uri(image: Image.Image, *, optimize: bool = True) -> str:
    """Encode a picture as a PNG: exact, and the same bytes each time.

    Args:
        image: the picture.
        optimize: whether unused colors of its palette may be removed.

    Returns:
        A data URI.
    """
    buffer = io.BytesIO()
    image.save(buffer, "PNG", optimize=optimize, compress_level=9)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


def photo_uri(photo: Image.Image, side: int, quality: int = 82) -> str:
    """Encode a photo as a JPEG, its longer side at most `side` pixels."""
    content = encode_jpeg(np.asarray(photo.convert("RGB")), side, quality)
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


def errors_uri(
    photo: Image.Image, ground_truth: NDArray[np.uint8], prediction: NDArray[np.uint8], n_classes: int
) -> str:
    """Draw wrong pixels in one strong color over a faint gray photo.

    Args:
        photo: the image.
        ground_truth: (H, W) uint8 classes; `n_classes` and above are ignored.
        prediction: (H, W) uint8 classes.
        n_classes: number of classes K.

    Returns:
        A data URI.
    """
    gray = np.asarray(photo.convert("L"), dtype=np.uint16)
    indices = (1 + gray * N_GRAYS // 256).astype(np.uint8)
    indices[wrong_pixels(ground_truth, prediction, n_classes)] = 0
    shades = np.rint(np.linspace(*FAINT, N_GRAYS)).astype(int)
    picture = Image.fromarray(indices)
    picture.putpalette(bytes([*ERROR, *np.repeat(shades, 3).tolist()]))
    return png_uri(picture, optimize=False)


def wrong_pixels(ground_truth: NDArray[np.uint8], prediction: NDArray[np.uint8], n_classes: int) -> NDArray[np.bool_]:
    """Return where a prediction is wrong, (H, W) bool; ignored pixels are not wrong."""
    wrong: NDArray[np.bool_] = (ground_truth != prediction) & (ground_truth < n_classes)
    return wrong
