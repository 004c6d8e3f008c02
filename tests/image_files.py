"""Small image files for tests."""

import zlib
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image


def write_photos(folder: Path, *names: str, size: tuple[int, int] = (32, 32)) -> None:
    """Write noise of many colors, of a size (height, width), a different one for each name."""
    for name in names:
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        generator = np.random.default_rng(zlib.crc32(name.encode()))
        Image.fromarray(generator.integers(0, 256, (*size, 3), np.uint8)).save(file)


def write_mask(file: Path, left: Any, right: Any, *, size: tuple[int, int] = (32, 32), palette: Any = None) -> None:
    """Write a mask of two halves: numbers, colors, or indices of a palette."""
    file.parent.mkdir(parents=True, exist_ok=True)
    values = np.zeros((*size, 3) if isinstance(left, tuple) else size, np.uint8)
    values[:, : size[1] // 2], values[:, size[1] // 2 :] = left, right
    image = Image.fromarray(values)
    if palette is not None:
        image.putpalette([channel for color in palette for channel in color])
    image.save(file)
