"""What stands at the head of a run's page, and on its card among others: title, notice and the figures that matter."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from seamline.report.contents import Contents
from seamline.report.words import Estimate, count, number, number_range, percent, percent_range, several


@dataclass(frozen=True)
class HeadFigure:
    """A figure as it is printed: its name, what it is of, its interval, a second one beside it, and the images."""

    name: str
    value: str
    range: str
    of: str
    beside: str = ""
    on: str = ""


def headline(run: Contents) -> list[HeadFigure]:
    """Choose at most three figures that matter, the one that counts first."""
    return _of_masks(run.scores) if run.masks else _of_images(run.scores)


def notice(run: Contents) -> str | None:
    """Return what a reader must know first: for one, that the images were drawn."""
    said: str | None = run.run.get("notice")
    return said


def tied(sentence: str) -> str:
    """Keep each percent sign with its number."""
    return sentence.replace(" %", "\u00a0%")


def _of_images(scores: Mapping[str, Any]) -> list[HeadFigure]:
    """Choose accuracy on test and validation images, and the lowest of a class."""
    figures: list[HeadFigure] = []
    for split, name in (("test", "Test accuracy"), ("val", "Validation accuracy")):
        accuracy = Estimate.of((scores[split] or {}).get("accuracy"))
        if accuracy:
            images = scores[split].get("images")
            figures.append(_share(name, accuracy, "" if images is None else f"{count(images)} images"))
    for split in ("test", "val"):
        per_class = (scores[split] or {}).get("per_class") or {}
        known = {name: one for name, of in per_class.items() if (one := Estimate.of(of.get("accuracy")))}
        if known:
            lowest = min(known, key=lambda name: known[name].value)
            figures.append(_share("Lowest class accuracy", known[lowest], lowest))
            break
    return figures


def _of_masks(scores: Mapping[str, Any]) -> list[HeadFigure]:
    """Choose mean average precision, by raw scores and beside it by softmax, mean IoU and pixel accuracy."""
    split = next((name for name in ("test", "val") if scores.get(name)), None)
    if split is None:
        return []
    measured = scores[split]
    figures: list[HeadFigure] = []
    images = measured.get("images")
    said = "test" if split == "test" else "validation"
    of = f"{said}, {several(images, 'image')}" if images else said
    raw, soft, iou, accuracy = (
        Estimate.of(measured.get(key)) for key in ("mean_ap", "mean_ap_softmax", "mean_iou", "accuracy")
    )
    if raw:
        span = number_range(soft)
        beside = f"by softmax {number(soft)}{f' ({span})' if span else ''}" if soft else ""
        figures.append(replace(_plain("Mean average precision", raw, "by raw scores"), beside=beside))
    if iou:
        figures.append(_plain("Mean IoU", iou, ""))
    if accuracy:
        figures.append(_share("Pixel accuracy", accuracy, ""))
    return [replace(one, on=of) for one in figures[:1]] + figures[1:]


def _share(name: str, estimate: Estimate, of: str) -> HeadFigure:
    """Prepare a share."""
    return HeadFigure(name, percent(estimate), percent_range(estimate), of)


def _plain(name: str, estimate: Estimate, of: str) -> HeadFigure:
    """Prepare a figure that people write with decimals."""
    return HeadFigure(name, number(estimate), number_range(estimate), of)
