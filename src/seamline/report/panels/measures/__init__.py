"""Measures of the buildings in photos that are not part of the dataset."""

from pathlib import Path
from typing import Any

from seamline.report.measures_text import caption_of, facts_of, limits_of
from seamline.report.panel import Content
from seamline.report.reduced_picture import reduced_picture
from seamline.report.run_data import RunData
from seamline.run_folder import Front, MeasuredPhoto

MAX_FRONTS = 4
"""Fronts that are shown; the page of measures shows all."""

MAX_BYTES = 250_000
"""Size of a picture as text, at most."""


def build(run: RunData) -> Content | None:
    """Show the first fronts in the run folder with a link to the page of all; None if nothing was measured."""
    record = run.measures
    if record is None or not (record.photos or record.errors):
        return None
    fronts = [(photo, front) for photo in record.photos for front in photo.fronts]
    page = run.folder.measures_dir / "report.html"
    return Content(
        {
            "fronts": [_front(run, photo, front) for photo, front in fronts[:MAX_FRONTS]],
            "total": len(fronts),
            "errors": record.errors,
            "warnings": sorted({warning for photo in record.photos for warning in photo.warnings}),
            "page": page.relative_to(run.folder.path).as_posix() if page.is_file() else None,
        }
    )


def _front(run: RunData, photo: MeasuredPhoto, front: Front) -> dict[str, Any]:
    """Prepare what the panel shows of a front."""
    return {
        "title": f"Front {front.number} of {Path(photo.file).name}",
        "picture": reduced_picture(run.folder.measures_dir / f"{photo.stem}.{front.id}.jpg", MAX_BYTES),
        "caption": caption_of(front),
        "facts": facts_of(front),
        "limits": limits_of(front),
        "storeys": front.storeys,
    }
