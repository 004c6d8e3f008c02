"""Pretrained models of the package, each a run folder with weights of half precision and a model card.

`bench/train_pretrained.py` made them. They were trained on the real images, never on a test image.
"""

from pathlib import Path

PRETRAINED = {
    "facades": "windows, pillars and balconies in photos of building facades: segmentation into five classes",
    "garments": "one of ten garments in a small gray image, light on black: classification",
    "streets": "windows, balconies, shops, trees and cars in street photos: segmentation into eight classes",
}
"""Name -> what it is for."""


def pretrained_dir(name: str) -> Path:
    """Return the run folder of a pretrained model, a key of `PRETRAINED`."""
    return Path(__file__).parent / name


def pretrained_name(path: Path) -> str | None:
    """Return the name of the pretrained model in a folder; None for any other folder."""
    return next((name for name in PRETRAINED if pretrained_dir(name) == path), None)
