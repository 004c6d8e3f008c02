"""Tables of datasets and presets, generated from what `seamline list` shows."""

import json
from typing import Any

from typer.testing import CliRunner

from seamline.cli import app


def datasets() -> str:
    """Return a table of the datasets that have a name."""
    rows = [f"| `{name}` | {title} |" for name, title in _listed()["datasets"].items()]
    return "\n".join(["| name | dataset |", "| --- | --- |", *rows])


def presets() -> str:
    """Return a table of the presets of each task: a row a field, a column a preset."""
    sections = []
    for task, table in _listed()["recipes"].items():
        fields = list(next(iter(table.values())))
        head = f"| field | {' | '.join(f'`{name}`' for name in table)} |"
        rows = [f"| `{field}` | {' | '.join(_value(one[field]) for one in table.values())} |" for field in fields]
        sections.append("\n".join([f"## {task.capitalize()}", "", head, "| --- |" + " --- |" * len(table), *rows]))
    return "\n\n".join(sections)


def _value(value: Any) -> str:
    if value is None:
        return "none"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _listed() -> dict[str, Any]:
    content: dict[str, Any] = json.loads(CliRunner().invoke(app, ["list", "--json"]).stdout)
    return content
