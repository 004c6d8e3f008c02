import os
from itertools import combinations
from typing import NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from seamline.synthetic import fashion
from seamline.synthetic.fashion import CLASSES

TRAIN, TEST = 3000, 1000


class Split(NamedTuple):
    """What `draw` returns."""

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]


@pytest.fixture(scope="module")
def train() -> Split:
    return Split(*fashion.generate(TRAIN, 5))


@pytest.fixture(scope="module")
def test() -> Split:
    return Split(*fashion.generate(TEST, 5, "test"))


def distinct(images: NDArray[np.uint8]) -> set[bytes]:
    return {image.tobytes() for image in images}


def test_shapes_and_types(train: Split, test: Split) -> None:
    for split, count in ((train, TRAIN), (test, TEST)):
        assert split.images.shape == (count, 28, 28, 1)
        assert split.images.dtype == np.uint8
        assert split.labels.shape == (count,)
        assert split.labels.dtype == np.int64


def test_every_hundred_holds_ten_of_each_class_in_another_order(train: Split) -> None:
    hundreds = train.labels.reshape(-1, 100)
    for hundred in hundreds:
        np.testing.assert_array_equal(np.bincount(hundred, minlength=10), 10)
    assert len({hundred.tobytes() for hundred in hundreds}) == len(hundreds)


def test_images_depend_on_the_seed_and_not_on_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    many, labels = fashion.generate(2100, 3)
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    again, labels_again = fashion.generate(2100, 3)
    np.testing.assert_array_equal(many, again)
    np.testing.assert_array_equal(labels, labels_again)


@pytest.mark.parametrize("count", [0, 1, 100, 1001])
def test_fewer_images_are_the_first_of_more(train: Split, count: int) -> None:
    images, labels = fashion.generate(count, 5)
    np.testing.assert_array_equal(images, train.images[:count])
    np.testing.assert_array_equal(labels, train.labels[:count])


def test_no_image_repeats_in_train_test_or_another_seed(train: Split, test: Split) -> None:
    first, second = distinct(train.images), distinct(test.images)
    other = distinct(fashion.generate(1000, 6)[0])
    assert (len(first), len(second), len(other)) == (TRAIN, TEST, 1000)
    assert len(first | second | other) == TRAIN + TEST + 1000


def test_garments_are_light_on_black_and_fill_the_image(train: Split) -> None:
    for label, name in enumerate(CLASSES):
        images = train.images[train.labels == label, :, :, 0]
        assert (images == 0).mean() > 0.25, name
        assert (images > 20).mean(axis=(1, 2)).min() > 0.05, name  # 20: brighter than the faint rim of an edge
        # The larger side of nearly every garment reaches across most of the image.
        sides = np.maximum((images > 20).any(axis=1).sum(axis=1), (images > 20).any(axis=2).sum(axis=1))
        assert np.median(sides) >= 22, name


def test_shoes_point_left(train: Split) -> None:
    for name in ("Sneaker", "Ankle boot"):
        images = train.images[train.labels == CLASSES.index(name), :, :, 0]
        height = (images > 20).sum(axis=1)
        assert (height[:, 18:25].mean(axis=1) > height[:, 3:10].mean(axis=1)).mean() > 0.95, name


def test_trousers_have_two_legs(train: Split) -> None:
    images = train.images[train.labels == CLASSES.index("Trouser"), :, :, 0].astype(float)
    low = images[:, 20, :]
    assert low[:, 10:18].min(axis=1).mean() < 0.4 * low.max(axis=1).mean()


def test_every_class_differs_from_every_other(train: Split) -> None:
    # Two halves of one class measure how far averages of this many images differ by chance.
    pixels = train.images.reshape(TRAIN, -1).astype(np.float64)
    first, second = [], []
    for label in range(10):
        own = pixels[train.labels == label]
        first.append(own[::2].mean(axis=0))
        second.append(own[1::2].mean(axis=0))
    by_chance = max(np.linalg.norm(a - b) for a, b in zip(first, second, strict=True))
    for one, other in combinations(range(10), 2):
        apart = np.linalg.norm((first[one] + second[one] - first[other] - second[other]) / 2)
        assert apart > 1.2 * by_chance, (CLASSES[one], CLASSES[other])


def test_a_linear_model_does_not_separate_the_classes_and_shirts_are_hardest(train: Split, test: Split) -> None:
    pixels, unseen = (split.images.reshape(len(split.images), -1) / 255 for split in (train, test))
    # So few images need a strong pull to small weights, or the model learns them by heart.
    model = LogisticRegression(C=0.02, max_iter=300).fit(pixels, train.labels)
    right = model.predict(unseen) == test.labels
    assert 0.6 < right.mean() < 0.9
    per_class = [right[test.labels == label].mean() for label in range(10)]
    assert CLASSES[int(np.argmin(per_class))] == "Shirt"
