"""`seamline inspect` and `seamline list`."""

import shlex
from collections.abc import Mapping
from typing import Any

import typer

import seamline
from seamline.cli.options import DataDirOption, DatasetArgument, JsonOption, print_json
from seamline.progress import Reporter, result

MAX_GROUPS = 20
"""Groups of related images that are printed."""
MAX_NAMES = 6
"""Images that are printed of each."""


def inspect(data: DatasetArgument, data_dir: DataDirOption = None, as_json: JsonOption = False) -> None:
    """Check a dataset before training: classes, errors, warnings, near-duplicates."""
    from seamline.data.validate import DatasetReport

    report = seamline.inspect(data, data_dir=data_dir, progress=Reporter())
    if as_json:
        print_json(report.to_dict())
    elif isinstance(report, DatasetReport):
        _print_dataset_report(report)
    else:
        for group in report.groups:
            result("  ".join(group))
        result(report.summary())
    if isinstance(report, DatasetReport) and report.errors:
        raise typer.Exit(1)


def _print_dataset_report(report: Any) -> None:
    """Print the facts and classes of a folder, errors and warnings, and near-duplicates last."""
    width = max(len(name) for name, _ in report.facts) + 2
    for name, fact in report.facts:
        result(f"{name:<{width}}{fact}")
    if report.classes:
        _print_classes(report)
    unused = [item.sentence for item in report.unused]
    sections = {
        "Unreadable": report.unreadable, "Errors": report.errors, "Warnings": report.warnings, "Not used": unused,
    }  # fmt: skip
    for title, lines in sections.items():
        if lines:
            result(f"\n{title}")
            for line in lines:
                result(f"  {line}")
    if report.duplicates is not None and report.duplicates.groups:
        result("\nNear-duplicates")
        for group in report.duplicates.groups[:MAX_GROUPS]:
            rest = f"  and {len(group) - MAX_NAMES:,} more" if len(group) > MAX_NAMES else ""
            result("  " + "  ".join(group[:MAX_NAMES]) + rest)
        if (more := len(report.duplicates.groups) - MAX_GROUPS) > 0:
            result(f"  and {more:,} more groups; --json lists all")
    if not report.errors:
        result(f"\nReady to train: seamline train {shlex.quote(report.source)}")


def _print_classes(report: Any) -> None:
    """Print the number and fraction of images or pixels of each class and split."""
    splits = [name for name in report.classes[0] if name != "class"]
    counted = "pixels" if report.task == "segmentation" else "images"
    totals = {name: max(1, sum(row[name] for row in report.classes)) for name in splits}
    width = max(len("class"), *(len(row["class"]) for row in report.classes)) + 2
    result("\n" + f"{'class':<{width}}" + "".join(f"{f'{name}, {counted}':>22}" for name in splits))
    for row in report.classes:
        cells = (f"{row[name]:,} ({row[name] / totals[name]:.1%})" for name in splits)
        result(f"{row['class']:<{width}}" + "".join(f"{cell:>22}" for cell in cells))


def list_all(as_json: JsonOption = False) -> None:
    """List datasets, models, presets, metrics and findings."""
    from seamline.data.registry import DATASETS
    from seamline.evaluation.findings import FINDINGS, LAYER_FINDINGS
    from seamline.evaluation.metrics import METRICS
    from seamline.inference.pretrained import PRETRAINED
    from seamline.models.factory import model_names
    from seamline.training.config import format_value
    from seamline.training.presets import PRESETS

    presets = {task: {name: config.to_dict() for name, config in table.items()} for task, table in PRESETS.items()}
    tables = {
        "datasets": {name: spec.title for name, spec in DATASETS.items()},
        "pretrained": PRETRAINED,
        "metrics": {key: metric.definition for key, metric in METRICS.items()},
        "findings": {rule.name: ", ".join(rule.panels) for rule in (*FINDINGS, *LAYER_FINDINGS)},
    }
    models = {task: model_names(task) for task in PRESETS}
    if as_json:
        print_json({**tables, "models": models, "presets": presets})
        return
    _print_table("Datasets", tables["datasets"])
    _print_table("Pretrained models, for predict, export and serve", tables["pretrained"])
    _print_table("Models, for train --model", {task: ", ".join(names) for task, names in models.items()})
    for task, table in presets.items():
        fields = next(iter(table.values()))
        rows = {field: [format_value(preset[field]) for preset in table.values()] for field in fields}
        texts = {"": [*table], **rows}
        title = f"Presets for {task}; --set FIELD=VALUE overrides a field"
        _print_table(title, {field: "".join(f"{cell:<14}" for cell in cells) for field, cells in texts.items()})
    _print_table("Metrics", tables["metrics"])
    _print_table("Findings, with their tasks", tables["findings"])


def _print_table(title: str, rows: Mapping[str, str]) -> None:
    """Print a table of names and descriptions under a title."""
    result(f"{title}")
    for name, description in rows.items():
        result(f"  {name:<20}{description}".rstrip())
    result("")
