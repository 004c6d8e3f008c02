"""What it learned: the kernels of its convolutions."""

import re
from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from seamline.report import figures
from seamline.report.contents import Contents
from seamline.report.panels.panel import Panel
from seamline.report.pictures import data_uri, kernel_matrix, kernel_tiles, see_through_gaps
from seamline.report.words import Estimate, count, listed, number, percent, percent_range

TILES = 256
"""A layer of at most so many kernels is shown tile by tile; a larger one as a matrix."""

SIDE = 64
"""The most filters and the most channels of a layer that a matrix shows."""

UNNAMED = ("mixed", "nearly uniform")
"""Kinds that say what a kernel is not like."""


def kernels(run: Contents) -> Panel | None:
    """Show every kernel with its kind, small layers as tiles, large ones as a matrix."""
    if not run.kernels or not run.kernels["layers"]:
        return None
    chance = run.kernels.get("chance_share")
    layers, drawings, data = [], {}, {}
    for place, layer in enumerate(run.kernels["layers"]):
        weights = np.array(layer["weights"], np.float64).reshape(layer["shape"])
        shown = _tiles(layer, weights) if weights.shape[0] * weights.shape[1] <= TILES else _matrix(layer, weights)
        if "matrix" in shown:
            data[str(place)] = shown.pop("data")
        picture = shown.pop("picture")
        title = f"{layer['name']}: {weights.shape[0]} × {weights.shape[1]} kernels"
        drawings[f"kernels-{re.sub(r'[^a-z0-9]+', '-', layer['name'].lower())}"] = partial(
            figures.kernels, picture=picture, title=title
        )
        layers.append({**shown, "sentences": _sentences(layer, weights, chance), "size": weights.shape})
    values = {"layers": layers, "data": data, "rule": run.kernels["rule"]}
    return Panel("kernels", "What it learned", values, drawings)


def _kinds(layer: Mapping[str, Any]) -> list[dict[str, Any]]:
    """List the kinds of a layer with their shares, the most frequent first, those without a form last."""
    kinds = []
    for name, one in layer["shares"].items():
        share = Estimate.of(one["share"])
        kinds.append({"name": name, "count": one["count"], "share": percent(share), "range": percent_range(share)})
    return sorted(kinds, key=lambda kind: (kind["name"] in UNNAMED, -kind["count"]))


def _tiles(layer: Mapping[str, Any], weights: NDArray[np.float64]) -> dict[str, Any]:
    """Prepare a small layer: its kernels as tiles, grouped by kind."""
    _, channels, height, width = weights.shape
    flat = weights.reshape(-1, height, width)
    columns = 8
    tiles = [
        {
            "row": place // columns,
            "column": place % columns,
            "kind": kind,
            "label": _label(place, channels),
            "match": f"{match:.2f}",
            "strongest": number(float(np.abs(flat[place]).max())),
        }
        for place, (kind, match) in enumerate(zip(layer["kinds"], layer["matches"], strict=True))
    ]
    groups = [{**kind, "tiles": [one for one in tiles if one["kind"] == kind["name"]]} for kind in _kinds(layer)]
    return {
        "name": layer["name"],
        "groups": groups,
        "uri": data_uri(Image.fromarray(kernel_tiles(flat, columns))),
        "columns": columns,
        "rows": -(-len(flat) // columns),
        "tile": (max(1, 45 // height) * height, max(1, 45 // height) * width),
        "picture": kernel_tiles(flat, columns, gap=1),
    }


def _label(place: int, channels: int) -> str:
    """Name a kernel by its filter and, where there are several, its channel, both from 1."""
    filters = f"filter {place // channels + 1}"
    return filters if channels == 1 else f"{filters}, channel {place % channels + 1}"


def _matrix(layer: Mapping[str, Any], weights: NDArray[np.float64]) -> dict[str, Any]:
    """Prepare a large layer: one picture of all kernels, and what the script needs to show one of them."""
    picture, limit = kernel_matrix(weights[:SIDE, :SIDE])
    out, channels, height, width = weights[:SIDE, :SIDE].shape
    chosen = (np.arange(out)[:, None] * weights.shape[1] + np.arange(channels)).ravel()
    kinds = _kinds(layer)
    order = {kind["name"]: place for place, kind in enumerate(kinds)}
    flat = weights[:SIDE, :SIDE].reshape(-1, height, width)
    scale = max(1, round(576 / max(picture.shape)))
    data = {
        "out": out,
        "in": channels,
        "start": int(np.abs(flat).max((1, 2)).argmax()),
        "names": list(order),
        "kinds": [order[layer["kinds"][i]] for i in chosen],
        "matches": [round(layer["matches"][i], 2) for i in chosen],
        "strongest": [float(f"{peak:.3g}") for peak in np.abs(flat).max((1, 2))],
    }
    return {
        "name": layer["name"],
        "matrix": data_uri(see_through_gaps(picture, (height, width))),
        "uri": data_uri(Image.fromarray(kernel_tiles(flat, channels))),
        "columns": channels,
        "rows": out,
        "kinds": kinds,
        "limit": number(limit),
        "width": picture.shape[1] * scale,
        "cut": (out, channels) != weights.shape[:2],
        "data": data,
        "picture": picture,
    }


def _sentences(layer: Mapping[str, Any], weights: NDArray[np.float64], chance: float | None) -> list[str]:
    """Say what the kernels are mostly like, and what chance alone would give."""
    total = len(layer["kinds"])
    kinds = _kinds(layer)
    formed = [kind for kind in kinds if kind["name"] not in UNNAMED]
    named = sum(kind["count"] for kind in formed)
    size = f"{weights.shape[2]} × {weights.shape[3]}"
    sentence = (
        f"{count(named)} of the {count(total)} kernels of {layer['name']} ({size} weights each) bear the name of a "
        f"form: {percent(named / max(total, 1))}"
    )
    sentences = [sentence + ("." if chance is None else f", where of kernels of pure noise {percent(chance)} would.")]
    if formed:
        sentences.append(f"Among the most frequent: {listed([_share(kind) for kind in formed[:3]])}.")
    if rest := kinds[len(formed) :]:
        sentences.append(f"The others are {listed([_share(kind) for kind in rest])}.")
    return sentences


def _share(kind: Mapping[str, Any]) -> str:
    """Print a kind with its share."""
    return f"{kind['name']} ({kind['share']}, {kind['range']})"
