"""A folder of predictions -> a page that shows them."""

from pathlib import Path

from seamline.evaluation.text import pluralize
from seamline.report.page import render, write_page
from seamline.report.panels.predictions import predictions_content
from seamline.run_folder import PredictionRecord, prediction_record


def write_predictions_page(folder: Path) -> Path:
    """Write the page of a folder that `seamline predict` wrote.

    Args:
        folder: holds `predictions.json` and the files that it names.

    Returns:
        The path of `report.html`.

    Raises:
        SeamlineError: the folder holds no predictions, or a file in it cannot be read or written.
    """
    record = prediction_record(folder).read()
    content = predictions_content(record, folder)
    page = render(
        "predictions.html", task=record.task, palette=record.palette, head=_head(record), values=content.values
    )
    return write_page(folder / "report.html", page)


def _head(record: PredictionRecord) -> dict[str, str]:
    """Prepare the head of the page: what was predicted, on how many photos, and by which model."""
    photos = pluralize(len(record.photos), "photo")
    return {
        "title": "Predicted masks" if record.task == "segmentation" else "Predicted classes",
        "photos": f"{photos}, {len(record.errors)} unreadable" if record.errors else photos,
        "dataset": record.dataset,
        "preset": record.preset,
        "model": record.model,
    }
