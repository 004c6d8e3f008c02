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


@given(st.text(alphabet="0123456789. -e\n", max_size=60))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_is_read_or_refused(tmp_path: Path, text: str) -> None:
    yolo(tmp_path, "{}.png", "{}.txt", "a", text=text)
    with suppress(SeamlineError):
        assert len(detect_format(tmp_path).samples) == 1
