"""A folder of predictions -> a page of its own that shows them."""

from pathlib import Path

from seamline.errors import SeamlineError
from seamline.io import write_text
from seamline.report.page import render
from seamline.report.panels.photos import photos_panel
from seamline.report.predictions import read_predictions
from seamline.report.words import several


def write_photos_page(folder: Path) -> Path:
    """Write the page of a folder that `seamline predict` wrote.

    Args:
        folder: holds `predictions.json` and the files that it names.

    Returns:
        The path of `report.html`.

    Raises:
        SeamlineError: the folder holds no predictions, or a file in it cannot be read or written.
    """
    found = read_predictions(folder)
    if found is None:
        raise SeamlineError(f"{folder / 'predictions.json'}: not found, so nothing was predicted into this folder")
    read = several(len(found.photos), "photo")
    head = {
        "title": "What it sees in your photos" if found.colours else "What it takes your photos for",
        "photos": f"{read}, {len(found.failed)} not read" if found.failed else read,
        "dataset": found.dataset,
        "recipe": found.recipe,
        "model": found.model,
    }
    page = render("photos.html", found.colours, head=head, panel=photos_panel(found, found.colours, "Photos"))
    path = folder / "report.html"
    try:
        write_text(path, page)
    except OSError as fault:
        raise SeamlineError(
            f"{path}: cannot be written ({fault.strerror}); make room or give another folder"
        ) from fault
    return path
