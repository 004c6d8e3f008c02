import math

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from seamline.data.dataset import IGNORE_INDEX, Split
from seamline.evaluation.novelty import fit_novelty, measure_novelty, split_features
from seamline.inference.novelty import novelty_ratios
from seamline.inference.tta import TTA
from seamline.models.blocks import BaseModel, Normalize


class MeanColor(BaseModel):
    """A model whose features are the mean red and green of an image."""

    def __init__(self) -> None:
        super().__init__()
        self.normalize = Normalize(3)
        self.weight = nn.Parameter(torch.zeros(1))

    def pooled_features(self, pixels: Tensor) -> Tensor:
        return pixels[:, :2].mean((2, 3))


def plain(colors: list[tuple[int, int]], groups: list[int] | None = None) -> Split:
    """Images of one color each."""
    images = np.zeros((len(colors), 4, 4, 3), np.uint8)
    images[..., :2] = np.array(colors)[:, None, None]
    number = np.arange(len(colors))
    names = tuple(map(str, number))
    return Split(images, np.zeros(len(colors), np.int64), names, number if groups is None else np.array(groups))


MODEL = TTA(MeanColor(), hflip=False)
TRAIN = plain([(0, 0), (10, 200), (20, 0), (30, 200)])  # standard deviations: the square root of 125, and 100


def test_the_threshold_by_hand() -> None:
    """19 images 1, 2, … 19 levels of red from the nearest: the threshold is the last, the 19th of 20 x 0.95."""
    novelty = fit_novelty(MODEL, TRAIN, plain([(30 + i, 200) for i in range(1, 20)]), "classification")
    assert (novelty.images, novelty.groups) == (19, 19)
    known = novelty.reference
    assert known is not None
    assert known.threshold == pytest.approx(19 / math.sqrt(125), rel=1e-2)  # features are stored in half precision
    assert known.size == (4, 2)
    ratios = novelty_ratios(np.array([[30, 200], [49, 200], [30, 180], [200, 200]], np.float32), known)
    np.testing.assert_allclose(ratios, [0, 1, 0.2 / (19 / math.sqrt(125)), 170 / 19], atol=0.02)
    test = plain([(30, 200), (35, 200), (60, 200), (200, 200)])
    flagged = measure_novelty(MODEL, test, "classification", novelty).flagged
    assert flagged.value == 0.5
    assert flagged.low < 0.5 < flagged.high


def test_too_few_groups_give_no_threshold() -> None:
    colors = [(30 + i, 200) for i in range(1, 20)]
    few = fit_novelty(MODEL, TRAIN, plain(colors[:18]), "classification")
    grouped = fit_novelty(MODEL, TRAIN, plain(colors, [0, 0, *range(17)]), "classification")
    assert few.reference is grouped.reference is None
    assert measure_novelty(MODEL, TRAIN, "classification", few) == few
    assert math.isnan(few.flagged.value)


def test_images_equal_to_training_images_give_no_threshold() -> None:
    """A threshold of 0 would make every other image novel."""
    assert fit_novelty(MODEL, TRAIN, plain([(0, 0)] * 30), "classification").reference is None


def test_margins_of_padded_images_are_left_out() -> None:
    split = plain([(100, 50), (7, 9)])
    masks = np.zeros((2, 4, 4), np.uint8)
    split.images[0, 2:] = split.images[0, :, 3:] = 0
    masks[0, 2:] = masks[0, :, 3:] = IGNORE_INDEX
    masks[1] = IGNORE_INDEX  # no label at all
    features = split_features(MODEL, Split(split.images, masks, split.names, split.groups), "segmentation")
    np.testing.assert_allclose(features, [[100, 50], [7, 9]])
    assert split_features(MODEL, split, "classification")[0, 0] == pytest.approx(100 * 6 / 16)


def test_what_is_shown_and_not_labeled_is_no_margin() -> None:
    split = plain([(100, 50)])
    split.images[0, 2:, :, 0] = 20
    masks = np.full((1, 4, 4), IGNORE_INDEX, np.uint8)
    masks[0, 0, 0] = 1
    features = split_features(MODEL, Split(split.images, masks, split.names, split.groups), "segmentation")
    np.testing.assert_allclose(features, [[60, 50]])


def test_constant_features_tell_nothing() -> None:
    """They are stored in half precision, whose largest number they exceed once divided by a tiny deviation."""
    novelty = fit_novelty(MODEL, plain([(200, 200)] * 4), plain([(200, 200)] * 19), "classification")
    assert novelty.reference is None
