"""Several runs -> one page that leads to theirs."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from PIL import Image

from seamline.data.masks import downscale_mask
from seamline.errors import SeamlineError
from seamline.io import write_text
from seamline.report.contents import Contents, read_contents
from seamline.report.headline import HeadFigure, headline, notice, tied
from seamline.report.masks import mask_uri, photo_uri
from seamline.report.page import render
from seamline.report.pictures import data_uri
from seamline.report.words import several

SIDE = 220
"""Pixels of the longer side of a photo on a card."""

TILES = 10
"""Images of a classifier on its card, one a class."""


@dataclass(frozen=True)
class Card:
    """One run on the index page.

    Attributes:
        title: what it is about.
        made: how it was made, in a few words.
        link: where its page lies, relative to the index; empty where it has none.
        notice: what a reader must know first.
        figures: the figures that matter.
        finding: the most important one.
        pictures: data URIs, with what they show; pixels of a small image are to stay sharp where `sharp`.
        sharp: see `pictures`.
        fault: why the folder cannot be shown; empty where it can.
    """

    title: str
    made: str = ""
    link: str = ""
    notice: str | None = None
    figures: tuple[HeadFigure, ...] = ()
    finding: str = ""
    pictures: tuple[tuple[str, str], ...] = ()
    sharp: bool = False
    fault: str = ""


def write_index(folder: Path, runs: Sequence[Path]) -> Path:
    """Write a page that leads to the pages of several runs.

    Args:
        folder: where `index.html` is written.
        runs: run folders, in the order in which they are shown. One that cannot be read is named with the reason.

    Returns:
        The path of `index.html`.

    Raises:
        SeamlineError: the page cannot be written.
    """
    cards = [_run_card(folder, Path(run)) for run in runs]
    path = folder / "index.html"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_text(path, render("index.html", (), cards=cards, runs=several(len(cards), "run")))
    except OSError as fault:
        raise SeamlineError(
            f"{path}: cannot be written ({fault.strerror}); make room or give another folder"
        ) from fault
    return path


def _run_card(folder: Path, run: Path) -> Card:
    """Prepare a run's card with whatever the run holds."""
    try:
        contents = read_contents(run)
    except SeamlineError as fault:
        return Card(run.name, link=_link(folder, run), fault=str(fault))
    network = contents.run["network"].get("name")
    return Card(
        title=str(contents.run["dataset"]["title"]),
        made=f"recipe {contents.run['recipe_name']}" + (f", network {network}" if network else ""),
        link=_link(folder, run),
        notice=notice(contents),
        figures=tuple(headline(contents)[:1]),
        finding=tied(contents.findings[0]["sentence"]) if contents.findings else "",
        pictures=_case(contents) if contents.masks else _tiles(contents),
        sharp=not contents.masks,
    )


def _link(folder: Path, run: Path) -> str:
    """Return the relative address of a folder's page, or an empty text where it has none."""
    page = run / "report.html"
    if not page.is_file():
        return ""
    return quote(Path(os.path.relpath(page.resolve(), folder.resolve())).as_posix())


def _case(run: Contents) -> tuple[tuple[str, str], ...]:
    """Return a photo of the middle and its output."""
    cases = [case for answers in run.segmented.values() for case in answers.cases]
    if not cases:
        return ()
    shown = next((case for case in cases if case.rank == "median"), cases[0])
    return (
        (photo_uri(shown.photo, SIDE), shown.name),
        (mask_uri(downscale_mask(shown.output, SIDE), run.colours), f"Output for {shown.name}"),
    )


def _tiles(run: Contents) -> tuple[tuple[str, str], ...]:
    """Return an image of each of the first classes that was labelled right, in a row."""
    answers = next(iter(run.answers.values()), None)
    if answers is None:
        return ()
    right = {one.true: one for one in reversed(answers.examples) if one.true == one.predicted}
    chosen = [right[place] for place in sorted(right)][:TILES]
    if not chosen:
        return ()
    height, width = answers.tile
    across = -(-len(chosen) // 2)
    sheet = Image.new(answers.picture.mode, (across * width, -(-len(chosen) // across) * height))
    for place, one in enumerate(chosen):
        row, column = divmod(one.place, answers.columns)
        tile = answers.picture.crop((column * width, row * height, (column + 1) * width, (row + 1) * height))
        sheet.paste(tile, (place % across * width, place // across * height))
    if max(sheet.size) > 4 * SIDE:
        sheet.thumbnail((4 * SIDE, 4 * SIDE))
    return ((data_uri(sheet), "An image of each class that was labelled right"),)
