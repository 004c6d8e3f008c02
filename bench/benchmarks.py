"""All benchmarks, one after another.

    python bench/benchmarks.py [SECTION…] [--device cuda] [--again] [--peers PYTHON]

Writes bench/results/benchmarks.json after each section, and docs/measurements/benchmarks.md from it. An hour and a half
on two cores, most of it the plain loop's whole runs, which are not repeated unless `--again` is given. With
`--peers PYTHON` it runs the section `peers` alone, with an interpreter that has the other frameworks. Leave the machine
alone meanwhile.
"""

import argparse
import platform
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

import framework_comparison
import microbenchmarks
import scaling
import time_to_accuracy
from benchmarks_page import page
from datasets import TASKS, images_of
from hardware_peak import limits
from results_store import read_results, write_page, write_results
from seamline.models.devices import describe_machine

STORES = {"cpu": "benchmarks", "cuda": "benchmarks-cuda"}
"""Device -> name of the stored results."""


def main() -> None:
    """Run what is asked for, keep it, and write the page."""
    parser = argparse.ArgumentParser()
    parser.add_argument("sections", nargs="*", metavar="SECTION")
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    parser.add_argument("--again", action="store_true", help="repeat the plain loop's whole runs too")
    parser.add_argument("--peers", type=Path, metavar="PYTHON", help="an interpreter that has the other tools")
    chosen = parser.parse_args()
    device = chosen.device
    stored = read_results(STORES[device])
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        work: dict[str, Callable[[], Any]] = {
            "parts": microbenchmarks.parts,
            "recipes": lambda: {"limits": limits(device), "rows": microbenchmarks.recipes(device)},
            "own": lambda: framework_comparison.contest(_sets(), folder, framework_comparison.OWN, device=device),
            "reach": lambda: {one.task: time_to_accuracy.reach(one, folder, device) for one in _sets()},
            "plain": lambda: {one.task: time_to_accuracy.plain_run(one, folder) for one in _sets()},
            "growth": lambda: {one.task: scaling.training(one, folder) for one in _sets()},
            "photos": lambda: scaling.photos(folder),
        }
        if device == "cuda":
            work = {name: work[name] for name in ("recipes", "own", "reach")}
        if chosen.peers:
            work = {"peers": lambda: _with_peers(folder, chosen.peers, device)}
        wanted = chosen.sections or [name for name in work if chosen.again or name != "plain" or name not in stored]
        for name in wanted:
            if name not in work:
                parser.error(f"{name}: there is no such section; there are {', '.join(work)}")
            print(f"== {name}", flush=True)
            start = time.perf_counter()
            result = work[name]()
            stored[name] = {
                "result": result,
                "minutes": (time.perf_counter() - start) / 60,
                "machine": describe_machine(torch.device(device)),
                "threads": torch.get_num_threads(),
                "versions": {"python": platform.python_version(), "torch": torch.__version__},
            }
            write_results(STORES[device], stored)
            if device == "cpu":
                write_page("benchmarks", page(stored))
    if device == "cpu":
        text = page(stored)
        write_page("benchmarks", text)
        print(text)


def _sets() -> list[Any]:
    return [images_of(task) for task in TASKS]


def _with_peers(folder: Path, python: Path, device: str) -> dict[str, Any]:
    """All tools, and their versions."""
    found = framework_comparison.contest(_sets(), folder, framework_comparison.PEERS, python=python, device=device)
    found["versions"] = framework_comparison.versions(python)
    return found


if __name__ == "__main__":
    main()
