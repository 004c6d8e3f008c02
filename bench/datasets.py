"""The images that the benchmarks learn from: the real ones where they are at hand, else synthetic ones."""

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import seamline
from seamline.api import divide_by, related
from seamline.data.dataset import Dataset
from seamline.data.splits import Splits
from seamline.progress import Reporter
from seamline.training.config import get_preset

TASKS = ("garments", "facades")


@dataclass(frozen=True)
class Images:
    """A task's dataset, its groups found.

    Attributes:
        task: `garments` or `facades`.
        data: the dataset.
    """

    task: str
    data: Dataset

    def division(self, seed: int) -> Splits:
        """Training and validation images by groups, as `seamline train --seed` cuts them."""
        return divide_by(self.data, get_preset("fast", segments=self.data.task == "segmentation"), seed)

    def write(self, file: Path, seed: int = 0, count: int | None = None) -> Path:
        """Write images and labels of a division as programs here read them: the first `count` to learn from."""
        division = self.division(seed)
        learned, aside, test = division.train, division.val, self.data.test
        np.savez(
            file,
            images=learned.images[:count],
            labels=learned.labels[:count],
            val_images=aside.images,
            val_labels=aside.labels,
            test_images=test.images,
            test_labels=test.labels,
        )
        return file


def images_of(task: str) -> Images:
    """Load a task's images: Fashion-MNIST and the mini facade set from SEAMLINE_DATA, or else synthetic ones."""
    real = {"garments": "fashion-mnist", "facades": "facades"}[task]
    synthetic = {"garments": "synthetic-fashion", "facades": "synthetic-facades"}[task]
    folder = os.environ.get("SEAMLINE_DATA")
    name = real if folder and (Path(folder) / real).is_dir() else synthetic
    return Images(task, related(seamline.load(name), Reporter()))
