import pytest
import torch
from torch.nn import functional as F

from seamline.data.errors import UserError
from seamline.learn.classifiers import CLASSIFIERS, TwoConvolutions
from seamline.learn.networks import build_network


@pytest.mark.parametrize("name", CLASSIFIERS)
@pytest.mark.parametrize("shape", [(28, 28, 1), (16, 23, 3), (40, 33, 1)])
def test_every_classifier_keeps_the_contract(name: str, shape: tuple[int, int, int]) -> None:
    height, width, channels = shape
    network = build_network(name, shape, 7, seed=1, segments=False)
    assert isinstance(network, TwoConvolutions)
    images = torch.randint(0, 256, (5, channels, height, width), dtype=torch.uint8)
    scores = network(images)
    assert scores.shape == (5, 7)
    assert scores.dtype == torch.float32
    stages = network.eval().stages(images)
    assert list(stages) == ["pixels", "layer 1", "layer 2", "hidden", "scores"]
    assert torch.equal(stages["scores"], network(images))
    assert stages["layer 1"].shape[:2] == stages["layer 2"].shape[:2] == (5, 32)
    kernels = network.kernels()
    assert kernels["layer 1"].shape == (32, channels, 5, 5)
    assert kernels["layer 2"].shape == (32, 32, 5, 5)
    scores.sum().backward()
    assert all(weight.grad is not None for weight in network.parameters())


def test_the_study_network_in_the_order_of_the_study() -> None:
    """ReLU before pooling, written out by hand, gives the same scores."""
    network = build_network("study", (28, 28, 1), 10, seed=0, segments=False)
    assert isinstance(network, TwoConvolutions)
    images = torch.randint(0, 256, (3, 1, 28, 28), dtype=torch.uint8)
    network.normalise.fit(images.permute(0, 2, 3, 1).numpy())
    x = (images.float() - network.normalise.mean) / network.normalise.std
    x = F.max_pool2d(F.relu(network.conv1(x)), 2)
    x = F.max_pool2d(F.relu(network.conv2(x)), 2)
    torch.testing.assert_close(network(images), network.scores(x.flatten(1)))
    assert sum(weight.numel() for weight in network.parameters()) == 832 + 25_632 + 5_130


def test_first_weights_depend_on_the_seed_alone() -> None:
    first = build_network("study", (28, 28, 1), 10, seed=3, segments=False).state_dict()
    torch.rand(5)
    again = build_network("study", (28, 28, 1), 10, seed=3, segments=False).state_dict()
    other = build_network("study", (28, 28, 1), 10, seed=4, segments=False).state_dict()
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["conv1.weight"], other["conv1.weight"])


def test_what_cannot_be_built_is_refused_in_one_line() -> None:
    with pytest.raises(UserError, match="15 x 40 pixels are too small"):
        build_network("study", (15, 40, 1), 10, segments=False)
    with pytest.raises(UserError, match="no such network for one label an image; there are study"):
        build_network("resnet", (28, 28, 1), 10, segments=False)
