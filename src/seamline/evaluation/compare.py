"""Two runs on the same held-out images: what differs, and which differences are significant."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import scipy
from numpy.typing import NDArray

from seamline.data.split_warnings import SPLITS
from seamline.errors import SeamlineError
from seamline.evaluation.bootstrap import Fraction, GroupBootstrap, Mean, percentile_interval, ratio
from seamline.evaluation.confidence import newcombe_paired, significant, widest
from seamline.evaluation.counts import Counts, SplitCounts, confusion_counts, cross_entropy
from seamline.evaluation.metrics import METRICS, Metric, metrics_of
from seamline.run_folder import ABSENT, ClassificationArrays, Estimate, Metrics, RunFolder, RunInfo


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
    """A held-out image that the runs predict differently."""

    name: str  # its name
    ground_truth: str  # its class; empty where it has a mask
    first: str  # what the first run predicts, or its fraction of correct pixels
    second: str  # the same of the second run


@dataclass(frozen=True)
class Comparison:
    """What differs between two runs."""

    split: Literal["test", "val"]  # the split that is compared
    images: int  # number of its images
    metrics: tuple[MetricDiff, ...]  # those of all classes first, then class by class
    # images that only the second run classifies correctly; those with masks that improve, most first
    fixed: tuple[ChangedImage, ...]
    # images that only the first run classifies correctly; those with masks that get worse, most first
    broken: tuple[ChangedImage, ...]

    @property
    def labels(self) -> bool:
        """Whether a changed image has a class, not a mask."""
        return any(one.ground_truth for one in (*self.fixed, *self.broken))


def compare_runs(first: Path, second: Path) -> Comparison:
    """Compare two evaluated runs on their test images, or on their validation images where neither has others.

    Args:
        first: a run folder.
        second: another one.

    Returns:
        The comparison.

    Raises:
        SeamlineError: one is not evaluated, or they were not evaluated on the same images.
    """
    runs = read_evaluated(first), read_evaluated(second)
    if not runs[0].same_images(runs[1]):
        title = SPLITS[runs[0].written.held_out_split]
        raise SeamlineError(
            f"{second}: its {title} images, labels or classes differ from those of {first}; compare runs with the same "
            f"{title} set"
        )
    diffs = [diff for key in metrics_of(runs[0].info.task) for diff in _compare_metric(key, *runs)]
    fixed, broken = _changed_images(*runs)
    return Comparison(runs[0].written.held_out_split, len(runs[0].names), tuple(diffs), fixed, broken)


@dataclass(frozen=True, eq=False)
class EvaluatedRun:
    """What a run folder holds of its held-out images."""

    info: RunInfo
    written: Metrics
    names: tuple[str, ...]
    counts: SplitCounts

    def same_images(self, other: "EvaluatedRun") -> bool:
        """Return whether both were evaluated on the same images and labels."""
        if self.names != other.names or self.written.held_out_split != other.written.held_out_split:
            return False
        return self.counts.classes == other.counts.classes and not (self.counts.truth != other.counts.truth).nnz


def read_evaluated(folder: Path) -> EvaluatedRun:
    """Read what a run folder holds of its held-out images.

    Raises:
        SeamlineError: the run is not evaluated, or a file is damaged.
    """
    run = RunFolder(folder)
    info, written = run.info.read(), run.metrics.read()
    arrays = run.read_arrays(written.held_out_split, info)
    classes = info.dataset.classes
    if isinstance(arrays, ClassificationArrays):
        labels = arrays.labels[:, None]
        valid = np.ones(labels.shape, dtype=bool)
        confusion = confusion_counts(labels, arrays.logits.argmax(1)[:, None], valid, len(classes))
        losses = cross_entropy(arrays.logits.astype(np.float64), arrays.labels)
    else:
        confusion = scipy.sparse.csr_array(arrays.confusions.reshape(len(arrays.names), -1))
        losses = arrays.losses
    bootstrap = GroupBootstrap(arrays.groups, one_label=info.task == "classification")
    return EvaluatedRun(info, written, arrays.names, SplitCounts(classes, bootstrap, confusion, losses))


def _compare_metric(key: str, first: EvaluatedRun, second: EvaluatedRun) -> list[MetricDiff]:
    """Compare a metric: one difference, or one for each class; none where neither direction is better."""
    metric = METRICS[key]
    if metric.higher_is_better is None:
        return []
    names = first.info.dataset.classes if metric.per_class else ("",)
    values = [[_written(run, key, name).value for name in names] for run in (first, second)]
    if metric.ranked:  # scores of pixels are not stored
        changes = [Estimate(new - old) for old, new in zip(*values, strict=True)]
    else:
        changes = paired_differences(metric, first.counts, second.counts)
    return [
        MetricDiff(key, name, old, new, change) for name, old, new, change in zip(names, *values, changes, strict=True)
    ]


def _written(run: EvaluatedRun, key: str, name: str) -> Estimate:
    """Return a metric of the held-out images as the run folder holds it."""
    held_out = run.written.held_out
    return (held_out.per_class.get(name, {}) if name else held_out.overall).get(key, ABSENT)


def paired_differences(metric: Metric, first: SplitCounts, second: SplitCounts) -> list[Estimate]:
    """Return second minus first with paired intervals: one, or one for each class."""
    values = metric.function(first.total)
    if first.bootstrap.independent and isinstance(values, Mean):
        return [first.bootstrap.mean(second.losses - first.losses, first.labels_per_image).estimate]
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
    right = [counts.hits_per_image > 0 for counts in (first, second)]

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


def _changed_images(
    first: EvaluatedRun, second: EvaluatedRun
) -> tuple[tuple[ChangedImage, ...], tuple[ChangedImage, ...]]:
    """Return the images that get better, and those that get worse."""
    correct = [ratio(run.counts.hits_per_image, run.counts.labels_per_image) for run in (first, second)]
    change = correct[1] - correct[0]

    def image(index: int) -> ChangedImage:
        name, classes = first.names[index], first.counts.classes
        if first.info.task == "segmentation":
            return ChangedImage(name, "", *(f"{100 * float(one[index]):.1f} %" for one in correct))
        cells = [int(run.counts.confusion[[index]].indices[0]) for run in (first, second)]
        return ChangedImage(name, classes[cells[0] // len(classes)], *(classes[cell % len(classes)] for cell in cells))

    better, worse = (np.argsort(by, kind="stable") for by in (-change, change))
    fixed = tuple(image(int(index)) for index in better if change[index] > 0)
    return fixed, tuple(image(int(index)) for index in worse if change[index] < 0)
