"""Figures of a sweep, as their texts."""

import numpy as np
from matplotlib.figure import Figure

from seamline.report.svg import inline_svg
from seamline.report.sweep_plots import Line, setting_curves


def test_a_training_without_numbers_does_not_take_the_name_of_another() -> None:
    lines = [
        Line(name, np.array([1, 1.5]), np.array(values), (np.array(values),))
        for name, values in (("lr=9", [np.nan, np.nan]), ("lr=1", [0.7, 0.5]), ("lr=2", [0.8, 0.6]))
    ]
    figures: list[Figure] = []

    def draw(theme: object) -> Figure:
        figures.append(setting_curves(theme, lines=lines, title="loss", percents=False, width=720))  # type: ignore[arg-type]
        return figures[-1]

    inline_svg(draw, "curves", "Curves.")
    labels = [text.get_text() for text in figures[0].axes[0].texts]
    assert [label.split("\n")[0] for label in labels if "\n" in label] == ["lr=1", "lr=2"]
    assert figures[0].axes[0].get_xlim() == (1, 1.5)
