"""Calibration: confidence against accuracy, raw and after temperature scaling."""

from functools import partial

from seamline.report import plots
from seamline.report.formatting import (
    decimal,
    decimal_interval,
    percent,
    percent_interval,
    with_interval,
)
from seamline.report.panel import Content
from seamline.report.run_data import LABELS, SPLITS, RunData
from seamline.report.svg import inline_svg
from seamline.run_folder import Calibration, Estimate, SplitCalibration


def build(run: RunData) -> Content | None:
    """Show reliability diagrams of the test images, and errors of both splits."""
    if run.calibration is None:
        return None
    labels, test = LABELS[run.info.task], run.calibration.test
    figures = {
        "reliability-raw": partial(
            plots.reliability, bins=test.reliability_raw, title="Raw", accent=False, labels=labels
        ),
        "reliability-scaled": partial(
            plots.reliability,
            bins=test.reliability_scaled,
            title="After temperature scaling",
            accent=True,
            labels=labels,
        ),
    }
    caption = _caption(run.calibration)
    alt = f"Reliability diagram on the test {labels}. {' '.join(caption)}"
    values = {
        "plots": [inline_svg(draw, name, alt) for name, draw in figures.items()],
        "caption": caption,
        "rows": [_row(SPLITS[split], getattr(run.calibration, split)) for split in SPLITS],
        "labels": labels,
    }
    return Content(values, figures)


def _row(title: str, measured: SplitCalibration) -> dict[str, object]:
    """Prepare a row of the table."""
    percents = (measured.ece_raw, measured.ece_scaled, measured.confidence_gap_raw, measured.confidence_gap_scaled)
    decimals = (measured.nll_raw, measured.nll_scaled)
    cells = [(percent(one), percent_interval(one)) for one in percents]
    return {"title": title, "cells": [*cells, *((decimal(one), decimal_interval(one)) for one in decimals)]}


def _caption(calibration: Calibration) -> list[str]:
    """State the temperature, and how many bins have the confidence within the interval of the accuracy."""
    sentences = [f"The temperature, fitted on the validation images, is {temperature_text(calibration.temperature)}."]
    within = [
        one.accuracy.low <= one.confidence <= one.accuracy.high
        for one in calibration.test.reliability_scaled
        if one.accuracy.has_interval
    ]
    if within:
        sentences.append(f"After scaling, {sum(within)} of {len(within)} intervals reach the dashed line.")
    return sentences


def temperature_text(temperature: Estimate) -> str:
    """Return a temperature and its interval with three significant digits."""
    if temperature.has_interval:
        interval = f"{temperature.low:.3g}–{temperature.high:.3g}"
    else:
        interval = "not determined by these images" if temperature.value == 1 else "no interval"
    return with_interval(f"{temperature.value:.3g}", interval)
