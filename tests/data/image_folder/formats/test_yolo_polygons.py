"""YOLO segmentation: polygons in text files."""

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from helpers import refusal
from image_files import write_photos
from seamline.data.image_folder import detect_format, load_folder
from seamline.errors import SeamlineError

QUARTER = "1 0 0 0.5 0 0.5 0.5 0 0.5\n"  # the upper left quarter
BOX = "0 0.5 0.5 0.1 0.1\n"


def yolo(folder: Path, image: str, label: str, *names: str, text: str = QUARTER) -> None:
    for name in names:
        write_photos(folder, image.format(name), size=(20, 40))
        file = folder / label.format(name)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")


@pytest.mark.parametrize(
    ("image", "label"),
    [
        ("images/{}.jpg", "labels/{}.txt"),
        ("images/train/{}.jpg", "labels/train/{}.txt"),
        ("train/images/{}.jpg", "train/labels/{}.txt"),
        ("{}.png", "{}.txt"),
        ("set/obj_train_data/{}.png", "set/obj_train_data/{}.txt"),
    ],
)
def test_polygons_are_drawn_in_pixels(tmp_path: Path, image: str, label: str) -> None:
    yolo(tmp_path, image, label, "a", "b")
    (tmp_path / "data.yaml").write_text("nc: 2\nnames: ['cup', \"big plate\"]\n", encoding="utf-8")
    write_photos(tmp_path, image.format("without"), size=(20, 40))
    data = load_folder(tmp_path, size="40x20")
    assert data.classes == ("background", "big plate")
    assert data.train.labels[0].sum() == 10 * 20
    assert data.train.labels[0][:10, :20].all()
    assert [(entry.count, entry.what) for entry in data.unused] == [(1, f"image without a label (1 {image[-4:]})")]


@pytest.mark.parametrize(
    "names",
    [
        "names: [cup, plate]",
        "names:\n- cup\n- plate\nnc: 2",
        "names:\n  - cup\n  - 'plate'\n",
        "names:  # classes\n  0: cup\n  1: plate\n\ntrain: x",
        "path: .\nnames: {0: cup, 1: plate}",
        "names: ['cup',\n  'plate']",
    ],
)
def test_names_of_classes_in_yaml(tmp_path: Path, names: str) -> None:
    yolo(tmp_path, "images/{}.png", "labels/{}.txt", "a", "b")
    (tmp_path / "data.yaml").write_text(names, encoding="utf-8")
    assert detect_format(tmp_path).classes == ("cup", "plate")


def test_classes_without_names_and_images_of_background(tmp_path: Path) -> None:
    yolo(tmp_path, "images/{}.png", "labels/{}.txt", "a")
    yolo(tmp_path, "images/{}.png", "labels/{}.txt", "b", text="")
    contents = detect_format(tmp_path)
    assert [len(sample.polygons or ()) for sample in contents.samples] == [1, 0]
    assert "no data.yaml or classes.txt names the classes" in contents.warnings[0]
    (tmp_path / "labels" / "classes.txt").write_text("cup\nplate\n", encoding="utf-8")
    assert detect_format(tmp_path).classes == ("cup", "plate")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (BOX, "a.txt: has boxes and no polygons"),
        ("7 0 0 0.5 0 0.5 0.5", "a.txt: contains the class 7, which has no name"),
        ("1 0 0 50 0 50 50", "a coordinate is not between 0 and 1"),
        ("1 0 0 0.5 0 0.5 0.5 0.1", "a polygon has 7 coordinates"),
    ],
)
def test_invalid_files_are_refused(tmp_path: Path, text: str, message: str) -> None:
    yolo(tmp_path, "images/{}.png", "labels/{}.txt", "a", text=text)
    (tmp_path / "data.yaml").write_text("names: [cup, plate]", encoding="utf-8")
    assert message in refusal(lambda: detect_format(tmp_path))


def test_a_line_without_corners_is_refused_where_other_files_have_polygons(tmp_path: Path) -> None:
    yolo(tmp_path, "images/{}.png", "labels/{}.txt", "a")
    yolo(tmp_path, "images/{}.png", "labels/{}.txt", "b", text="1 0 0 0,5 0 0,5 0,5")
    assert "b.txt: the line '1 0 0 0,5 0 0,5 0,5' is not a class number" in refusal(lambda: detect_format(tmp_path))


def test_notes_of_any_encoding_beside_classified_images(tmp_path: Path) -> None:
    write_photos(tmp_path, "cat/1.png", "dog/2.png")
    (tmp_path / "cat" / "1.txt").write_bytes("Kätzchen".encode("latin-1"))
    assert detect_format(tmp_path).layout == "class folders"


def test_boxes_beside_polygons_are_counted(tmp_path: Path) -> None:
    yolo(tmp_path, "images/{}.png", "labels/{}.txt", "a", "b", text=QUARTER + BOX)
    (entry,) = detect_format(tmp_path).unused
    assert (entry.what, entry.count, entry.fraction) == ("boxes", 2, 0.5)


def splits_of(folder: Path) -> dict[str, str]:
    return {Path(sample.name).stem: sample.split for sample in detect_format(folder).samples}


def test_lists_of_data_yaml_give_the_splits(tmp_path: Path) -> None:
    yolo(tmp_path, "images/{}.png", "labels/{}.txt", "a", "b", "c", "d", "e", "f")
    settings = "path: ../datasets/town\ntrain: 'train.txt'\nval:\n  - lists/val.txt\ntest:  # optional\n"
    (tmp_path / "data.yaml").write_text(f"{settings}names: [cup, plate]\n", encoding="utf-8")
    (tmp_path / "train.txt").write_text(
        "./images/a.png\r\n/home/me/town/images/b.png\n\ndata/images/c.png\n", encoding="utf-8"
    )
    (tmp_path / "lists").mkdir()
    (tmp_path / "lists" / "val.txt").write_text("images\\d.png\nimages/e.png", encoding="utf-8")
    assert splits_of(tmp_path) == {**dict.fromkeys("abc", "train"), **dict.fromkeys("de", "val")}
    (entry,) = detect_format(tmp_path).unused
    assert (entry.what, entry.count, entry.example) == ("image in no split of data.yaml (1 .png)", 1, "images/f.png")
    assert len(load_folder(tmp_path).val or ()) == 2


@pytest.mark.parametrize(
    "settings",
    [
        "train: [images/one, images/two]\nval: images/three",
        "path: /content/town\ntrain:\n- images/one/\n- images/two\nval: /content/town/images/three",
        "path: town\ntrain: [../town/images/one, 'images/two']\nvalidation: images/three\ntest: null",
    ],
)
def test_folders_of_data_yaml_give_the_splits(tmp_path: Path, settings: str) -> None:
    for name in ("one", "two", "three"):
        yolo(tmp_path, f"images/{name}/{{}}.png", f"labels/{name}/{{}}.txt", name)
    (tmp_path / "data.yaml").write_text(f"{settings}\nnames: [cup, plate]\n", encoding="utf-8")
    assert splits_of(tmp_path) == {"one": "train", "two": "train", "three": "val"}


def test_data_yaml_comes_before_the_names_of_folders(tmp_path: Path) -> None:
    for name in ("train", "test", "valid"):
        yolo(tmp_path, f"{name}/images/{{}}.png", f"{name}/labels/{{}}.txt", name)
    settings = "train: ../train/images\nval: ../test/images\nnames: [cup, plate]\n"
    (tmp_path / "data.yaml").write_text(settings, encoding="utf-8")
    assert splits_of(tmp_path) == {"train": "train", "test": "val", "valid": "val"}


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ("train: images\nval: images", "data.yaml: val names the images of train, so it is not used"),
        ("train: images\nval: elsewhere/images", "val names elsewhere/images, which has no images here, so it is not"),
    ],
)
def test_splits_that_are_none_are_named(tmp_path: Path, settings: str, sentence: str) -> None:
    yolo(tmp_path, "images/{}.png", "labels/{}.txt", "a", "b")
    (tmp_path / "data.yaml").write_text(f"{settings}\nnames: [cup, plate]", encoding="utf-8")
    contents = detect_format(tmp_path)
    assert {sample.split for sample in contents.samples} == {"train"}
    assert sentence in contents.warnings[0]


@pytest.mark.parametrize(
    ("settings", "listed", "message"),
    [
        ("train: lists/train.txt", "", "data.yaml: train names lists/train.txt, which is not in"),
        ("train: train.txt", "images/c.png\nimages/z.png", "train.txt: names images/z.png, which is not in"),
        ("train: train.txt", "a.png", "train.txt: names a.png, which may be images/in/a.png, images/out/a.png;"),
        ("train: images\nval: train.txt", "images/b.png", "data.yaml: images/b.png is in train and in val; keep it in"),
    ],
)
def test_invalid_splits_are_refused(tmp_path: Path, settings: str, listed: str, message: str) -> None:
    yolo(tmp_path, "images/{}.png", "labels/{}.txt", "c", "b", "in/a", "out/a")
    (tmp_path / "data.yaml").write_text(f"{settings}\nnames: [cup, plate]", encoding="utf-8")
    (tmp_path / "train.txt").write_text(listed, encoding="utf-8")
    assert message in refusal(lambda: detect_format(tmp_path))


@given(st.text(alphabet="train:vl -[]'\n#./x{}0", max_size=60))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_data_yaml_is_read_or_refused(tmp_path: Path, text: str) -> None:
    yolo(tmp_path, "{}.png", "{}.txt", "a")
    (tmp_path / "data.yaml").write_text(f"names: [cup, plate]\ntrain: {text}", encoding="utf-8")
    with suppress(SeamlineError):
        assert len(detect_format(tmp_path).samples) <= 1


@given(st.text(alphabet="0123456789. -e\n", max_size=60))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_is_read_or_refused(tmp_path: Path, text: str) -> None:
    yolo(tmp_path, "{}.png", "{}.txt", "a", text=text)
    with suppress(SeamlineError):
        assert len(detect_format(tmp_path).samples) == 1
