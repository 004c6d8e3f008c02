"""A street: sky, ground, a house, its neighbors and foreground objects, as one large scene with labels."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from seamline.synthetic.facades.camera import Corners
from seamline.synthetic.facades.canvas import GROUND, OTHER, SKY, WALL, Canvas, Paint, shade
from seamline.synthetic.facades.foreground import draw_foreground
from seamline.synthetic.facades.houses import HousePlan, draw_house, plan_house
from seamline.synthetic.facades.lighting import Light, illuminate, sample_light
from seamline.synthetic.facades.styles import sample_style
from seamline.synthetic.facades.textures import surface_texture
from seamline.synthetic.sampling import Array, Sampler

_WIDTH, _HEIGHT, _BELOW, _SCALE = 26.0, 25.0, 2.5, 36.0  # meters, and pixels per meter


@dataclass(frozen=True)
class Street:
    """An orthographic view of a street at full resolution.

    Attributes:
        scene: (R, C, 3) float32, linear light.
        labels: (R, C) uint8, 0..4.
        median: Median light of the walls.
        highlight: 95th percentile of the light of the houses.
        house: Left, right, top and bottom of the house in the middle, in pixels.
    """

    scene: Array
    labels: NDArray[np.uint8]
    median: float
    highlight: float
    house: tuple[float, float, float, float]


def draw_street(rng: Sampler) -> Street:
    """Draw a street."""
    canvas = Canvas(_WIDTH, _HEIGHT, _BELOW, _SCALE)
    light = sample_light(rng)
    draw_sky(canvas, rng, light)
    plan = _draw_houses(canvas, rng)
    _draw_ground(canvas, rng)
    scene = illuminate(canvas, light, rng, surface_texture(canvas, rng))
    levels = scene[::4, ::4, 1]
    median = float(np.median(levels[canvas.label[::4, ::4] == WALL]))
    highlight = float(np.quantile(levels[canvas.material[::4, ::4] != SKY], 0.95))
    draw_foreground(scene, canvas, rng, light)
    if rng.bernoulli(0.16):
        _draw_black_wedges(scene, canvas, rng)
    left, right = max(0.0, plan.left), min(canvas.width, plan.right)
    house = (left * _SCALE, right * _SCALE, float(canvas.row(plan.top)), float(canvas.row(0)))
    return Street(scene, canvas.label, median, highlight, house)


def draw_sky(canvas: Canvas, rng: Sampler, light: Light) -> None:
    """Fill the canvas with sky: overcast, or blue with clouds where the sun shines."""
    rows, columns = (-(-size // 4) for size in canvas.shape)  # the sky is smooth, so a quarter of the size is enough
    blue = np.array((112, 160, 216), dtype=np.float32) + np.float32(rng.normal(0, 10))
    pale = np.array((226, 232, 238), dtype=np.float32)
    height = np.linspace(0, 1, rows, dtype=np.float32)[:, None]
    clearness = np.float32(min(1.0, light.sun * 1.4) * rng.uniform(0.55, 1.0))
    noise = rng.smooth_noise(rows, columns, columns / 3, rows / 6)
    noise = noise + np.float32(0.5) * rng.smooth_noise(rows, columns, columns / 9, rows / 16)
    clouds = np.clip(noise * np.float32(0.7) + np.float32(rng.uniform(-0.6, 0.8)), 0, 1)
    blueness = clearness * (1 - np.float32(0.75) * height) * (1 - clouds)
    small = pale + blueness[:, :, None] * (blue - pale) + (noise * 5)[:, :, None]
    canvas.color[:] = np.clip(cv2.resize(small, canvas.shape[::-1], interpolation=cv2.INTER_LINEAR), 0, 255)
    canvas.material[:] = SKY
    canvas.relief[:] = -3.0


def _draw_ground(canvas: Canvas, rng: Sampler) -> None:
    """Draw pavement and road along the foot of the houses."""
    pavement = shade((128, 124, 118), rng.uniform(0.7, 1.2))
    road = shade((74, 74, 76), rng.uniform(0.8, 1.3))
    curb = -rng.uniform(0.5, 0.9)
    canvas.rect(0, -canvas.below, canvas.width, 0, Paint(pavement, OTHER, 0.3, GROUND))
    canvas.rect(0, -canvas.below, canvas.width, curb, Paint(road, OTHER, 0.2, GROUND))
    canvas.rect(0, curb - 0.08, canvas.width, curb, Paint(shade(pavement, 1.2), OTHER, 0.3, GROUND))


def _draw_houses(canvas: Canvas, rng: Sampler) -> HousePlan:
    """Draw the neighbors, then the house in the middle, and return the plan of the latter."""
    style = sample_style(rng)
    width = rng.uniform(11, 24)
    plan = plan_house(style, (canvas.width - width) / 2 + rng.normal(0, 1.5), width)
    neighbors = []
    if rng.bernoulli(0.85):
        neighbor = sample_style(rng)
        neighbor_width = rng.uniform(9, 16)
        actual_width = plan_house(neighbor, 0, neighbor_width).right
        neighbors.append((neighbor, plan_house(neighbor, plan.left - actual_width, neighbor_width)))
    if rng.bernoulli(0.85):
        neighbor = sample_style(rng)
        neighbors.append((neighbor, plan_house(neighbor, plan.right, rng.uniform(9, 16))))
    for neighbor, neighbor_plan in neighbors:
        draw_house(canvas, rng, neighbor, neighbor_plan)
    draw_house(canvas, rng, style, plan)
    return plan


def _draw_black_wedges(scene: Array, canvas: Canvas, rng: Sampler) -> None:
    """Blacken a wedge at one side or both, as in photos that were rectified."""
    rows, columns = canvas.shape
    for side in (0, columns):
        if rng.bernoulli(0.6):
            inward = 1 if side == 0 else -1
            upper, lower = (side + inward * columns * rng.uniform(0.0, 0.2) for _ in range(2))
            wedge = [np.array([(side, 0), (upper, 0), (lower, rows), (side, rows)], dtype=np.int32)]
            cv2.fillPoly(scene, wedge, (0.001, 0.001, 0.001))
            cv2.fillPoly(canvas.label, wedge, (OTHER,))


def sample_views(street: Street, rng: Sampler, count: int) -> list[Corners]:
    """Sample crops of a street, each of which overlaps the first.

    Args:
        street: The street to crop.
        rng: Decides position and size.
        count: Number of crops.

    Returns:
        `count` arrays (4, 2) float64, in pixels of the street's scene.
    """
    rows, columns = street.labels.shape
    left, right, top, bottom = street.house
    limit = min(rows, columns) - 2.0
    extent = rng.choice({8.5: 1, 12.0: 2, 17.0: 2, 21.0: 1.2})
    side = min(limit, extent * rng.uniform(1.0, 1.3) * _SCALE)
    x, y = _sample_inside(rng, left, right, 0.22 * side), _sample_inside(rng, top, bottom, 0.22 * side)
    views = [_tilted_square(rng, (x, y), side, (rows, columns))]
    for _ in range(1, count):
        crop_side = min(limit, side * rng.uniform(0.7, 1.2))
        center = x + rng.normal(0, 0.16) * side, y + rng.normal(0, 0.16) * side
        views.append(_tilted_square(rng, center, crop_side, (rows, columns)))
    return views


def _sample_inside(rng: Sampler, low: float, high: float, margin: float) -> float:
    """Sample a coordinate at least `margin` from both ends, or return the middle where there is none."""
    return rng.uniform(low + margin, high - margin) if high - low > 2 * margin else (low + high) / 2


def _tilted_square(rng: Sampler, center: tuple[float, float], side: float, size: tuple[int, int]) -> Corners:
    """Return the corners of a square crop, moved into the scene and tilted by a few percent."""
    half = side / 2
    x = min(max(center[0], half), size[1] - half)
    y = min(max(center[1], half), size[0] - half)
    square = np.array([(x - half, y - half), (x + half, y - half), (x + half, y + half), (x - half, y + half)])
    rotation = rng.normal(0, 0.008)
    taper, skew = rng.normal(0, 0.016), rng.normal(0, 0.016)
    center_point = np.array((x, y))
    offsets = square - center_point
    offsets += rotation * offsets[:, ::-1] * (1, -1)
    offsets[:, 0] *= 1 + taper * offsets[:, 1] / half
    offsets[:, 1] *= 1 + skew * offsets[:, 0] / half
    corners: Corners = np.clip(offsets + center_point, 0, (size[1], size[0]))
    return corners
