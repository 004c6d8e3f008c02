"""How training went: curves over the epochs."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from seamline.report import figures
from seamline.report.contents import Contents
from seamline.report.drawing import inline_svg
from seamline.report.panels.panel import Panel
from seamline.report.words import Estimate, duration, number, percent, points, several


def training(run: Contents) -> Panel | None:
    """Show loss and accuracy on the training and the validation images, epoch by epoch."""
    if not run.history:
        return None
    epochs = [one["epoch"] for one in run.history]
    drawings = {}
    for what, share in (("loss", False), ("accuracy", True)):
        series = {
            "training": _column(run.history, f"train_{what}"),
            "validation": _column(run.history, f"val_{what}"),
        }
        drawings[f"training-{what}"] = partial(
            figures.curves, epochs=epochs, series=series, title=_called(what, run).capitalize(), share=share
        )
    accuracy = _called("accuracy", run)
    sentences = [_end(run.history, accuracy), *_turn(run.history), *_gap(run.scores, run.unit)]
    alt = f"Curves of training and validation over {several(len(epochs), 'epoch')}. {sentences[0]}"
    floor = figures.share_floor(figures.finite([drawing.keywords["series"] for drawing in drawings.values()][1]))
    return Panel(
        "training",
        "How training went",
        {
            "plots": [inline_svg(draw, name, alt) for name, draw in drawings.items()],
            "sentences": sentences,
            "epochs": run.history,
            "accuracy": accuracy,
            "axis": f"The axis of {accuracy} starts at {percent(floor)}." if floor else "",
            "took": duration(sum(one.get("seconds") or 0 for one in run.history)),
        },
        drawings,
    )


def _called(what: str, run: Contents) -> str:
    """Say of what an accuracy is where that is not plain."""
    return "pixel accuracy" if run.masks and what == "accuracy" else what


def _column(history: Sequence[Mapping[str, Any]], key: str) -> list[float]:
    """Return one figure of every epoch; what is absent is NaN."""
    return [float("nan") if one[key] is None else float(one[key]) for one in history]


def _end(history: Sequence[Mapping[str, Any]], accuracy: str) -> str:
    """Say where training ended."""
    last = history[-1]
    return (
        f"After {several(len(history), 'epoch')} the loss is {number(last['train_loss'])} on the training images and "
        f"{number(last['val_loss'])} on the validation images; the {accuracy} is {percent(last['train_accuracy'])} "
        f"and {percent(last['val_accuracy'])}."
    )


def _turn(history: Sequence[Mapping[str, Any]]) -> list[str]:
    """Say where the validation loss was lowest, and what has happened since."""
    measured = [one for one in history if one["val_loss"] is not None]
    if len(measured) < 3:
        return []
    best, last = min(measured, key=lambda one: one["val_loss"]), measured[-1]
    if best is last:
        return ["The validation loss was lowest after the last epoch."]
    sentence = f"The validation loss was lowest after epoch {best['epoch']} ({number(best['val_loss'])})"
    if last["val_loss"] > 1.05 * best["val_loss"] and last["train_loss"] < best["train_loss"]:
        return [f"{sentence} and rose to {number(last['val_loss'])} while the training loss went on falling."]
    return [f"{sentence}; at the end it was {number(last['val_loss'])}."]


def _gap(scores: Mapping[str, Any], unit: str) -> list[str]:
    """Compare what the kept weights reach on the images, or pixels, of training and of validation."""
    train = Estimate.of((scores.get("train") or {}).get("accuracy"))
    val = Estimate.of((scores["val"] or {}).get("accuracy"))
    if train is None or val is None:
        return []
    sentence = f"The weights that were kept label {percent(train)} of the training {unit} right"
    if train.value > val.value and train.apart_from(val):
        return [f"{sentence}, {points(train.value - val.value)} more than of the validation {unit}."]
    return [f"{sentence} and {percent(val)} of the validation {unit}."]
