"""`seamline inspect` and `seamline list`."""

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

import seamline
from seamline.cli.options import (
    DataDirOption,
    DatasetsArgument,
    GroupsOption,
    JsonOption,
    MapOption,
    NearDuplicatesOption,
    print_json,
)
from seamline.progress import Reporter, result

if TYPE_CHECKING:
    from seamline.data.validate import DatasetReport

MAX_LINES = 10
"""Files that are printed of those that cannot be read."""


def inspect(
    data: DatasetsArgument,
    data_dir: DataDirOption = None,
    groups: GroupsOption = None,
    near_duplicates: NearDuplicatesOption = True,
    maps: MapOption = None,
    strict: Annotated[bool, typer.Option("--strict", help="Exit with status 1 on warnings or unused files.")] = False,
    page: Annotated[bool, typer.Option("--page/--no-page", help="Write a page that shows the images.")] = True,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Page to write; default: inspections/NAME.html.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Check a dataset before training: errors, warnings, classes, split, near-duplicates."""
    import msgspec

    from seamline.data.class_map.files import parse_maps

    report = seamline.inspect(
        data,
        data_dir=data_dir,
        groups=groups,
        near_duplicates=near_duplicates,
        maps=parse_maps(maps or ()),
        report=page and not as_json,
        out=out if page else None,
        progress=Reporter(),
    )
    if as_json:
        print_json(msgspec.to_builtins(report))
    else:
        options = [word for option in maps or () for word in ("--map", option)]
        _print_dataset_report(report, [*map(str, data), *options])
    if not report.usable:
        raise typer.Exit(2)
    if strict and (report.warnings or report.unused):
        raise typer.Exit(1)


def _print_dataset_report(report: "DatasetReport", words: Sequence[str]) -> None:
    """Print errors and warnings, facts and classes, the page, and last the command to train, with `words`."""
    more = len(report.unreadable) - MAX_LINES
    rest = [f"and {more:,} more; --json lists all"] if more > 0 else []
    sections = {
        "Errors": report.errors,
        "Unreadable": [*report.unreadable[:MAX_LINES], *rest],
        "Warnings": report.warnings,
        "Not used": [item.sentence for item in report.unused],
    }
    for title, lines in sections.items():
        if lines:
            result(title)
            for line in lines:
                result(f"  {line}")
            result("")
    width = max(map(len, report.facts)) + 2
    for name, fact in report.facts.items():
        result(f"{name:<{width}}{fact}")
    if report.classes:
        _print_classes(report)
    if report.page:
        result(f"\nPage: {report.page}")
    command = f"seamline train {shlex.join(words)}"
    result(f"\nReady to train: {command}" if report.usable else f"\nNot usable: {command} would fail")


def _print_classes(report: "DatasetReport") -> None:
    """Print the number and fraction of images or pixels of each class and split."""
    rows = [{"train": row.train, "val": row.val, "test": row.test} for row in report.classes]
    totals = {name: sum(row[name] for row in rows) for name in rows[0]}
    splits = [name for name, total in totals.items() if total]
    counted = "pixels" if report.task == "segmentation" else "images"
    width = max(len("class"), *(len(row.name) for row in report.classes)) + 2
    result("\n" + f"{'class':<{width}}" + "".join(f"{f'{name}, {counted}':>22}" for name in splits))
    for count, row in zip(report.classes, rows, strict=True):
        cells = (f"{row[name]:,} ({row[name] / totals[name]:.1%})" for name in splits)
        result(f"{count.name:<{width}}" + "".join(f"{cell:>22}" for cell in cells))


def list_all(as_json: JsonOption = False) -> None:
    """List datasets, models, presets, metrics and findings."""
    from seamline.data.registry import DATASETS
    from seamline.evaluation.findings import FINDINGS, LAYER_FINDINGS
    from seamline.evaluation.metrics import METRICS
    from seamline.inference.pretrained import PRETRAINED
    from seamline.models.factory import model_names
    from seamline.training.config import TrainConfig, format_value
    from seamline.training.presets import PHOTO_PRESETS, PRESETS

    by_kind: Mapping[str, Mapping[str, TrainConfig]] = dict(PRESETS) | {"segmentation of photos": PHOTO_PRESETS}
    presets = {title: {name: config.to_dict() for name, config in table.items()} for title, table in by_kind.items()}
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
        rows = {field: [format_value(preset[field], field) for preset in table.values()] for field in fields}
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
