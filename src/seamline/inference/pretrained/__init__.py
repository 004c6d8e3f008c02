"""Networks that ship with the package, each a run folder with weights of half precision and a model card.

`bench/train_pretrained.py` made them: trained on the real images, never on a test image.
"""

from pathlib import Path

READY = {
    "facades": "windows, pillars and balconies on photos of building fronts: masks of five classes",
    "garments": "one of ten garments on a small grey picture, light on black",
}
"""Name -> what it is for."""


def ready_folder(name: str) -> Path:
    """Return the folder of a ready network, a key of `READY`."""
    return Path(__file__).parent / name
