"""The sky behind the roofs, and the pavement and road in front of the houses."""

import cv2
import numpy as np

from seamline.synthetic.facades.canvas import GROUND, OTHER, SKY, Canvas, Paint, shade
from seamline.synthetic.facades.chance import Chance
from seamline.synthetic.facades.light import Light


def draw_sky(canvas: Canvas, chance: Chance, light: Light) -> None:
    """Fill the canvas with sky: covered, or blue with clouds where the sun shines."""
    rows, columns = (-(-size // 4) for size in canvas.shape)  # a sky is smooth: drawn smaller and enlarged
    blue = np.array((112, 160, 216), dtype=np.float32) + np.float32(chance.about(0, 10))
    pale = np.array((226, 232, 238), dtype=np.float32)
    height = np.linspace(0, 1, rows, dtype=np.float32)[:, None]
    clear = np.float32(min(1.0, light.sun * 1.4) * chance.between(0.55, 1.0))
    hills = chance.clouds(rows, columns, columns / 3, rows / 6) + np.float32(0.5) * chance.clouds(
        rows, columns, columns / 9, rows / 16
    )
    cloud = np.clip(hills * np.float32(0.7) + np.float32(chance.between(-0.6, 0.8)), 0, 1)
    share = clear * (1 - np.float32(0.75) * height) * (1 - cloud)
    small = pale + share[:, :, None] * (blue - pale) + (hills * 5)[:, :, None]
    canvas.colour[:] = np.clip(cv2.resize(small, canvas.shape[::-1], interpolation=cv2.INTER_LINEAR), 0, 255)
    canvas.material[:] = SKY
    canvas.relief[:] = -3.0


def draw_ground(canvas: Canvas, chance: Chance) -> None:
    """Lay pavement and road along the foot of the houses."""
    stone = shade((128, 124, 118), chance.between(0.7, 1.2))
    tar = shade((74, 74, 76), chance.between(0.8, 1.3))
    kerb = -chance.between(0.5, 0.9)
    canvas.rect(0, -canvas.below, canvas.width, 0, Paint(stone, OTHER, 0.3, GROUND))
    canvas.rect(0, -canvas.below, canvas.width, kerb, Paint(tar, OTHER, 0.2, GROUND))
    canvas.rect(0, kerb - 0.08, canvas.width, kerb, Paint(shade(stone, 1.2), OTHER, 0.3, GROUND))
