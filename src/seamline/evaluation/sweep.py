"""The results of a sweep: paired differences of its settings, and the winner on the validation images."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import combinations

import numpy as np
import scipy
from numpy.typing import NDArray

from seamline.errors import SeamlineError
from seamline.evaluation.bootstrap import GroupBootstrap, Replicates, percentile_interval
from seamline.evaluation.compare import EvaluatedRun, read_evaluated
from seamline.evaluation.confidence import agreed_sign, newcombe, significant
from seamline.evaluation.counts import SplitCounts
from seamline.evaluation.metrics import Metric
from seamline.evaluation.repeats import holm_bootstrap, holm_normal, holm_t
from seamline.evaluation.sweep_settings import (
    Measure,
    RunResult,
    SettingResult,
    default_metric,
    paired,
    ranking_metrics,
    summarize_setting,
)
from seamline.run_folder import ABSENT, Estimate, SweepFolder, SweepInfo, SweepRun, Task


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
        sign = agreed_sign(self.seeds, self.images)
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

        Differences are corrected by Holm's procedure for all pairs of candidates, because any of them could have
        become the winner. With several seeds they are paired by seed. With one, the intervals of both runs over their
        images are combined; there are none where these have no intervals, as with folds.
        """
        if self.winner is None or not self.winner.val.has_interval:
            return ()
        others, pairs = self.candidates[1:], list(combinations(self.candidates, 2))  # first those of the winner
        if len(self.info.seeds) > 1:
            gaps = holm_t([paired(self.measure, *pair, "val") for pair in pairs])
        else:
            gaps = holm_normal([newcombe(second.val, first.val) for first, second in pairs])
        return tuple(one for one, gap in zip(others, gaps, strict=False) if not significant(gap))

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
        over_seeds = holm_t([paired(self.measure, baseline, one, "test") for one in others])
        resampled = self._image_differences(baseline, others)
        over_images = holm_bootstrap(resampled)
        better = bool(self.metric.higher_is_better)
        return tuple(
            SettingDifference(one.number, seeds, images, better)
            for one, seeds, images in zip(others, over_seeds, over_images, strict=True)
        )

    def shows_test(self, one: SettingResult) -> bool:
        """Return whether test images of a setting are shown: of settings that were drawn, those of the winner alone."""
        return not self.info.drawn or one is self.winner

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
            for seed, runs in one.by_seed(self.info.folds).items():
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
            settings.append(summarize_setting(measure, number, setting, runs, planned))
    return SweepResults(info, task, tuple(settings), path, measure)


def rank_settings(path: SweepFolder, rung: int) -> list[int]:
    """Return the numbers of the settings of a rung, the best mean on the validation images first."""
    results = read_sweep(path)
    of_rung = [one for one in results.settings if one.setting.rung == rung and one.val.present]
    return [one.number for one in sorted(of_rung, key=lambda one: -results.sign * one.val.value)]


def _read_run(path: SweepFolder, run: SweepRun) -> RunResult:
    folder = path.run(run.name)
    metrics = folder.metrics.read()
    return RunResult(run, folder.info.read(), folder.history.read(), metrics.val, metrics.test)


def _first_reason(info: SweepInfo) -> str:
    """Return why the first of the failed runs failed."""
    failed = next((run for run in info.runs if run.state == "failed"), None)
    return f"{failed.name}: {failed.reason}" if failed else "run the same command again"


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
