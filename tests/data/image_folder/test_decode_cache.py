"""The cache of decoded images."""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import seamline
from seamline.data.image_folder import load, load_folder
from seamline.data.image_io import PhotoPixels, read_photo
from seamline.data.lazy_array import LazyArray
from seamline.data.near_duplicates.report import assign_groups
from seamline.data.splits import ensure_test_split
from seamline.errors import SeamlineError

Counter = Callable[[], int]


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SEAMLINE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def classes(tmp_path: Path) -> Path:
    """A folder of two classes, 24 images each, with noise."""
    rng = np.random.default_rng(0)
    for label, level in (("dark", 60), ("bright", 190)):
        (tmp_path / "classes" / label).mkdir(parents=True)
        for number in range(24):
            noise = rng.integers(-40, 40, (30, 34, 3)) + level
            Image.fromarray(noise.astype(np.uint8)).save(tmp_path / "classes" / label / f"{number}.png")
    return tmp_path / "classes"


@pytest.fixture
def masks(tmp_path: Path) -> Path:
    """A folder of images beside masks: boxes on a wall."""
    rng = np.random.default_rng(0)
    for kind in ("images", "masks"):
        (tmp_path / "walls" / kind).mkdir(parents=True)
    for number in range(20):
        mask = np.zeros((48, 48), np.uint8)
        top, left = rng.integers(4, 24, 2)
        mask[top : top + 18, left : left + 18] = 1
        image = rng.integers(0, 50, (48, 48, 3)) + np.where(mask, 20, 180)[..., None]
        Image.fromarray(image.astype(np.uint8)).save(tmp_path / "walls" / "images" / f"{number}.png")
        Image.fromarray(mask).save(tmp_path / "walls" / "masks" / f"{number}.png")
    return tmp_path / "walls"


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> Counter:
    """Counts how many photos are decoded from now on."""
    names: list[str] = []
    read = read_photo

    def counting(file: Path, depth: int = 0) -> PhotoPixels:
        names.append(file.name)
        return read(file, depth=depth)

    monkeypatch.setattr(load, "read_photo", counting)
    return lambda: len(names)


def test_the_second_call_decodes_nothing(classes: Path, decoded: Counter) -> None:
    first = load_folder(classes)
    assert decoded() == 48
    steps: list[tuple[int, int]] = []
    second = load_folder(classes, progress=lambda done, of: steps.append((done, of)))
    assert decoded() == 48
    assert steps[-1] == (48, 48)
    assert second.fingerprint == first.fingerprint
    assert second.train.names == first.train.names


def test_sizes_are_cached_side_by_side(classes: Path, decoded: Counter) -> None:
    load_folder(classes)
    load_folder(classes, size="20")
    load_folder(classes)
    assert decoded() == 96


@pytest.mark.parametrize("change", ["bytes", "added", "classes"])
def test_a_changed_folder_is_decoded_again(classes: Path, cache: Path, decoded: Counter, change: str) -> None:
    before = load_folder(classes)
    if change == "bytes":
        file = classes / "dark" / "3.png"
        time = file.stat().st_mtime_ns
        Image.new("RGB", (34, 30), (9, 7, 5)).save(file)
        os.utime(file, ns=(time, time))  # calls by its size, whatever the clock says
    elif change == "added":
        Image.new("RGB", (34, 30), (9, 7, 5)).save(classes / "dark" / "new.png")
    else:
        (classes / "classes.txt").write_text("dark\nbright\n")
    after = load_folder(classes)
    assert decoded() == 96 + (change == "added")
    assert after.fingerprint != before.fingerprint
    (place,) = (cache / "folders").iterdir()
    assert len(list(place.iterdir())) == 1  # the old one is gone


def test_decoding_resumes_after_an_interruption(classes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("seamline.data.image_folder.decode_cache._BATCH", 10)
    read: list[Path] = []
    last = 33

    def interrupted(file: Path, depth: int = 0) -> PhotoPixels:
        if len(read) >= last:
            raise KeyboardInterrupt
        read.append(file)
        return read_photo(file, depth=depth)

    monkeypatch.setattr(load, "read_photo", interrupted)
    with pytest.raises(KeyboardInterrupt):
        load_folder(classes)
    begun, last = len(read), 1000
    data = load_folder(classes)
    assert len(read) - begun == 48 - 30
    monkeypatch.setenv("SEAMLINE_CACHE", str(classes.parent / "another"))
    assert load_folder(classes).fingerprint == data.fingerprint


def test_an_unwritable_cache_is_no_error(classes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = load_folder(classes)
    (classes.parent / "file").write_text("in the way")
    monkeypatch.setenv("SEAMLINE_CACHE", str(classes.parent / "file"))
    for allowed in ("1G", "1k"):
        monkeypatch.setenv("SEAMLINE_MAX_MEMORY", allowed)
        assert load_folder(classes).fingerprint == data.fingerprint


@pytest.mark.usefixtures("no_report")
@pytest.mark.parametrize("kind", ["classes", "masks"])
def test_a_dataset_larger_than_memory_gives_the_same_model(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = str(request.getfixturevalue(kind))
    weights, metrics = [], []
    for allowed in ("1G", "1k"):
        monkeypatch.setenv("SEAMLINE_MAX_MEMORY", allowed)
        data = load_folder(Path(folder))
        assert isinstance(data.train.images, LazyArray) is (allowed == "1k")
        run = seamline.train(folder, out=tmp_path / allowed, epochs=1, threads=1).path
        weights.append((run / "model.safetensors").read_bytes())
        metrics.append((run / "metrics.json").read_text())
    assert weights[0] == weights[1]
    assert metrics[0] == metrics[1]


def test_large_datasets_stay_lazy(classes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEAMLINE_MAX_MEMORY", "1k")
    data = ensure_test_split(assign_groups(load_folder(classes)))
    for part in data.splits:
        assert isinstance(part.images, LazyArray)
        assert isinstance(part.select(np.arange(3)).images, LazyArray)
    assert isinstance(data.train.images[0], np.ndarray)


def test_an_invalid_memory_limit_is_refused(classes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEAMLINE_MAX_MEMORY", "lots")
    with pytest.raises(SeamlineError, match="SEAMLINE_MAX_MEMORY=lots"):
        load_folder(classes)


def test_a_full_disk_is_one_line(classes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = type("Usage", (), {"free": 1000})
    monkeypatch.setattr("seamline.data.image_folder.decode_cache.shutil.disk_usage", lambda place: usage)
    with pytest.raises(SeamlineError, match=r"need 0\.0 GB, and 0\.0 GB are free; free disk space"):
        load_folder(classes)
