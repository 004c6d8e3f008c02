"""The command line: each command parses its arguments, calls one function of the library and prints the result.

Whatever needs PyTorch is imported by the command that needs it, so that `seamline --help` is quick.
"""

from typing import Annotated

import typer

import seamline
from seamline.cli.buildings import measure
from seamline.cli.datasets import inspect, list_all
from seamline.cli.models import export, predict, serve, verify
from seamline.cli.runs import compare, evaluate, report
from seamline.cli.suggesting import suggest
from seamline.cli.sweeps import sweep
from seamline.cli.training import reproduce, train
from seamline.progress import result

app = typer.Typer(
    name="seamline",
    help="Train image classifiers and segmenters and report what they learned.",
    invoke_without_command=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _show_version(wanted: bool) -> None:
    if wanted:
        result(f"seamline {seamline.__version__}")
        raise typer.Exit


@app.callback()
def main(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Train image classifiers and segmenters and report what they learned."""
    if context.invoked_subcommand is None:
        result(context.get_help())


_COMMANDS = (
    *(reproduce, train, sweep, inspect, evaluate, report, compare),
    *(predict, suggest, measure, export, verify, serve),
)
for _command in _COMMANDS:
    app.command()(_command)
app.command(name="list")(list_all)
