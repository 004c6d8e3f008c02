"""A sample of the training images with their labels, and what the run's augmentation makes of some of them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seamline.data.augmentation import Augmentation
from seamline.data.dataset import Split
from seamline.data.lazy_array import evenly_spaced
from seamline.data.loader import Batches
from seamline.data.masks import Color
from seamline.data.preprocess import downscale
from seamline.evaluation.examples import sheet_jpeg, sheet_png
from seamline.evaluation.mask_sheets import mask_sheet, resize_masks
from seamline.io import write_bytes
from seamline.run_folder import AugmentedImages, RunFolder, Task, TrainingImage, TrainingImages
from seamline.training.config import TrainConfig

N_PHOTOS = 12
"""Images with masks in the sample."""

N_LABELED = 48
"""Images with labels in the sample, at most."""

MAX_PER_CLASS = 4
SIDES: dict[Task, int] = {"classification": 64, "segmentation": 128}
"""The longer side of an image of the sample."""

N_AUGMENTED = 3
"""Images that are shown augmented."""

EPOCHS = 6
"""Epochs whose augmentation is shown."""

_COLUMNS = 12


def write_training_images(
    folder: RunFolder, train: Split, task: Task, palette: Sequence[Color], seed: int, config: TrainConfig | None
) -> None:
    """Write a sample of the training images, and some of them as the first epochs augment them.

    Args:
        folder: the run folder.
        train: the training images.
        task: what their labels are for.
        palette: K colors of the classes in masks.
        seed: the seed of the run, which decides its augmentation.
        config: the configuration of the run; None where it cannot be read: augmented images are then left out.
    """
    chosen = choose_training_images(train, task)
    images, masks = _shrunk(train.images[chosen], train.labels[chosen], SIDES[task], task)
    _write_sheets(folder.training_sheet_files(task), images, masks, _COLUMNS, palette)
    augmented = None
    if config is not None and config.augmentation != Augmentation():
        augmented = _write_augmented(folder, train, chosen, task, palette, seed, config)
    labels = [None] * len(chosen) if task == "segmentation" else train.labels[chosen].tolist()
    height, width = images.shape[1:3]
    folder.training_images.write(
        TrainingImages(
            tile=(height, width),
            columns=_COLUMNS,
            images=tuple(
                TrainingImage(name=train.names[i], label=label) for i, label in zip(chosen, labels, strict=True)
            ),
            augmented=augmented,
        )
    )


def choose_training_images(train: Split, task: Task) -> NDArray[np.int64]:
    """Choose images at random, the same each time: as many of each class, class by class, or any with masks.

    Returns:
        (M,) int64 indices.
    """
    rng = np.random.default_rng(0)
    if task == "segmentation":
        return np.sort(rng.choice(len(train), min(N_PHOTOS, len(train)), replace=False))
    labels = np.asarray(train.labels)
    classes = np.unique(labels)
    classes = classes[evenly_spaced(len(classes), N_LABELED)]
    each = min(MAX_PER_CLASS, N_LABELED // len(classes))
    by_class = (np.flatnonzero(labels == label) for label in classes)
    return np.concatenate([rng.choice(own, min(each, len(own)), replace=False) for own in by_class])


def _write_augmented(
    folder: RunFolder,
    train: Split,
    chosen: NDArray[np.int64],
    task: Task,
    palette: Sequence[Color],
    seed: int,
    config: TrainConfig,
) -> AugmentedImages:
    """Write some of the chosen images (M,) int64, evenly spaced, as the first epochs augment them."""
    positions = evenly_spaced(len(chosen), N_AUGMENTED)
    batches = Batches(train, config.batch_size, task=task, seed=seed, augmentation=config.augmentation, mix=config.mix)
    epochs = tuple(range(1, EPOCHS + 1))
    versions = [batches.augmented(chosen[positions], epoch) for epoch in epochs]
    # a row for each image: (images, epochs, ...)
    images, labels = (np.stack([version[part] for version in versions], 1) for part in (0, 1))
    images, masks = _shrunk(
        images.reshape(-1, *images.shape[2:]), labels.reshape(-1, *labels.shape[2:]), SIDES[task], task
    )
    _write_sheets(folder.training_sheet_files(task, augmented=True), images, masks, len(epochs), palette)
    height, width = images.shape[1:3]
    return AugmentedImages(tile=(height, width), images=tuple(positions.tolist()), epochs=epochs)


def _shrunk(
    images: NDArray[np.uint8], labels: NDArray[np.integer[Any]], side: int, task: Task
) -> tuple[NDArray[np.uint8], NDArray[np.uint8] | None]:
    """Return images (M, H, W, C) and, of segmentation, their masks (M, H, W), downscaled to a longer side."""
    small = np.stack([downscale(image, side) for image in images])
    if task == "classification":
        return small, None
    return small, resize_masks(labels.astype(np.uint8), *small.shape[1:3])


def _write_sheets(
    files: tuple[Path, Path],
    images: NDArray[np.uint8],
    masks: NDArray[np.uint8] | None,
    columns: int,
    palette: Sequence[Color],
) -> None:
    """Write the sheet of images (M, H, W, C) uint8, and that of their masks (M, H, W) uint8."""
    photos, mask_file = files
    write_bytes(photos, sheet_png(images, columns) if masks is None else sheet_jpeg(images, columns))
    if masks is not None:
        write_bytes(mask_file, mask_sheet(masks, columns, palette))
