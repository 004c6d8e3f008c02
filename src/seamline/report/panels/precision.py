"""How much of a class can be found, and how much of what is found is right."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from seamline.report.colours import hexed
from seamline.report.contents import SPLITS, Contents
from seamline.report.drawing import inline_svg
from seamline.report.panels.panel import Panel
from seamline.report.segment_figures import precision_recall
from seamline.report.words import Estimate, number, percent

SIZES = {"wide": 680.0, "narrow": 358.0}
RANKINGS = {"raw": ("By raw scores", "ap"), "softmax": ("By softmax", "ap_softmax")}
HALF = 0.5
"""The recall at which the sentence compares classes."""


def precision(run: Contents) -> Panel | None:
    """Show a curve a class, with pixels ranked by raw scores and by softmax."""
    split = next((name for name, one in run.segmented.items() if one.curves), None)
    if split is None:
        return None
    per_class = (run.scores[split] or {}).get("per_class") or {}
    views, drawings = [], {}
    for key, (title, figure) in RANKINGS.items():
        written = run.segmented[split].curves.get(key) or {}
        curves = {
            name: (written[name]["recall"], written[name]["precision"]) for name in run.classes if name in written
        }
        curves = {name: curve for name, curve in curves.items() if len(curve[0]) and len(curve[0]) == len(curve[1])}
        if not curves:
            continue
        figures_of = {name: Estimate.of((per_class.get(name) or {}).get(figure)) for name in curves}
        sentences = _sentences(curves, SPLITS[split])
        if key == "softmax":
            sentences += _against_raw(per_class, run.classes)
        draw = {
            size: partial(
                precision_recall,
                curves=curves,
                ends={name: f"AP {number(one)}" if one else "" for name, one in figures_of.items()},
                classes=run.classes,
                colours=[hexed(colour) for colour in run.colours],
                width=width,
            )
            for size, width in SIZES.items()
        }
        alt = f"Precision against recall, one line a class. {' '.join(sentences)}"
        plots = {size: inline_svg(one, f"precision-{key}-{size}", alt) for size, one in draw.items()}
        views.append({"name": key, "title": title, "plots": plots, "sentences": sentences})
        drawings[f"precision-{key}"] = draw["wide"]
    if not views:
        return None
    tabs = [(view["name"], view["title"]) for view in views]
    values = {"tabs": tabs, "views": views, "split": SPLITS[split]}
    return Panel("precision", "Precision and recall", values, drawings)


def _sentences(curves: Mapping[str, tuple[Sequence[float], Sequence[float]]], split: str) -> list[str]:
    """Say which class can be found with few mistakes and which cannot."""
    at = {name: float(np.interp(HALF, recall, right)) for name, (recall, right) in curves.items()}
    best, worst = max(at, key=lambda name: at[name]), min(at, key=lambda name: at[name])
    where = f"Where half of a class's pixels in the {split} images are found, "
    if best == worst:
        return [f"{where}{percent(at[best])} of what is taken for {best} is right."]
    return [f"{where}{percent(at[best])} of what is taken for {best} is right, and {percent(at[worst])} for {worst}."]


def _against_raw(per_class: Mapping[str, Any], classes: Sequence[str]) -> list[str]:
    """Say for which class the two rankings differ most."""
    both = {}
    for name in classes:
        raw, soft = (Estimate.of((per_class.get(name) or {}).get(key)) for key in ("ap", "ap_softmax"))
        if raw and soft:
            both[name] = (raw.value, soft.value)
    if not both:
        return []
    most = max(both, key=lambda name: abs(both[name][1] - both[name][0]))
    raw_ap, soft_ap = both[most]
    if round(raw_ap, 3) == round(soft_ap, 3):
        return ["No class's average precision differs between the two rankings in its third digit."]
    return [
        f"The two rankings differ most for {most}: its average precision is {number(soft_ap)} by softmax and "
        f"{number(raw_ap)} by raw scores."
    ]
