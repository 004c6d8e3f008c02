"""Cityscapes pairs: numbers of labelIds or labelTrainIds."""

from pathlib import Path

import pytest

from helpers import refusal
from image_files import write_mask, write_photos
from seamline.data.dataset import IGNORE_INDEX
from seamline.data.image_folder import detect_format, load_folder

FRAMES = ("train/aachen/aachen_000000_000019", "train/bochum/bochum_000000_000313", "val/ulm/ulm_000000_000019")


def cityscapes(folder: Path, form: str, left: int, right: int, images: str = "leftImg8bit") -> None:
    for frame in FRAMES:
        write_photos(folder, f"{images}/{frame}_leftImg8bit.png")
        write_mask(folder / f"gtFine/{frame}_gtFine_{form}.png", left, right)


@pytest.mark.parametrize("wrapper", ["", "cityscapes"])
def test_label_ids(tmp_path: Path, wrapper: str) -> None:
    cityscapes(tmp_path / wrapper, "labelIds", 26, 4)
    cityscapes(tmp_path / wrapper, "color", 1, 2)
    cityscapes(tmp_path / wrapper, "instanceIds", 1, 2)
    data = load_folder(tmp_path)
    assert (len(data.classes), data.classes[0], data.classes[13], data.palette[13]) == (19, "road", "car", (0, 0, 142))
    assert data.train.labels[:, 0, [0, 31]].tolist() == [[13, IGNORE_INDEX]] * 2
    assert data.val is not None
    assert len(data.val) == 1
    assert "masks of labelIds, the 19 evaluated classes of Cityscapes" in data.description
    entry, _ = data.unused  # the other one counts ignored pixels
    assert (entry.count, entry.what) == (6, "masks in other forms (6 .png)")


def test_train_ids_are_preferred(tmp_path: Path) -> None:
    cityscapes(tmp_path, "labelIds", 26, 4)
    cityscapes(tmp_path, "labelTrainIds", 13, 255)
    data = load_folder(tmp_path)
    assert "masks of labelTrainIds" in data.description
    assert data.train.labels[:, 0, [0, 31]].tolist() == [[13, IGNORE_INDEX]] * 2


def test_other_classes_are_named_by_label_colors(tmp_path: Path) -> None:
    cityscapes(tmp_path, "labelIds", 0, 2, images="imgsFine/leftImg8bit")
    colors = "# red green blue name\n0 0 0 background\n9 9 9\twall\n1 2 3 a door\n"
    (tmp_path / "label_colors.txt").write_text(colors, encoding="utf-8")
    data = load_folder(tmp_path)
    assert data.classes == ("background", "wall", "a door")
    assert data.train.labels[0, 0, [0, 31]].tolist() == [0, 2]


@pytest.mark.parametrize("line", ["9 9 wall", "wall", "9 9 256 wall"])
def test_lines_that_are_no_colors_with_names_are_refused(tmp_path: Path, line: str) -> None:
    cityscapes(tmp_path, "labelIds", 0, 1)
    (tmp_path / "label_colors.txt").write_text(f"0 0 0 background\n{line}\n", encoding="utf-8")
    assert "label_colors.txt: line 2 is not red, green, blue and a name" in refusal(lambda: detect_format(tmp_path))


def test_other_numbers_are_refused(tmp_path: Path) -> None:
    cityscapes(tmp_path, "labelIds", 0, 1)
    assert "labelIds.png: contains none of the classes of the 19 evaluated classes" in refusal(
        lambda: load_folder(tmp_path)
    )
    cityscapes(tmp_path, "labelIds", 7, 90)
    assert "labelIds.png: contains 90, which the 19 evaluated classes" in refusal(lambda: load_folder(tmp_path))


def test_incomplete_pairs_are_refused_or_counted(tmp_path: Path) -> None:
    cityscapes(tmp_path, "color", 0, 1)
    assert "color.png: is a mask of colors or objects of Cityscapes" in refusal(lambda: detect_format(tmp_path))
    cityscapes(tmp_path, "labelIds", 7, 8)
    (tmp_path / f"gtFine/{FRAMES[0]}_gtFine_labelIds.png").unlink()
    unlabeled, _ = detect_format(tmp_path).unused
    assert (unlabeled.count, unlabeled.example) == (1, f"leftImg8bit/{FRAMES[0]}_leftImg8bit.png")
    (tmp_path / f"leftImg8bit/{FRAMES[1]}_leftImg8bit.png").unlink()
    assert "is a mask without its image *_leftImg8bit; add the image" in refusal(lambda: detect_format(tmp_path))
