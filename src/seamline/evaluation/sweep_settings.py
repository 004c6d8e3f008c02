"""The settings of a sweep: by what they are compared, their finished runs, and their means over seeds."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from seamline.evaluation.metrics import METRICS, PRIMARY, Metric
from seamline.evaluation.repeats import Repeats, t_mean
from seamline.run_folder import ABSENT, Epoch, Estimate, RunInfo, SplitMetrics, SweepRun, SweepSetting, Task


class Measure(NamedTuple):
    """What runs are compared by: a metric, of all labels or of a class."""

    key: str  # of `METRICS`
    class_name: str = ""  # the class; empty for a metric of all labels

    @property
    def metric(self) -> Metric:
        """The row of the metric."""
        return METRICS[self.key]

    @property
    def counted(self) -> "Measure":
        """The measure whose intervals resample images: scores of pixels are not stored, so that it is no ranked one."""
        if not self.metric.ranked:
            return self
        return Measure("iou" if self.metric.per_class else "mean_iou", self.class_name)

    def of(self, metrics: SplitMetrics | None) -> Estimate:
        """Return its value in the metrics of a split."""
        if metrics is None:
            return ABSENT
        values = metrics.per_class.get(self.class_name, {}) if self.class_name else metrics.overall
        return values.get(self.key, ABSENT)

    def step(self, metrics: SplitMetrics | None) -> float:
        """Return by how much one label changes its value: 1 / n for a fraction of n labels, about that for others.

        One of the n labels of a class changes a mean over K classes by 1 / (K n); the smallest class counts.
        """
        if metrics is None:
            return 0.0
        if self.class_name:
            labels = metrics.support.get(self.class_name, 0)
        elif self.metric.mean_over_classes:
            of_classes = [count for count in metrics.support.values() if count]
            labels = len(of_classes) * min(of_classes, default=0)
        else:
            labels = metrics.count
        return 1 / labels if labels else 0.0


@dataclass(frozen=True, eq=False)
class RunResult:
    """A finished run of a sweep."""

    run: SweepRun  # which run
    info: RunInfo  # how it was trained
    history: tuple[Epoch, ...]  # its epochs
    val: SplitMetrics  # metrics of the validation images
    test: SplitMetrics | None  # metrics of the test images; None where the data define none

    def metrics(self, split: str) -> SplitMetrics | None:
        """Return the metrics of the validation images, `val`, or the test images, `test`."""
        return self.val if split == "val" else self.test

    def value(self, measure: Measure, split: str) -> Estimate:
        """Return a measure of the validation images, `val`, or the test images, `test`."""
        return measure.of(self.metrics(split))

    @property
    def train_seconds(self) -> float:
        """Time for training, in seconds."""
        return sum(epoch.train_seconds for epoch in self.history)


@dataclass(frozen=True, eq=False)
class SettingResult:
    """A setting, over its finished runs."""

    number: int  # its number in the sweep
    setting: SweepSetting  # its name and fields
    runs: tuple[RunResult, ...]  # its finished runs
    planned: int  # number of its runs
    val: Estimate  # mean over seeds of the metric on the validation images
    test: Estimate  # the same on the test images; absent where the data define none

    @property
    def complete(self) -> bool:
        """Whether all its runs have finished."""
        return len(self.runs) == self.planned

    def seed_values(self, measure: Measure, split: str) -> dict[int, float]:
        """Return a measure of each seed, the mean over its folds; seeds without it are left out."""
        return _seed_values(measure, self.runs, split)

    def step(self, measure: Measure, split: str) -> float:
        """Return by how much one label changes `seed_values`; the largest of all seeds."""
        return _step(measure, self.runs, split)

    def by_seed(self, folds: int) -> dict[int, list[RunResult]]:
        """Return the runs of each seed in the order of the folds; seeds with a fold missing are left out."""
        seeds: dict[int, list[RunResult]] = {}
        for run in sorted(self.runs, key=lambda run: (run.run.seed, run.run.fold)):
            seeds.setdefault(run.run.seed, []).append(run)
        return {seed: runs for seed, runs in seeds.items() if len(runs) == max(1, folds)}

    @property
    def seconds(self) -> float:
        """Mean time of a run with evaluation and report, in seconds; NaN without runs."""
        return float(np.mean([one.run.seconds for one in self.runs])) if self.runs else math.nan


def summarize_setting(
    measure: Measure, number: int, setting: SweepSetting, runs: tuple[RunResult, ...], planned: int
) -> SettingResult:
    """Return a setting with the means over its runs.

    Args:
        measure: what the means are of.
        number: its number in the sweep.
        setting: its name and fields.
        runs: its finished runs.
        planned: number of its runs.
    """
    means = []
    for split in ("val", "test"):
        single = len(runs) == 1 and planned == 1
        repeats = Repeats(list(_seed_values(measure, runs, split).values()), _step(measure, runs, split))
        mean = runs[0].value(measure, split) if single else t_mean(repeats)
        means.append(within_range(mean, measure.metric))
    return SettingResult(number, setting, runs, planned, *means)


def paired(measure: Measure, first: SettingResult, second: SettingResult, split: str) -> Repeats:
    """Return the differences of the seeds that both settings have, second minus first, folds matched."""
    runs: list[Mapping[tuple[int, int], float]] = [
        {(run.run.seed, run.run.fold): value.value for run in one.runs if (value := run.value(measure, split)).present}
        for one in (first, second)
    ]
    differences: dict[int, list[float]] = {}
    for unit, old in runs[0].items():
        if unit in runs[1]:
            differences.setdefault(unit[0], []).append(runs[1][unit] - old)
    step = max(one.step(measure, split) for one in (first, second))
    return Repeats([float(np.mean(of)) for of in differences.values()], step)


def default_metric(task: Task) -> str:
    """Return the metric by which settings are ranked unless the user names another."""
    return PRIMARY[task][0]


def ranking_metrics(task: Task) -> list[str]:
    """Return the metrics by which settings can be ranked."""
    return [
        key
        for key, metric in METRICS.items()
        if task in metric.tasks and not metric.per_class and metric.higher_is_better is not None
    ]


def within_range(mean: Estimate, metric: Metric) -> Estimate:
    """Return a mean whose interval ends where the metric does: at 0, and at 1 where more of it is better."""
    high = min(mean.high, 1.0) if metric.higher_is_better else mean.high
    return Estimate(mean.value, max(mean.low, 0.0), high) if mean.has_interval else mean


def _seed_values(measure: Measure, runs: Sequence[RunResult], split: str) -> dict[int, float]:
    """Return the measure of each seed, the mean over its folds; seeds without it are left out."""
    values: dict[int, list[float]] = {}
    for run in runs:
        if (one := run.value(measure, split)).present:
            values.setdefault(run.run.seed, []).append(one.value)
    return {seed: float(np.mean(of)) for seed, of in values.items()}


def _step(measure: Measure, runs: Sequence[RunResult], split: str) -> float:
    """Return by how much one label changes the mean over the folds of a seed; the largest of all seeds."""
    steps: dict[int, list[float]] = {}
    for run in runs:
        steps.setdefault(run.run.seed, []).append(measure.step(run.metrics(split)))
    return max((max(of) / len(of) for of in steps.values()), default=0.0)
