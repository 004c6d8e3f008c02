"""Draws images that no ready network was trained on: landscapes, line drawings and noise."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

Images = list[NDArray[np.uint8]]

SIDE = 384  # pixels


def landscapes(count: int, seed: int = 0) -> Images:
    """Draw skies, ranges of hills behind each other, and meadows with grain: (384, 384, 3) uint8 each."""
    rng, rows, columns = np.random.default_rng(seed), np.linspace(0, 1, SIDE)[:, None], np.linspace(0, 1, SIDE)
    images = []
    for _ in range(count):
        top, bottom = rng.uniform((60, 110, 170), (130, 170, 250)), rng.uniform((150, 150, 140), (250, 230, 250))
        image = top + (bottom - top) * np.broadcast_to(rows, (SIDE, SIDE))[..., None]
        horizon, shade = rng.uniform(0.3, 0.6), rng.uniform((30, 60, 30), (90, 130, 90))
        for layer in range(rng.integers(2, 6)):
            waves = sum(
                rng.uniform(0.01, 0.09) / k * np.sin(2 * np.pi * (k * columns + rng.random()))
                for k in (1, 2, 3, 5, 9, 17)
            )
            below = rows > horizon + 0.09 * layer + waves
            image = np.where(below[..., None], shade * (1.3 - 0.15 * layer), image)
        grain = rng.normal(0, rng.uniform(3, 18), (SIDE, SIDE, 1)) * (0.3 + rows[..., None])
        images.append((image + grain).clip(0, 255).astype(np.uint8))
    return images


def drawings(count: int, seed: int = 0) -> Images:
    """Draw thin dark lines, rectangles, ellipses and polygons on light paper: (384, 384, 3) uint8 each."""
    rng, images = np.random.default_rng(seed), []
    for _ in range(count):
        paper, ink = rng.integers(225, 256), tuple(rng.integers(0, 100, 3).tolist())
        picture = Image.new("RGB", (SIDE, SIDE), (int(paper),) * 3)
        draw, width = ImageDraw.Draw(picture), int(rng.integers(1, 5))
        for _ in range(rng.integers(4, 30)):
            corners = np.sort(rng.integers(0, SIDE, (2, 2)), axis=0).ravel().tolist()
            points = [tuple(point) for point in rng.integers(0, SIDE, (rng.integers(2, 6), 2)).tolist()]
            shape = rng.integers(0, 4)
            if shape == 0:
                draw.rectangle(corners, outline=ink, width=width)
            elif shape == 1:
                draw.ellipse(corners, outline=ink, width=width)
            else:
                draw.line(points + points[:1] * int(shape == 2), fill=ink, width=width, joint="curve")
        images.append(np.asarray(picture))
    return images


def noise(count: int, seed: int = 0) -> Images:
    """Draw independent noise of one, two, … eight pixels per grain: (384, 384, 3) uint8 each."""
    rng, images = np.random.default_rng(seed), []
    for number in range(count):
        grain = 1 + number % 8
        coarse = rng.integers(0, 256, (-(-SIDE // grain), -(-SIDE // grain), 3), dtype=np.uint8)
        images.append(coarse.repeat(grain, 0).repeat(grain, 1)[:SIDE, :SIDE])
    return images
