"""Draws two small sets to try things on: `shapes`, photos in class folders, and `walls`, images beside masks."""

import json
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

SHAPES = ("circle", "square", "triangle")
COUNT = 24
"""Images of each class, and images with masks."""


def shape(name: str, chance: np.random.Generator) -> Image.Image:
    """Draw a shape of one colour somewhere on a noisy ground, 64 x 64."""
    ground = chance.integers(60, 140, 3) + chance.integers(-25, 25, (64, 64, 3))
    image = Image.fromarray(ground.clip(0, 255).astype(np.uint8))
    size, left, top = chance.integers(20, 40), *chance.integers(2, 22, 2)
    box = (left, top, left + size, top + size)
    colour = tuple(int(value) for value in chance.integers(150, 255, 3))
    draw = ImageDraw.Draw(image)
    if name == "circle":
        draw.ellipse(box, colour)
    elif name == "square":
        draw.rectangle(box, colour)
    else:
        draw.polygon([(left, top + size), (left + size, top + size), (left + size // 2, top)], colour)
    return image


def wall(chance: np.random.Generator) -> tuple[Image.Image, Image.Image]:
    """Draw a wall with windows under a sky, 96 x 96, and its mask: 0 sky, 1 wall, 2 window."""
    mask = np.zeros((96, 96), np.uint8)
    roof, left = chance.integers(10, 36), chance.integers(4, 14)
    height, width = chance.integers(8, 18, 2)
    mask[roof:] = 1
    for row in range(roof + 8, 94 - height, height + chance.integers(6, 14)):
        for column in range(left, 94 - width, width + chance.integers(6, 14)):
            mask[row : row + height, column : column + width] = 2
    colours = np.array([[90, 130, 210], chance.integers(150, 230, 3), chance.integers(20, 70, 3)])
    spots = Image.fromarray(chance.integers(0, 90, (24, 24, 3)).astype(np.uint8)).resize((96, 96))  # each its own stone
    image = colours[mask] + np.asarray(spots).astype(int) - 45 + chance.integers(-15, 15, (96, 96, 3))
    return Image.fromarray(image.clip(0, 255).astype(np.uint8)), Image.fromarray(mask)


def draw_sets(folder: Path) -> tuple[Path, Path]:
    """Write both sets below a folder; return where they lie."""
    chance = np.random.default_rng(0)
    shapes, walls = folder / "shapes", folder / "walls"
    for name in SHAPES:
        (shapes / name).mkdir(parents=True, exist_ok=True)
        for number in range(COUNT):
            shape(name, chance).save(shapes / name / f"{number:02}.png")
    for kind in ("images", "masks"):
        (walls / kind).mkdir(parents=True, exist_ok=True)
    for number in range(COUNT):
        image, mask = wall(chance)
        image.save(walls / "images" / f"{number:02}.jpg", quality=92)
        mask.save(walls / "masks" / f"{number:02}.png")
    classes = {"sky": [90, 130, 210], "wall": [200, 180, 150], "window": [40, 40, 60]}
    (walls / "classes.json").write_text(json.dumps(classes), encoding="utf-8")
    return shapes, walls
