import dataclasses

import numpy as np
import pytest

from seamline.data.dataset import Dataset, Split


def test_select_keeps_images_labels_names_and_groups(sides: Dataset) -> None:
    part = sides.train.select(np.array([7, 2]))
    assert part.names == (sides.train.names[7], sides.train.names[2])
    assert np.array_equal(part.images[1], sides.train.images[2])
    assert part.labels.tolist() == sides.train.labels[[7, 2]].tolist()
    assert part.groups.tolist() == [7, 2]


def test_images_are_chosen_evenly(sides: Dataset) -> None:
    split = sides.train.select(np.arange(7))
    assert split.evenly_spaced(3).names == tuple(split.names[index] for index in (0, 3, 6))
    assert split.evenly_spaced(1).names == split.names[:1]
    assert split.evenly_spaced(7) is split.evenly_spaced(100) is split


def test_splits_are_joined_in_order(sides: Dataset) -> None:
    split = sides.train
    both = split.concat(sides.test, split)
    assert both.names == (*split.names, *sides.test.names, *split.names)
    assert np.array_equal(both.labels[len(split) :], [*sides.test.labels, *split.labels])
    assert split.concat() is split
    numbered = dataclasses.replace(split, parts=np.zeros(len(split), np.int64))
    assert numbered.concat(split).parts is None
    assert numbered.concat(numbered).parts is not None


def test_the_fingerprint_depends_on_the_data(sides: Dataset) -> None:
    again = dataclasses.replace(sides, name="other", source="elsewhere")
    assert again.fingerprint == sides.fingerprint
    changed = sides.test.images.copy()
    changed[3, 4, 5, 0] ^= 1
    other = dataclasses.replace(sides, test=dataclasses.replace(sides.test, images=changed))
    assert other.fingerprint != sides.fingerprint
    assert dataclasses.replace(sides, classes=("a", "b", "c")).fingerprint != sides.fingerprint


def test_arrays_of_unequal_length_are_refused() -> None:
    images = np.zeros((3, 4, 4, 1), dtype=np.uint8)
    with pytest.raises(ValueError, match="one length"):
        Split(images, np.zeros(2, dtype=np.int64), ("a", "b", "c"), np.arange(3))
    with pytest.raises(ValueError, match="uint8"):
        Split(images[..., 0], np.zeros(3, dtype=np.int64), ("a", "b", "c"), np.arange(3))


def masks(values: list[int], size: int = 4) -> Split:
    """One image for each value, its mask full of it."""
    images = np.zeros((len(values), size, size, 3), dtype=np.uint8)
    labels = np.stack([np.full((size, size), value, dtype=np.uint8) for value in values])
    return Split(images, labels, tuple(map(str, values)), np.arange(len(values)))


@pytest.mark.parametrize(
    ("train", "test", "colors", "words"),
    [
        (masks([0, 7]), masks([1]), 2, "labels must be 0..1, got 0..7"),
        (masks([0, 1]), masks([1], size=5), 2, "have one size"),
        (masks([0, 1]), masks([1]), 0, "2 classes does not fit a palette of 0 colors"),
    ],
)
def test_inconsistent_datasets_are_refused(train: Split, test: Split, colors: int, words: str) -> None:
    black = ((0, 0, 0), (9, 9, 9))[:colors]
    with pytest.raises(ValueError, match=words):
        Dataset("made", "Made", ("a", "b"), train, test, "a test", palette=black, task="segmentation")


def test_mask_datasets_can_ignore_pixels_and_get_new_groups() -> None:
    data = Dataset(
        "made",
        "Made",
        ("a", "b"),
        masks([0, 255]),
        masks([1]),
        "a test",
        palette=((0, 0, 0),) * 2,
        has_groups=False,
        task="segmentation",
    )
    assert data.task == "segmentation"
    grouped = data.with_groups(np.array([5, 5, 5]))
    assert grouped.has_groups
    assert grouped.train.groups.tolist() == [5, 5]
    assert grouped.fingerprint != data.fingerprint
