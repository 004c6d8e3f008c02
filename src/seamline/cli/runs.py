"""`seamline report` and `seamline compare`."""

from pathlib import Path
from typing import Annotated

import typer

from seamline.cli.options import JsonOption, RunArgument, print_json
from seamline.progress import result


def report(run: RunArgument, as_json: JsonOption = False) -> None:
    """Write the report of a finished run again, from its folder alone."""
    from seamline.report.page import write_report

    page = write_report(run)
    if as_json:
        print_json({"run": str(run), "report": str(page)})
    else:
        result(f"The page: {page}")


def compare(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN RUN...", help="Run folders; the first is the baseline.")],
    out: Annotated[Path, typer.Option("--out", help="HTML file to write.")] = Path("compared.html"),
    as_json: JsonOption = False,
) -> None:
    """Compare runs on the same test images, with paired intervals."""
    from seamline.report.compare_page import write_comparison

    page, sentences = write_comparison(runs, out)
    if as_json:
        print_json({"page": str(page), "differences": sentences})
        return
    for sentence in sentences:
        result(sentence)
    result(f"The page: {page}")
