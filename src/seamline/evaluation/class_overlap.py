"""How much classes resemble each other: the overlap of their mean images and of their outlines."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from seamline.data.dataset import Split
from seamline.evaluation.bootstrap import GroupBootstrap
from seamline.evaluation.confidence import Z
from seamline.evaluation.image_properties import MIN_CONTRAST, THUMBNAIL_SIDE, common_background, grays
from seamline.run_folder import ABSENT, Estimate

Pair = tuple[int, int]


class _Overlap(NamedTuple):
    """An overlap and its derivative."""

    value: float
    influence: NDArray[np.float64]  # (N,), what each image adds to the error of the value


@dataclass(frozen=True, eq=False)
class ClassOverlap:
    """Mean images of classes, and how much they overlap.

    The overlap of two mean images is the sum over pixels of the smaller value, divided by that of the larger one (the
    Ruzicka similarity): 1 where they are equal, 0 where they share no bright pixel. Intervals are normal ones; the
    variance is that of the infinitesimal jackknife (Efron, *The Jackknife, the Bootstrap and Other Resampling Plans*,
    1982) over groups of images.
    """

    pixels: NDArray[np.float32]  # (N, P) float32 of 0 or more: images without their background, or outlines
    labels: NDArray[np.int64]  # (N,) int64
    groups: NDArray[np.int64]  # (N,) int64
    n_classes: int  # K

    @cached_property
    def means(self) -> NDArray[np.float64]:
        """(K, P) float64, the mean of each class; NaN for one without images."""
        none = np.full(self.pixels.shape[1], np.nan)
        of_class = (self.pixels[self.labels == k] for k in range(self.n_classes))
        return np.stack([each.mean(0, dtype=np.float64) if len(each) else none for each in of_class])

    @cached_property
    def _bootstrap(self) -> GroupBootstrap:
        return GroupBootstrap(self.groups)

    @cached_property
    def _groups_of_class(self) -> NDArray[np.int64]:
        """(K,) int64, the number of groups with an image of each class."""
        labels, _ = np.unique(np.stack([self.labels, self.groups]), axis=1)
        return np.bincount(labels, minlength=self.n_classes)

    def between(self, first: int, second: int) -> Estimate:
        """Return the overlap of two classes."""
        return self.mean([(first, second)])

    def mean(self, pairs: Iterable[Pair], others: Iterable[Pair] = ()) -> Estimate:
        """Return the mean overlap of pairs of classes, or how much larger it is than that of other pairs.

        Args:
            pairs: pairs of different classes.
            others: pairs whose mean is subtracted; none subtracts nothing.

        Returns:
            The mean; absent where there are no pairs, or a class has no images. Without an interval where a class has
            fewer than two groups, whose variance is not known.
        """
        total, influence, fewest = 0.0, np.zeros(len(self.labels)), 2
        for sign, some in ((1, list(pairs)), (-1, list(others))):
            if not some and sign > 0:
                return ABSENT
            for pair in some:
                one = self._overlap(*pair)
                total += sign * one.value / len(some)
                influence += sign * one.influence / len(some)
                fewest = min(fewest, *self._groups_of_class[list(pair)])
        if np.isnan(total):
            return ABSENT
        if fewest < 2:
            return Estimate(total)
        groups = self._bootstrap.sum_by_group(influence)
        margin = Z * float(np.sqrt((groups**2).sum() * len(groups) / (len(groups) - 1)))
        return Estimate(total, total - margin, total + margin)

    def _overlap(self, first: int, second: int) -> _Overlap:
        a, b = self.means[first], self.means[second]
        smaller, larger = float(np.minimum(a, b).sum()), float(np.maximum(a, b).sum())
        influence = np.zeros(len(self.labels))
        if not larger > 0:
            return _Overlap(float("nan"), influence)
        value = smaller / larger
        for k, own, other in ((first, a, b), (second, b, a)):
            below = np.where(own == other, 0.5, own < other)  # whether the own value is the smaller one
            slope = (below - value * (1 - below)) / larger
            of_class = self.labels == k
            influence[of_class] = (self.pixels[of_class] @ slope - own @ slope) / of_class.sum()
        return _Overlap(value, influence)


class Overlaps(NamedTuple):
    """Overlaps of the classes of a split."""

    images: ClassOverlap  # of their mean images, without the background
    outlines: ClassOverlap | None  # of their outlines; None where images have no common background
    size: tuple[int, int]  # height and width of the means


def class_overlaps(split: Split, n_classes: int) -> Overlaps:
    """Prepare the overlaps of classes.

    Args:
        split: images to classify.
        n_classes: number of classes K.

    Returns:
        The overlaps, of thumbnails.
    """
    gray = grays(split.images, THUMBNAIL_SIDE)
    background = common_background(gray)
    contrast = gray if background is None else np.abs(gray - background)
    labels = np.asarray(split.labels[:])

    def overlap(pixels: NDArray[np.float32]) -> ClassOverlap:
        return ClassOverlap(pixels.reshape(len(gray), -1), labels, split.groups, n_classes)

    outlines = None if background is None else overlap((contrast >= MIN_CONTRAST).astype(np.float32))
    return Overlaps(overlap(contrast), outlines, (gray.shape[1], gray.shape[2]))
