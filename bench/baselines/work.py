"""What every contender is given and what it answers: images in memory, one epoch to warm up, one epoch on the clock."""

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Work:
    """A task.

    Attributes:
        task: `garments` or `facades`.
        images: (N, H, W, C) uint8.
        labels: (N,) int64, or (N, H, W) uint8, 0..K-1 everywhere.
        classes: number of classes K.
        batch: images a step.
        decay: Adam's weight decay; its learning rate is 1e-3.
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
        """Of all pixels, 0..1."""
        return float(self.images.mean()) / 255

    @property
    def std(self) -> float:
        """Of all pixels, 0..1."""
        return float(self.images.std()) / 255

    def take(self, count: int) -> "Work":
        """Return the same task on its first `count` images."""
        return Work(
            self.task, self.images[:count], self.labels[:count], self.classes, self.batch, self.decay, self.device
        )


RATE = 1e-3
"""Adam's learning rate, in both studies."""


class Clock:
    """Times the second epoch: start it and stop it around each."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self._begun = 0.0

    def start(self) -> None:
        """An epoch begins."""
        self._begun = time.perf_counter()

    def stop(self) -> None:
        """An epoch has ended, and the device has finished."""
        self.seconds.append(time.perf_counter() - self._begun)


def answer(train: Callable[[Work, Clock], list[float]]) -> None:
    """Read the task from the command line, train on a part of it and then on it, and print what it took as JSON.

    Args:
        train: trains for two epochs, the first to warm up, both on the clock; returns the mean loss of each.
    """
    parser = argparse.ArgumentParser()
    parser.add_argument("task", choices=["garments", "facades"])
    parser.add_argument("file", help="npz with images and labels")
    parser.add_argument("--device", default="cpu")
    chosen = parser.parse_args()
    with np.load(chosen.file) as stored:
        images, labels = stored["images"], stored["labels"]
    batch, decay, classes = (1024, 0.0, 10) if chosen.task == "garments" else (10, 1e-5, 5)
    clock = Clock()
    losses = train(Work(chosen.task, images, labels, classes, batch, decay, chosen.device), clock)
    print(json.dumps({"images": len(images), "seconds": clock.seconds[-1], "losses": losses}))
