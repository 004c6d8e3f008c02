"""Several runs -> one page with links to theirs."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from seamline.data.masks import downscale_mask
from seamline.errors import SeamlineError
from seamline.evaluation.text import join_and, pluralize
from seamline.report.images import mask_uri, photo_uri, png_uri
from seamline.report.page import render, write_page
from seamline.report.run_data import RunData, read_run
from seamline.report.summary import key_metrics

SIDE = 360
"""Pixels of the longer side of a photo on a card."""

MAX_TILES = 10
"""Images of a classifier on its card, one per class."""


@dataclass(frozen=True)
class ComparisonRow:
    """A figure of others beside that of a run."""

    name: str  # what is compared
    reference: str  # the figure of others, as text
    own: str  # the figure of the run, as text
    link: str  # address of what tells more, relative to the page


@dataclass(frozen=True)
class ComparisonTable:
    """Figures of others beside those of a run."""

    title: str  # its heading
    note: str  # what the run is, in a sentence or two
    columns: tuple[str, str, str]  # headings of the columns
    rows: tuple[ComparisonRow, ...]  # the figures


def write_index(
    folder: Path,
    runs: Sequence[Path],
    *,
    title: str | None = None,
    introduction: str = "",
    tables: Sequence[ComparisonTable] = (),
) -> Path:
    """Write a page with a card and a link for each run.

    Args:
        folder: where `index.html` is written.
        runs: run folders, in the order in which they are shown. A folder that cannot be read gets a card with the
            reason.
        title: heading of the page; by default the number of runs and what they were trained on.
        introduction: a paragraph below the heading.
        tables: figures of others beside those of runs, below the cards.

    Returns:
        The path of `index.html`.

    Raises:
        SeamlineError: the page cannot be written.
    """
    cards = [_card(folder, Path(run)) for run in runs]
    title = title or _title(cards)
    page = render("index.html", cards=cards, title=title, introduction=introduction, tables=tables)
    return write_page(folder / "index.html", page)


def _title(cards: Sequence[Mapping[str, Any]]) -> str:
    """Return the number of runs and the datasets that they were trained on, three at most."""
    titles = list(dict.fromkeys(card["run"].info.dataset.title for card in cards if card["run"]))
    number = pluralize(len(cards), "run")
    if len(titles) > 3:
        return f"{number} on {len(titles)} datasets"
    return f"{number} on {join_and(titles)}" if titles else number


def training_text(run: RunData) -> str:
    """Say how a run was trained: `Preset fast, model cnn-fast`, and the fields that were set otherwise."""
    preset, _, fields = run.info.preset.partition(", ")
    changes = f" with {fields}" if fields else ""
    return f"Preset {preset}{changes}" + ("" if "model=" in fields else f", model {run.info.model.name}")


def _card(folder: Path, path: Path) -> dict[str, Any]:
    """Prepare the card of a run: the run with its pictures, or why its folder cannot be read."""
    card: dict[str, Any] = {"name": path.resolve().name, "link": _link(folder, path)}
    try:
        run = read_run(path)
    except SeamlineError as error:
        return {**card, "run": None, "error": str(error)}
    pictures = _median_example(run) if run.info.task == "segmentation" else _tiles(run)
    return {
        **card,
        "run": run,
        "training": training_text(run),
        "metrics": key_metrics(run)[:1],
        "pictures": pictures,
    }


def _link(folder: Path, path: Path) -> str:
    """Return the relative address of a run's page; empty if it has none."""
    page = path / "report.html"
    return quote(Path(os.path.relpath(page.resolve(), folder.resolve())).as_posix()) if page.is_file() else ""


def _median_example(run: RunData) -> tuple[tuple[str, str], ...]:
    """Return a photo of median IoU and its prediction."""
    examples = [one for of_split in run.examples.values() for one in of_split]
    if not examples:
        return ()
    shown = next((one for one in examples if one.example.bucket == "median"), examples[0])
    mask = downscale_mask(shown.prediction, SIDE)
    return (
        (photo_uri(shown.image, SIDE), shown.example.name),
        (mask_uri(mask, run.palette), f"Prediction for {shown.example.name}"),
    )


def _tiles(run: RunData) -> tuple[tuple[str, str], ...]:
    """Return a correctly predicted image of each of the first classes, as one picture."""
    images = next(iter(run.sheets.values()), None)
    if images is None:
        return ()
    correct: dict[int, int] = {}
    for index, one in enumerate(images.sheet.examples):
        if one.ground_truth == one.prediction:
            correct.setdefault(one.ground_truth, index)
    chosen = [correct[label] for label in sorted(correct)][:MAX_TILES]
    if not chosen:
        return ()
    canvas = images.arrange(chosen, -(-len(chosen) // 2))
    if max(canvas.size) > 4 * SIDE:
        canvas.thumbnail((4 * SIDE, 4 * SIDE))
    return ((png_uri(canvas), "A correctly predicted image of each class"),)
