"""Groups that the user names, and blocks of images of few scenes."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import ExifTags, Image

from seamline.data.dataset import Dataset
from seamline.data.groups import Grouping
from seamline.data.image_folder import load_folder
from seamline.data.prepare import detect_groups, load_dataset, split_data
from seamline.data.split_warnings import grouping_warnings
from seamline.data.splits import Splits
from seamline.errors import SeamlineError
from seamline.progress import Reporter

QUIET = Reporter(quiet=True)


def scene(seed: int) -> NDArray[np.float64]:
    """Draw a (64, 64, 3) picture, 0..255, that no other seed gives."""
    coarse = np.random.default_rng(seed).integers(0, 256, (12, 12, 3), dtype=np.uint8)
    return np.asarray(cv2.resize(coarse, (64, 64), interpolation=cv2.INTER_CUBIC), dtype=np.float64)


def frame(seed: int, number: int, *, broken: bool) -> Image.Image:
    """Draw a frame of a scene: noise and light change with its number, and a part is whole or broken."""
    pixels = scene(seed) + np.random.default_rng(number).normal(number, 2, (64, 64, 3))
    pixels = pixels.clip(0, 255).astype(np.uint8)
    pixels[26:36, 26:36] = (220, 30, 30) if broken else (40, 200, 40)
    return Image.fromarray(pixels)


def save(file: Path, image: Image.Image, taken: str = "") -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    exif = Image.Exif()
    if taken:
        exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] = taken
    image.save(file, exif=exif)


def camera(folder: Path, *, count: int = 15, seed: int = 0, name: str = "{label}/{number}.png") -> Path:
    """Save frames of one scene of both classes."""
    for number in range(count):
        for label in ("ok", "broken"):
            file = folder / name.format(label=label, number=number)
            save(file, frame(seed, number, broken=label == "broken"))
    return folder


def divide(folder: Path, by: str | None = None, *, near_duplicates: bool = True) -> tuple[Dataset, Splits]:
    data = load_dataset(folder, inner_groups=by is not None)
    data = detect_groups(data, QUIET, Grouping(by, near_duplicates))
    return data, split_data(data)


def numbers(names: tuple[str, ...], label: str) -> set[int]:
    """Return the numbers of the frames of a class."""
    return {int(Path(name).stem) for name in names if f"{label}/" in name}


def test_one_scene_is_split_in_blocks_of_file_order(tmp_path: Path) -> None:
    data, splits = divide(camera(tmp_path / "set"))
    for label in ("ok", "broken"):  # of 15 frames, the last three are tested, and one of twelve validates
        assert numbers(data.test.names, label) == {12, 13, 14}
        assert numbers(splits.val.names, label) == {11}
        assert numbers(splits.train.names, label) == set(range(11))
    grouping = splits.metadata.grouping
    assert (grouping.scenes, grouping.scene_fraction, grouping.blocks) == (1, 1.0, "name")
    assert grouping.shared == ("val", "test")
    nearest = splits.metadata.nearest
    assert nearest is not None
    assert 1 < nearest.test_to_train < nearest.random_pairs < 10  # light rises by one gray level a frame, 10 to 14
    (warning,) = grouping_warnings(splits.metadata)
    assert warning.startswith(
        "validation and test metrics are optimistic: images of one scene (all images) are split in blocks of file "
    )
    assert f"differs from its nearest training image by {nearest.test_to_train:.1f} gray levels" in warning


def test_names_without_suffix_are_ordered_by_number(tmp_path: Path) -> None:
    rows = ["file,label"]
    for label in "ab":
        for number in range(12):
            name = f"{label}{number or ''}"
            save(tmp_path / "set" / f"{name}.png", frame(1, number, broken=label == "b"))
            rows.append(f"{name},{label}")
    (tmp_path / "set" / "labels.csv").write_text("\n".join(rows), encoding="utf-8")
    data, _ = divide(tmp_path / "set")
    assert sorted(data.test.names) == ["a10", "a11", "b10", "b11"]


def test_capture_time_comes_before_file_names(tmp_path: Path) -> None:
    for number in range(15):
        for label in ("ok", "broken"):
            image = frame(0, number, broken=label == "broken")
            save(tmp_path / "set" / label / f"{14 - number}.jpg", image, f"2024:05:01 10:{number:02}:00")
    data, splits = divide(tmp_path / "set")
    assert splits.metadata.grouping.blocks == "time"
    assert numbers(data.test.names, "ok") == {0, 1, 2}  # taken last


def test_arrays_of_one_scene_are_split_at_random() -> None:
    frames = [np.asarray(frame(0, number, broken=number % 2 == 0)) for number in range(30)]
    data = detect_groups(load_dataset((np.stack(frames), np.arange(30) % 2)), QUIET)
    splits = split_data(data)
    assert splits.metadata.grouping.blocks == "random"
    assert np.bincount(data.test.labels[:]).tolist() == [3, 3]
    assert np.bincount(splits.val.labels[:]).tolist() == [1, 1]


def test_two_videos_of_a_class_each_are_split_within_each(tmp_path: Path) -> None:
    for number in range(10):
        save(tmp_path / "set/ok" / f"{number}.png", frame(1, number, broken=False))
        save(tmp_path / "set/broken" / f"{number}.png", frame(2, number, broken=True))
    data, splits = divide(tmp_path / "set")
    assert splits.metadata.grouping.scenes == 2
    assert numbers(data.test.names, "ok") == numbers(data.test.names, "broken") == {8, 9}


def test_a_class_of_one_scene_is_in_each_split_and_others_are_split_by_group(tmp_path: Path) -> None:
    for number in range(10):
        save(tmp_path / "set/broken" / f"{number}.png", frame(0, number, broken=True))
        save(tmp_path / "set/ok" / f"{number}.png", frame(100 + number, number, broken=False))
    data, splits = divide(tmp_path / "set")
    assert splits.metadata.grouping.block_classes == ("broken",)
    assert numbers(data.test.names, "broken") == {8, 9}
    assert len(numbers(data.test.names, "ok")) == 2
    assert "images of one scene (broken) are split in blocks of file order" in grouping_warnings(splits.metadata)[0]


def test_masks_of_one_scene_show_each_class_in_each_split(tmp_path: Path) -> None:
    for number in range(15):
        save(tmp_path / "set/images" / f"{number}.png", frame(0, number, broken=number < 6))
        mask = np.zeros((64, 64), np.uint8)
        mask[26:36, 26:36] = 1 + (number < 6)
        save(tmp_path / "set/masks" / f"{number}.png", Image.fromarray(mask))
    data, splits = divide(tmp_path / "set")
    assert splits.metadata.grouping.blocks == "name"
    for split in (splits.train, splits.val, data.test):
        assert set(np.unique(split.labels[:])) == {0, 1, 2}


def test_a_test_split_of_the_same_scene_is_kept(tmp_path: Path) -> None:
    camera(tmp_path / "set", count=12, name="train/{label}/{number}.png")
    camera(tmp_path / "set", count=3, name="test/{label}/{number}.png")
    data, splits = divide(tmp_path / "set")
    assert (len(splits.train), len(splits.val), len(data.test)) == (22, 2, 6)
    assert not splits.metadata.excluded_train


def test_copies_of_the_training_images_are_no_test_split(tmp_path: Path) -> None:
    for number in range(8):
        for split in ("train", "test"):
            save(tmp_path / "set" / split / "ab"[number % 2] / f"{number}.png", frame(number, number, broken=False))
    with pytest.raises(SeamlineError, match=r"no images are left .* add unrelated images"):
        divide(tmp_path / "set")


def test_defined_splits_of_one_scene_are_kept(tmp_path: Path) -> None:
    for split, count in (("train", 8), ("val", 3), ("test", 3)):
        camera(tmp_path / "set", count=count, name=f"{split}/{{label}}/{{number}}.png")
    data, splits = divide(tmp_path / "set")
    assert (len(splits.train), len(splits.val), len(data.test)) == (16, 6, 6)
    assert splits.metadata.grouping.shared == ("val", "test")


def test_a_test_split_of_another_scene_is_independent(tmp_path: Path) -> None:
    camera(tmp_path / "set", count=12, name="train/{label}/{number}.png")
    camera(tmp_path / "set", count=5, seed=7, name="test/{label}/{number}.png")
    _, splits = divide(tmp_path / "set")
    assert splits.metadata.grouping.shared == ("val",)
    assert splits.metadata.nearest is not None
    assert splits.metadata.nearest.split == "val"
    assert "validation metrics are optimistic" in grouping_warnings(splits.metadata)[0]


def cameras(folder: Path) -> Path:
    for seed in range(3):
        camera(folder, count=6, seed=seed, name=f"{{label}}/site{seed}/{{number}}.png")
    return folder


@pytest.mark.parametrize("by", ["folder", r"site(\d)", "Folder"])
def test_named_groups_stay_together_across_classes(tmp_path: Path, by: str) -> None:
    data, splits = divide(cameras(tmp_path / "set"), by)
    sites = [{name.split("/")[1] for name in split.names} for split in (splits.train, splits.val, data.test)]
    assert [len(names) for names in sites] == [1, 1, 1]
    assert set.union(*sites) == {"site0", "site1", "site2"}
    assert splits.metadata.grouping.by == by
    assert splits.metadata.grouping.near_duplicates
    assert not grouping_warnings(splits.metadata)


def table(folder: Path, column: str = "patient", values: tuple[str, ...] = ("p0", "p1", "p2", "p3")) -> Path:
    """Save a table of 16 images that are not related, four for each value of a column."""
    rows = [f"file,label,{column}"]
    for number in range(16):
        save(folder / f"{number}.png", frame(number, number, broken=number % 2 == 0))
        rows.append(f"{number}.png,{'ab'[number % 2]},{values[number // 4]}")
    (folder / "table.csv").write_text("\n".join(rows))
    return folder


def test_a_column_groups_images(tmp_path: Path) -> None:
    data, splits = divide(table(tmp_path / "set"), "patient")
    members = [{int(Path(name).stem) // 4 for name in split.names} for split in (splits.train, splits.val, data.test)]
    assert sorted(map(len, members)) == [1, 1, 2]
    assert set.union(*members) == {0, 1, 2, 3}


def test_named_groups_are_used_alone_where_near_duplicates_link_all(tmp_path: Path) -> None:
    data, splits = divide(camera(tmp_path / "set", count=20), r"(\d)\d?\.png")
    grouping = splits.metadata.grouping
    assert (grouping.near_duplicates, grouping.near_duplicates_searched, grouping.blocks) == (False, True, None)
    digits = [{Path(name).stem[0] for name in split.names} for split in (splits.train, splits.val, data.test)]
    assert not digits[0] & digits[1] | digits[0] & digits[2] | digits[1] & digits[2]
    assert "they link nearly all images" in grouping_warnings(splits.metadata)[0]


def test_near_duplicates_can_be_left_out(tmp_path: Path) -> None:
    data, splits = divide(camera(tmp_path / "set"), near_duplicates=False)
    assert len(set(data.groups)) == 30
    assert splits.metadata.grouping.blocks is None
    assert "--no-near-duplicates" in grouping_warnings(splits.metadata)[0]


def test_images_without_a_group_are_counted(tmp_path: Path) -> None:
    folder = table(tmp_path / "set", values=("p0", "p1", "", "p3"))
    _, splits = divide(folder, "patient")
    assert splits.metadata.grouping.ungrouped == 4
    assert grouping_warnings(splits.metadata) == (
        "--groups patient: 4 images have no group; each counts as a group of its own",
    )


@pytest.mark.parametrize(
    ("by", "message"),
    [
        ("patent", r"--groups patent: is no column; the columns are file, label, patient; name a column"),
        (r"x(\d+)", r"gives no image a group; correct it, images have names such as 0.png and 9.png"),
        (r"\.(png)", r"all 16 images are in one group, 'png'; name what divides images such as 0.png and 9.png"),
        ("folder", r"all 16 images are in the folders of their classes; name what divides images"),
        (r"(\d)(\d)", r"has 2 captures; the columns are"),
        (r"(\d", r"is not a regular expression"),
    ],
)
def test_groups_that_do_not_fit_are_one_line(tmp_path: Path, by: str, message: str) -> None:
    folder = table(tmp_path / "set")
    with pytest.raises(SeamlineError, match=message):
        divide(folder, by)


def test_two_groups_are_too_few(tmp_path: Path) -> None:
    folder = table(tmp_path / "set", values=("p0", "p0", "p1", "p1"))
    with pytest.raises(SeamlineError, match="--groups patient: gives 2 groups, too few for training, validation"):
        divide(folder, "patient")


def test_one_image_a_class_names_the_cure(tmp_path: Path) -> None:
    for number, label in enumerate("abc"):
        save(tmp_path / "set" / label / "x.png", frame(number, number, broken=False))
    with pytest.raises(SeamlineError, match=r"3 images are too few .*; add images until each class has three or more"):
        divide(tmp_path / "set")


def test_the_same_choice_gives_the_same_data(tmp_path: Path) -> None:
    folder = cameras(tmp_path / "set")
    first, again, other = (divide(folder, by)[0].fingerprint for by in ("folder", "folder", r"(\d)\.png"))
    assert first == again != other


def test_groups_of_a_dataset_are_joined_with_named_ones(tmp_path: Path) -> None:
    data = replace(load_folder(cameras(tmp_path / "set"), inner_groups=True), has_groups=True)
    grouped = detect_groups(data, QUIET, Grouping("folder"))
    assert len(set(grouped.groups)) == 3
