"""The images of the benchmarks: real ones if they are available, otherwise synthetic ones."""

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from seamline.data.dataset import Dataset
from seamline.data.prepare import detect_groups, load_dataset, split_data
from seamline.data.splits import Splits
from seamline.progress import Reporter
from seamline.training.presets import get_preset

TASKS = ("garments", "facades")


@dataclass(frozen=True)
class Images:
    """The dataset of a task, with its groups of related images.

    Attributes:
        task: `garments` or `facades`.
        data: the dataset.
    """

    task: str
    data: Dataset

    def split(self, seed: int) -> Splits:
        """Split training and validation images by groups, as `seamline train --seed` does."""
        config = get_preset("fast", self.data.task)
        return split_data(self.data, fraction=config.val_fraction, seed=seed, strategy=config.split_by)

    def write(self, file: Path, seed: int = 0, count: int | None = None) -> Path:
        """Write images and labels of all splits to an npz file, with the first `count` training images."""
        splits, test = self.split(seed), self.data.test
        train, val = splits.train, splits.val
        np.savez(
            file,
            images=train.images[:count],
            labels=train.labels[:count],
            val_images=val.images,
            val_labels=val.labels,
            test_images=test.images,
            test_labels=test.labels,
        )
        return file


def images_of(task: str) -> Images:
    """Load Fashion-MNIST or the mini facade set from SEAMLINE_DATA, or synthetic images instead."""
    real = {"garments": "fashion-mnist", "facades": "facades"}[task]
    synthetic = {"garments": "synthetic-fashion", "facades": "synthetic-facades"}[task]
    folder = os.environ.get("SEAMLINE_DATA")
    name = real if folder and (Path(folder) / real).is_dir() else synthetic
    return Images(task, detect_groups(load_dataset(name), Reporter()))
