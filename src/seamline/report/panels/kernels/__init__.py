"""The filters of a classifier's convolutions and their types."""

import re
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from seamline.evaluation.text import count
from seamline.report import plots
from seamline.report.formatting import decimal, percent
from seamline.report.images import png_uri
from seamline.report.panel import Content
from seamline.report.run_data import RunData
from seamline.run_folder import FilterFraction, FilterLayer

MAX_TILES = 256
"""A layer of at most so many filters is shown one by one; a larger one as a matrix."""

MATRIX_SIDE = 64
"""Most output and input channels that a matrix shows."""

UNTYPED = ("mixed", "nearly uniform")
"""Types of filters that resemble no pattern."""

GAP = 1
"""Pixels between two filters of a matrix."""

ZERO = 128
"""Gray of a weight of zero; darker is negative, lighter positive."""


def build(run: RunData) -> Content | None:
    """Show every filter with its type: small layers one by one, large ones as a matrix."""
    if run.kernels is None or not run.kernels.layers:
        return None
    layers, figures, data = [], {}, {}
    for index, layer in enumerate(run.kernels.layers):
        weights = np.array(layer.weights, np.float64).reshape(layer.shape)
        shown = _tiles(layer, weights) if weights.shape[0] * weights.shape[1] <= MAX_TILES else _matrix(layer, weights)
        if "matrix" in shown:
            data[str(index)] = shown.pop("data")
        title = f"{layer.name}: {weights.shape[0]} × {weights.shape[1]} filters"
        figures[f"kernels-{re.sub(r'[^a-z0-9]+', '-', layer.name.lower())}"] = partial(
            plots.kernels, picture=shown.pop("picture"), title=title
        )
        caption = _caption(layer, run.kernels.null_rate)
        layers.append({**shown, "name": layer.name, "caption": caption, "shape": layer.shape, "types": _types(layer)})
    return Content({"layers": layers, "data": data, "rule": run.kernels.rule}, figures)


def _caption(layer: FilterLayer, null_rate: float) -> str:
    """State how many filters of a layer resemble a pattern, and how many random ones do."""
    total = len(layer.types)
    typed = sum(one.count for name, one in layer.fractions.items() if name not in UNTYPED)
    return (
        f"{count(typed)} of the {count(total)} filters of {layer.name} ({percent(typed / total)}) resemble a pattern; "
        f"{percent(null_rate)} of random filters do."
    )


def _types(layer: FilterLayer) -> dict[str, FilterFraction]:
    """Return the types of a layer, the most frequent first, those of no pattern last."""
    return dict(sorted(layer.fractions.items(), key=lambda item: (item[0] in UNTYPED, -item[1].count)))


def _tiles(layer: FilterLayer, weights: NDArray[np.float64]) -> dict[str, Any]:
    """Prepare a small layer: its filters one by one, grouped by type."""
    _, channels, height, width = weights.shape
    flat, columns = weights.reshape(-1, height, width), 8
    tiles = [
        {
            "row": index // columns,
            "column": index % columns,
            "type": type_,
            "number": f"{index // channels + 1}" + (f".{index % channels + 1}" if channels > 1 else ""),
            "label": f"filter {index // channels + 1}" + (f", channel {index % channels + 1}" if channels > 1 else ""),
            "correlation": f"{correlation:.2f}",
            "largest": decimal(float(np.abs(flat[index]).max())),
        }
        for index, (type_, correlation) in enumerate(zip(layer.types, layer.correlations, strict=True))
    ]
    return {
        "groups": {type_: [tile for tile in tiles if tile["type"] == type_] for type_ in _types(layer)},
        "uri": png_uri(Image.fromarray(kernel_tiles(flat, columns))),
        "columns": columns,
        "channels": channels,
        "rows": -(-len(flat) // columns),
        "tile": (max(1, 45 // height) * height, max(1, 45 // height) * width),
        "picture": kernel_tiles(flat, columns, gap=1),
    }


def _matrix(layer: FilterLayer, weights: NDArray[np.float64]) -> dict[str, Any]:
    """Prepare a large layer: a picture of all filters, and what the script needs to show one of them."""
    cut = weights[:MATRIX_SIDE, :MATRIX_SIDE]
    picture, limit = kernel_matrix(cut)
    out, channels, height, width = cut.shape
    chosen = (np.arange(out)[:, None] * weights.shape[1] + np.arange(channels)).ravel()
    types, flat = list(_types(layer)), cut.reshape(-1, height, width)
    scale = max(1, round(576 / max(picture.shape)))
    data = {
        "out": out,
        "in": channels,
        "start": int(np.abs(flat).max((1, 2)).argmax()),
        "names": types,
        "types": [types.index(layer.types[i]) for i in chosen],
        "correlations": [round(layer.correlations[i], 2) for i in chosen],
        "largest": [float(f"{peak:.3g}") for peak in np.abs(flat).max((1, 2))],
    }
    return {
        "matrix": png_uri(transparent_gaps(picture, (height, width))),
        "uri": png_uri(Image.fromarray(kernel_tiles(flat, channels))),
        "columns": channels,
        "rows": out,
        "limit": decimal(limit),
        "width": picture.shape[1] * scale,
        "cut": (out, channels) != weights.shape[:2],
        "data": data,
        "picture": picture,
    }


def gray(weights: NDArray[np.float64], limit: NDArray[np.float64] | float) -> NDArray[np.uint8]:
    """Return signed weights as grays: -limit is black, 0 mid-gray, +limit white.

    Args:
        weights: (N, h, w) or (out, in, h, w) float64.
        limit: a number, or (N, 1, 1) float64, one for each filter.

    Returns:
        Grays of the shape of the weights, uint8.
    """
    scaled = np.clip(weights / np.maximum(limit, 1e-12), -1, 1)
    shades: NDArray[np.uint8] = np.rint(ZERO + scaled * (255 - ZERO)).clip(0, 255).astype(np.uint8)
    return shades


def kernel_tiles(weights: NDArray[np.float64], columns: int, gap: int = 0) -> NDArray[np.uint8]:
    """Lay out filters, each on its own scale.

    Args:
        weights: (N, h, w) float64.
        columns: filters per row.
        gap: white pixels between filters.

    Returns:
        The picture, (H, W) uint8.
    """
    shades = gray(weights, np.abs(weights).max((1, 2), keepdims=True))
    number, height, width = shades.shape
    rows = -(-number // columns)
    sheet = np.full((rows * (height + gap) - gap, columns * (width + gap) - gap), 255, np.uint8)
    for i in range(number):
        top, left = i // columns * (height + gap), i % columns * (width + gap)
        sheet[top : top + height, left : left + width] = shades[i]
    return sheet


def kernel_matrix(weights: NDArray[np.float64]) -> tuple[NDArray[np.uint8], float]:
    """Lay out the filters of a layer as a matrix on one scale.

    Args:
        weights: (out, in, h, w) float64.

    Returns:
        The picture (H, W) uint8, a row per output channel and a column per input channel, `GAP` white pixels after
        each; and the weight that is black or white: 99 % of all weights are smaller.
    """
    limit = float(np.quantile(np.abs(weights), 0.99))
    shades = np.pad(gray(weights, limit), ((0, 0), (0, 0), (0, GAP), (0, GAP)), constant_values=255)
    out, channels, height, width = shades.shape
    return shades.transpose(0, 2, 1, 3).reshape(out * height, channels * width), limit


def transparent_gaps(matrix: NDArray[np.uint8], kernel: tuple[int, int]) -> Image.Image:
    """Return a filter matrix, (H, W) uint8, whose gaps are transparent, so that the page shows through."""
    inside = [np.arange(length) % (side + GAP) < side for length, side in zip(matrix.shape, kernel, strict=True)]
    opaque = np.where(np.logical_and.outer(*inside), 255, 0).astype(np.uint8)
    return Image.fromarray(np.stack([matrix, opaque], -1), "LA")
