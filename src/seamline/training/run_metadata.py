"""What `run.json` says of a training: enough to make it again, and to tell how another differs."""

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
from seamline.run_folder import SplitInfo
from seamline.training.config import TrainConfig, recipe_fields, recipe_from

SYNTHETIC_NOTICE = (
    "The images of this page are not photographs: a program drew them. Its figures say nothing of real ones."
)


def run_metadata(
    data: Dataset,
    recipe: TrainConfig,
    network: BaseModel,
    division: Splits,
    *,
    seed: int,
    device: torch.device,
    threads: int,
) -> dict[str, Any]:
    """Return what `run.json` holds, but for Seamline's version, the recipe's name and the command.

    Args:
        data: the dataset.
        recipe: how it is trained, resolved.
        network: the network, untrained or trained.
        division: what its training images are used for.
        seed: decides the split, the first weights and the batches.
        device: where it is trained.
        threads: threads of the processor.
    """
    return {
        "recipe": recipe_fields(recipe),
        "dataset": {
            "name": data.name,
            "title": data.title,
            "place": data.source,
            "drawn": data.synthetic,
            "note": data.description,
            "fingerprint": data.fingerprint,
            "classes": list(data.classes),
            "colours": [list(colour) for colour in data.palette],
            "train": len(division.train),
            "val": len(division.val),
            "test": len(data.test),
        },
        "split": _split_of(division.metadata),
        "network": {
            "name": recipe.network,
            "parameters": sum(parameter.numel() for parameter in network.parameters()),
            "begun": network.init_description,
            "image": list(data.train.images.shape[1:]),
        },
        "seed": seed,
        "device": device.type,
        "machine": describe_machine(device),
        "threads": threads,
        "versions": {
            "python": platform.python_version(),
            **{name: version(name) for name in ("torch", "numpy", "scipy", "opencv-python-headless", "matplotlib")},
            **network.versions,
        },
        "notice": SYNTHETIC_NOTICE if data.synthetic else None,
    }


def diff_config(
    described: dict[str, Any], data: Dataset, recipe: TrainConfig, seed: int, weights: str | None = None
) -> str:
    """Say in which of data, recipe, seed and first weights a run so described differs, and how; else nothing."""
    found = []
    if described["dataset"]["fingerprint"] != data.fingerprint:
        found.append(f"dataset ({_data_words(described['dataset'], data)})")
    if other := _other_fields(described["recipe"], recipe):
        found.append(f"recipe ({other})")
    if described["seed"] != seed:
        found.append(f"seed ({described['seed']} there, {seed} here)")
    if (there := (described.get("from") or {}).get("weights")) != weights:
        found.append(f"beginning (--init-from weights {_shown(there)} there, {_shown(weights)} here)")
    return " and ".join(found)


def _data_words(described: dict[str, Any], data: Dataset) -> str:
    """Say how a run's dataset differs from this one, as far as its description tells."""
    there = (described["name"], described["test"], list(described["classes"]))
    here = (data.name, len(data.test), list(data.classes))
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


def _split_of(info: SplitInfo) -> dict[str, Any]:
    """Return how images were split with the keys that the report reads today."""
    facts: dict[str, Any] = {
        "fraction": info.fraction,
        "seed": info.seed,
        "by": info.strategy,
        "groups": info.groups,
        "grouped_images": info.duplicate_images,
        "largest_group": info.largest_group,
        "left_out": list(info.excluded_train),
        "test_related": list(info.test_with_train_duplicates),
        "test_groups": info.test_groups,
        "random": {
            "torn_groups": info.random.expected_split_groups,
            "val_related": info.random.expected_val_leakage,
        },
    }
    return facts | ({"given": True} if info.predefined else {})
