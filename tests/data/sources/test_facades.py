"""The mini facade set: small folders of its form, and the real one."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from seamline.data.masks import encode_mask
from seamline.data.registry import load as load_by_name
from seamline.data.sources.facades import CLASSES, PALETTE, REFERENCE_RESULTS, load
from seamline.errors import DatasetUnavailableError, SeamlineError


def put(folder: Path, train: int = 3, test: int = 2, side: int = 16) -> Path:
    """Write a small set into a folder."""
    rng = np.random.default_rng(0)
    for part, count in (("train", train), ("test_dev", test)):
        (folder / part).mkdir(parents=True)
        for i in range(count):
            stem = folder / part / f"eecs442_{i:04d}"
            pixels = rng.integers(0, 256, (side, side, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(stem.with_suffix(".jpg"))
            mask = rng.integers(0, 5, (side, side), dtype=np.uint8)
            stem.with_suffix(".png").write_bytes(encode_mask(mask, PALETTE))
    return folder


@pytest.fixture(autouse=True)
def no_data_folder(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """No data folder but the one that a test names."""
    if "real_data" not in request.fixturenames:
        monkeypatch.delenv("SEAMLINE_DATA", raising=False)


def refusal(folder: Path | None, kind: type[SeamlineError] = SeamlineError) -> str:
    """The one line with which the set is refused, with just this kind of error."""
    with pytest.raises(SeamlineError) as error:
        load(folder)
    assert error.type is kind
    text = str(error.value)
    assert "\n" not in text
    return text


def test_dataset_contains_what_the_folders_contain(tmp_path: Path) -> None:
    dataset = load(put(tmp_path / "set"))
    assert (dataset.name, dataset.title, dataset.synthetic) == ("facades", "Mini facade set", False)
    assert (dataset.classes, dataset.palette) == (CLASSES, PALETTE)
    assert dataset.task == "segmentation"
    assert not dataset.has_groups
    assert dataset.source == str(tmp_path / "set")
    assert dataset.train.images.shape == (3, 16, 16, 3)
    assert dataset.test.labels.shape == (2, 16, 16)
    assert dataset.test.names == ("test_dev/eecs442_0000.jpg", "test_dev/eecs442_0001.jpg")
    assert dataset.train.names[2] == "train/eecs442_0002.jpg"
    np.testing.assert_array_equal(dataset.train.groups, np.arange(3))
    np.testing.assert_array_equal(dataset.test.groups, [3, 4])
    for word in ("CMP Facade Database", "research", "MIT", "Tyleček", "GCPR 2013", "https://"):
        assert word in dataset.description


def test_given_folder_can_be_the_parent(tmp_path: Path) -> None:
    put(tmp_path / "facades")
    assert load(tmp_path).source == str(tmp_path / "facades")
    assert load(tmp_path).fingerprint == load(tmp_path / "facades").fingerprint


def test_data_folder_is_searched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path / "facades")
    monkeypatch.setenv("SEAMLINE_DATA", str(tmp_path))
    assert load().source == str(tmp_path / "facades")
    assert load(put(tmp_path / "given")).source == str(tmp_path / "given")


def test_missing_dataset_names_the_alternatives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = refusal(None, DatasetUnavailableError)
    monkeypatch.setenv("SEAMLINE_DATA", str(tmp_path))
    for line in (text, refusal(None, DatasetUnavailableError)):
        for word in ("cannot be downloaded", "--data-dir", "SEAMLINE_DATA", "synthetic-facades"):
            assert word in line
    assert str(tmp_path) in line


def test_missing_data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEAMLINE_DATA", str(tmp_path / "mistyped"))
    assert refusal(None).startswith(f"SEAMLINE_DATA={tmp_path / 'mistyped'}: no such folder; ")


def test_missing_splits_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = put(tmp_path / "facades")
    shutil.rmtree(folder / "test_dev")
    for given in (folder, tmp_path):
        text = refusal(given)
        assert text.startswith(f"{folder}: ")
        assert "missing test_dev;" in text
    monkeypatch.setenv("SEAMLINE_DATA", str(tmp_path))
    assert "missing test_dev;" in refusal(None)
    shutil.rmtree(folder)
    assert "missing train, test_dev;" in refusal(tmp_path)
    assert refusal(tmp_path / "nowhere").startswith(f"{tmp_path / 'nowhere'}: cannot be read (No such file")


def test_test_images_must_have_the_size_of_the_others(tmp_path: Path) -> None:
    folder = put(tmp_path / "set")
    shutil.rmtree(folder / "test_dev")
    put(tmp_path / "other", side=18)
    shutil.move(tmp_path / "other" / "test_dev", folder / "test_dev")
    text = refusal(folder)
    assert text.startswith(f"{folder / 'test_dev' / 'eecs442_0000.jpg'}: is 18 x 18 pixels, not 16 x 16")


def test_invalid_files_are_named(tmp_path: Path) -> None:
    folder = put(tmp_path / "set")
    path = folder / "train" / "eecs442_0001.png"
    path.write_bytes(encode_mask(np.full((16, 16), 5, dtype=np.uint8), [*PALETTE, (1, 1, 1)]))
    assert refusal(folder).startswith(f"{path}: contains values outside the classes 0..4: 5 (256 pixels); ")


@pytest.mark.real
def test_real_set(real_data: Path) -> None:
    dataset = load(real_data)
    assert dataset.source == str(real_data / "facades")
    assert dataset.train.images.shape == (906, 256, 256, 3)
    assert dataset.test.images.shape == (114, 256, 256, 3)
    assert dataset.train.names[-1] == "train/eecs442_0905.jpg"
    shares = np.bincount(dataset.train.labels.ravel()) / dataset.train.labels.size
    np.testing.assert_allclose(shares, [0.355, 0.406, 0.024, 0.165, 0.051], atol=5e-4)
    assert set(np.unique(dataset.test.labels)) == set(range(5))
    groups = np.concatenate([dataset.train.groups, dataset.test.groups])
    np.testing.assert_array_equal(groups, np.arange(1020))


def test_the_set_carries_the_results_of_others(tmp_path: Path) -> None:
    results = load_by_name("facades", put(tmp_path)).reference_results
    assert results == REFERENCE_RESULTS
    assert all(tuple(one.per_class) == CLASSES for one in results)
    assert results[0].per_class["pillar"] == 0.26
