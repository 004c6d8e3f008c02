"""The same training by several tools: one after another, round by round, on the same images in one run."""

import statistics
import sys
from pathlib import Path
from typing import Any

import torch

from baselines.networks import FacadeNet, study
from datasets import Images
from hardware_peak import limits, operations_of
from subprocess_runner import run

ROUNDS = 3
COUNT = {"garments": 20_480, "facades": 40}
"""Images on the clock: twenty batches of 1,024, four of ten; as many come before it."""

OWN = {"plain": "plain PyTorch loop", "ours": "Seamline"}
PEERS = {
    "plain": "plain PyTorch loop",
    "reference": "torchvision reference style",
    "with_lightning": "Lightning",
    "with_fastai": "fastai",
    "with_keras": "Keras on TensorFlow",
    "ours": "Seamline",
}


def contest(
    sets: list[Images], folder: Path, contenders: dict[str, str], *, python: Path | str = sys.executable, device: str
) -> dict[str, Any]:
    """Return for each task `operations` an image and, for each contender, `rates` (images a second) and `losses`.

    Args:
        sets: the tasks' images.
        folder: where files for the programs are put.
        contenders: programs of `baselines/` and what they are called.
        python: the interpreter that has what they need.
        device: `cpu` or `cuda`.
    """
    found: dict[str, Any] = {"limits": limits(device), "tasks": {}}
    files = {one.task: one.write(folder / f"{one.task}.npz", count=COUNT[one.task]) for one in sets}
    for one in sets:
        network, shape = (study(), (8, 1, 28, 28)) if one.task == "garments" else (FacadeNet(), (2, 3, 256, 256))
        labels = torch.zeros(shape[0] if one.task == "garments" else (2, 256, 256), dtype=torch.int64)
        found["tasks"][one.task] = {
            "images": COUNT[one.task],
            "operations": operations_of(network, torch.zeros(shape), labels),
            "contenders": {name: {"title": title, "rates": []} for name, title in contenders.items()},
        }
    for _ in range(ROUNDS):
        for task, file in files.items():
            for name in contenders:
                words = ("-m", f"baselines.{name}", task, file, "--device", device)
                told = run(*words, python=python, quiet=False).last
                row = found["tasks"][task]["contenders"][name]
                row["rates"].append(told["images"] / told["seconds"])
                row["losses"] = told["losses"]
    for task in found["tasks"].values():
        _check_losses(task["contenders"])
    return found


def _check_losses(contenders: dict[str, Any]) -> None:
    """Stop where one has not learned what the others have: its speed would mean nothing.

    First weights and order differ from tool to tool, so the second epoch's losses are alike, not equal.
    """
    ends = {name: row["losses"][-1] for name, row in contenders.items()}
    middle = statistics.median(ends.values())
    odd = {name: loss for name, loss in ends.items() if not 0.7 * middle < loss < 1.4 * middle}
    if odd:
        raise RuntimeError(f"not the same training: losses of the second epoch {ends}")


def versions(python: Path | str) -> dict[str, str]:
    """Return the versions of the tools that an interpreter has."""
    return dict(run("-m", "baselines.versions", python=python).last)
