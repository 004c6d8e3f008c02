"""The synthetic datasets and their cache."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from seamline import synthetic as programs
from seamline.data.dataset import Dataset
from seamline.data.sources import fashion_mnist, synthetic
from seamline.data.sources.cache import _read
from seamline.data.sources.facades import CLASSES, PALETTE
from seamline.synthetic import facades, fashion
from seamline.synthetic.sampling import Array, BatchSampler


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, and drawers that are quick: what is received in it does not matter."""
    use_drawer(monkeypatch, lambda rng: rng.standard_normal(28, 28))
    monkeypatch.setenv("SEAMLINE_CACHE", str(tmp_path))
    return tmp_path / synthetic.FASHION


def use_drawer(monkeypatch: pytest.MonkeyPatch, drawer: Callable[[BatchSampler], Array]) -> None:
    for name in fashion.DRAWERS:
        monkeypatch.setitem(fashion.DRAWERS, name, drawer)


def refuse(*_: object) -> Array:
    raise AssertionError("drawn although the images are in the cache")


def small() -> Dataset:
    return synthetic.load_fashion(train=100, test=50, seed=1)


def same(one: Dataset, other: Dataset) -> bool:
    return one.fingerprint == other.fingerprint


@pytest.mark.usefixtures("cache")
def test_fashion_is_described() -> None:
    data = synthetic.load_fashion(train=100, test=50, seed=5)
    assert data.name == "synthetic-fashion"
    assert data.title == "Synthetic garments"
    assert data.classes == fashion_mnist.CLASSES
    assert data.synthetic
    assert data.source == "synthetic, seed 5"
    assert "not photographs" in data.description
    assert "MIT" in data.description
    for split, name, count in ((data.train, "train", 100), (data.test, "test", 50)):
        assert len(split) == count
        assert split.names[0] == f"{name}/00000"
        assert split.names[-1] == f"{name}/{count - 1:05d}"
    groups = np.concatenate([data.train.groups, data.test.groups])
    np.testing.assert_array_equal(groups, np.arange(150))


def test_facades_are_described_and_no_building_is_in_both_splits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEAMLINE_CACHE", str(tmp_path))
    data = synthetic.load_facades(train=5, test=4, seed=3)
    assert data.name == "synthetic-facades"
    assert data.title == "Synthetic facades"
    assert data.classes == CLASSES
    assert data.palette == PALETTE
    assert data.synthetic
    assert data.has_groups
    assert data.task == "segmentation"
    assert data.source == "synthetic, seed 3"
    assert "not photographs" in data.description
    assert "MIT" in data.description
    assert data.train.names[-1] == "train/00004"
    assert data.test.names[-1] == "test/00003"
    for split, (images, labels, _) in (
        (data.train, facades.generate(5, 3)),
        (data.test, facades.generate(4, 3, "test")),
    ):
        np.testing.assert_array_equal(split.images, images)
        np.testing.assert_array_equal(split.labels, labels)
    groups = np.concatenate([data.train.groups, data.test.groups])
    assert groups[0] == 0
    assert set(np.diff(groups)) == {0, 1}  # numbered in order, and none is in both splits
    assert data.train.groups[-1] < data.test.groups[0]


def test_second_load_of_facades_reads_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEAMLINE_CACHE", str(tmp_path))
    drawn = synthetic.load_facades(train=3, test=2, seed=1)
    assert len(list((tmp_path / synthetic.FACADES).iterdir())) == 1
    monkeypatch.setattr(facades, "draw_street", refuse)
    read = synthetic.load_facades(train=3, test=2, seed=1)
    assert read.fingerprint == drawn.fingerprint
    assert read.train.labels.dtype == np.uint8
    with pytest.raises(AssertionError, match="although"):
        synthetic.load_facades(train=3, test=2, seed=2)


def test_second_load_reads_the_cache(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = small()
    assert len(list(cache.iterdir())) == 1
    use_drawer(monkeypatch, refuse)
    read = small()
    assert same(drawn, read)
    assert read.train.images.dtype == np.uint8
    assert read.train.labels.dtype == np.int64


@pytest.mark.usefixtures("cache")
def test_other_counts_and_seeds_have_other_cache_files() -> None:
    first = small()
    assert not same(first, synthetic.load_fashion(train=100, test=50, seed=2))
    assert len(synthetic.load_fashion(train=110, test=50, seed=1).train) == 110
    assert len(synthetic.load_fashion(train=100, test=60, seed=1).test) == 60


def test_changed_code_generates_again(cache: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    small()
    (tmp_path / "bags.py").write_text("changed")
    monkeypatch.setattr(programs, "__file__", str(tmp_path / "__init__.py"))
    small()
    assert len(list(cache.iterdir())) == 2


def _shorten(content: bytes) -> bytes:
    return content[: len(content) // 2]


def _flip_a_pixel(content: bytes) -> bytes:
    place = len(content) // 3
    return content[:place] + bytes([content[place] ^ 255]) + content[place + 1 :]


def _empty(_: bytes) -> bytes:
    return b""


def _text(_: bytes) -> bytes:
    return b"no images at all"


@pytest.mark.parametrize("damage", [_shorten, _flip_a_pixel, _empty, _text])
def test_a_damaged_cache_file_is_replaced(cache: Path, damage: Callable[[bytes], bytes]) -> None:
    drawn = small()
    (file,) = cache.iterdir()
    whole = file.read_bytes()
    file.write_bytes(damage(whole))
    assert same(small(), drawn)
    assert [path.name for path in cache.iterdir()] == [file.name]
    assert _read(file) is not None


def test_a_cache_that_cannot_be_written_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    monkeypatch.setenv("SEAMLINE_CACHE", str(blocked))
    assert len(small().train) == 100
    assert blocked.read_text() == "not a folder"
