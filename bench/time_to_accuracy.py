"""Time to accuracy: preset `original` in a plain PyTorch loop, and the fast presets of Seamline.

Protocol: images and labels are in memory as uint8, split by groups, and the libraries are loaded. The time covers
building the model, mean and deviation, initial weights and every step, in a fresh process; evaluation is not counted.
Each seed has its own split, initial weights and order. A preset reaches the goal if at least nine in ten seeds reach
it on their validation images.
"""

import statistics
from pathlib import Path
from typing import Any

from datasets import Images
from subprocess_runner import run

GOALS = {"garments": 0.912, "facades": 0.624}
PRESETS = {"garments": ("fast", "sprint"), "facades": ("sprint",)}
SEEDS = {"garments": 10, "facades": 5}
TIMED = {"garments": 20_480, "facades": 60}
"""Images per epoch when the rate of the plain loop is measured between seeds."""

EVERY = {"garments": 2, "facades": 3}
"""Seeds between two measurements of the plain loop."""


def time_presets(images: Images, folder: Path, device: str) -> dict[str, Any]:
    """Return `goal`, `presets` (preset -> the results of each seed) and `plain_rates`, measured in between."""
    task = images.task
    plain_file = images.write(folder / "plain.npz", count=TIMED[task])
    results: dict[str, Any] = {"goal": GOALS[task], "presets": {name: [] for name in PRESETS[task]}, "plain_rates": []}
    results["train_images"] = len(images.split(0).train)
    for seed in range(SEEDS[task]):
        if seed % EVERY[task] == 0:
            output = run("-m", "baselines.plain", task, plain_file, "--device", device, quiet=False).last
            results["plain_rates"].append(output["images"] / output["seconds"])
        file = images.write(folder / "seed.npz", seed)
        for name in PRESETS[task]:
            output = run("bench/time_to_accuracy_seamline.py", task, file, name, seed, device, quiet=False).last
            results["presets"][name].append(output)
        file.unlink()
    return results


def run_plain_loop(images: Images, folder: Path) -> dict[str, Any]:
    """Return a complete run of preset `original` in the plain loop, on the split of seed 0: an entry per epoch."""
    file = images.write(folder / "whole.npz")
    lines = run("bench/time_to_accuracy_plain.py", images.task, file).lines
    goal_epoch = next((number for number, line in enumerate(lines, 1) if line["val"] >= GOALS[images.task]), None)
    return {"epochs": lines, "goal_epoch": goal_epoch}


def plain_seconds(results: dict[str, Any], epochs: int) -> float:
    """Return the seconds that the plain loop takes for `epochs`, at the median of its measured rates."""
    return float(epochs * results["train_images"] / statistics.median(results["plain_rates"]))
