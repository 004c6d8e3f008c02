"""Accuracy of linear probes on each layer."""

from functools import partial

from seamline.report import plots
from seamline.report.formatting import percent
from seamline.report.panel import Content
from seamline.report.run_data import RunData
from seamline.report.svg import WIDTHS, responsive_svg
from seamline.run_folder import ABSENT


def build(run: RunData) -> Content | None:
    """Show what a linear classifier reaches on the pixels, on each layer, and the whole network, class by class."""
    if run.linear_probes is None:
        return None
    probes = run.linear_probes.probes
    if not any(one.accuracy.present for one in probes):
        return None
    series = {one.name: [one.accuracy, *(one.per_class.get(name, ABSENT) for name in run.classes)] for one in probes}
    draw = partial(plots.dots, rows=("all classes", *run.classes), series=series)
    parts = [f"{percent(one.accuracy)} for {one.name}" for one in probes if one.accuracy.present]
    caption = f"Accuracy over all classes: {', '.join(parts)}."
    values = {
        "plots": responsive_svg(draw, "linear-probes", f"One row per class, one mark per probe. {caption}"),
        "caption": caption,
        "rule": run.linear_probes.rule,
        "probes": probes,
        "classes": run.classes,
    }
    return Content(values, {"linear-probes": partial(draw, width=WIDTHS["wide"])})
