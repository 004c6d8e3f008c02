"""Finished runs, made by hand, and photos."""

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from seamline.models.blocks import BaseModel
from seamline.training.config import CLASSIFIER_PRESETS, SEGMENTER_PRESETS, recipe_fields
from seamline.training.run_dir import Run

SEGMENTER_CLASSES = ("dark", "bright")
COLOURS = ((0, 0, 0), (0, 128, 255))


def write_run(folder: Path, network: BaseModel, name: str, image: tuple[int, int, int], data: dict[str, Any]) -> Path:
    run = Run(folder)
    recipes = SEGMENTER_PRESETS if data["colours"] else CLASSIFIER_PRESETS
    run.start(
        {
            "recipe": recipe_fields(recipes["fast"]),
            "recipe_name": "fast",
            "dataset": {"place": "made by a test", "fingerprint": "0" * 32, "test": 0} | data,
            "network": {"name": name, "image": list(image)},
            "seed": 0,
            "split": {"seed": 0},
        }
    )
    run.finish(network.state_dict())
    return folder


def save_photo(file: Path, height: int = 60, width: int = 100, *, mode: str = "RGB") -> Path:
    """Write a photo whose left half is black and whose right half is white, with a little noise."""
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[:, width // 2 :] = 250
    pixels += np.random.default_rng(0).integers(0, 5, pixels.shape, dtype=np.uint8)
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).convert(mode).save(file)
    return file
