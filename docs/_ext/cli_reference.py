"""The command line reference, generated from Typer's command tree."""

from typing import Any

import typer

from seamline.cli import app


def render() -> str:
    """Return a section for every command: synopsis, description, arguments and options."""
    command: Any = typer.main.get_command(app)
    sections = [_section(name, child) for name, child in command.commands.items()]
    return "\n\n".join(sections)


def _section(name: str, command: Any) -> str:
    context = command.context_class(command, info_name=f"seamline {name}")
    usage = command.get_usage(context).removeprefix("Usage: ")
    lines = [f"## `seamline {name}`", "", "```text", usage, "```", "", command.help or ""]
    for kind in ("argument", "option"):
        records = [p.get_help_record(context) for p in command.params if p.param_type_name == kind]
        rows = [f"| `{_cell(names)}` | {_cell(text)} |" for names, text in filter(None, records)]
        if rows:
            lines += ["", f"| {kind} | meaning |", "| --- | --- |", *rows]
    return "\n".join(lines)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
