"""Time to accuracy: the study's figure in the plain loop with its own recipe, and in ours with the quick ones.

The protocol. Images and labels lie in memory as uint8, split by groups; interpreter and libraries have started. The
clock runs from there (making the network, taking mean and deviation, first weights) to the end of the last step, in a
fresh process; looking at validation images comes after it. Each seed has a split, first weights and an order of its
own. A recipe has reached a figure when at least nine in ten of its seeds have it on their validation images.
"""

import statistics
from pathlib import Path
from typing import Any

from datasets import Images
from subprocess_runner import run

GOALS = {"garments": 0.912, "facades": 0.624}
RECIPES = {"garments": ("fast", "sprint"), "facades": ("sprint",)}
SEEDS = {"garments": 10, "facades": 5}
PART = {"garments": 20_480, "facades": 60}
"""Images on the clock when the plain loop's rate is taken between our seeds."""

EVERY = {"garments": 2, "facades": 3}
"""Of our seeds, between two looks at the plain loop."""


def reach(images: Images, folder: Path, device: str) -> dict[str, Any]:
    """Return `goal`, `ours` (recipe -> a list of what each seed gave) and `plain_rates` taken in between."""
    task = images.task
    part = images.write(folder / "part.npz", count=PART[task])
    found: dict[str, Any] = {"goal": GOALS[task], "ours": {name: [] for name in RECIPES[task]}, "plain_rates": []}
    found["learned"] = len(images.division(0).train)
    for seed in range(SEEDS[task]):
        if seed % EVERY[task] == 0:
            told = run("-m", "baselines.plain", task, part, "--device", device, quiet=False).last
            found["plain_rates"].append(told["images"] / told["seconds"])
        file = images.write(folder / "seed.npz", seed)
        for name in RECIPES[task]:
            told = run("bench/time_to_accuracy_seamline.py", task, file, name, seed, device, quiet=False).last
            found["ours"][name].append(told)
        file.unlink()
    return found


def plain_run(images: Images, folder: Path) -> dict[str, Any]:
    """Return the whole run of the study's recipe in the plain loop: an entry an epoch, seed 0's split."""
    file = images.write(folder / "whole.npz")
    lines = run("bench/time_to_accuracy_plain.py", images.task, file).lines
    first = next((number for number, line in enumerate(lines, 1) if line["val"] >= GOALS[images.task]), None)
    return {"epochs": lines, "first_crossing": first}


def plain_seconds(found: dict[str, Any], epochs: int) -> float:
    """Return how long the plain loop takes for `epochs`, at the median of the rates taken beside ours."""
    return float(epochs * found["learned"] / statistics.median(found["plain_rates"]))
