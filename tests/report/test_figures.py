import re
import warnings
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from seamline.report import figures
from seamline.report.drawing import PAPER, SENTINELS, Drawing, Palette, inline_svg, write_figure
from seamline.report.words import Estimate

BINS = [
    {"from": 0.5, "to": 0.6, "images": 3, "confidence": 0.55, "accuracy": {"value": 0.3, "low": 0.1, "high": 0.8}},
    {"from": 0.9, "to": 1.0, "images": 90, "confidence": 0.97, "accuracy": {"value": 0.9, "low": 0.85, "high": 0.95}},
]
NAMES = ["T-shirt/top", "<b>&\"'", "Größe $x_1$", "衣服", ' id="a" #010203']


def curves(palette: Palette) -> Figure:
    series = {"training": [0.9, 0.5, float("nan")], "validation": [0.8, 0.6, 0.55]}
    return figures.curves(palette, [1, 2, 3], series, "Loss", share=False)


def one_epoch(palette: Palette) -> Figure:
    return figures.curves(palette, [1], {"training": [0.9], "validation": [0.9]}, "Accuracy", share=True)


def confusion(palette: Palette) -> Figure:
    return figures.confusion(palette, np.arange(25).reshape(5, 5), NAMES)


def reliability(palette: Palette) -> Figure:
    return figures.reliability(palette, BINS, "Before", accent=True)


def dots(palette: Palette) -> Figure:
    column = [Estimate(0.5, 0.4, 0.6), None, Estimate(0.7), Estimate(0.2), Estimate(0.9), Estimate(1.0)]
    return figures.dots(palette, ["all", *NAMES], {"pixels": column, "layer 1": column, "whole": column}, 400)


def kernels(palette: Palette) -> Figure:
    return figures.kernels(palette, np.full((12, 20), 128, np.uint8), "layer 1")


DRAWINGS = [curves, one_epoch, confusion, reliability, dots, kernels]


@pytest.mark.parametrize("draw", DRAWINGS)
def test_files_are_a_valid_svg_and_a_png_and_the_same_each_time(draw: Drawing, tmp_path: Path) -> None:
    write_figure(draw, tmp_path / "first" / "figure")
    write_figure(draw, tmp_path / "second" / "figure")
    for ending in (".svg", ".png"):
        first, second = (tmp_path / place / f"figure{ending}" for place in ("first", "second"))
        assert first.read_bytes() == second.read_bytes()
    root = ElementTree.fromstring((tmp_path / "first" / "figure.svg").read_text(encoding="utf-8"))  # noqa: S314
    assert root.tag.endswith("svg")
    with Image.open(tmp_path / "first" / "figure.png") as picture:
        assert min(picture.size) > 100


@pytest.mark.parametrize("draw", [curves, reliability, dots])
def test_inline_figures_take_their_colours_from_the_page(draw: Drawing) -> None:
    svg = inline_svg(draw, "one", 'a "b" <c>')
    assert "currentColor" in svg
    assert "var(--accent)" in svg
    tags = re.sub(r">[^<]*<", "><", svg)
    assert not any(sentinel in tags for sentinel in vars(SENTINELS).values())
    assert not any(colour in tags for colour in vars(PAPER).values())
    ElementTree.fromstring(svg)  # noqa: S314
    assert 'aria-label="a &quot;b&quot; &lt;c&gt;"' in svg
    assert "<style" not in svg
    assert "xml" not in svg.lower()
    assert "<metadata" not in svg


def test_ids_of_two_inline_figures_never_meet() -> None:
    one, two = (set(re.findall(r' id="([^"]+)"', inline_svg(curves, name, ""))) for name in ("one", "two"))
    assert one
    assert not one & two


def test_every_reference_inside_a_figure_leads_somewhere() -> None:
    svg = inline_svg(reliability, "one", "")
    asked = set(re.findall(r'(?:href="#|url\(#)([^")]+)', svg))
    assert asked
    assert asked == set(re.findall(r' id="([^"]+)"', svg))


def test_letters_that_a_font_lacks_and_dollar_signs_are_plain_text() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        svg = inline_svg(dots, "one", "")
    for name in ("衣服", "Größe $x_1$", "&lt;b&gt;&amp;", ' id="a" #010203'):
        assert name in svg


def test_labels_at_the_ends_keep_apart_and_in_order() -> None:
    assert figures.spread([0.5, 0.5], 0.2, 0, 1) == pytest.approx([0.4, 0.6])
    assert figures.spread([0.9, 0.1], 0.2, 0, 1) == [0.9, 0.1]
    low, high = figures.spread([0.01, 0.0], 0.3, 0, 1)[::-1]
    assert low == pytest.approx(0)
    assert high == pytest.approx(0.3)


def test_errors_are_shares_of_their_row_and_the_diagonal_is_quiet() -> None:
    shares = figures.error_shares(np.array([[8, 2], [0, 0]]))
    assert shares.tolist() == [[0, 0.2], [0, 0]]


def test_many_labels_that_meet_stay_apart_and_inside() -> None:
    moved = figures.spread([0.02, 0.05, 0.16, 0.17, 0.9, 0.99], 0.1, 0.0, 1.0)
    assert moved[:4] == pytest.approx([0.0, 0.1, 0.2, 0.3])
    assert moved[4:] == pytest.approx([0.895, 0.995])
