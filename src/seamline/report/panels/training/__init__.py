"""Loss and accuracy over the epochs."""

import math
from collections.abc import Sequence
from functools import partial

from seamline.evaluation.text import count, pluralize
from seamline.report import plots
from seamline.report.formatting import decimal, duration, epochs_number, percent
from seamline.report.panel import Content
from seamline.report.plot_layout import finite, fraction_floor
from seamline.report.run_data import LABELS, RunData, epoch_ends
from seamline.report.svg import inline_svg
from seamline.run_folder import CurvePoint, Epoch


def build(run: RunData) -> Content | None:
    """Show loss and accuracy on training and validation images, epoch by epoch."""
    if not run.history:
        return None
    accuracy = "pixel accuracy" if run.info.task == "segmentation" else "accuracy"
    ends = epoch_ends(run.info, run.history)
    epochs, series = curve_series(run.history, ends)
    drawings = {
        f"training-{metric}": partial(
            plots.curves, epochs=epochs, series=series[metric], title=title, percents=metric == "accuracy", start=start
        )
        for start in [0.0 if len(epochs) > len(ends) else None]
        for metric, title in (("loss", "Loss"), ("accuracy", accuracy.capitalize()))
    }
    sentences = [_last_epoch(run.history, ends, accuracy), *_lowest_loss(run.history, ends), *_final_weights(run)]
    alt = f"Curves of training and validation over {epochs_text(ends[-1])}. {sentences[0]}"
    floor = fraction_floor(finite(series["accuracy"]))
    sampled, images = run.history[-1].val_images, pluralize(run.info.dataset.val, "image")
    values = {
        "validated": f" on {sampled} of the {images}, evenly spaced" if sampled else "",
        "plots": [inline_svg(draw, name, alt) for name, draw in drawings.items()],
        "sentences": sentences,
        "epochs": [(epochs_number(end), one) for end, one in zip(ends, run.history, strict=True)],
        "points": len(epochs) > len(ends),
        "accuracy": accuracy,
        "axis": f"The axis of {accuracy} starts at {percent(floor)}." if floor else "",
        "duration": duration(sum(one.train_seconds for one in run.history if not math.isnan(one.train_seconds))),
    }
    return Content(values, drawings)


def curve_series(
    history: Sequence[Epoch], ends: Sequence[float]
) -> tuple[list[float], dict[str, dict[str, list[float]]]]:
    """Return P positions in epochs, and for loss and accuracy the P values of training and validation images.

    Training has a value at each point within an epoch, or at its end where there are none; validation at the ends.
    """
    series: dict[str, dict[str, list[float]]] = {"loss": {}, "accuracy": {}}
    train = [
        point
        for end, one in zip(ends, history, strict=True)
        for point in one.curve or [CurvePoint(end, one.train_loss, one.train_accuracy)]
    ]
    after = dict(zip(ends, history, strict=True))
    for metric, of in series.items():
        of["training"] = [getattr(point, metric) for point in train]
        of["validation"] = [
            getattr(after[point.epoch], f"val_{metric}") if point.epoch in after else math.nan for point in train
        ]
    return [point.epoch for point in train], series


def epochs_text(number: float) -> str:
    """`1 epoch`, `1.3 epochs`."""
    return f"{epochs_number(number)} epoch{'' if number == 1 else 's'}"


def _last_epoch(history: Sequence[Epoch], ends: Sequence[float], accuracy: str) -> str:
    """State loss and accuracy of the last epoch."""
    last = history[-1]
    during = "during the last epoch" if len(history) > 1 else "during it"
    return (
        f"After {epochs_text(ends[-1])} the loss is {decimal(last.val_loss)} on the validation images, and its mean on "
        f"the training images {during} {decimal(last.train_loss)}; the {accuracy} is {percent(last.val_accuracy)} "
        f"and {percent(last.train_accuracy)}."
    )


def _lowest_loss(history: Sequence[Epoch], ends: Sequence[float]) -> list[str]:
    """State the lowest validation loss, with the last one where that is another."""
    measured = [(one.val_loss, end) for end, one in zip(ends, history, strict=True) if not math.isnan(one.val_loss)]
    if len(measured) < 3:
        return []
    (lowest, end), (last, at_end) = min(measured), measured[-1]
    if end == at_end:
        return ["The validation loss is lowest after the last epoch."]
    return [
        f"The validation loss is lowest after {epochs_text(end)} ({decimal(lowest)}), and {decimal(last)} at the end."
    ]


def _final_weights(run: RunData) -> list[str]:
    """State the accuracy of the final weights on training and validation images."""
    train, val = run.metrics.train.overall.get("accuracy"), run.metrics.val.overall.get("accuracy")
    if train is None or val is None or not (train.present and val.present):
        return []
    labels, images = LABELS[run.info.task], run.metrics.train.images
    sample = f", in {count(images)} of the images," if images < run.info.dataset.train else ""
    return [
        f"The final weights predict {percent(train)} of the training {labels}{sample} and {percent(val)} of the "
        f"validation {labels} correctly."
    ]
