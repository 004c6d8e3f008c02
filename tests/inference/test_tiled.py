from functools import partial

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from seamline.inference.forward import predict_logits
from seamline.inference.tiled import OVERLAP, TILE, predict_mask, predict_strips
from seamline.models.factory import SEGMENTERS, build_model
from seamline.models.segmenters import Segmenter

CLASSES = 3


def chance_image(height: int, width: int, channels: int = 3, seed: int = 0) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (height, width, channels), dtype=np.uint8)


class Convolution(nn.Module):
    """One convolution of an odd kernel; asked out of evaluation mode it would fail."""

    def __init__(self, kernel: int) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(kernel)
        self.weights = nn.Parameter(torch.randn(CLASSES, 3, kernel, kernel, generator=generator) / kernel)

    def forward(self, images: Tensor) -> Tensor:
        assert not self.training
        return F.conv2d(images / 255, self.weights, padding="same")


def whole(network: nn.Module, image: NDArray[np.uint8]) -> NDArray[np.float32]:
    with torch.inference_mode():
        scores: NDArray[np.float32] = network.eval()(torch.from_numpy(image[np.newaxis]).permute(0, 3, 1, 2))[0].numpy()
    return scores


def tiled(network: nn.Module, image: NDArray[np.uint8], tile: int, overlap: int) -> NDArray[np.float32]:
    return np.concatenate(list(predict_strips(partial(predict_logits, network), image, tile=tile, overlap=overlap)), 1)


@settings(max_examples=150)
@given(st.data())
def test_tiles_of_any_size_give_what_the_whole_image_gives(data: st.DataObject) -> None:
    height, width = data.draw(st.integers(1, 70)), data.draw(st.integers(1, 70))
    tile = data.draw(st.integers(1, 40))
    overlap = data.draw(st.integers(0, tile // 2))
    kernel = data.draw(st.sampled_from([1, 3, 5]))
    if kernel // 2 > min(
        -(-overlap // 4), overlap // 2
    ):  # sees further than the part of an overlap that counts nothing
        kernel = 1
    image = chance_image(height, width, seed=tile)
    network = Convolution(kernel).train()
    scores = tiled(network, image, tile, overlap)
    assert network.training
    np.testing.assert_allclose(scores, whole(network, image), atol=1e-5)


@pytest.mark.parametrize("sides", [(70, 41), (16, 16), (5, 90)])
def test_a_mask_is_the_highest_score_and_large_ones_are_enlarged_as_pytorch_does(sides: tuple[int, int]) -> None:
    image, network = chance_image(*sides), Convolution(3)
    ask = partial(predict_logits, network)
    scores = torch.from_numpy(whole(network, image))[None]
    np.testing.assert_array_equal(
        predict_mask(predict_strips(ask, image, tile=16, overlap=4), sides, 1.0).mask, scores[0].argmax(0)
    )
    for shape in [(sides[0] * 3 + 1, sides[1] * 2 + 7), (sides[0], sides[1] + 1), (2000, sides[1])]:
        larger = F.interpolate(scores, size=shape, mode="bilinear")[0]
        mask = predict_mask(predict_strips(ask, image, shape=shape, tile=16, overlap=4), shape, 1.0).mask
        assert mask.shape == shape
        first, second = larger.topk(2, 0).values
        clear = (first - second > 1e-4).numpy()  # where rounding decides nothing
        np.testing.assert_array_equal(mask[clear], larger.argmax(0).numpy()[clear])


def test_equal_scores_are_the_lowest_class() -> None:
    def ask(images: NDArray[np.uint8]) -> NDArray[np.float32]:
        planes = np.array([0.0, 1.0, 1.0, 0.5], np.float32).reshape(1, 4, 1, 1)
        return np.broadcast_to(planes, (1, 4, *images.shape[1:3]))

    result = predict_mask(predict_strips(ask, chance_image(3, 4, 1)), (3, 4), 1.0)
    assert (result.mask == 1).all()
    share = np.e / (1 + 2 * np.e + np.e**0.5)
    assert (result.confidence == round(255 * share)).all()
    wrong = [1 / (1 + 2 * np.e + np.e**0.5), 1 - share, share, np.e**0.5 / (1 + 2 * np.e + np.e**0.5)]
    np.testing.assert_allclose(result.expected_errors, 12 * np.array(wrong), rtol=1e-5)
    assert result.maps is None


@pytest.mark.parametrize("temperature", [1.0, 0.3, 4.0])
def test_confidence_is_the_calibrated_probability_of_the_class(temperature: float) -> None:
    image, network = chance_image(70, 41), Convolution(3)
    probabilities = (torch.from_numpy(whole(network, image)) / temperature).softmax(0).numpy()
    strips = predict_strips(partial(predict_logits, network), image, tile=16, overlap=4)
    result = predict_mask(strips, (70, 41), temperature, with_maps=True)
    assert result.maps is not None
    np.testing.assert_allclose(result.maps, probabilities, atol=1e-5)
    np.testing.assert_allclose(result.confidence, 255 * probabilities.max(0), atol=0.501)
    picked = result.mask == np.arange(len(probabilities))[:, None, None]
    wrong = np.where(picked, 1 - probabilities, probabilities)
    np.testing.assert_allclose(result.expected_errors, wrong.sum((1, 2)), rtol=1e-4)


@pytest.mark.parametrize("name", SEGMENTERS)
def test_tiles_lie_on_every_network_s_grid(name: str) -> None:
    """Also where it looks at the tile at other sizes."""
    network = SEGMENTERS[name]((256, 256, 3), 5)
    assert isinstance(network, Segmenter)
    for scale in network.tta_scales:
        assert (TILE - OVERLAP) * scale % network.stride == 0
        assert TILE * scale % network.stride == 0


@pytest.mark.parametrize("name", ["unet-fast", "unet-best"])
def test_a_trained_kind_of_network_shows_no_seams(name: str) -> None:
    image = chance_image(8, 10, seed=3).repeat(64, 0).repeat(64, 1)  # 512 x 640 in squares, so that all scales count
    network = build_model(name, (256, 256, 3), 5, task="segmentation", seed=1)
    network.normalize.fit(image[np.newaxis])
    for module in network.modules():  # as trained: blocks do more than hand on
        if isinstance(module, nn.BatchNorm2d):
            nn.init.ones_(module.weight)
    expected = whole(network, image)
    scores = tiled(network, image, 256, OVERLAP)
    off = scores - expected
    spread = expected.std()
    assert np.abs(off).mean() < 0.05 * spread
    assert np.abs(np.diff(off, axis=2)).max() < 0.2 * spread
    hard = tiled(network, image, 64, 0)[:, :, :256] - expected[:, :, :256]
    assert np.abs(np.diff(hard, axis=2)).max() > 0.5 * spread  # without an overlap there are seams, and this finds them


def test_progress_counts_tiles_and_a_wrong_overlap_is_refused() -> None:
    calls: list[tuple[int, int]] = []
    image, ask = chance_image(40, 100), partial(predict_logits, Convolution(1))
    list(predict_strips(ask, image, tile=32, overlap=8, progress=lambda *part: calls.append(part)))
    assert calls == [(number, 8) for number in range(1, 9)]
    assert OVERLAP % 32 == 0
    for tile, overlap in [(32, 17), (32, -1), (0, 0)]:
        with pytest.raises(ValueError, match="overlap"):
            next(predict_strips(ask, image, tile=tile, overlap=overlap))
