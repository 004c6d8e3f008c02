"""The figures of each class."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from seamline.report import figures
from seamline.report.contents import SPLITS, Contents
from seamline.report.panels.panel import Panel
from seamline.report.words import Estimate, listed, percent, percent_range

FIGURES = {"recall": "Accuracy", "precision": "Precision", "f1": "F1"}


def classes(run: Contents) -> Panel | None:
    """Show every class's figures with their intervals, on each split."""
    splits = []
    for split, title in SPLITS.items():
        per_class = (run.scores[split] or {}).get("per_class") or {}
        if not per_class:
            continue
        known = {name: one for name in run.classes if (one := Estimate.of((per_class.get(name) or {}).get("recall")))}
        floor = figures.share_floor(np.array([one.interval[0] for one in known.values()]))
        rows = [_row(name, per_class[name], floor) for name in run.classes if name in per_class]
        splits.append(
            {"name": split, "title": title, "rows": rows, "floor": floor, "sentence": _sentence(known, title)}
        )
    if not splits:
        return None
    tabs = [(split["name"], f"{str(split['title']).capitalize()} images") for split in splits]
    definitions = run.scores.get("definitions") or {}
    said = {key: definitions.get(f"{key} of a class") or definitions.get(key, "") for key in FIGURES}
    return Panel("classes", "Class by class", {"tabs": tabs, "splits": splits, "columns": FIGURES, "definitions": said})


def _row(name: str, written: Mapping[str, Any], floor: float) -> dict[str, Any]:
    """Prepare one class; places on its line run from 0 at `floor` to 1 at 100 %."""
    row = []
    for key in FIGURES:
        estimate = Estimate.of(written.get(key))
        prepared: dict[str, Any] = {"estimate": estimate, "text": percent(estimate), "range": percent_range(estimate)}
        if estimate:
            ends = {"low": estimate.interval[0], "value": estimate.value, "high": estimate.interval[1]}
            prepared |= {end: round(max(place - floor, 0) / (1 - floor), 4) for end, place in ends.items()}
        row.append(prepared)
    return {"name": name, "images": written.get("images"), "figures": row}


def _sentence(recalls: Mapping[str, Estimate], split: str) -> str:
    """Name the hardest and the easiest classes, as far as their intervals allow."""
    if len(recalls) < 2:
        return ""
    order = sorted(recalls, key=lambda name: recalls[name].value)
    hardest, best = order[0], order[-1]
    rivals = [name for name in order[1:] if not recalls[name].apart_from(recalls[hardest])]
    lowest = f"On the {split} images {hardest} is found least often: {percent(recalls[hardest])} of its images"
    if not rivals:
        lowest += f"; the next is {order[1]} with {percent(recalls[order[1]])}, and the intervals do not overlap."
    elif len(rivals) <= 3:
        lowest += f", but its interval overlaps with {listed(rivals)}: which is harder stays open."
    else:
        lowest += f", but its interval overlaps with those of {len(rivals)} other classes."
    if not recalls[best].apart_from(recalls[hardest]):
        return lowest
    highest = f" At the other end is {best} with {percent(recalls[best])}"
    equals = [name for name in reversed(order[1:-1]) if not recalls[name].apart_from(recalls[best])]
    if equals and len(equals) <= 3:
        highest += f", which these images cannot tell from {listed(equals)}"
    elif equals:
        highest += f", which these images cannot tell from {len(equals)} others"
    return f"{lowest}{highest}."
