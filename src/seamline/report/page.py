"""Run folder -> one page that opens from disk, and its figures as files."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

from seamline.errors import SeamlineError
from seamline.evaluation.text import count
from seamline.io import write_text
from seamline.report.formatting import decimal, nbsp_percent, percent
from seamline.report.images import example_sprite
from seamline.report.palette import colorblind_palette, hex_color, png_palette_text
from seamline.report.panel import Content, Panel
from seamline.report.panels import PANELS
from seamline.report.run_data import RunData, read_run
from seamline.report.summary import key_metrics
from seamline.report.svg import write_figure
from seamline.run_folder import Color, Task

FIRST = 5
"""Findings at the head of the page; the others are folded."""

Section = tuple[Panel, Content]


def write_report(run: Path | str) -> Path:
    """Write the page and the figures of a finished run into its folder.

    Args:
        run: the run folder.

    Returns:
        The path of `report.html`.

    Raises:
        SeamlineError: the folder holds no finished run, or a file in it cannot be read or written.
    """
    data = read_run(Path(run))
    sections = build_sections(data)
    path = data.folder.report_file
    try:
        for _, content in sections:
            for name, draw in content.figures.items():
                write_figure(draw, data.folder.figures_dir / name)
    except OSError as error:
        raise SeamlineError(
            f"{path}: cannot be written ({error.strerror}); make room or give another folder"
        ) from error
    return write_page(path, render_page(data, sections))


def build_sections(run: RunData) -> list[Section]:
    """Build every panel that the run has content for."""
    return [(panel, content) for panel in PANELS if (content := panel.build(run))]


def render_page(run: RunData, sections: Sequence[Section]) -> str:
    """Return the page of a run.

    Args:
        run: the run.
        sections: its panels.

    Returns:
        The HTML text.
    """
    info = run.info
    findings = [(one.panel, nbsp_percent(one.sentence)) for one in run.findings]
    head = {
        "title": info.dataset.title,
        "preset": info.preset,
        "model": info.model.name,
        "parameters": count(info.model.parameters),
        "notice": info.notice,
        "metrics": key_metrics(run),
        "findings": findings[:FIRST],
        "more_findings": findings[FIRST:],
    }
    return render(
        "page.html",
        task=info.task,
        palette=run.palette,
        head=head,
        sections=[
            {
                "name": panel.name,
                "title": panel.title,
                "findings": [sentence for name, sentence in findings if name == panel.name],
                "content": content.values,
            }
            for panel, content in sections
        ],
        titles={panel.name: panel.title for panel, _ in sections},
        sprites={split: example_sprite(images) for split, images in run.sheets.items()},
    )


def write_page(path: Path, page: str) -> Path:
    """Write a page, whole or not at all, and return its path.

    Raises:
        SeamlineError: it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text(path, page)
    except OSError as error:
        raise SeamlineError(f"{path}: cannot be written ({error.strerror}); make room or name another path") from error
    return path


def render(template: str, *, task: Task | None = None, palette: Sequence[Color] = (), **values: Any) -> str:
    """Fill a template; data are escaped, and an undefined variable is an error.

    Args:
        template: its name.
        task: task of the model that the page is about, if it is about one.
        palette: colors of the classes, where the page shows masks; else empty.
        **values: variables of the template.

    Returns:
        The HTML text.
    """
    variants = {"own": palette, "safe": colorblind_palette(palette)}
    colors = {name: [hex_color(color) for color in of] for name, of in variants.items()}
    palettes = {name: png_palette_text(of) for name, of in variants.items()}
    return (
        _environment()
        .get_template(template)
        .render(task=task, colors=colors, palettes=palettes, masks=bool(palette), **values)
    )


def _environment() -> Environment:
    """Return the template engine; a panel's files are found as `NAME/panel.html`."""
    environment = Environment(
        loader=ChoiceLoader([PackageLoader("seamline.report"), PackageLoader("seamline.report", "panels")]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"percent": percent, "decimal": decimal, "count": count}
    return environment
