"""A folder of predictions -> a page that shows them."""

from pathlib import Path

from seamline.report.page import render, write_page
from seamline.report.panels.predictions import predictions_content
from seamline.run_folder import prediction_record


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
    values = predictions_content(record, folder).values
    page = render(
        "predictions.html",
        task=record.task,
        palette=record.palette,
        record=record,
        values=values,
        model=Path(record.model).name,
    )
    return write_page(folder / "report.html", page)
