"""What a run folder holds about the model itself: its layers, and how its optimizers were set."""

from typing import Any

from torch import nn

from seamline.models.blocks import BaseModel
from seamline.models.layer_trace import RULE, block_classes, block_rows, trace_layers
from seamline.run_folder import ModelSummary, OptimizerGroup
from seamline.training.config import TrainConfig
from seamline.training.optimizers import build_optimizers

EXTERNAL_DEPTH = 2
"""Depth of the modules that the table shows of a model of another package."""
_EXTERNAL = ("timm/", "smp/")
_PREFIX = "layers."  # of the paths of all layers of such a model
_LISTED_WEIGHTS = 2


def summarize_model(
    model: BaseModel, name: str, input_shape: tuple[int, int, int], config: TrainConfig | None
) -> ModelSummary:
    """Return the layers of a model, and the optimizers that a configuration trains it with.

    Args:
        model: the model.
        name: its name.
        input_shape: (H, W, C) of an image.
        config: the configuration; None where it cannot be used any more.
    """
    external = name.startswith(_EXTERNAL)
    prefix = _PREFIX if external else ""
    layers = trace_layers(model, input_shape, prefix)
    rows = block_rows(layers, block_classes(model, prefix), depth=EXTERNAL_DEPTH if external else None)
    frozen = [] if config is None else model.encoder_stages[: config.frozen_stages]
    return ModelSummary(
        rule=RULE,
        rows=rows,
        layers=() if len(rows) == len(layers) else layers,
        parameters=sum(one.numel() for one in model.parameters()),
        multiply_adds=sum(one.multiply_adds for one in layers),
        optimizers=() if config is None else _optimizer_groups(model, config),
        frozen=sum(one.numel() for stage in frozen for one in stage.parameters()),
        mean=tuple(model.normalize.mean.ravel().tolist()),
        std=tuple(model.normalize.std.ravel().tolist()),
    )


def _optimizer_groups(model: BaseModel, config: TrainConfig) -> tuple[OptimizerGroup, ...]:
    """Return the settings of each group of weights, the same settings once."""
    names = {id(weight): name for name, weight in model.named_parameters()}
    groups: dict[str, tuple[str, dict[str, Any], list[nn.Parameter]]] = {}
    for optimizer in build_optimizers(model, config):
        kind = type(optimizer).__name__
        for group in optimizer.param_groups:
            settings = {key: value for key, value in group.items() if _is_setting(key, value)}
            groups.setdefault(f"{kind} {settings}", (kind, settings, []))[2].extend(group["params"])
    return tuple(
        OptimizerGroup(
            optimizer=kind,
            weights=_weight_names([names[id(one)] for one in weights]),
            parameters=sum(one.numel() for one in weights),
            settings=settings,
        )
        for kind, settings, weights in groups.values()
    )


def _is_setting(key: str, value: Any) -> bool:
    """Return whether an entry of an optimizer changes its steps; those that are off or only faster do not."""
    off = value is None or value is False
    return key not in ("params", "base_lr", "fused", "foreach", "decoupled_weight_decay") and not off


def _weight_names(names: list[str]) -> str:
    """Return names of weights, the first and the last one where there are many."""
    if len(names) <= _LISTED_WEIGHTS:
        return ", ".join(names)
    return f"{len(names)} tensors, {names[0]} to {names[-1]}"
