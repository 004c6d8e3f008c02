"""Compare frameworks on the same training: in turns, round by round, on the same images."""

import statistics
import sys
from pathlib import Path
from typing import Any

import torch

from baselines.models import FacadeNet, cnn
from datasets import Images
from hardware_peak import hardware_peak, operations_of
from subprocess_runner import run

ROUNDS = 3
COUNT = {"garments": 20_480, "facades": 40}
"""Timed images: twenty batches of 1,024, four of ten; as many are used to warm up."""

PLAIN = {"plain": "plain PyTorch loop", "with_seamline": "Seamline"}
FRAMEWORKS = {
    "plain": "plain PyTorch loop",
    "reference": "torchvision reference style",
    "with_lightning": "Lightning",
    "with_fastai": "fastai",
    "with_keras": "Keras on TensorFlow",
    "with_seamline": "Seamline",
}


def compare(
    datasets: list[Images],
    folder: Path,
    contenders: dict[str, str],
    *,
    python: Path | str = sys.executable,
    device: str,
) -> dict[str, Any]:
    """Return `operations` per image of each task and, for each contender, `rates` (images per second) and `losses`.

    Args:
        datasets: the images of the tasks.
        folder: folder for the input files of the programs.
        contenders: module of `baselines` -> display name.
        python: the interpreter that has the frameworks.
        device: `cpu` or `cuda`.
    """
    results: dict[str, Any] = {"hardware_peak": hardware_peak(device), "tasks": {}}
    files = {images.task: images.write(folder / f"{images.task}.npz", count=COUNT[images.task]) for images in datasets}
    for images in datasets:
        model, shape = (cnn(), (8, 1, 28, 28)) if images.task == "garments" else (FacadeNet(), (2, 3, 256, 256))
        labels = torch.zeros(shape[0] if images.task == "garments" else (2, 256, 256), dtype=torch.int64)
        results["tasks"][images.task] = {
            "images": COUNT[images.task],
            "operations": operations_of(model, torch.zeros(shape), labels),
            "contenders": {name: {"title": title, "rates": []} for name, title in contenders.items()},
        }
    for _ in range(ROUNDS):
        for task, file in files.items():
            for name in contenders:
                arguments = ("-m", f"baselines.{name}", task, file, "--device", device)
                output = run(*arguments, python=python, quiet=False).last
                row = results["tasks"][task]["contenders"][name]
                row["rates"].append(output["images"] / output["seconds"])
                row["losses"] = output["losses"]
    for task in results["tasks"].values():
        _check_losses(task["contenders"])
    return results


def _check_losses(contenders: dict[str, Any]) -> None:
    """Raise if a contender did not train like the others: its speed would mean nothing.

    Initial weights and order differ between frameworks, so the losses of the second epoch are similar, not equal.
    """
    ends = {name: row["losses"][-1] for name, row in contenders.items()}
    median = statistics.median(ends.values())
    outliers = {name: loss for name, loss in ends.items() if not 0.7 * median < loss < 1.4 * median}
    if outliers:
        raise RuntimeError(f"the trainings differ: losses of the second epoch {ends}")


def versions(python: Path | str) -> dict[str, str]:
    """Return the versions of the frameworks of an interpreter."""
    return dict(run("-m", "baselines.versions", python=python).last)
