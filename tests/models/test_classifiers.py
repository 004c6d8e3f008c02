from typing import Any

import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA
from torch.nn import functional as F

from seamline.errors import SeamlineError
from seamline.inference.tta import TTA
from seamline.models.classifiers import ResNet, TwoLayerCNN
from seamline.models.factory import CLASSIFIERS, build_model

SHAPES = pytest.mark.parametrize("shape", [(28, 28, 1), (16, 23, 3), (40, 33, 1)])


@pytest.mark.parametrize("name", CLASSIFIERS)
@SHAPES
def test_every_classifier_keeps_the_contract(name: str, shape: tuple[int, int, int]) -> None:
    height, width, channels = shape
    network = build_model(name, shape, 7, seed=1, task="classification")
    images = torch.randint(0, 256, (5, channels, height, width), dtype=torch.uint8)
    scores = network(images)
    assert scores.shape == (5, 7)
    assert scores.dtype == torch.float32
    network.eval()
    tta = TTA(network, hflip=True)
    torch.testing.assert_close(tta(images), tta(images.flip(-1)))
    torch.testing.assert_close(tta(images), (network(images) + network(images.flip(-1))) / 2)
    features = tta.features(images)  # of the images as they are, before the head
    assert (len(features), features.ndim, features.dtype) == (5, 2, torch.float32)
    torch.testing.assert_close(tta.features(images[2:3])[0], features[2], rtol=1e-4, atol=1e-5)
    scores.sum().backward()
    assert all(weight.grad is not None for weight in network.parameters())


@pytest.mark.parametrize("name", ["cnn-hidden", "cnn-fast", "residual-16"])
def test_the_head_is_linear_in_the_pooled_features(name: str) -> None:
    network: Any = build_model(name, (40, 33, 1), 7, seed=1, task="classification").eval()
    images = torch.randint(0, 256, (5, 1, 40, 33), dtype=torch.uint8)
    torch.testing.assert_close(network.head(TTA(network, hflip=False).features(images)), network(images))


@pytest.mark.parametrize("name", [name for name in CLASSIFIERS if name.startswith("cnn")])
@SHAPES
def test_the_study_models_return_their_intermediates(name: str, shape: tuple[int, int, int]) -> None:
    height, width, channels = shape
    network = build_model(name, shape, 7, seed=1, task="classification").eval()
    assert isinstance(network, TwoLayerCNN)
    images = torch.randint(0, 256, (5, channels, height, width), dtype=torch.uint8)
    features = network.forward_features(network.normalize(images))
    assert list(features) == ["pixels", "layer 1", "layer 2", "hidden", "logits"]
    assert torch.equal(features["logits"], network(images))
    assert features["layer 1"].shape[:2] == features["layer 2"].shape[:2] == (5, 32)
    kernels = network.kernels()
    assert kernels["layer 1"].shape == (32, channels, 5, 5)
    assert kernels["layer 2"].shape == (32, 32, 5, 5)


@pytest.mark.parametrize(("side", "last"), [(16, 4), (28, 7), (32, 4), (64, 4), (128, 4), (400, 13)])
def test_a_residual_network_halves_as_often_as_the_image_allows(side: int, last: int) -> None:
    network = build_model("residual-16", (side, side, 3), 2, task="classification")
    assert isinstance(network, ResNet)
    maps = network.levels(network.stem(torch.zeros(1, 3, side + -side % network.stride, side + -side % network.stride)))
    assert maps.shape[2:] == (last, last)


def test_the_study_network_in_the_order_of_the_study() -> None:
    """ReLU before pooling, written out by hand, gives the same scores."""
    network = build_model("cnn", (28, 28, 1), 10, seed=0, task="classification")
    assert isinstance(network, TwoLayerCNN)
    images = torch.randint(0, 256, (3, 1, 28, 28), dtype=torch.uint8)
    network.normalize.fit(images.permute(0, 2, 3, 1).numpy())
    x = (images.float() - network.normalize.mean) / network.normalize.std
    x = F.max_pool2d(F.relu(network.conv1(x)), 2)
    x = F.max_pool2d(F.relu(network.conv2(x)), 2)
    torch.testing.assert_close(network(images), network.head(x.flatten(1)))
    assert sum(weight.numel() for weight in network.parameters()) == 832 + 25_632 + 5_130


def test_first_weights_depend_on_the_seed_alone() -> None:
    first = build_model("cnn", (28, 28, 1), 10, seed=3, task="classification").state_dict()
    torch.rand(5)
    again = build_model("cnn", (28, 28, 1), 10, seed=3, task="classification").state_dict()
    other = build_model("cnn", (28, 28, 1), 10, seed=4, task="classification").state_dict()
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["conv1.weight"], other["conv1.weight"])


def test_what_cannot_be_built_is_refused_in_one_line() -> None:
    with pytest.raises(SeamlineError, match="40 x 15 pixels are too small"):
        build_model("cnn", (15, 40, 1), 10, task="classification")
    alone = build_model("cnn-fast", (16, 16, 1), 3, task="classification").train()
    with pytest.raises(SeamlineError, match="two images per batch or more; raise batch_size above 1"):
        alone(torch.zeros(1, 1, 16, 16, dtype=torch.uint8))
    with pytest.raises(SeamlineError, match="no such model for classification; the models are cnn"):
        build_model("resnet", (28, 28, 1), 10, task="classification")


def test_the_first_layer_starts_with_the_principal_components_of_the_patches() -> None:
    """Against a principal component analysis by scikit-learn."""
    images = np.random.default_rng(0).integers(0, 256, (60, 16, 16, 1), dtype=np.uint8)
    images[:, 4:9] //= 7
    network = build_model("cnn-fast", (16, 16, 1), 3, task="classification")
    assert isinstance(network, TwoLayerCNN)
    network.init_from_data(images)
    kernels = network.conv1.weight.detach()
    assert "layer 1 were initialized with the first principal components" in network.filter_init
    assert torch.equal(kernels[16:], -kernels[:16])
    pixels = (images[..., 0] - network.normalize.mean.item()) / network.normalize.std.item()
    patches = np.lib.stride_tricks.sliding_window_view(pixels, (5, 5), axis=(1, 2)).reshape(-1, 25)
    directions = PCA(16).fit(patches).components_
    alike = np.abs(kernels[:16].reshape(16, 25).numpy() @ directions.T)
    np.testing.assert_allclose(alike, np.eye(16), atol=1e-2)


def test_other_models_start_at_random() -> None:
    network = build_model("cnn", (16, 16, 1), 3, task="classification")
    assert isinstance(network, TwoLayerCNN)
    assert network.filter_init == "All kernels were initialized at random."
    before = network.state_dict()["conv1.weight"].clone()
    network.init_from_data(np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1))
    assert torch.equal(network.state_dict()["conv1.weight"], before)
    assert network.normalize.mean.item() == pytest.approx(127.5)
