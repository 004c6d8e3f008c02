"""Fabrics: patterns, folds and light.

A pattern is a field (n, 28, 28) float32 in 0..1, the fraction of the second tone at each pixel.
"""

from collections.abc import Callable, Mapping

import numpy as np

from seamline.synthetic.fashion.geometry import SIZE, Frame, coverage, expand, smooth_noise
from seamline.synthetic.sampling import Array, BatchSampler, clip

_PERIOD = np.float32(2 * np.pi)


def fabric_brightness(
    frame: Frame, rng: BatchSampler, weights: Mapping[str, float], tone: Array, contrast: Array
) -> Array:
    """Return the brightness of the fabric without light and folds, (n, 28, 28) float32 of about 0..1.

    Args:
        frame: Coordinates of the pixels.
        rng: Source of each image's pattern.
        weights: Weights of the patterns, names of `PATTERNS`.
        tone: (n,) float32, brightness of the ground, 0..1.
        contrast: (n,) float32, distance 0..1 of the second tone, relative to the available range.
    """
    # The second tone is toward the far end of the scale, so it is visible on dark and on light fabric.
    available = np.where(tone > 0.45, -tone, 1 - tone).astype(np.float32)
    kinds = rng.choice(list(weights.values()))
    pattern = np.zeros(frame.x.shape, dtype=np.float32)
    for kind, name in enumerate(weights):
        indices = np.flatnonzero(kinds == kind)
        if len(indices):
            pattern[indices] = PATTERNS[name](frame.select(indices), rng.with_count(len(indices)))
    return expand(tone) + expand(available * contrast) * pattern


def add_light(frame: Frame, rng: BatchSampler, value: Array, edge: Array, *, folds: float, columns: int = 7) -> Array:
    """Add light, folds, darker or lighter rims and sensor noise.

    Args:
        frame: Coordinates of the pixels.
        rng: Source of randomness.
        value: (n, 28, 28) float32, brightness of the fabric.
        edge: (n, 28, 28) float32, distance from the outline in pixels.
        folds: Mean depth of the folds as a fraction of the brightness.
        columns: Number of folds side by side.

    Returns:
        (n, 28, 28) float32.
    """
    depth = expand(np.abs(rng.normal(folds, folds * 0.6)))
    slope = expand(rng.normal(0, 0.006)) * frame.x + expand(rng.normal(0, 0.004)) * (frame.y - SIZE / 2)
    # Round bodies turn away from the light within about two pixels of the outline; some fabrics shine there instead.
    rim = expand(rng.normal(-0.09, 0.1)) * clip(1 - edge / 2, 0, 1)
    noise = rng.standard_normal(SIZE, SIZE) * expand(rng.uniform(0.008, 0.035))
    return value * (1 + slope + rim + depth * smooth_noise(rng, 3, columns)) + noise


def _plain(frame: Frame, rng: BatchSampler) -> Array:
    return np.zeros(frame.x.shape, dtype=np.float32)


def _heather(frame: Frame, rng: BatchSampler) -> Array:
    return np.abs(rng.standard_normal(SIZE, SIZE)) * expand(rng.uniform(0.2, 0.5))


def _waves(coordinate: Array, rng: BatchSampler, low: float, high: float) -> Array:
    """Return stripes 0..1 with a period of low..high pixels and random sharpness and width."""
    wave = np.sin(coordinate * expand(_PERIOD / rng.uniform(low, high)) + expand(rng.uniform(0, 6.28)))
    return clip(wave * expand(rng.uniform(0.7, 2.5)) + expand(rng.uniform(0, 0.8)), 0, 1)


def _stripes(frame: Frame, rng: BatchSampler) -> Array:
    return _waves(frame.y, rng, 2.3, 7)


def _pinstripes(frame: Frame, rng: BatchSampler) -> Array:
    return _waves(frame.x, rng, 2.1, 5)


def _checks(frame: Frame, rng: BatchSampler) -> Array:
    return (_waves(frame.x, rng, 2.6, 6) + _waves(frame.y, rng, 2.6, 6)) / 2


def _flowers(frame: Frame, rng: BatchSampler) -> Array:
    noise = smooth_noise(rng, 11, 11) + expand(rng.uniform(-0.9, 0.3))
    return clip(noise * 2, 0, 1)


def _patches(frame: Frame, rng: BatchSampler) -> Array:
    return clip(smooth_noise(rng, 6, 6) * 2 + expand(rng.uniform(-0.8, 0.6)), 0, 1)


def _dots(frame: Frame, rng: BatchSampler) -> Array:
    step = expand(_PERIOD / rng.uniform(3, 5))
    wave = np.sin(frame.x * step + expand(rng.uniform(0, 6))) * np.sin(frame.y * step)
    return clip(wave * 3 - 1, 0, 1)


def _knit(frame: Frame, rng: BatchSampler) -> Array:
    ribs = np.sin(frame.x * expand(_PERIOD / rng.uniform(2.2, 4))) * expand(rng.uniform(0.1, 0.5))
    return clip(ribs + np.float32(0.3) + rng.standard_normal(SIZE, SIZE) * expand(rng.uniform(0.05, 0.25)), 0, 1)


def _chest(frame: Frame, rng: BatchSampler) -> Array:
    """Return a print on the chest: irregular marks within a rectangle."""
    half_width, half_height = rng.uniform(1.5, 5.5), rng.uniform(0.6, 4.5)
    center_x, center_y = rng.normal(0, 0.8), rng.uniform(7.5, 13)
    area = coverage(expand(half_width) - np.abs(frame.x - expand(center_x)))
    area = area * coverage(expand(half_height) - np.abs(frame.y - expand(center_y)))
    return area * clip(rng.standard_normal(SIZE, SIZE) * expand(rng.uniform(0.1, 0.9)) + np.float32(0.7), 0, 1)


def _blocks(frame: Frame, rng: BatchSampler) -> Array:
    """Return a horizontal band, or all but the band."""
    start = rng.uniform(5, 17)
    end = start + rng.mixture((0.5, (3, 6)), (0.5, (20, 30)))
    band = coverage(frame.y - expand(start)) * coverage(expand(end) - frame.y)
    inverted = expand(rng.bernoulli(0.4))
    return band + inverted * (1 - 2 * band)


PATTERNS: dict[str, Callable[[Frame, BatchSampler], Array]] = {
    "plain": _plain,
    "heather": _heather,
    "stripes": _stripes,
    "pinstripes": _pinstripes,
    "checks": _checks,
    "flowers": _flowers,
    "patches": _patches,
    "dots": _dots,
    "knit": _knit,
    "chest": _chest,
    "blocks": _blocks,
}
"""Name of a pattern -> function that draws it."""
