"""`sweep`."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from html import escape
from pathlib import Path
from typing import Any

import msgspec

from seamline.api.run import Run
from seamline.api.stored_sweep import continue_sweep
from seamline.api.sweep_jobs import RunOutcome, RunRequest, run_in_processes, run_serially
from seamline.api.sweep_plan import (
    SweepOptions,
    SweepPlan,
    Vary,
    divide_settings,
    next_rung,
    plan_sweep,
    runs_of,
    sweep_command,
)
from seamline.evaluation.findings.sweep import sweep_sentences
from seamline.evaluation.sweep import SweepResults, rank_settings, read_sweep
from seamline.evaluation.text import pluralize
from seamline.progress import default_reporter
from seamline.report.formatting import duration
from seamline.report.sweep_page import write_sweep_page
from seamline.run_folder import SweepFolder, SweepInfo, SweepRun, SweepSetting
from seamline.threads import measure_load
from seamline.training.config import TrainConfig
from seamline.training.plan import RunOptions


@dataclass(frozen=True)
class Sweep:
    """A sweep whose runs have ended. In a notebook it shows its findings.

    Attributes:
        path: its folder.
    """

    path: Path

    def __fspath__(self) -> str:
        return str(self.path)

    @property
    def info(self) -> SweepInfo:
        """Its settings and runs."""
        return SweepFolder(self.path).info.read()

    @cached_property
    def results(self) -> SweepResults:
        """Means, differences and the winner."""
        return read_sweep(SweepFolder(self.path))

    @property
    def runs(self) -> tuple[Run, ...]:
        """The finished runs."""
        return tuple(Run(self.path / run.name) for run in self.info.runs if run.state == "finished")

    @property
    def failed(self) -> tuple[SweepRun, ...]:
        """The runs that failed, with their reasons."""
        return tuple(run for run in self.info.runs if run.state == "failed")

    @property
    def winner(self) -> str | None:
        """The setting with the best mean on the validation images."""
        return self.results.winner.setting.name if self.results.winner else None

    @property
    def findings(self) -> list[str]:
        """What the sweep shows, in sentences."""
        return sweep_sentences(self.results)

    @property
    def report(self) -> Path:
        """The page."""
        return SweepFolder(self.path).report_file

    def _repr_html_(self) -> str:
        items = "".join(f"<li>{escape(sentence)}</li>" for sentence in self.findings)
        return f"<div><ul>{items}</ul><p><code>{escape(str(self.report))}</code></p></div>"


def sweep(
    data: Any,
    vary: Vary,
    *,
    out: Path | str,
    preset: str | TrainConfig = "fast",
    seeds: Sequence[int] = (0,),
    search: SweepOptions | None = None,
    options: RunOptions | None = None,
    **settings: Any,
) -> Sweep:
    """Train settings times seeds, compare them, and write one page.

    Each run is an ordinary run folder below `out`. Finished runs are reused, and interrupted ones resumed, when the
    same sweep is called again, also with further seeds, values or trials. A run that fails does not stop the others.

    Args:
        data: what to train on; see `train`.
        vary: field -> a list of values, or a text such as `"log:1e-4..1e-2"`, which `--random` draws from; or a list of
            settings, each a mapping of fields.
        out: the folder of the sweep.
        preset: a preset's name, or a configuration.
        seeds: the seeds of each setting: of split, initial weights and batches.
        search: random settings, successive halving, cross-validation, jobs; see `SweepOptions`.
        options: device, threads and so on; see `RunOptions`.
        **settings: fields of `TrainConfig` that all runs share, and those of `SweepOptions` and `RunOptions`.

    Returns:
        The sweep.

    Raises:
        SeamlineError: a setting cannot be used, the folder holds another sweep, or no run has finished.
        TrainingInterrupted: a signal ended the training.
    """
    options = options or RunOptions(progress=default_reporter())
    fields, search, options = divide_settings(settings, search or SweepOptions(), options)
    plan = plan_sweep(data, preset, vary, seeds, search, options, fields)
    folder = SweepFolder(Path(out))
    with folder.lock():
        info = continue_sweep(folder, plan.info)
        info = msgspec.structs.replace(info, command=sweep_command(plan, folder.path, search))
        execution = SweepExecution(folder, plan, _with_threads(info, options, search.jobs))
        execution.run()
        write_sweep_page(folder)
    return Sweep(folder.path)


class SweepExecution:
    """Trains the runs of a sweep, and writes after each how far it is.

    Args:
        folder: its folder, locked.
        plan: the sweep.
        info: its state.
    """

    def __init__(self, folder: SweepFolder, plan: SweepPlan, info: SweepInfo) -> None:
        self.folder = folder
        self.plan = plan
        self.info = info

    def run(self) -> None:
        """Train what is not finished, rung after rung."""
        self._write()
        self._train_waiting()
        while self.info.halving and (settings := self._next_rung()):
            first = len(self.info.settings)
            runs = (*self.info.runs, *runs_of(self.info, settings, first))
            self.info = msgspec.structs.replace(self.info, settings=(*self.info.settings, *settings), runs=runs)
            self._write()
            self._train_waiting()

    def _next_rung(self) -> tuple[SweepSetting, ...]:
        """Return the settings of the next rung, none after the last; each rung ranks those that finished."""
        rung = max(setting.rung for setting in self.info.settings)
        return next_rung(self.info, rank_settings(self.folder, rung), rung)

    def _train_waiting(self) -> None:
        """Train the runs that are not finished."""
        waiting = [run for run in self.info.runs if not self._finished(run)]
        if not waiting:
            return
        done = len(self.info.runs) - len(waiting)
        self._say(f"{pluralize(len(waiting), 'run')} to train" + (f", {done} already finished" if done else ""))
        self.remaining = len(waiting)
        requests = [self._request(run) for run in waiting]
        if self.info.jobs == 1:
            run_serially(requests, self._on_start, self._on_end)
        else:
            run_in_processes(requests, self.info.jobs, self._on_start, self._on_end)

    def _finished(self, run: SweepRun) -> bool:
        """Return whether a run is finished and all its files are there."""
        folder = self.folder.run(run.name)
        return run.state == "finished" and folder.finished and folder.evaluated and folder.report_file.is_file()

    def _request(self, run: SweepRun) -> RunRequest:
        """Return what a run trains."""
        options = replace(self.plan.options, threads=self.info.threads)
        if run.fold:
            options = replace(options, fold=f"{run.fold}/{self.info.folds}")
        fixed = self.info.fixed if isinstance(self.plan.preset, str) else {}
        return RunRequest(
            name=run.name,
            data=self.plan.data,
            preset=self.plan.preset,
            out=self.folder.path / run.name,
            seed=run.seed,
            options=options,
            fields={**fixed, **self.info.settings[run.setting].fields},
            log=self.folder.log_file(run.name),
        )

    def _on_start(self, request: RunRequest) -> None:
        self._say(f"training {request.name}")
        self._update(request.name, state="running", reason="")

    def _on_end(self, outcome: RunOutcome) -> None:
        """Store how a run ended, and report it with the time that the others will take."""
        state = "failed" if outcome.reason else "finished"
        self._update(outcome.name, state=state, reason=outcome.reason, seconds=outcome.seconds)
        self.remaining -= 1
        ended = [run.seconds for run in self.info.runs if run.state == "finished"]
        left = ""
        if self.remaining and ended:
            expected = self.remaining * sum(ended) / len(ended) / min(self.info.jobs, self.remaining)
            left = f"; {pluralize(self.remaining, 'run')} left, about {duration(expected)}"
        reason = f" failed: {outcome.reason}" if outcome.reason else f" took {duration(outcome.seconds)}"
        self._say(f"{outcome.name}{reason}{left}")

    def _update(self, name: str, **changes: Any) -> None:
        runs = tuple(msgspec.structs.replace(run, **changes) if run.name == name else run for run in self.info.runs)
        self.info = msgspec.structs.replace(self.info, runs=runs)
        self._write()

    def _write(self) -> None:
        self.folder.info.write(self.info)

    def _say(self, text: str) -> None:
        self.plan.options.reporter.say(text)


def _with_threads(info: SweepInfo, options: RunOptions, jobs: int) -> SweepInfo:
    """Return a sweep with the threads of each run: those that the user sets, else those of its first start.

    Without either, these are as many as there are idle cores, or with several jobs an equal share of all cores.
    """
    threads = options.threads if isinstance(options.threads, int) else info.threads
    if threads is None and (jobs > 1 or options.threads == "idle"):
        load = measure_load()
        if load is not None:
            threads = max(1, min(load.cores, load.physical) // jobs) if jobs > 1 else load.threads or load.physical
    return msgspec.structs.replace(info, threads=threads, jobs=jobs)
