"""The figures of each class."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from seamline.report import figures
from seamline.report.contents import SPLITS, Contents
from seamline.report.drawing import Drawing, inline_svg
from seamline.report.panels.documented import against, documented
from seamline.report.panels.panel import Panel
from seamline.report.words import Estimate, listed, number, number_range, percent, percent_range


@dataclass(frozen=True)
class Column:
    """A figure of each class: its heading, how it is printed, and what it is called over all classes."""

    title: str
    show: Callable[[Estimate | None], str] = percent
    show_range: Callable[[Estimate | None], str] = percent_range
    whole: str = ""


OF_IMAGES = {"recall": Column("Accuracy"), "precision": Column("Precision"), "f1": Column("F1")}
OF_MASKS = {
    "ap": Column("AP, raw scores", number, number_range, "mean_ap"),
    "ap_softmax": Column("AP, softmax", number, number_range, "mean_ap_softmax"),
    "iou": Column("IoU", number, number_range, "mean_iou"),
    "accuracy": Column("Accuracy", whole="accuracy"),
}
"""Figure -> its column. The first is drawn as well, and the sentence is about it."""

SIZES = {"wide": 720.0, "narrow": 350.0}


def classes(run: Contents) -> Panel | None:
    """Show every class's figures with their intervals, on each split; for masks beside what others reached."""
    columns = OF_MASKS if run.masks else OF_IMAGES
    first = next(iter(columns))
    splits: list[dict[str, Any]] = []
    drawings: dict[str, Drawing] = {}
    for split, title in SPLITS.items():
        measured = run.scores[split] or {}
        per_class = measured.get("per_class") or {}
        if not per_class:
            continue
        known = {name: one for name in run.classes if (one := Estimate.of((per_class.get(name) or {}).get(first)))}
        floor = figures.share_floor(np.array([one.interval[0] for one in known.values()]))
        part: dict[str, Any] = {"name": split, "title": title, "floor": floor}
        part["rows"] = [
            _row(name, place, per_class[name], floor, columns)
            for place, name in enumerate(run.classes)
            if name in per_class
        ]
        part["sentence"] = (_ends if run.masks else _sentence)(known, title)
        if run.masks:
            results = documented(run.run, split)
            part["whole"] = _row("mean", -1, {key: measured.get(one.whole) for key, one in columns.items()}, 0, columns)
            part["documented"] = {
                mean: [f"{of[row['name']]:.3f}".rstrip("0") for row in part["rows"]] for mean, of in results.items()
            }
            part["sentence"] += against(Estimate.of(measured.get("mean_ap")), results)
            series = _series(measured, per_class, run.classes, results)
            rows = ("mean", *run.classes)
            draw = {
                size: partial(figures.dots, rows=rows, series=series, width=width, share=False)
                for size, width in SIZES.items()
            }
            alt = f"Average precision of each class, one row a class. {part['sentence']}"
            part["plots"] = {size: inline_svg(one, f"classes-{split}-{size}", alt) for size, one in draw.items()}
            drawings[f"classes-{split}"] = draw["wide"]
        splits.append(part)
    if not splits:
        return None
    tabs = [(split["name"], f"{str(split['title']).capitalize()} images") for split in splits]
    definitions = run.scores.get("definitions") or {}
    values = {
        "tabs": tabs,
        "splits": splits,
        "columns": {key: column.title for key, column in columns.items()},
        "definitions": {key: definitions.get(f"{key} of a class") or definitions.get(key, "") for key in columns},
        "masks": run.masks,
    }
    return Panel("classes", "Class by class", values, drawings)


def _row(
    name: str, place: int, written: Mapping[str, Any], floor: float, columns: Mapping[str, Column]
) -> dict[str, Any]:
    """Prepare one class; places on its line run from 0 at `floor` to 1 at 100 %."""
    row = []
    for key, column in columns.items():
        estimate = Estimate.of(written.get(key))
        prepared: dict[str, Any] = {
            "estimate": estimate,
            "text": column.show(estimate),
            "range": column.show_range(estimate),
        }
        if estimate:
            ends = {"low": estimate.interval[0], "value": estimate.value, "high": estimate.interval[1]}
            prepared |= {end: round(max(value - floor, 0) / (1 - floor), 4) for end, value in ends.items()}
        row.append(prepared)
    share = Estimate.of(written.get("share"))
    return {"name": name, "place": place, "images": written.get("images"), "share": share, "figures": row}


def _series(
    measured: Mapping[str, Any],
    per_class: Mapping[str, Any],
    names: tuple[str, ...],
    results: Mapping[str, Mapping[str, float]],
) -> dict[str, list[Estimate | None]]:
    """Gather average precisions to draw, the mean first: what others reached, by softmax, and by raw scores last."""
    series: dict[str, list[Estimate | None]] = {
        f"course, mean {mean}": [Estimate(float(mean)), *(Estimate(of[name]) for name in names)]
        for mean, of in results.items()
    }
    for title, key in (("by softmax", "ap_softmax"), ("by raw scores", "ap")):
        column = [Estimate.of((per_class.get(name) or {}).get(key)) for name in names]
        series[title] = [Estimate.of(measured.get(OF_MASKS[key].whole)), *column]
    return series


def _ends(figures_of: Mapping[str, Estimate], split: str) -> str:
    """Name the classes with the lowest and the highest average precision.

    Whether the order holds is no matter of these intervals: all classes are measured on the same images, so a finding
    compares them on the same resamples.
    """
    if len(figures_of) < 2:
        return ""
    order = sorted(figures_of, key=lambda name: figures_of[name].value)
    lowest, highest = (f"{name}, {number(figures_of[name])}" for name in (order[0], order[-1]))
    return f"On the {split} images the lowest average precision is that of {lowest}, the highest that of {highest}."


def _sentence(figures_of: Mapping[str, Estimate], split: str) -> str:
    """Name the classes found least and most often, as far as their intervals allow."""
    if len(figures_of) < 2:
        return ""
    order = sorted(figures_of, key=lambda name: figures_of[name].value)
    hardest, best = order[0], order[-1]
    rivals = [name for name in order[1:] if not figures_of[name].apart_from(figures_of[hardest])]
    lowest = f"On the {split} images {hardest} is found least often: {percent(figures_of[hardest])} of its images"
    if not all(one.known for one in figures_of.values()):
        return f"{lowest}."
    if not rivals:
        lowest += f"; the next is {order[1]} with {percent(figures_of[order[1]])}, and the intervals do not overlap."
    elif len(rivals) <= 3:
        lowest += f", but its interval overlaps with {listed(rivals)}: which is harder stays open."
    else:
        lowest += f", but its interval overlaps with those of {len(rivals)} other classes."
    if not figures_of[best].apart_from(figures_of[hardest]):
        return lowest
    highest = f" At the other end is {best} with {percent(figures_of[best])}"
    equals = [name for name in reversed(order[1:-1]) if not figures_of[name].apart_from(figures_of[best])]
    if equals and len(equals) <= 3:
        highest += f", which these images cannot tell from {listed(equals)}"
    elif equals:
        highest += f", which these images cannot tell from {len(equals)} others"
    return f"{lowest}{highest}."
