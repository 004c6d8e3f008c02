import json
import struct
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn
from torch.nn import functional as F

from seamline.errors import WeightsUnavailableError
from seamline.io import sha256_file
from seamline.models.efficientnet_lite import (
    PIXEL_MEAN,
    PIXEL_STD,
    EfficientNetLite,
    SameConvNorm,
    load_pretrained,
    weights_file,
)

VARIANT = "efficientnet-lite0"


def test_the_encoder_has_the_published_size() -> None:
    """4.7 million parameters with a head of 1,000 classes, and 407 million multiply-adds at 224 x 224 pixels."""
    encoder = EfficientNetLite(VARIANT)
    head = 1281 * 1000
    assert sum(weight.numel() for weight in encoder.parameters()) + head == pytest.approx(4.7e6, rel=0.02)
    products = 0

    def count(layer: nn.Module, _: object, maps: torch.Tensor) -> None:
        nonlocal products
        assert isinstance(layer, nn.Conv2d)
        products += layer.weight[0].numel() * maps.numel()

    for layer in encoder.modules():
        if isinstance(layer, nn.Conv2d):
            layer.register_forward_hook(count)
    with torch.no_grad():
        encoder.eval()(torch.zeros(1, 3, 224, 224))
    assert products == pytest.approx(407e6, rel=0.06)


@pytest.mark.parametrize("kernel", [3, 5])
def test_strided_convolutions_are_padded_as_in_tensorflow(kernel: int) -> None:
    """`SAME` pads (kernel - 2) pixels in all, the odd one at the bottom and right."""
    layer = SameConvNorm(2, 3, kernel, 2, activation=False).eval()
    convolution = next(part for part in layer if isinstance(part, nn.Conv2d))
    maps = torch.randn(1, 2, 8, 12)
    total = kernel - 2
    padded = F.pad(maps, (total // 2, total - total // 2, total // 2, total - total // 2))
    expected = F.conv2d(padded, convolution.weight, stride=2) / (1 + 1e-3) ** 0.5
    torch.testing.assert_close(layer(maps), expected)


def test_levels_halve_the_pixels_five_times() -> None:
    encoder = EfficientNetLite("efficientnet-lite2", pooled=False)
    levels = encoder.forward_levels(torch.zeros(2, 3, 64, 96))
    assert [tuple(maps.shape) for maps in levels] == [
        (2, width, 64 >> level, 96 >> level) for level, width in enumerate(encoder.widths, 1)
    ]


def test_a_gray_image_gets_the_maps_of_its_repetition() -> None:
    color, gray = EfficientNetLite(VARIANT).eval(), EfficientNetLite(VARIANT, 1).eval()
    for encoder in (color, gray):
        assert VARIANT in load_pretrained(encoder)
    pixels = torch.randn(2, 1, 32, 32, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(gray(pixels), color(pixels.expand(-1, 3, -1, -1)), rtol=1e-3, atol=1e-3)


def test_weights_are_those_that_the_notice_describes() -> None:
    file = weights_file(VARIANT)
    assert sha256_file(file) in (file.parent / "NOTICE").read_text(encoding="utf-8")
    content = file.read_bytes()
    (length,) = struct.unpack("<Q", content[:8])
    entries = json.loads(content[8 : 8 + length])
    assert {entry["dtype"] for entry in entries.values()} == {"F16"}
    with pytest.raises(WeightsUnavailableError, match="efficientnet-lite1: has no weights in the package"):
        load_pretrained(EfficientNetLite("efficientnet-lite1"))


@pytest.mark.real
def test_features_tell_ants_from_bees(real_data: Path) -> None:
    """Photos of both are told apart by the nearer mean of 20 other photos; guessing would give a half."""
    encoder = EfficientNetLite(VARIANT).eval()
    load_pretrained(encoder)
    folder = real_data / "hymenoptera" / "train"
    features = {name: pooled(encoder, sorted((folder / name).iterdir())[:40]) for name in ("ants", "bees")}
    means = torch.stack([of[:20].mean(0) for of in features.values()])
    correct = [
        (torch.cdist(of[20:], means).argmin(1) == number).float().mean() for number, of in enumerate(features.values())
    ]
    assert sum(correct) / 2 >= 0.75


def pooled(encoder: EfficientNetLite, files: list[Path]) -> torch.Tensor:
    """Features of photos at 128 x 128 pixels."""
    photos = [np.asarray(Image.open(file).convert("RGB").resize((128, 128)), np.float32) for file in files]
    pixels = (np.stack(photos) - PIXEL_MEAN[0]) / PIXEL_STD[0]
    with torch.no_grad():
        return torch.cat(
            [encoder(torch.from_numpy(pixels[start : start + 10]).permute(0, 3, 1, 2)) for start in range(0, 40, 10)]
        )
