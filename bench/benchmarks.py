"""Run all benchmarks in turn.

    python bench/benchmarks.py [SECTION…] [--device cuda] [--repeat] [--frameworks PYTHON]

Writes bench/results/benchmarks.json after each section, and docs/measurements/benchmarks.md from it. A section stores
the processor's name and the rate of a float32 matrix product before and after it, so that its times can be scaled to
another machine. Takes an hour and a half on two idle cores, most of it for the complete runs of the plain loop, which
are only repeated with `--repeat`.
With `--frameworks PYTHON` it runs the section `frameworks` alone, with an interpreter that has the other frameworks.
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
from hardware_peak import hardware_peak, matrix_product_rate
from results_store import read_results, write_page, write_results
from seamline.models.devices import describe_machine

STORES = {"cpu": "benchmarks", "cuda": "benchmarks-cuda"}
"""Device -> name of the stored results."""


def main() -> None:
    """Run the benchmarks, store the results and write the page."""
    parser = argparse.ArgumentParser()
    parser.add_argument("sections", nargs="*", metavar="SECTION")
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    parser.add_argument("--repeat", action="store_true", help="repeat the complete runs of the plain loop")
    parser.add_argument("--frameworks", type=Path, metavar="PYTHON", help="interpreter with the other frameworks")
    options = parser.parse_args()
    device = options.device
    stored = read_results(STORES[device])
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        benchmarks: dict[str, Callable[[], Any]] = {
            "microbenchmarks": microbenchmarks.microbenchmarks,
            "presets": lambda: {
                "hardware_peak": hardware_peak(device),
                "rows": microbenchmarks.measure_presets(device),
            },
            "plain_comparison": lambda: framework_comparison.compare(
                _datasets(), folder, framework_comparison.PLAIN, device=device
            ),
            "time_to_accuracy": lambda: {
                images.task: time_to_accuracy.time_presets(images, folder, device) for images in _datasets()
            },
            "plain_loop": lambda: {
                images.task: time_to_accuracy.run_plain_loop(images, folder) for images in _datasets()
            },
            "scaling": lambda: {images.task: scaling.measure_training(images, folder) for images in _datasets()},
            "image_sizes": lambda: scaling.measure_prediction(folder),
        }
        if device == "cuda":
            benchmarks = {name: benchmarks[name] for name in ("presets", "plain_comparison", "time_to_accuracy")}
        if options.frameworks:
            benchmarks = {"frameworks": lambda: _compare_frameworks(folder, options.frameworks, device)}
        sections = options.sections or [
            name for name in benchmarks if options.repeat or name != "plain_loop" or name not in stored
        ]
        for name in sections:
            if name not in benchmarks:
                parser.error(f"{name}: unknown section; choose from {', '.join(benchmarks)}")
            print(f"== {name}", flush=True)
            rates = [matrix_product_rate(device)]
            start = time.perf_counter()
            result = benchmarks[name]()
            minutes = (time.perf_counter() - start) / 60
            rates.append(matrix_product_rate(device))
            stored[name] = {
                "result": result,
                "minutes": minutes,
                "matrix_product": rates,
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


def _datasets() -> list[Any]:
    return [images_of(task) for task in TASKS]


def _compare_frameworks(folder: Path, python: Path, device: str) -> dict[str, Any]:
    """Return the comparison of all frameworks, and their versions."""
    results = framework_comparison.compare(
        _datasets(), folder, framework_comparison.FRAMEWORKS, python=python, device=device
    )
    results["versions"] = framework_comparison.versions(python)
    return results


if __name__ == "__main__":
    main()
