"""Images and masks in folders of many names."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from helpers import refusal
from image_files import write_mask, write_photos
from seamline.data.image_folder import detect_format, load_folder


@pytest.mark.parametrize(
    ("image", "mask"),
    [
        ("train/{}.jpg", "train_masks/{}_mask.gif"),
        ("train_images/{}.jpg", "train_masks/{}.png"),
        ("images/{}.png", "masks/{}.png"),
        ("Images/{}.png", "Labels/{}.png"),
        ("train/images/{}.png", "train/masks/{}.png"),
        ("images/train/{}.png", "annotations/train/{}.png"),
        ("images_prepped_train/{}.png", "annotations_prepped_train/{}.png"),
        ("train/{}.png", "trainannot/{}.png"),
        ("imgs/{}.jpg", "ground_truth/{}_gt.png"),
        ("data/train/{}.jpg", "data/train_labels/{}_segmentation.png"),
        ("images/img_{}.jpg", "masks/mask_{}.png"),
        ("id{}/image.png", "id{}/mask.png"),
        ("id{}/img.png", "id{}/label.png"),
        ("all/image-{}.png", "all/mask-{}.png"),
        ("site A/photos/{}.jpg", "site A/segmentation masks/{}.png"),
    ],
)
def test_folders_of_images_and_masks(tmp_path: Path, image: str, mask: str) -> None:
    for number in range(3):
        write_photos(tmp_path, image.format(number))
        write_mask(tmp_path / mask.format(number), 0, 255)
    write_photos(tmp_path, image.format(3))
    write_mask(tmp_path / mask.format(3), 255, 255)  # a GIF gives the only color the index 0
    if Path(image).parent != Path(mask).parent:
        write_photos(tmp_path, "test/9.jpg", "test/10.jpg")
    data = load_folder(tmp_path)
    assert (data.task, data.classes, len(data.train)) == ("segmentation", ("background", "foreground"), 4)
    assert data.train.labels[:, 0, [0, 31]].tolist() == [[0, 1]] * 3 + [[1, 1]]
    unlabeled = [(entry.count, entry.example) for entry in data.unused]
    assert unlabeled == ([(2, "test/10.jpg")] if (tmp_path / "test").exists() else [])


def test_splits_of_images_and_masks(tmp_path: Path) -> None:
    for split in ("train", "val", "test"):
        write_photos(tmp_path, f"{split}/1.png", f"{split}/2.png")
        for number in (1, 2):
            write_mask(tmp_path / f"{split}_labels/{number}.png", 0, 1)
    assert Counter(sample.split for sample in detect_format(tmp_path).samples) == {"train": 2, "val": 2, "test": 2}
    write_photos(tmp_path, "val/3.png")
    assert "val/3.png: has no mask of the same name" in refusal(lambda: detect_format(tmp_path))


def test_classes_of_masks_in_a_table(tmp_path: Path) -> None:
    for split in ("train", "valid"):
        for number in range(3):
            write_photos(tmp_path, f"{split}/{number}.jpg")
            write_mask(tmp_path / split / f"{number}_mask.png", 0, 2)
        (tmp_path / split / "_classes.csv").write_text("Pixel Value, Class\n0, background\n1, cat\n2, dog\n")
    data = load_folder(tmp_path)
    assert (data.classes, data.unused) == (("background", "cat", "dog"), ())
    assert data.train.labels[0, 0, [0, 31]].tolist() == [0, 2]
    (tmp_path / "valid" / "_classes.csv").write_text("Pixel Value, Class\n0, background\n1, dog\n")
    assert "valid/_classes.csv: defines other classes than" in refusal(lambda: detect_format(tmp_path))


def test_a_png_of_the_same_picture_is_no_mask(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for label in ("cat", "dog"):
        for number in range(4):
            picture = Image.fromarray(rng.integers(0, 256, (6, 8, 3), dtype=np.uint8)).resize((48, 36))
            (tmp_path / "set" / label).mkdir(parents=True, exist_ok=True)
            for suffix in ("jpg", "png"):
                picture.save(tmp_path / "set" / label / f"{number}.{suffix}")
    contents = detect_format(tmp_path / "set")
    assert (contents.layout, len(contents.samples)) == ("class folders", 16)
    assert Counter(sample.label for sample in contents.samples) == {"cat": 8, "dog": 8}


@pytest.mark.parametrize("brightness", [4, 255])
def test_a_mask_that_resembles_its_image_is_a_mask(tmp_path: Path, brightness: int) -> None:
    mask = np.zeros((36, 48), np.uint8)
    mask[8:20, 10:30] = 1
    noise = np.random.default_rng(0).integers(0, max(2, brightness // 2), mask.shape)
    for number in range(3):
        Image.fromarray((mask * brightness // 2 + noise).astype(np.uint8)).save(tmp_path / f"{number}.jpg")
        Image.fromarray(mask * (255 if brightness == 255 else 1)).save(tmp_path / f"{number}.png")
    assert detect_format(tmp_path).layout == "images beside their masks"
