"""How fast the parts are on this machine: medians of a few repetitions, in turns.

    python bench/speed.py

Takes a minute or two. Uses the built-in garments, so it needs no data. Writes docs/speed.md.
"""

import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch

import seamline
from seamline.data.batches import Batches
from seamline.data.files import write_text
from seamline.data.sources import drawn_garments
from seamline.learn.classifiers import build_classifier
from seamline.learn.devices import describe_machine, keep_freed_memory
from seamline.learn.recipes import RECIPES
from seamline.learn.training import Training

ROUNDS = 5
DOCS = Path(__file__).parent.parent / "docs"


def main() -> None:
    """Time the parts and print a table."""
    keep_freed_memory()
    data = seamline.load("builtin-garments")
    rows = {
        "`seamline --help`": timed(lambda: command("--help")),
        "`seamline list`": timed(lambda: command("list")),
        "draw 60,000 garments": timed(lambda: drawn_garments.draw(60_000, 1), rounds=3),
        "load the built-in garments from the cache": timed(lambda: seamline.load("builtin-garments")),
    }
    rates: dict[str, list[float]] = {name: [] for name in RECIPES}
    for _ in range(ROUNDS):
        for name in RECIPES:
            rates[name].append(training_rate(name, data))
    machine = describe_machine(torch.device("cpu"))
    lines = [
        "# Speed of the parts",
        "",
        f"{machine}, {torch.get_num_threads()} threads, torch {torch.__version__}. `make bench` makes this page again "
        "([`bench/speed.py`](../bench/speed.py)): medians, with the least and the most in brackets.",
        "",
        "| what | |",
        "| --- | --- |",
        *(f"| {name} | {shown(values, '.2f')} s |" for name, values in rows.items()),
        *(f"| training, recipe `{name}`, built-in garments | {shown(found, ',.0f')} images/s |"
          for name, found in rates.items()),
    ]  # fmt: skip
    write_text(DOCS / "speed.md", "\n".join(lines) + "\n")
    print("\n".join(lines[2:]))


def shown(values: list[float], style: str) -> str:
    """Median, least and most."""
    return f"{statistics.median(values):{style}} ({min(values):{style}} to {max(values):{style}})"


def command(*words: str) -> None:
    subprocess.run([sys.executable, "-m", "seamline", *words], check=True, capture_output=True)


def timed(work: Callable[[], object], rounds: int = ROUNDS) -> list[float]:
    """Seconds of each of `rounds` calls, after one that does not count."""
    work()
    found = []
    for _ in range(rounds):
        start = time.perf_counter()
        work()
        found.append(time.perf_counter() - start)
    return found


def training_rate(name: str, data: seamline.Dataset) -> float:
    """Images a second in one epoch over the first 20,000 images, after a tenth of one that does not count."""
    recipe = RECIPES[name]
    for count in (2_000, 20_000):
        split = data.train.take(torch.arange(count).numpy())
        network = build_classifier(recipe.network, (28, 28, 1), len(data.classes))
        network.normalise.fit(split.images)
        batches = Batches(split, recipe.batch_size, seed=0, flip=recipe.flip, shift=recipe.shift)
        record = next(iter(Training(network, batches, recipe)))
    return record.images / record.seconds


if __name__ == "__main__":
    main()
