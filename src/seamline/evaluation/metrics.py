"""The metrics: each is one function of confusion counts and a row of `METRICS`.

A metric returns a value for all labels of a split, (...), or one for each class, (..., K). From the table it reaches
`metrics.json`, the report, `seamline compare` and `seamline list`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Literal

import msgspec

from seamline import run_folder
from seamline.evaluation.bootstrap import N_RESAMPLES, Array, Bounded, Fraction, Mean, MeanFraction, Sampled
from seamline.evaluation.counts import Counts, MetricFunction, SplitCounts
from seamline.run_folder import MetricInfo, Task

ALL_TASKS: tuple[Task, ...] = ("classification", "segmentation")
CLASSIFICATION: tuple[Task, ...] = ("classification",)
SEGMENTATION: tuple[Task, ...] = ("segmentation",)


def accuracy(counts: Counts) -> Fraction:
    """Return the fraction of all labels that are predicted correctly."""
    return Fraction(counts.hits.sum(-1), counts.total, recalled=True)


def balanced_accuracy(counts: Counts) -> MeanFraction:
    """Return the mean over classes of `recall`."""
    return MeanFraction(counts.hits, counts.truth, counts.present)


def log_loss(counts: Counts) -> Mean:
    """Return the mean negative log likelihood, in nats."""
    return Mean(counts.loss, counts.squared_loss, counts.total)


def pixel_fraction(counts: Counts) -> Fraction:
    """Return the fraction of all labels that are of each class."""
    return Fraction(counts.truth, counts.total[..., None])


def recall(counts: Counts) -> Fraction:
    """Return, of each class's labels, the fraction predicted correctly: TP / (TP + FN)."""
    return Fraction(counts.hits, counts.truth, recalled=True)


def precision(counts: Counts) -> Fraction:
    """Return, of the labels predicted as each class, the fraction that is correct: TP / (TP + FP)."""
    return Fraction(counts.hits, counts.predicted)


def iou(counts: Counts) -> Fraction:
    """Return the intersection over union of each class, TP / (TP + FP + FN)."""
    return Fraction(counts.hits, counts.truth + counts.predicted - counts.hits)


def f1(counts: Counts) -> Fraction:
    """Return F1 of each class, 2 TP / (2 TP + FP + FN).

    F1 = 2 J / (1 + J) grows with J, the intersection over union, which is a fraction of labels: its interval is that
    of J, transformed alike.
    """
    return iou(counts)._replace(transform=lambda j: 2 * j / (1 + j))


def ap(score_type: str) -> MetricFunction:
    """Return the metric that is the average precision of each class, its pixels ranked by a type of scores."""
    return lambda counts: counts.ap[score_type]


def mean_ap(score_type: str) -> MetricFunction:
    """Return the metric that is the mean over classes of `ap`."""
    return lambda counts: Bounded(*map(counts.mean_over_classes, counts.ap[score_type]))


def mean_iou(counts: Counts) -> Array:
    """Return the mean over classes of `iou`."""
    return counts.mean_over_classes(iou(counts))


@dataclass(frozen=True)
class Metric:
    """A row of the table."""

    title: str  # its name for people, such as `Mean IoU`
    definition: str  # what it is, in a sentence without a period
    function: MetricFunction  # counts -> values
    per_class: bool = False  # whether there is a value for each class
    higher_is_better: bool | None = True  # None where neither is, as of the size of a class
    format: Literal["percent", "decimal"] = "percent"  # printed as a percentage or as a decimal number
    tasks: tuple[Task, ...] = ALL_TASKS  # the tasks that it is for
    ranked: bool = False  # whether it needs ranked scores, which are not computed for training images
    mean_over_classes: bool = False  # whether it is the mean of a metric of each class


_PIXELS = partial(Metric, format="decimal", tasks=SEGMENTATION)
_RANKED = partial(_PIXELS, ranked=True)
_POOLED = "average precision over the pooled pixels of the split, ranked by"

METRICS: dict[str, Metric] = {
    "mean_ap": _RANKED(
        "Mean average precision",
        "average precision, averaged over the classes; pixels ranked by logits",
        mean_ap("raw"),
        mean_over_classes=True,
    ),
    "mean_ap_softmax": _RANKED(
        "Mean average precision by softmax",
        "average precision, averaged over the classes; pixels ranked by softmax",
        mean_ap("softmax"),
        mean_over_classes=True,
    ),
    "mean_iou": _PIXELS(
        "Mean IoU", "intersection over union, averaged over the classes", mean_iou, mean_over_classes=True
    ),
    "accuracy": Metric("Accuracy", "fraction of all labels that are predicted correctly", accuracy),
    "balanced_accuracy": Metric(
        "Balanced accuracy",
        "recall, averaged over the classes; unlike accuracy, rare classes count as much as frequent ones",
        balanced_accuracy,
        tasks=CLASSIFICATION,
        mean_over_classes=True,
    ),
    "log_loss": Metric(
        "Log loss",
        "mean negative log likelihood of the true class, in nats",
        log_loss,
        higher_is_better=False,
        format="decimal",
    ),
    "pixel_fraction": Metric(
        "Pixels",
        "fraction of all pixels that belong to the class",
        pixel_fraction,
        per_class=True,
        higher_is_better=None,
        tasks=SEGMENTATION,
    ),
    "ap": _RANKED("AP", f"{_POOLED} logits", ap("raw"), per_class=True),
    "ap_softmax": _RANKED("AP by softmax", f"{_POOLED} softmax", ap("softmax"), per_class=True),
    "iou": _PIXELS("IoU", "intersection over union, TP / (TP + FP + FN)", iou, per_class=True),
    "recall": Metric(
        "Recall",
        "fraction of the labels of the class that are predicted correctly, TP / (TP + FN)",
        recall,
        per_class=True,
    ),
    "precision": Metric(
        "Precision",
        "fraction of the predictions of the class that are correct, TP / (TP + FP)",
        precision,
        per_class=True,
    ),
    "f1": Metric(
        "F1", "harmonic mean of precision and recall, 2 TP / (2 TP + FP + FN)", f1, per_class=True, format="decimal"
    ),
}
"""Key in `metrics.json` -> metric; the most important first."""

PRIMARY: dict[Task, tuple[str, str]] = {"classification": ("accuracy", "recall"), "segmentation": ("mean_ap", "ap")}
"""Task -> the metric that speaks for a model, and the one that speaks for a class."""

COMPARED: dict[Task, str] = {"classification": "accuracy", "segmentation": "mean_iou"}
"""Task -> the metric by which two models are compared on the same images; it has a paired interval."""

INTERVALS: dict[bool, str] = {
    True: "95 %, by Wilson intervals for fractions and their means, normal intervals for other means, and a bootstrap "
    "over images otherwise",
    False: f"95 %, by a bootstrap with {N_RESAMPLES:,} resamples of groups of related images; for fractions of images "
    "at least as wide as Wilson intervals; none if there are fewer than two groups",
}
"""Whether every group is a single label -> how intervals are computed."""


def metrics_of(task: Task) -> dict[str, Metric]:
    """Return the metrics of a task by their keys."""
    return {key: metric for key, metric in METRICS.items() if task in metric.tasks}


@dataclass(frozen=True, eq=False)
class SplitMetrics:
    """All metrics of a split, each computed when it is first read."""

    task: Task  # what is predicted
    counts: SplitCounts  # of the split
    n_images: int  # number of images

    @property
    def classes(self) -> tuple[str, ...]:
        """The K class names."""
        return self.counts.classes

    @cached_property
    def _computed(self) -> dict[str, list[Sampled]]:
        return {}

    def __getitem__(self, key: str) -> list[Sampled]:
        """Return a metric of `METRICS`: a list of one for all labels, or of K for the classes."""
        if key not in self._computed:
            self._computed[key] = self.counts.sample(METRICS[key].function)
        return self._computed[key]

    def overall(self, key: str) -> Sampled:
        """Return a metric of all labels."""
        return self[key][0]

    def summary(self, *, per_class: bool = True) -> run_folder.SplitMetrics:
        """Return all metrics as `metrics.json` holds them; those that need ranked scores where there are some."""
        known = {
            key: metric for key, metric in metrics_of(self.task).items() if self.counts.rankings or not metric.ranked
        }
        support = self.counts.confusion_matrix.sum(1)
        return run_folder.SplitMetrics(
            images=self.n_images,
            groups=self.counts.bootstrap.n_groups,
            count=int(support.sum()),
            overall={key: self.overall(key).estimate for key, metric in known.items() if not metric.per_class},
            per_class={
                name: {key: self[key][k].estimate for key, metric in known.items() if metric.per_class}
                for k, name in enumerate(self.classes)
            }
            if per_class
            else {},
            support={name: int(support[k]) for k, name in enumerate(self.classes)},
        )


def metric_infos(task: Task) -> Mapping[str, MetricInfo]:
    """Return title, definition, direction and format of each metric of a task, as `metrics.json` holds them."""
    return {key: msgspec.convert(metric, MetricInfo, from_attributes=True) for key, metric in metrics_of(task).items()}
