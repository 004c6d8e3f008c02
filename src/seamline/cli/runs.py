"""`seamline evaluate`, `seamline report` and `seamline compare`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

import seamline
from seamline.cli.options import DataDirOption, DeviceOption, JsonOption, MapOption, RunArgument, print_json
from seamline.progress import Reporter, result

if TYPE_CHECKING:
    from collections.abc import Sequence

    from seamline.api.run import Run


def evaluate(
    run: RunArgument,
    data: Annotated[
        str | None, typer.Argument(metavar="[DATA]", help="Other labeled images; default: the run's own.")
    ] = None,
    data_dir: DataDirOption = None,
    maps: MapOption = None,
    device: DeviceOption = "auto",
    as_json: JsonOption = False,
) -> None:
    """Evaluate a finished run again, or on other labeled images."""
    from seamline.data.class_map.files import parse_maps

    class_maps = parse_maps(maps or ())
    evaluated = seamline.evaluate(run, data, data_dir=data_dir, maps=class_maps, device=device, progress=Reporter())
    print_runs([evaluated], as_json=as_json)


def report(run: RunArgument, as_json: JsonOption = False) -> None:
    """Write the report of a finished run again, from its folder alone."""
    from seamline.report.page import write_report

    page = write_report(run, progress=Reporter())
    if as_json:
        print_json({"run": str(run), "report": str(page)})
    else:
        result(f"Report: {page}")


def compare(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN RUN...", help="Run folders; the first is the baseline.")],
    out: Annotated[Path, typer.Option("--out", help="HTML file to write.")] = Path("comparison.html"),
    as_json: JsonOption = False,
) -> None:
    """Compare runs on the same test images, with paired intervals."""
    page, sentences = seamline.compare(runs, out)
    if as_json:
        print_json({"page": str(page), "differences": sentences})
        return
    for sentence in sentences:
        result(sentence)
    result(f"Page: {page}")


def print_runs(runs: "Sequence[Run]", *, as_json: bool, index: Path | None = None) -> None:
    """Print the metrics of finished runs and where their reports are."""
    from seamline.evaluation.text import change_lines, metric_lines
    from seamline.io import read_json

    summaries = []
    for folder in (run.folder for run in runs):
        report = folder.report_file
        if as_json:
            metrics = read_json(folder.metrics.path)
            summaries.append({"run": str(folder.path), "report": str(report), "metrics": metrics})
            continue
        metrics, compared = folder.metrics.read(), folder.before_after.read_optional()
        for line in (*metric_lines(metrics), *(change_lines(compared, metrics) if compared else ())):
            result(line)
        for finding in folder.findings.read():
            if finding.name == "first_set":
                result(finding.sentence)
        result(f"Run:    {folder.path}\nReport: {report}")
    if as_json:
        print_json({"runs": summaries, **({} if index is None else {"index": str(index)})})
    elif index is not None:
        result(f"Index:  {index}")
