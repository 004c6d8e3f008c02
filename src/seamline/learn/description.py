"""What `run.json` says of a training: enough to make it again, and to tell how another differs."""

import platform
import shlex
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from seamline.data.dataset import Dataset
from seamline.data.errors import UserError
from seamline.data.splits import Division
from seamline.learn.blocks import Network
from seamline.learn.devices import describe_machine
from seamline.learn.recipes import Recipe, recipe_fields, recipe_from

DRAWN_NOTICE = "The images of this page are not photographs: a program drew them. Its figures say nothing of real ones."


def describe_run(
    data: Dataset,
    recipe: Recipe,
    network: Network,
    division: Division,
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
            "place": data.place,
            "drawn": data.drawn,
            "note": data.note,
            "fingerprint": data.fingerprint,
            "classes": list(data.classes),
            "colours": [list(colour) for colour in data.colours],
            "train": len(division.learned),
            "val": len(division.aside),
            "test": len(data.test),
        },
        "split": division.facts,
        "network": {
            "name": recipe.network,
            "parameters": sum(parameter.numel() for parameter in network.parameters()),
            "image": list(data.train.images.shape[1:]),
        },
        "seed": seed,
        "device": device.type,
        "machine": describe_machine(device),
        "threads": threads,
        "versions": {
            "python": platform.python_version(),
            **{name: version(name) for name in ("torch", "numpy", "scipy", "opencv-python-headless", "matplotlib")},
        },
        "notice": DRAWN_NOTICE if data.drawn else None,
    }


def differences(described: dict[str, Any], data: Dataset, recipe: Recipe, seed: int) -> str:
    """Say in which of data, recipe and seed a run so described differs; an empty text where in none."""
    alike = {
        "dataset": described["dataset"]["fingerprint"] == data.fingerprint,
        "recipe": _same_recipe(described["recipe"], recipe),
        "seed": described["seed"] == seed,
    }
    return " and ".join(name for name, same in alike.items() if not same)


def _same_recipe(fields: dict[str, Any], recipe: Recipe) -> bool:
    """Tell whether a run's recipe is this one; what an older run does not name is as it was before it had a name."""
    try:
        return recipe_from(fields) == recipe
    except (TypeError, UserError):  # fields of another version
        return False


def train_command(
    name: str, recipe: str, settings: tuple[str, ...], seed: int, out: Path, options: dict[str, object]
) -> str:
    """Return the command line that makes the run again; `options` that are None are left out."""
    parts = ["seamline", "train", name, "--recipe", recipe]
    parts += [part for setting in settings for part in ("--set", setting)]
    parts += ["--seed", str(seed)]
    parts += [part for option, value in options.items() if value is not None for part in (option, str(value))]
    return shlex.join([*parts, "--out", str(out)])
