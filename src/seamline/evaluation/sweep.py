"""The results of a sweep: means over seeds, paired differences, the winner on the validation images, and the cost."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import combinations
from typing import NamedTuple

import numpy as np
import scipy
from numpy.typing import NDArray

from seamline.errors import SeamlineError
from seamline.evaluation.bootstrap import GroupBootstrap, Replicates, percentile_interval
from seamline.evaluation.compare import EvaluatedRun, read_evaluated
from seamline.evaluation.confidence import newcombe, significant
from seamline.evaluation.counts import SplitCounts
from seamline.evaluation.metrics import METRICS, PRIMARY, Metric
from seamline.evaluation.repeats import holm_bootstrap, holm_t, t_mean
from seamline.run_folder import (
    ABSENT,
    Epoch,
    Estimate,
    RunInfo,
    SplitMetrics,
    SweepFolder,
    SweepInfo,
    SweepRun,
    SweepSetting,
    Task,
)


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


@dataclass(frozen=True, eq=False)
class RunResult:
    """A finished run of a sweep."""

    run: SweepRun  # which run
    info: RunInfo  # how it was trained
    history: tuple[Epoch, ...]  # its epochs
    val: SplitMetrics  # metrics of the validation images
    test: SplitMetrics | None  # metrics of the test images; None where the data define none

    def value(self, measure: Measure, split: str) -> Estimate:
        """Return a measure of the validation images, `val`, or the test images, `test`."""
        return measure.of(self.val if split == "val" else self.test)

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

    @property
    def seconds(self) -> float:
        """Mean time of a run with evaluation and report, in seconds; NaN without runs."""
        return float(np.mean([one.run.seconds for one in self.runs])) if self.runs else math.nan


@dataclass(frozen=True)
class SettingDifference:
    """How a setting differs from the baseline on the same test images, with intervals corrected by Holm's procedure."""

    number: int  # the setting
    seeds: Estimate  # difference of the metric, paired by seed, with its t interval over seeds
    images: Estimate  # difference of the counted metric over the same images, resampled by group
    higher_is_better: bool  # whether more of the metric is better

    @property
    def verdict(self) -> int:
        """1 where the setting is significantly better than the baseline, -1 where it is worse, else 0.

        Each of the two intervals that there is must exclude 0, on the same side.
        """
        signs = {significant(one) for one in (self.seeds, self.images) if one.has_interval}
        sign = signs.pop() if len(signs) == 1 else 0
        return sign if self.higher_is_better else -sign


@dataclass(frozen=True, eq=False)
class SweepResults:
    """What a sweep measured."""

    info: SweepInfo  # the sweep
    task: Task  # what is predicted
    settings: tuple[SettingResult, ...]  # the settings that have a finished run
    folder: SweepFolder  # its folder
    measure: Measure  # by what settings are ranked and compared

    @property
    def metric(self) -> Metric:
        """The metric by which settings are ranked."""
        return self.measure.metric

    @property
    def counted_metric(self) -> Metric:
        """The metric whose intervals resample images."""
        return self.measure.counted.metric

    @property
    def by_number(self) -> dict[int, SettingResult]:
        """Number of a setting -> its result."""
        return {one.number: one for one in self.settings}

    @property
    def runs(self) -> list[RunResult]:
        """All finished runs."""
        return [run for one in self.settings for run in one.runs]

    @property
    def sign(self) -> int:
        """1 where more of the metric is better, else -1."""
        return 1 if self.metric.higher_is_better else -1

    @cached_property
    def candidates(self) -> tuple[SettingResult, ...]:
        """The settings among which the winner is chosen, best first.

        They are those of the last rung whose runs have all finished; if there are none, all of the last rung.
        """
        last = max((one.setting.rung for one in self.settings), default=0)
        of_rung = [one for one in self.settings if one.setting.rung == last and one.val.present]
        complete = [one for one in of_rung if one.complete] or of_rung
        return tuple(sorted(complete, key=lambda one: -self.sign * one.val.value))

    @property
    def first_rung(self) -> list[SettingResult]:
        """The settings of the first rung, which all have the same budget; without successive halving, all settings."""
        return [one for one in self.settings if one.setting.rung == 0 and one.val.present]

    def is_winner(self, one: SettingResult) -> bool:
        """Return whether a setting is the winner, or became it on a later rung."""
        return self.winner is not None and all(
            self.winner.setting.fields.get(name) == value
            for name, value in one.setting.fields.items()
            if name != "epochs" or not self.info.halving
        )

    @property
    def winner(self) -> SettingResult | None:
        """The setting with the best mean on the validation images; None without any."""
        return next(iter(self.candidates), None)

    @cached_property
    def ties(self) -> tuple[SettingResult, ...]:
        """The other candidates whose difference to the winner on the validation images is not significant.

        With several seeds the differences are paired by seed and corrected by Holm's procedure, for all pairs of
        candidates, because any of them could have become the winner. With one, the intervals of both runs over their
        images are combined.
        """
        if self.winner is None:
            return ()
        others = self.candidates[1:]
        if len(self.info.seeds) > 1:
            pairs = combinations(self.candidates, 2)  # the first ones are those of the winner
            gaps = holm_t([_paired(self.measure, *pair, "val") for pair in pairs])[: len(others)]
        else:
            gaps = [newcombe(one.val, self.winner.val) for one in others]
        return tuple(one for one, gap in zip(others, gaps, strict=True) if not significant(gap))

    @cached_property
    def differences(self) -> tuple[SettingDifference, ...]:
        """How each setting of the rung of the baseline differs from it on the test images; none without test images.

        Raises:
            SeamlineError: the test images of two runs differ.
        """
        baseline = self.by_number.get(self.info.baseline)
        if baseline is None or not baseline.test.present:
            return ()
        rung = [one for one in self.settings if one.setting.rung == baseline.setting.rung]  # the same epochs
        others = [one for one in rung if one is not baseline and one.test.present]
        if not others:
            return ()
        over_seeds = holm_t([_paired(self.measure, baseline, one, "test") for one in others])
        resampled = self._image_differences(baseline, others)
        over_images = holm_bootstrap(resampled)
        better = bool(self.metric.higher_is_better)
        return tuple(
            SettingDifference(one.number, seeds, images, better)
            for one, seeds, images in zip(others, over_seeds, over_images, strict=True)
        )

    def pooled(self, one: SettingResult) -> Estimate:
        """Return the counted metric of a setting over all test images of its folds, each image tested once.

        It is the mean over seeds, with its interval by resampling groups of images.
        """
        replicates = list(self.replicates([one], self.measure.counted)[one.number].values())
        return percentile_interval(np.mean(replicates, 0)) if replicates else ABSENT

    def _image_differences(self, baseline: SettingResult, others: Sequence[SettingResult]) -> list[Replicates]:
        """Return, for each setting, the difference to the baseline on the images and on each resample, (1 + R,)."""
        of_setting = self.replicates([baseline, *others], self.measure.counted)
        first = of_setting[baseline.number]
        differences = []
        for one in others:
            second = of_setting[one.number]
            shared = [seed for seed in first if seed in second]
            absent = np.full(1, math.nan)
            differences.append(np.mean([second[s] - first[s] for s in shared], 0) if shared else absent)
        return differences

    def replicates(self, settings: Sequence[SettingResult], measure: Measure) -> dict[int, dict[int, Replicates]]:
        """Return a measure on the test images and on each resample: setting -> seed -> (1 + R,).

        Args:
            settings: the settings.
            measure: no ranked one; of a metric of each class without a class, the arrays are (1 + R, K).

        Raises:
            SeamlineError: the test images of two runs differ.
        """
        reference: dict[int, EvaluatedRun] = {}  # fold -> its images
        bootstraps: dict[int, GroupBootstrap] = {}  # number of images -> resamples, which are the same for all runs
        replicates: dict[int, dict[int, Replicates]] = {}
        for one in settings:
            replicates[one.number] = {}
            for seed, runs in _by_seed(one, self.info.folds).items():
                read = [read_evaluated(self.folder.run(run.run.name).path) for run in runs]
                for run, evaluated in zip(runs, read, strict=True):
                    if not reference.setdefault(run.run.fold, evaluated).same_images(evaluated):
                        raise SeamlineError(
                            f"{self.folder.run(run.run.name).path}: its test images differ from those of other runs of "
                            "the sweep; remove its folder and run the sweep again"
                        )
                counts = _concatenated([evaluated.counts for evaluated in read])
                shared = bootstraps.setdefault(len(counts.bootstrap.groups), counts.bootstrap)
                values = replace(counts, bootstrap=shared).replicates(measure.metric.function)
                if measure.class_name:
                    values = values[:, counts.classes.index(measure.class_name)]
                replicates[one.number][seed] = values
        return replicates


def read_sweep(path: SweepFolder, measure: Measure | None = None) -> SweepResults:
    """Read the results of a sweep from its run folders.

    Args:
        path: the folder of the sweep.
        measure: by what settings are compared; by default the metric by which the sweep ranks them.

    Raises:
        SeamlineError: no run has finished, or a file is damaged.
    """
    info = path.info.read()
    finished = [_read_run(path, run) for run in info.runs if run.state == "finished"]
    if not finished:
        raise SeamlineError(f"{path.path}: no run of the sweep has finished; {_first_reason(info)}")
    images = {(run.info.dataset.fingerprint, run.run.fold): run for run in finished}
    if len({fold for _, fold in images}) < len(images):
        raise SeamlineError(f"{path.path}: the images have changed between two runs; start anew in another folder")
    task = finished[0].info.task
    measure = measure or Measure(info.metric or default_metric(task))
    if not measure.class_name and measure.key not in ranking_metrics(task):
        raise SeamlineError(
            f"--metric {measure.key}: is not for {task}; the metrics are {', '.join(ranking_metrics(task))}"
        )
    settings = []
    for number, setting in enumerate(info.settings):
        runs = tuple(run for run in finished if run.run.setting == number)
        planned = sum(run.setting == number for run in info.runs)
        if runs:
            settings.append(_summarize(measure, number, setting, runs, planned))
    return SweepResults(info, task, tuple(settings), path, measure)


def rank_settings(path: SweepFolder, rung: int) -> list[int]:
    """Return the numbers of the settings of a rung, the best mean on the validation images first."""
    results = read_sweep(path)
    of_rung = [one for one in results.settings if one.setting.rung == rung and one.val.present]
    return [one.number for one in sorted(of_rung, key=lambda one: -results.sign * one.val.value)]


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


def _read_run(path: SweepFolder, run: SweepRun) -> RunResult:
    folder = path.run(run.name)
    metrics = folder.metrics.read()
    return RunResult(run, folder.info.read(), folder.history.read(), metrics.val, metrics.test)


def _first_reason(info: SweepInfo) -> str:
    """Return why the first of the failed runs failed."""
    failed = next((run for run in info.runs if run.state == "failed"), None)
    return f"{failed.name}: {failed.reason}" if failed else "run the same command again"


def _summarize(
    measure: Measure, number: int, setting: SweepSetting, runs: tuple[RunResult, ...], planned: int
) -> SettingResult:
    """Return the means over the runs of a setting."""
    means = []
    for split in ("val", "test"):
        single = len(runs) == 1 and planned == 1
        values = list(_seed_values(measure, runs, split).values())
        mean = runs[0].value(measure, split) if single else t_mean(values)
        means.append(within_range(mean, measure.metric))
    return SettingResult(number, setting, runs, planned, *means)


def _seed_values(measure: Measure, runs: Sequence[RunResult], split: str) -> dict[int, float]:
    """Return the measure of each seed, the mean over its folds; seeds without it are left out."""
    values: dict[int, list[float]] = {}
    for run in runs:
        if (one := run.value(measure, split)).present:
            values.setdefault(run.run.seed, []).append(one.value)
    return {seed: float(np.mean(of)) for seed, of in values.items()}


def _paired(measure: Measure, first: SettingResult, second: SettingResult, split: str) -> list[float]:
    """Return the differences of the seeds that both settings have, second minus first, folds matched."""
    runs: list[Mapping[tuple[int, int], float]] = [
        {(run.run.seed, run.run.fold): value.value for run in one.runs if (value := run.value(measure, split)).present}
        for one in (first, second)
    ]
    differences: dict[int, list[float]] = {}
    for unit, old in runs[0].items():
        if unit in runs[1]:
            differences.setdefault(unit[0], []).append(runs[1][unit] - old)
    return [float(np.mean(of)) for of in differences.values()]


def _by_seed(one: SettingResult, folds: int) -> dict[int, list[RunResult]]:
    """Return the runs of each seed in the order of the folds; seeds with a fold missing are left out."""
    seeds: dict[int, list[RunResult]] = {}
    for run in sorted(one.runs, key=lambda run: (run.run.seed, run.run.fold)):
        seeds.setdefault(run.run.seed, []).append(run)
    return {seed: runs for seed, runs in seeds.items() if len(runs) == max(1, folds)}


def _concatenated(counts: Sequence[SplitCounts]) -> SplitCounts:
    """Return the counts of several folds as those of one split."""
    first = counts[0]
    groups: NDArray[np.int64] = np.concatenate([one.bootstrap.groups for one in counts])
    return SplitCounts(
        first.classes,
        GroupBootstrap(groups, one_label=first.bootstrap.one_label),
        scipy.sparse.vstack([one.confusion for one in counts], format="csr"),
        np.concatenate([one.losses for one in counts]),
    )
