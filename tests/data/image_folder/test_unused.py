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
    for name in ("cat/a.heic", "dog/b.HEIC", "dog/c.jpg_large", "notes.txt"):
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "classes.txt").write_text("cat\ndog\n", encoding="utf-8")
    return tmp_path


def test_files_are_counted_by_kind(folder: Path) -> None:
    images, undecodable, others = load_folder(folder).unused
    assert (images.count, images.example) == (2, "loose-1.png")
    assert (undecodable.count, undecodable.what) == (3, "images of unsupported formats (2 .heic, 1 .jpg_large)")
    assert (others.count, others.example) == (1, "notes.txt")
    assert "convert them to JPEG or PNG" in undecodable.sentence


def test_inspect_reports_them(folder: Path) -> None:
    report = seamline.inspect(folder)
    assert isinstance(report, seamline.data.validate.DatasetReport)
    assert [item["count"] for item in report.to_dict()["unused"]] == [2, 3, 1]


def test_files_of_the_layout_are_used(folder: Path) -> None:
    for name in ("cat/a.heic", "dog/b.HEIC", "dog/c.jpg_large", "notes.txt", "loose-1.png", "loose-2.png"):
        (folder / name).unlink()
    assert load_folder(folder).unused == ()
