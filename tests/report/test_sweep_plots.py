"""Figures of a sweep, as their texts."""

from collections.abc import Callable

import numpy as np
from matplotlib.figure import Figure

from seamline.evaluation.effects import FieldEffect, Level
from seamline.report.svg import inline_svg
from seamline.report.sweep_plots import Line, effects, setting_curves
from seamline.run_folder import Estimate


def drawn(draw: Callable[..., Figure]) -> Figure:
    """Return a figure as the page has it."""
    figures: list[Figure] = []

    def keep(theme: object) -> Figure:
        figures.append(draw(theme))
        return figures[-1]

    inline_svg(keep, "figure", "A figure.")
    return figures[0]


def test_a_training_without_numbers_does_not_take_the_name_of_another() -> None:
    lines = [
        Line(name, np.array([1, 1.5]), np.array(values), (np.array(values),))
        for name, values in (("lr=9", [np.nan, np.nan]), ("lr=1", [0.7, 0.5]), ("lr=2", [0.8, 0.6]))
    ]
    figure = drawn(lambda theme: setting_curves(theme, lines=lines, title="loss", percents=False, width=720))
    labels = [text.get_text() for text in figure.axes[0].texts]
    assert [label.split("\n")[0] for label in labels if "\n" in label] == ["lr=1", "lr=2"]
    assert figure.axes[0].get_xlim() == (1, 1.5)


def test_percentages_that_are_close_have_ticks_that_differ() -> None:
    levels = (Level("1", Estimate(0.992), 1), Level("2", Estimate(0.998), 1))

    def draw(theme: object) -> Figure:
        field = FieldEffect("lr", levels)
        options = {"percents": True, "higher_is_better": True, "title": "Accuracy", "width": 720}
        return effects(theme, fields=[field], **options)  # type: ignore[arg-type]

    ticks = [text.get_text() for text in drawn(draw).axes[0].get_xticklabels()]
    assert len(ticks) > 2
    assert len(set(ticks)) == len(ticks)
