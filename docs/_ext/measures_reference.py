"""The reference of measuring buildings: columns of tables, fields of `measures.json`, roles, and constants of rules."""

import ast
import dataclasses
import inspect
from collections.abc import Iterator
from importlib import import_module
from itertools import pairwise

from run_folder_reference import MEASURES, describe, field_table
from seamline.buildings import windows
from seamline.buildings.files.tables import TABLES
from seamline.buildings.roles import NAMES, ROLES
from seamline.buildings.totals import RULES

MODULES = (
    *("camera", "measurer", "fronts", "segments", "vanishing_points", "walls", "rectification", "planes", "windows"),
    *("storeys", "measures", "describe", "calibration"),
)
"""Modules of `buildings` with constants of rules, in the order of the steps."""


def tables() -> str:
    """Return a section for each CSV file with its columns."""
    sections = []
    for name, table in TABLES.items():
        rows = [f"| `{column.name}` | {column.description} |" for column in table.columns]
        sections.append("\n".join([f"## `{name}`", "", "| column | meaning |", "| --- | --- |", *rows]))
    return "\n\n".join(sections)


def record() -> str:
    """Return the fields of `measures.json`."""
    return field_table(MEASURES)


def roles() -> str:
    """Return the roles of classes, and the names by which they are found."""
    rows = [f"| `{role}` | {', '.join(NAMES.get(role, ())) or 'all others'} |" for role in ROLES]
    return "\n".join(["| role | names of classes |", "| --- | --- |", *rows])


def totals() -> str:
    """Return the rules by which totals of buildings follow from fronts, as a list."""
    return "\n".join(f"- {rule}" for rule in RULES)


def rules() -> str:
    """Return the constants of the rules: name, value, module and meaning."""
    rows = [
        f"| `{name}` | {value} | `{module}` | {text} |"
        for module in MODULES
        for name, value, text in (*_constants(module), *(_window_rules() if module == "windows" else ()))
    ]
    return "\n".join(["| constant | value | module | meaning |", "| --- | --- | --- | --- |", *rows])


def _constants(module_name: str) -> Iterator[tuple[str, str, str]]:
    """Yield the numbers that a module names, with the first paragraph of the text below each."""
    module = import_module(f"seamline.buildings.{module_name}")
    for line, text in pairwise(ast.parse(inspect.getsource(module)).body):
        if not (isinstance(line, ast.Assign) and isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant)):
            continue
        name = ast.unparse(line.targets[0])
        numbers = getattr(module, name)
        numbers = numbers if isinstance(numbers, tuple) else (numbers,)
        if all(isinstance(number, int | float) for number in numbers):
            values = ", ".join(f"{number:,g}" if abs(number) < 1e6 else f"{number:,}" for number in numbers)
            yield name, values, " ".join(str(text.value.value).partition("\n\n")[0].split())


def _window_rules() -> Iterator[tuple[str, str, str]]:
    """Yield the fields of the rules by which a part of a mask is a window."""
    texts = describe(windows.WindowRules)
    for field in dataclasses.fields(windows.WindowRules):
        yield f"RULES.{field.name}", _text_of(getattr(windows.RULES, field.name)), texts[field.name]


def _text_of(value: float | tuple[float, ...]) -> str:
    """Return a number, or several."""
    return ", ".join(f"{one:g}" for one in (value if isinstance(value, tuple) else (value,)))
