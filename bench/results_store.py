"""Stored benchmark results (`bench/results/NAME.json`) and the documentation pages written from them."""

import json
import platform
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from seamline.io import read_json, write_text
from seamline.models.devices import describe_machine

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "bench" / "results"
PAGES = ROOT / "docs" / "measurements"
IMAGES = ROOT / "docs" / "images"
RECORD_LENGTH = 2000
"""Characters up to which a JSON value stands on one line."""


def read_results(name: str) -> dict[str, Any]:
    """Return the stored results called `name`, or an empty dictionary if there are none."""
    file = RESULTS / f"{name}.json"
    return read_json(file) if file.is_file() else {}


def write_results(name: str, results: dict[str, Any]) -> None:
    """Store results as JSON without indentation, one record to a line, with eight significant digits."""
    write_text(RESULTS / f"{name}.json", _dump(_rounded(results)) + "\n")


def write_page(name: str, text: str) -> None:
    """Write the documentation page `docs/measurements/NAME.md`."""
    write_text(PAGES / f"{name}.md", text)


def add_part(name: str, part: str, results: dict[str, Any], page: Callable[[dict[str, Any]], str]) -> None:
    """Store the results of one of several programs that share a page, and write the page.

    Args:
        name: name of the page, such as `reliability`.
        part: key under which the results of this program are stored.
        results: the results; machine and Python version are added.
        page: returns the text of the page from all parts.
    """
    stored = read_results(name)
    stored[part] = results | {"machine": describe_machine(torch.device("cpu")), "python": platform.python_version()}
    write_results(name, stored)
    write_page(name, page(stored))


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(item) for item in value]
    return float(f"{value:.8g}") if isinstance(value, float) else value


def _dump(value: Any) -> str:
    """Return JSON in which dictionaries and lists past `RECORD_LENGTH` characters have one item to a line."""
    text = json.dumps(value, ensure_ascii=False)
    if len(text) <= RECORD_LENGTH:
        return text
    if isinstance(value, dict):
        return "{\n" + ",\n".join(f"{json.dumps(key)}: {_dump(item)}" for key, item in value.items()) + "\n}"
    if isinstance(value, list):
        return "[\n" + ",\n".join(json.dumps(item, ensure_ascii=False) for item in value) + "\n]"
    return text
