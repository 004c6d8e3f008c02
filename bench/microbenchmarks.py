"""Microbenchmarks: commands, datasets, and an epoch of every preset."""

import time
from collections.abc import Callable
from typing import Any

import numpy as np

import seamline
from hardware_peak import operations_of
from seamline.data.loader import Batches
from seamline.models.devices import tune_malloc
from seamline.models.factory import build_model
from seamline.synthetic import facades, fashion
from seamline.training.config import TrainConfig
from seamline.training.loop import Training
from seamline.training.presets import PRESETS
from subprocess_runner import run

ROUNDS = 5


def microbenchmarks() -> dict[str, list[float]]:
    """Return the seconds of each round of each operation."""
    return {
        "`seamline --help`": _timed(lambda: run("-m", "seamline", "--help")),
        "`seamline list`": _timed(lambda: run("-m", "seamline", "list")),
        "generate 60,000 synthetic garments": _timed(lambda: fashion.generate(60_000, 1), rounds=3),
        "load synthetic garments from the cache": _timed(lambda: seamline.load_dataset("synthetic-fashion")),
        "generate 500 synthetic facades": _timed(lambda: facades.generate(500, 1), rounds=2),
        "load synthetic facades from the cache": _timed(lambda: seamline.load_dataset("synthetic-facades")),
    }


def measure_presets(device: str) -> list[dict[str, Any]]:
    """Return `data`, `preset`, `operations` per image and `rates` (images per second of each round) of every preset."""
    tune_malloc()
    rows: list[dict[str, Any]] = []
    sets = (("garments", 4_096, 24_576), ("facades", 24, 48))
    names = {"garments": "synthetic-fashion", "facades": "synthetic-facades"}
    data = {task: seamline.load_dataset(name) for task, name in names.items()}
    for round_ in range(ROUNDS):
        place = iter(range(100))
        for task, few, many in sets:
            for name, preset in PRESETS[data[task].task].items():
                if round_ == 0:
                    rows.append({"data": task, "preset": name, "operations": _operations(preset, data[task])})
                    rows[-1]["rates"] = []
                rows[next(place)]["rates"].append(_rate(preset, data[task], few, many, device))
    return rows


def _timed(work: Callable[[], object], rounds: int = ROUNDS) -> list[float]:
    """Return the seconds of each of `rounds` calls, after one warm-up call."""
    seconds = []
    for _ in range(1 + rounds):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    return seconds[1:]


def _begin(preset: TrainConfig, data: seamline.Dataset, count: int, device: str) -> Training:
    """Prepare a training on the first `count` images."""
    split = data.train.select(np.arange(count))
    network = build_model(preset.model, split.images.shape[1:], len(data.classes), task=data.task)
    network.init_from_data(split.images)
    network.to(device)
    batches = Batches(split, preset.batch_size, task=data.task, seed=0, augmentation=preset.augmentation, device=device)
    return Training(network, batches, preset)


def _rate(preset: TrainConfig, data: seamline.Dataset, few: int, many: int, device: str) -> float:
    """Return images per second in one epoch over `many` images, after a warm-up epoch over `few`."""
    next(iter(_begin(preset, data, few, device)))
    record = next(iter(_begin(preset, data, many, device)))
    return record.samples / record.train_seconds


def _operations(preset: TrainConfig, data: seamline.Dataset) -> float:
    """Return the floating-point operations per image."""
    training = _begin(preset, data, 8, "cpu")
    images, labels, _ = next(training.batches.epoch(1))
    return operations_of(training.model, images, labels)
