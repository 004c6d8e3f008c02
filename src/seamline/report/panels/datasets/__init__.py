"""Metrics of each of several datasets that a model was trained on, beside each other."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from seamline.evaluation.text import count, join_and, title_inside
from seamline.report import plots
from seamline.report.formatting import value_text
from seamline.report.panel import Content, split_tabs
from seamline.report.run_data import SPLITS, RunData
from seamline.report.svg import WIDTHS, Drawing, responsive_svg
from seamline.run_folder import ABSENT, DatasetPartInfo, MetricInfo, SplitMetrics

Measured = Mapping[str, SplitMetrics]
"""Name of a dataset -> metrics of its images in a split."""


def build(run: RunData) -> Content | None:
    """Show overall metrics and a metric of each class side by side, on each split; None for a single dataset."""
    parts = {part.name: part for part in run.info.dataset.parts}
    splits: dict[str, dict[str, Any]] = {}
    figures: dict[str, Drawing] = {}
    for split in SPLITS:
        measured = {
            name: metrics
            for name, of in run.metrics.parts.items()
            if name in parts and (metrics := of.test if split == "test" else of.val)
        }
        keys = _class_metrics(run.metrics.definitions, measured)
        if not measured or not keys:
            continue
        draw = _dots(run, parts, measured, keys[0])
        alt = "One row per class, one mark per dataset; the table below has the values."
        splits[split] = {
            "measured": measured,
            "overall": _overall_metrics(run.metrics.definitions, measured),
            "per_class": {key: run.metrics.definitions[key] for key in keys},
            "plots": responsive_svg(draw, f"datasets-{split}", alt),
            "sentences": [_sentence(run, parts, measured, split), *_merge_sentences(parts, measured)],
        }
        figures[f"datasets-{split}"] = partial(draw, width=WIDTHS["wide"])
    if not splits:
        return None
    return Content({"tabs": split_tabs(splits), "splits": splits, "parts": parts, "classes": run.classes}, figures)


def _overall_metrics(definitions: Mapping[str, MetricInfo], measured: Measured) -> dict[str, MetricInfo]:
    """Return the metrics over all classes that a dataset has; those by softmax are in other panels."""
    present = {key for of in measured.values() for key, one in of.overall.items() if one.present}
    return {key: info for key, info in definitions.items() if key in present and not key.endswith("_softmax")}


def _class_metrics(definitions: Mapping[str, MetricInfo], measured: Measured) -> list[str]:
    """Return the metrics of classes to show: the first of which more is better, for masks also IoU."""
    present = [
        key
        for key, info in definitions.items()
        if info.higher_is_better and any(key in one for of in measured.values() for one in of.per_class.values())
    ]
    return list(dict.fromkeys([*present[:1], *(key for key in present if key == "iou")]))


def _dots(run: RunData, parts: Mapping[str, DatasetPartInfo], measured: Measured, key: str) -> Any:
    """Return the drawing of a metric by class, a mark for each dataset."""
    series = {
        parts[name].title: [
            of.overall.get(f"mean_{key}", ABSENT),
            *(of.per_class.get(one, {}).get(key, ABSENT) for one in run.classes),
        ]
        for name, of in measured.items()
    }
    percents = run.metrics.definitions[key].format == "percent"
    return partial(plots.dots, rows=("mean", *run.classes), series=series, percents=percents)


def _sentence(run: RunData, parts: Mapping[str, DatasetPartInfo], measured: Measured, split: str) -> str:
    """State the first metric over all classes of each dataset."""
    definitions = run.metrics.definitions
    key, info = next(iter(_overall_metrics(definitions, measured).items()))
    values = [
        f"{value_text(of.overall.get(key, ABSENT), info.format)} on the {count(of.images)} {SPLITS[split]} images of "
        f"{parts[name].title}"
        for name, of in measured.items()
    ]
    return f"The {title_inside(info.title)} is {join_and(values)}."


def _merge_sentences(parts: Mapping[str, DatasetPartInfo], measured: Measured) -> list[str]:
    """State which classes each dataset does not tell apart."""
    sentences = []
    for name in measured:
        targets: dict[str, list[str]] = {}
        for one, target in parts[name].merged.items():
            targets.setdefault(target, []).append(one)
        counted = [f"{join_and(some)} as {target}" for target, some in targets.items()]
        if counted:
            sentences.append(f"{parts[name].title} counts {join_and(counted)}.")
    return sentences
