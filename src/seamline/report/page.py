"""Run folder -> one page that opens from disk, and its figures as files."""

from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from seamline.data.errors import UserError
from seamline.data.files import write_text
from seamline.report.contents import Contents, read_contents
from seamline.report.drawing import write_figure
from seamline.report.panels import PANELS, Panel
from seamline.report.pictures import example_sheet
from seamline.report.words import Estimate, count, number, percent, percent_range

DRAWN = "These images were drawn by a program: what it reaches on them says nothing about photographs."

FIRST = 5
"""Findings that stand at the head; the rest is folded."""

SHOT = 84
"""Pixels that the longer side of an example is enlarged to, as far as whole steps allow."""


def write_report(run: Path) -> Path:
    """Write the page and the figures of a finished run into its folder.

    Args:
        run: the run folder.

    Returns:
        The path of `report.html`.

    Raises:
        UserError: the folder holds no finished run, or a file in it cannot be read or written.
    """
    contents = read_contents(run)
    panels = make_panels(contents)
    page = render_page(contents, panels)
    path = run / "report.html"
    try:
        for panel in panels:
            for name, draw in panel.drawings.items():
                write_figure(draw, run / "figures" / name)
        write_text(path, page)
    except OSError as fault:
        raise UserError(f"{path}: cannot be written ({fault.strerror}); make room or give another folder") from fault
    return path


def make_panels(contents: Contents) -> list[Panel]:
    """Make every panel that the run knows enough for."""
    return [panel for make in PANELS if (panel := make(contents))]


def render_page(contents: Contents, panels: list[Panel]) -> str:
    """Put the panels on the page."""
    template = _environment().get_template("page.html")
    titles = {panel.name: panel.title for panel in panels}
    return template.render(head=_head(contents), panels=panels, titles=titles, sheets=_sheets(contents))


def _environment() -> Environment:
    """Make the template engine; whatever is data is escaped, and what is not there is an error."""
    environment = Environment(
        loader=PackageLoader("seamline.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"percent": percent, "number": number, "count": count}
    return environment


def _head(run: Contents) -> dict[str, Any]:
    """Gather what stands above the panels."""
    dataset, network = run.run["dataset"], run.run["network"]
    parameters = network.get("parameters")
    findings = [{**one, "sentence": one["sentence"].replace(" %", "\u00a0%")} for one in run.findings]
    return {
        "title": dataset["title"],
        "recipe": run.run["recipe_name"],
        "network": network.get("name"),
        "parameters": None if parameters is None else count(parameters),
        "notice": run.run.get("notice") or (DRAWN if dataset.get("drawn") else None),
        "figures": _headline(run),
        "findings": findings[:FIRST],
        "more_findings": findings[FIRST:],
    }


def _headline(run: Contents) -> list[dict[str, str]]:
    """Choose the figures that matter: accuracy on test and validation images, and the lowest of a class."""
    figures = []
    for split, name in (("test", "Test accuracy"), ("val", "Validation accuracy")):
        accuracy = Estimate.of((run.scores[split] or {}).get("accuracy"))
        if accuracy:
            images = run.scores[split].get("images")
            figures.append(_figure(name, accuracy, "" if images is None else f"{count(images)} images"))
    for split in ("test", "val"):
        per_class = (run.scores[split] or {}).get("per_class") or {}
        known = {name: one for name, of in per_class.items() if (one := Estimate.of(of.get("accuracy")))}
        if known:
            lowest = min(known, key=lambda name: known[name].value)
            figures.append(_figure("Lowest class accuracy", known[lowest], lowest))
            break
    return figures


def _figure(name: str, estimate: Estimate, of: str) -> dict[str, str]:
    """Prepare one headline figure."""
    return {"name": name, "value": percent(estimate), "range": percent_range(estimate), "of": of}


def _sheets(run: Contents) -> dict[str, dict[str, Any]]:
    """Prepare the example images of each split for the style sheet, which holds each picture once."""
    sheets = {}
    for split, answers in run.answers.items():
        sheet = example_sheet(answers)
        height, width = sheet.tile
        scale: float = SHOT // max(height, width) or SHOT / max(height, width)
        sheets[split] = {
            "uri": sheet.uri,
            "columns": sheet.columns,
            "rows": sheet.rows,
            "height": round(scale * height, 2),
            "width": round(scale * width, 2),
        }
    return sheets
