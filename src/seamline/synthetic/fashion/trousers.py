"""Drawing of trousers."""

import numpy as np

from seamline.synthetic.fashion.fabrics import add_light, fabric_brightness
from seamline.synthetic.fashion.geometry import (
    Curve,
    Frame,
    coverage,
    expand,
    intersect,
    line,
    sample_frame,
    smooth_noise,
)
from seamline.synthetic.sampling import Array, BatchSampler

_PATTERN_WEIGHTS = {
    "plain": 0.62,
    "heather": 0.14,
    "pinstripes": 0.05,
    "flowers": 0.05,
    "patches": 0.05,
    "checks": 0.04,
    "blocks": 0.05,
}


def draw_trousers(rng: BatchSampler) -> Array:
    """Draw n pairs of trousers, (n, 28, 28) float32 of about 0..1, 0 outside."""
    frame = sample_frame(rng, bend=0.5, shift=0.7, scale=0.03)
    side = np.abs(frame.x)
    top, bottom = rng.uniform(0, 0.8), rng.mixture((0.92, (27, 28.2)), (0.08, (21, 26)))
    crotch = top + rng.uniform(6, 9.5)
    waist = rng.uniform(3.4, 4.9)
    hips = waist + rng.uniform(0.2, 1.4)
    # The gap between the legs is mostly open, sometimes a thin line as in wide trousers.
    gap = rng.mixture((0.76, (0.5, 2.2)), (0.24, (0.0, 0.5)))
    leg = rng.mixture((0.7, (2.2, 3.1)), (0.3, (3.1, 4.4)))
    knee = (crotch + bottom) / 2
    outer = Curve(
        [top, crotch, knee, bottom],
        [waist, hips, gap * 0.7 + leg + rng.uniform(0.2, 1), gap + leg],
        smoothing=4,
    )
    inner = Curve([crotch - 0.6, crotch + 3, bottom], [rng.uniform(-0.6, -0.5), gap * 0.4, gap], smoothing=1.5)
    shape = intersect(
        -outer.distance(frame.y, side), inner.distance(frame.y, side), frame.y - expand(top), expand(bottom) - frame.y
    )
    tone = rng.mixture((0.2, (0.15, 0.45)), (0.8, (0.45, 0.97)))
    value = fabric_brightness(frame, rng, _PATTERN_WEIGHTS, tone, rng.uniform(0.1, 0.7))
    value = add_light(frame, rng, value, shape, folds=0.07, columns=6)
    value = value * (1 + _wear(frame, side, outer, knee, rng))
    return coverage(shape) * value * (1 - _seams(frame, side, top, crotch, rng))


def _wear(frame: Frame, side: Array, outer: Curve, knee: Array, rng: BatchSampler) -> Array:
    """Return the relative brightness of worn denim and of creases at the knees, (n, 28, 28) float32."""
    offset = (side - outer.evaluate(frame.y) * np.float32(0.55)) / np.float32(1.6)
    faded = np.exp(-offset * offset) * expand(rng.bernoulli(0.45) * rng.uniform(-0.1, 0.4))
    near_knee = np.exp(-(((frame.y - expand(knee)) / 4) ** 2))
    return faded + near_knee * smooth_noise(rng, 8, 4) * expand(rng.uniform(0, 0.2))


def _seams(frame: Frame, side: Array, top: Array, crotch: Array, rng: BatchSampler) -> Array:
    """Return the opacity 0..1 of the lines of waistband, fly and pockets, (n, 28, 28) float32."""
    band = line(frame.y - expand(top + rng.uniform(1.4, 2.2)), 0.45) * expand(rng.uniform(0, 0.35))
    fly = line(frame.x - np.float32(0.3), 0.4) * coverage(expand(crotch) - frame.y) * expand(rng.uniform(0, 0.4))
    pocket = (side - np.float32(2.4)) - (frame.y - expand(top + 2)) * np.float32(0.45)
    in_pocket = (frame.y > expand(top + 1.5)) & (frame.y < expand(top + 4.5))
    return np.minimum(band + fly + line(pocket, 0.4) * in_pocket * expand(rng.uniform(0, 0.35)), 1)
