"""A finished run whose images have moved, multiplied, gone or changed."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import seamline
from conftest import without_report
from helpers import Lines, refusal
from seamline.run_folder import RunFolder

OPTIONS: dict[str, Any] = {"epochs": 1, "model": "cnn-fast", "label_check_folds": 0, "threads": 1}


def draw(file: Path, label: str, rng: np.random.Generator, *, gray: bool = False) -> None:
    """Noise with the left or the right half brighter."""
    pixels = rng.integers(0, 150, (32, 32) if gray else (32, 32, 3), dtype=np.uint8)
    pixels[:, : 16 if label == "left" else None][:, -16:] += 100
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(file)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder `photos` of gray class folders, and `run`, trained on it."""
    home, rng = tmp_path_factory.mktemp("trained"), np.random.default_rng(0)
    for label in ("left", "right"):
        for number in range(30):
            draw(home / "photos" / label / f"{number:02}.png", label, rng, gray=True)
    shutil.copy(home / "photos/left/00.png", home / "photos/left/twin.png")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEAMLINE_CACHE", str(home / "cache"))
        with without_report():
            seamline.train(home / "photos", out=home / "run", **OPTIONS)
        yield home


@pytest.fixture
def home(trained: Path, tmp_path: Path) -> Path:
    """A copy of both; the run still names the original folder."""
    shutil.copytree(trained / "photos", tmp_path / "moved" / "photos")
    shutil.copytree(trained / "run", tmp_path / "run")
    return tmp_path


def files(run: Path) -> dict[str, bytes]:
    return {
        str(file.relative_to(run)): file.read_bytes()
        for file in sorted(run.rglob("*"))
        if file.is_file() and file.suffix != ".html"
    }


@pytest.mark.usefixtures("no_report")
@pytest.mark.parametrize("named", ["moved/photos", "moved"])
def test_a_moved_and_grown_folder_gives_the_same_evaluation(home: Path, named: str) -> None:
    """Grown by a class that comes first, by colored images, and by a folder of a split; images have moved between."""
    photos, rng, before = home / "moved/photos", np.random.default_rng(1), files(home / "run")
    for number in range(4):
        draw(photos / "ahead" / f"{number}.png", "left", rng)
    draw(photos / "left" / "00000.png", "left", rng)
    (photos / "right/05.png").rename(photos / "right/renamed.png")
    lines = Lines()
    seamline.evaluate(home / "run", data_dir=home / named, progress=lines)
    assert files(home / "run") == before
    (told,) = [line for line in lines.lines if line.startswith("not used")]
    assert told.startswith("not used: 5 images, such as ahead/0.png: not among the 61 images of")


@pytest.mark.usefixtures("no_report")
def test_what_is_missing_or_changed_is_counted_and_named(home: Path, trained: Path) -> None:
    photos = home / "moved/photos"
    (photos / "left/03.png").unlink()
    (photos / "left/twin.png").unlink()  # its twin has the same content
    (photos / "left/04.png").rename(photos / "right/was-left.png")
    draw(photos / "left/05.png", "left", np.random.default_rng(2), gray=True)
    text = refusal(lambda: seamline.evaluate(home / "run", data_dir=photos))
    assert text == (
        f"{photos}: missing or changed images of {home / 'run'}: 3 of 61 (1 missing: left/03.png; 1 with other labels: "
        "left/04.png; 1 with other pixels: left/05.png); put them back, or name another folder with --data-dir"
    )
    shutil.rmtree(photos)
    for label in ("left", "right"):
        for number in range(9):
            draw(photos / label / f"{number}.png", label, np.random.default_rng(3 + number), gray=True)
    assert "none of the 61 is there" in refusal(lambda: seamline.evaluate(home / "run", data_dir=photos))
    nowhere = home / "nowhere"
    assert refusal(lambda: seamline.evaluate(home / "run", data_dir=nowhere)).startswith(f"{nowhere}: not found; name")


@pytest.mark.usefixtures("no_report")
def test_masks_are_found_in_a_folder_whose_classes_have_other_numbers(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for folder, colors in (("old", {"sky": 1, "wall": 2}), ("new", {"door": 1, "sky": 2, "wall": 3})):
        again = np.random.default_rng(0)
        for kind in ("images", "masks"):
            (tmp_path / folder / kind).mkdir(parents=True)
        (tmp_path / folder / "classes.txt").write_text("\n".join(["background", *colors]), encoding="utf-8")
        for number in range(30):
            pixels = again.integers(0, 255, (32, 32, 3), dtype=np.uint8)
            mask = np.zeros((32, 32), np.uint8)
            mask[: 4 + number % 8], mask[20:] = colors["sky"], colors["wall"]
            Image.fromarray(pixels).save(tmp_path / folder / "images" / f"{number:02}.png")
            Image.fromarray(mask).save(tmp_path / folder / "masks" / f"{number:02}.png")
    extra = np.full((32, 32), 1, np.uint8)
    Image.fromarray(rng.integers(0, 255, (32, 32, 3), dtype=np.uint8)).save(tmp_path / "new/images/extra.png")
    Image.fromarray(extra).save(tmp_path / "new/masks/extra.png")
    run = seamline.train(tmp_path / "old", out=tmp_path / "run", epochs=1, batch_size=4, threads=1)
    shutil.rmtree(tmp_path / "old")
    before = files(run.path)
    seamline.evaluate(run, data_dir=tmp_path / "new")
    assert files(run.path) == before


@pytest.mark.usefixtures("no_report")
def test_a_run_is_exported_without_its_images(home: Path, trained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (trained / "photos").rename(trained / "away")
    try:
        lines = Lines()
        exported = seamline.export(home / "run", progress=lines)
        val = RunFolder(home / "run").info.read().dataset.val
        assert exported.verifications[0].images == val
        assert not any("keeps" in line for line in lines.lines)
        small = seamline.export(home / "run", int8=True, max_drop=100, progress=lines)
        assert small.after is not None
        assert any(f"exporting with the {val} validation images that the run keeps" in line for line in lines.lines)
        assert "not found; name" in refusal(
            lambda: seamline.export(home / "run", int8=True, data_dir=home / "gone", max_drop=100)
        )
    finally:
        (trained / "away").rename(trained / "photos")


def test_damaged_data_of_a_run_are_one_line(home: Path) -> None:
    run = RunFolder(home / "run")
    run.index_file.write_bytes(b"damaged")
    assert f"{run.index_file}: cannot be read" in refusal(lambda: seamline.evaluate(run.path))
    run.stored_images_file.write_bytes(run.arrays_file("val").read_bytes())
    assert "images.npz: lacks train_images" in refusal(lambda: run.read_stored_images(run.info.read()))
