"""Run folder -> one page that opens from disk, and its figures as files."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from seamline.data.masks import Color
from seamline.errors import SeamlineError
from seamline.io import write_text
from seamline.report.colours import hexed, palette_text, safe_colours
from seamline.report.contents import Contents, read_contents
from seamline.report.drawing import write_figure
from seamline.report.headline import headline, notice, tied
from seamline.report.panels import PANELS, Panel
from seamline.report.pictures import example_sheet
from seamline.report.words import count, number, percent

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
        SeamlineError: the folder holds no finished run, or a file in it cannot be read or written.
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
        raise SeamlineError(
            f"{path}: cannot be written ({fault.strerror}); make room or give another folder"
        ) from fault
    return path


def make_panels(contents: Contents) -> list[Panel]:
    """Make every panel that the run knows enough for."""
    return [panel for make in PANELS if (panel := make(contents))]


def render_page(contents: Contents, panels: list[Panel]) -> str:
    """Put the panels on the page."""
    titles = {panel.name: panel.title for panel in panels}
    return render(
        "page.html", contents.colours, head=_head(contents), panels=panels, titles=titles, sheets=_sheets(contents)
    )


def render(template: str, colours: Sequence[Color], **values: Any) -> str:
    """Fill a template; whatever is data is escaped, and what is not there is an error.

    Args:
        template: its name.
        colours: of the classes, where the page shows masks; else empty.
        values: what the template shows.
    """
    safe = safe_colours(colours)
    both = {"own": colours, "safe": safe}
    dress = {name: [hexed(colour) for colour in of] for name, of in both.items()} | {
        "palettes": {name: palette_text(of) for name, of in both.items()}
    }
    return _environment().get_template(template).render(colours=dress if colours else None, **values)


def _environment() -> Environment:
    """Make the template engine."""
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
    findings = [{**one, "sentence": tied(one["sentence"])} for one in run.findings]
    return {
        "title": dataset["title"],
        "recipe": run.run["recipe_name"],
        "network": network.get("name"),
        "parameters": None if parameters is None else count(parameters),
        "notice": notice(run),
        "figures": headline(run),
        "findings": findings[:FIRST],
        "more_findings": findings[FIRST:],
    }


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
