"""A sweep -> one page: its settings with intervals, effects, curves, and what it cost."""

import math
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np

from seamline.evaluation.effects import field_effects
from seamline.evaluation.findings.sweep import sweep_sentences
from seamline.evaluation.metrics import Metric
from seamline.evaluation.sweep import SweepResults, read_sweep
from seamline.evaluation.sweep_settings import RunResult, SettingResult
from seamline.evaluation.text import join_and, pluralize, title_inside
from seamline.report import sweep_plots
from seamline.report.formatting import duration, estimate_text, interval_text, setting
from seamline.report.formatting import value_text as metric_text
from seamline.report.page import render, write_page
from seamline.report.run_data import epoch_ends
from seamline.report.summary import KeyMetric
from seamline.report.svg import responsive_svg
from seamline.run_folder import Estimate, SweepFolder, SweepRun
from seamline.training.search_space import is_range, value_text

MAX_CURVES = 40
"""Settings whose curves are drawn at most: the best."""


def write_sweep_page(folder: SweepFolder) -> Path:
    """Write the page of a sweep into its folder.

    Args:
        folder: the folder of the sweep.

    Returns:
        The path of the page.

    Raises:
        SeamlineError: no run has finished, or a file cannot be read or written.
    """
    return write_page(folder.report_file, render_sweep(read_sweep(folder)))


def render_sweep(results: SweepResults) -> str:
    """Return the page of a sweep as HTML text."""
    info, first = results.info, results.runs[0].info
    return render(
        "sweep.html",
        title=_title(results),
        dataset=first.dataset.title,
        notice=first.notice,
        meta=_meta(results),
        metric=results.metric,
        counted=results.counted_metric,
        key_metrics=_key_metrics(results),
        sentences=sweep_sentences(results),
        rows=_rows(results),
        columns=_columns(results),
        effects=_effects(results),
        curves=_curves(results),
        dashed=any(_mark(results, one) == "baseline" for one in results.candidates[:MAX_CURVES]),
        max_curves=MAX_CURVES if len(results.candidates) > MAX_CURVES else 0,
        parallel=_parallel(results),
        rule=_rule(results),
        info=info,
        fixed=[(name.replace("_", " "), setting(value)) for name, value in info.fixed.items()],
        varied=[(name.replace("_", " "), text.replace(",", ", ")) for name, text in info.varied.items()],
        cost=_cost(results),
        runs=[_run_row(results, run) for run in info.runs],
        duration=duration,
    )


def _title(results: SweepResults) -> str:
    """Return what is varied, on which data."""
    names = [name.replace("_", " ") for name in results.info.varied]
    names = names or (["folds"] if results.info.folds and len(results.info.seeds) == 1 else ["seeds"])
    what = join_and(names) if len(names) <= 3 else f"{len(names)} fields"
    return f"{results.runs[0].info.dataset.title}: sweep of {what}"


def _meta(results: SweepResults) -> str:
    """Return what was trained, in a sentence."""
    info = results.info
    settings = sum(one.rung == 0 for one in info.settings)
    times = [pluralize(len(info.seeds), "seed")] + ([f"{info.folds} folds"] if info.folds else [])
    how = {"grid": "all combinations", "list": "as listed", "random": f"drawn at random, seed {info.search_seed}"}
    return (
        f"Preset {info.preset}; {pluralize(settings, 'setting')} ({how[info.method]}) times {' times '.join(times)}: "
        f"{len(results.runs)} of {pluralize(len(info.runs), 'run')} finished."
    )


def _key_metrics(results: SweepResults) -> list[KeyMetric]:
    """Return the winner's metric on validation and on test images."""
    winner, metric = results.winner, results.metric
    if winner is None:
        return []
    chosen = ", by which it was chosen" if len(results.settings) > 1 else ""
    metrics = [_key_metric(metric, winner.val, f"validation{chosen}")]
    if results.info.folds:
        counted = results.counted_metric
        metrics.append(_key_metric(counted, results.pooled(winner), "test, each image once"))
    elif winner.test.present:
        metrics.append(_key_metric(metric, winner.test, "test, not used to choose"))
    return metrics


def _key_metric(metric: Metric, estimate: Estimate, of: str) -> KeyMetric:
    return KeyMetric(metric.title, metric_text(estimate, metric.format), interval_text(estimate, metric.format), of)


def _columns(results: SweepResults) -> dict[str, bool]:
    """Return which columns the table of settings has; settings that were drawn are not compared on test images."""
    compared = not results.info.drawn
    return {
        "test": compared and not results.info.folds and any(one.test.present for one in results.settings),
        "pooled": compared and bool(results.info.folds),
        "seeds": compared and any(one.seeds.has_interval for one in results.differences),
        "images": compared and any(one.images.has_interval for one in results.differences),
        "rung": bool(results.info.halving),
    }


def _rows(results: SweepResults) -> list[dict[str, Any]]:
    """Return a row for each setting: in the order of the sweep; those that were drawn, the best first."""
    columns = _columns(results)
    differences = {one.number: one for one in results.differences} if columns["seeds"] or columns["images"] else {}
    order: Sequence[SettingResult] = results.settings
    if results.info.drawn:
        order = sorted(order, key=lambda one: (-one.setting.rung, -results.sign * one.val.value))
    return [
        {
            "result": one,
            "winner": one is results.winner and len(results.settings) > 1,
            "tied": one in results.ties,
            "baseline": one.number == results.info.baseline,
            "difference": differences.get(one.number),
            "pooled": results.pooled(one) if columns["pooled"] else None,
        }
        for one in order
    ]


def _effects(results: SweepResults) -> dict[str, str] | None:
    """Draw the effect of each varied field; None where there is none with values to choose from."""
    fields = [one for one in field_effects(results) if len(one.levels) > 1]
    if not fields:
        return None
    metric = results.metric
    title = f"{metric.title}, validation"
    texts = [
        f"{one.field} {level.value} {estimate_text(level.estimate, metric.format)}"
        for one in fields
        for level in one.levels
    ]
    draw = partial(
        sweep_plots.effects,
        fields=fields,
        percents=metric.format == "percent",
        higher_is_better=bool(metric.higher_is_better),
        title=title,
    )
    return responsive_svg(draw, "effects", f"{title}: {'; '.join(texts)}.")


def _curves(results: SweepResults) -> list[dict[str, str]]:
    """Draw loss and accuracy on the validation images over the epochs, a line for each setting.

    There is nothing to draw where no run has two epochs.
    """
    settings = results.candidates[:MAX_CURVES]
    drawings = []
    for key, title, percents in (("loss", "Validation loss", False), ("accuracy", "Validation accuracy", True)):
        lines = [_line(results, one, f"val_{key}") for one in settings if one.runs and one.runs[0].history]
        if max((len(line.values) for line in lines), default=0) < 2:
            return []
        draw = partial(sweep_plots.setting_curves, lines=lines, title=title, percents=percents)
        drawings.append(responsive_svg(draw, f"curves-{key}", f"{title} of each setting over the epochs."))
    return drawings


def _line(results: SweepResults, one: SettingResult, key: str) -> sweep_plots.Line:
    """Return the curve of a setting: the mean over its runs."""
    runs = tuple(np.array([getattr(epoch, key) for epoch in run.history], np.float64) for run in one.runs)
    shortest = min(map(len, runs))
    mean = np.mean([run[:shortest] for run in runs], 0)
    ends = np.array(epoch_ends(one.runs[0].info, one.runs[0].history))
    return sweep_plots.Line(one.setting.name, ends[:shortest], mean, runs, _mark(results, one))


def _mark(results: SweepResults, one: SettingResult) -> str:
    """Return how the curve of a setting is marked."""
    if one is results.winner:
        return "winner"
    return "baseline" if one.number == results.info.baseline and not results.info.drawn else ""


def _parallel(results: SweepResults) -> dict[str, str] | None:
    """Draw parallel coordinates of settings that were drawn at random; None for others, or for a single setting."""
    settings = results.first_rung
    best = next((position for position, one in enumerate(settings) if results.is_winner(one)), None)
    if not results.info.drawn or len(settings) < 2 or best is None:
        return None
    coordinates = [_coordinate(results, settings, name) for name in results.info.varied]
    metric = results.metric
    signed = [results.sign * one.val.value for one in settings]  # the best on top
    places, _ = sweep_plots.positions_of(signed, logarithmic=False)
    bottom, top = (metric_text(results.sign * value, metric.format) for value in (min(signed), max(signed)))
    ends = {0.0: bottom, 1.0: top}
    coordinates.append(sweep_plots.Coordinate(metric.title, places, ends))
    names = [f"{one.setting.name}: {estimate_text(one.val, metric.format)}" for one in settings]
    draw = partial(sweep_plots.parallel, coordinates=coordinates, names=names, best=best)
    alt = f"Parallel coordinates of {len(settings)} settings; the best is {names[best]}."
    return responsive_svg(draw, "parallel", alt)


def _coordinate(results: SweepResults, settings: Sequence[SettingResult], name: str) -> sweep_plots.Coordinate:
    """Return the axis of a varied field: of numbers from the lowest to the highest, of others evenly spaced."""
    values = [one.setting.fields[name] for one in settings]
    text = results.info.varied[name]
    if is_range(text):
        numbers = [float(value) for value in values]
        return sweep_plots.Coordinate(name, *sweep_plots.positions_of(numbers, logarithmic=text.startswith("log:")))
    levels = sorted({value_text(name, value) for value in values})
    places = {level: index / max(1, len(levels) - 1) for index, level in enumerate(levels)}
    ticks = {place: level for level, place in places.items()}
    return sweep_plots.Coordinate(name, tuple(places[value_text(name, value)] for value in values), ticks)


def _rule(results: SweepResults) -> str:
    """State the rule of successive halving; empty without it."""
    info = results.info
    if not info.halving:
        return ""
    rungs: dict[int, list[float]] = {}
    for one in info.settings:
        rungs.setdefault(one.rung, []).append(one.fields["epochs"])
    steps = [
        f"{pluralize(len(epochs), 'setting')} for {f'{epochs[0]:g} epoch' + 's' * (epochs[0] != 1)}"
        for epochs in rungs.values()
    ]
    return (
        f"Successive halving: {', then '.join(steps)}. Of each rung the best 1/{info.halving} by mean "
        f"{title_inside(results.metric.title)} on the validation images is trained anew for {info.halving} times as "
        "many epochs; test images play no part."
    )


def _cost(results: SweepResults) -> str:
    """State how long the runs took."""
    info = results.info
    finished = [run.run.seconds for run in results.runs]
    training = sum(run.train_seconds for run in results.runs if not math.isnan(run.train_seconds))
    by_time = sorted(results.settings, key=lambda one: one.seconds)
    total = f"took {duration(sum(finished))} in total" if info.jobs == 1 else f"add up to {duration(sum(finished))}"
    sentence = (
        f"All finished runs {total}, {duration(float(np.mean(finished)))} each on "
        f"average, of which {duration(training / len(finished))} for training; the rest is data, evaluation and report."
    )
    if len(by_time) > 1:
        quick, slow = by_time[0], by_time[-1]
        sentence += (
            f" The fastest setting is {quick.setting.name}, {duration(quick.seconds)} a run, the slowest "
            f"{slow.setting.name}, {duration(slow.seconds)}."
        )
    threads = f"{pluralize(info.threads, 'thread')} each" if info.threads else "threads as PyTorch chooses them"
    return f"{sentence} {pluralize(info.jobs, 'run')} at a time, {threads}, on {results.runs[0].info.machine}."


def _run_row(results: SweepResults, run: SweepRun) -> dict[str, Any]:
    """Return a row of the table of runs."""
    done: RunResult | None = next((one for one in results.runs if one.run.name == run.name), None)
    value = done.value(results.measure, "val") if done else None
    page = results.folder.run(run.name).report_file
    return {
        "run": run,
        "setting": results.info.settings[run.setting].name,
        "link": f"{quote(run.name)}/report.html" if page.is_file() else "",
        "value": value,
    }
