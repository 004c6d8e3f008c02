import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt

from measure.masks.made import CLASSES
from seamline.data.dataset import IGNORE_INDEX, Split
from seamline.measure.masks.evaluation import Tally
from seamline.measure.masks.mistakes import NEAR, find_mistakes, find_slender, near_borders
from seamline.measure.masks.resampling import Resamples, interval

POST = CLASSES.index("post")


def tally(labels: NDArray[np.uint8], predicted: NDArray[np.uint8], groups: list[int] | None = None) -> Tally:
    count = len(labels)
    numbers = np.array(groups or range(count), dtype=np.int64)
    images = np.zeros((*labels.shape, 3), dtype=np.uint8)
    split = Split(images, labels, tuple(str(i) for i in range(count)), numbers)
    confusions = np.zeros((count, 4, 4), dtype=np.int64)
    return Tally(CLASSES, split, Resamples(numbers), predicted, confusions, np.zeros(count))


@given(st.integers(0, 10**6), st.integers(1, 12), st.integers(1, 12))
def test_near_is_the_distance_to_the_nearest_pixel_of_another_class(seed: int, height: int, width: int) -> None:
    chance = np.random.default_rng(seed)
    labels = np.kron(chance.integers(0, 3, (2, 3, 3)), np.ones((1, 4, 4), dtype=int))[:, :height, :width]
    close = near_borders(labels.astype(np.uint8))
    for image, found in zip(labels, close, strict=True):
        for k in np.unique(image):
            if (image == k).all():
                assert not found.any()
            else:
                expected = distance_transform_edt(image == k) <= NEAR
                assert np.array_equal(found[image == k], expected[image == k])


def test_a_border_with_ignored_pixels_is_none() -> None:
    labels = np.zeros((1, 9, 9), dtype=np.uint8)
    labels[:, :, 5:] = IGNORE_INDEX
    assert not near_borders(labels).any()
    labels[:, :, 8] = 1  # two pixels of gap: columns 4 and 8 are four apart
    assert not near_borders(labels)[:, :, :5].any()
    labels[:, :, 7] = 1
    assert near_borders(labels)[0, 0].tolist() == [False] * 4 + [True, False, False, True, False]


def test_shares_of_wrong_pixels_by_hand() -> None:
    """Twenty columns, the border between 9 and 10: near are columns 7..12. Wrong: column 0, column 9, half of 15."""
    labels = np.zeros((2, 10, 20), dtype=np.uint8)
    labels[:, :, 10:] = 1
    predicted = labels.copy()
    predicted[:, :, 0] = 2
    predicted[:, :, 9] = 1
    predicted[:, :5, 15] = 3
    found = find_mistakes(tally(labels, predicted))
    assert found.near[0] == pytest.approx(10 / 25)
    assert found.area[0] == pytest.approx(6 / 20)
    assert found.json()["near"]["pixels"] == 3
    assert interval(found.near) == pytest.approx((0.4, 0.4, 0.4))
    right = find_mistakes(tally(labels, labels))
    assert right.json()["near"]["share"] == {"value": None, "low": None, "high": None}


def posts(rows: slice = slice(5, 25)) -> NDArray[np.uint8]:
    """Two images of 40 x 30 pixels with a post of 4 columns."""
    labels = np.zeros((2, 40, 30), dtype=np.uint8)
    labels[:, rows, 10:14] = POST
    return labels


def test_ends_and_middles_by_hand() -> None:
    """A post of 20 rows: fifths of 4. The first image misses 3 rows at its top and 1 in its middle."""
    labels = posts()
    predicted = labels.copy()
    predicted[0, 5:8] = 0
    predicted[0, 15] = 0
    found = find_slender(tally(labels, predicted), POST)
    assert found is not None
    assert found.regions == 2
    assert found.found["top"][0] == pytest.approx(5 / 8)
    assert found.found["middle"][0] == pytest.approx(23 / 24)
    assert found.found["bottom"][0] == 1
    assert interval(found.found["top"]).low == pytest.approx(1 / 4)
    written = find_mistakes(tally(labels, predicted)).json()["parts"]
    assert list(written) == ["post"]
    assert written["post"]["regions"] == 2


@pytest.mark.parametrize("rows", [slice(0, 20), slice(20, 40)])
def test_regions_cut_by_the_image_are_left_out(rows: slice) -> None:
    labels = posts(rows)
    assert find_slender(tally(labels, labels), POST) is None


def test_most_regions_must_be_slender() -> None:
    labels = posts()
    labels[:, 30:34, 1:5] = POST  # a square each: half of the regions are slender
    asked = find_slender(tally(labels, labels), POST)
    assert asked is not None
    assert asked.regions == 2
    labels[0, 30:34, 20:24] = POST
    assert find_slender(tally(labels, labels), POST) is None
    labels[0, 30:34, 20:24] = 0
    labels[0, 30:33, 20:23] = POST  # nine pixels are too few to count
    assert find_slender(tally(labels, labels), POST) is not None


def test_the_rule_of_slender() -> None:
    for rows, slender in ((slice(5, 17), True), (slice(5, 16), False)):
        labels = posts(rows)
        assert (find_slender(tally(labels, labels), POST) is not None) == slender
    wide = posts(slice(5, 25))
    wide[:, 5:25, 10:17] = POST  # 20 x 7 is less than three times as high as wide
    assert find_slender(tally(wide, wide), POST) is None
