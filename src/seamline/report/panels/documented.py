"""What others are known to have reached on a dataset, class by class."""

from collections.abc import Mapping
from typing import Any

from seamline.report.words import Estimate

BEST = {
    "0.63": {"other": 0.59, "facade": 0.72, "pillar": 0.26, "window": 0.87, "balcony": 0.71},
    "0.624": {"other": 0.685, "facade": 0.792, "pillar": 0.227, "window": 0.843, "balcony": 0.574},
}
"""The mean of a course result, as it was published -> class -> average precision on the test images."""

NAME, IMAGES, SIDES = "facades", 114, (256, 256)
"""What these results are of: the dataset, the number of its test images, and their height and width."""

ASKED = 0.45
"""The mean average precision that the course asked for."""


def documented(run: Mapping[str, Any], split: str) -> Mapping[str, Mapping[str, float]]:
    """Return the best documented results on the very images of a split; empty where there are none.

    Args:
        run: what `run.json` holds.
        split: `test` or `val`.
    """
    data, sides = run["dataset"], tuple(run["network"].get("image") or ())[:2]
    same = split == "test" and (data.get("name"), data.get("test"), sides) == (NAME, IMAGES, SIDES)
    return BEST if same and all(set(one) == set(data["classes"]) for one in BEST.values()) else {}


def against(mean: Estimate | None, results: Mapping[str, Mapping[str, float]]) -> str:
    """Say where a mean average precision stands among documented ones, as a sentence to follow another."""
    if mean is None or not results:
        return ""
    best = max(results, key=float)
    low, high = mean.interval
    if not mean.known:
        place = f"without an interval; the best documented course result is {best}"
    elif low > float(best):
        place = f"above the best documented course result, {best}"
    elif high < float(best):
        place = f"below the best documented course result, {best}"
    else:
        place = f"and the best documented course result, {best}, lies within its interval"
    return f" The mean by raw scores is {mean.value:.3f}, {place}; the course asked for {ASKED}."
