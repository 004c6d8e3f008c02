"""Which labels look wrong."""

from typing import Any

from seamline.report.contents import SPLITS, Contents
from seamline.report.mislabelled import Mislabelled
from seamline.report.panels.panel import Panel
from seamline.report.pictures import data_uri
from seamline.report.words import count, percent, several, surely

KNOWING = 0.8
"""Share of labels that judges must agree with to be called knowing."""


def labels(run: Contents) -> Panel | None:
    """Show the images that look mislabelled, the surest first; None where none were judged or none looks so."""
    if run.mislabelled is None or not run.mislabelled.suspects:
        return None
    found = run.mislabelled
    shown = [
        {
            "name": one["name"],
            "label": run.classes[one["label"]],
            "looks": run.classes[one["looks"]],
            "surely": surely(one["probability"]),
            "x": place,
        }
        for place, one in enumerate(found.suspects[: found.shown])
    ]
    height, width = found.tile
    values: dict[str, Any] = {
        "shown": shown,
        "uri": data_uri(found.picture),
        "tile": {"height": height, "width": width, "scale": max(1, 84 // max(height, width))},
        "judged": _judged(found.judged, found.folds),
        "sentence": _sentence(found, run.classes),
    }
    return Panel("labels", "Labels to look at again", values)


def _judged(judged: dict[str, int], folds: int) -> str:
    """Say which images were judged, and by what."""
    if folds:
        return (
            f"All images were judged by networks that did not learn from them: the test images by this one, the others "
            f"by {count(folds)} networks, each trained for half as long without the part that it judges."
        )
    parts = " and ".join(f"{count(judged[name])} {SPLITS[name]}" for name in ("val", "test") if name in judged)
    return (
        f"Only the {parts} images were judged, which this network did not learn from; --label-check-folds judges all."
    )


def _sentence(found: Mislabelled, classes: tuple[str, ...]) -> str:
    """Say how many look mislabelled, the surest of them, and how much the judges know."""
    suspects, judged = found.suspects, sum(found.judged.values())
    first, agree = suspects[0], found.agree / max(1, judged)
    known = (
        f"The judges agree with only {percent(agree)} of all labels, so most of these are merely hard."
        if agree < KNOWING
        else f"The judges agree with {percent(agree)} of all labels. Where a label is right, the image is merely hard."
    )
    return (
        f"{several(len(suspects), 'image')} of {count(judged)} {'looks' if len(suspects) == 1 else 'look'} like "
        f"another class than the label says, by confident learning; the surest is {first['name']}, labelled "
        f"{classes[first['label']]} and taken for {classes[first['looks']]} with {surely(first['probability'])}. "
        f"{known} evaluation/mislabelled.json names all."
    )
