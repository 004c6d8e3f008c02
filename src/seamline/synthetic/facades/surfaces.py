"""The grain of materials, dirt and wear: what the light of each pixel is multiplied by."""

import numpy as np

from seamline.synthetic.facades.canvas import (
    BRICK,
    GROUND,
    METAL,
    PLASTER,
    SKY,
    SMOOTH,
    STONE,
    TILES,
    WALL,
    Canvas,
)
from seamline.synthetic.facades.chance import Array, Chance, clip

_BRICK = (0.25, 0.077)  # metres, with its joint
_BLOCK = (0.85, 0.42)
_TILE = (0.2, 0.3)


def grain(canvas: Canvas, chance: Chance) -> Array:
    """Return (R, C, 3) float32 around 1: texture of every material, stains, soot, and tint that wanders."""
    rows, columns = canvas.shape
    fine = chance.grain(rows, columns)
    factor = 1 + np.float32(0.02) * fine
    _texture(canvas, chance, factor, fine)
    _dirt(canvas, chance, factor)
    tint = chance.clouds(rows, columns, 3 * canvas.scale) * np.float32(chance.between(0.004, 0.018))
    return np.stack([factor * (1 + tint), factor, factor * (1 - tint)], axis=2)


def _texture(canvas: Canvas, chance: Chance, factor: Array, fine: Array) -> None:
    """Give each material its own texture, in place."""
    rows, columns = canvas.shape
    scale = canvas.scale
    blotches = chance.clouds(rows, columns, 0.8 * scale) + np.float32(0.6) * chance.clouds(rows, columns, 0.25 * scale)
    strength = {
        SMOOTH: 0.015,
        PLASTER: chance.between(0.015, 0.055),
        BRICK: 0.05,
        STONE: chance.between(0.03, 0.07),
        TILES: 0.08,
        METAL: 0.05,
        GROUND: 0.06,
    }
    amounts = np.zeros(SKY + 1, dtype=np.float32)
    amounts[list(strength)] = list(strength.values())
    factor *= 1 + amounts[canvas.material] * blotches
    for material, size, spread, joint in (
        (BRICK, _BRICK, chance.between(0.09, 0.22), chance.between(-0.15, 0.4)),
        (STONE, _BLOCK, chance.between(0.02, 0.08), chance.between(-0.3, 0.0)),
        (TILES, _TILE, 0.16, -0.3),
    ):
        here = canvas.material == material
        if here.any():
            pattern = _courses(chance, rows, columns, size, scale, spread, joint)
            factor[here] *= pattern[here]
    roughness = np.zeros(SKY + 1, dtype=np.float32)
    roughness[[STONE, GROUND]] = 0.05
    factor *= 1 + roughness[canvas.material] * fine


def _courses(
    chance: Chance, rows: int, columns: int, size: tuple[float, float], scale: float, spread: float, joint: float
) -> Array:
    """Return (R, C) float32 around 1: courses of blocks, each of its own tone, with joints between them."""
    across, down = max(2.0, size[0] * scale), max(2.0, size[1] * scale)
    y = np.arange(rows, dtype=np.float32) / np.float32(down)
    x = np.arange(columns, dtype=np.float32) / np.float32(across)
    course = y.astype(np.int64)
    shifted = x[None, :] + (course % 2)[:, None] * np.float32(0.5)
    block = shifted.astype(np.int64)
    tones = 1 + np.float32(spread) * chance.grain(int(course[-1]) + 1, int(block.max()) + 1)
    pattern = tones[course[:, None], block]
    in_joint = (shifted - block) * np.float32(across) < 1
    in_joint |= ((y - course) * np.float32(down) < 1)[:, None]
    pattern[in_joint] = 1 + joint
    return clip(pattern, 0.4, 1.6)


def _dirt(canvas: Canvas, chance: Chance, factor: Array) -> None:
    """Darken what rain and street have dirtied: streaks, and the foot of the wall; in place."""
    rows, columns = canvas.shape
    scale = canvas.scale
    worn = chance.between(0, 1) ** 2
    streaks = chance.clouds(rows, columns, 0.12 * scale, 2.4 * scale)
    patches = chance.clouds(rows, columns, 2.0 * scale)
    stains = np.clip(streaks * np.float32(0.5) + patches - np.float32(0.9), 0, 1.5)
    height = np.float32(canvas.height) - np.arange(rows, dtype=np.float32) / np.float32(scale)
    foot = np.exp(-np.maximum(height, 0) / np.float32(1.1))[:, None] * (1 + np.float32(0.4) * patches)
    dark = np.float32(0.05 + 0.22 * worn) * stains + np.float32(0.06 + 0.14 * worn) * foot
    factor *= np.where(canvas.label == WALL, np.clip(1 - dark, 0.4, 1.1), np.float32(1))
