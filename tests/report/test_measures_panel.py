import dataclasses
from pathlib import Path

import pytest

from measures_factories import house_photo, measures_record
from report.test_measures_page import text_of, write_folder
from report.test_page import panel_of
from seamline.report.measures_page import write_measures_page
from seamline.report.panels import measures
from seamline.report.run_data import RunData, read_run
from seamline.run_folder import RunFolder


@pytest.fixture
def run(segmented: Path, tmp_path: Path) -> RunData:
    """A segmenter's run with measures of a house of two fronts, and of a yard."""
    folder = RunFolder(tmp_path / "run")
    folder.path.mkdir()
    write_folder(folder.measures_dir)
    write_measures_page(folder.measures_dir)
    return dataclasses.replace(read_run(segmented), folder=folder, measures=folder.measures.read())


def test_the_panel_shows_each_front_with_its_measures_and_limits(run: RunData) -> None:
    html = panel_of(run, "measures")
    assert html.count('src="data:image/jpeg') == 3
    text = text_of(f"<main{html}")
    assert "Front 1 of house.jpg" in text
    assert "<dt>Windows</dt><dd>8 <small>" in html
    assert "By a rule and not by the model: 1 door." in text
    assert "shows no building" in text
    assert 'href="measures/report.html"' in html


def test_the_panel_names_the_page_of_all_fronts_where_it_has_more(run: RunData) -> None:
    photos = tuple(house_photo(stem=f"house-{index}") for index in range(3))
    html = panel_of(dataclasses.replace(run, measures=measures_record(*photos)), "measures")
    assert html.count("<figure") == 0  # these pictures are missing
    assert html.count("Its picture is missing.") == measures.MAX_FRONTS
    assert "Measures of all 6 fronts" in html


def test_a_run_without_measures_has_no_panel(run: RunData) -> None:
    assert measures.build(dataclasses.replace(run, measures=None)) is None
