"""Several runs on the same held-out images -> one page that compares them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from seamline.errors import SeamlineError
from seamline.evaluation.compare import ChangedImage, Comparison, MetricDiff, compare_runs
from seamline.evaluation.findings.comparison import differences
from seamline.evaluation.text import count, join_and, title_inside
from seamline.report import compare_plots, plots
from seamline.report.changed_images import ChangedPicture, ComparedImages
from seamline.report.formatting import DASH, epochs_number, setting
from seamline.report.page import render, write_page
from seamline.report.run_data import SPLITS, RunData, epoch_ends, read_run
from seamline.report.svg import inline_svg

MAX_IMAGES = 40
"""Changed images in each table, at most."""
MAX_CLASSES = 40
"""Classes in each plot, at most: those of the largest differences."""


@dataclass(frozen=True)
class ChangedImages:
    """Images that got better, or those that got worse."""

    title: str  # what happened to them
    images: Sequence[ChangedImage]  # all of them
    pictures: Sequence[ChangedPicture]  # some of them, with pictures


def write_comparison(runs: Sequence[Path], out: Path) -> tuple[Path, list[str]]:
    """Compare runs with the first of them, and write a page.

    Args:
        runs: two or more evaluated run folders, evaluated on the same images.
        out: the page to write.

    Returns:
        The page, and the differences in sentences.

    Raises:
        SeamlineError: there are fewer than two, one is not evaluated, or they were not evaluated on the same images.
    """
    if len(runs) < 2:
        raise SeamlineError(f"a comparison needs two runs or more, got {len(runs)}")
    data, names = [read_run(run) for run in runs], _names(runs)
    comparisons = [compare_runs(runs[0], run) for run in runs[1:]]
    images = ComparedImages(data, names, comparisons[0].split)
    pairs = [_pair(names, number, one, images) for number, one in enumerate(comparisons, 1)]
    page = render(
        "compare.html",
        task=data[0].info.task,
        palette=data[0].palette,
        classes=data[0].classes,
        title=f"{names[0]} and {join_and(names[1:])}",
        dataset=data[0].info.dataset.title,
        images=f"{count(comparisons[0].images)} {SPLITS[comparisons[0].split]}",
        names=names,
        fields=_fields(data),
        plots=_curves(names, data),
        pairs=pairs,
        shown=images.most(len(pairs)),
        most=MAX_IMAGES,
    )
    return write_page(out, page), [sentence for pair in pairs for sentence in pair["sentences"]]


def _names(runs: Sequence[Path]) -> list[str]:
    """Return a short name for each run: the last parts of its path, as many as make them differ."""
    for depth in range(1, 8):
        names = ["/".join(run.absolute().parts[-depth:]) for run in runs]
        if len(set(names)) == len(names):
            return names
    raise SeamlineError(f"{runs[0]}: is given twice; name different runs")


def _pair(names: Sequence[str], number: int, comparison: Comparison, images: ComparedImages) -> dict[str, Any]:
    """Prepare the section of one run and the first."""
    titles = ("Wrong to correct", "Correct to wrong") if comparison.labels else ("Largest gains", "Largest losses")
    most = images.most(len(names) - 1)
    changed = (
        ChangedImages(title, of, images.pictures(of, number, most))
        for title, of in zip(titles, (comparison.fixed, comparison.broken), strict=True)
        if of
    )
    return {
        "name": names[number],
        "sentences": differences(names[0], names[number], comparison),
        "overall": [one for one in comparison.metrics if not one.class_name],
        "per_class": [one for one in comparison.metrics if one.class_name],
        "plots": _class_plots(number, comparison),
        "labels": comparison.labels,
        "changed": [*changed],
    }


def _class_plots(number: int, comparison: Comparison) -> list[str]:
    """Draw the differences of each metric that has an interval for a class."""
    by_metric: dict[str, list[MetricDiff]] = {}
    for one in comparison.metrics:
        if one.class_name:
            by_metric.setdefault(one.key, []).append(one)
    drawings = []
    for key, of_metric in by_metric.items():
        if any(one.change.has_interval for one in of_metric):
            largest = sorted(of_metric, key=lambda one: -abs(one.change.value) if one.change.present else 0)
            shown = [one for one in of_metric if one in largest[:MAX_CLASSES]]
            title = of_metric[0].metric.title
            draw = partial(compare_plots.class_differences, differences=shown, title=title)
            alt = f"Difference in {title_inside(title)} of each class with its interval; the table has all values."
            drawings.append(inline_svg(draw, f"change-{number}-{key}", alt))
    return drawings


def _fields(runs: Sequence[RunData]) -> list[tuple[str, list[str]]]:
    """Return what differs in how the runs were trained: a name, and a value for each run."""
    fields = [
        {
            "preset": run.info.preset,
            "model": run.info.model.name,
            "parameters": count(run.info.model.parameters),
            "seed": run.info.seed,
            **{key: value for key, value in run.info.config.items() if key != "model"},
            "training images": count(run.info.dataset.train),
            "epochs trained": epochs_number(max(epoch_ends(run.info, run.history), default=0)),
            "seconds of training": f"{sum(one.train_seconds for one in run.history):.1f}",
        }
        for run in runs
    ]
    keys = dict.fromkeys(key for one in fields for key in one)
    rows = [
        (key.replace("_", " "), [DASH if one.get(key) is None else setting(one[key]) for one in fields]) for key in keys
    ]
    return [(key, values) for key, values in rows if len(set(values)) > 1]


def _labels(names: Sequence[str]) -> list[str]:
    """Return names short enough for a plot; those that would be equal start with the number of the run."""
    labels = [name if len(name) <= 16 else f"…{name[-15:]}" for name in names]
    if len(set(labels)) == len(labels):
        return labels
    return [f"{number}. {name if len(name) <= 13 else f'…{name[-12:]}'}" for number, name in enumerate(names, 1)]


def _curves(names: Sequence[str], runs: Sequence[RunData]) -> list[str]:
    """Draw the validation curves of all runs together."""
    ends = [epoch_ends(run.info, run.history) for run in runs]
    epochs = sorted({end for one in ends for end in one})
    drawings = []
    for metric, title, percents in (("loss", "Validation loss", False), ("accuracy", "Validation accuracy", True)):
        series = {}
        for name, run, of_run in zip(_labels(names), runs, ends, strict=True):
            values = dict(zip(of_run, (getattr(one, f"val_{metric}") for one in run.history), strict=True))
            series[name] = [values.get(epoch, math.nan) for epoch in epochs]
        draw = partial(plots.curves, epochs=epochs, series=series, title=title, percents=percents)
        drawings.append(inline_svg(draw, f"val-{metric}", f"{title} of {join_and(names)} over the epochs."))
    return drawings
