import pytest
import torch
from torch import nn
from torch.nn import functional as F

from seamline.errors import SeamlineError
from seamline.inference.tta import TTA
from seamline.models.blocks import StripPooling
from seamline.models.factory import SEGMENTERS, build_model
from seamline.models.segmenters import FacadeNet, UNet


@pytest.mark.parametrize("name", SEGMENTERS)
@pytest.mark.parametrize("shape", [(64, 64, 3), (37, 50, 1), (1, 1, 3), (33, 130, 4)])
def test_every_segmenter_keeps_the_contract(name: str, shape: tuple[int, int, int]) -> None:
    """Any size, divisible by the strides or not, gives scores of its own size."""
    height, width, channels = shape
    network = build_model(name, shape, 6, task="segmentation", seed=1).eval()
    images = torch.randint(0, 256, (2, channels, height, width), dtype=torch.uint8)
    scores = network(images)
    assert scores.shape == (2, 6, height, width)
    assert scores.dtype == torch.float32
    assert torch.isfinite(scores).all()
    features = TTA(network, hflip=True).features(images)  # of the images as they are, whatever their size
    assert (len(features), features.ndim, features.dtype) == (2, 2, torch.float32)
    assert torch.isfinite(features).all()


@pytest.mark.parametrize("name", SEGMENTERS)
def test_every_weight_of_a_segmenter_learns(name: str) -> None:
    network = build_model(name, (64, 64, 3), 3, task="segmentation")
    scores = network(torch.randint(0, 256, (2, 3, 64, 64), dtype=torch.uint8))
    F.cross_entropy(scores, torch.randint(0, 3, (2, 64, 64))).backward()  # type: ignore[no-untyped-call]
    assert all(weight.grad is not None for weight in network.parameters())


def test_facadenet_is_what_the_study_describes() -> None:
    network = build_model("facadenet", (64, 64, 3), 5, task="segmentation")
    assert isinstance(network, FacadeNet)
    layers = list(network.layers)
    convolutions = [layer for layer in layers if isinstance(layer, nn.Conv2d)]
    transposed = [layer for layer in layers if isinstance(layer, nn.ConvTranspose2d)]
    assert (len(convolutions), len(transposed)) == (6, 2)
    assert max(layer.out_channels for layer in convolutions) == 1024
    assert all(layer.kernel_size == (3, 3) for layer in [*convolutions, *transposed])
    for place, layer in enumerate(layers):
        if isinstance(layer, nn.BatchNorm2d):
            assert isinstance(layers[place - 1], nn.ReLU)
            assert isinstance(layers[place - 2], nn.Conv2d | nn.ConvTranspose2d)


def small_unet() -> UNet:
    """A small U-Net whose blocks do something from the start."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = UNet((64, 64, 3), 4, (8, 8, 8), (1, 1), strips=2)
        for norm in network.modules():
            if isinstance(norm, nn.BatchNorm2d):
                nn.init.uniform_(norm.weight)
    return network.eval()


def test_the_mirror_image_gets_the_mirrored_prediction() -> None:
    network = small_unet()
    tta = TTA(network, hflip=True)
    images = torch.randint(0, 256, (1, 3, 20, 24), dtype=torch.uint8)
    torch.testing.assert_close(tta(images.flip(-1)).flip(-1), tta(images), rtol=1e-4, atol=1e-5)
    assert not torch.allclose(network(images.flip(-1)).flip(-1), network(images), atol=1e-3)


def test_a_unet_predicts_log_probabilities_averaged_over_scales() -> None:
    """Computed again from the logits of each view."""
    network = small_unet()
    images = torch.randint(0, 256, (2, 3, 32, 48), dtype=torch.uint8)
    scores = TTA(network, hflip=True, scales=(1.0, 0.5))(images)
    torch.testing.assert_close(scores.exp().sum(1), torch.ones(2, 32, 48))
    pixels = network.normalize(images)
    smaller = F.interpolate(pixels, scale_factor=0.5, mode="bilinear")
    seen = [network.forward_padded(view).log_softmax(1) for view in (pixels, smaller)]
    turned = [network.forward_padded(view.flip(-1)).log_softmax(1).flip(-1) for view in (pixels, smaller)]
    large, small = (torch.stack(pair).mean(0) for pair in zip(seen, turned, strict=True))
    mean = (large + F.interpolate(small, scale_factor=2, mode="bilinear")) / 2
    torch.testing.assert_close(scores, mean.log_softmax(1), rtol=1e-4, atol=1e-5)


def test_without_augmentation_a_unet_predicts_log_probabilities() -> None:
    network = small_unet()
    images = torch.randint(0, 256, (1, 3, 16, 16), dtype=torch.uint8)
    pixels = network.normalize(images)
    torch.testing.assert_close(TTA(network, hflip=False)(images), network.forward_padded(pixels).log_softmax(1))


@pytest.mark.parametrize("name", ["facadenet", "fcn"])
def test_other_segmenters_average_logits(name: str) -> None:
    network = build_model(name, (32, 32, 3), 3, task="segmentation").eval()
    images = torch.randint(0, 256, (1, 3, 32, 32), dtype=torch.uint8)
    both = TTA(network, hflip=True)(images)
    mean = (network(images) + network(images.flip(-1)).flip(-1)) / 2
    torch.testing.assert_close(both, mean)


def test_strip_pooling_sees_whole_rows_and_columns() -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        block = StripPooling(4).eval()
    nn.init.ones_(block.widen[1].weight)  # type: ignore[arg-type]
    maps = torch.rand(1, 4, 40, 40, generator=torch.Generator().manual_seed(1))
    changed = maps.clone()
    changed[..., 3, 3] += 1000.0
    moved = (block(changed) != block(maps)).any(1)[0]
    assert moved[3, 3:].all()  # the whole row
    assert moved[3:, 3].all()  # and column
    assert not moved[10:, 10:].any()


def test_a_classifier_is_no_segmenter() -> None:
    with pytest.raises(SeamlineError, match="model cnn: no such model for segmentation; the models are facadenet"):
        build_model("cnn", (28, 28, 1), 10, task="segmentation")
