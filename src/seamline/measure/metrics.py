"""Figures per class: each a short formula on the confusion matrix."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seamline.measure.evaluation import Evaluation
from seamline.measure.intervals import Interval, mean, wilson

Counts = NDArray[np.int64]


@dataclass(frozen=True)
class Metric:
    """A figure for each class.

    Attributes:
        definition: what it is, in a sentence.
        intervals: (K, K) confusion matrix -> K intervals.
    """

    definition: str
    intervals: Callable[[Counts], list[Interval]]


def found(confusion: Counts) -> list[Interval]:
    """Return, of each class's own images, the share given that class."""
    return [wilson(hit, of) for hit, of in zip(np.diagonal(confusion), confusion.sum(1), strict=True)]


def trusted(confusion: Counts) -> list[Interval]:
    """Return, of the images given each class, the share that is of that class."""
    return [wilson(hit, of) for hit, of in zip(np.diagonal(confusion), confusion.sum(0), strict=True)]


def f1(confusion: Counts) -> list[Interval]:
    """Return F1 of each class, 2 TP / (2 TP + FP + FN).

    F1 = 2 J / (1 + J) grows with J = TP / (TP + FP + FN), a share of images: those that carry the class in truth or
    in answer. Its interval is that of J (Wilson), sent through the same formula.
    """
    hits, either = np.diagonal(confusion), confusion.sum(0) + confusion.sum(1) - np.diagonal(confusion)
    shares = [wilson(hit, of) for hit, of in zip(hits, either, strict=True)]
    return [Interval(*(2 * end / (1 + end) for end in share)) for share in shares]


METRICS: dict[str, Metric] = {
    "accuracy": Metric("of the images of the class, the share labelled right (Wilson interval)", found),
    "precision": Metric("of the images given this label, the share that deserves it (Wilson interval)", trusted),
    "recall": Metric("the same as the accuracy of the class", found),
    "f1": Metric("harmonic mean of precision and recall, 2 TP / (2 TP + FP + FN) (from a Wilson interval)", f1),
}


def summarise(evaluation: Evaluation) -> dict[str, Any]:
    """Return all figures of a split as `scores.json` holds them."""
    confusion = evaluation.confusion
    columns = {name: metric.intervals(confusion) for name, metric in METRICS.items()}
    per_class = {
        label: {"images": int(confusion[i].sum()), **{name: column[i].json() for name, column in columns.items()}}
        for i, label in enumerate(evaluation.classes)
    }
    return {**summarise_whole(evaluation), "per_class": per_class}


def summarise_whole(evaluation: Evaluation) -> dict[str, Any]:
    """Return the figures of a split that do not speak of single classes."""
    return {
        "images": len(evaluation.labels),
        "accuracy": wilson(int(np.trace(evaluation.confusion)), len(evaluation.labels)).json(),
        "loss": mean(evaluation.losses).json(),
    }


def definitions() -> dict[str, str]:
    """Return what each figure means, for the page."""
    return {
        "accuracy of a split": "the share of all images labelled right (Wilson interval)",
        "loss": "mean negative log likelihood of the true class, in nats (normal interval)",
        **{f"{name} of a class": metric.definition for name, metric in METRICS.items()},
    }
