"""How a run describes its model and its optimizers."""

import pytest

from seamline.evaluation.model_summary import summarize_model
from seamline.models.factory import build_model
from seamline.run_folder import OptimizerGroup
from seamline.training.config import TrainConfig
from seamline.training.presets import get_preset


def groups_of(config: TrainConfig, *, task: str = "classification") -> tuple[OptimizerGroup, ...]:
    shape = (32, 32, 3)
    network = build_model(config.model, shape, 4, task=task)  # type: ignore[arg-type]
    summary = summarize_model(network, config.model, shape, config)
    assert summary.parameters == sum(one.parameters for one in summary.rows)
    return summary.optimizers


def test_adam_of_the_study_has_one_group_with_all_its_settings() -> None:
    (group,) = groups_of(get_preset("original", "classification"))
    assert group.optimizer == "Adam"
    assert group.settings == {"lr": 1e-3, "betas": (0.9, 0.999), "eps": 1e-8, "weight_decay": 0.0}
    assert group.parameters == 2_432 + 25_632 + 3_204
    assert group.weights == "6 tensors, conv1.weight to head.bias"


def test_muon_and_adamw_share_the_weights() -> None:
    config = get_preset("fast", "classification")
    groups = groups_of(config)
    assert [one.optimizer for one in groups] == ["AdamW", "AdamW", "Muon"]
    assert [one.settings["lr"] for one in groups] == [config.lr, config.lr, config.muon_lr]
    assert [one.settings["weight_decay"] for one in groups] == [config.weight_decay, 0.0, config.weight_decay]
    assert groups[0].weights == "conv1.weight, head.weight"
    assert groups[2].weights == "conv2.weight, hidden.weight"
    assert groups[2].settings["iterations"] == 3


def test_frozen_stages_and_the_rate_of_an_encoder_are_told() -> None:
    config = TrainConfig(
        model="unet-lite0", epochs=1, batch_size=8, lr=1e-2, optimizer="adamw", encoder_lr=0.1, frozen_stages=2
    )
    network = build_model("unet-lite0", (32, 32, 3), 4, task="segmentation")
    summary = summarize_model(network, "unet-lite0", (32, 32, 3), config)
    assert summary.frozen == sum(
        weight.numel()
        for name, weight in network.named_parameters()
        if name.startswith(("encoder.stem.", "encoder.stages.0."))
    )
    assert sorted({one.settings["lr"] for one in summary.optimizers}) == pytest.approx([1e-3, 1e-2])
    assert len(summary.layers) > len(summary.rows)


def test_without_a_configuration_there_are_no_optimizers() -> None:
    network = build_model("cnn", (32, 32, 3), 4, task="classification")
    summary = summarize_model(network, "cnn", (32, 32, 3), None)
    assert not summary.optimizers
    assert not summary.layers  # nine of them need no blocks
    assert summary.mean == (0.0, 0.0, 0.0)
