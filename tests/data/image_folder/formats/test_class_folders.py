"""Class folders: which folder is the class, which the split, and which is neither."""

from collections import Counter
from pathlib import Path

import pytest

from helpers import refusal
from image_files import write_mask, write_photos
from seamline.data.image_folder import detect_format, load_folder


def labels(folder: Path) -> dict[str, int]:
    """The number of images of each split and class."""
    return Counter(f"{sample.split}:{sample.label}" for sample in detect_format(folder).samples)


@pytest.mark.parametrize(
    ("train", "test"),
    [
        ("seg_train/seg_train", "seg_test/seg_test"),
        ("training_set", "test_set"),
        ("training_set/training_set", "test_set/test_set"),
        ("train_images", "test_images"),
        ("Train", "TEST"),
        ("TrainSet", "TestSet"),
        ("trainset", "testset"),
        ("train2017", "test2017"),
        ("stage1_train", "stage1_test"),
        ("train-data", "test data"),
        ("train/images", "test/images"),
        ("dataset/train", "dataset/test"),
    ],
)
def test_splits_in_many_spellings(tmp_path: Path, train: str, test: str) -> None:
    for name in ("sea", "forest"):
        write_photos(tmp_path, f"{train}/{name}/1.png", f"{train}/{name}/2.png", f"{test}/{name}/3.png")
    assert labels(tmp_path) == {"train:sea": 2, "train:forest": 2, "test:sea": 1, "test:forest": 1}


def test_images_without_labels_beside_splits_are_counted(tmp_path: Path) -> None:
    for name in ("sea", "forest"):
        write_photos(tmp_path, f"seg_train/seg_train/{name}/1.png", f"seg_test/seg_test/{name}/3.png")
    write_photos(tmp_path, "seg_pred/seg_pred/4.png", "seg_pred/seg_pred/5.png", "loose.png")
    contents = detect_format(tmp_path)
    assert len(contents.samples) == 4
    (entry,) = contents.unused
    assert (entry.count, entry.what) == (3, "images without a label (3 .png)")


def test_splits_inside_class_folders(tmp_path: Path) -> None:
    for name in ("sea", "forest"):
        write_photos(tmp_path, f"{name}/train/1.png", f"{name}/train/2.png", f"{name}/valid/3.png")
    assert labels(tmp_path) == {"train:sea": 2, "train:forest": 2, "val:sea": 1, "val:forest": 1}


@pytest.mark.parametrize("wrapper", ["PetImages", "archive/data/Pet Images", "my-set"])
def test_an_only_folder_is_entered(tmp_path: Path, wrapper: str) -> None:
    write_photos(tmp_path, f"{wrapper}/Cat/1.png", f"{wrapper}/Dog/1.png")
    (tmp_path / "readme.txt").write_text("about", encoding="utf-8")
    (tmp_path / wrapper / "classes.txt").write_text("Dog\nCat\n", encoding="utf-8")
    contents = detect_format(tmp_path)
    assert f"{wrapper} is the only folder in {tmp_path}, and its contents are read" in contents.warnings
    assert [sample.name for sample in contents.samples] == ["Cat/1.png", "Dog/1.png"]
    assert load_folder(tmp_path).classes == ("Dog", "Cat")
    assert [entry.example for entry in contents.unused] == ["readme.txt"]


def test_a_split_is_a_class_among_vehicles(tmp_path: Path) -> None:
    write_photos(tmp_path, "bus/1.png", "car/1.png", "train/1.png")
    contents = detect_format(tmp_path)
    assert {sample.label for sample in contents.samples} == {"bus", "car", "train"}
    assert "the folder train is read as a class" in contents.warnings[0]


@pytest.mark.parametrize("names", [("train", "test"), ("train_images", "test_images"), ("cat", "dog", "test")])
def test_splits_without_class_folders_are_refused(tmp_path: Path, names: tuple[str, ...]) -> None:
    for name in names:
        write_photos(tmp_path, f"{name}/1.png", f"{name}/2.png")
    message = refusal(lambda: detect_format(tmp_path))
    assert "no class folders inside, so the labels of these images are unknown; put images into a folder" in message


@pytest.mark.parametrize(
    "names",
    [
        ("valley", "mountain"),
        ("protest", "crowd"),
        ("with_mask", "without_mask"),
        ("mask", "no mask"),
        ("Mask_worn", "Mask_unworn", "Nothing"),
        ("freight_train", "car"),
        ("freight train", "passenger train"),
        ("test_positive", "test_negative"),
        ("valid", "invalid"),
        ("label_torn", "label_whole"),
        ("normal_images", "defect_images"),
        ("mask", "face"),
        ("manual", "automatic"),
        ("original", "copy"),
        ("gt_car", "van"),
        ("test_tube", "beaker", "round flask"),
        ("dev board", "cable"),
    ],
)
def test_classes_that_only_resemble_other_layouts(tmp_path: Path, names: tuple[str, ...]) -> None:
    for name in names:
        write_photos(tmp_path, f"{name}/1.png", f"{name}/2.png")
    assert set(load_folder(tmp_path).classes) == {*names}


@pytest.mark.parametrize(
    ("names", "layout"),
    [
        (("JPEGImages", "Segmentation old"), "Pascal VOC"),
        (("pictures", "labels v2"), "images with masks"),
        (("scan", "mask_all"), "images with masks"),
        (("image", "other"), "images with masks"),
        (("foto", "maske"), "images with masks (foto/ with maske/ of the same names)"),
        (("x", "y color"), "images with masks (x/ with y color/ of the same names)"),
        (("flowers_train", "flowers_test"), "splits (train/, val/ and test/, each with class folders inside)"),
        (("rps", "rps-test-set"), "splits"),
        (("cat", "dog", "test_cat"), "splits"),
        (("cat", "dog", "pets_test"), "splits"),
        (("train_cats", "test_cats", "train_dogs", "test_dogs"), "splits"),
    ],
)
def test_classes_of_another_layout_are_refused(tmp_path: Path, names: tuple[str, ...], layout: str) -> None:
    for number in range(3):
        write_photos(tmp_path, f"{names[0]}/{number}.png")
        for name in names[1:]:
            values = ((0, 0, 0), (255, 9, 0)) if "color" in name else (0, 1)
            write_mask(tmp_path / name / f"{number}.png", *values)
    message = refusal(lambda: detect_format(tmp_path))
    assert f"suggests the layout {layout}" in message
    assert f"{names[0]} (3 images)" in message
    assert "rename the folder, or list files and labels in a CSV" in message


def test_the_example_of_an_inner_folder_exists(tmp_path: Path) -> None:
    write_photos(tmp_path, "ape/zoo/1.png", "bee/hive/2.png", "cat/hive/3.png")
    (warning,) = detect_format(tmp_path).warnings
    assert warning.startswith("3 images are in folders inside class folders, such as ape/zoo: the class is")


def test_a_class_named_like_a_split_is_reported(tmp_path: Path) -> None:
    write_photos(tmp_path, "test_tube/1.png", "beaker/2.png")
    assert detect_format(tmp_path).warnings == ("the folder test_tube is read as a class, not as images for test",)


@pytest.mark.parametrize("dates", [("2023-05-17", "2023-06-02"), ("20230517", "20230602"), ("2023_05", "2023_06")])
def test_class_folders_inside_folders_of_dates(tmp_path: Path, dates: tuple[str, str]) -> None:
    for number, date in enumerate(dates):
        write_photos(tmp_path, f"{date}/cat/{number}.png", f"{date}/images/dog/{number}.png")
    contents = detect_format(tmp_path)
    assert [(sample.name, sample.label) for sample in contents.samples] == [
        (f"{dates[0]}/cat/0.png", "cat"),
        (f"{dates[0]}/images/dog/0.png", "dog"),
        (f"{dates[1]}/cat/1.png", "cat"),
        (f"{dates[1]}/images/dog/1.png", "dog"),
    ]
    (warning,) = contents.warnings
    assert warning.startswith(f"the folders {dates[0]}, {dates[1]} are dates, so the classes are the folders inside")


def test_numbers_that_are_no_dates_are_classes(tmp_path: Path) -> None:
    write_photos(tmp_path, "2021/a/1.png", "2023-13/b/1.png")
    assert {sample.label for sample in detect_format(tmp_path).samples} == {"2021", "2023-13"}


def test_folders_inside_class_folders(tmp_path: Path) -> None:
    write_photos(tmp_path, "cat/tabby/1.png", "cat/2.png", "dog/3.png", "dog/2021/images/4.png")
    contents = detect_format(tmp_path)
    assert [sample.label for sample in contents.samples] == ["cat", "cat", "dog", "dog"]
    (warning,) = contents.warnings
    assert warning.startswith(
        "1 image is in a folder inside class folders, such as cat/tabby: the class is the first folder, cat"
    )
    for place in ("home", "street"):
        write_photos(tmp_path, f"cat/{place}/1.png", f"dog/{place}/1.png")
    message = refusal(lambda: detect_format(tmp_path))
    assert "the class could be the first folder (cat, dog) or the second one (home, street)" in message
