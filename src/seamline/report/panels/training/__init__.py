"""Loss and accuracy over the epochs."""

import math
from functools import partial

from seamline.evaluation.text import count, pluralize
from seamline.report import plots
from seamline.report.formatting import decimal, duration, percent
from seamline.report.panel import Content
from seamline.report.plot_layout import finite, fraction_floor
from seamline.report.run_data import LABELS, RunData
from seamline.report.svg import inline_svg
from seamline.run_folder import Epoch


def build(run: RunData) -> Content | None:
    """Show loss and accuracy on training and validation images, epoch by epoch."""
    if not run.history:
        return None
    accuracy = "pixel accuracy" if run.info.task == "segmentation" else "accuracy"
    epochs, drawings = [one.epoch for one in run.history], {}
    series = {
        metric: {
            "training": [getattr(one, f"train_{metric}") for one in run.history],
            "validation": [getattr(one, f"val_{metric}") for one in run.history],
        }
        for metric in ("loss", "accuracy")
    }
    for metric, title in (("loss", "Loss"), ("accuracy", accuracy.capitalize())):
        drawings[f"training-{metric}"] = partial(
            plots.curves, epochs=epochs, series=series[metric], title=title, percents=metric == "accuracy"
        )
    sentences = [_last_epoch(run.history, accuracy), *_lowest_loss(run.history), *_final_weights(run)]
    alt = f"Curves of training and validation over {pluralize(len(epochs), 'epoch')}. {sentences[0]}"
    floor = fraction_floor(finite(series["accuracy"]))
    sampled, images = run.history[-1].val_images, pluralize(run.info.dataset.val, "image")
    values = {
        "validated": f" on {sampled} of the {images}, evenly spaced" if sampled else "",
        "plots": [inline_svg(draw, name, alt) for name, draw in drawings.items()],
        "sentences": sentences,
        "epochs": run.history,
        "accuracy": accuracy,
        "axis": f"The axis of {accuracy} starts at {percent(floor)}." if floor else "",
        "duration": duration(sum(one.train_seconds for one in run.history if not math.isnan(one.train_seconds))),
    }
    return Content(values, drawings)


def _last_epoch(history: tuple[Epoch, ...], accuracy: str) -> str:
    """State loss and accuracy after the last epoch."""
    last = history[-1]
    return (
        f"After {pluralize(len(history), 'epoch')} the loss is {decimal(last.train_loss)} on the training images and "
        f"{decimal(last.val_loss)} on the validation images; the {accuracy} is {percent(last.train_accuracy)} "
        f"and {percent(last.val_accuracy)}."
    )


def _lowest_loss(history: tuple[Epoch, ...]) -> list[str]:
    """State the lowest validation loss, with the last one where that is another."""
    measured = [one for one in history if not math.isnan(one.val_loss)]
    if len(measured) < 3:
        return []
    best, last = min(measured, key=lambda one: one.val_loss), measured[-1]
    if best is last:
        return ["The validation loss is lowest after the last epoch."]
    return [
        f"The validation loss is lowest after epoch {best.epoch} ({decimal(best.val_loss)}), and "
        f"{decimal(last.val_loss)} at the end."
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
