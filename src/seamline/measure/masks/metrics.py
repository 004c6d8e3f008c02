"""Figures over pixels, of each class and of all: each a short formula on confusion matrices or rankings."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seamline.measure.intervals import Interval
from seamline.measure.masks.evaluation import MaskEvaluation, Tally
from seamline.measure.masks.resampling import RESAMPLES, Figure, interval, ratio

Counts = NDArray[np.float64]


@dataclass(frozen=True)
class PixelMetric:
    """A figure for each class.

    Attributes:
        definition: what it is, in a sentence.
        values: (..., K, K) pixels, row the true class -> (..., K), NaN where there is nothing to measure.
    """

    definition: str
    values: Callable[[Counts], NDArray[np.float64]]


def share(confusion: Counts) -> NDArray[np.float64]:
    """Return the share of all pixels that is of each class."""
    return ratio(confusion.sum(-1), confusion.sum((-2, -1))[..., None])


def iou(confusion: Counts) -> NDArray[np.float64]:
    """Return the intersection over union of each class, TP / (TP + FP + FN)."""
    hits = _hits(confusion)
    return ratio(hits, confusion.sum(-1) + confusion.sum(-2) - hits)


def found(confusion: Counts) -> NDArray[np.float64]:
    """Return, of each class's own pixels, the share given that class."""
    return ratio(_hits(confusion), confusion.sum(-1))


def trusted(confusion: Counts) -> NDArray[np.float64]:
    """Return, of the pixels given each class, the share that is of that class."""
    return ratio(_hits(confusion), confusion.sum(-2))


def f1(confusion: Counts) -> NDArray[np.float64]:
    """Return F1 of each class, 2 TP / (2 TP + FP + FN)."""
    return ratio(2 * _hits(confusion), confusion.sum(-1) + confusion.sum(-2))


def _hits(confusion: Counts) -> NDArray[np.float64]:
    return np.diagonal(confusion, axis1=-2, axis2=-1)


PIXEL_METRICS: dict[str, PixelMetric] = {
    "share": PixelMetric("of all pixels, the share that is of the class", share),
    "iou": PixelMetric("intersection over union, TP / (TP + FP + FN), of pixels", iou),
    "accuracy": PixelMetric("of the pixels of the class, the share labelled right; the same as recall", found),
    "precision": PixelMetric("of the pixels given this label, the share that deserves it", trusted),
    "f1": PixelMetric("harmonic mean of precision and recall, 2 TP / (2 TP + FP + FN), of pixels", f1),
}

RANKED: dict[str, tuple[str, str]] = {
    "ap": ("raw", "average precision over all pixels of the split pooled, ranked by raw scores"),
    "ap_softmax": ("softmax", "average precision over all pixels of the split pooled, ranked by softmax"),
}
"""Figure -> what pixels are ranked by, and its definition."""


@dataclass(frozen=True, eq=False)
class Figures:
    """The figures of a split, each with its resamples in front of the other axes.

    Attributes:
        classes: K class names.
        images: how many.
        groups: how many.
        pixels: how many count.
        confusion: (1 + R, K, K) pixels.
        accuracy: (1 + R,), the share of pixels labelled right.
        loss: (1 + R,), mean negative log likelihood of a pixel, in nats.
        per_class: figure -> (1 + R, K), NaN where a class is absent.
        slack: figure -> (K, 2), how far below and above its value it may lie because scores were counted into bins.
    """

    classes: tuple[str, ...]
    images: int
    groups: int
    pixels: int
    confusion: Figure
    accuracy: Figure
    loss: Figure
    per_class: dict[str, Figure]
    slack: dict[str, NDArray[np.float64]]

    def over_classes(self, name: str) -> Figure:
        """Return the mean of a figure over the classes that are present: (1 + R,).

        A resample that happens to show none of a class's pixels is NaN: it has no mean of the same classes.
        """
        values = self.per_class[name]
        present = ~np.isnan(values[0])
        return values[:, present].mean(1) if present.any() else values[:, 0]


def figures_of(tally: Tally, evaluation: MaskEvaluation | None = None) -> Figures:
    """Work out all figures of a split.

    A class without a true pixel is NaN in all of them.

    Args:
        tally: what was answered.
        evaluation: of the same, where rankings are wanted too.
    """
    resamples = tally.resamples
    confusion, pixels = resamples.totals(tally.confusions), resamples.totals(tally.pixels)
    values = {name: metric.values(confusion) for name, metric in PIXEL_METRICS.items()}
    slack = {}
    if evaluation is not None:
        for name, (way, _) in RANKED.items():
            ranked = evaluation.rankings[way]
            values[name] = np.stack([ranking.figure(resamples) for ranking in ranked], axis=1)
            slack[name] = np.array([[ranking.value - ranking.low, ranking.high - ranking.value] for ranking in ranked])
    for value in values.values():
        value[confusion.sum(2) == 0] = np.nan
    right = _hits(confusion).sum(1)
    return Figures(
        tally.classes,
        len(tally.split),
        resamples.count,
        int(pixels[0]),
        confusion,
        ratio(right, pixels),
        ratio(resamples.totals(tally.losses), pixels),
        values,
        slack,
    )


def interval_of(figures: Figures, name: str, place: int) -> Interval:
    """Return a figure of one class with its interval, which holds what bins leave open too."""
    return _widened(
        interval(figures.per_class[name][:, place]), figures.slack.get(name, np.zeros((place + 1, 2)))[place]
    )


def mean_of(figures: Figures, name: str) -> Interval:
    """Return the mean of a figure over the classes that are present, with its interval."""
    slack = figures.slack.get(name, np.zeros((1, 2)))
    known = ~np.isnan(slack[:, 0])
    mean = interval(figures.over_classes(name))
    return _widened(mean, slack[known].mean(0)) if known.any() else mean


def _widened(around: Interval, slack: NDArray[np.float64]) -> Interval:
    below, above = (float(number) for number in slack)
    return Interval(around.value, around.low - below, around.high + above)


def summarise(figures: Figures) -> dict[str, Any]:
    """Return all figures of a ranked split as `scores.json` holds them."""
    order = ("share", *RANKED, *(name for name in PIXEL_METRICS if name != "share"))
    return {
        "images": figures.images,
        "groups": figures.groups,
        "pixels": figures.pixels,
        "accuracy": interval(figures.accuracy).json(),
        "loss": interval(figures.loss).json(),
        **{f"mean_{name}": mean_of(figures, name).json() for name in ("ap", "ap_softmax", "iou")},
        "per_class": {
            label: {name: interval_of(figures, name, place).json() for name in order}
            for place, label in enumerate(figures.classes)
        },
    }


def summarise_whole(figures: Figures) -> dict[str, Any]:
    """Return the figures of a split that was not ranked: of the training images."""
    return {
        "images": figures.images,
        "accuracy": interval(figures.accuracy).json(),
        "loss": interval(figures.loss).json(),
        "mean_iou": interval(figures.over_classes("iou")).json(),
    }


def definitions() -> dict[str, str]:
    """Return what each figure means, for the page."""
    return {
        "intervals": (
            f"95 %, from {RESAMPLES:,} resamples of groups of related images; none where there are no two groups"
        ),
        "accuracy of a split": "the share of all pixels labelled right",
        "loss": "mean negative log likelihood of a pixel's true class, in nats",
        "mean_ap": "mean of the average precision by raw scores over the classes present",
        "mean_ap_softmax": "mean of the average precision by softmax over the classes present",
        "mean_iou": "mean of the intersection over union over the classes present",
        **{f"{name} of a class": definition for name, (_, definition) in RANKED.items()},
        **{f"{name} of a class": metric.definition for name, metric in PIXEL_METRICS.items()},
    }
