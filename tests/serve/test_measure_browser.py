"""The view `Measure` of the page: windows ticked on and off, corners that are moved, and what is saved.

The numbers of the house are those at the head of `measures_factories`.
"""

import csv
import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from accessibility import violations
from run_factories import save_photo
from seamline.serve.app import make_app
from serve.conftest import Visit
from serve.measuring import HandMadeMeasures, in_thread, measuring_model

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def server(browser: Any, segmenter: Path) -> Iterator[tuple[str, HandMadeMeasures]]:
    with pytest.MonkeyPatch.context() as patch:
        measures = HandMadeMeasures().install(patch)
        with in_thread(make_app(measuring_model(segmenter))) as address:
            yield address, measures


@pytest.fixture
def measures(server: tuple[str, HandMadeMeasures]) -> HandMadeMeasures:
    server[1].reason = ""
    server[1].options.clear()
    return server[1]


@pytest.fixture
def measured(server: tuple[str, HandMadeMeasures], measures: HandMadeMeasures, visit: Visit, tmp_path: Path) -> Any:
    """Measure a photo of the house, in a window of a width; returns the page."""

    def measure(width: int = 1200, **settings: Any) -> Any:
        page = visit(server[0], width, **settings)
        page.get_by_role("tab", name="Measure").click()
        page.set_input_files("#files", str(save_photo(tmp_path / "house.png", 1_200, 1_600)))
        page.locator(".measure .front, .measure .error").first.wait_for()
        return page

    return measure


def rows_of(page: Any) -> dict[str, list[str]]:
    """The table of the first front: the name of a row -> its cells, the interval after the ratio."""
    rows = [row.inner_text().split("\t") for row in page.locator(".front").first.locator("tbody tr").all()]
    return {name: [re.sub(r"\s*\n\s*", "|", cell.strip()) for cell in cells] for name, *cells in rows}


def photo_window(page: Any, index: int) -> Any:
    """An opening of the house in the photo."""
    return page.locator(".plan .opening").nth(index)


MEASURED = {
    "Storey 2": ["3", "14.8 %|10.0–20.0 %", "4.0 m"],
    "Storey 1": ["4", "20.0 %|15.0–26.0 %", "4.0 m"],
    "Ground floor": ["1", "5.0 %|2.0–9.0 %", "4.0 m"],
    "Whole front": ["8|exact: 62 %, ±1: 85 %", "13.3 %|10.0–17.0 %", "12.0 m"],
}


def test_both_views_show_the_photo(server: tuple[str, Any], visit: Visit, tmp_path: Path) -> None:
    page = visit(server[0])
    page.set_input_files("#files", str(save_photo(tmp_path / "house.png")))
    page.locator(".legend").wait_for()
    assert not page.locator(".front").count()  # not measured before the view is opened
    page.get_by_role("tab", name="Classes").focus()
    page.keyboard.press("ArrowRight")
    page.locator(".front").first.wait_for()
    assert page.locator(".legend").is_hidden()
    assert page.get_by_role("tab", name="Measure").get_attribute("aria-selected") == "true"
    page.keyboard.press("ArrowLeft")
    page.locator(".legend").wait_for()
    assert page.locator(".front").first.is_hidden()


def test_totals_follow_the_windows(measured: Any) -> None:
    page = measured()
    assert rows_of(page) == MEASURED
    photo_window(page, 4).click()  # on storey 1: 3 windows, 6,000 / 40,000; in all 13,900 / 120,000
    edited = MEASURED | {"Storey 1": ["3", "15.0 %", "4.0 m"], "Whole front": ["7", "11.6 %", "12.0 m"]}
    assert rows_of(page) == edited
    assert page.locator(".edited").inner_text().startswith("Edited: the changed totals have no interval.")
    page.locator(".front .opening").nth(10).click()  # the hidden one, in the rectified picture: 7,900 / 40,000
    edited |= {"Storey 2": ["4", "19.8 %", "4.0 m"], "Whole front": ["8", "13.3 %", "12.0 m"]}
    assert rows_of(page) == edited
    photo_window(page, 1).click(force=True)  # a door is no window
    assert rows_of(page) == edited
    page.get_by_role("button", name="Undo the edits").click()
    assert rows_of(page) == MEASURED
    assert not page.locator(".edited").count()


def test_windows_by_the_keyboard(measured: Any) -> None:
    page = measured()
    page.mouse.move(0, 0)  # away from the list, whose rows would scroll below it and take the highlight
    summary = page.locator(".front summary").first
    assert summary.inner_text() == "Choose the windows that count (8 of 9)"
    summary.focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")  # the arched one, 1,900 pixels: 4,000 / 40,000 and 14,000 / 120,000
    assert rows_of(page)["Storey 2"] == ["2", "10.0 %", "4.0 m"]
    assert rows_of(page)["Whole front"] == ["7", "11.7 %", "12.0 m"]
    assert page.locator(".plan .opening.off.hot").count() == 1
    assert page.evaluate("() => document.activeElement.type") == "checkbox"
    assert summary.inner_text() == "Choose the windows that count (7 of 9)"
    assert page.locator("#status").inner_text() == "Front 1: 7 windows, window-to-wall ratio 11.7 %"


def test_edited_measures_are_saved(measured: Any) -> None:
    page = measured()
    photo_window(page, 4).click()
    texts = {}
    for kind in ("JSON", "CSV"):
        with page.expect_download() as coming:
            page.get_by_role("button", name=f"Save {kind}").click()
        assert coming.value.suggested_filename == f"house.measures.{kind.lower()}"
        texts[kind] = Path(coming.value.path()).read_bytes().decode()
    front, garage = json.loads(texts["JSON"])["fronts"]
    assert front["wwr"] == {"value": pytest.approx(13_900 / 120_000), "low": None, "high": None}
    assert front["window_area_m2"] == pytest.approx(13_900 * 0.04**2)
    assert (front["windows"], front["windows_probability"], front["edited"]) == (7, None, True)
    assert (front["openings"][4]["counted"], garage["edited"]) == (False, False)
    rows = list(csv.DictReader(io.StringIO(texts["CSV"])))
    assert [(row["front"], row["storey"], row["windows"], row["edited"]) for row in rows] == [
        ("1", "", "7", "true"),
        ("1", "0", "1", "true"),
        ("1", "1", "3", "true"),
        ("1", "2", "3", "true"),
        ("2", "", "6", "false"),
        ("2", "0", "3", "false"),
        ("2", "1", "3", "false"),
    ]
    assert [row["wwr_low"] for row in rows] == ["", "0.02", "", "0.1", "0.12", "0.11", "0.11"]
    assert {row["photo"] for row in rows} == {"house.png"}


def test_names_of_photos_are_no_formulas(server: tuple[str, Any], visit: Visit) -> None:
    page = visit(server[0])
    front = {"number": 1, "storeys": [], "wwr": {}, "edited": False}
    program = """async (front) => (await import("/totals.js")).toCsv('=1,"a"', [front])"""
    table = page.evaluate(program, front)
    assert next(csv.DictReader(io.StringIO(table)))["photo"] == '\'=1,"a"'


def test_corners_are_moved_and_sent(measured: Any, measures: HandMadeMeasures) -> None:
    page = measured()
    assert not page.locator(".handle:visible").count()
    page.get_by_role("button", name="Set the corners").click()
    corner = page.get_by_role("button", name="Upper left corner, x 200, y 200")
    corner.focus()
    for key in ("ArrowRight", "ArrowDown", "ArrowDown", "Shift+ArrowLeft"):
        page.keyboard.press(key)
    assert page.get_by_role("button", name="Upper left corner, x 191, y 202").is_visible()
    lower = page.get_by_role("button", name=re.compile("Lower right corner"))
    lower.scroll_into_view_if_needed()
    box, stage = lower.bounding_box(), page.locator(".plan .stage").bounding_box()
    middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(*middle)
    page.mouse.down()
    page.mouse.move(stage["x"] + stage["width"] / 4, stage["y"] + stage["height"] * 3 / 4, steps=3)
    page.mouse.up()
    page.get_by_label("Known height").select_option("of a storey")
    page.get_by_label("Height in meters").fill("3.2")
    page.get_by_label("Front faces").fill("90")
    with page.expect_response("**/api/measure?*"):
        page.get_by_role("button", name="Measure again").click()
    options = measures.options[-1]
    np.testing.assert_allclose(np.array(options.corners), ((191, 202), (800, 260), (400, 900), (200, 800)), atol=2)
    assert (options.storey_height_m, options.height_m, options.azimuth) == (3.2, None, 90)
    page.get_by_role("button", name="Set the corners").click()
    assert not page.locator(".handle:visible").count()
    with page.expect_response("**/api/measure?*"):
        page.get_by_role("button", name="Measure again").click()
    assert measures.options[-1].corners is None


def test_a_photo_without_a_building(measured: Any, measures: HandMadeMeasures) -> None:
    """It has no numbers, but its corners can be set."""
    measures.reason = "the photo: shows no building; choose another"
    page = measured(scheme="dark")
    assert page.locator(".measure .error").inner_text() == "This file shows no building; choose another."
    assert not page.locator(".front").count()
    assert page.get_by_role("button", name="Save CSV").is_hidden()
    page.get_by_role("button", name="Set the corners").click()
    assert page.locator(".handle:visible").count() == 4
    measures.reason = ""
    page.get_by_role("button", name="Measure again").click()
    page.locator(".front").first.wait_for()
    assert page.locator(".measure .error").count() == 0


def test_a_phone(measured: Any) -> None:
    page = measured(390, has_touch=True, is_mobile=True)
    page.locator(".front summary").first.tap()
    page.get_by_role("button", name="Set the corners").tap()
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 390
    canvas, drawing = (page.locator(f".plan {part}").bounding_box() for part in ("canvas", "svg"))
    assert canvas == drawing
    for target in page.locator(".measure button:visible:not(.link), .measure label:visible").all():
        assert target.bounding_box()["height"] >= 24, target.inner_text()


@pytest.mark.parametrize(("width", "scheme"), [(1200, "light"), (390, "dark")])
def test_everybody_can_measure(measured: Any, width: int, scheme: str) -> None:
    page = measured(width, scheme=scheme)
    page.locator(".front summary").first.click()
    page.get_by_role("button", name="Set the corners").click()
    photo_window(page, 4).dispatch_event("click")
    assert violations(page) == []
    assert page.evaluate("() => document.documentElement.scrollWidth") <= width
