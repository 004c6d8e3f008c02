"""Every file of a folder that is not used is counted."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import seamline
from seamline.data.image_folder import load_folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two classes of three images, two loose images, and files that are not images."""
    generator = np.random.default_rng(0)
    for name in ("cat/0", "cat/1", "cat/2", "dog/0", "dog/1", "dog/2", "loose-1", "loose-2"):
        file = tmp_path / f"{name}.png"
        file.parent.mkdir(exist_ok=True)
        Image.fromarray(generator.integers(0, 256, (32, 32, 3), np.uint8)).save(file)
    for name in ("cat/a.heic", "dog/b.HEIC", "dog/c.cr2", "notes.txt"):
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "classes.txt").write_text("cat\ndog\n", encoding="utf-8")
    return tmp_path


def test_files_are_counted_by_kind(folder: Path) -> None:
    images, undecodable, others = load_folder(folder).unused
    assert (images.count, images.example) == (2, "loose-1.png")
    assert (undecodable.count, undecodable.what) == (3, "images of unsupported formats (2 .heic, 1 .cr2)")
    assert (others.count, others.example) == (1, "notes.txt")
    assert "convert them to JPEG or PNG" in undecodable.sentence


def test_inspect_reports_them(folder: Path) -> None:
    report = seamline.inspect(folder)
    assert [item.count for item in report.unused] == [2, 3, 1]


def test_files_of_the_layout_are_used(folder: Path) -> None:
    for name in ("cat/a.heic", "dog/b.HEIC", "dog/c.cr2", "notes.txt", "loose-1.png", "loose-2.png"):
        (folder / name).unlink()
    assert load_folder(folder).unused == ()


def test_images_without_a_suffix_and_empty_class_folders_are_named(folder: Path) -> None:
    (folder / "cat" / "download").write_bytes((folder / "cat" / "0.png").read_bytes())
    (folder / "bird").mkdir()
    (folder / "@eaDir").mkdir()
    data = load_folder(folder)
    (entry,) = (item for item in data.unused if "without the suffix" in item.what)
    assert (entry.count, entry.example) == (1, "cat/download")
    assert data.warnings == ("bird: the folder has no images and is no class; add images, or remove it",)


def test_an_empty_class_folder_of_one_split_is_no_warning(folder: Path) -> None:
    for name in ("train", "val"):
        (folder / name).mkdir()
    for name in ("cat", "dog"):
        (folder / name).rename(folder / "train" / name)
        (folder / "val" / name).mkdir()
    (folder / "train" / "cat" / "0.png").rename(folder / "val" / "cat" / "0.png")
    assert load_folder(folder).warnings == ()


@pytest.mark.parametrize("suffix", [".jfif", ".jpe", ".JPG_large", ".jpg:orig", ".pjpeg"])
def test_all_suffixes_of_jpeg_are_read(folder: Path, suffix: str) -> None:
    for file in folder.glob("cat/*.png"):
        Image.open(file).save(file, "JPEG")
        file.rename(file.with_suffix(suffix))
    assert len(load_folder(folder).train) == 6
