"""A folder of measured photos -> a page that shows them and can be handed on."""

from collections import Counter
from collections.abc import Sequence
from itertools import accumulate
from pathlib import Path
from typing import Any

from seamline.report.measures_text import (
    DIRECTIONS,
    caption_of,
    column_names,
    column_values,
    facts_of,
    limits_of,
    meanings_of,
    unknowns_of,
    verdict,
)
from seamline.report.page import render, write_page
from seamline.report.reduced_picture import reduced_picture
from seamline.run_folder import Front, MeasuredPhoto, MeasuresRecord, measures_record

MAX_PICTURES = 72
"""Pictures on the page, of photos and fronts; photos beyond them are in the table only."""

MAX_BYTES = 2_400_000
"""Size of all pictures together as text, so that the page stays below 3 MB."""

MAX_ERRORS = 100
"""Photos without measures that the page lists."""


def write_measures_page(folder: Path) -> Path:
    """Write the page of a folder that `seamline measure` wrote.

    Args:
        folder: holds `measures.json` and the pictures `STEM.photo.jpg` and `STEM.front-N.jpg` of each photo. Where
            pictures are missing, the page says so.

    Returns:
        The path of `report.html`.

    Raises:
        SeamlineError: the folder holds no measures, or a file in it cannot be read or written.
    """
    record = measures_record(folder).read()
    shown = _first_photos(record.photos)
    limit = MAX_BYTES // max(1, sum(1 + len(photo.fronts) for photo in shown))
    names = _names(record.photos)
    page = render(
        "measures.html",
        record=record,
        verdict=verdict(record),
        names=names,
        photos=[_photo(photo, name, folder, limit) for photo, name in zip(shown, names, strict=False)],
        columns=column_names(front for photo in record.photos for front in photo.fronts),
        column_values=column_values,
        directions=DIRECTIONS,
        errors=_errors(record)[:MAX_ERRORS],
        meanings=meanings_of(record),
        unknowns=unknowns_of(record),
    )
    return write_page(folder / "report.html", page)


def _first_photos(photos: Sequence[MeasuredPhoto]) -> Sequence[MeasuredPhoto]:
    """Return the first photos that have no more pictures than the page may show, at least one."""
    totals = accumulate(1 + len(photo.fronts) for photo in photos)
    return photos[: max(1, sum(total <= MAX_PICTURES for total in totals))]


def _names(photos: Sequence[MeasuredPhoto]) -> list[str]:
    """Return the name of each photo: that of its file, or its path where two have the same."""
    names = Counter(Path(photo.file).name for photo in photos)
    return [photo.file if names[name := Path(photo.file).name] > 1 else name for photo in photos]


def _photo(photo: MeasuredPhoto, name: str, folder: Path, limit: int) -> dict[str, Any]:
    """Prepare what the page shows of a photo."""
    return {
        "name": name,
        "warnings": photo.warnings,
        "file": f"{photo.stem}.photo.jpg",
        "picture": reduced_picture(folder / f"{photo.stem}.photo.jpg", limit),
        "fronts": [_front(front, photo.stem, folder, limit) for front in photo.fronts],
    }


def _front(front: Front, stem: str, folder: Path, limit: int) -> dict[str, Any]:
    """Prepare what the page shows of a front."""
    return {
        "front": front,
        "file": f"{stem}.{front.id}.jpg",
        "picture": reduced_picture(folder / f"{stem}.{front.id}.jpg", limit),
        "caption": caption_of(front),
        "facts": facts_of(front),
        "limits": limits_of(front),
    }


def _errors(record: MeasuresRecord) -> list[tuple[str, str]]:
    """Return the photos without measures and why."""
    return [(error.file, error.reason.removeprefix(f"{error.file}: ")) for error in record.errors]
