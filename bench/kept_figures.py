"""Figures of several programs, kept in one file of docs/ with the page that is made of them."""

import platform
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from seamline.io import read_json, write_json, write_text
from seamline.models.devices import describe_machine

DOCS = Path(__file__).parent.parent / "docs"


def keep(name: str, part: str, figures: dict[str, Any], page: Callable[[dict[str, Any]], str]) -> None:
    """Keep what one program found beside what others did, and write the page anew.

    Args:
        name: of the page, such as `reliability`.
        part: which of its programs found it.
        figures: what it found; machine and Python's version are added.
        page: makes the page of all parts.
    """
    file = DOCS / f"{name}.json"
    known: dict[str, Any] = read_json(file) if file.is_file() else {}
    known[part] = figures | {"machine": describe_machine(torch.device("cpu")), "python": platform.python_version()}
    write_json(file, known)
    write_text(DOCS / f"{name}.md", page(known))
