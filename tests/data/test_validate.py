"""The report on a folder before training."""

from pathlib import Path

import msgspec
import numpy as np
import pytest
from PIL import Image

from seamline.data.checks import dataset_warnings
from seamline.data.dataset import IGNORE_INDEX, Dataset, Split
from seamline.data.validate import inspect_data, inspect_dataset
from seamline.errors import SeamlineError
from seamline.training.plan import RunOptions, make_plan


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
    report = inspect_dataset(folder).report
    facts = report.facts
    assert facts["layout"] == "class folders"
    assert facts["images"] == "13: 12 train, 1 test"
    assert facts["sizes"] == "40 x 40 (10), 48 x 40 (3)"
    assert facts["formats"] == "PNG RGB (7), PNG L (6)"
    rows = [(row.name, row.train, row.val, row.test) for row in report.classes]  # one dog stands in the test split
    assert rows == [("cat", 5, 1, 1), ("dog", 4, 1, 0)]
    assert facts["split"] == "12: 9 train, 2 val, 1 test; near-duplicates are kept together"
    (line,) = report.unreadable
    assert line.startswith(f"{folder / 'train/dog/bad.png'}: ")
    assert report.errors == ("1 file cannot be read; replace or remove it",)
    warnings = "\n".join(report.warnings)
    assert "1 image is identical to another but has a different label: train/dog/2.png and test/cat/9.png" in warnings
    assert "dog: missing from the test images" in warnings
    assert "cat (6), dog (6): fewer than 20 training images" in warnings
    assert "1 pairs of related images are in different splits" in warnings
    assert report.duplicates is not None
    assert report.duplicates.leaks == (("test/cat/9.png", "train/dog/2.png"),)
    assert not report.usable


def test_a_valid_folder_has_no_errors(folder: Path) -> None:
    (folder / "train/dog/bad.png").unlink()
    report = inspect_dataset(folder).report
    assert report.usable
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
    report = inspect_dataset(tmp_path / "walls").report
    assert report.facts["mask values"] == "0 class 0, 2 class 2; ignored: 255"
    assert [(row.train, row.val, row.test) for row in report.classes] == [(2 * 512, 512, 512), (2 * 511, 511, 511)]
    assert report.task == "segmentation"


def test_errors_name_the_fix(tmp_path: Path) -> None:
    for split, label in (("train", "cat"), ("train", "dog"), ("test", "cow")):
        save(tmp_path / "set" / split / label / "1.png", hash((split, label)) % 1000)
    (line,) = inspect_dataset(tmp_path / "set").report.errors
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


@pytest.mark.parametrize("images", [1, 2, 3])
def test_inspect_agrees_with_training(tmp_path: Path, images: int) -> None:
    for number in range(images):
        for label in "ab":
            save(tmp_path / "set" / label / f"{number}.png", 10 * number + ord(label))
    report = inspect_dataset(tmp_path / "set").report
    try:
        make_plan(tmp_path / "set", "fast", {}, 0, RunOptions())
        errors: tuple[str, ...] = ()
    except SeamlineError as error:
        errors = (str(error),)
    assert report.errors == errors
    assert report.usable == (images == 3)
    assert (report.split is None) == (images < 3)


def test_one_scene_is_usable_with_a_warning_first(tmp_path: Path) -> None:
    for number in range(10):
        for label, level in (("ok", 0), ("broken", 255)):
            base = np.random.default_rng(1).integers(60, 200, (12, 12, 3), np.uint8)
            image = np.asarray(Image.fromarray(base).resize((64, 64), Image.Resampling.BICUBIC)) + np.uint8(number)
            image[28:34, 28:34] = level
            file = tmp_path / "set" / label / f"{number}.png"
            file.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(image).save(file)
    report = inspect_dataset(tmp_path / "set").report
    assert report.usable
    assert "metrics are optimistic" in report.warnings[0]
    assert report.facts["split"] == "20: 14 train, 2 val, 4 test; in blocks of file order"
    assert [(row.train, row.val, row.test) for row in report.classes] == [(7, 1, 2)] * 2
    assert msgspec.to_builtins(report)["split"]["grouping"]["blocks"] == "name"


def test_a_folder_without_labels_is_not_usable_but_searched(tmp_path: Path) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        save(tmp_path / "set" / f"{name}.png", seed)
    report = inspect_dataset(tmp_path / "set").report
    assert not report.usable
    assert "has no supported layout" in report.errors[0]
    assert report.duplicates is not None
    assert report.duplicates.groups == (("a.png", "b.png"),)


def test_a_dataset_in_memory_has_the_same_report() -> None:
    images = np.random.default_rng(0).integers(0, 255, (30, 8, 8, 1), dtype=np.uint8)
    report = inspect_data(made(np.arange(30) % 3, images)).report
    assert report.usable
    assert report.facts["images"] == "30"
    assert [(row.train, row.val, row.test) for row in report.classes] == [(7, 1, 2)] * 3
