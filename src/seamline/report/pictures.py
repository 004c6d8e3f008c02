"""Draws small pictures as pixels: sheets of example images, and kernels; never larger than they need to be."""

import base64
import io
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from seamline.report.contents import Answers, Example

GAP = 1
"""Pixels between two kernels of a matrix picture."""

BUDGET = 900_000
"""Bytes that one split's examples may take on the page."""

ZERO = 128
"""The grey of a weight of zero; darker is negative, lighter positive."""


@dataclass(frozen=True, eq=False)
class Sheet:
    """Example images as one picture for the page.

    Attributes:
        uri: the picture, as a data URI.
        columns: images to a row.
        rows: rows of images.
        tile: height and width of an image.
        cells: (true class, predicted class) -> its examples, most confident first; `place` counts in this sheet.
    """

    uri: str
    columns: int
    rows: int
    tile: tuple[int, int]
    cells: Mapping[tuple[int, int], tuple[Example, ...]]


def data_uri(image: Image.Image, *, optimize: bool = True) -> str:
    """Encode a picture as a data URI, as a PNG: exact, and the same bytes each time.

    Args:
        image: the picture.
        optimize: whether its palette may lose what is not used.
    """
    buffer = io.BytesIO()
    image.save(buffer, "PNG", optimize=optimize, compress_level=9)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


@lru_cache(maxsize=4)
def example_sheet(answers: Answers) -> Sheet:
    """Lay out a split's examples, leaving out the least confident of each cell until they fit into the page."""
    for cap in (12, 8, 6, 4, 3, 2, 1):
        sheet = _lay_out(answers, cap)
        if len(sheet.uri) <= BUDGET:
            break
    return sheet


def _lay_out(answers: Answers, cap: int) -> Sheet:
    """Lay out at most `cap` examples of each cell."""
    cells: dict[tuple[int, int], list[Example]] = {}
    for example in answers.examples:
        cells.setdefault((example.true, example.predicted), []).append(example)
    chosen = [example for key in sorted(cells) for example in cells[key][:cap]]
    height, width = answers.tile
    columns = max(1, round((len(chosen) * height / width) ** 0.5))
    rows = max(1, -(-len(chosen) // columns))
    picture = Image.new(answers.picture.mode, (columns * width, rows * height))
    laid: dict[tuple[int, int], list[Example]] = {}
    for place, example in enumerate(chosen):
        row, column = divmod(example.place, answers.columns)
        box = (column * width, row * height, (column + 1) * width, (row + 1) * height)
        picture.paste(answers.picture.crop(box), (place % columns * width, place // columns * height))
        laid.setdefault((example.true, example.predicted), []).append(replace(example, place=place))
    return Sheet(data_uri(picture), columns, rows, answers.tile, {key: tuple(group) for key, group in laid.items()})


def grey(weights: NDArray[np.float64], limit: NDArray[np.float64] | float) -> NDArray[np.uint8]:
    """Turn signed weights into greys: -limit black, zero mid-grey, +limit white."""
    scaled = np.clip(weights / np.maximum(limit, 1e-12), -1, 1)
    shades: NDArray[np.uint8] = np.rint(ZERO + scaled * (255 - ZERO)).clip(0, 255).astype(np.uint8)
    return shades


def kernel_tiles(weights: NDArray[np.float64], columns: int, gap: int = 0) -> NDArray[np.uint8]:
    """Lay out (n, h, w) kernels, each on its own scale, `columns` to a row, `gap` white pixels between them."""
    shades = grey(weights, np.abs(weights).max((1, 2), keepdims=True))
    number, height, width = shades.shape
    rows = -(-number // columns)
    sheet = np.full((rows * (height + gap) - gap, columns * (width + gap) - gap), 255, np.uint8)
    for i in range(number):
        top, left = i // columns * (height + gap), i % columns * (width + gap)
        sheet[top : top + height, left : left + width] = shades[i]
    return sheet


def kernel_matrix(weights: NDArray[np.float64]) -> tuple[NDArray[np.uint8], float]:
    """Lay out (out, in, h, w) kernels as a matrix on one scale.

    Returns:
        The picture, rows the output filters and columns the input channels, GAP white pixels after each; and the weight
        that is drawn black or white: 99 of 100 weights are smaller.
    """
    limit = float(np.quantile(np.abs(weights), 0.99))
    shades = np.pad(grey(weights, limit), ((0, 0), (0, 0), (0, GAP), (0, GAP)), constant_values=255)
    out, channels, height, width = shades.shape
    sheet = shades.transpose(0, 2, 1, 3).reshape(out * height, channels * width)
    return sheet, limit


def see_through_gaps(matrix: NDArray[np.uint8], kernel: tuple[int, int]) -> Image.Image:
    """Make the gaps of a kernel matrix transparent, so that the page shows through in its own colour."""
    inside = [np.arange(length) % (side + GAP) < side for length, side in zip(matrix.shape, kernel, strict=True)]
    opaque = np.where(np.logical_and.outer(*inside), 255, 0).astype(np.uint8)
    return Image.fromarray(np.stack([matrix, opaque], -1), "LA")
