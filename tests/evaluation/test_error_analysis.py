import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt

from evaluation.factories import CLASSES, ends
from seamline.data.dataset import IGNORE_INDEX, Split
from seamline.evaluation.bootstrap import GroupBootstrap
from seamline.evaluation.counts import SplitCounts, confusion_counts
from seamline.evaluation.error_analysis import BOUNDARY_PIXELS, analyze_errors, find_thin_regions, near_boundary
from seamline.evaluation.evaluate import Evaluation, SampledLogits

POST = CLASSES.index("post")


def evaluation(labels: NDArray[np.uint8], predicted: NDArray[np.uint8], groups: list[int] | None = None) -> Evaluation:
    count = len(labels)
    numbers = np.array(groups or range(count), dtype=np.int64)
    images = np.zeros((*labels.shape, 3), dtype=np.uint8)
    split = Split(images, labels, tuple(str(i) for i in range(count)), numbers)
    masks = (labels.reshape(count, -1), predicted.reshape(count, -1))
    valid = masks[0] != IGNORE_INDEX
    counts = SplitCounts(CLASSES, GroupBootstrap(numbers), confusion_counts(*masks, valid, 4), np.zeros(count))
    nothing = np.zeros((count, 0), np.uint8)
    sample = SampledLogits(np.zeros((count, 4, 0), np.float32), nothing, nothing, valid[:, :0])
    return Evaluation("segmentation", split, predicted, counts, sample)


@given(st.integers(0, 10**6), st.integers(1, 12), st.integers(1, 12))
def test_near_is_the_distance_to_the_nearest_pixel_of_another_class(seed: int, height: int, width: int) -> None:
    chance = np.random.default_rng(seed)
    labels = np.kron(chance.integers(0, 3, (2, 3, 3)), np.ones((1, 4, 4), dtype=int))[:, :height, :width]
    close = near_boundary(labels.astype(np.uint8))
    for image, found in zip(labels, close, strict=True):
        for k in np.unique(image):
            if (image == k).all():
                assert not found.any()
            else:
                expected = distance_transform_edt(image == k) <= BOUNDARY_PIXELS
                assert np.array_equal(found[image == k], expected[image == k])


def test_a_border_with_ignored_pixels_is_none() -> None:
    labels = np.zeros((1, 9, 9), dtype=np.uint8)
    labels[:, :, 5:] = IGNORE_INDEX
    assert not near_boundary(labels).any()
    labels[:, :, 8] = 1  # two pixels of gap: columns 4 and 8 are four apart
    assert not near_boundary(labels)[:, :, :5].any()
    labels[:, :, 7] = 1
    assert near_boundary(labels)[0, 0].tolist() == [False] * 4 + [True, False, False, True, False]


def test_shares_of_wrong_pixels_by_hand() -> None:
    """Twenty columns, the border between 9 and 10: near are columns 7..12. Wrong: column 0, column 9, half of 15."""
    labels = np.zeros((2, 10, 20), dtype=np.uint8)
    labels[:, :, 10:] = 1
    predicted = labels.copy()
    predicted[:, :, 0] = 2
    predicted[:, :, 9] = 1
    predicted[:, :5, 15] = 3
    found = analyze_errors(evaluation(labels, predicted))
    assert found.fraction.estimate.value == pytest.approx(10 / 25)
    assert found.boundary_fraction.estimate.value == pytest.approx(6 / 20)
    assert found.summary().boundary.pixels == 3
    assert ends(found.fraction.estimate) == pytest.approx((0.4, 0.4, 0.4))
    right = analyze_errors(evaluation(labels, labels))
    assert not right.summary().boundary.fraction.present


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
    found = find_thin_regions(evaluation(labels, predicted), POST)
    assert found is not None
    assert found.regions == 2
    assert found.recall["top"].estimate.value == pytest.approx(5 / 8)
    assert found.recall["middle"].estimate.value == pytest.approx(23 / 24)
    assert found.recall["bottom"].estimate.value == 1
    assert found.recall["top"].estimate.low == pytest.approx(1 / 4)
    written = analyze_errors(evaluation(labels, predicted)).summary().thin_regions
    assert list(written) == ["post"]
    assert written["post"].regions == 2


@pytest.mark.parametrize("rows", [slice(0, 20), slice(20, 40)])
def test_regions_cut_by_the_image_are_left_out(rows: slice) -> None:
    labels = posts(rows)
    assert find_thin_regions(evaluation(labels, labels), POST) is None


def test_most_regions_must_be_slender() -> None:
    labels = posts()
    labels[:, 30:34, 1:5] = POST  # a square each: half of the regions are slender
    asked = find_thin_regions(evaluation(labels, labels), POST)
    assert asked is not None
    assert asked.regions == 2
    labels[0, 30:34, 20:24] = POST
    assert find_thin_regions(evaluation(labels, labels), POST) is None
    labels[0, 30:34, 20:24] = 0
    labels[0, 30:33, 20:23] = POST  # nine pixels are too few to count
    assert find_thin_regions(evaluation(labels, labels), POST) is not None


def test_the_rule_of_slender() -> None:
    for rows, slender in ((slice(5, 17), True), (slice(5, 16), False)):
        labels = posts(rows)
        assert (find_thin_regions(evaluation(labels, labels), POST) is not None) == slender
    wide = posts(slice(5, 25))
    wide[:, 5:25, 10:17] = POST  # 20 x 7 is less than three times as high as wide
    assert find_thin_regions(evaluation(wide, wide), POST) is None
