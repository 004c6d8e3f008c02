"""Near-duplicates among drawn facades, small gray images and a few real photos."""

import json
import math
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from data.near_duplicates.facade_drawings import brighter, building, crop, recoded
from seamline.data.near_duplicates import DuplicateGroups, DuplicatePair, cached_near_duplicates, find_near_duplicates
from seamline.data.near_duplicates.clustering import Match, cluster
from seamline.data.near_duplicates.exact_and_near import find_near_duplicate_pairs


def expected_groups(count: int, each: int) -> list[int]:
    return [k // each for k in range(count)]


@pytest.fixture(scope="module")
def scenes() -> list[NDArray[np.uint8]]:
    """Ten buildings, three crops of each: one shifted, one at another scale, recoded and brighter."""
    images = []
    for seed in range(10):
        whole = building(seed)
        images += [
            crop(whole, 60, 80, 256),
            crop(whole, 60 + 90, 80 + 40, 256),
            recoded(brighter(crop(whole, 30, 50, 256 + 10 * (seed - 3)), 1.08, 4)),
        ]
    return images


def test_crops_of_one_building_are_a_group_and_similar_buildings_are_not(scenes: list[NDArray[np.uint8]]) -> None:
    found = find_near_duplicates(np.stack(scenes))
    assert found.groups.tolist() == expected_groups(30, 3)
    assert {kind for *_, kind in found.pairs} == {"crop"}


def test_result_does_not_depend_on_the_run(scenes: list[NDArray[np.uint8]]) -> None:
    first, second = find_near_duplicates(scenes[:12]), find_near_duplicates(scenes[:12])
    assert first.pairs == second.pairs
    assert first.groups.tolist() == second.groups.tolist() == expected_groups(12, 3)


@pytest.mark.parametrize("side", [160, 200, 320, 410])
def test_a_crop_at_another_scale_is_found(side: int) -> None:
    wholes = [building(seed) for seed in range(40, 43)]
    images = [crop(whole, 100, 100, 256) for whole in wholes] + [crop(whole, 90, 110, side) for whole in wholes]
    assert find_near_duplicates(images).groups.tolist() == [0, 1, 2, 0, 1, 2]


def test_an_overlap_of_a_third_is_enough() -> None:
    wholes = [building(seed) for seed in range(50, 56)]
    images = [crop(whole, 0, 0, 256, 256) for whole in wholes] + [crop(whole, 160, 10, 256, 256) for whole in wholes]
    assert find_near_duplicates(images).groups.tolist() == [0, 1, 2, 3, 4, 5] * 2


def test_images_of_different_sizes() -> None:
    whole = building(7)
    images = [crop(whole, 0, 0, 300, 300), building(8)[:200, :340], whole[40:260, 20:300], whole[:30, :30]]
    assert find_near_duplicates(images).groups.tolist() == [0, 1, 0, 2]


def test_equal_and_nearly_equal_photos() -> None:
    image, other = crop(building(3), 0, 0, 256), crop(building(4), 0, 0, 256)
    found = find_near_duplicates([image, other, image.copy(), recoded(image, 80), brighter(image, 0.93, 2)])
    assert found.groups.tolist() == [0, 1, 0, 0, 0]
    assert found.pairs[0] == (0, 2, "same")
    assert {(0, 3, "near"), (0, 4, "near")} <= set(found.pairs)


def garment(seed: int) -> NDArray[np.uint8]:
    """Draw a (28, 28, 1) shirt: all have the same outline, each has a pattern of its own."""
    rng = np.random.default_rng(seed)
    image = np.zeros((28, 28), np.float32)
    image[4:24, 8:20] = 150 + cv2.GaussianBlur(rng.normal(0, 60, (20, 12)).astype(np.float32), (0, 0), 0.8)
    image[5:10, 4:24] = np.maximum(image[5:10, 4:24], 120)
    return image.clip(0, 255).astype(np.uint8)[:, :, None]


def test_small_images_are_related_only_when_one_repeats_the_other() -> None:
    shirts = [garment(seed) for seed in range(60)]
    shifted = np.roll(shirts[1], (1, -1), (0, 1))
    images = [*shirts, shirts[0].copy(), shifted, brighter(shirts[2], 1.06, 0), recoded(shirts[3], 95)]
    found = find_near_duplicates(np.stack(images))
    assert found.groups.tolist() == [*range(60), 0, 1, 2, 3]
    assert found.pairs == ((0, 60, "same"), (1, 61, "near"), (2, 62, "near"), (3, 63, "near"))


def test_blank_images_are_related_only_when_identical() -> None:
    gray = [np.full((80, 80, 3), value, np.uint8) for value in (10, 200, 10)]
    assert find_near_duplicates(gray).groups.tolist() == [0, 1, 0]
    assert find_near_duplicates(np.zeros((0, 8, 8, 1), np.uint8)).groups.tolist() == []


def test_wrong_images_are_refused() -> None:
    with pytest.raises(ValueError, match="uint8"):
        find_near_duplicates([np.zeros((8, 8, 3), np.float32)])
    with pytest.raises(ValueError, match="H, W, 1"):
        find_near_duplicates([np.zeros((8, 8), np.uint8)])


def test_progress_increases_to_the_total(scenes: list[NDArray[np.uint8]]) -> None:
    steps: list[tuple[int, int]] = []
    find_near_duplicates(scenes[:6], progress=lambda done, total: steps.append((done, total)))
    assert [done for done, _ in steps] == sorted(done for done, _ in steps)
    assert steps[-1][0] == steps[-1][1] == steps[0][1]


def test_one_weak_match_does_not_join_two_large_groups() -> None:
    strong = [
        Match(0, 1, "crop", math.inf),
        Match(1, 2, "crop", math.inf),
        Match(3, 4, "crop", 2.0),
        Match(4, 5, "crop", 2.0),
    ]
    weak = [*strong, Match(2, 3, "crop", 0.5)]
    groups, accepted = cluster(7, weak, strong=1.0)
    assert groups.tolist() == [0, 0, 0, 1, 1, 1, 2]
    assert accepted == sorted(strong)
    groups, accepted = cluster(7, [*weak, Match(0, 4, "crop", 0.6)], strong=1.0)
    assert groups.tolist() == [0] * 6 + [1]
    assert len(accepted) == 6
    groups, _ = cluster(7, [*weak, Match(5, 6, "crop", 0.5)], strong=1.0)
    assert groups.tolist() == [0, 0, 0, 1, 1, 1, 1]


def test_results_are_cached_and_damaged_files_are_ignored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEAMLINE_CACHE", str(tmp_path))
    calls: list[int] = []

    def find() -> DuplicateGroups:
        calls.append(1)
        return DuplicateGroups(np.array([0, 1, 0]), (DuplicatePair(0, 2, "near"),))

    for _ in range(3):
        found = cached_near_duplicates("abc", find)
        assert found.groups.tolist() == [0, 1, 0]
        assert found.groups.dtype == np.int64
        assert found.pairs == ((0, 2, "near"),)
    assert len(calls) == 1
    cached_near_duplicates("def", find)
    assert len(calls) == 2
    (file,) = tmp_path.rglob("*abc*.json")
    sound = json.loads(file.read_text())
    damaged = [
        {**sound, "pairs": [[0, 1, "near"]]},
        {**sound, "pairs": [[0, 9, "crop"]]},
        {**sound, "groups": [1, 0, 1]},
    ]
    for text in ["", "[1]", '{"groups": [0]}', file.read_text()[:-9], *map(json.dumps, damaged)]:
        file.write_text(text)
        before = len(calls)
        assert cached_near_duplicates("abc", find).pairs == ((0, 2, "near"),)
        assert len(calls) == before + 1


@pytest.mark.real
def test_real_facades(real_data: Path) -> None:
    """Crops that can be seen to be of one photo are found, and no two buildings of one style are joined."""
    files = [real_data / "facades" / "train" / f"eecs442_{k:04d}.jpg" for k in (5, 307, 609, 26, 328, 30, 50, 173, 277)]
    images = [np.array(Image.open(file).convert("RGB")) for file in files]
    assert find_near_duplicates(np.stack(images)).groups.tolist() == [0, 0, 0, 1, 1, 2, 3, 4, 5]


def test_lower_limits_find_more_of_the_same_pairs() -> None:
    rng = np.random.default_rng(3)
    image = rng.integers(0, 256, (28, 28, 1))
    noisy = [image + rng.normal(0, deviation, image.shape) for deviation in (0, 4, 18)]
    images = [one.clip(0, 255).astype(np.uint8) for one in noisy]
    # noise of 18 levels leaves a correlation of about 0.97
    assert find_near_duplicate_pairs(images) == [(0, 1)]
    assert find_near_duplicate_pairs(images, min_correlation=0.96, max_local_diff=40) == [(0, 1), (0, 2), (1, 2)]
    assert find_near_duplicate_pairs(images, min_correlation=0.96, max_local_diff=10) == [(0, 1)]
