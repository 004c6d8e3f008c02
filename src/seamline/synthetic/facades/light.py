"""Sun and sky on a relief: shadows, edges that catch the light, dark corners."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from seamline.synthetic.facades.canvas import GLASS, SKY, Canvas
from seamline.synthetic.facades.chance import Array, Chance, clip

_TABLE = ((np.arange(256) / 255.0) ** 2.2).astype(np.float32)  # what a screen shows -> how much light it is


_CAST = 0.3  # a weaker sun casts no shadow across the street that could be seen


@dataclass(frozen=True)
class Light:
    """The weather.

    Attributes:
        sun: 0 for a covered sky, 1 for a clear noon: the sun's share of the light.
        across: metres that a shadow falls to the right for each metre of relief; negative to the left.
        down: metres that it falls down for each metre of relief.
        warmth: how far the sun's light goes towards yellow, and the shadow's towards blue.
    """

    sun: float
    across: float
    down: float
    warmth: float


def weather(chance: Chance) -> Light:
    """Return the light of a day: covered as often as clear."""
    sun = chance.pick({"covered": 0.36, "hazy": 0.22, "clear": 0.42})
    strength = {"covered": (0.0, 0.12), "hazy": (0.2, 0.45), "clear": (0.55, 0.95)}[sun]
    side = 1 if chance.happens(0.5) else -1
    across, down = side * chance.between(0.3, 1.2), chance.between(0.7, 1.8)
    return Light(chance.between(*strength), across, down, chance.between(0, 1))


def linear(colour: NDArray[np.uint8]) -> Array:
    """Return amounts of light, 0..1 float32, from colours (..., 3) uint8."""
    return np.asarray(_TABLE[colour], dtype=np.float32)


def lit(canvas: Canvas, light: Light, chance: Chance, grain: Array) -> Array:
    """Return the canvas in this light, (R, C, 3) float32, about 0..1, as amounts of light.

    Args:
        canvas: what is lit.
        light: the weather.
        chance: decides whether the houses opposite cast their shadow on this side.
        grain: (R, C, 3) float32, what the surfaces' textures multiply the light by.
    """
    relief = canvas.relief * np.float32(canvas.scale)
    sunny = 1 - _shadow(relief, light, canvas.scale)
    if light.sun > _CAST and chance.happens(0.3):
        sunny *= 1 - _opposite(canvas, chance, light)
    edges = _edges(relief, light)
    open_sky = _open_sky(relief, canvas.scale)
    glass = canvas.material == GLASS
    edges[glass] = 0
    # Glass shows what is across the street; a shadow on it only takes the bloom off.
    sunny[glass] = 0.5 + 0.5 * sunny[glass]
    sun = np.float32(1.35 * light.sun) * sunny * (1 + edges)
    sky = np.float32(1 - 0.6 * light.sun) * open_sky * (1 + edges * np.float32(0.7))
    # A street is a trench: the lower a wall, the less sky it sees.
    sky *= np.linspace(1.06, chance.between(0.68, 0.95), len(sky), dtype=np.float32)[:, None]
    for layer in (sun, sky):
        layer[canvas.material == SKY] = 0.72
    warm = light.warmth * 0.1 * light.sun
    image = linear(canvas.colour)
    image *= grain
    for channel, (sun_tint, sky_tint) in enumerate(((1 + warm, 1 - warm), (1.0, 1.0), (1 - 1.3 * warm, 1 + warm))):
        image[:, :, channel] *= sun * np.float32(sun_tint) + sky * np.float32(sky_tint)
    return image


def _shadow(relief: Array, light: Light, scale: float) -> Array:
    """Return 0..1, how much of the sun each pixel loses to what stands out beside and above it."""
    reach = float(np.hypot(light.across, light.down))
    step_x, step_y = light.across / reach, light.down / reach
    highest = relief
    distance = 1
    # Doubling: after n rounds every pixel knows of what stands within 2**n pixels towards the sun.
    while distance < 2.2 * scale:
        moved = _moved(highest, round(step_x * distance), round(step_y * distance)) - np.float32(distance / reach)
        highest = np.maximum(highest, moved)
        distance *= 2
    lost = clip((highest - relief) / np.float32(0.06 * scale), 0, 1)
    return np.asarray(cv2.GaussianBlur(lost, (0, 0), 0.028 * scale), dtype=np.float32)


def _opposite(canvas: Canvas, chance: Chance, light: Light) -> Array:
    """Return 0..1, the shadow of the houses opposite: a slanting line of roofs, dark below."""
    rows, columns = canvas.shape
    lean = light.across * chance.between(0.2, 0.7)
    foot = chance.between(0.1, 0.55) * canvas.height
    x, points = -canvas.width, [(-2 * canvas.width, -canvas.below - 1.0)]
    while x < 2 * canvas.width:
        wide, high = chance.between(4, 14), foot + chance.about(0, 1.6)
        points += [(x + lean * high, high), (x + wide + lean * high, high)]
        x += wide
    points.append((3 * canvas.width, -canvas.below - 1.0))
    dark = canvas.mask(points, (slice(0, rows), slice(0, columns))).astype(np.float32)
    return np.asarray(cv2.GaussianBlur(dark, (0, 0), 0.05 * canvas.scale), dtype=np.float32)


def _edges(relief: Array, light: Light) -> Array:
    """Return how much lighter (or darker, below 0) edges are that turn towards (or from) the light."""
    soft = cv2.GaussianBlur(relief, (0, 0), 0.9)
    towards = -1 if light.across > 0 else 1
    slope_x = cv2.Sobel(soft, cv2.CV_32F, 1, 0, ksize=3, scale=0.125)
    slope_y = cv2.Sobel(soft, cv2.CV_32F, 0, 1, ksize=3, scale=0.125)
    facing: Array = slope_y + np.float32(-0.6 * towards) * slope_x
    return clip(facing * np.float32(0.16), -0.45, 0.35)


def _open_sky(relief: Array, scale: float) -> Array:
    """Return 0..1, how much of the sky's light reaches each pixel: less in corners and below what stands out."""
    small = np.asarray(cv2.resize(relief, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA), dtype=np.float32)
    near = cv2.GaussianBlur(small, (0, 0), 0.14 * scale / 2)
    above = _moved(np.asarray(cv2.GaussianBlur(small, (0, 0), 0.3 * scale / 2)), 0, round(0.38 * scale / 2))
    columns, rows = relief.shape[1], relief.shape[0]
    hidden = np.maximum(0, near - small) + np.float32(0.8) * np.maximum(0, above - small)
    whole = cv2.resize(hidden, (columns, rows), interpolation=cv2.INTER_LINEAR)
    return np.asarray(np.exp(whole * np.float32(-2.1 / scale)), dtype=np.float32)


def _moved(layer: Array, right: int, down: int) -> Array:
    """Return the layer moved by whole pixels, its edge repeated."""
    rows, columns = layer.shape
    from_rows = np.clip(np.arange(rows) - down, 0, rows - 1)
    from_columns = np.clip(np.arange(columns) - right, 0, columns - 1)
    moved: Array = layer[from_rows]
    return moved if right == 0 else moved[:, from_columns]
