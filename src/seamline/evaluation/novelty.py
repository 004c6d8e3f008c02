"""Sets the threshold above which images are unlike the training images."""

import math

import msgspec
import numpy as np
from numpy.typing import NDArray

from seamline.data.dataset import IGNORE_INDEX, Split
from seamline.evaluation.bootstrap import GroupBootstrap
from seamline.evaluation.conformal import conformal_quantile
from seamline.inference.forward import predict_features
from seamline.inference.novelty import nearest_distances, novelty_ratios, scale_features
from seamline.inference.tta import TTA
from seamline.run_folder import Novelty, NoveltyReference, Task

FALSE_ALARM_RATE = 0.05
"""Fraction of images like the validation images that count as novel."""

MAX_IMAGES = 1_000
"""Images of a split whose features are computed at most, evenly spaced."""

MAX_BYTES = 640_000
"""Bytes of the stored features at most."""

_MIN_DEVIATION = 0.1  # of a feature, as a fraction of the median one: constant features are not enlarged without end
_TINY = 1e-6  # of a standard deviation, where most features are constant
_TEST_STREAM = 2  # random stream of the bootstrap of test images


def fit_novelty(model: TTA, train: Split, val: Split, task: Task) -> Novelty:
    """Set the threshold so that a stated fraction of images like the validation images count as novel.

    The distance of an image is that to the nearest training image in the space of pooled features, each divided by its
    standard deviation (Sun, Ming, Zhu, Li, Out-of-distribution detection with deep nearest neighbors, ICML 2022). The
    threshold is a conformal quantile of the distances of validation images.

    Args:
        model: the model.
        train: the training images.
        val: the validation images.
        task: what the model predicts.

    Returns:
        The features and the threshold, none where there are too few groups; the test images are not measured yet.
    """
    val = val.evenly_spaced(MAX_IMAGES)
    of_val = split_features(model, val, task)
    count = min(MAX_IMAGES, max(1, MAX_BYTES // (2 * of_val.shape[1])))
    of_train = split_features(model, train.evenly_spaced(count), task)
    deviations = of_train.std(0)
    scales = 1 / np.maximum(deviations, _MIN_DEVIATION * np.median(deviations) + np.float32(_TINY))
    references = scale_features(of_train, scales).astype("<f2")
    distances = nearest_distances(scale_features(of_val, scales), references.astype(np.float32))
    threshold = conformal_quantile(distances, val.groups, FALSE_ALARM_RATE)
    result = Novelty(images=len(val), groups=len(np.unique(val.groups)))
    if not 0 < threshold < math.inf:
        return result
    reference = NoveltyReference(
        false_alarm_rate=FALSE_ALARM_RATE,
        threshold=threshold,
        size=references.shape,
        scales=scales.astype("<f4").tobytes(),
        features=references.tobytes(),
    )
    return msgspec.structs.replace(result, reference=reference)


def measure_novelty(model: TTA, test: Split, task: Task, novelty: Novelty) -> Novelty:
    """Measure which fraction of test images count as novel.

    Args:
        model: the model.
        test: the test images.
        task: what the model predicts.
        novelty: what tells novel images.

    Returns:
        The same with this fraction.
    """
    if novelty.reference is None:
        return novelty
    test = test.evenly_spaced(MAX_IMAGES)
    flagged = novelty_ratios(split_features(model, test, task), novelty.reference) > 1
    bootstrap = GroupBootstrap(test.groups, _TEST_STREAM, one_label=True)
    return msgspec.structs.replace(novelty, flagged=bootstrap.fraction(flagged, np.ones(len(test))).estimate)


def split_features(model: TTA, split: Split, task: Task) -> NDArray[np.float32]:
    """Return the pooled features of the images of a split, (N, D) float32, without the margins of padded images."""
    if task == "classification":
        return predict_features(model, split.images)
    return np.concatenate([predict_features(model, _without_margin(split, index)) for index in range(len(split))])


def _without_margin(split: Split, index: int) -> NDArray[np.uint8]:
    """Return an image (1, h, w, C) uint8 of a segmenter without the rows and columns at its end that are padding.

    Images of a folder that have other proportions than most are padded there with black pixels that are not labeled;
    photos to predict are not.
    """
    image = split.images[index]
    shown = (split.labels[index] != IGNORE_INDEX) | image.any(2)
    rows, columns = (np.flatnonzero(shown.any(axis)) for axis in (1, 0))
    bottom, right = (int(ends[-1]) + 1 if len(ends) else None for ends in (rows, columns))
    return np.ascontiguousarray(image[np.newaxis, :bottom, :right])
