"""Datasets at a fraction of their image size."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from seamline.data.dataset import Dataset, Split
from seamline.data.lazy_array import iter_chunks

FRACTIONS = {2: "half", 3: "third", 4: "quarter"}
"""Factor -> the fraction of the size in words."""


def reduce_resolution(data: Dataset, factor: int) -> Dataset:
    """Return a dataset whose images have the detail of a fraction of their sides, and their size as before.

    They are those of `downscale_dataset` with each pixel repeated, so that any model takes them.

    Args:
        data: a dataset of images to classify, whose sides are multiples of `factor`.
        factor: by what the sides are divided.
    """
    return _at_fraction(data, factor, "resolution", lambda one: replace(one, images=pixelate(one.images[:], factor)))


def downscale_dataset(data: Dataset, factor: int) -> Dataset:
    """Return a dataset with images of a fraction of their sides; its groups stay as they are.

    Pixels of images are means of `factor` x `factor` pixels, those of masks the pixel in the middle; rows and columns
    that are left over at the end are cut off.

    Args:
        data: the dataset.
        factor: by what the sides are divided; 1 returns the dataset itself.
    """
    return _at_fraction(data, factor, "size", lambda one: _downscale_split(one, factor))


def _at_fraction(data: Dataset, factor: int, quantity: str, reduce: Callable[[Split], Split]) -> Dataset:
    """Return a dataset of reduced splits, with the fraction in name and title; the dataset itself for a factor of 1."""
    if factor == 1:
        return data
    train, test, *val = (reduce(split) for split in data.splits)
    fraction = FRACTIONS.get(factor, f"1/{factor}")
    return replace(
        data,
        name=f"{data.name}-{fraction}".replace("/", "-"),
        title=f"{data.title} at {'a ' * (factor in FRACTIONS)}{fraction} of the {quantity}",
        train=train,
        test=test,
        val=val[0] if val else None,
        reference_results=(),
    )


def _downscale_split(split: Split, factor: int) -> Split:
    """Return a split at a fraction of the sides."""
    height, width = (side // factor * factor for side in split.images.shape[1:3])
    images = [block_means(chunk[:, :height, :width], factor) for chunk in iter_chunks(split.images)]
    labels = split.labels
    if len(labels.shape) == 3:
        middle = slice(factor // 2, height, factor), slice(factor // 2, width, factor)
        masks = [chunk[:, middle[0], middle[1]] for chunk in iter_chunks(labels)]
        labels = np.concatenate(masks) if masks else np.zeros((0, height // factor, width // factor), np.uint8)
    empty = np.zeros((0, height // factor, width // factor, split.images.shape[3]), np.uint8)
    return replace(split, images=np.concatenate(images) if images else empty, labels=labels)


def pixelate(images: NDArray[np.uint8], factor: int) -> NDArray[np.uint8]:
    """Return images whose blocks of pixels are replaced by their means.

    Args:
        images: (N, H, W, C) uint8, whose height and width are multiples of `factor`.
        factor: side of the blocks.

    Returns:
        (N, H, W, C) uint8.
    """
    return block_means(images, factor).repeat(factor, 1).repeat(factor, 2)


def block_means(images: NDArray[np.uint8], factor: int) -> NDArray[np.uint8]:
    """Return the means of blocks of pixels: (N, H, W, C) uint8 -> (N, H / factor, W / factor, C) uint8."""
    count, height, width, channels = images.shape
    blocks = images.reshape(count, height // factor, factor, width // factor, factor, channels)
    means: NDArray[np.uint8] = blocks.mean((2, 4), dtype=np.float32).round().astype(np.uint8)
    return means
