from pathlib import Path

import numpy as np
import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from matplotlib import font_manager

from seamline.inference.fonts import PLAIN, fonts_for
from seamline.inference.overlay import draw_legend


def build_font(file: Path, name: str, letters: str) -> None:
    """Write a font in which each letter is a triangle."""
    pen = TTGlyphPen(None)
    pen.moveTo((0, 0))
    pen.lineTo((500, 700))
    pen.lineTo((900, 0))
    pen.closePath()
    glyph, names = pen.glyph(), [f"u{ord(letter):04X}" for letter in letters]
    builder = FontBuilder(1000, isTTF=True)
    builder.setupGlyphOrder([".notdef", *names])
    builder.setupCharacterMap(dict(zip(map(ord, letters), names, strict=True)))
    builder.setupGlyf(dict.fromkeys([".notdef", *names], glyph))
    builder.setupHorizontalMetrics(dict.fromkeys([".notdef", *names], (1000, 0)))
    builder.setupHorizontalHeader(ascent=800, descent=-200)
    builder.setupNameTable({"familyName": name, "styleName": "Regular"})
    builder.setupOS2()
    builder.setupPost()
    builder.save(file)


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Install three fonts: one that has two letters and others that have one of them, beside those of matplotlib."""
    plain = [entry for entry in font_manager.fontManager.ttflist if entry.name == PLAIN]
    monkeypatch.setattr(font_manager.fontManager, "ttflist", plain)
    for name, letters in (("Alpha", "猫"), ("Beta", "猫犬"), ("Gamma", "鳥"), ("Last Resort", "猫犬鳥馬")):
        build_font(tmp_path / f"{name}.ttf", name, letters)
        font_manager.fontManager.addfont(tmp_path / f"{name}.ttf")


@pytest.mark.usefixtures("install")
def test_as_few_installed_fonts_as_cover_the_letters() -> None:
    assert fonts_for("cat, кот, قطة, été").names == (PLAIN,)
    assert fonts_for("cat 猫").names == (PLAIN, "Alpha")
    assert fonts_for("猫 and 犬 and 鳥").names == (PLAIN, "Beta", "Gamma")
    assert not fonts_for("猫犬鳥").missing
    assert fonts_for("馬 or 猫犬").missing == "馬"
    assert fonts_for("\n\t ").names == (PLAIN,)


@pytest.mark.usefixtures("install")
def test_a_legend_has_triangles_escapes_or_accents_and_no_boxes() -> None:
    colors = ((0, 0, 255),)
    assert np.array_equal(draw_legend(["馬"], colors), draw_legend([r"\u99ac"], colors))
    drawn, plain = draw_legend(["猫犬"], colors), draw_legend(["ab"], colors)
    assert drawn.shape != plain.shape
    assert (drawn.min(-1) < 100).any()
    assert not np.array_equal(draw_legend(["été"], colors), draw_legend(["ete"], colors))
