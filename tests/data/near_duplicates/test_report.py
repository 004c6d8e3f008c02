from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from seamline.data.dataset import Dataset, Split
from seamline.data.near_duplicates.report import (
    MAX_LEAKS,
    assign_groups,
    find_dataset_duplicates,
    find_folder_duplicates,
)
from seamline.errors import SeamlineError


def scene(seed: int) -> NDArray[np.uint8]:
    """Draw a (96, 96, 3) picture that no other seed gives."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (12, 12, 3), dtype=np.uint8)
    return np.asarray(cv2.resize(coarse, (96, 96), interpolation=cv2.INTER_CUBIC), dtype=np.uint8)


def save(path: Path, image: NDArray[np.uint8]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), image)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Six pictures in two splits: one stands in both, one stands twice in training, and one has a mask beside it."""
    for name, seed in (
        ("train/a", 1),
        ("train/b", 2),
        ("train/b-again", 2),
        ("train/c", 3),
        ("test/d", 4),
        ("test/e", 1),
    ):
        save(tmp_path / f"{name}.bmp", scene(seed))
    save(tmp_path / "train/c.png", np.zeros((96, 96), dtype=np.uint8))
    return tmp_path


def test_repeats_are_found_in_a_folder_within_and_across_splits(folder: Path) -> None:
    report = find_folder_duplicates(folder)
    assert report.images == 6
    assert report.groups == (("test/e.bmp", "train/a.bmp"), ("train/b-again.bmp", "train/b.bmp"))
    assert report.leaks == (("test/e.bmp", "train/a.bmp"),)
    summary = report.summary()
    assert "6 images: 4 in 2 groups of related images" in summary
    assert "2 identical" in summary
    assert "pairs across splits: 1" in summary


def test_a_folder_without_images_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SeamlineError, match="contains 0 images; two or more are needed"):
        find_folder_duplicates(tmp_path)


def test_an_image_that_cannot_be_read_is_named(folder: Path) -> None:
    (folder / "train" / "z.jpg").write_bytes(b"no image")
    with pytest.raises(SeamlineError, match=r"z\.jpg"):
        find_folder_duplicates(folder)


def made(train: list[int], test: list[int], *, grouped: bool) -> Dataset:
    def split(name: str, seeds: list[int], first: int) -> Split:
        images = np.stack([scene(seed) for seed in seeds])
        names = tuple(f"{name}/{i}" for i in range(len(seeds)))
        return Split(images, np.zeros(len(seeds), dtype=np.int64), names, np.arange(first, first + len(seeds)))

    return Dataset(
        "made",
        "Made",
        ("a",),
        split("train", train, 0),
        split("test", test, 100),
        "a test",
        has_groups=grouped,
        task="classification",
    )


def test_groups_are_searched_once_and_only_where_they_are_unknown() -> None:
    data = made([1, 2, 2, 3], [4, 1], grouped=False)
    calls: list[int] = []
    report = assign_groups(data, lambda done, total: calls.append(total))
    assert report.has_groups
    assert report.train.groups.tolist() == [0, 1, 1, 2]
    assert report.test.groups.tolist() == [3, 0]
    assert calls
    calls.clear()
    again = assign_groups(data, lambda done, total: calls.append(total))
    assert again.fingerprint == report.fingerprint != data.fingerprint
    assert not calls  # received in the cache
    known = made([1, 1], [2], grouped=True)
    assert assign_groups(known) is known


def test_found_groups_are_merged_with_those_of_the_dataset() -> None:
    """Pictures 1 and 3 are of one photo by the dataset's word, 1 and 4 by their pixels: all three belong together."""
    data = made([5, 1, 2, 3], [1, 4], grouped=False)
    given = replace(data, train=replace(data.train, groups=np.array([10, 7, 8, 7])))
    report = assign_groups(given)
    assert report.train.groups.tolist() == [0, 1, 2, 1]
    assert report.test.groups.tolist() == [1, 3]


def test_duplicates_of_a_dataset_are_named() -> None:
    report = find_dataset_duplicates(made([1, 2, 2], [1], grouped=True))
    assert report.groups == (("test/0", "train/0"), ("train/1", "train/2"))
    assert report.pair_counts == {"same": 2, "near": 0, "crop": 0}


def test_pairs_across_splits_are_all_counted_and_the_first_are_listed() -> None:
    report = find_dataset_duplicates(made([1] * 40, [1] * 30, grouped=True))
    assert report.leak_count == 40 * 30
    assert len(report.leaks) == MAX_LEAKS == 1_000
    assert "pairs across splits: 1,200" in report.summary()
