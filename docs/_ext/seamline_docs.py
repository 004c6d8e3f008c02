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

import cli_reference
import http_reference
import seamline
import tables
from seamline.run_folder import schema

logger = logging.getLogger(__name__)

GENERATORS: dict[str, Callable[[], str]] = {
    "cli": cli_reference.render,
    "datasets": tables.datasets,
    "fields": tables.fields,
    "findings": tables.findings,
    "http-api": http_reference.render,
    "metrics": tables.metrics,
    "packages": tables.packages,
    "presets": tables.presets,
    "pretrained": tables.pretrained,
    "run-folder": lambda: schema.reference().replace("\n### ", "\n## "),
}
"""Name in `<!-- generate: NAME -->` -> function that returns the section in Markdown."""

_MARK = re.compile(r"^<!-- generate: ([\w-]+) -->$", re.MULTILINE)


def insert_sections(app: Sphinx, page: str, source: list[str]) -> None:
    """Replace the marks of a page by the sections they name."""
    source[0] = _MARK.sub(lambda match: GENERATORS[match[1]](), source[0])


def resolve_public_name(app: Sphinx, env: Any, node: Any, content: nodes.TextElement) -> nodes.Node | None:
    """Link a class that is named by its module, `seamline.data.dataset.Dataset`, to its public name."""
    name = node.get("reftarget", "").rpartition(".")[2]
    if node.get("refdomain") != "py" or name not in seamline.__all__:
        return None
    domain = env.get_domain("py")
    return domain.resolve_xref(
        env, node["refdoc"], app.builder, node["reftype"], f"seamline.{name}", node, content
    ) or domain.resolve_xref(env, node["refdoc"], app.builder, "obj", f"seamline.{name}", node, content)


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
    app.connect("missing-reference", resolve_public_name)
    app.connect("autodoc-process-docstring", keep_colons, priority=1)
    app.connect("autodoc-process-docstring", require_docstring, priority=100)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
