"""The sample of the training images, and what augmentation makes of them."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from conftest import bright_sides
from evaluation.factories import mask_split
from seamline.data.loader import Batches
from seamline.evaluation.training_images import choose_training_images, write_training_images
from seamline.run_folder import RunFolder
from seamline.training.config import TrainConfig

PALETTE = ((0, 0, 0), (0, 128, 255), (128, 255, 128), (255, 128, 0))


def config(**augmentation: Any) -> TrainConfig:
    return TrainConfig(model="cnn", epochs=3, batch_size=8, lr=0.1, **augmentation)


def test_labeled_images_are_of_each_class() -> None:
    split = bright_sides(90, 0)
    chosen = choose_training_images(split, "classification")
    assert np.asarray(split.labels)[chosen].tolist() == [0] * 4 + [1] * 4 + [2] * 4
    assert len(set(chosen.tolist())) == 12
    assert chosen.tolist() == choose_training_images(split, "classification").tolist()


def test_a_classifier_shows_images_with_labels_as_its_epochs_augment_them(tmp_path: Path) -> None:
    split, folder = bright_sides(30, 0), RunFolder(tmp_path)
    write_training_images(folder, split, "classification", (), 5, config(translate=2, hflip=True))
    written = folder.training_images.read()
    index = {name: i for i, name in enumerate(split.names)}
    height, width = written.tile
    sheet, augmented = (
        np.asarray(Image.open(folder.training_sheet_files("classification", augmented=one)[0])) for one in (False, True)
    )
    for position, one in enumerate(written.images):
        row, column = divmod(position, written.columns)
        tile = sheet[row * height : (row + 1) * height, column * width : (column + 1) * width]
        assert np.array_equal(tile, split.images[index[one.name], ..., 0])
        assert one.label == split.labels[index[one.name]]
    assert written.augmented is not None
    assert written.augmented.epochs == (1, 2, 3, 4, 5, 6)
    batches = Batches(
        split, 8, task="classification", seed=5, augmentation=config(translate=2, hflip=True).augmentation
    )
    for row, position in enumerate(written.augmented.images):
        for column, epoch in enumerate(written.augmented.epochs):
            sample = np.array([index[written.images[position].name]])
            tile = augmented[row * height : (row + 1) * height, column * width : (column + 1) * width]
            assert np.array_equal(tile, batches.augmented(sample, epoch)[0][0, ..., 0])


def test_a_segmenter_shows_masks_that_are_augmented_with_their_images(tmp_path: Path) -> None:
    split, folder = mask_split(20), RunFolder(tmp_path)
    write_training_images(folder, split, "segmentation", PALETTE, 0, config(hflip=True, train_scale=0.5))
    written = folder.training_images.read()
    assert len(written.images) == 12
    assert {one.label for one in written.images} == {None}
    assert written.augmented is not None
    assert (written.tile, written.augmented.tile) == ((16, 12), (8, 6))
    for is_augmented, size in ((False, written.size), (True, written.augmented.size)):
        for file in folder.training_sheet_files("segmentation", augmented=is_augmented):
            assert np.asarray(Image.open(file)).shape[:2] == size
    masks = np.asarray(Image.open(folder.training_sheet_files("segmentation")[1]))
    assert np.array_equal(masks[:16, :12], split.labels[split.names.index(written.images[0].name)])


@pytest.mark.parametrize("settings", [config(), None], ids=["no augmentation", "unreadable configuration"])
def test_without_augmentation_nothing_is_augmented(tmp_path: Path, settings: TrainConfig | None) -> None:
    folder = RunFolder(tmp_path)
    write_training_images(folder, bright_sides(30, 0), "classification", (), 0, settings)
    assert folder.training_images.read().augmented is None
    assert not folder.training_sheet_files("classification", augmented=True)[0].exists()
