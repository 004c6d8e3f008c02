"""What each layer alone can tell."""

from functools import partial
from itertools import pairwise

from seamline.report import figures
from seamline.report.contents import Contents
from seamline.report.drawing import inline_svg
from seamline.report.panels.panel import Panel
from seamline.report.words import Estimate, listed, percent, percent_range, points


def readouts(run: Contents) -> Panel | None:
    """Show, for each class, how much a simple readout gets from the pixels, each layer, and the whole network."""
    if not run.readouts or not run.readouts["readouts"]:
        return None
    written = run.readouts["readouts"]
    rows = ("all classes", *run.classes)
    series = {
        one["name"]: [Estimate.of(one["accuracy"]), *(Estimate.of(one["per_class"].get(name)) for name in run.classes)]
        for one in written
    }
    if not any(column[0] for column in series.values()):
        return None
    draw = {size: partial(figures.dots, rows=rows, series=series, width=width) for size, width in SIZES.items()}
    sentences = _sentences(series, run.classes)
    alt = f"One row a class, one mark a readout. {' '.join(sentences)}"
    table = [
        {"name": name, "cells": [(percent(column[i]), percent_range(column[i])) for column in series.values()]}
        for i, name in enumerate(rows)
    ]
    return Panel(
        "readouts",
        "What each layer alone can tell",
        {
            "plots": {size: inline_svg(drawing, f"readouts-{size}", alt) for size, drawing in draw.items()},
            "sentences": sentences,
            "rule": run.readouts.get("rule", ""),
            "names": [(one["name"], one.get("numbers")) for one in written],
            "table": table,
        },
        {"readouts": draw["wide"]},
    )


SIZES = {"wide": 720.0, "narrow": 350.0}


def _sentences(series: dict[str, list[Estimate | None]], classes: tuple[str, ...]) -> list[str]:
    """Say what each step adds over all classes, whether the last one counts, and which class rises most."""
    known = [(name, column[0]) for name, column in series.items() if column[0] is not None]
    parts = [f"{percent(one)} from {name}" if name == "pixels" else f"{percent(one)} from the {_called(name)}"
             for name, one in known]  # fmt: skip
    sentences = ["Over all classes: " + ", ".join(parts) + "."]
    for (before, earlier), (after, later) in pairwise(known):
        if later.apart_from(earlier):
            gap = points(abs(later.value - earlier.value))
            sentences.append(f"The {_called(after)} tells {gap} {_more(later, earlier)} than the {_called(before)}.")
    first, last = next(iter(series.values())), list(series.values())[-1]
    rising = [
        name
        for name, a, b in zip(classes, first[1:], last[1:], strict=True)
        if a is not None and b is not None and b.value > a.value and b.apart_from(a)
    ]
    if rising:
        sentences.append(f"From {known[0][0]} to {known[-1][0]} these classes clearly improve: {listed(rising)}.")
    return sentences


def _more(later: Estimate, earlier: Estimate) -> str:
    return "more" if later.value > earlier.value else "less"


def _called(name: str) -> str:
    """Give a readout's name as it stands in a sentence after `the`."""
    return f"output of {name}" if name.startswith("layer") else name
