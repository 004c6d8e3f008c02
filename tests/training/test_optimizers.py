from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from seamline.models.factory import build_model
from seamline.training.config import TrainConfig
from seamline.training.optimizers import Muon, build_optimizers, newton_schulz

RECIPE = TrainConfig(model="cnn-fast", epochs=1, batch_size=8, lr=1e-3, optimizer="muon", weight_decay=0.1)


def by_the_book(matrix: NDArray[np.float64], iterations: int) -> NDArray[np.float64]:
    """The iteration as it is written down, in double precision."""
    x: NDArray[np.float64] = matrix / np.linalg.norm(matrix)
    for _ in range(iterations):
        gram = x @ x.T
        x = 3.4445 * x + (-4.7750 * gram + 2.0315 * gram @ gram) @ x
    return x


@settings(max_examples=40)
@given(rows=st.integers(1, 40), columns=st.integers(1, 40), iterations=st.integers(1, 5), seed=st.integers(0, 99))
def test_orthogonal_is_the_iteration_in_the_smaller_of_both_sizes(
    rows: int, columns: int, iterations: int, seed: int
) -> None:
    matrix = np.random.default_rng(seed).normal(size=(rows, columns))
    wanted = by_the_book(matrix.T, iterations).T if rows > columns else by_the_book(matrix, iterations)
    found = newton_schulz(torch.from_numpy(matrix).float(), iterations).numpy()
    np.testing.assert_allclose(found, wanted, atol=2e-3)


def test_directions_become_about_equally_long_and_stay_the_same() -> None:
    matrix = torch.randn(32, 100, generator=torch.Generator().manual_seed(0))
    left, lengths, right = np.linalg.svd(newton_schulz(matrix, 3).numpy(), full_matrices=False)
    assert 0.3 < lengths.min() <= lengths.max() < 1.3
    own = np.linalg.svd(matrix.numpy(), full_matrices=False)
    np.testing.assert_allclose(left @ right, own[0] @ own[2], atol=1e-2)


def test_a_step_written_out() -> None:
    weight = torch.nn.Parameter(torch.ones(6, 2, 1, 1))
    muon = Muon([weight], lr=0.1, momentum=0.8, weight_decay=0.5)
    mean, wanted = np.zeros((6, 2)), np.ones((6, 2))
    for number in (1, 2):
        gradient = np.random.default_rng(number).normal(size=(6, 2))
        weight.grad = torch.from_numpy(gradient).float().view(6, 2, 1, 1)
        muon.step()
        mean = 0.8 * mean + 0.2 * gradient
        ahead = 0.2 * gradient + 0.8 * mean
        move = by_the_book(ahead.T, 3).T
        wanted = wanted * (1 - 0.1 * 0.5) - 0.1 * np.sqrt(6 / 2) * move
        np.testing.assert_allclose(weight.detach().numpy()[:, :, 0, 0], wanted, atol=1e-4)


def test_a_weight_without_a_gradient_stays() -> None:
    weight = torch.nn.Parameter(torch.ones(2, 2))
    Muon([weight], lr=0.1).step()
    assert torch.equal(weight, torch.ones(2, 2))


def test_muon_takes_the_layers_between_and_adamw_the_rest() -> None:
    network = build_model("cnn-fast", (20, 20, 1), 3, task="classification")
    names = {id(weight): name for name, weight in network.named_parameters()}
    adamw, muon = build_optimizers(network, RECIPE)
    taken = [[names[id(weight)] for weight in group["params"]] for group in adamw.param_groups]
    assert taken[0] == ["conv1.weight", "head.weight"]
    assert all(name.startswith(("norm", "head.bias")) for name in taken[1])
    assert [group["weight_decay"] for group in adamw.param_groups] == [0.1, 0.0]
    assert [names[id(weight)] for weight in muon.param_groups[0]["params"]] == ["conv2.weight", "hidden.weight"]
    assert muon.param_groups[0]["lr"] == RECIPE.muon_lr
    assert sum(len(group["params"]) for one in (adamw, muon) for group in one.param_groups) == len(names)


def test_a_pretrained_encoder_has_a_learning_rate_of_its_own() -> None:
    network = build_model("unet-lite0", (64, 64, 3), 3, task="segmentation")
    names = {id(weight): name for name, weight in network.named_parameters()}
    (adamw,) = build_optimizers(network, replace(RECIPE, optimizer="adamw", lr=1e-2, encoder_lr=0.25))
    rates = {names[id(weight)]: group["base_lr"] for group in adamw.param_groups for weight in group["params"]}
    assert rates.keys() == set(names.values())
    for name, rate in rates.items():
        assert rate == pytest.approx(2.5e-3 if name.startswith("encoder.") else 1e-2)


def test_muon_leaves_a_pretrained_encoder_to_adamw() -> None:
    network = build_model("unet-lite0", (64, 64, 3), 3, task="segmentation")
    names = {id(weight): name for name, weight in network.named_parameters()}
    adamw, muon = build_optimizers(network, replace(RECIPE, encoder_lr=0.25))
    held = {names[id(weight)] for group in muon.param_groups for weight in group["params"]}
    assert held == {name for name in names.values() if name.startswith("up.") and name.endswith("0.weight")}
    rest = {names[id(weight)] for group in adamw.param_groups for weight in group["params"]}
    assert rest == set(names.values()) - held
