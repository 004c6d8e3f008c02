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
from seamline.data.sources import drawn_facades, drawn_garments
from seamline.learn.devices import describe_machine, keep_freed_memory
from seamline.learn.networks import build_network
from seamline.learn.recipes import Recipe, recipes_for
from seamline.learn.training import Training

ROUNDS = 5
DOCS = Path(__file__).parent.parent / "docs"


def main() -> None:
    """Time the parts and print a table."""
    keep_freed_memory()
    data = seamline.load("builtin-garments")
    streets = seamline.load("builtin-facades")
    rows = {
        "`seamline --help`": timed(lambda: command("--help")),
        "`seamline list`": timed(lambda: command("list")),
        "draw 60,000 garments": timed(lambda: drawn_garments.draw(60_000, 1), rounds=3),
        "load the built-in garments from the cache": timed(lambda: seamline.load("builtin-garments")),
        "draw 500 facades": timed(lambda: drawn_facades.draw(500, 1), rounds=2),
        "load the built-in facades from the cache": timed(lambda: seamline.load("builtin-facades")),
    }
    rates: dict[str, list[float]] = {}
    for _ in range(ROUNDS):
        for dataset, few, many in ((data, 2_000, 20_000), (streets, 16, 48)):
            for name, recipe in recipes_for(segments=dataset.segments).items():
                found = training_rate(recipe, dataset, few, many)
                rates.setdefault(f"`{name}`, {dataset.title.lower()}", []).append(found)
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
        *(f"| training, recipe {name} | {shown(found, ',.1f' if found[0] < 100 else ',.0f')} images/s |"
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


def training_rate(recipe: Recipe, data: seamline.Dataset, few: int, many: int) -> float:
    """Images a second in one epoch over the first `many` images, after one over `few` that does not count."""
    for count in (few, many):
        split = data.train.take(torch.arange(count).numpy())
        shape = split.images.shape[1:]
        network = build_network(recipe.network, shape, len(data.classes), segments=data.segments)
        network.fit(split.images)
        batches = Batches(split, recipe.batch_size, seed=0, changes=recipe.changes)
        record = next(iter(Training(network, batches, recipe)))
    return record.images / record.seconds


if __name__ == "__main__":
    main()
