"""Tables of datasets, models, presets, fields and packages, generated from the code."""

import ast
import inspect
import json
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from typer.testing import CliRunner

from architecture_diagram import SOURCE, layers
from seamline.cli import app
from seamline.data.class_map.builtin import ALL_OTHERS, CLASS_MAPS
from seamline.evaluation.findings import FINDINGS, LAYER_FINDINGS
from seamline.evaluation.metrics import METRICS
from seamline.training.config import TrainConfig, format_value


def datasets() -> str:
    """Return a table of the datasets that have a name."""
    return _table(("name", "dataset"), [(f"`{name}`", title) for name, title in _listed()["datasets"].items()])


def class_maps() -> str:
    """Return a table of the built-in class maps: dataset, class, and the classes of the dataset that become it."""
    rows = []
    for name, class_map in CLASS_MAPS.items():
        parts: dict[str, list[str]] = {}
        for source, target in class_map.classes.items():
            parts.setdefault(target, []).append(source)
        for target in dict.fromkeys((*class_map.palette, *parts)):
            merged = [other for other, one in class_map.merged.items() if one == target]
            others = ["all others" if other == ALL_OTHERS else other for other in merged]
            rows.append((f"`{name}`", target, ", ".join(parts[target]), ", ".join(others)))
        if class_map.ignore:
            rows.append((f"`{name}`", "(ignored)", ", ".join(class_map.ignore), ""))
    return _table(("dataset", "class", "classes of the dataset", "also stands for"), rows)


def pretrained() -> str:
    """Return a table of the models that ship with the package."""
    return _table(("name", "purpose"), [(f"`{name}`", purpose) for name, purpose in _listed()["pretrained"].items()])


def presets() -> str:
    """Return a table of the presets of each task: a row a field, a column a preset."""
    sections = []
    for task, table in _listed()["presets"].items():
        fields = list(next(iter(table.values())))
        rows = [(f"`{field}`", *(format_value(preset[field], field) for preset in table.values())) for field in fields]
        sections.append(f"## {task.capitalize()}\n\n" + _table(("field", *(f"`{name}`" for name in table)), rows))
    return "\n\n".join(sections)


def fields() -> str:
    """Return a table of the fields of a configuration, from the texts below them in the source."""
    body = next(
        node.body for node in ast.walk(ast.parse(inspect.getsource(TrainConfig))) if isinstance(node, ast.ClassDef)
    )
    rows = [
        (f"`{field.target.id}`", " ".join(str(text.value.value).split()))
        for field, text in pairwise(body)
        if isinstance(field, ast.AnnAssign)
        and isinstance(field.target, ast.Name)
        and isinstance(text, ast.Expr)
        and isinstance(text.value, ast.Constant)
    ]
    return _table(("field", "meaning"), rows)


def metrics() -> str:
    """Return a table of the metrics: key, title, definition, direction, tasks."""
    directions = {True: "higher", False: "lower", None: ""}
    rows = [
        (
            f"`{key}`",
            metric.title,
            metric.definition[:1].upper() + metric.definition[1:],
            "each class" if metric.per_class else "split",
            directions[metric.higher_is_better],
            ", ".join(metric.tasks),
        )
        for key, metric in METRICS.items()
    ]
    return _table(("key", "title", "definition", "value for", "better", "tasks"), rows)


def findings() -> str:
    """Return a table of the findings: name and the first sentence of the docstring of its rule."""
    rows = []
    for rule in (*FINDINGS, *LAYER_FINDINGS):
        summary = (inspect.getdoc(rule.claim) or "").partition("\n\n")[0]
        rows.append((f"`{rule.name}`", " ".join(summary.split()), ", ".join(rule.panels)))
    return _table(("name", "claim", "tasks"), rows)


def packages() -> str:
    """Return a table of the packages from bottom to top, with the first sentence of their docstrings."""
    rows = []
    for layer in layers():
        for name in layer:
            file = SOURCE / name / "__init__.py" if (SOURCE / name).is_dir() else SOURCE / f"{name}.py"
            text = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""
            rows.append((f"`{name}`", " ".join(text.partition("\n\n")[0].split())))
    return _table(("package", "purpose"), rows)


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines)


def _listed() -> dict[str, Any]:
    content: dict[str, Any] = json.loads(CliRunner().invoke(app, ["list", "--json"]).stdout)
    return content
