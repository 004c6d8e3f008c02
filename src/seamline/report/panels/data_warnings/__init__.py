"""Unusual properties of the images."""

from seamline.report.panel import Content
from seamline.report.run_data import RunData


def build(run: RunData) -> Content | None:
    """List the warnings about the dataset; None where there are none."""
    warnings = run.info.dataset.warnings
    return Content({"warnings": warnings}) if warnings else None
