import numpy as np
import pytest
import torch
from torch.nn import functional as F

from seamline.data.errors import UserError
from seamline.learn.classifiers import CLASSIFIERS, Normalise, build_classifier


@pytest.mark.parametrize("name", CLASSIFIERS)
@pytest.mark.parametrize("shape", [(28, 28, 1), (16, 23, 3), (40, 33, 1)])
def test_every_classifier_keeps_the_contract(name: str, shape: tuple[int, int, int]) -> None:
    height, width, channels = shape
    network = build_classifier(name, shape, 7, seed=1)
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
    network = build_classifier("study", (28, 28, 1), 10, seed=0)
    images = torch.randint(0, 256, (3, 1, 28, 28), dtype=torch.uint8)
    network.normalise.fit(images.permute(0, 2, 3, 1).numpy())
    x = (images.float() - network.normalise.mean) / network.normalise.std
    x = F.max_pool2d(F.relu(network.conv1(x)), 2)
    x = F.max_pool2d(F.relu(network.conv2(x)), 2)
    torch.testing.assert_close(network(images), network.scores(x.flatten(1)))
    assert sum(weight.numel() for weight in network.parameters()) == 832 + 25_632 + 5_130


def test_normalisation_is_exact_and_lies_in_the_weights() -> None:
    images = np.random.default_rng(0).integers(0, 256, (50, 9, 8, 3), dtype=np.uint8)
    images[..., 2] = 7  # a channel without any contrast
    normalise = Normalise(3)
    normalise.fit(images)
    expected = images.reshape(-1, 3).astype(np.float64)
    np.testing.assert_allclose(normalise.state_dict()["mean"].flatten(), expected.mean(0), rtol=1e-6)
    np.testing.assert_allclose(normalise.state_dict()["std"].flatten()[:2], expected.std(0)[:2], rtol=1e-6)
    out = normalise(torch.from_numpy(images).permute(0, 3, 1, 2))
    assert torch.isfinite(out).all()
    torch.testing.assert_close(out[:, :2].mean((0, 2, 3)), torch.zeros(2), atol=1e-5, rtol=0)


def test_first_weights_depend_on_the_seed_alone() -> None:
    first = build_classifier("study", (28, 28, 1), 10, seed=3).state_dict()
    torch.rand(5)
    again = build_classifier("study", (28, 28, 1), 10, seed=3).state_dict()
    other = build_classifier("study", (28, 28, 1), 10, seed=4).state_dict()
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["conv1.weight"], other["conv1.weight"])


def test_what_cannot_be_built_is_refused_in_one_line() -> None:
    with pytest.raises(UserError, match="15 x 40 pixels are too small"):
        build_classifier("study", (15, 40, 1), 10)
    with pytest.raises(UserError, match="no such network; there are study"):
        build_classifier("resnet", (28, 28, 1), 10)
