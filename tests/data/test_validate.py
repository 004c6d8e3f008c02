"""The report on a folder before training."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from seamline.data.checks import dataset_warnings
from seamline.data.dataset import IGNORE_INDEX, Dataset, Split
from seamline.data.validate import inspect_dataset
from seamline.errors import SeamlineError


def save(file: Path, seed: int, size: tuple[int, int] = (40, 40), mode: str = "RGB") -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 255, (*size, 3), np.uint8)
    Image.fromarray(pixels).convert(mode).save(file)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two classes in two splits; one image stands in both and is labeled differently, one cannot be read."""
    for number in range(6):
        save(tmp_path / "set/train/cat" / f"{number}.png", number, (40, 40 + 8 * (number % 2)))
        save(tmp_path / "set/train/dog" / f"{number}.png", 50 + number, mode="L" if number else "RGB")
    save(tmp_path / "set/test/cat/9.png", 52, mode="L")
    (tmp_path / "set/train/dog/bad.png").write_bytes(b"\x89PNG\r\n\x1a\n broken")
    return tmp_path / "set"


def test_a_report_lists_contents_errors_and_warnings(folder: Path) -> None:
    report = inspect_dataset(folder)
    facts = dict(report.facts)
    assert facts["layout"] == "class folders"
    assert facts["images"] == "13: 12 train, 1 test"
    assert facts["sizes"] == "40 x 40 (10), 48 x 40 (3)"
    assert facts["formats"] == "PNG RGB (7), PNG L (6)"
    assert report.classes == ({"class": "cat", "train": 6, "test": 1}, {"class": "dog", "train": 6, "test": 0})
    (line,) = report.unreadable
    assert line.startswith(f"{folder / 'train/dog/bad.png'}: ")
    assert report.errors == ("1 files cannot be read; replace or remove them",)
    warnings = "\n".join(report.warnings)
    assert "1 image is identical to another but has a different label: train/dog/2.png and test/cat/9.png" in warnings
    assert "dog: missing from the test images" in warnings
    assert "cat (6), dog (6): fewer than 20 training images" in warnings
    assert "1 pairs of related images are in different splits" in warnings
    assert report.to_dict()["leaks"] == [["test/cat/9.png", "train/dog/2.png"]]


def test_a_valid_folder_has_no_errors(folder: Path) -> None:
    (folder / "train/dog/bad.png").unlink()
    report = inspect_dataset(folder)
    assert not report.errors
    assert not report.unreadable


def test_mask_values_are_listed(tmp_path: Path) -> None:
    for number in range(4):
        save(tmp_path / "walls/images" / f"{number}.png", number, (32, 32))
        mask = np.zeros((32, 32), np.uint8)
        mask[:16] = 2
        mask[0, 0] = 255
        (tmp_path / "walls/masks").mkdir(exist_ok=True)
        Image.fromarray(mask).save(tmp_path / "walls/masks" / f"{number}.png")
    report = inspect_dataset(tmp_path / "walls")
    assert dict(report.facts)["mask values"] == "0 class 0, 2 class 2; ignored: 255"
    assert [row["train"] for row in report.classes] == [4 * 512, 4 * 511]
    assert report.task == "segmentation"


def test_errors_name_the_fix(tmp_path: Path) -> None:
    for split, label in (("train", "cat"), ("train", "dog"), ("test", "cow")):
        save(tmp_path / "set" / split / label / "1.png", hash((split, label)) % 1000)
    (line,) = inspect_dataset(tmp_path / "set").errors
    assert "the class cow is in test but not in train; add images to train" in line
    (tmp_path / "empty").mkdir()
    with pytest.raises(SeamlineError, match="has no supported layout"):
        inspect_dataset(tmp_path / "empty")


def made(labels: np.ndarray, images: np.ndarray, *, masks: bool = False) -> Dataset:
    count = len(images)
    names = tuple(f"{i}" for i in range(count))
    groups = np.arange(count)
    train = Split(images, labels, names, groups)
    test = train.select(np.arange(0))
    palette = ((0, 0, 0), (9, 9, 9), (8, 8, 8)) if masks else ()
    return Dataset(
        "made",
        "Made",
        ("a", "b", "c"),
        train,
        test,
        "here",
        palette=palette,
        task="segmentation" if masks else "classification",
    )


def test_warnings_about_labels() -> None:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 255, (640, 8, 8, 1), dtype=np.uint8)
    images[5] = 7
    warnings = dataset_warnings(made(np.array([0] * 610 + [1] * 30), images))
    assert warnings == (
        "c: declared, but not in any image",
        "a has 610 training images and b 30: the rare class may be learned poorly; --set class_weights=balanced "
        "increases the weight of rare classes",
        "5: all pixels have the same color",
    )
    assert not dataset_warnings(made(np.arange(600) % 3, images[6:606]))


def test_warnings_about_masks() -> None:
    images = np.random.default_rng(0).integers(0, 255, (3, 64, 64, 1), dtype=np.uint8)
    masks = np.zeros((3, 64, 64), np.uint8)
    masks[0, 0, :5], masks[1, 32:], masks[2] = 1, 2, IGNORE_INDEX
    assert dataset_warnings(made(masks, images, masks=True)) == (
        "b (0.06%): less than 0.1% of the training pixels; --set class_weights=balanced increases the weight of rare "
        "classes",
        "2: all pixels of the mask are ignored",
    )
