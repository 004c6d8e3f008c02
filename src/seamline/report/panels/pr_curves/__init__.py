"""Precision-recall curves of a segmenter."""

from functools import partial

import numpy as np

from seamline.report.formatting import decimal, percent
from seamline.report.palette import hex_color
from seamline.report.panel import Content
from seamline.report.plots import precision_recall
from seamline.report.run_data import SPLITS, RunData
from seamline.report.svg import WIDTHS, responsive_svg
from seamline.run_folder import ABSENT, Curve

SCORE_TYPES = {"raw": ("By logits", "ap"), "softmax": ("By softmax", "ap_softmax")}
"""What pixels are ranked by -> title, and the metric that is the area under the curve."""

RECALL = 0.5
"""The recall at which the caption states precision."""


def build(run: RunData) -> Content | None:
    """Show a curve per class, with pixels ranked by logits and by softmax."""
    split = next((name for name, one in run.results.items() if one.curves), None)
    if split is None:
        return None
    tabs, views, figures = {}, {}, {}
    for key, (title, metric) in SCORE_TYPES.items():
        written = run.results[split].curves.get(key, {})
        curves = {name: written[name] for name in run.classes if name in written and written[name].recall}
        if not curves:
            continue
        per_class = run.split_metrics(split).per_class
        areas = {name: per_class.get(name, {}).get(metric, ABSENT) for name in curves}
        draw = partial(
            precision_recall,
            curves=curves,
            notes={name: f"AP {decimal(area)}" for name, area in areas.items() if area.present},
            classes=run.classes,
            colors=[hex_color(color) for color in run.palette],
        )
        caption = _caption(curves, SPLITS[split])
        svgs = responsive_svg(draw, f"pr-curves-{key}", f"Precision against recall, one line per class. {caption}")
        tabs[key], views[key] = title, {"plots": svgs, "caption": caption}
        figures[f"pr-curves-{key}"] = partial(draw, width=WIDTHS["wide"])
    if not views:
        return None
    return Content({"tabs": tabs, "views": views, "split": SPLITS[split]}, figures)


def _caption(curves: dict[str, Curve], split: str) -> str:
    """State the range of the precision of classes at one recall."""
    at = {name: float(np.interp(RECALL, curve.recall, curve.precision)) for name, curve in curves.items()}
    high, low = max(at, key=lambda name: at[name]), min(at, key=lambda name: at[name])
    where = f"At a recall of {100 * RECALL:.0f}\u00a0% on the {split} images"
    if high == low:
        return f"{where} the precision of {high} is {percent(at[high])}."
    return f"{where}, precision is between {percent(at[low])} ({low}) and {percent(at[high])} ({high})."
