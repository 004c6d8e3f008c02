"""Metrics of each class, with results of others on the same images."""

from functools import partial
from typing import Any

from seamline.report import plots
from seamline.report.formatting import decimal, metric_text
from seamline.report.panel import Content, split_tabs
from seamline.report.plot_layout import fraction_floor, interval_ends, lower_ends
from seamline.report.run_data import SPLITS, RunData
from seamline.report.svg import WIDTHS, Drawing, responsive_svg
from seamline.run_folder import ABSENT, Estimate, MetricInfo, ReferenceResult, SplitMetrics


def build(run: RunData) -> Content | None:
    """Show all metrics of each class with their intervals, on each split."""
    measured = {split: run.split_metrics(split) for split in SPLITS}
    measured = {split: one for split, one in measured.items() if one.per_class}
    if not measured:
        return None
    splits: list[dict[str, Any]] = []
    figures: dict[str, Drawing] = {}
    columns = _columns(run)
    for split, metrics in measured.items():
        references = reference_results(run, split)
        part = {"name": split, "title": SPLITS[split], **_table(run, metrics, columns, references)}
        if run.info.task == "segmentation":
            draw = _dots(run, metrics, references)
            part["plots"] = responsive_svg(
                draw, f"classes-{split}", "One row per class, one mark per metric; the table below has the values."
            )
            figures[f"classes-{split}"] = partial(draw, width=WIDTHS["wide"])
        splits.append(part)
    values = {
        "tabs": split_tabs(splits),
        "splits": splits,
        "columns": columns,
        "intervals": run.metrics.intervals,
    }
    return Content(values, figures)


def reference_results(run: RunData, split: str) -> tuple[ReferenceResult, ...]:
    """Return the results of others that were measured on the very images and classes of a split."""
    height, width, _ = run.info.model.input_size
    return tuple(
        one
        for one in run.info.dataset.reference_results
        if one.split == split
        and one.images == run.split_metrics(split).images
        and one.input_size == (height, width)
        and set(one.per_class) == set(run.classes)
    )


def _columns(run: RunData) -> dict[str, MetricInfo]:
    """Return the metrics of classes, in the order of their definitions; those without a better or worse last."""
    present = {key for split in SPLITS for one in run.split_metrics(split).per_class.values() for key in one}
    known = [(key, info) for key, info in run.metrics.definitions.items() if key in present]
    return dict(sorted(known, key=lambda item: item[1].higher_is_better is None))


def _table(
    run: RunData, metrics: SplitMetrics, columns: dict[str, MetricInfo], references: tuple[ReferenceResult, ...]
) -> dict[str, Any]:
    """Prepare the table of a split: a row per class, and one of all classes for segmentation."""
    first = next(iter(columns))
    rows = {name: metrics.per_class[name] for name in run.classes if name in metrics.per_class}
    floor = fraction_floor(lower_ends(row.get(first, ABSENT) for row in rows.values()))
    overall = {key: metrics.overall.get(f"mean_{key}", ABSENT) for key in columns}
    if "accuracy" in metrics.overall and "recall" in columns:
        overall["recall"] = metrics.overall["accuracy"]
    return {
        "floor": floor,
        "rows": [
            {
                "name": name,
                "index": run.classes.index(name),
                "support": metrics.support.get(name, 0),
                "cells": [_cell(row.get(key, ABSENT), info, floor) for key, info in columns.items()],
                "references": [decimal(one.per_class[name]) for one in references],
            }
            for name, row in rows.items()
        ],
        "all": [_cell(overall[key], info, floor) for key, info in columns.items()],
        "references": [
            {"name": one.name, "source": one.source, "note": one.note, "overall": decimal(one.overall)}
            for one in references
        ],
    }


def _cell(estimate: Estimate, info: MetricInfo, floor: float) -> dict[str, Any]:
    """Prepare a cell; on its line, 0 is at `floor` and 1 at 100 %."""
    text, interval = metric_text(estimate, info)
    cell: dict[str, Any] = {"value": estimate.value if estimate.present else -1, "text": text, "interval": interval}
    if estimate.present:
        low, high = interval_ends(estimate)
        ends = {"low": low, "middle": estimate.value, "high": high}
        cell["line"] = {end: round(max(value - floor, 0) / (1 - floor), 4) for end, value in ends.items()}
    return cell


def _dots(run: RunData, metrics: SplitMetrics, references: tuple[ReferenceResult, ...]) -> Any:
    """Return the drawing of average precision by class: results of others, by softmax, and by raw scores last."""
    series: dict[str, list[Estimate]] = {
        one.name: [Estimate(one.overall), *(Estimate(one.per_class[name]) for name in run.classes)]
        for one in references
    }
    for title, key in (("by softmax", "ap_softmax"), ("by raw scores", "ap")):
        column = [metrics.per_class.get(name, {}).get(key, ABSENT) for name in run.classes]
        series[title] = [metrics.overall.get(f"mean_{key}", ABSENT), *column]
    return partial(plots.dots, rows=("mean", *run.classes), series=series, percents=False)
