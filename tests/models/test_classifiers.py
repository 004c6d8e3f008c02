import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA
from torch.nn import functional as F

from seamline.errors import SeamlineError
from seamline.models.classifiers import CLASSIFIERS, TwoLayerCNN
from seamline.models.factory import build_model
from seamline.models.resnet import SmallResNet

SHAPES = pytest.mark.parametrize("shape", [(28, 28, 1), (16, 23, 3), (40, 33, 1)])


@pytest.mark.parametrize("name", CLASSIFIERS)
@SHAPES
def test_every_classifier_keeps_the_contract(name: str, shape: tuple[int, int, int]) -> None:
    height, width, channels = shape
    network = build_model(name, shape, 7, seed=1, segments=False)
    images = torch.randint(0, 256, (5, channels, height, width), dtype=torch.uint8)
    scores = network(images)
    assert scores.shape == (5, 7)
    assert scores.dtype == torch.float32
    one_side = network.eval()(images)
    network.mirrored = True
    torch.testing.assert_close(network(images), network(images.flip(-1)))
    assert not torch.equal(network(images), one_side)
    scores.sum().backward()
    assert all(weight.grad is not None for weight in network.parameters())


@pytest.mark.parametrize("name", [name for name in CLASSIFIERS if name.startswith("study")])
@SHAPES
def test_the_study_networks_hand_out_their_insides(name: str, shape: tuple[int, int, int]) -> None:
    height, width, channels = shape
    network = build_model(name, shape, 7, seed=1, segments=False).eval()
    assert isinstance(network, TwoLayerCNN)
    images = torch.randint(0, 256, (5, channels, height, width), dtype=torch.uint8)
    stages = network.stages(images)
    assert list(stages) == ["pixels", "layer 1", "layer 2", "hidden", "scores"]
    assert torch.equal(stages["scores"], network(images))
    assert stages["layer 1"].shape[:2] == stages["layer 2"].shape[:2] == (5, 32)
    kernels = network.kernels()
    assert kernels["layer 1"].shape == (32, channels, 5, 5)
    assert kernels["layer 2"].shape == (32, 32, 5, 5)


@pytest.mark.parametrize(("side", "last"), [(16, 4), (28, 7), (32, 4), (64, 4), (128, 4), (400, 13)])
def test_a_residual_network_halves_as_often_as_the_image_allows(side: int, last: int) -> None:
    network = build_model("residual-16", (side, side, 3), 2, segments=False)
    assert isinstance(network, SmallResNet)
    maps = network.levels(network.stem(torch.zeros(1, 3, side + -side % network.stride, side + -side % network.stride)))
    assert maps.shape[2:] == (last, last)


def test_the_study_network_in_the_order_of_the_study() -> None:
    """ReLU before pooling, written out by hand, gives the same scores."""
    network = build_model("study", (28, 28, 1), 10, seed=0, segments=False)
    assert isinstance(network, TwoLayerCNN)
    images = torch.randint(0, 256, (3, 1, 28, 28), dtype=torch.uint8)
    network.normalise.fit(images.permute(0, 2, 3, 1).numpy())
    x = (images.float() - network.normalise.mean) / network.normalise.std
    x = F.max_pool2d(F.relu(network.conv1(x)), 2)
    x = F.max_pool2d(F.relu(network.conv2(x)), 2)
    torch.testing.assert_close(network(images), network.scores(x.flatten(1)))
    assert sum(weight.numel() for weight in network.parameters()) == 832 + 25_632 + 5_130


def test_first_weights_depend_on_the_seed_alone() -> None:
    first = build_model("study", (28, 28, 1), 10, seed=3, segments=False).state_dict()
    torch.rand(5)
    again = build_model("study", (28, 28, 1), 10, seed=3, segments=False).state_dict()
    other = build_model("study", (28, 28, 1), 10, seed=4, segments=False).state_dict()
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["conv1.weight"], other["conv1.weight"])


def test_what_cannot_be_built_is_refused_in_one_line() -> None:
    with pytest.raises(SeamlineError, match="15 x 40 pixels are too small"):
        build_model("study", (15, 40, 1), 10, segments=False)
    alone = build_model("study-fast", (16, 16, 1), 3, segments=False).train()
    with pytest.raises(SeamlineError, match="two images or more at a time; raise batch_size above 1"):
        alone(torch.zeros(1, 1, 16, 16, dtype=torch.uint8))
    with pytest.raises(SeamlineError, match="no such network for one label an image; there are study"):
        build_model("resnet", (28, 28, 1), 10, segments=False)


def test_the_first_layer_begins_with_the_directions_of_the_patches() -> None:
    """Against a principal component analysis by scikit-learn."""
    images = np.random.default_rng(0).integers(0, 256, (60, 16, 16, 1), dtype=np.uint8)
    images[:, 4:9] //= 7
    network = build_model("study-fast", (16, 16, 1), 3, segments=False)
    assert isinstance(network, TwoLayerCNN)
    network.fit(images)
    kernels = network.conv1.weight.detach()
    assert "layer 1 began as the directions" in network.beginning
    assert torch.equal(kernels[16:], -kernels[:16])
    pixels = (images[..., 0] - network.normalise.mean.item()) / network.normalise.std.item()
    patches = np.lib.stride_tricks.sliding_window_view(pixels, (5, 5), axis=(1, 2)).reshape(-1, 25)
    directions = PCA(16).fit(patches).components_
    alike = np.abs(kernels[:16].reshape(16, 25).numpy() @ directions.T)
    np.testing.assert_allclose(alike, np.eye(16), atol=1e-2)


def test_other_networks_begin_at_random() -> None:
    network = build_model("study", (16, 16, 1), 3, segments=False)
    assert isinstance(network, TwoLayerCNN)
    assert network.beginning == "All kernels began at random."
    before = network.state_dict()["conv1.weight"].clone()
    network.fit(np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1))
    assert torch.equal(network.state_dict()["conv1.weight"], before)
    assert network.normalise.mean.item() == pytest.approx(127.5)
