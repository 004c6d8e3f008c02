"""Superpixels: regions that keep to edges, and their API."""

import io
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

pytest.importorskip("httpx", reason="httpx is not installed")

from seamline.inference.predictor import load_model
from seamline.serve.superpixels import COUNT, SIDE, divide
from serve.test_api import ask
from serve.test_collect import collecting, encoded


def test_superpixels_keep_to_edges() -> None:
    """A disk on a lighter ground with noise: regions cover all, are connected, and hardly cross its edge."""
    height, width = 500, 1000
    y, x = np.mgrid[:height, :width]
    disk = (y - 250) ** 2 + (x - 400) ** 2 < 180**2
    noise = np.random.default_rng(0).integers(0, 30, (height, width, 3))
    regions = divide((np.where(disk, 60, 160)[..., None] + noise).astype(np.uint8))
    assert regions.shape == (SIDE // 2, SIDE)
    numbers = np.unique(regions)
    assert numbers.min() == 1
    assert 0.8 * COUNT < len(numbers) < 1.2 * COUNT
    inside = np.asarray(Image.fromarray(disk).resize((SIDE, SIDE // 2)), bool)
    crossing = 0
    for number in numbers:
        region = regions == number
        assert cv2.connectedComponents(region.astype(np.uint8))[0] == 2  # the ground and the region
        crossing += min((inside & region).sum(), (~inside & region).sum())
    assert crossing < 0.005 * regions.size


@pytest.mark.parametrize("shape", [(1, 1, 3), (2, 50, 3), (3, 3, 3), (28, 28, 3), (40, 2_000, 3)])
def test_superpixels_of_small_photos(shape: tuple[int, int, int], segmenter: Path, tmp_path: Path) -> None:
    photo = np.random.default_rng(0).integers(0, 255, shape)
    answer = ask(collecting(load_model(segmenter), tmp_path), "POST", "/api/superpixels", content=encoded(photo))
    assert answer.headers["content-type"] == "image/png"
    with Image.open(io.BytesIO(answer.content)) as image:
        red, green, blue = np.asarray(image).astype(int).transpose(2, 0, 1)
    assert np.array_equal(256 * red + green, divide(photo.astype(np.uint8)))
    assert (256 * red + green).min() == 1
    assert not blue.any()
