"""Input and output of every contender: images in memory, one warm-up epoch, one timed epoch."""

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Workload:
    """Images and settings of a training.

    Attributes:
        task: `garments` or `facades`.
        images: (N, H, W, C) uint8.
        labels: (N,) int64, or (N, H, W) uint8, 0..K-1 everywhere.
        classes: number of classes K.
        batch: images per step.
        decay: weight decay of Adam.
        device: `cpu` or `cuda`.
    """

    task: str
    images: NDArray[np.uint8]
    labels: NDArray[np.integer[Any]]
    classes: int
    batch: int
    decay: float
    device: str

    @property
    def mean(self) -> float:
        """Mean of all pixels, 0..1."""
        return float(self.images.mean()) / 255

    @property
    def std(self) -> float:
        """Standard deviation of all pixels, 0..1."""
        return float(self.images.std()) / 255

    def take(self, count: int) -> "Workload":
        """Return the workload of the first `count` images."""
        return Workload(
            self.task, self.images[:count], self.labels[:count], self.classes, self.batch, self.decay, self.device
        )


LEARNING_RATE = 1e-3
"""Learning rate of Adam, in both studies."""


class Clock:
    """Times each epoch."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self._start = 0.0

    def start(self) -> None:
        """Start timing an epoch."""
        self._start = time.perf_counter()

    def stop(self) -> None:
        """Stop timing an epoch; the device must have finished."""
        self.seconds.append(time.perf_counter() - self._start)


def run_contender(train: Callable[[Workload, Clock], list[float]]) -> None:
    """Read the task from the command line, train, and print the time of the second epoch as JSON.

    Args:
        train: trains for two epochs and times both; returns the mean loss of each.
    """
    parser = argparse.ArgumentParser()
    parser.add_argument("task", choices=["garments", "facades"])
    parser.add_argument("file", help="npz with images and labels")
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args()
    with np.load(options.file) as stored:
        images, labels = stored["images"], stored["labels"]
    batch, decay, classes = (1024, 0.0, 10) if options.task == "garments" else (10, 1e-5, 5)
    clock = Clock()
    losses = train(Workload(options.task, images, labels, classes, batch, decay, options.device), clock)
    print(json.dumps({"images": len(images), "seconds": clock.seconds[-1], "losses": losses}))
