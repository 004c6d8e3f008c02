"""Synthetic datasets: facades and garments drawn by `seamline.synthetic`, cached after the first time."""

from pathlib import Path

import cv2
import numpy as np

from seamline import synthetic
from seamline.data.dataset import Dataset, Split
from seamline.data.sources import cache
from seamline.data.sources.facade_classes import CLASSES, COLOURS
from seamline.synthetic import facades, fashion

FACADES = "synthetic-facades"
FASHION = "synthetic-fashion"

_FACADES_NOTE = (
    "Drawn by Seamline itself after the classes of the mini facade set; these are not photographs. MIT licence."
)
_FASHION_NOTE = "Drawn by Seamline itself after the classes of Fashion-MNIST; these are not photographs. MIT licence."


def load_facades(*, train: int = 300, test: int = 90, seed: int = 0) -> Dataset:
    """Return synthetic facades, drawn the first time and read from the cache after that.

    Args:
        train: Number of training images.
        test: Number of test images.
        seed: Seed of every image, 0 or more.

    Returns:
        The dataset: images (N, 256, 256, 3) uint8, labels (N, 256, 256) uint8 in 0..4, and groups that number the
        buildings through both splits. No building is in both.
    """

    def draw() -> cache.Arrays:
        return *facades.draw(train, seed, "train"), *facades.draw(test, seed, "test")

    arrays = cache.kept(FACADES, (train, test), seed, draw, _source(), cv2.__version__)
    train_images, train_labels, train_groups, test_images, test_labels, test_groups = arrays
    buildings = int(train_groups[-1]) + 1 if train else 0
    return Dataset(
        FACADES,
        "Synthetic facades",
        CLASSES,
        Split(train_images, train_labels, _names("train", train), train_groups),
        Split(test_images, test_labels, _names("test", test), test_groups + buildings),
        f"drawn by a program, seed {seed}",
        drawn=True,
        note=_FACADES_NOTE,
        colours=COLOURS,
    )


def load_fashion(*, train: int = 60_000, test: int = 10_000, seed: int = 0) -> Dataset:
    """Return synthetic garments, drawn the first time and read from the cache after that.

    Args:
        train: Number of training images.
        test: Number of test images.
        seed: Seed of every image, 0 or more.

    Returns:
        The dataset: images (N, 28, 28, 1) uint8, labels (N,) int64 in 0..9, every image a group of its own.
    """

    def draw() -> cache.Arrays:
        return *fashion.draw(train, seed, "train"), *fashion.draw(test, seed, "test")

    arrays = cache.kept(FASHION, (train, test), seed, draw, _source())
    train_images, train_labels, test_images, test_labels = arrays
    groups = np.arange(train + test, dtype=np.int64)
    return Dataset(
        FASHION,
        "Synthetic garments",
        fashion.CLASSES,
        Split(train_images, train_labels, _names("train", train), groups[:train]),
        Split(test_images, test_labels, _names("test", test), groups[train:]),
        f"drawn by a program, seed {seed}",
        drawn=True,
        note=_FASHION_NOTE,
    )


def _source() -> Path:
    """Return the folder of the drawing programs, whose hash is part of the name of a cache file."""
    return Path(synthetic.__file__).parent


def _names(split: str, count: int) -> tuple[str, ...]:
    """Return the names of the first `count` images of a split."""
    return tuple(f"{split}/{i:05d}" for i in range(count))
