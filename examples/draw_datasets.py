"""Draw two small datasets: `photos`, images in class folders, and `walls`, images with masks.

python examples/draw_datasets.py [FOLDER]
"""

import json
import sys
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

SHAPES = ("circle", "square", "triangle")
COUNT = 24
"""Number of images of each class, and of images with masks."""


def shape(name: str, rng: np.random.Generator) -> Image.Image:
    """Draw a shape of one color on a noisy background, 64 x 64."""
    background = rng.integers(60, 140, 3) + rng.integers(-25, 25, (64, 64, 3))
    image = Image.fromarray(background.clip(0, 255).astype(np.uint8))
    size, left, top = rng.integers(20, 40), *rng.integers(2, 22, 2)
    box = (left, top, left + size, top + size)
    color = tuple(int(value) for value in rng.integers(150, 255, 3))
    draw = ImageDraw.Draw(image)
    if name == "circle":
        draw.ellipse(box, color)
    elif name == "square":
        draw.rectangle(box, color)
    else:
        draw.polygon([(left, top + size), (left + size, top + size), (left + size // 2, top)], color)
    return image


def wall(rng: np.random.Generator) -> tuple[Image.Image, Image.Image]:
    """Draw a wall with windows below the sky, 96 x 96, and its mask: 0 sky, 1 wall, 2 window."""
    mask = np.zeros((96, 96), np.uint8)
    roof, left = rng.integers(10, 36), rng.integers(4, 14)
    height, width = rng.integers(8, 18, 2)
    mask[roof:] = 1
    for row in range(roof + 8, 94 - height, height + rng.integers(6, 14)):
        for column in range(left, 94 - width, width + rng.integers(6, 14)):
            mask[row : row + height, column : column + width] = 2
    colors = np.array([[90, 130, 210], rng.integers(150, 230, 3), rng.integers(20, 70, 3)])
    texture = Image.fromarray(rng.integers(0, 90, (24, 24, 3)).astype(np.uint8)).resize((96, 96))
    image = colors[mask] + np.asarray(texture).astype(int) - 45 + rng.integers(-15, 15, (96, 96, 3))
    return Image.fromarray(image.clip(0, 255).astype(np.uint8)), Image.fromarray(mask)


def draw_datasets(folder: Path) -> tuple[Path, Path]:
    """Write `photos` and `walls` into a folder; return their paths."""
    rng = np.random.default_rng(0)
    photos, walls = folder / "photos", folder / "walls"
    for name in SHAPES:
        (photos / name).mkdir(parents=True, exist_ok=True)
        for number in range(COUNT):
            shape(name, rng).save(photos / name / f"{number:02}.png")
    for kind in ("images", "masks"):
        (walls / kind).mkdir(parents=True, exist_ok=True)
    for number in range(COUNT):
        image, mask = wall(rng)
        image.save(walls / "images" / f"{number:02}.jpg", quality=92)
        mask.save(walls / "masks" / f"{number:02}.png")
    classes = {"sky": [90, 130, 210], "wall": [200, 180, 150], "window": [40, 40, 60]}
    (walls / "classes.json").write_text(json.dumps(classes), encoding="utf-8")
    return photos, walls


if __name__ == "__main__":
    print(*draw_datasets(Path(sys.argv[1] if len(sys.argv) > 1 else ".")))
