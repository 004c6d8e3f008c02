"""The results of a sweep: means over seeds, paired differences, the winner on the validation images, and the cost."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import msgspec
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


@dataclass(frozen=True, eq=False)
class RunResult:
    """A finished run of a sweep."""

    run: SweepRun  # which run
    info: RunInfo  # how it was trained
    history: tuple[Epoch, ...]  # its epochs
    val: SplitMetrics  # metrics of the validation images
    test: SplitMetrics | None  # metrics of the test images; None where the data define none

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

    def seed_values(self, split: str, key: str) -> dict[int, float]:
        """Return a metric of the validation images, `val`, or the test images, `test`, of each seed."""
        return _seed_values(key, self.runs, split)

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
    folder: SweepFolder

    @property
    def metric(self) -> Metric:
        """The metric by which settings are ranked."""
        return METRICS[self.info.metric]

    @property
    def counted_key(self) -> str:
        """The metric whose intervals resample images: scores of pixels are not stored, so that it is no ranked one."""
        return "mean_iou" if self.metric.ranked else self.info.metric

    @property
    def counted_metric(self) -> Metric:
        """The row of that metric."""
        return METRICS[self.counted_key]

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

        With several seeds the differences are paired by seed and corrected by Holm's procedure. With one, the intervals
        of both runs over their images are combined.
        """
        if self.winner is None:
            return ()
        others = self.candidates[1:]
        if len(self.info.seeds) > 1:
            pairs = [_paired(self.info.metric, self.winner, one, "val") for one in others]
            gaps = holm_t(pairs)
        else:
            gaps = [newcombe(one.val, self.winner.val) for one in others]
        return tuple(one for one, gap in zip(others, gaps, strict=True) if not significant(gap))

    @cached_property
    def differences(self) -> tuple[SettingDifference, ...]:
        """How each setting differs from the baseline on the test images; none without test images.

        Raises:
            SeamlineError: the test images of two runs differ.
        """
        baseline = self.by_number.get(self.info.baseline)
        others = [one for one in self.settings if one is not baseline and one.test.present]
        if baseline is None or not baseline.test.present or not others:
            return ()
        over_seeds = holm_t([_paired(self.info.metric, baseline, one, "test") for one in others])
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
        replicates = list(self._replicates([one])[one.number].values())
        return percentile_interval(np.mean(replicates, 0)) if replicates else ABSENT

    def _image_differences(self, baseline: SettingResult, others: Sequence[SettingResult]) -> list[Replicates]:
        """Return, for each setting, the difference to the baseline on the images and on each resample, (1 + R,)."""
        of_setting = self._replicates([baseline, *others])
        first = of_setting[baseline.number]
        differences = []
        for one in others:
            second = of_setting[one.number]
            shared = [seed for seed in first if seed in second]
            absent = np.full(1, math.nan)
            differences.append(np.mean([second[s] - first[s] for s in shared], 0) if shared else absent)
        return differences

    def _replicates(self, settings: Sequence[SettingResult]) -> dict[int, dict[int, Replicates]]:
        """Return the counted metric on the test images and on each resample: setting -> seed -> (1 + R,)."""
        function = METRICS[self.counted_key].function
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
                replicates[one.number][seed] = replace(counts, bootstrap=shared).replicates(function)
        return replicates


def read_sweep(path: SweepFolder) -> SweepResults:
    """Read the results of a sweep from its run folders.

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
    info = msgspec.structs.replace(info, metric=info.metric or default_metric(task))
    if info.metric not in ranking_metrics(task):
        raise SeamlineError(
            f"--metric {info.metric}: is not for {task}; the metrics are {', '.join(ranking_metrics(task))}"
        )
    settings = []
    for number, setting in enumerate(info.settings):
        runs = tuple(run for run in finished if run.run.setting == number)
        planned = sum(run.setting == number for run in info.runs)
        if runs:
            settings.append(_summarize(info, number, setting, runs, planned))
    return SweepResults(info, task, tuple(settings), path)


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
    info: SweepInfo, number: int, setting: SweepSetting, runs: tuple[RunResult, ...], planned: int
) -> SettingResult:
    """Return the means over the runs of a setting."""
    means = []
    for split in ("val", "test"):
        values = _seed_values(info.metric, runs, split)
        single = len(runs) == 1 and planned == 1
        mean = _overall(runs[0], split, info.metric) if single else t_mean(list(values.values()))
        means.append(within_range(mean, METRICS[info.metric]))
    return SettingResult(number, setting, runs, planned, *means)


def _overall(run: RunResult, split: str, key: str) -> Estimate:
    """Return a metric of a run as its folder holds it."""
    metrics = run.val if split == "val" else run.test
    return ABSENT if metrics is None else metrics.overall.get(key, ABSENT)


def _seed_values(key: str, runs: Sequence[RunResult], split: str) -> dict[int, float]:
    """Return the metric of each seed, the mean over its folds; seeds without it are left out."""
    values: dict[int, list[float]] = {}
    for run in runs:
        if (one := _overall(run, split, key)).present:
            values.setdefault(run.run.seed, []).append(one.value)
    return {seed: float(np.mean(of)) for seed, of in values.items()}


def _paired(key: str, first: SettingResult, second: SettingResult, split: str) -> list[float]:
    """Return the differences of the seeds that both settings have, second minus first, folds matched."""
    runs: list[Mapping[tuple[int, int], float]] = [
        {(run.run.seed, run.run.fold): value.value for run in one.runs if (value := _overall(run, split, key)).present}
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
