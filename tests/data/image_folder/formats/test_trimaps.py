"""Trimaps as of Oxford-IIIT Pets."""

from pathlib import Path

from helpers import refusal
from image_files import write_mask, write_photos
from seamline.data.dataset import IGNORE_INDEX
from seamline.data.image_folder import detect_format, load_folder


def pets(folder: Path, *names: str, right: int = 2) -> None:
    for name in names:
        write_photos(folder, f"images/{name}.jpg")
        write_mask(folder / f"annotations/trimaps/{name}.png", 1, right)


def test_the_border_is_ignored(tmp_path: Path) -> None:
    pets(tmp_path, "Abyssinian_1", "pug_2")
    pets(tmp_path, "pug_3", right=3)
    write_photos(tmp_path, "images/pug_4.jpg")
    (tmp_path / "annotations" / "trainval.txt").write_text("Abyssinian_1 1 1 1\npug_3 2 2 2\n", encoding="utf-8")
    (tmp_path / "annotations" / "test.txt").write_text("pug_2 2 2 2\n", encoding="utf-8")
    data = load_folder(tmp_path)
    assert data.classes == ("background", "foreground")
    assert data.train.labels[:, 0, [0, 31]].tolist() == [[1, 0], [1, IGNORE_INDEX]]
    assert data.test.names == ("images/pug_2.jpg",)
    assert [(entry.count, entry.example) for entry in data.unused if entry.kind == "files"] == [(1, "images/pug_4.jpg")]


def test_invalid_trimaps_are_refused(tmp_path: Path) -> None:
    pets(tmp_path, "a", right=255)
    assert "a.png: contains 255, which a trimap (1 foreground, 2 background, 3 border) does not define" in refusal(
        lambda: load_folder(tmp_path)
    )
    (tmp_path / "images" / "a.jpg").unlink()
    pets(tmp_path, "b")
    assert "a.png: is a trimap without an image" in refusal(lambda: detect_format(tmp_path))


def test_an_image_in_two_lists_is_refused(tmp_path: Path) -> None:
    pets(tmp_path, "a", "b")
    (tmp_path / "annotations" / "trainval.txt").write_text("# name\na 1\nb 1\n", encoding="utf-8")
    (tmp_path / "annotations" / "test.txt").write_text("# name\nb 1\n", encoding="utf-8")
    assert "test.txt: lists b, which is also in train; keep it in one list" in refusal(lambda: detect_format(tmp_path))
