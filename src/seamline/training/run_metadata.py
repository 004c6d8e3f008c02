"""The contents of `run.json`: enough to repeat a training, and to state how another differs."""

import platform
import shlex
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from seamline.data.dataset import Dataset
from seamline.data.splits import Splits
from seamline.errors import SeamlineError
from seamline.models.blocks import BaseModel
from seamline.models.devices import describe_machine
from seamline.run_folder import DatasetInfo, ModelInfo, RunInfo
from seamline.training.config import TrainConfig, recipe_fields, recipe_from

SYNTHETIC_NOTICE = (
    "The images of this page are not photographs: a program drew them. Its figures say nothing of real ones."
)


def run_metadata(
    data: Dataset,
    recipe: TrainConfig,
    network: BaseModel,
    splits: Splits,
    *,
    seed: int,
    device: torch.device,
    threads: int,
    **others: Any,
) -> RunInfo:
    """Return the contents of `run.json`.

    Args:
        data: the dataset.
        recipe: how it is trained, resolved.
        network: the network, untrained or trained.
        splits: what its training images are used for.
        seed: seed of the split, the first weights and the batches.
        device: where it is trained.
        threads: threads of the processor.
        others: the other fields of `RunInfo`; `warnings` is one of its dataset.

    Returns:
        How the run is trained.
    """
    height, width, channels = data.train.images.shape[1:]
    return RunInfo(
        task=data.task,
        config=recipe_fields(recipe),
        dataset=DatasetInfo(
            name=data.name,
            title=data.title,
            source=data.source,
            synthetic=data.synthetic,
            description=data.description,
            fingerprint=data.fingerprint,
            classes=data.classes,
            palette=data.palette,
            train=len(splits.train),
            val=len(splits.val),
            test=len(data.test),
            warnings=tuple(others.pop("warnings", ())),
            reference_results=data.reference_results,
        ),
        split=splits.metadata,
        model=ModelInfo(
            name=recipe.network,
            parameters=sum(parameter.numel() for parameter in network.parameters()),
            init=network.init_description,
            input_size=(height, width, channels),
        ),
        seed=seed,
        device=device.type,
        machine=describe_machine(device),
        threads=threads,
        versions={
            "python": platform.python_version(),
            **{name: version(name) for name in ("torch", "numpy", "scipy", "opencv-python-headless", "matplotlib")},
            **network.versions,
        },
        notice=SYNTHETIC_NOTICE if data.synthetic else None,
        **others,
    )


def diff_config(info: RunInfo, data: Dataset, recipe: TrainConfig, seed: int, weights: str | None = None) -> str:
    """Say in which of data, recipe, seed and first weights a run differs, and how; else nothing."""
    found = []
    if info.dataset.fingerprint != data.fingerprint:
        found.append(f"dataset ({_data_words(info.dataset, data)})")
    if other := _other_fields(info.config, recipe):
        found.append(f"recipe ({other})")
    if info.seed != seed:
        found.append(f"seed ({info.seed} there, {seed} here)")
    if (there := info.init_from.weights if info.init_from else None) != weights:
        found.append(f"beginning (--init-from weights {_shown(there)} there, {_shown(weights)} here)")
    return " and ".join(found)


def _data_words(info: DatasetInfo, data: Dataset) -> str:
    """Say how a run's dataset differs from this one, as far as its description tells."""
    there = (info.name, info.test, info.classes)
    here = (data.name, len(data.test), data.classes)
    for what, one, other in zip(("name", "test images", "classes"), there, here, strict=True):
        if one != other:
            return f"{what}: {_shown(one)} there, {_shown(other)} here"
    return "the same name, other images"


def _other_fields(fields: dict[str, Any], recipe: TrainConfig) -> str:
    """Say which fields of a run's recipe differ; what an older run does not name is as it was before it had a name."""
    try:
        before = recipe_fields(recipe_from(fields))
    except (TypeError, SeamlineError):  # fields of another version
        return "its fields are those of another version"
    now = recipe_fields(recipe)
    return ", ".join(
        f"{field}: {_shown(before[field])} there, {_shown(now[field])} here"
        for field in now
        if before[field] != now[field]
    )


def _shown(value: Any) -> str:
    """Return a value in few words."""
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return "none" if value is None else str(value)


def train_command(
    name: str, recipe: str, settings: tuple[str, ...], seed: int, out: Path, options: dict[str, object]
) -> str:
    """Return the command line that makes the run again; `options` that are None are left out."""
    parts = ["seamline", "train", name, "--preset", recipe]
    parts += [part for setting in settings for part in ("--set", setting)]
    parts += ["--seed", str(seed)]
    parts += [part for option, value in options.items() if value is not None for part in (option, str(value))]
    return shlex.join([*parts, "--out", str(out)])
