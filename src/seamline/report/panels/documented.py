"""What others are known to have reached on a dataset, class by class."""

from collections.abc import Mapping, Sequence

from seamline.report.words import Estimate

BEST = {
    "facades": {
        "0.63": {"other": 0.59, "facade": 0.72, "pillar": 0.26, "window": 0.87, "balcony": 0.71},
        "0.624": {"other": 0.685, "facade": 0.792, "pillar": 0.227, "window": 0.843, "balcony": 0.574},
    }
}
"""Dataset -> the mean of a result, as it was published -> class -> average precision on the test images."""

ASKED = {"facades": 0.45}
"""Dataset -> the mean average precision that the course asked for."""


def documented(dataset: str | None, split: str, classes: Sequence[str]) -> Mapping[str, Mapping[str, float]]:
    """Return the best documented results on the test images of a dataset; empty where none are known."""
    results = BEST.get(dataset or "", {})
    return results if split == "test" and all(set(one) == set(classes) for one in results.values()) else {}


def against(dataset: str | None, mean: Estimate | None, results: Mapping[str, Mapping[str, float]]) -> str:
    """Say where a mean average precision stands among documented ones, as a sentence to follow another."""
    if mean is None or not results:
        return ""
    best = max(results, key=float)
    low, high = mean.interval
    if low > float(best):
        place = f"above the best documented course result, {best}"
    elif high < float(best):
        place = f"below the best documented course result, {best}"
    else:
        place = f"and the best documented course result, {best}, lies within its interval"
    asked = ASKED.get(dataset or "")
    return f" The mean by raw scores is {mean.value:.3f}, {place}{f'; the course asked for {asked}' if asked else ''}."
