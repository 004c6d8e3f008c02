"""What the measures of the study's own photo say, and where they are wrong: its columns and thin windows."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from seamline.evaluation.text import capitalize_first, count, join_and, pluralize
from seamline.report.formatting import rough_percent
from seamline.report.measures_text import verdict, wwr_text
from seamline.run_folder import Finding, Front, MeasuresRecord, Opening, PredictionRecord
from seamline.synthetic.facades.canvas import BALCONY, PILLAR, WALL, WINDOW
from seamline.synthetic.facades.library import COLUMNS, STOREYS

MEASURES = "measures_of_buildings"
"""Name of the finding."""

THIN = 1 / 3
"""Width over height below which a window is thin."""

MATCH = 0.5
"""IoU from which a measured window is a drawn one."""

_END = 1 / 6  # of a column's height, at each end
_LEAST_PART = 0.1  # of the largest drawn window: smaller parts are what a tree leaves of one


class Matches(NamedTuple):
    """Measured windows beside the drawn ones."""

    drawn: int
    matched: int  # drawn windows that a measured one matches
    false: int  # measured windows that match none


def measures_finding(
    record: MeasuresRecord,
    predictions: PredictionRecord,
    labels: NDArray[np.uint8] | None = None,
    mask: NDArray[np.uint8] | None = None,
) -> Finding:
    """State what was measured, and where that is wrong or likely to be.

    Args:
        record: measures of one photo or several.
        predictions: of the same photos.
        labels: (H, W) uint8, those that the library front is drawn with, where it is the photo.
        mask: (H, W) uint8, the classes that are predicted for it, in the same order.
    """
    fronts = [front for photo in record.photos for front in photo.fronts]
    values: dict[str, Any] = {
        "windows": [front.windows for front in fronts],
        "storeys": [len(front.storeys) for front in fronts],
        "columns": [front.columns for front in fronts],
        "wwr": [front.wwr.value for front in fronts],
    }
    sentences = [_measured(record, fronts)]
    if labels is not None and mask is not None:
        sentence, drawn = _compare_drawing(fronts, labels, mask)
        sentences.append(sentence)
        values["drawn"] = drawn
    elif fronts:
        sentences.append(_doubts(fronts, predictions))
    return Finding(name=MEASURES, sentence=" ".join(sentences), values=values, panel="measures")


def match_windows(openings: Sequence[Opening], labels: NDArray[np.uint8]) -> Matches:
    """Match measured windows with drawn ones.

    Args:
        openings: the measured ones.
        labels: (H, W) uint8 of the photo, as `synthetic.facades` has them.
    """
    total, parts, statistics, _ = cv2.connectedComponentsWithStats((labels == WINDOW).astype(np.uint8), connectivity=4)
    areas = statistics[1:, cv2.CC_STAT_AREA]
    drawn = 1 + np.flatnonzero(areas >= _LEAST_PART * areas.max(initial=0))
    matched: set[int] = set()
    false = 0
    for opening in openings:
        polygon = np.zeros(labels.shape, np.uint8)
        cv2.fillPoly(polygon, [np.rint(np.array(opening.photo_outline) - 0.5).astype(np.int32)], 1)
        inside = parts[polygon > 0]
        shared = np.bincount(inside, minlength=total)
        shared[0] = 0
        best = int(shared.argmax())
        overlap = shared[best] / (len(inside) + statistics[best, cv2.CC_STAT_AREA] - shared[best])
        matched |= {best} if overlap >= MATCH else set()
        false += overlap < MATCH
    return Matches(len(drawn), len(matched & set(drawn.tolist())), false)


def pillar_recall(labels: NDArray[np.uint8], mask: NDArray[np.uint8]) -> tuple[float, float]:
    """Return the recall of pixels of the drawn pillars: at their ends, a sixth of their height each, and between.

    Args:
        labels: (H, W) uint8 of the photo, which shows pillars of about one height.
        mask: (H, W) uint8, the predicted classes.
    """
    pillars = labels == PILLAR
    rows = np.flatnonzero(pillars.any(1))
    if not len(rows):
        return 0.0, 0.0
    end = round(_END * len(rows))
    between = np.zeros_like(pillars)
    between[rows[0] + end : rows[-1] + 1 - end] = True
    parts = (pillars & ~between, pillars & between)  # pillars of a row or two have no ends
    ends, middles = (float((mask[part] == PILLAR).sum() / max(1, part.sum())) for part in parts)
    return ends, middles


def _measured(record: MeasuresRecord, fronts: Sequence[Front]) -> str:
    """Return the sentence about what was measured."""
    if not fronts:
        reasons = [error.reason for error in record.errors]
        return "".join([verdict(record).removesuffix("."), *(f": {reason}" for reason in reasons[:1]), "."])
    if len(fronts) > 1:
        return verdict(record)
    (front,) = fronts
    if not front.windows:
        return "No window is measured on the front."
    return (
        f"The front is measured as having {pluralize(front.windows, 'window')} in "
        f"{pluralize(len(front.storeys), 'storey')} and {pluralize(front.columns, 'column')} of windows, and a "
        f"window-to-wall ratio of {wwr_text(front.wwr)}."
    )


def _windows(fronts: Sequence[Front]) -> list[Opening]:
    """Return the counted windows of fronts."""
    return [one for front in fronts for one in front.openings if one.kind == "window" and one.counted]


def _compare_drawing(
    fronts: Sequence[Front], labels: NDArray[np.uint8], mask: NDArray[np.uint8]
) -> tuple[str, dict[str, float]]:
    """Return a sentence about measures beside the drawing of the library front, and its numbers."""
    matches = match_windows(_windows(fronts), labels)
    windows = (labels == WINDOW).sum()
    wwr = float(windows / max(1, np.isin(labels, [WALL, PILLAR, WINDOW, BALCONY]).sum()))
    ends, middles = pillar_recall(labels, mask)
    match = "matches" if matches.false == 1 else "match"
    sentence = (
        f"Drawn are {count(matches.drawn)} thin windows in {STOREYS} storeys and {COLUMNS} columns, with a ratio of "
        f"{rough_percent(wwr)}: {count(matches.matched)} of these windows are measured (IoU {MATCH} or more), "
        f"{pluralize(matches.false, 'measured window')} {match} none, and of the "
        f"pixels of pillars {rough_percent(middles)} are predicted as pillar between their ends and "
        f"{rough_percent(ends)} at these."
    )
    values = {"windows": matches.drawn, "matched": matches.matched, "false": matches.false, "wwr": wwr}
    return sentence, {**values, "pillar_recall_ends": ends, "pillar_recall_middles": middles}


def _doubts(fronts: Sequence[Front], predictions: PredictionRecord) -> str:
    """Return a sentence about what is likely to be wrong in measures whose truth is not known."""
    windows = _windows(fronts)
    sides = [np.ptp(np.array(one.outline), axis=0) for one in windows]
    thin = sum(bool(width < THIN * height) for width, height in sides)
    pillars = [one.class_fractions["pillar"] for one in predictions.photos if "pillar" in one.class_fractions]
    area = sum(front.visible_area for front in fronts)
    error = sum(front.expected_error * front.visible_area for front in fronts) / max(1.0, area)
    doubts = [
        f"thin windows ({count(thin)} of {count(len(windows))} {'is' if thin == 1 else 'are'} less than a third as "
        "wide as high)",
        *(f"pillars ({rough_percent(float(np.mean(pillars)))} of the pixels)" for _ in pillars[:1]),
    ]
    return (
        f"{capitalize_first(join_and(doubts))} are where it is likely wrong; by the model's own probabilities it takes "
        f"{rough_percent(error)} of the front's area wrongly for window or for wall."
    )
