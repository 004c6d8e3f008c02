"""A folder per image, with a mask per object."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from helpers import refusal
from image_files import write_mask, write_photos
from seamline.data.image_folder import detect_format, load_folder
from seamline.data.validate import inspect_dataset


def cells(folder: Path, *names: str, image: str = "images/{}.png") -> None:
    """Write an image with two objects: its first and its last column."""
    for name in names:
        write_photos(folder, f"{name}/" + image.format(name))
        for number, column in enumerate((0, 31)):
            values = np.zeros((32, 32), np.uint8)
            values[:, column] = 255
            file = folder / name / "masks" / f"{number}ab.png"
            file.parent.mkdir(exist_ok=True)
            Image.fromarray(values).save(file)


@pytest.mark.parametrize("image", ["images/{}.png", "image/x.jpg", "{}.png"])
@pytest.mark.parametrize("split", ["", "stage1_train/"])
def test_the_union_of_objects_is_the_foreground(tmp_path: Path, image: str, split: str) -> None:
    cells(tmp_path, *(f"{split}id{number}" for number in range(3)), image=image.replace("{}", "scan"))
    if split:
        write_photos(tmp_path, "stage1_test/id9/images/id9.png")
    data = load_folder(tmp_path)
    assert data.classes == ("background", "foreground")
    assert data.train.labels[:, 5].sum(0).tolist() == [3, *[0] * 30, 3]
    assert sum(entry.count for entry in data.unused) == bool(split)
    assert inspect_dataset(tmp_path).report.errors == ()


def test_masks_that_are_no_objects_are_refused(tmp_path: Path) -> None:
    cells(tmp_path, "a", "b")
    write_mask(tmp_path / "a/masks/1ab.png", 1, 2)
    assert "a/masks/1ab.png: is the mask of one object and has several values besides 0" in refusal(
        lambda: load_folder(tmp_path)
    )
    write_mask(tmp_path / "a/masks/1ab.png", 0, 1, size=(16, 16))
    assert "a/masks/1ab.png: is 16 x 16" in refusal(lambda: load_folder(tmp_path))
    write_photos(tmp_path, "b/images/second.png", "c/images/c.png")
    cells(tmp_path, "d", "e")
    assert "b/masks: has masks of single objects, but" in refusal(lambda: detect_format(tmp_path))


def test_one_mask_per_folder_has_classes(tmp_path: Path) -> None:
    for number in range(3):
        write_photos(tmp_path, f"id{number}/images/id{number}.png")
        write_mask(tmp_path / f"id{number}/masks/m{number}.png", 1, 3)
    data = load_folder(tmp_path)
    assert (data.classes, data.train.labels[0, 0, [0, 31]].tolist()) == (("class 1", "class 3"), [0, 1])


def test_masks_named_by_class_are_refused(tmp_path: Path) -> None:
    for number in range(3):
        write_photos(tmp_path, f"id{number}/images/scan.png")
        for name in ("door", "window"):
            write_mask(tmp_path / f"id{number}/masks/{name}.png", 0, 255)
    message = refusal(lambda: detect_format(tmp_path))
    assert "masks have the names door, window in several folders, so they may be of classes" in message
