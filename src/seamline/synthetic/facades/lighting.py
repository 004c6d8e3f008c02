"""Sunlight and skylight on the relief: shadows, lit edges, dark corners."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from seamline.synthetic.facades.canvas import GLASS, SKY, Canvas
from seamline.synthetic.sampling import Array, Sampler, clip

_LINEAR = ((np.arange(256) / 255.0) ** 2.2).astype(np.float32)  # 8-bit value -> linear light
_MIN_SUN = 0.3  # a weaker sun casts no visible shadow across the street


@dataclass(frozen=True)
class Light:
    """The weather.

    Attributes:
        sun: The sun's fraction of the light, 0 for an overcast sky, 1 for a clear noon.
        dx: Meters that a shadow falls to the right per meter of relief, negative to the left.
        dy: Meters that it falls down per meter of relief.
        warmth: Shift of the sunlight to yellow and of the shade to blue, 0..1.
    """

    sun: float
    dx: float
    dy: float
    warmth: float


def sample_light(rng: Sampler) -> Light:
    """Sample the light of a day, overcast about as often as clear."""
    sky = rng.choice({"overcast": 0.36, "hazy": 0.22, "clear": 0.42})
    sun = {"overcast": (0.0, 0.12), "hazy": (0.2, 0.45), "clear": (0.55, 0.95)}[sky]
    side = 1 if rng.bernoulli(0.5) else -1
    dx, dy = side * rng.uniform(0.3, 1.2), rng.uniform(0.7, 1.8)
    return Light(rng.uniform(*sun), dx, dy, rng.uniform(0, 1))


def to_linear(colors: NDArray[np.uint8]) -> Array:
    """Convert colors (..., 3) uint8 to linear light (..., 3) float32, 0..1."""
    return np.asarray(_LINEAR[colors], dtype=np.float32)


def illuminate(canvas: Canvas, light: Light, rng: Sampler, texture: Array) -> Array:
    """Render the canvas in this light.

    Args:
        canvas: The scene.
        light: The weather.
        rng: Decides whether the houses opposite cast a shadow on this side.
        texture: (R, C, 3) float32, factors of the light from the surface textures.

    Returns:
        (R, C, 3) float32, linear light of about 0..1.
    """
    relief = canvas.relief * np.float32(canvas.scale)
    sunlit = 1 - _shadow(relief, light, canvas.scale)
    if light.sun > _MIN_SUN and rng.bernoulli(0.3):
        sunlit *= 1 - _opposite_shadow(canvas, rng, light)
    edges = _edge_contrast(relief, light)
    visibility = _sky_visibility(relief, canvas.scale)
    glass = canvas.material == GLASS
    edges[glass] = 0
    # Glass reflects the opposite street, so a shadow on it only halves the light.
    sunlit[glass] = 0.5 + 0.5 * sunlit[glass]
    sun = np.float32(1.35 * light.sun) * sunlit * (1 + edges)
    sky = np.float32(1 - 0.6 * light.sun) * visibility * (1 + edges * np.float32(0.7))
    # The street is a canyon: lower parts of a wall get less skylight.
    sky *= np.linspace(1.06, rng.uniform(0.68, 0.95), len(sky), dtype=np.float32)[:, None]
    for layer in (sun, sky):
        layer[canvas.material == SKY] = 0.72
    warmth = light.warmth * 0.1 * light.sun
    image = to_linear(canvas.color)
    image *= texture
    tints = ((1 + warmth, 1 - warmth), (1.0, 1.0), (1 - 1.3 * warmth, 1 + warmth))
    for channel, (sun_tint, sky_tint) in enumerate(tints):
        image[:, :, channel] *= sun * np.float32(sun_tint) + sky * np.float32(sky_tint)
    return image


def _shadow(relief: Array, light: Light, scale: float) -> Array:
    """Return the fraction 0..1 of sunlight that each pixel loses to higher relief toward the sun."""
    length = float(np.hypot(light.dx, light.dy))
    step_x, step_y = light.dx / length, light.dy / length
    horizon = relief
    distance = 1
    # Doubling: after n rounds, each pixel holds the maximum over 2**n pixels toward the sun.
    while distance < 2.2 * scale:
        shifted = _shift(horizon, round(step_x * distance), round(step_y * distance)) - np.float32(distance / length)
        horizon = np.maximum(horizon, shifted)
        distance *= 2
    shadow = clip((horizon - relief) / np.float32(0.06 * scale), 0, 1)
    return np.asarray(cv2.GaussianBlur(shadow, (0, 0), 0.028 * scale), dtype=np.float32)


def _opposite_shadow(canvas: Canvas, rng: Sampler, light: Light) -> Array:
    """Return the shadow 0..1 of the opposite houses: a skewed roof line, dark below."""
    rows, columns = canvas.shape
    skew = light.dx * rng.uniform(0.2, 0.7)
    base = rng.uniform(0.1, 0.55) * canvas.height
    x, points = -canvas.width, [(-2 * canvas.width, -canvas.below - 1.0)]
    while x < 2 * canvas.width:
        width, height = rng.uniform(4, 14), base + rng.normal(0, 1.6)
        points += [(x + skew * height, height), (x + width + skew * height, height)]
        x += width
    points.append((3 * canvas.width, -canvas.below - 1.0))
    shadow = canvas.mask(points, (slice(0, rows), slice(0, columns))).astype(np.float32)
    return np.asarray(cv2.GaussianBlur(shadow, (0, 0), 0.05 * canvas.scale), dtype=np.float32)


def _edge_contrast(relief: Array, light: Light) -> Array:
    """Return the relative brightening of edges that face the light, negative where they face away."""
    smooth = cv2.GaussianBlur(relief, (0, 0), 0.9)
    side = -1 if light.dx > 0 else 1
    slope_x = cv2.Sobel(smooth, cv2.CV_32F, 1, 0, ksize=3, scale=0.125)
    slope_y = cv2.Sobel(smooth, cv2.CV_32F, 0, 1, ksize=3, scale=0.125)
    slope: Array = slope_y + np.float32(-0.6 * side) * slope_x
    return clip(slope * np.float32(0.16), -0.45, 0.35)


def _sky_visibility(relief: Array, scale: float) -> Array:
    """Return the fraction 0..1 of skylight that reaches each pixel: less in corners and under projections."""
    small = np.asarray(cv2.resize(relief, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA), dtype=np.float32)
    near = cv2.GaussianBlur(small, (0, 0), 0.14 * scale / 2)
    above = _shift(np.asarray(cv2.GaussianBlur(small, (0, 0), 0.3 * scale / 2)), 0, round(0.38 * scale / 2))
    columns, rows = relief.shape[1], relief.shape[0]
    occlusion = np.maximum(0, near - small) + np.float32(0.8) * np.maximum(0, above - small)
    full = cv2.resize(occlusion, (columns, rows), interpolation=cv2.INTER_LINEAR)
    return np.asarray(np.exp(full * np.float32(-2.1 / scale)), dtype=np.float32)


def _shift(layer: Array, right: int, down: int) -> Array:
    """Shift a layer (R, C) by whole pixels and repeat its edge."""
    rows, columns = layer.shape
    source_rows = np.clip(np.arange(rows) - down, 0, rows - 1)
    source_columns = np.clip(np.arange(columns) - right, 0, columns - 1)
    shifted: Array = layer[source_rows]
    return shifted if right == 0 else shifted[:, source_columns]
