"""Image folders of every layout, and the messages for invalid ones."""

import json
import os
import unicodedata
from collections.abc import Callable
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import seamline
from helpers import refusal
from image_files import write_photos
from seamline.data.dataset import IGNORE_INDEX
from seamline.data.image_folder import detect_format, load_folder
from seamline.data.image_folder.detect_format import FORMATS, Format
from seamline.data.image_folder.file_tree import FileTree
from seamline.data.image_folder.polygons import rasterize
from seamline.data.image_folder.records import FolderContents, Polygon
from seamline.data.image_folder.resize_policy import pick_image_size
from seamline.data.near_duplicates.report import assign_groups
from seamline.data.splits import ensure_test_split, train_val_split
from seamline.errors import SeamlineError

Maker = Callable[..., Path]


@pytest.fixture
def photo(tmp_path: Path) -> Maker:
    """Writes a photo of one brightness, or of two halves."""

    def make(name: str, left: int = 50, right: int | None = None, *, size: tuple[int, int] = (32, 32)) -> Path:
        file = tmp_path / "set" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        pixels = np.full((*size, 3), left, np.uint8)
        pixels[:, size[1] // 2 :] = left if right is None else right
        pixels[..., 2] //= 2  # not gray
        Image.fromarray(pixels).save(file)
        return file

    return make


@pytest.fixture
def mask(tmp_path: Path) -> Maker:
    """Writes a mask of two halves: numbers, or colors."""

    def make(name: str, left: Any = 0, right: Any = 1, *, size: tuple[int, int] = (32, 32)) -> Path:
        file = tmp_path / "set" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        wide = (*size, 3) if isinstance(left, tuple) else size
        values = np.zeros(wide, np.uint8)
        values[:, : size[1] // 2], values[:, size[1] // 2 :] = left, right
        Image.fromarray(values).save(file)
        return file

    return make


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "set"


def test_class_folders_without_splits(folder: Path, photo: Maker) -> None:
    for number in range(3):
        photo(f"dark/{number}.png", 20)
        photo(f"bright/{number}.png", 200)
    data = load_folder(folder)
    assert (data.name, data.classes, data.task, data.has_groups, data.val) == (
        "set",
        ("bright", "dark"),
        "classification",
        False,
        None,
    )
    assert data.train.names == (
        "bright/0.png",
        "bright/1.png",
        "bright/2.png",
        "dark/0.png",
        "dark/1.png",
        "dark/2.png",
    )
    assert data.train.labels.tolist() == [0, 0, 0, 1, 1, 1]
    assert data.train.images[:, 0, 0, 0].tolist() == [200] * 3 + [20] * 3
    assert len(data.test) == 0
    assert "all images are 32 x 32" in data.description


def test_splits_are_matched_by_name_whatever_their_order(folder: Path, photo: Maker) -> None:
    for number in range(4):
        photo(f"train/a/{number}.png", 20)
        photo(f"train/b/{number}.png", 200)
    photo("valid/b/0.png", 200)  # a split that lacks a class, and whose first class is not the first
    photo("test/b/0.png", 200)
    data = load_folder(folder)
    assert data.val is not None
    assert (data.val.labels.tolist(), data.test.labels.tolist()) == ([1], [1])
    photo("test/c/0.png", 90)
    with pytest.raises(SeamlineError, match="the class c is in test but not in train; add images to train"):
        load_folder(folder)


def test_class_order_can_be_declared(folder: Path, photo: Maker) -> None:
    for name in ("1", "2", "10"):
        photo(f"{name}/a.png")
    assert load_folder(folder).classes == ("1", "2", "10")
    (folder / "classes.txt").write_text("10\n2\n1\n", encoding="utf-8")
    data = load_folder(folder)
    assert (data.classes, data.train.labels.tolist()) == (("10", "2", "1"), [2, 0, 1])
    (folder / "classes.txt").write_text("10\n2\n", encoding="utf-8")
    with pytest.raises(SeamlineError, match="the class 1 is used but not declared"):
        load_folder(folder)
    (folder / "classes.json").write_text("[]", encoding="utf-8")
    with pytest.raises(SeamlineError, match=r"has both classes\.txt and classes\.json; keep one"):
        load_folder(folder)


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_csv_table(folder: Path, photo: Maker, separator: str) -> None:
    for name in ("x/one.png", "two.png", "images/three.png"):
        photo(name)
    rows = [
        ("Filename", "Class", "Split"),
        ("x/one.png", "cat", "train"),
        ("two", "dog", "train"),
        ("three.png", "dog", "test"),
    ]
    (folder / "labels.csv").write_text("\n".join(separator.join(row) for row in rows), encoding="utf-8-sig")
    for place in (folder, folder / "labels.csv"):
        data = load_folder(place)
        assert data.classes == ("cat", "dog")
        assert (data.train.labels.tolist(), data.test.labels.tolist()) == ([1, 0], [1])
    assert data.train.names == ("two", "x/one.png")


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("file,label\nmissing.png,cat", "line 2 names missing.png, which is not in"),
        ("file,label\none.png,", "line 2 has no label"),
        ("file,label,split\none.png,a,later", "line 2 names the split 'later'; use train, val or test"),
        ("file,label\none.png,a\none.png,b", "gives one.png two labels, a and b"),
        ("file,label\none.png,a\none.png,a", "lists some files more than once"),
        ('file,label\none.png,"a', "is not valid CSV"),
        ("file,label\none.png,a", "contains only one class, a; two or more are needed"),
        ("a,b\n1,2", "has no supported layout"),
    ],
)
def test_invalid_tables_are_refused(folder: Path, photo: Maker, rows: str, message: str) -> None:
    photo("one.png")
    (folder / "table.csv").write_text(rows, encoding="utf-8")
    with pytest.raises(SeamlineError, match=message):
        load_folder(folder)


def test_images_and_masks_in_two_folders(folder: Path, photo: Maker, mask: Maker) -> None:
    for number in range(3):
        photo(f"images/train/{number}.jpg", 20, 200)
        mask(f"masks/train/{number}_mask.png", 0, 2)
    photo("images/val/9.jpg", 20, 200)
    mask("masks/val/9.png", 2, 255)
    (folder / "classes.txt").write_text("wall\ndoor\nwindow", encoding="utf-8")
    data = load_folder(folder)
    assert data.classes == ("wall", "door", "window")
    assert len(set(data.palette)) == 3
    assert data.train.labels[0, 0, [0, 31]].tolist() == [0, 2]
    assert data.val is not None
    assert data.val.labels[0, 0, [0, 31]].tolist() == [2, IGNORE_INDEX]
    photo("images/train/7.jpg")
    with pytest.raises(SeamlineError, match=r"images/train/7\.jpg: has no mask of the same name"):
        load_folder(folder)


def test_binary_masks_and_undeclared_values(folder: Path, photo: Maker, mask: Maker) -> None:
    for number in range(2):
        photo(f"{number}.jpg")
        mask(f"{number}.png", 0, 255)
    data = load_folder(folder)
    assert (data.classes, sorted(np.unique(data.train.labels))) == (("background", "foreground"), [0, 1])
    for number in range(2):
        mask(f"{number}.png", 3, 7)
    data = load_folder(folder)
    assert (data.classes, data.train.labels[0, 0, [0, 31]].tolist()) == (("class 3", "class 7"), [0, 1])
    mask("1.png", 3, 3, size=(30, 32))
    with pytest.raises(SeamlineError, match=r"1\.png: is 32 x 30 pixels, but its image 1\.jpg is 32 x 32"):
        load_folder(folder)


def test_color_masks(folder: Path, photo: Maker, mask: Maker) -> None:
    photo("a.jpg")
    mask("a.png", (0, 0, 0), (255, 128, 0))
    data = load_folder(folder)
    assert (data.classes, data.palette) == (("#000000", "#ff8000"), ((0, 0, 0), (255, 128, 0)))
    (folder / "classes.json").write_text(json.dumps({"tile": "#ff8000", "wall": [0, 0, 0]}), encoding="utf-8")
    data = load_folder(folder)
    assert (data.classes, data.train.labels[0, 0, [0, 31]].tolist()) == (("tile", "wall"), [1, 0])
    (folder / "classes.json").write_text(json.dumps({"tile": "#ff8000", "wall": [9, 9, 9]}), encoding="utf-8")
    with pytest.raises(SeamlineError, match=r"masks contain 1 undeclared colors \(#000000\), first in .*a\.png;"):
        load_folder(folder)
    noise = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    Image.fromarray(noise).save(folder / "a.png")
    (folder / "classes.json").unlink()
    with pytest.raises(SeamlineError, match="masks contain more than 200 different colors"):
        load_folder(folder)


def coco(folder: Path, split: str, names: list[str], outline: Any) -> None:
    content = {
        "images": [{"id": 10 + place, "file_name": name} for place, name in enumerate(names)],
        "categories": [{"id": 4, "name": "window"}, {"id": 2, "name": "door"}],
        "annotations": [{"id": 1, "image_id": 10, "category_id": 4, "segmentation": outline}],
    }
    (folder / f"instances_{split}.json").write_text(json.dumps(content), encoding="utf-8")


def test_coco_polygons(folder: Path, photo: Maker) -> None:
    photo("images/a.jpg")
    photo("images/b.jpg")
    coco(folder, "train", ["a.jpg"], [[8, 8, 24, 8, 24, 16, 8, 16]])
    coco(folder, "val", ["b.jpg"], [[0, 0, 4, 0, 4, 4, 0, 4]])
    data = load_folder(folder)
    assert data.classes == ("background", "window")
    assert int((data.train.labels == 1).sum()) == 16 * 8
    assert data.val is not None
    assert data.val.names == ("images/b.jpg",)
    coco(folder, "val", ["b.jpg"], {"counts": [1, 2], "size": [32, 32]})
    with pytest.raises(SeamlineError, match="the runs of a mask cover 3 pixels, not 32 x 32"):
        load_folder(folder)
    coco(folder, "val", ["b.jpg"], {"counts": [32 * 30, 64], "size": [32, 32]})
    data = load_folder(folder)
    assert data.val is not None
    assert data.val.labels[0].sum(0).tolist() == [0] * 30 + [32] * 2
    coco(folder, "val", ["b.jpg"], {"counts": [4, 60], "size": [8, 8]})
    with pytest.raises(
        SeamlineError,
        match=r"such as images/b\.jpg, 32 x 32 instead of 8 x 8",
    ):
        load_folder(folder)
    photo("../outside.jpg")
    coco(folder, "val", ["../outside.jpg"], [[0, 0, 4, 0, 4, 4]])
    with pytest.raises(SeamlineError, match=r"outside\.jpg: is not inside .*; put images and labels into one folder"):
        load_folder(folder)
    coco(folder, "val", ["b.jpg"], [[0, 0, 4, 0, 4]])
    with pytest.raises(SeamlineError, match="is COCO JSON with an invalid part"):
        load_folder(folder)
    (folder / "instances_val.json").write_text("{", encoding="utf-8")
    with pytest.raises(SeamlineError, match="is not valid JSON"):
        load_folder(folder)


def test_an_image_that_two_files_describe_is_refused(folder: Path, photo: Maker) -> None:
    photo("images/a.jpg")
    for split in ("train", "val"):
        coco(folder, split, ["a.jpg"], [[0, 0, 4, 0, 4, 4, 0, 4]])
    message = f"{folder}: lists some files more than once (images/a.jpg); list each once"
    assert refusal(lambda: detect_format(folder)) == message
    for split in ("train", "val"):
        (folder / f"instances_{split}.json").unlink()
        labelme = {"imagePath": "a.jpg", "shapes": []}
        (folder / "images" / f"{split}.json").write_text(json.dumps(labelme), encoding="utf-8")
    assert refusal(lambda: detect_format(folder)) == message


def test_the_supported_layouts_are_those_of_the_table(
    folder: Path, photo: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    def parse(tree: FileTree) -> FolderContents:
        return FolderContents(tree.folder, "folders of folders", [tree.sample(file, label="x") for file in tree.images])

    photo("val/a.jpg")
    assert "supported layouts are" in refusal(lambda: detect_format(folder))
    row = Format("images that are all called x", parse)
    monkeypatch.setitem(detect_format.__globals__, "FORMATS", (*FORMATS, row))
    (sample,) = detect_format(folder).samples
    assert (sample.name, sample.label, sample.split) == ("val/a.jpg", "x", "val")
    (folder / "val" / "a.jpg").unlink()
    message = refusal(lambda: detect_format(folder))
    assert "supported layouts are images that are all called x, folders named by class" in message


def test_labelme_polygons(folder: Path, photo: Maker) -> None:
    shapes = [
        {"label": "door", "shape_type": "rectangle", "points": [[2, 4], [10, 20]]},
        {"label": "wheel", "shape_type": "circle", "points": [[20, 20], [20, 26]]},
        {"label": "door", "shape_type": "point", "points": [[1, 1]]},
    ]
    for number in range(2):
        photo(f"{number}.jpg")
        content = {"imagePath": f"{number}.jpg", "shapes": shapes, "imageData": None}
        (folder / f"{number}.json").write_text(json.dumps(content), encoding="utf-8")
    data = load_folder(folder)
    assert data.classes == ("background", "door", "wheel")
    assert int((data.train.labels[0] == 1).sum()) == 8 * 16
    assert int((data.train.labels[0] == 2).sum()) == pytest.approx(np.pi * 36, rel=0.06)
    (entry,) = data.unused
    assert (entry.what, entry.count, entry.reason) == ("shapes of type point", 2, "they cover no area")
    (folder / "1.jpg").unlink()
    with pytest.raises(SeamlineError, match=r"1\.json: its image 1\.jpg is not beside it"):
        load_folder(folder)


def test_small_polygons_are_drawn_over_large_ones() -> None:
    def box(label: str, low: float, high: float) -> Polygon:
        return Polygon(label, ((low, low), (high, low), (high, high), (low, high)))

    drawn = rasterize((box("small", 2, 4), box("large", 0, 8)), {"large": 1, "small": 2}, 8, 8)
    assert (drawn[3, 3], drawn[0, 0], int((drawn == 2).sum())) == (2, 1, 4)


def test_mixed_sizes_are_resized(folder: Path, photo: Maker, mask: Maker) -> None:
    photo("a.jpg", 20, 200, size=(40, 80))
    mask("a.png", 0, 1, size=(40, 80))
    photo("b.jpg", 20, 200, size=(60, 60))
    mask("b.png", 0, 1, size=(60, 60))
    data = load_folder(folder, size="64x32")  # width x height
    assert data.train.images.shape == (2, 32, 64, 3)
    assert sorted(np.unique(data.train.labels)) == [0, 1, IGNORE_INDEX]
    assert (data.train.labels[1][:, 32:] == IGNORE_INDEX).all()  # the square one leaves half of the width
    assert not (data.train.labels[0] == IGNORE_INDEX).any()
    for wrong in ("large", "8", "0x64", "1x2x3"):
        with pytest.raises(SeamlineError, match=f"--image-size {wrong}: must be one number of pixels"):
            load_folder(folder, size=wrong)


def test_automatic_image_size() -> None:
    chosen = pick_image_size([(1000, 3000), (1000, 2000), (3000, 2000)], "segmentation")
    assert (chosen.height, chosen.width) == (128, 256)
    assert "the median size is 2000 x 1000; resized to 256 x 128" in chosen.reason
    assert pick_image_size([(20, 20)] * 3, "classification").height == 28
    assert pick_image_size([(64, 64), (64, 60)], "segmentation").width == 64


def test_photos_get_the_size_of_the_pretrained_encoder() -> None:
    def side(count: int) -> tuple[int, int]:
        chosen = pick_image_size([(320, 427)] * count, "classification", pretrained=True)
        return chosen.height, chosen.width

    assert side(400) == (192, 256)
    assert side(2_001) == (128, 192)
    assert side(10_001) == (96, 160)
    small = pick_image_size([(60, 300)] * 9, "classification", pretrained=True)
    assert small == pick_image_size([(60, 300)] * 9, "classification")
    stay = pick_image_size([(96, 64)] * 9, "classification", pretrained=True)
    assert (stay.height, stay.width, stay.reason) == (96, 64, "all images are 64 x 96")
    long = pick_image_size([(400, 90)] * 9, "classification", pretrained=True)
    assert (long.height, long.width) == (384, 96)


def test_gray_photos_keep_their_size(folder: Path) -> None:
    for name in ("a/1.png", "b/1.png"):
        (folder / name).parent.mkdir(parents=True)
        Image.fromarray(np.full((200, 200), 90, np.uint8)).save(folder / name)
    assert load_folder(folder, pretrained=True).train.images.shape == (2, 128, 128, 1)
    Image.new("RGB", (200, 200), (200, 10, 10)).save(folder / "a/2.png")
    assert load_folder(folder, pretrained=True).train.images.shape == (3, 192, 192, 3)
    assert load_folder(folder).train.images.shape == (3, 128, 128, 3)


def test_gray_images_have_one_channel(folder: Path, tmp_path: Path) -> None:
    for name in ("a/1.png", "b/1.png"):
        (folder / name).parent.mkdir(parents=True)
        Image.fromarray(np.full((32, 32), 90, np.uint8)).save(folder / name)
    assert load_folder(folder).train.images.shape == (2, 32, 32, 1)


def test_unsupported_layouts_are_refused(folder: Path, photo: Maker) -> None:
    photo("lonely.jpg")
    with pytest.raises(
        SeamlineError, match=r"set: has no supported layout \(1 \.jpg\); supported layouts are folders named by class"
    ):
        detect_format(folder)
    (folder / "notes.txt").write_text("x")
    with pytest.raises(SeamlineError, match="is neither a CSV of file and label nor COCO JSON"):
        detect_format(folder / "notes.txt")
    photo("a/1.jpg")
    photo("train/b/1.jpg")
    with pytest.raises(SeamlineError, match=r"some images are in folders of splits and 1 are not, such as a/1\.jpg"):
        load_folder(folder)


def test_damaged_images_are_named_and_circular_links_end(folder: Path, photo: Maker) -> None:
    photo("a/1.jpg")
    photo("b/1.jpg")
    (folder / "a" / "back").symlink_to(folder)
    assert len(load_folder(folder).train) == 2
    (folder / "b" / "2.jpg").write_bytes(b"no image")
    with pytest.raises(SeamlineError, match=r"b/2\.jpg: "):
        load_folder(folder)


def test_no_group_is_in_two_splits(folder: Path, photo: Maker) -> None:
    rng = np.random.default_rng(0)
    for label in ("a", "b"):
        for number in range(12):
            file = photo(f"{label}/{number}.png")
            noise = rng.integers(0, 256, (32, 32, 3), dtype=np.uint8)
            Image.fromarray(noise).save(file)
            if number < 4:
                Image.fromarray(noise).save(file.with_name(f"{number}-again.png"))
    data = ensure_test_split(assign_groups(load_folder(folder)))
    parts = train_val_split(data, fraction=0.2, seed=1)
    groups = [set(part.groups.tolist()) for part in (parts.train, parts.val, data.test)]
    assert all(not one & other for one, other in combinations(groups, 2))
    assert len(data.train) + len(data.test) == 32
    assert len(data.test) in (5, 6, 7)


def test_predefined_validation_images_exclude_related_training_images(folder: Path, photo: Maker) -> None:
    rng = np.random.default_rng(0)
    for split, count in (("train", 10), ("val", 4), ("test", 4)):
        for label in ("a", "b"):
            for number in range(count):
                noise = rng.integers(0, 256, (32, 32, 3), dtype=np.uint8)
                Image.fromarray(noise).save(photo(f"{split}/{label}/{number}.png"))
    for copy in ("train/a/copy.png", "test/a/copy.png"):
        Image.open(folder / "val/a/0.png").save(folder / copy)
    data = assign_groups(load_folder(folder))
    parts = train_val_split(data, fraction=0.2, seed=1)
    assert set(parts.metadata.excluded_train) == {"train/a/copy.png", "val/a/0.png"}
    assert len(parts.val) == 7
    assert len(parts.train) == 20
    assert parts.metadata.predefined


@pytest.mark.usefixtures("no_figure_files")
def test_a_folder_is_trained_on_and_evaluated_again(folder: Path, photo: Maker) -> None:
    rng = np.random.default_rng(0)
    for label, level in (("dark", 60), ("bright", 200)):
        for number in range(30):
            noise = rng.integers(-40, 40, (30, 34, 3)) + level
            Image.fromarray(noise.astype(np.uint8)).save(photo(f"{label}/{number}.png"))
    out = seamline.train(str(folder), out=folder.parent / "run", epochs=8, threads=1).path
    metrics = json.loads((out / "metrics.json").read_text())
    assert metrics["test"]["overall"]["accuracy"]["value"] > 0.9
    described = json.loads((out / "run.json").read_text())
    assert described["command"].startswith(f"seamline train {folder} ")
    (out / "metrics.json").unlink()
    seamline.evaluate(out)
    assert json.loads((out / "metrics.json").read_text()) == metrics
    assert "Own images, class folders" in (out / "report.html").read_text()


@pytest.mark.parametrize("called", ["x" * 400, "a\x00b", "é" * 300])
def test_impossible_file_names_are_refused(folder: Path, photo: Maker, called: str) -> None:
    photo("one.png")
    (folder / "table.csv").write_text(f"file,label\none.png,a\n{called},b", encoding="utf-8")
    assert "line 3 names " in refusal(lambda: detect_format(folder))
    (folder / "table.csv").unlink()
    coco(folder, "train", [called], [[0, 0, 4, 0, 4, 4]])
    assert "which is not in" in refusal(lambda: detect_format(folder))
    (folder / "instances_train.json").unlink()
    (folder / "a.json").write_text(json.dumps({"imagePath": called, "shapes": []}), encoding="utf-8")
    assert "is not beside it" in refusal(lambda: detect_format(folder))


@pytest.mark.parametrize(
    "content",
    [
        '{"a": [0, 0, 0], "b": [Infinity, 0, 0]}',
        "[" * 20_000,
        '["a", "\\ud800"]',
        '{"a": 1e400, "b": null}',
        "[[[]], 3",
    ],
)
def test_invalid_declared_classes_are_refused(folder: Path, photo: Maker, mask: Maker, content: str) -> None:
    photo("images/a.png")
    mask("masks/a.png", 0, 1)
    (folder / "classes.json").write_text(content, encoding="utf-8")
    assert "classes.json: " in refusal(lambda: load_folder(folder))


def test_invalid_polygons_are_refused(folder: Path, photo: Maker) -> None:
    photo("a.jpg")
    for corner in (10**400, float("nan"), 1e300, "x", None):
        coco(folder, "train", ["a.jpg"], [[0, 0, 4, 0, 4, corner]])
        assert "instances_train.json: " in refusal(lambda: detect_format(folder))
    (folder / "instances_train.json").unlink()
    shape = {"label": "half \ud800", "points": [[0, 0], [1, 0], [1, 1]]}
    (folder / "a.json").write_text(json.dumps({"imagePath": "a.jpg", "shapes": [shape]}), encoding="utf-8")
    assert "is not valid Unicode; rename it" in refusal(lambda: detect_format(folder))


def test_a_value_outside_the_classes_names_its_mask(folder: Path, photo: Maker, mask: Maker) -> None:
    for name, high in (("a", 1), ("b", 7)):
        photo(f"images/{name}.png")
        mask(f"masks/{name}.png", 0, high)
    (folder / "classes.txt").write_text("wall\ndoor", encoding="utf-8")
    assert f"{folder}/masks/b.png: contains the value 7, but the 2 declared classes" in refusal(
        lambda: load_folder(folder)
    )


def test_damaged_metadata_in_the_cache_is_computed_again(
    folder: Path, photo: Maker, mask: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEAMLINE_CACHE", str(folder.parent / "cache"))
    photo("images/a.png")
    mask("masks/a.png", 0, 1)
    whole = load_folder(folder)
    (metadata,) = (folder.parent / "cache").rglob("metadata.json")
    for wrong in ("{", "[]", '{"classes": 3, "sizes": []}', metadata.read_text().replace("32", '"wide"'), "[" * 20_000):
        metadata.write_text(wrong)
        assert load_folder(folder).classes == whole.classes


def test_broken_links_and_pipes_are_refused(folder: Path, photo: Maker) -> None:
    photo("a/1.jpg")
    photo("b/1.jpg")
    (folder / "notes").symlink_to("nowhere")  # no image, no matter
    assert len(detect_format(folder).samples) == 2
    (folder / "b" / "2.jpg").symlink_to("nowhere.jpg")
    assert "b/2.jpg: is a link to a file that does not exist" in refusal(lambda: detect_format(folder))
    (folder / "b" / "2.jpg").unlink()
    os.mkfifo(folder / "b" / "2.jpg")
    assert "b/2.jpg: is a pipe" in refusal(lambda: detect_format(folder))
    assert "2.jpg: is neither a folder nor a file" in refusal(lambda: detect_format(folder / "b" / "2.jpg"))
    assert "nowhere: is neither a folder nor a file" in refusal(lambda: detect_format(folder / "nowhere"))


def test_a_decomposed_folder_of_a_class_is_no_folder_of_a_group(tmp_path: Path) -> None:
    decomposed = unicodedata.normalize("NFD", "Käfer")
    write_photos(tmp_path, f"{decomposed}/pond/1.png", "fly/pond/2.png")
    assert {record.folder for record in load_folder(tmp_path).records.values()} == {"pond"}
