"""Metrics before and after a training that started from another run, on the same held-out images."""

from pathlib import Path
from typing import Any

from seamline.report.panel import Content
from seamline.report.run_data import SPLITS, RunData
from seamline.run_folder import DatasetChange, Estimate


def build(run: RunData) -> Content | None:
    """Show each dataset's metrics before and after; None where the run did not start from another one."""
    compared = run.before_after
    if compared is None or not compared.datasets:
        return None
    tables = [_table(run, one) for one in compared.datasets]
    unmeasured = "" if compared.first or run.info.dataset.parts else _unmeasured(run)
    return Content({"run": Path(compared.run).name, "tables": tables, "unmeasured": unmeasured})


def _table(run: RunData, one: DatasetChange) -> dict[str, Any]:
    """Return the rows of a dataset: metrics over all classes, then the first metric of each class."""
    rows = [(run.metrics.definitions[key], "", change) for key, change in one.overall.items() if change.present]
    for class_name, of in one.per_class.items():
        shown = [(key, change) for key, change in of.items() if change.present][:1]
        rows += [(run.metrics.definitions[key], class_name, change) for key, change in shown]
    return {
        "title": one.title,
        "images": one.images,
        "groups": one.groups,
        "split": SPLITS[one.split],
        "rows": [(*row, Estimate(change.before), Estimate(change.after), change.change) for *row, change in rows],
    }


def _unmeasured(run: RunData) -> str:
    """State what is not measured where photos were learned without the first dataset."""
    return (
        "How well the model still predicts the dataset of that run is not measured here. To train on both and measure "
        f"both, name that dataset beside {run.info.dataset.name}."
    )
