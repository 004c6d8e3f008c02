"""Measure training beside busy processes: a section of docs/measurements/benchmarks.md.

    python bench/busy.py [--frameworks PYTHON] [--spin-counts N...] [--short]

Trains the garment model of the study, and predicts with the exported facade model, on an idle machine, beside one and
beside two processes that compute without end. Takes about 10 minutes on two cores, and 20 with `--frameworks PYTHON`,
the interpreter of `make bench-frameworks`.
`--spin-counts` also measures two threads with other values of GOMP_SPINCOUNT. `--short` prints the section of one
round on few images and stores nothing.
"""

import argparse
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

import framework_comparison
from benchmarks_page import busy_section, page
from datasets import images_of
from results_store import read_results, write_page, write_results
from seamline.inference.backends import BACKENDS
from seamline.models.devices import describe_machine
from seamline.threads import SPIN_COUNT
from subprocess_runner import run

LOADS = (0, 1, 2)
"""Numbers of busy processes."""

ROUNDS, COUNT = 3, 10_240
SHORT_COUNT = 2_048
"""Timed images: batches of 1,024; as many are used to warm up."""

VARIABLES = ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY", "OMP_NUM_THREADS", "MKL_NUM_THREADS")


@dataclass(frozen=True)
class Contender:
    """A program that trains or predicts."""

    title: str  # its name
    module: str  # module of `baselines`
    environment: dict[str, str] = field(default_factory=dict)  # variables to set
    arguments: tuple[str, ...] = ()  # words instead of the task and the file of the images


SEAMLINE = {
    "before": Contender("Seamline, a thread per core, default spinning", "with_seamline"),
    "after": Contender("Seamline", "with_seamline_idle"),
    "later": Contender(
        "Seamline, started before the busy processes", "with_seamline", {"GOMP_SPINCOUNT": str(SPIN_COUNT)}
    ),
    "plain": Contender("plain PyTorch loop", "plain"),
}
EXPORTED = {
    f"{backend} {options}": Contender(
        f"{BACKENDS[backend].title}{', its own thread options' * (options == 'own')}",
        "predict_exported",
        arguments=(backend, options),
    )
    for backend in ("onnxruntime", "openvino")
    for options in ("own", "seamline")
}
OTHERS = {
    name: Contender(framework_comparison.FRAMEWORKS[name], name)
    for name in ("with_lightning", "with_fastai", "with_keras")
}


@contextmanager
def busy_processes(count: int) -> Iterator[None]:
    """Run `count` processes that compute without end."""
    processes = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


def measure(contenders: dict[str, Contender], file: Path, python: Path | str, rounds: int) -> dict[str, Any]:
    """Return the title of each contender and its `rates`: images per second of each round for each load.

    Args:
        contenders: key -> program.
        file: npz with images and labels of the garments.
        python: the interpreter of the frameworks.
        rounds: number of rounds; in each, every contender runs once at every load.
    """
    results: dict[str, Any] = {
        name: {"title": one.title, "rates": {str(load): [] for load in LOADS}} for name, one in contenders.items()
    }
    for _ in range(rounds):
        for load in LOADS:
            for name, one in contenders.items():
                with busy_processes(load):
                    words = ("-m", f"baselines.{one.module}", *(one.arguments or ("garments", file)))
                    interpreter = sys.executable if one.arguments else python
                    output = run(*words, python=interpreter, environment=one.environment).last
                rate = output["images"] / output["seconds"]
                results[name]["rates"][str(load)].append(rate)
                print(f"  {one.title}, {load} busy processes: {rate:,.0f} images/s", flush=True)
    return results


def main() -> None:
    """Measure, store the results and write the page."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--frameworks", type=Path, metavar="PYTHON", help="interpreter with the other frameworks")
    parser.add_argument("--spin-counts", type=int, nargs="*", default=[], metavar="N", help="further spin counts")
    parser.add_argument("--short", action="store_true", help="one round on few images; nothing is stored")
    options = parser.parse_args()
    for name in VARIABLES:
        os.environ.pop(name, None)
    spins = {
        f"spin {count}": Contender(f"GOMP_SPINCOUNT={count}", "with_seamline", {"GOMP_SPINCOUNT": str(count)})
        for count in options.spin_counts
    }
    contenders = SEAMLINE | spins | (OTHERS if options.frameworks else {}) | EXPORTED
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        count, rounds = (SHORT_COUNT, 1) if options.short else (COUNT, ROUNDS)
        file = images_of("garments").write(Path(folder) / "garments.npz", count=count)
        result = measure(contenders, file, options.frameworks or sys.executable, rounds)
    versions = {"python": platform.python_version(), "torch": torch.__version__}
    section = {
        "result": {
            "images": count,
            "contenders": result,
            "versions": framework_comparison.versions(options.frameworks) if options.frameworks else versions,
        },
        "minutes": (time.perf_counter() - start) / 60,
        "machine": describe_machine(torch.device("cpu")),
        "threads": torch.get_num_threads(),
        "versions": versions,
    }
    print("\n".join(busy_section(section)))
    if not options.short:
        stored = read_results("benchmarks") | {"busy": section}
        write_results("benchmarks", stored)
        write_page("benchmarks", page(stored))


if __name__ == "__main__":
    main()
