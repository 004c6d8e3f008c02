"""Surface textures: the grain of materials, dirt and wear, as factors of the light."""

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
from seamline.synthetic.sampling import Array, Sampler, clip

_BRICK = (0.25, 0.077)  # width and height in meters, joint included
_BLOCK = (0.85, 0.42)
_TILE = (0.2, 0.3)


def surface_texture(canvas: Canvas, rng: Sampler) -> Array:
    """Return the texture of all surfaces with stains, soot and slow changes of tint, (R, C, 3) float32 around 1."""
    rows, columns = canvas.shape
    fine = rng.standard_normal(rows, columns)
    factor = 1 + np.float32(0.02) * fine
    _apply_materials(canvas, rng, factor, fine)
    _apply_dirt(canvas, rng, factor)
    tint = rng.smooth_noise(rows, columns, 3 * canvas.scale) * np.float32(rng.uniform(0.004, 0.018))
    return np.stack([factor * (1 + tint), factor, factor * (1 - tint)], axis=2)


def _apply_materials(canvas: Canvas, rng: Sampler, factor: Array, fine: Array) -> None:
    """Multiply the factors (R, C) float32 by the texture of each material, in place."""
    rows, columns = canvas.shape
    scale = canvas.scale
    coarse = rng.smooth_noise(rows, columns, 0.8 * scale) + np.float32(0.6) * rng.smooth_noise(
        rows, columns, 0.25 * scale
    )
    coarse_strengths = {
        SMOOTH: 0.015,
        PLASTER: rng.uniform(0.015, 0.055),
        BRICK: 0.05,
        STONE: rng.uniform(0.03, 0.07),
        TILES: 0.08,
        METAL: 0.05,
        GROUND: 0.06,
    }
    strength = np.zeros(SKY + 1, dtype=np.float32)
    strength[list(coarse_strengths)] = list(coarse_strengths.values())
    factor *= 1 + strength[canvas.material] * coarse
    for material, size, spread, joint in (
        (BRICK, _BRICK, rng.uniform(0.09, 0.22), rng.uniform(-0.15, 0.4)),
        (STONE, _BLOCK, rng.uniform(0.02, 0.08), rng.uniform(-0.3, 0.0)),
        (TILES, _TILE, 0.16, -0.3),
    ):
        mask = canvas.material == material
        if mask.any():
            pattern = _masonry(rng, rows, columns, size, scale, spread, joint)
            factor[mask] *= pattern[mask]
    roughness = np.zeros(SKY + 1, dtype=np.float32)
    roughness[[STONE, GROUND]] = 0.05
    factor *= 1 + roughness[canvas.material] * fine


def _masonry(
    rng: Sampler, rows: int, columns: int, size: tuple[float, float], scale: float, spread: float, joint: float
) -> Array:
    """Return courses of blocks in varied tones with joints between them, (R, C) float32 around 1."""
    width, height = max(2.0, size[0] * scale), max(2.0, size[1] * scale)
    y = np.arange(rows, dtype=np.float32) / np.float32(height)
    x = np.arange(columns, dtype=np.float32) / np.float32(width)
    course = y.astype(np.int64)
    shifted = x[None, :] + (course % 2)[:, None] * np.float32(0.5)
    block = shifted.astype(np.int64)
    tones = 1 + np.float32(spread) * rng.standard_normal(int(course[-1]) + 1, int(block.max()) + 1)
    pattern = tones[course[:, None], block]
    in_joint = (shifted - block) * np.float32(width) < 1
    in_joint |= ((y - course) * np.float32(height) < 1)[:, None]
    pattern[in_joint] = 1 + joint
    return clip(pattern, 0.4, 1.6)


def _apply_dirt(canvas: Canvas, rng: Sampler, factor: Array) -> None:
    """Darken walls by rain streaks and by splashes near the ground, in place."""
    rows, columns = canvas.shape
    scale = canvas.scale
    wear = rng.uniform(0, 1) ** 2
    streaks = rng.smooth_noise(rows, columns, 0.12 * scale, 2.4 * scale)
    patches = rng.smooth_noise(rows, columns, 2.0 * scale)
    stains = np.clip(streaks * np.float32(0.5) + patches - np.float32(0.9), 0, 1.5)
    height = np.float32(canvas.height) - np.arange(rows, dtype=np.float32) / np.float32(scale)
    splash = np.exp(-np.maximum(height, 0) / np.float32(1.1))[:, None] * (1 + np.float32(0.4) * patches)
    dirt = np.float32(0.05 + 0.22 * wear) * stains + np.float32(0.06 + 0.14 * wear) * splash
    factor *= np.where(canvas.label == WALL, np.clip(1 - dirt, 0.4, 1.1), np.float32(1))
