"""Show me: the best, the median and the worst images, each with its truth, the output and the errors."""

from functools import partial
from typing import Any

import numpy as np

from seamline.report.contents import SPLITS, Contents
from seamline.report.drawing import inline_svg
from seamline.report.masks import errors_uri, mask_uri, photo_uri, shares_of, wrong_pixels
from seamline.report.panels.panel import Panel
from seamline.report.segment_figures import ranking
from seamline.report.segmented import RANKS, Case, Segmented
from seamline.report.words import ABSENT, count, listed, number, percent, several

SIZES = {"wide": 720.0, "narrow": 358.0}
SIDE = 512
"""Pixels of a photo's longer side."""

TITLES = {"best": "Best", "median": "In the middle", "worst": "Worst"}


def cases(run: Contents) -> Panel | None:
    """Show some images by the mean IoU that they reach, and where they stand among all of the split."""
    split = next((name for name, one in run.segmented.items() if one.cases), None)
    if split is None:
        return None
    answers = run.segmented[split]
    groups = []
    for rank in (*RANKS, *sorted({one.rank for one in answers.cases} - set(RANKS))):
        of_rank = [one for one in answers.cases if one.rank == rank]
        if of_rank:
            shown = [_case(one, len(answers.ranking), run) for one in of_rank]
            groups.append({"title": TITLES.get(rank, rank), "cases": shown})
    sentences = _sentences(answers, SPLITS[split])
    values: dict[str, Any] = {
        "groups": groups,
        "sentences": sentences,
        "split": SPLITS[split],
        "classes": run.classes,
    }
    drawings = {}
    reached = [one["mean_iou"] for one in answers.ranking if one["mean_iou"] is not None]
    if len(reached) > 2:
        marked = {one.place: one.name for one in answers.cases if one.place <= len(reached)}
        draw = {size: partial(ranking, values=reached, marked=marked, width=width) for size, width in SIZES.items()}
        alt = f"Mean IoU of each of {several(len(reached), 'image')}, the best first. {' '.join(sentences)}"
        values["plots"] = {size: inline_svg(one, f"ranking-{size}", alt) for size, one in draw.items()}
        drawings["ranking"] = draw["wide"]
    return Panel("cases", "Show me", values, drawings)


def _case(case: Case, images: int, run: Contents) -> dict[str, Any]:
    """Prepare one image: its pictures, its figures, and a sentence on what went wrong in it."""
    size = len(run.classes)
    said = {what: _said(mask, run.classes) for what, mask in (("truth", case.truth), ("output", case.output))}
    wrong = wrong_pixels(case.truth, case.output, size)
    counted = max(int((case.truth < size).sum()), 1)
    return {
        "name": case.name,
        "of": f"place {count(case.place)} of {count(images)}" if images else "",
        "accuracy": percent(case.accuracy),
        "mean_iou": number(case.mean_iou),
        "photo": photo_uri(case.photo, SIDE),
        "truth": mask_uri(case.truth, run.colours),
        "output": mask_uri(case.output, run.colours),
        "errors": errors_uri(case.photo, case.truth, case.output, size),
        "alt": said | {"errors": f"{percent(int(wrong.sum()) / counted)} of the pixels are wrong"},
        "width": case.photo.width,
        "height": case.photo.height,
        "sentence": _mistake(case, run.classes),
    }


def _said(mask: Any, classes: tuple[str, ...]) -> str:
    """Say what a mask holds to a person who cannot see it."""
    shares = shares_of(mask, len(classes))
    largest = [int(place) for place in np.argsort(-shares, kind="stable") if shares[place] >= 0.0005]
    return listed([f"{classes[place]} {percent(float(shares[place]))}" for place in largest]) or "nothing that counts"


def _mistake(case: Case, classes: tuple[str, ...]) -> str:
    """Name the confusion that costs the image most pixels."""
    size = len(classes)
    wrong = wrong_pixels(case.truth, case.output, size) & (case.output < size)
    if not wrong.any():
        return "Every pixel is right."
    pairs = np.bincount(size * case.truth[wrong].astype(np.int64) + case.output[wrong], minlength=size * size)
    true, taken = divmod(int(pairs.argmax()), size)
    counted = int((case.truth < size).sum())
    return (
        f"Most wrong: {classes[true]} taken for {classes[taken]}, {percent(int(pairs.max()) / counted)} of the image."
    )


def _sentences(answers: Segmented, split: str) -> list[str]:
    """Say how far apart the images lie."""
    known = [one for one in answers.ranking if one["mean_iou"] is not None]
    if not known:
        return []
    reached = np.array([one["mean_iou"] for one in known], dtype=np.float64)
    low, middle, high = np.quantile(reached, (0.25, 0.5, 0.75))
    sentences = [
        f"Of {several(len(known), f'{split} image')} the best, {known[0]['name']}, reaches a mean IoU of "
        f"{number(float(reached[0]))} and the worst, {known[-1]['name']}, {number(float(reached[-1]))}."
    ]
    if len(known) >= 8:
        sentences.append(
            f"Half of them lie between {number(low)} and {number(high)}, with {number(middle)} in the middle."
        )
    return sentences if ABSENT not in sentences[0] else []
