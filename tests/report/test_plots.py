import math
import re
import warnings
from functools import partial
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from matplotlib import font_manager
from matplotlib.figure import Figure
from PIL import Image

from seamline.report import plots
from seamline.report.plot_layout import spread
from seamline.report.svg import PAPER, SENTINELS, Drawing, Theme, inline_svg, write_figure
from seamline.run_folder import ABSENT, CalibrationBin, Curve, Estimate, ImageMetrics

BINS = [
    CalibrationBin(lower=0.5, upper=0.6, count=3, confidence=0.55, accuracy=Estimate(0.3, 0.1, 0.8)),
    CalibrationBin(lower=0.9, upper=1.0, count=90, confidence=0.97, accuracy=Estimate(0.9, 0.85, 0.95)),
]
NAMES = ["T-shirt/top", "<b>&\"'", "Größe $x_1$", "衣服", ' id="a" #010203']


def curves(theme: Theme) -> Figure:
    series = {"training": [0.9, 0.5, float("nan")], "validation": [0.8, 0.6, 0.55]}
    return plots.curves(theme, epochs=[1, 2, 3], series=series, title="Loss", percents=False)


def one_epoch(theme: Theme) -> Figure:
    return plots.curves(
        theme, epochs=[1], series={"training": [0.9], "validation": [0.9]}, title="Accuracy", percents=True
    )


def confusion(theme: Theme) -> Figure:
    return plots.confusion(theme, matrix=np.arange(25).reshape(5, 5), classes=NAMES)


def reliability(theme: Theme) -> Figure:
    return plots.reliability(theme, bins=BINS, title="Raw", accent=True, labels="images")


def dots(theme: Theme) -> Figure:
    column = [Estimate(0.5, 0.4, 0.6), ABSENT, Estimate(0.7), Estimate(0.2), Estimate(0.9), Estimate(1.0)]
    return plots.dots(
        theme, rows=["all", *NAMES], series={"pixels": column, "layer 1": column, "whole": column}, width=400
    )


def kernels(theme: Theme) -> Figure:
    return plots.kernels(theme, picture=np.full((12, 20), 128, np.uint8), title="layer 1")


def precision_recall(theme: Theme) -> Figure:
    curve = Curve(recall=(0.0, 0.5, 1.0), precision=(1.0, 0.8, 0.2))
    both = dict.fromkeys(NAMES[:2], curve)
    return plots.precision_recall(
        theme, curves=both, notes={NAMES[0]: "AP 0.7"}, classes=NAMES, colors=["#ff0000"] * 5, width=400
    )


def ranking(theme: Theme) -> Figure:
    images = [ImageMetrics(name=f"image {i}", group=i, accuracy=0.9, mean_iou=0.9 - 0.1 * i) for i in range(4)]
    return plots.ranking(theme, images=images, marked=[1, 4], width=400)


DRAWINGS = [curves, one_epoch, confusion, reliability, dots, kernels, precision_recall, ranking]


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
def test_inline_figures_take_their_colors_from_the_page(draw: Drawing) -> None:
    svg = inline_svg(draw, "one", 'a "b" <c>')
    assert "currentColor" in svg
    assert "var(--accent)" in svg
    tags = re.sub(r">[^<]*<", "><", svg)
    assert not any(sentinel in tags for sentinel in vars(SENTINELS).values())
    assert not any(color in tags for color in vars(PAPER).values())
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
    used = set(re.findall(r'(?:href="#|url\(#)([^")]+)', svg))
    assert used
    assert used == set(re.findall(r' id="([^"]+)"', svg))


def test_letters_that_a_font_lacks_and_dollar_signs_are_plain_text() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        svg = inline_svg(dots, "one", "")
    for name in ("衣服", "Größe $x_1$", "&lt;b&gt;&amp;", ' id="a" #010203'):
        assert name in svg


def test_labels_at_the_ends_keep_apart_and_in_order() -> None:
    assert spread([0.5, 0.5], 0.2, 0, 1) == pytest.approx([0.4, 0.6])
    assert spread([0.9, 0.1], 0.2, 0, 1) == [0.9, 0.1]
    low, high = spread([0.01, 0.0], 0.3, 0, 1)[::-1]
    assert low == pytest.approx(0)
    assert high == pytest.approx(0.3)


def test_errors_are_fractions_of_their_row_and_the_diagonal_is_quiet() -> None:
    fractions = plots.error_fractions(np.array([[8, 2], [0, 0]]))
    assert fractions.tolist() == [[0, 0.2], [0, 0]]


def test_many_labels_that_meet_stay_apart_and_inside() -> None:
    moved = spread([0.02, 0.05, 0.16, 0.17, 0.9, 0.99], 0.1, 0.0, 1.0)
    assert moved[:4] == pytest.approx([0.0, 0.1, 0.2, 0.3])
    assert moved[4:] == pytest.approx([0.895, 0.995])


def test_a_text_shows_under_the_pointer_in_the_page_alone(tmp_path: Path) -> None:
    svg = inline_svg(curves, "one", "")
    titles = re.findall(r"<title>([^<]+)</title>", svg)
    assert titles[0] == "epoch 1: training 0.900, validation 0.800"
    assert titles[2] == "epoch 3: validation 0.550"
    bins = re.findall("<title>([^<]+)</title>", inline_svg(reliability, "one", ""))
    assert bins[0] == "3 images: mean confidence 55.0 %, accuracy 30.0 % (10.0–80.0 %)"
    assert bins[2] == "confidence 50 to 60 %: 3 images"
    assert len(bins) == 4
    write_figure(curves, tmp_path / "figure")
    assert "epoch 1:" not in (tmp_path / "figure.svg").read_text(encoding="utf-8")


def test_the_axis_of_epochs_has_fractions() -> None:
    """A line passes over positions without a value, and a series with few values has dots."""
    figure = plots.curves(
        PAPER,
        epochs=[0.5, 1, 1.25],
        series={"training": [3.0, 2.0, 1.0], "validation": [math.nan, 2.5, 1.5]},
        title="Loss",
        percents=False,
        start=0,
    )
    (axes,) = figure.axes
    training, validation = axes.get_lines()
    assert axes.get_xlim() == (0, 1.25)
    assert (list(training.get_xdata()), list(validation.get_xdata())) == ([0.5, 1, 1.25], [1, 1.25])  # type: ignore[arg-type]
    assert validation.get_marker() == "o"
    figure.canvas.draw()
    assert "0.5" in [label.get_text() for label in axes.get_xticklabels()]


def test_letters_that_no_font_has_are_named_and_no_warning_is_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, recwarn: pytest.WarningsRecorder
) -> None:
    plain = [entry for entry in font_manager.fontManager.ttflist if entry.name == "DejaVu Sans"]
    monkeypatch.setattr(font_manager.fontManager, "ttflist", plain)
    for name, missing in (("𒀀 & co", "𒀀"), ("кот", "")):
        rows, series = ("mean", name), {"by logits": [Estimate(0.5), Estimate(0.4)]}
        draw = partial(plots.dots, width=720, rows=rows, series=series, percents=False)
        assert write_figure(draw, tmp_path / "figure") == missing
    assert {file.name for file in tmp_path.iterdir()} == {"figure.svg", "figure.png"}
    assert not [warning for warning in recwarn if "Glyph" in str(warning.message)]
