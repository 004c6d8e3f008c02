"""Run folder -> one page that opens from disk, and its figures as files."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

from seamline.errors import SeamlineError, list_first
from seamline.evaluation.model_card import model_card
from seamline.evaluation.text import count, pluralize
from seamline.io import write_text
from seamline.progress import Reporter
from seamline.report.formatting import (
    confidence_text,
    decimal,
    interval_text,
    nbsp_percent,
    percent,
    rough_interval,
    rough_percent,
    setting,
    signed_interval,
    signed_text,
    significant,
    value_text,
)
from seamline.report.images import example_sprite
from seamline.report.palette import colorblind_palette, hex_color, png_palette_text
from seamline.report.panel import Content, Panel
from seamline.report.panels import PANELS
from seamline.report.run_data import RunData, read_run
from seamline.report.summary import key_metrics
from seamline.report.svg import Drawing, write_figure
from seamline.run_folder import ABSENT, Color, Task

FIRST = 5
"""Findings at the head of the page; the others are folded."""

Section = tuple[Panel, Content]


def write_report(run: Path | str, *, progress: Reporter | None = None) -> Path:
    """Write the page and the figures of a finished run into its folder.

    Args:
        run: the run folder.
        progress: reports letters that the figures cannot show.

    Returns:
        The path of `report.html`.

    Raises:
        SeamlineError: the folder holds no finished run, or a file in it cannot be read or written.
    """
    data = read_run(Path(run))
    sections = build_sections(data)
    figures = {
        data.folder.figures_dir / name: draw for _, content in sections for name, draw in content.figures.items()
    }
    return write_page(data.folder.report_file, render_page(data, sections), figures, progress)


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
    return render(
        "page.html",
        task=run.info.task,
        palette=run.palette,
        run=run,
        metrics=key_metrics(run),
        card=model_card(run.info, run.metrics, run.novelty),
        first=FIRST,
        sections=sections,
        titles={panel.name: panel.title for panel, _ in sections},
        sprites={split: example_sprite(images) for split, images in run.sheets.items()},
    )


def write_page(
    path: Path, page: str, figures: Mapping[Path, Drawing] | None = None, progress: Reporter | None = None
) -> Path:
    """Write a page, whole or not at all, and return its path.

    Args:
        path: the file.
        page: the HTML text.
        figures: path without an ending -> figure, which is written as SVG and PNG.
        progress: reports letters that the figures cannot show.

    Raises:
        SeamlineError: a file cannot be written.
    """
    try:
        missing = sorted({letter for name, draw in (figures or {}).items() for letter in write_figure(draw, name)})
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text(path, page)
    except OSError as error:
        raise SeamlineError(
            f"{path}: cannot be written ({error.strerror}); free disk space, or name another file"
        ) from error
    if missing and progress is not None:
        progress.say(
            f"{next(iter(figures or {})).parent}: no installed font has {list_first(missing)}; PNG files show boxes, "
            "the page is complete; install a font that has them, such as Noto Sans, and run `seamline report` again"
        )
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
    environment.filters |= {
        "percent": percent,
        "decimal": decimal,
        "value": value_text,
        "interval": interval_text,
        "signed": signed_text,
        "signed_interval": signed_interval,
        "confidence": confidence_text,
        "setting": setting,
        "nbsp": nbsp_percent,
        "rough_percent": rough_percent,
        "rough_interval": rough_interval,
        "significant": significant,
        "count": count,
        "plural": pluralize,
    }
    environment.globals["absent"] = ABSENT
    return environment
