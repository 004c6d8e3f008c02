"""Sphinx extension: sections that are generated from the code, and checks of the API pages.

A page holds `<!-- generate: NAME -->` where a section belongs. The section is Markdown that a function of `GENERATORS`
returns when the page is read, so that no generated file is stored.
"""

import re
from collections.abc import Callable
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util import logging

import api_reference
import cli_reference
import http_reference
import measures_reference
import run_folder_reference
import tables

logger = logging.getLogger(__name__)

GENERATORS: dict[str, Callable[[], str]] = {
    "api": api_reference.render,
    "cli": cli_reference.render,
    "datasets": tables.datasets,
    "class-maps": tables.class_maps,
    "fields": tables.fields,
    "findings": tables.findings,
    "inspection": run_folder_reference.inspection,
    "http-api": http_reference.render,
    "measures-record": measures_reference.record,
    "measures-rules": measures_reference.rules,
    "measures-tables": measures_reference.tables,
    "measures-totals": measures_reference.totals,
    "metrics": tables.metrics,
    "packages": tables.packages,
    "presets": tables.presets,
    "pretrained": tables.pretrained,
    "roles": measures_reference.roles,
    "suggestions": run_folder_reference.suggestions,
    "sweep": run_folder_reference.sweep,
    "run-folder": lambda: run_folder_reference.reference().replace("\n### ", "\n## "),
}
"""Name in `<!-- generate: NAME -->` -> function that returns the section in Markdown."""

_MARK = re.compile(r"^<!-- generate: ([\w-]+) -->$", re.MULTILINE)


def insert_sections(app: Sphinx, page: str, source: list[str]) -> None:
    """Replace the marks of a page by the sections they name."""
    source[0] = _MARK.sub(lambda match: GENERATORS[match[1]](), source[0])


def resolve_by_name(app: Sphinx, env: Any, node: Any, content: nodes.TextElement) -> nodes.Node | None:
    """Link a class that is named in another way, such as `Dataset` or `seamline.data.dataset.Dataset`, by its name.

    Structs of the run folder link to its page.
    """
    if node.get("reftarget", "").startswith("seamline.run_folder."):
        uri = app.builder.get_relative_uri(node["refdoc"], "reference/run-folder")
        return nodes.reference("", "", content, internal=True, refuri=uri)
    domain = env.get_domain("py")
    name = node.get("reftarget", "").rpartition(".")[2]
    documented = [
        full for full, *_ in domain.get_objects() if full.startswith("seamline.") and full.endswith(f".{name}")
    ]
    if node.get("refdomain") != "py" or len(documented) != 1:
        return None
    return domain.resolve_xref(env, node["refdoc"], app.builder, "obj", documented[0], node, content)


def keep_colons(app: Sphinx, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """Keep napoleon from reading the first words of a property's summary, up to a colon, as its type."""
    if what in ("property", "attribute") and lines:
        lines[0] = lines[0].replace(": ", " – ")


def require_docstring(app: Sphinx, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """Warn where a documented object has no docstring."""
    if not any(lines) and what != "data":
        logger.warning("%s has no docstring", name)


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect the extension."""
    app.connect("source-read", insert_sections)
    app.connect("missing-reference", resolve_by_name)
    app.connect("autodoc-process-docstring", keep_colons, priority=1)
    app.connect("autodoc-process-docstring", require_docstring, priority=100)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
