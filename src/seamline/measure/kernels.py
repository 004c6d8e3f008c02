"""What each kernel of a convolution looks like, by a rule that is the same for every one.

A kernel that hardly varies is called nearly uniform. Any other, its mean taken out, is compared with drawn edges,
lines and blobs; it bears the name of the one it is most like, where it is more like it than 19 in 20 kernels of
pure noise are like anything; else it is called mixed.
"""

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from seamline.measure.intervals import wilson

UNIFORM = "nearly uniform"
MIXED = "mixed"
CHANCE_SHARE = 0.05
FLAT = 0.25  # a kernel's deviation under a quarter of the layer's typical weight cannot be seen beside the others

_EDGES = ["bottom edge", "bottom-right edge", "right edge", "top-right edge"]
_EDGES += ["top edge", "top-left edge", "left edge", "bottom-left edge"]
_LINES = ["horizontal line", "rising line", "vertical line", "falling line"]
KINDS = (*_EDGES, *_LINES, "blob", MIXED, UNIFORM)
"""Every name a kernel can bear. A top edge is dark above and bright below, as the top of a light garment is."""


def describe_kernels(kernels: dict[str, Tensor], beginning: str) -> dict[str, Any]:
    """Name every kernel of every layer, as `insides/kernels.json` holds it.

    Args:
        kernels: layer name -> (out, in, k, k) float32.
        beginning: a sentence on what they were before training.
    """
    size = next(iter(kernels.values())).shape[-1]
    return {
        "rule": (
            f"A kernel is {UNIFORM} where its standard deviation is under {FLAT:.0%} of the root mean square of all "
            "weights of its layer, or where its mean holds over 90% of its energy. Any other, its mean taken out, is "
            "correlated with drawn edges (8 directions), lines (4 directions, bright or dark) and blobs (bright or "
            f"dark) at several places; the best match gives the name if it exceeds {noise_threshold(size):.2f}, "
            f"which {CHANCE_SHARE:.0%} of kernels of pure noise do; else the kernel is {MIXED}. "
            f"An edge is named for the side of a bright object that it answers to. {beginning}"
        ),
        "threshold": noise_threshold(size),
        "chance_share": CHANCE_SHARE,
        "layers": [_describe_layer(name, weights.cpu().numpy()) for name, weights in kernels.items()],
    }


def _describe_layer(name: str, weights: NDArray[np.float32]) -> dict[str, Any]:
    flat = weights.reshape(-1, weights.shape[-2] * weights.shape[-1]).astype(np.float64)
    kinds, matches = name_kernels(flat)
    counts = {kind: kinds.count(kind) for kind in KINDS if kind in kinds}
    return {
        "name": name,
        "shape": list(weights.shape),
        "weights": [round(float(weight), 5) for weight in flat.ravel()],
        "kinds": kinds,
        "matches": [round(float(match), 3) for match in matches],
        "shares": {
            kind: {"count": count, "share": wilson(count, len(kinds)).json()}
            for kind, count in sorted(counts.items(), key=lambda item: -item[1])
        },
    }


def name_kernels(kernels: NDArray[np.float64]) -> tuple[list[str], NDArray[np.float64]]:
    """Name the kernels of one layer.

    Args:
        kernels: (n, k * k) float64.

    Returns:
        n names out of `KINDS`, and (n,) float64: the correlation 0..1 with the best match.
    """
    size = round(kernels.shape[1] ** 0.5)
    best, which = _match(kernels, size)
    names, _ = _templates(size)
    deviation = kernels.std(1)
    energy = (kernels**2).mean(1)
    uniform = (deviation <= FLAT * np.sqrt(energy.mean())) | (deviation**2 <= 0.1 * energy)
    kinds = np.where(best > noise_threshold(size), np.array(names)[which], MIXED)
    return [str(kind) for kind in np.where(uniform, UNIFORM, kinds)], best


def _match(kernels: NDArray[np.float64], size: int) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return each kernel's highest correlation with a template, and that template's place."""
    _, templates = _templates(size)
    varying = kernels - kernels.mean(1, keepdims=True)
    norms = np.linalg.norm(varying, axis=1, keepdims=True)
    correlations = np.divide(varying, norms, out=np.zeros_like(varying), where=norms > 0) @ templates.T
    return correlations.max(1), correlations.argmax(1)


@cache
def noise_threshold(size: int) -> float:
    """Return the match that only `CHANCE_SHARE` of kernels of independent normal numbers exceed (seed fixed)."""
    noise = np.random.default_rng(0).standard_normal((20_000, size * size))
    best, _ = _match(noise, size)
    return float(np.quantile(best, 1 - CHANCE_SHARE))


@cache
def _templates(size: int) -> tuple[list[str], NDArray[np.float64]]:
    """Draw what kernels are compared with: names, and (templates, size * size) of mean 0 and length 1."""
    reach = (size - 1) / 2
    down, right = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    names: list[str] = []
    drawn: list[NDArray[np.float64]] = []
    places = (-1.0, 0.0, 1.0)
    for turn, name in enumerate(_EDGES):
        angle = turn * np.pi / 4
        along = -np.cos(angle) * down - np.sin(angle) * right  # grows towards the bright side
        for place in places:
            names += [name, name]
            step = along - place
            drawn += [np.tanh(step), step * np.exp(-(step**2) / 2)]  # a wide edge, and Canny's: a Gaussian's derivative
    for turn, name in enumerate(_LINES):
        angle = turn * np.pi / 4
        across = np.cos(angle) * down + np.sin(angle) * right
        for place in places:
            ridge = np.exp(-((across - place) ** 2))
            names += [name, name]
            drawn += [ridge, -ridge]
    for y in places:
        for x in places:
            spot = np.exp(-((down - y) ** 2 + (right - x) ** 2) / 1.5)
            names += ["blob", "blob"]
            drawn += [spot, -spot]
    templates = np.stack([template.ravel() for template in drawn])
    templates -= templates.mean(1, keepdims=True)
    return names, templates / np.linalg.norm(templates, axis=1, keepdims=True)
