"""Can its probabilities be trusted."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from seamline.report import figures
from seamline.report.contents import SPLITS, Contents
from seamline.report.drawing import inline_svg
from seamline.report.panels.panel import Panel
from seamline.report.words import ABSENT, Estimate, number, number_range, percent, percent_range, points


def calibration(run: Contents) -> Panel | None:
    """Show how often answers were right against how surely they were given, before and after temperature scaling."""
    if run.calibration is None:
        return None
    split = next((name for name in SPLITS if run.calibration.get(name)), None)
    if split is None:
        return None
    measured, temperature = run.calibration[split], Estimate.of(run.calibration["temperature"])
    drawings = {}
    for when, title in (("before", "As the network says it"), ("after", "After temperature scaling")):
        bins = measured[f"reliability_{when}"]
        drawings[f"reliability-{when}"] = partial(
            figures.reliability, bins=bins, title=title, accent=when == "after", unit=run.unit
        )
    of = f"{SPLITS[split]} {run.unit}"
    sentences = _sentences(temperature, measured, of)
    rows = [
        {
            "title": SPLITS[name],
            "cells": [
                {"value": show(figure), "range": show_range(figure)}
                for key, (show, show_range) in COLUMNS.items()
                for figure in [Estimate.of(run.calibration[name][key])]
            ],
        }
        for name in SPLITS
        if run.calibration.get(name)
    ]
    alt = f"Reliability diagram on the {of}. {' '.join(sentences)}"
    return Panel(
        "calibration",
        "Can its probabilities be trusted",
        {
            "plots": [inline_svg(draw, name, alt) for name, draw in drawings.items()],
            "sentences": sentences,
            "rows": rows,
            "of": of,
            "unit": run.unit,
            "temperature": _degrees(temperature),
        },
        drawings,
    )


COLUMNS = {
    "ece_before": (percent, percent_range),
    "ece_after": (percent, percent_range),
    "nll_before": (number, number_range),
    "nll_after": (number, number_range),
}


def _degrees(temperature: Estimate | None) -> str:
    """Print a temperature and its interval: three digits that count."""
    if temperature is None:
        return ABSENT
    if temperature.low is None or temperature.high is None:
        return f"{temperature.value:.3g} ({'these images determine none' if temperature.value == 1 else 'no interval'})"
    return f"{temperature.value:.3g} ({temperature.low:.3g}–{temperature.high:.3g})"


def _sentences(temperature: Estimate | None, measured: Mapping[str, Any], of: str) -> list[str]:
    """Say how far stated and real shares lie apart, before and after, and in which direction."""
    before, after = (Estimate.of(measured[f"ece_{when}"]) for when in ("before", "after"))
    if before is None or after is None:
        return []
    lean = Estimate.of(measured.get("overconfidence_before"))
    if lean is None or not lean.known:
        way = "whether taken together it is too sure these images cannot tell"
    elif lean.interval[0] <= 0 <= lean.interval[1]:
        way = "taken together it is neither surer nor less sure than it is right, as far as these images can tell"
    else:
        surer = "surer than it is right" if lean.value > 0 else "right more often than it says"
        way = f"taken together it is {surer}, by {points(abs(lean.value))}"
    gain = Estimate.of(measured.get("nll_gain"))  # image by image, so it tells more than the two errors apart
    if gain is not None and gain.known and gain.interval[0] > 0:
        change = f"makes that {points(after.value)} and lowers the log loss by {number(gain)} ({number_range(gain)})"
    elif not (after.known and before.known):
        change = f"makes that {points(after.value)}"
    elif not after.apart_from(before):
        change = f"makes that {points(after.value)}, no clear change"
    else:
        change = f"{'brings that down' if after.value < before.value else 'raises that'} to {points(after.value)}"
    sentences = [
        f"On the {of} what the network states and how often it is right lie {points(before.value)} apart on "
        f"average; {way}.",
        f"Dividing its scores by a temperature of {_degrees(temperature)}, fitted on the validation images, {change}; "
        "its answers stay the same.",
    ]
    reach = [
        right.interval[0] <= one["confidence"] <= right.interval[1]
        for one in measured["reliability_after"]
        if (right := Estimate.of(one["accuracy"])) and right.known
    ]
    if reach:
        sentences.append(f"After it, {sum(reach)} of {len(reach)} intervals reach the dashed line.")
    return sentences
