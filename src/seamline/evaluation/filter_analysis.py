"""Type of each filter of a convolution: edge, line, blob, mixed or nearly uniform.

A filter that hardly varies is called nearly uniform. Any other, its mean removed, is correlated with synthetic edges,
lines and blobs; it gets the type of its best match if that exceeds what 19 in 20 filters of pure noise reach, else it
is called mixed.
"""

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from seamline.evaluation.confidence import wilson
from seamline.run_folder import FilterAnalysis, FilterFraction, FilterLayer

if TYPE_CHECKING:
    from torch import Tensor

UNIFORM = "nearly uniform"
MIXED = "mixed"
NULL_RATE = 0.05
FLAT = 0.25
"""A filter is flat where its deviation is under this part of its layer's typical weight."""

_EDGES = ["bottom edge", "bottom-right edge", "right edge", "top-right edge"]
_EDGES += ["top edge", "top-left edge", "left edge", "bottom-left edge"]
_LINES = ["horizontal line", "rising line", "vertical line", "falling line"]
TYPES = (*_EDGES, *_LINES, "blob", MIXED, UNIFORM)
"""Every type. A top edge is dark above and bright below, as the top of a light garment is."""


def analyze_filters(kernels: "Mapping[str, Tensor]", init_description: str) -> FilterAnalysis:
    """Assign a type to every filter of every layer.

    Args:
        kernels: layer name -> (out, in, k, k) float32.
        init_description: a sentence on what they were before training.

    Returns:
        What `analysis/kernels.json` holds.
    """
    size = next(iter(kernels.values())).shape[-1]
    return FilterAnalysis(
        rule=(
            f"A filter is {UNIFORM} if its standard deviation is under {FLAT:.0%} of the root mean square of all "
            "weights of its layer, or if its mean holds over 90% of its energy. Any other filter, its mean removed, is "
            "correlated with synthetic edges (8 directions), lines (4 directions, bright or dark) and blobs (bright or "
            f"dark) at several positions; the best match gives its type if it exceeds {noise_threshold(size):.2f}, "
            f"which {NULL_RATE:.0%} of filters of pure noise do; else it is {MIXED}. "
            f"An edge is named after the side of a bright object to which it responds. {init_description}"
        ),
        threshold=noise_threshold(size),
        null_rate=NULL_RATE,
        layers=tuple(_layer(name, weights.cpu().numpy()) for name, weights in kernels.items()),
    )


def _layer(name: str, weights: NDArray[np.float32]) -> FilterLayer:
    flat = weights.reshape(-1, weights.shape[-2] * weights.shape[-1]).astype(np.float64)
    types, correlations = classify_filters(flat)
    counts = sorted(((types.count(kind), kind) for kind in TYPES if kind in types), key=lambda item: -item[0])
    out, channels, height, width = weights.shape
    return FilterLayer(
        name=name,
        shape=(out, channels, height, width),
        weights=tuple(round(float(weight), 5) for weight in flat.ravel()),
        types=tuple(types),
        correlations=tuple(round(float(value), 3) for value in correlations),
        fractions={kind: FilterFraction(count=n, fraction=wilson(n, len(types))) for n, kind in counts},
    )


def classify_filters(filters: NDArray[np.float64]) -> tuple[list[str], NDArray[np.float64]]:
    """Assign types to the filters of one layer.

    Args:
        filters: (n, k * k) float64.

    Returns:
        n types out of `TYPES`, and (n,) float64, the correlation 0..1 with the best match.
    """
    size = round(filters.shape[1] ** 0.5)
    best, match = _best_match(filters, size)
    names, _ = _templates(size)
    deviation = filters.std(1)
    energy = (filters**2).mean(1)
    uniform = (deviation <= FLAT * np.sqrt(energy.mean())) | (deviation**2 <= 0.1 * energy)
    types = np.where(best > noise_threshold(size), np.array(names)[match], MIXED)
    return [str(kind) for kind in np.where(uniform, UNIFORM, types)], best


def _best_match(filters: NDArray[np.float64], size: int) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return each filter's highest correlation with a template, and the template's index."""
    _, templates = _templates(size)
    varying = filters - filters.mean(1, keepdims=True)
    norms = np.linalg.norm(varying, axis=1, keepdims=True)
    correlations = np.divide(varying, norms, out=np.zeros_like(varying), where=norms > 0) @ templates.T
    return correlations.max(1), correlations.argmax(1)


@cache
def noise_threshold(size: int) -> float:
    """Return the correlation that only `NULL_RATE` of filters of independent normal numbers exceed (seed fixed)."""
    noise = np.random.default_rng(0).standard_normal((20_000, size * size))
    best, _ = _best_match(noise, size)
    return float(np.quantile(best, 1 - NULL_RATE))


@cache
def _templates(size: int) -> tuple[list[str], NDArray[np.float64]]:
    """Draw what filters are compared with: names, and (templates, size * size) of mean 0 and length 1."""
    reach = (size - 1) / 2
    down, right = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    offsets = (-1.0, 0.0, 1.0)
    named: list[tuple[str, NDArray[np.float64]]] = []
    for turn, name in enumerate(_EDGES):
        angle = turn * np.pi / 4
        along = -np.cos(angle) * down - np.sin(angle) * right  # grows toward the bright side
        for step in (along - offset for offset in offsets):  # a wide edge, and Canny's: a Gaussian's derivative
            named += [(name, np.tanh(step)), (name, step * np.exp(-(step**2) / 2))]
    for turn, name in enumerate(_LINES):
        angle = turn * np.pi / 4
        across = np.cos(angle) * down + np.sin(angle) * right
        for ridge in (np.exp(-((across - offset) ** 2)) for offset in offsets):
            named += [(name, ridge), (name, -ridge)]
    for y in offsets:
        for x in offsets:
            spot = np.exp(-((down - y) ** 2 + (right - x) ** 2) / 1.5)
            named += [("blob", spot), ("blob", -spot)]
    templates = np.stack([template.ravel() for _, template in named])
    templates -= templates.mean(1, keepdims=True)
    return [name for name, _ in named], templates / np.linalg.norm(templates, axis=1, keepdims=True)
