"""Networks with other layers than their own: against the order of layers written out by hand."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from helpers import refusal
from seamline.models.classifiers import TwoLayerCNN
from seamline.models.factory import LAYER_CHOICES, build_model
from seamline.models.layer_choices import CHOICES, LayerChoices
from seamline.models.segmenters import FacadeNet


def cnn(name: str = "cnn", shape: tuple[int, int, int] = (24, 26, 1), **choices: Any) -> TwoLayerCNN:
    network = build_model(name, shape, 4, task="classification", seed=1, choices=LayerChoices(**choices))
    assert isinstance(network, TwoLayerCNN)
    return network


def facadenet(**choices: Any) -> FacadeNet:
    network = build_model("facadenet", (32, 32, 3), 3, task="segmentation", seed=1, choices=LayerChoices(**choices))
    assert isinstance(network, FacadeNet)
    return network


@pytest.mark.parametrize("name", ["cnn", "cnn-hidden", "facadenet"])
def test_own_choices_named_give_the_same_network(name: str) -> None:
    named = {
        "cnn": {"norm": "none", "kernel": 5, "dropout": 0.0, "pooling": "max"},
        "cnn-hidden": {"norm": "none", "kernel": 5, "dropout": 0, "pooling": "max"},
        "facadenet": {"norm": "after", "kernel": 3, "dropout": 0.0, "pooling": "max", "pooling_layers": 3},
    }[name]
    task: Any = "segmentation" if name == "facadenet" else "classification"
    first = build_model(name, (32, 32, 1), 3, task=task, seed=2)
    second = build_model(name, (32, 32, 1), 3, task=task, seed=2, choices=LayerChoices(**named))  # type: ignore[arg-type]
    images = torch.randint(0, 256, (4, 1, 32, 32), dtype=torch.uint8)
    assert torch.equal(first(images), second(images))


@pytest.mark.parametrize("norm", ["after", "before", "none"])
@pytest.mark.parametrize("pooling", ["max", "average"])
@pytest.mark.parametrize("name", ["cnn", "cnn-hidden"])
def test_a_cnn_normalizes_and_pools_as_chosen(name: str, norm: str, pooling: str) -> None:
    network: Any = cnn(name, norm=norm, pooling=pooling, kernel=3)
    images = torch.randint(0, 256, (6, 1, 24, 26), dtype=torch.uint8)

    def activate(maps: Tensor) -> Tensor:
        def normalize(values: Tensor) -> Tensor:
            mean, variance = values.mean((0, 2, 3), keepdim=True), values.var((0, 2, 3), keepdim=True, correction=0)
            return (values - mean) / torch.sqrt(variance + 1e-5)

        if norm == "none":
            return F.relu(maps)
        return normalize(F.relu(maps)) if norm == "after" else F.relu(normalize(maps))

    maps = images.float()
    pool = F.max_pool2d if pooling == "max" else F.avg_pool2d
    for layer in (network.conv1, network.conv2):
        assert layer.weight.shape[2:] == (3, 3)
        assert (layer.bias is None) == (norm == "before")
        maps = pool(activate(F.conv2d(maps, layer.weight, layer.bias)), 2)
    if name == "cnn-hidden":
        maps = activate(F.conv2d(maps, network.hidden.weight, network.hidden.bias))
    network.normalize.mean.zero_()
    network.normalize.std.fill_(1.0)
    torch.testing.assert_close(network(images), network.head(maps.flatten(1)), rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize(("norm", "order"), [("after", "CRN"), ("before", "CNR"), ("none", "CR")])
@pytest.mark.parametrize("pooling_layers", [2, 3, 4, 6])
def test_facadenet_has_the_layers_that_are_chosen(norm: str, order: str, pooling_layers: int) -> None:
    network = facadenet(norm=norm, kernel=5, dropout=0.25, pooling="average", pooling_layers=pooling_layers)
    kinds = ("Conv2d", "ConvTranspose2d", "ReLU", "BatchNorm2d", "AvgPool2d", "Dropout2d")
    letters = dict(zip(kinds, "CTRNPD", strict=True))
    blocks = [order + "P" * (number < pooling_layers) + "D" * (number > 3) for number in range(6)]
    shown = "".join(letters[type(layer).__name__] for layer in network.layers)
    assert shown == "".join(blocks) + order.replace("C", "T") + "T"
    convolutions = [layer for layer in network.layers if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d)]
    assert {layer.kernel_size for layer in convolutions} == {(5, 5)}
    images = torch.randint(0, 256, (2, 3, 33, 70), dtype=torch.uint8)
    assert network.eval()(images).shape == (2, 3, 33, 70)
    deepest = network.forward_levels(torch.zeros(1, 3, 64, 128))[-1]
    assert deepest.shape == (1, 256, 64 >> pooling_layers, 128 >> pooling_layers)


@pytest.mark.parametrize(("kernel", "factor"), [(5, 25 / 9), (7, 49 / 9)])
def test_larger_kernels_have_as_many_filters(kernel: int, factor: float) -> None:
    own, larger = facadenet(), facadenet(kernel=kernel)
    sizes = [sum(weight.numel() for weight in one.parameters() if weight.ndim > 1) for one in (own, larger)]
    assert sizes[1] == pytest.approx(factor * sizes[0])


def test_the_first_weights_do_not_depend_on_what_has_no_weights() -> None:
    own, other = facadenet(), facadenet(norm="none", dropout=0.5, pooling="average", pooling_layers=4)
    weights = [[layer.weight for layer in one.layers if isinstance(layer, nn.Conv2d)] for one in (own, other)]
    assert all(torch.equal(*pair) for pair in zip(*weights, strict=True))


@pytest.mark.parametrize("name", [name for name, choices in LAYER_CHOICES.items() if "dropout" in choices])
def test_dropout_acts_in_training_alone(name: str) -> None:
    task: Any = "segmentation" if name in ("facadenet", "fcn") else "classification"
    network = build_model(name, (32, 32, 3), 3, task=task, choices=LayerChoices(dropout=0.9))
    layers = [layer for layer in network.modules() if isinstance(layer, nn.modules.dropout._DropoutNd)]
    assert layers
    assert {layer.p for layer in layers} == {0.9}
    images = torch.randint(0, 256, (4, 3, 32, 32), dtype=torch.uint8)
    network.eval()
    assert torch.equal(network(images), network(images))
    for layer in layers:
        layer.train()
    assert not torch.equal(network(images), network(images))


@pytest.mark.parametrize(
    ("choices", "words"),
    [
        ({"norm": "inside"}, "config: norm must be after, before or none, got inside"),
        ({"kernel": 4}, "config: kernel must be 3, 5 or 7, got 4"),
        ({"dropout": 1.0}, "config: dropout must be 0 or more and below 1, got 1.0"),
        ({"pooling": "median"}, "config: pooling must be max or average, got median"),
        ({"pooling_layers": 7}, "config: pooling_layers must be 2 to 6, got 7"),
    ],
)
def test_a_value_out_of_range_is_refused(choices: dict[str, Any], words: str) -> None:
    assert refusal(lambda: LayerChoices(**choices)) == words


def test_a_choice_that_a_model_lacks_is_refused() -> None:
    assert refusal(lambda: cnn("cnn-fast", kernel=3)) == (
        "config: kernel is no choice of the model cnn-fast; of these it has norm, dropout"
    )
    assert refusal(lambda: cnn("timm/resnet18", norm="none")) == (
        "config: norm is no choice of the model timm/resnet18; leave it out"
    )
    assert "images of 21 x 24 pixels are too small for this model; it needs 22 x 22" in refusal(
        lambda: cnn(shape=(24, 21, 1), kernel=7)
    )
    assert cnn(shape=(22, 22, 1), kernel=7)(torch.zeros(1, 1, 22, 22, dtype=torch.uint8)).shape == (1, 4)
    assert {name for row in LAYER_CHOICES.values() for name in row} == set(CHOICES)
