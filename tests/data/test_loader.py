from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from conftest import bright_sides
from seamline.data.augmentation import Augmentation
from seamline.data.dataset import Split
from seamline.data.loader import Batches
from seamline.errors import SeamlineError


def numbered(count: int) -> Split:
    """Images that carry their own place as a pixel at the left edge."""
    images = np.zeros((count, 4, 6, 1), dtype=np.uint8)
    images[:, 0, 0, 0] = np.arange(count)
    return Split(images, np.arange(count) % 5, tuple(map(str, range(count))), np.arange(count))


def places(batches: Batches, epoch: int) -> list[int]:
    return [int(image.max()) for batch in batches.epoch(epoch) for image in batch.images]


def test_an_epoch_yields_every_image_once_with_its_label() -> None:
    batches = Batches(numbered(100), 32, task="classification", seed=0)
    seen = list(batches.epoch(1))
    assert [len(batch.labels) for batch in seen] == [32, 32, 32, 4]
    assert len(batches) == 4
    assert sorted(places(batches, 1)) == list(range(100))
    for images, labels, _ in seen:
        assert images.dtype == torch.uint8
        assert torch.equal(images.amax((1, 2, 3)).long() % 5, labels)


@given(count=st.integers(1, 40), size=st.integers(1, 12))
def test_no_batch_has_a_single_image(count: int, size: int) -> None:
    batches = Batches(numbered(count), size, task="classification", seed=0)
    lengths = [len(batch.labels) for batch in batches.epoch(1)]
    assert len(lengths) == len(batches)
    assert sum(lengths) == count
    assert set(lengths[:-1]) <= {size}
    assert lengths[-1] <= size + 1
    if size > 1 and count > 1:
        assert min(lengths) > 1


def test_epochs_and_seeds_differ_but_repeat() -> None:
    one, other = (
        Batches(numbered(100), 32, task="classification", seed=0),
        Batches(numbered(100), 32, task="classification", seed=1),
    )
    assert places(one, 1) != places(one, 2)
    assert places(one, 1) != places(other, 1)
    assert places(one, 2) == places(Batches(numbered(100), 32, task="classification", seed=0), 2)


def test_augmentation_does_not_depend_on_the_batch_size() -> None:
    split = bright_sides(60, 3)
    whole, cut = (
        Batches(split, size, task="classification", seed=4, augmentation=Augmentation(hflip=True, translate=2))
        for size in (60, 7)
    )
    for epoch in (1, 2):
        images = torch.cat([batch.images for batch in cut.epoch(epoch)])
        assert torch.equal(next(iter(whole.epoch(epoch))).images, images)


def test_each_sample_alternates_between_its_sides() -> None:
    batches = Batches(numbered(50), 50, task="classification", seed=0, augmentation=Augmentation(hflip=True))
    turned = []
    for epoch in (1, 2):
        images = next(iter(batches.epoch(epoch))).images
        turned.append({int(image.max()) for image in images if image[0, 0, 0] == 0} - {0})
    assert 10 < len(turned[0]) < 40
    assert turned[0] | turned[1] == set(range(1, 50))
    assert not turned[0] & turned[1]


def test_cutmix_continues_samples_as_others() -> None:
    """Each image is of one color, so that the mask must show the same two colors at the same places."""
    count, width = 40, 20
    labels = np.broadcast_to(np.arange(count, dtype=np.uint8)[:, None, None], (count, 6, width)).copy()
    split = Split(labels[..., None], labels, tuple(map(str, range(count))), np.arange(count))
    batches = Batches(split, 8, task="segmentation", seed=3, augmentation=Augmentation(cutmix=0.5))
    cuts = []
    for images, masks, _ in batches.epoch(1):
        assert torch.equal(images[:, 0].long(), masks)
        for mask in masks:
            row, columns = mask[0], (mask[0] == mask[0, 0]).sum().item()
            assert torch.equal(mask, row.expand_as(mask))
            assert len(row[columns:].unique()) <= 1
            cuts += [columns] if columns < width else []
    assert 10 <= len(cuts) <= 30
    assert 4 <= min(cuts) <= max(cuts) <= 16
    again = Batches(split, 8, task="segmentation", seed=3, augmentation=Augmentation(cutmix=0.5))
    for one, other in zip(batches.epoch(1), again.epoch(1), strict=True):
        assert torch.equal(one.labels, other.labels)


def test_images_and_masks_are_scaled() -> None:
    labels = np.broadcast_to(np.arange(8, dtype=np.uint8)[:, None, None], (8, 12, 20)).copy()
    split = Split(labels[..., None], labels, tuple(map(str, range(8))), np.arange(8))
    for images, masks, _ in Batches(
        split, 8, task="segmentation", seed=3, augmentation=Augmentation(train_scale=0.5, cutmix=1.0)
    ).epoch(1):
        assert images.shape == (8, 1, 6, 10)
        assert torch.equal(images[:, 0].long(), masks)
        first = (masks[:, 0] == masks[:, 0, :1]).sum(1)
        assert 2 <= first.min() <= first.max() <= 8  # cuts lie within the smaller width
    (batch,) = Batches(numbered(4), 4, task="classification", seed=0, augmentation=Augmentation(train_scale=0.5)).epoch(
        1
    )
    assert batch.images.shape == (4, 1, 2, 3)


def test_cutmix_is_refused_for_classification() -> None:
    with pytest.raises(SeamlineError, match=r"cutmix must be 0 .*, got 0\.5$"):
        Batches(numbered(4), 2, task="classification", seed=0, augmentation=Augmentation(cutmix=0.5))


def two_parts(first: int, second: int) -> Split:
    """Numbered images, the last of them of a second part."""
    parts = np.repeat([0, 1], [first, second])
    return replace(numbered(first + second), parts=parts)


@given(first=st.integers(1, 60), second=st.integers(1, 60), size=st.integers(2, 16), weight=st.floats(0.2, 5))
def test_every_batch_has_each_part_in_its_share(first: int, second: int, size: int, weight: float) -> None:
    batches = Batches(two_parts(first, second), size, task="classification", seed=0, mix=(weight, 1))
    share = weight / (weight + 1)
    for images, _, parts in batches.epoch(1):
        assert parts is not None
        assert torch.equal(images.amax((1, 2, 3)) >= first, parts == 1)
        if len(parts) == size:  # the last batch may have fewer
            assert abs(int((parts == 0).sum()) - share * size) <= 2


def test_a_small_part_repeats_only_after_all_of_it_was_used() -> None:
    batches = Batches(two_parts(10, 50), 12, task="classification", seed=0)
    counts = np.bincount(places(batches, 1), minlength=60)
    assert counts[:10].tolist() == [3] * 10
    assert counts[10:].sum() == 30
    assert counts[10:].max() == 1
    assert places(batches, 1) != places(batches, 2)
    with pytest.raises(SeamlineError, match="mix has 3 numbers for 2 datasets"):
        Batches(two_parts(2, 2), 2, task="classification", seed=0, mix=(1, 1, 1))


def test_a_part_without_images_has_no_share() -> None:
    """As in a fold of cross-validation that lacks a small dataset."""
    split = numbered(6)
    batches = Batches(replace(split, parts=np.array([0, 0, 2, 2, 2, 2])), 6, task="classification", seed=0)
    counts = np.bincount(places(batches, 1), minlength=6)
    assert (counts[:2].sum(), counts[2:].sum()) == (3, 3)


def test_a_repeated_image_is_augmented_anew() -> None:
    split = two_parts(1, 7)
    batches = Batches(split, 8, task="classification", seed=0, augmentation=Augmentation(gamma_jitter=2))
    split.images[0] = 100
    (batch,) = batches.epoch(1)
    assert batch.parts is not None
    assert len(torch.unique(batch.images[batch.parts == 0].amax((1, 2, 3)))) == 4


def test_crops_and_perspective_move_masks_with_images() -> None:
    rng = np.random.default_rng(0)
    blobs = cv2.resize(rng.integers(0, 2, (6, 6), np.uint8), (96, 96), interpolation=cv2.INTER_NEAREST)
    images = np.repeat((blobs * 200)[None, :, :, None], 3, 3).repeat(4, 0)
    split = Split(images, blobs[None].repeat(4, 0), tuple("abcd"), np.arange(4))
    augmentation = Augmentation(perspective=0.3, crop=48, scale_jitter=0.5, aspect_jitter=0.2)
    (batch,) = Batches(split, 4, task="segmentation", seed=0, augmentation=augmentation).epoch(1)
    assert batch.images.shape == (4, 3, 48, 48)
    agree = (batch.images[:, 0] > 100).long() == batch.labels
    assert agree.float().mean() > 0.98  # but for pixels between both
    assert len({image.numpy().tobytes() for image in batch.images}) == 4


@pytest.mark.parametrize("shard", [(0, 1), (1, 2)])
def test_with_cutmix_each_column_keeps_the_part_of_its_labels(shard: tuple[int, int]) -> None:
    """Masks are the number of the part, so that each column of the labels is that of the parts."""
    parts = np.arange(12) % 3
    labels = np.broadcast_to(parts[:, None, None], (12, 16, 16)).astype(np.uint8)
    images = np.zeros((12, 16, 16, 3), np.uint8)
    split = Split(images, labels, tuple(map(str, range(12))), np.arange(12), parts)
    options = Augmentation(cutmix=0.9)
    batches = Batches(split, 6, task="segmentation", seed=0, augmentation=options, shard=shard)
    mixed = 0
    for _, targets, of_columns in batches.epoch(1):
        assert of_columns is not None
        assert torch.equal(of_columns[:, None].expand_as(targets), targets)
        mixed += int((of_columns != of_columns[:, :1]).any(1).sum())
    assert mixed > 2


def test_erased_rectangles_have_the_stated_size_and_leave_masks() -> None:
    images = np.zeros((400, 40, 30, 1), np.uint8)
    masks = (np.arange(40 * 30) % 200).reshape(40, 30).astype(np.uint8)[None].repeat(400, 0)
    split = Split(images, masks, tuple(map(str, range(400))), np.arange(400))
    (batch,) = Batches(split, 400, task="segmentation", seed=0, augmentation=Augmentation(erase=0.5)).epoch(1)
    changed = (batch.images != 0)[:, 0]
    fractions = changed.float().mean((1, 2))
    some = fractions > 0
    assert abs(float(some.float().mean()) - 0.5) < 0.1
    assert float(fractions[some].min()) > 0.01
    assert float(fractions.max()) < 0.45
    for image in changed[some]:  # a rectangle: its rows and columns in every combination
        assert torch.equal(image, image.any(1)[:, None] & image.any(0)[None])
    assert torch.equal(batch.labels, torch.from_numpy(masks.astype(np.int64)))


@pytest.mark.parametrize("parts", [None, np.array([0, 0, 0, 0, 1, 1, 1])])
def test_a_sample_is_augmented_alone_as_in_its_epoch(parts: NDArray[np.int64] | None) -> None:
    rng = np.random.default_rng(0)
    images, masks = rng.integers(0, 256, (7, 32, 32, 3), np.uint8), rng.integers(0, 3, (7, 32, 32), np.uint8)
    split = Split(images, masks, tuple(map(str, range(7))), np.arange(7), parts)
    augmentation = Augmentation(hflip=True, scale_jitter=0.3, color_jitter=0.2, cutmix=0.7, erase=0.5, train_scale=0.5)
    batches = Batches(split, 3, task="segmentation", seed=5, augmentation=augmentation)
    for epoch in (1, 2):
        expected = [(image, mask) for batch in batches.epoch(epoch) for image, mask in zip(*batch[:2], strict=True)]
        shown = [batches.augmented(np.array([sample]), epoch) for sample in range(7)]
        for image, mask in expected:
            assert parts is not None or any(
                np.array_equal(one[0][0], image.permute(1, 2, 0)) and np.array_equal(one[1][0], mask) for one in shown
            )
        for one_image, _ in shown:
            assert one_image.shape == (1, 16, 16, 3)
