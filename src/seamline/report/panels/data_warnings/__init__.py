"""Unusual properties of the images, and what is not used."""

from seamline.report.panel import Content
from seamline.report.run_data import RunData


def build(run: RunData) -> Content | None:
    """List the warnings about the dataset and what is not used; None where there is neither."""
    dataset = run.info.dataset
    if not (dataset.warnings or dataset.unused):
        return None
    return Content({"warnings": dataset.warnings, "unused": dataset.unused})
