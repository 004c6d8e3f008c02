import os
from collections.abc import Callable
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from seamline.data.dataset import Dataset
from seamline.data.sources import drawn_garments, fashion_mnist, store
from seamline.data.sources.drawn_garments.chance import Array, Chance

TRAIN, TEST = 3000, 1000


@pytest.fixture(scope="module")
def garments(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEAMLINE_CACHE", str(tmp_path_factory.mktemp("cache")))
        return drawn_garments.load(train=TRAIN, test=TEST, seed=5)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, and drawers that are quick: what is kept in it does not matter."""
    use_drawer(monkeypatch, lambda chance: chance.grain(28, 28))
    monkeypatch.setenv("SEAMLINE_CACHE", str(tmp_path))
    return tmp_path / drawn_garments.NAME


def use_drawer(monkeypatch: pytest.MonkeyPatch, drawer: Callable[[Chance], Array]) -> None:
    for name in drawn_garments.DRAWERS:
        monkeypatch.setitem(drawn_garments.DRAWERS, name, drawer)


def refuse(_: Chance) -> Array:
    raise AssertionError("drawn although the images are in the cache")


def small() -> Dataset:
    return drawn_garments.load(train=100, test=50, seed=1)


def same(one: Dataset, other: Dataset) -> bool:
    return one.fingerprint == other.fingerprint


def distinct(images: NDArray[np.uint8]) -> set[bytes]:
    return {image.tobytes() for image in images}


def test_dataset_says_what_it_is(garments: Dataset) -> None:
    assert garments.name == "builtin-garments"
    assert garments.title == "Built-in garments"
    assert garments.classes == fashion_mnist.CLASSES
    assert garments.drawn
    assert garments.place == "drawn by a program, seed 5"
    assert "not photographs" in garments.note
    assert "MIT" in garments.note


def test_shapes_names_and_groups(garments: Dataset) -> None:
    for split, name, count in ((garments.train, "train", TRAIN), (garments.test, "test", TEST)):
        assert split.images.shape == (count, 28, 28, 1)
        assert split.images.dtype == np.uint8
        assert split.labels.shape == (count,)
        assert split.labels.dtype == np.int64
        assert split.names[0] == f"{name}/00000"
        assert split.names[-1] == f"{name}/{count - 1:05d}"
    groups = np.concatenate([garments.train.groups, garments.test.groups])
    np.testing.assert_array_equal(groups, np.arange(TRAIN + TEST))


def test_every_hundred_holds_ten_of_each_class_in_another_order(garments: Dataset) -> None:
    hundreds = garments.train.labels.reshape(-1, 100)
    for hundred in hundreds:
        np.testing.assert_array_equal(np.bincount(hundred, minlength=10), 10)
    assert len({hundred.tobytes() for hundred in hundreds}) == len(hundreds)


def test_the_same_seed_draws_the_same_images_on_one_thread_or_more(monkeypatch: pytest.MonkeyPatch) -> None:
    many, labels = drawn_garments.draw(2100, 3)
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    again, labels_again = drawn_garments.draw(2100, 3)
    np.testing.assert_array_equal(many, again)
    np.testing.assert_array_equal(labels, labels_again)


@pytest.mark.parametrize("count", [0, 1, 100, 1001])
def test_fewer_images_are_the_first_of_more(garments: Dataset, count: int) -> None:
    images, labels = drawn_garments.draw(count, 5)
    np.testing.assert_array_equal(images, garments.train.images[:count])
    np.testing.assert_array_equal(labels, garments.train.labels[:count])


def test_no_image_comes_twice_in_train_test_or_another_seed(garments: Dataset) -> None:
    train, test = distinct(garments.train.images), distinct(garments.test.images)
    other = distinct(drawn_garments.draw(1000, 6)[0])
    assert (len(train), len(test), len(other)) == (TRAIN, TEST, 1000)
    assert len(train | test | other) == TRAIN + TEST + 1000


def test_garments_are_light_on_black_and_fill_the_image(garments: Dataset) -> None:
    for label, name in enumerate(garments.classes):
        images = garments.train.images[garments.train.labels == label, :, :, 0]
        assert (images == 0).mean() > 0.25, name
        assert (images > 20).mean(axis=(1, 2)).min() > 0.05, name  # 20: brighter than the faint rim of an edge
        # The larger side of nearly every garment reaches across most of the image.
        sides = np.maximum((images > 20).any(axis=1).sum(axis=1), (images > 20).any(axis=2).sum(axis=1))
        assert np.median(sides) >= 22, name


def test_shoes_point_left(garments: Dataset) -> None:
    for name in ("Sneaker", "Ankle boot"):
        images = garments.train.images[garments.train.labels == garments.classes.index(name), :, :, 0]
        height = (images > 20).sum(axis=1)
        assert (height[:, 18:25].mean(axis=1) > height[:, 3:10].mean(axis=1)).mean() > 0.95, name


def test_trousers_have_two_legs(garments: Dataset) -> None:
    images = garments.train.images[garments.train.labels == garments.classes.index("Trouser"), :, :, 0].astype(float)
    low = images[:, 20, :]
    assert low[:, 10:18].min(axis=1).mean() < 0.4 * low.max(axis=1).mean()


def test_every_class_differs_from_every_other(garments: Dataset) -> None:
    # Two halves of one class measure how far averages of this many images differ by chance.
    pixels = garments.train.images.reshape(TRAIN, -1).astype(np.float64)
    first, second = [], []
    for label in range(10):
        own = pixels[garments.train.labels == label]
        first.append(own[::2].mean(axis=0))
        second.append(own[1::2].mean(axis=0))
    by_chance = max(np.linalg.norm(a - b) for a, b in zip(first, second, strict=True))
    for one, other in combinations(range(10), 2):
        apart = np.linalg.norm((first[one] + second[one] - first[other] - second[other]) / 2)
        assert apart > 1.2 * by_chance, (garments.classes[one], garments.classes[other])


def test_pixels_alone_do_not_tell_the_classes_apart_and_shirts_are_the_hardest(garments: Dataset) -> None:
    train, test = (split.images.reshape(len(split), -1) / 255 for split in (garments.train, garments.test))
    # So few images need a strong pull to small weights, or the model learns them by heart.
    model = LogisticRegression(C=0.02, max_iter=300).fit(train, garments.train.labels)
    right = model.predict(test) == garments.test.labels
    assert 0.6 < right.mean() < 0.9
    per_class = [right[garments.test.labels == label].mean() for label in range(10)]
    assert garments.classes[int(np.argmin(per_class))] == "Shirt"


def test_second_load_reads_the_cache(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = small()
    assert len(list(cache.iterdir())) == 1
    use_drawer(monkeypatch, refuse)
    read = small()
    assert same(drawn, read)
    assert read.train.images.dtype == np.uint8
    assert read.train.labels.dtype == np.int64


@pytest.mark.usefixtures("cache")
def test_other_counts_and_seeds_do_not_meet_the_same_cache_file() -> None:
    first = small()
    assert not same(first, drawn_garments.load(train=100, test=50, seed=2))
    assert len(drawn_garments.load(train=110, test=50, seed=1).train) == 110
    assert len(drawn_garments.load(train=100, test=60, seed=1).test) == 60


def test_a_changed_program_draws_anew(cache: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    small()
    (tmp_path / "bags.py").write_text("changed")
    monkeypatch.setattr(drawn_garments, "__file__", str(tmp_path / "__init__.py"))
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
def test_a_damaged_cache_file_is_drawn_and_written_anew(cache: Path, damage: Callable[[bytes], bytes]) -> None:
    drawn = small()
    (file,) = cache.iterdir()
    whole = file.read_bytes()
    file.write_bytes(damage(whole))
    assert same(small(), drawn)
    assert [path.name for path in cache.iterdir()] == [file.name]
    assert store._read(file) is not None


def test_a_cache_that_cannot_be_written_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    monkeypatch.setenv("SEAMLINE_CACHE", str(blocked))
    assert len(small().train) == 100
    assert blocked.read_text() == "not a folder"
