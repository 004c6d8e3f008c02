"""Metrics of each class, with results of others on the same images."""

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

from seamline.report import plots
from seamline.report.panel import Content, split_tabs
from seamline.report.plot_layout import fraction_floor, lower_ends
from seamline.report.run_data import RunData
from seamline.report.svg import WIDTHS, Drawing, responsive_svg
from seamline.run_folder import ABSENT, Estimate, MetricInfo, ReferenceResult, SplitMetrics


def build(run: RunData) -> Content | None:
    """Show all metrics of each class with their intervals, on each split."""
    measured = {split: metrics for split in run.splits if (metrics := run.split_metrics(split)).per_class}
    if not measured:
        return None
    columns = _columns(run.metrics.definitions, measured.values())
    splits: dict[str, dict[str, Any]] = {}
    figures: dict[str, Drawing] = {}
    for split, metrics in measured.items():
        references = reference_results(run, split)
        first = [one.get(next(iter(columns)), ABSENT) for one in metrics.per_class.values()]
        splits[split] = {
            "metrics": metrics,
            "references": references,
            "all": _all_classes(metrics, columns),
            "floor": fraction_floor(lower_ends(first)),
        }
        if run.info.task == "segmentation":
            draw = _dots(run, metrics, references)
            alt = "One row per class, one mark per metric; the table below has the values."
            splits[split]["plots"] = responsive_svg(draw, f"classes-{split}", alt)
            figures[f"classes-{split}"] = partial(draw, width=WIDTHS["wide"])
    values = {"tabs": split_tabs(splits), "splits": splits, "columns": columns, "classes": run.classes}
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


def _columns(definitions: Mapping[str, MetricInfo], measured: Iterable[SplitMetrics]) -> dict[str, MetricInfo]:
    """Return the metrics of classes, in the order of their definitions; those without a better or worse last."""
    present = {key for metrics in measured for one in metrics.per_class.values() for key in one}
    known = [(key, info) for key, info in definitions.items() if key in present]
    return dict(sorted(known, key=lambda item: item[1].higher_is_better is None))


def _all_classes(metrics: SplitMetrics, columns: Iterable[str]) -> dict[str, Estimate]:
    """Return each metric over all classes; the recall of all pixels is their accuracy."""
    overall = {key: metrics.overall.get(f"mean_{key}", ABSENT) for key in columns}
    if "accuracy" in metrics.overall and "recall" in overall:
        overall["recall"] = metrics.overall["accuracy"]
    return overall


def _dots(run: RunData, metrics: SplitMetrics, references: tuple[ReferenceResult, ...]) -> Any:
    """Return the drawing of average precision by class: results of others, by softmax, and by logits last."""
    series: dict[str, list[Estimate]] = {
        one.name: [Estimate(one.overall), *(Estimate(one.per_class[name]) for name in run.classes)]
        for one in references
    }
    for title, key in (("by softmax", "ap_softmax"), ("by logits", "ap")):
        column = [metrics.per_class.get(name, {}).get(key, ABSENT) for name in run.classes]
        series[title] = [metrics.overall.get(f"mean_{key}", ABSENT), *column]
    return partial(plots.dots, rows=("mean", *run.classes), series=series, percents=False)
