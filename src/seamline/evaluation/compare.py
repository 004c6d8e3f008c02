"""Two runs on the same test images: what differs, and which differences are significant."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.special import log_softmax

from seamline.errors import SeamlineError
from seamline.evaluation.bootstrap import GroupBootstrap, percentile_interval, ratio
from seamline.evaluation.confidence import newcombe_paired, normal_mean, significant, widest
from seamline.evaluation.counts import Counts, Fraction, Mean, SplitCounts, confusion_counts
from seamline.evaluation.metrics import METRICS, Metric, SplitMetrics, metrics_of
from seamline.run_folder import ABSENT, ClassificationArrays, Estimate, Metrics, RunFolder, RunInfo, SegmentationArrays


@dataclass(frozen=True)
class MetricDiff:
    """A metric of two runs."""

    key: str  # of `METRICS`
    class_name: str  # the class that it is of, empty where it is of all
    first: float  # the first run's value
    second: float  # the second run's value
    change: Estimate  # second minus first, with its paired 95 % interval

    @property
    def metric(self) -> Metric:
        """Its row of the table."""
        return METRICS[self.key]

    @property
    def verdict(self) -> int:
        """1 where the second run is significantly better, -1 where it is worse, else 0."""
        return significant(self.change) * (1 if self.metric.higher_is_better else -1)


@dataclass(frozen=True)
class ChangedImage:
    """A test image that the runs predict differently."""

    name: str  # its name
    ground_truth: str  # its class; empty where it has a mask
    first: str  # what the first run predicts, or its fraction of correct pixels
    second: str  # the same of the second run


@dataclass(frozen=True)
class Comparison:
    """What differs between two runs."""

    images: int  # number of test images
    metrics: tuple[MetricDiff, ...]  # those of all classes first, then class by class
    # images that only the second run classifies correctly; those with masks that improve, most first
    fixed: tuple[ChangedImage, ...]
    # images that only the first run classifies correctly; those with masks that get worse, most first
    broken: tuple[ChangedImage, ...]


def compare_runs(first: Path, second: Path) -> Comparison:
    """Compare two evaluated runs on their test images.

    Args:
        first: a run folder.
        second: another one.

    Returns:
        The comparison.

    Raises:
        SeamlineError: one is not evaluated, or they were not tested on the same images.
    """
    runs = _read(first), _read(second)
    if runs[0].info.dataset.classes != runs[1].info.dataset.classes or not runs[0].same_images(runs[1]):
        raise SeamlineError(
            f"{second}: was not tested on the images, labels and classes that {first} was tested on; runs are compared "
            "where they are the same"
        )
    diffs = [diff for key in metrics_of(runs[0].info.task) for diff in _compare_metric(key, *runs)]
    fixed, broken = _changed_images(*runs)
    return Comparison(len(runs[0].arrays.names), tuple(diffs), fixed, broken)


@dataclass(frozen=True, eq=False)
class _Run:
    """What a run folder holds of its test images."""

    info: RunInfo
    written: Metrics
    arrays: ClassificationArrays | SegmentationArrays
    metrics: SplitMetrics

    @property
    def truth(self) -> NDArray[np.int64]:
        """Ground truth: (N,) classes, or (N, K) pixels of each class."""
        arrays = self.arrays
        return arrays.labels if isinstance(arrays, ClassificationArrays) else arrays.confusions.sum(2)

    @property
    def correct(self) -> NDArray[np.float64]:
        """(N,) float64, fraction of the labels of each image predicted correctly."""
        size, counts = len(self.info.dataset.classes), self.metrics.counts
        hits = counts.confusion[:, np.arange(size) * (size + 1)].sum(1)
        return ratio(np.asarray(hits).ravel(), counts.labels_per_image)

    def same_images(self, other: "_Run") -> bool:
        """Return whether both were tested on the same images and labels."""
        return self.arrays.names == other.arrays.names and np.array_equal(self.truth, other.truth)


def _read(folder: Path) -> _Run:
    run = RunFolder(folder)
    info, written = run.info.read(), run.metrics.read()
    arrays = run.read_arrays("test", info)
    classes = info.dataset.classes
    if isinstance(arrays, ClassificationArrays):
        labels, predicted = arrays.labels[:, None], arrays.logits.argmax(1)[:, None]
        confusion = confusion_counts(labels, predicted, np.ones(labels.shape, dtype=bool), len(classes))
        log_probabilities = log_softmax(arrays.logits.astype(np.float64), axis=1)
        losses = -np.take_along_axis(log_probabilities, labels, axis=1)[:, 0]
    else:
        confusion = sparse.csr_array(arrays.confusions.reshape(len(arrays.names), -1))
        losses = arrays.losses
    bootstrap = GroupBootstrap(arrays.groups, one_label=info.task == "classification")
    metrics = SplitMetrics(info.task, SplitCounts(classes, bootstrap, confusion, losses), len(arrays.names))
    return _Run(info, written, arrays, metrics)


def _compare_metric(key: str, first: _Run, second: _Run) -> list[MetricDiff]:
    """Compare a metric: one difference, or one for each class; none where neither direction is better."""
    metric = METRICS[key]
    if metric.higher_is_better is None:
        return []
    names = first.info.dataset.classes if metric.per_class else ("",)
    values = [[_written(run, key, name).value for name in names] for run in (first, second)]
    if metric.ranked:  # scores of pixels are not stored
        changes = [Estimate(new - old) for old, new in zip(*values, strict=True)]
    else:
        changes = _differences(metric, first.metrics.counts, second.metrics.counts)
    return [
        MetricDiff(key, name, old, new, change) for name, old, new, change in zip(names, *values, changes, strict=True)
    ]


def _written(run: _Run, key: str, name: str) -> Estimate:
    """Return a metric of the test images as the run folder holds it."""
    test = run.written.test
    return (test.per_class.get(name, {}) if name else test.overall).get(key, ABSENT)


def _differences(metric: Metric, first: SplitCounts, second: SplitCounts) -> list[Estimate]:
    """Return second minus first with paired intervals: one, or one for each class."""
    values = metric.function(first.total)
    if first.bootstrap.independent and isinstance(values, Mean):
        return [normal_mean(second.losses - first.losses)]
    paired: list[Estimate] = []
    if first.bootstrap.one_label and isinstance(values, Fraction) and values.recalled:
        paired = _paired_fractions(metric, first, second)
        if first.bootstrap.independent:
            return paired
    change = second.replicates(metric.function) - first.replicates(metric.function)
    resampled = [percentile_interval(column) for column in change.reshape(len(change), -1).T]
    return [widest(*both) for both in zip(resampled, paired, strict=True)] if paired else resampled


def _paired_fractions(metric: Metric, first: SplitCounts, second: SplitCounts) -> list[Estimate]:
    """Return the difference of fractions of the same labels, by which of the two runs predicts an image correctly."""
    diagonal = np.arange(len(first.classes)) * (len(first.classes) + 1)
    right = [np.asarray(counts.confusion[:, diagonal].sum(1)).ravel() > 0 for counts in (first, second)]

    def of(counts: SplitCounts, images: NDArray[np.bool_], name: str) -> NDArray[np.int64]:
        subset: Counts = counts.total_of(images)
        values = metric.function(subset)
        numbers: NDArray[np.int64] = np.nan_to_num(np.atleast_1d(getattr(values, name))).astype(np.int64)
        return numbers

    table = (
        of(first, right[0] & right[1], "part"),
        of(first, right[0] & ~right[1], "part"),
        of(second, ~right[0] & right[1], "part"),
        of(first, ~right[0] & ~right[1], "whole"),
    )
    return [newcombe_paired(*cells) for cells in zip(*(column.tolist() for column in table), strict=True)]


def _changed_images(first: _Run, second: _Run) -> tuple[tuple[ChangedImage, ...], tuple[ChangedImage, ...]]:
    """Return the images that get better, and those that get worse."""
    correct = first.correct, second.correct
    change = correct[1] - correct[0]

    def image(index: int) -> ChangedImage:
        name, classes, arrays = first.arrays.names[index], first.info.dataset.classes, (first.arrays, second.arrays)
        if isinstance(arrays[0], ClassificationArrays) and isinstance(arrays[1], ClassificationArrays):
            predicted = (classes[int(one.logits[index].argmax())] for one in arrays)  # type: ignore[union-attr]
            return ChangedImage(name, classes[int(arrays[0].labels[index])], *predicted)
        return ChangedImage(name, "", *(f"{100 * float(one[index]):.1f} %" for one in correct))

    better, worse = (np.argsort(by, kind="stable") for by in (-change, change))
    fixed = tuple(image(int(index)) for index in better if change[index] > 0)
    return fixed, tuple(image(int(index)) for index in worse if change[index] < 0)
