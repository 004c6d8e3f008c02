"""The page about corrections says what its numbers support."""

from typing import Any

import numpy as np
import pytest
from scipy import stats

import active_learning


def seed(number: int, *, chosen: float, chance: float) -> dict[str, Any]:
    def way(accuracy: float, rare: int) -> list[dict[str, Any]]:
        return [{"photos": count, "rare": rare, "accuracy": [0.8, accuracy]} for count in (10, 20)]

    before = [0.82, 0.3 + 0.01 * number]
    return {"seed": number, "left_out": 0, "before": before, "suggest": way(chosen, 8), "random": way(chance, 2)}


def results(gains: tuple[float, float, float]) -> dict[str, Any]:
    rows = [seed(number, chosen=0.5 + gain, chance=0.5) for number, gain in enumerate(gains)]
    return {"machine": "A machine", "threads": 1, "minutes": 3.0, "command": "x", "torch": "2.13.0", "seeds": rows}


@pytest.mark.parametrize(
    ("gains", "words"),
    [
        ((0.2, 0.21, 0.19), "with 10 and 20 photos `suggest` is better"),
        ((-0.2, -0.21, -0.19), "with 10 and 20 photos chance is better"),
        ((0.2, -0.2, 0.05), "with 10 and 20 photos the difference is not significant"),
    ],
)
def test_the_verdict_follows_the_interval(gains: tuple[float, float, float], words: str) -> None:
    text = active_learning.page(results(gains))
    assert words in text
    half = stats.t.ppf(0.975, 2) * np.std(gains, ddof=1) / np.sqrt(3)
    mean = np.mean(gains)
    row = next(line for line in text.splitlines() if line.startswith("| 10 | dark on white"))
    assert f"{100 * mean:+.1f} ({100 * (mean - half):+.1f} to {100 * (mean + half):+.1f})" in row
    assert "`suggest` chose 8, 8 and 8 of the rare style in the seeds, chance 2, 2 and 2" in text


def test_the_figure_has_both_ways() -> None:
    drawing = active_learning.draw(results((0.2, 0.1, 0.15))["seeds"])
    assert drawing.lstrip().startswith("<?xml")
    assert drawing == active_learning.draw(results((0.2, 0.1, 0.15))["seeds"])


def test_the_second_style_is_the_negative() -> None:
    image = np.array([[[[0], [255]], [[10], [100]]]], np.uint8)
    np.testing.assert_array_equal(active_learning.restyle(image)[0, :, :, 0], [[255, 0], [245, 155]])
