"""Calibration: confidence against accuracy, raw and after temperature scaling."""

from functools import partial

from seamline.evaluation.text import pluralize
from seamline.report import plots
from seamline.report.formatting import estimate_text
from seamline.report.panel import Content
from seamline.report.run_data import LABELS, SPLITS, RunData
from seamline.report.svg import inline_svg
from seamline.run_folder import Calibration, Estimate, Novelty


def build(run: RunData) -> Content | None:
    """Show reliability diagrams of the held-out images, and errors of each split."""
    if run.calibration is None:
        return None
    labels, measured = LABELS[run.info.task], run.calibration.held_out
    title = SPLITS[run.metrics.held_out_split]
    figures = {
        f"reliability-{name}": partial(plots.reliability, bins=bins, title=heading, accent=accent, labels=labels)
        for name, bins, heading, accent in (
            ("raw", measured.reliability_raw, "Raw", False),
            ("scaled", measured.reliability_scaled, "After temperature scaling", True),
        )
    }
    caption = _caption(run.calibration)
    alt = f"Reliability diagram on the {title} {labels}. {' '.join(caption)}"
    values = {
        "plots": [inline_svg(draw, name, alt) for name, draw in figures.items()],
        "caption": caption,
        "splits": {title: getattr(run.calibration, split) for split, title in SPLITS.items() if split in run.splits},
        "labels": labels,
        "split": title,
        "fractions": run.calibration.fractions,
        "novelty": _novelty(run.novelty),
    }
    return Content(values, figures)


def _caption(calibration: Calibration) -> list[str]:
    """State the temperature, and how many bins have the confidence within the interval of the accuracy."""
    sentences = [f"The temperature, fitted on the validation images, is {temperature_text(calibration.temperature)}."]
    within = [
        one.accuracy.low <= one.confidence <= one.accuracy.high
        for one in calibration.held_out.reliability_scaled
        if one.accuracy.has_interval
    ]
    if within:
        sentences.append(f"After scaling, {sum(within)} of {len(within)} intervals reach the dashed line.")
    return sentences


def _novelty(novelty: Novelty | None) -> str | None:
    """State by what images count as novel, and how many test images do; None where nothing is known."""
    if novelty is None:
        return None
    if novelty.reference is None:
        few = f"{pluralize(novelty.groups, 'group')} of validation images {'is' if novelty.groups == 1 else 'are'}"
        return f"Novel images are not detected: {few} too few."
    text = (
        "An image counts as unlike the training images if its features are farther from those of the nearest one than "
        f"they are for {100 * (1 - novelty.reference.false_alarm_rate):.0f}\u00a0% of the validation images."
    )
    return f"{text} Of the test images, {estimate_text(novelty.flagged)} do." if novelty.flagged.present else text


def temperature_text(temperature: Estimate) -> str:
    """Return a temperature and its interval with three significant digits."""
    interval = "not determined by these images" if temperature.value == 1 else "no interval"
    if temperature.has_interval:
        interval = f"{temperature.low:.3g}–{temperature.high:.3g}"
    return f"{temperature.value:.3g} ({interval})"
