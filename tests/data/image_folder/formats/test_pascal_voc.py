"""Pascal VOC segmentation, as CVAT and other tools export it."""

from pathlib import Path
from typing import Any

import pytest

from helpers import refusal
from image_files import write_mask, write_photos
from seamline.data.dataset import IGNORE_INDEX
from seamline.data.image_folder import detect_format, load_folder

LABELMAP = "# label:color_rgb:parts:actions\nbackground:0,0,0::\nwall:10,20,30::\ndoor:250,50,83::\n"


def voc(folder: Path, *names: str, left: Any = (0, 0, 0), right: Any = (250, 50, 83), palette: Any = None) -> None:
    """Write images and masks of two halves, and a mask per object."""
    for name in names:
        write_photos(folder, f"JPEGImages/{name}.jpg")
        write_mask(folder / f"SegmentationClass/{name}.png", left, right, palette=palette)
        write_mask(folder / f"SegmentationObject/{name}.png", 0, 9)


@pytest.mark.parametrize("nested", ["", "VOCdevkit/VOC2012"])
def test_colors_are_classes_by_the_labelmap(tmp_path: Path, nested: str) -> None:
    voc(tmp_path / nested, "a", "b", "c/d")
    write_mask(tmp_path / nested / "SegmentationClass/b.png", (255, 255, 255), (10, 20, 30))
    (tmp_path / nested / "labelmap.txt").write_text(LABELMAP, encoding="utf-8")
    data = load_folder(tmp_path)
    assert (data.classes, data.palette) == (("background", "wall", "door"), ((0, 0, 0), (10, 20, 30), (250, 50, 83)))
    halves = data.train.labels[:, 0, [0, 31]].tolist()
    assert halves == [[0, 2], [IGNORE_INDEX, 1], [0, 2]]
    entry, _ = data.unused  # the other one counts ignored pixels
    assert (entry.count, entry.what) == (3, "masks in other forms (3 .png)")


def test_colors_of_palettes_count_not_their_indices(tmp_path: Path) -> None:
    voc(tmp_path, "a", left=0, right=1, palette=[(250, 50, 83), (0, 0, 0)])
    voc(tmp_path, "b", left=0, right=1, palette=[(0, 0, 0), (224, 224, 192)])
    (tmp_path / "labelmap.txt").write_text(LABELMAP, encoding="utf-8")
    assert load_folder(tmp_path).train.labels[:, 0, [0, 31]].tolist() == [[2, 0], [0, IGNORE_INDEX]]


def test_numbers_follow_the_order_of_the_names(tmp_path: Path) -> None:
    voc(tmp_path, "a", left=1, right=2)
    voc(tmp_path, "b", left=0, right=255)
    (tmp_path / "labelmap.txt").write_text(LABELMAP, encoding="utf-8")
    assert load_folder(tmp_path).train.labels[:, 0, [0, 31]].tolist() == [[1, 2], [0, IGNORE_INDEX]]
    (tmp_path / "labelmap.txt").unlink()
    assert load_folder(tmp_path).classes == ("class 0", "class 1", "class 2")
    (tmp_path / "class_names.txt").write_text("__ignore__\n_background_\nwall\ndoor\n", encoding="utf-8")
    data = load_folder(tmp_path)
    assert data.classes == ("background", "wall", "door")
    assert data.train.labels[:, 0, [0, 31]].tolist() == [[1, 2], [0, IGNORE_INDEX]]


def test_the_challenge_has_21_classes(tmp_path: Path) -> None:
    voc(tmp_path / "VOC2012", "a", left=15, right=255)
    data = load_folder(tmp_path)
    assert (len(data.classes), data.classes[15]) == (21, "person")
    assert data.train.labels[0, 0, [0, 31]].tolist() == [15, IGNORE_INDEX]


def test_lists_define_splits(tmp_path: Path) -> None:
    voc(tmp_path, "a", "b", "c")
    write_photos(tmp_path, "JPEGImages/without.jpg")
    lists = tmp_path / "ImageSets" / "Segmentation"
    lists.mkdir(parents=True)
    for name, lines in (("train", "a\nb"), ("val", "c\n"), ("trainval", "a\nb\nc\n"), ("default", "a")):
        (lists / f"{name}.txt").write_text(lines, encoding="utf-8")
    contents = detect_format(tmp_path)
    assert [(sample.file.stem, sample.split) for sample in contents.samples] == [
        ("a", "train"),
        ("b", "train"),
        ("c", "val"),
    ]
    assert [(entry.count, entry.example) for entry in contents.unused] == [
        (1, "JPEGImages/without.jpg"),
        (3, "SegmentationObject/a.png"),
    ]
    (lists / "val.txt").write_text("a", encoding="utf-8")
    assert "val.txt: lists a, which is also in train; keep it in one list" in refusal(lambda: detect_format(tmp_path))


@pytest.mark.parametrize(
    ("labelmap", "message"),
    [
        ("background:0,0,0::\nwall 1 2 3", "line 2 is not name:red,green,blue"),
        ("background:0,0,0::\nwall:1,2,256::", "line 2 is not name:red,green,blue"),
        ("background:0,0,0::\nwall:0,0,0::", "line 2 repeats a name or a color"),
        ("background:0,0,0::", "names 1 classes; name two or more"),
        ("background:0,0,0::\nwall:1,2,3::", "a.png: contains #fa3253, which labelmap.txt does not define"),
    ],
)
def test_invalid_labelmaps_are_refused(tmp_path: Path, labelmap: str, message: str) -> None:
    voc(tmp_path, "a")
    (tmp_path / "labelmap.txt").write_text(labelmap, encoding="utf-8")
    assert message in refusal(lambda: load_folder(tmp_path))


def test_a_mask_without_an_image_is_refused(tmp_path: Path) -> None:
    voc(tmp_path, "a", "b")
    (tmp_path / "JPEGImages" / "a.jpg").unlink()
    assert "SegmentationClass/a.png: is a mask without an image of the same name" in refusal(
        lambda: detect_format(tmp_path)
    )


def test_labelmaps_that_differ_are_refused(tmp_path: Path) -> None:
    for split in ("train", "val"):
        voc(tmp_path / split, "a")
        (tmp_path / split / "labelmap.txt").write_text(LABELMAP, encoding="utf-8")
    assert {sample.split for sample in detect_format(tmp_path).samples} == {"train", "val"}
    (tmp_path / "val" / "labelmap.txt").write_text(LABELMAP.replace("wall", "gate"), encoding="utf-8")
    assert "val/labelmap.txt: defines other classes than" in refusal(lambda: detect_format(tmp_path))
