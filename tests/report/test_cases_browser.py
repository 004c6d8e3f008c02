"""What a reader does with test cases: filter, enlarge, walk by keys, from thumbnails, cells and dots."""

import json
from pathlib import Path
from typing import Any

import pytest

from report.conftest import Open
from report.factories import CLASSES, FACADE_CLASSES
from seamline.report.run_data import read_run

pytestmark = pytest.mark.browser

FOCUSED = "document.activeElement.getAttribute('aria-label')"


def names_of(page: Any) -> list[str]:
    return [one.get_attribute("title") for one in page.locator(".browser .case").all()]


def ranked(run: Path) -> list[str]:
    return [one.name for one in read_run(run).results["test"].per_image]


def test_labeled_cases_are_filtered_by_class_and_error(finished: Path, open_page: Open) -> None:
    page = open_page(finished)
    written = json.loads((finished / "evaluation" / "test.json").read_text(encoding="utf-8"))["sheet"]["examples"]

    def expected(true: int | None, predicted: int | None, kind: str) -> list[str]:
        chosen = [
            one for one in written
            if true in (None, one["ground_truth"]) and predicted in (None, one["prediction"])
            and kind in ("all", "wrong" if one["ground_truth"] != one["prediction"] else "right")
        ]  # fmt: skip
        return [one["name"] for one in sorted(chosen, key=lambda one: -one["confidence"])]

    true, predicted, kind, order = page.locator(".browser select").all()
    assert names_of(page) == expected(None, None, "wrong")[:24]
    true.select_option("2")
    assert names_of(page) == expected(2, None, "wrong")[:24]
    predicted.select_option("0")
    assert names_of(page) == expected(2, 0, "wrong")[:24]
    assert page.locator(".browser [role=status]").inner_text().endswith(f"{CLASSES[2]} predicted as {CLASSES[0]}.")
    true.select_option("0")
    kind.select_option("right")
    order.select_option("least")
    confidences = {one["name"]: round(one["confidence"], 4) for one in written}
    assert set(names_of(page)) == set(expected(0, 0, "right"))
    shown = [confidences[name] for name in names_of(page)]
    assert shown == sorted(shown)
    true.select_option("")
    predicted.select_option("")
    page.locator(".browser .more").click()
    assert len(names_of(page)) == 48
    assert page.evaluate(FOCUSED) == page.locator(".browser .case").nth(24).get_attribute("aria-label")


def test_a_labeled_case_is_enlarged_by_keys_and_the_focus_returns(finished: Path, open_page: Open) -> None:
    page = open_page(finished)
    cases, dialog = page.locator(".browser .case"), page.locator("dialog")
    cases.first.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    name = names_of(page)[2]
    assert page.evaluate("document.activeElement.title") == name
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.keyboard.press("Enter")
    assert dialog.locator("h2").inner_text() == name
    assert dialog.locator(".position").inner_text().startswith("3 of ")
    page.keyboard.press("ArrowLeft")
    assert dialog.locator("h2").inner_text() == names_of(page)[1]
    page.keyboard.press("Home")
    page.keyboard.press("ArrowLeft")  # from the first to the last
    position, _, total = dialog.locator(".position").inner_text().partition(" of ")
    assert position == total
    page.keyboard.press("Escape")
    assert not dialog.is_visible()
    assert page.evaluate("document.activeElement.title") == name


def test_images_of_a_class_and_of_a_cell_are_enlarged(finished: Path, open_page: Open) -> None:
    page = open_page(finished)
    for place in ("#examples-missed .row:nth-of-type(3) .shots:last-child .case", "#confusion-test .cell .case"):
        first = page.locator(place).first
        first.click()
        assert page.locator("dialog h2").inner_text() == first.get_attribute("title")
        assert " predicted as " in page.locator("dialog .note").inner_text()
        page.locator("dialog button", has_text="Close").click()
        assert page.evaluate("document.activeElement.title") == first.get_attribute("title")


def test_masks_are_browsed_the_worst_first(segmented: Path, open_page: Open) -> None:
    page = open_page(segmented)
    assert names_of(page) == ranked(segmented)[::-1]
    selects = page.locator(".browser select")
    selects.nth(3).select_option("least")
    assert names_of(page) == ranked(segmented)
    selects.nth(0).select_option("1")
    selects.nth(1).select_option("0")
    selects.nth(3).select_option("most")
    results = read_run(segmented).results["test"]
    assert results.masks is not None
    counts = {
        results.per_image[case.rank - 1].name: pixels
        for case in results.masks.cases
        for true, predicted, pixels in case.cells
        if (true, predicted) == (1, 0)
    }
    assert [counts[name] for name in names_of(page)] == sorted(counts.values(), reverse=True)
    selects.nth(2).select_option("photo")
    assert page.locator(".browser .case img").count() == len(counts)
    assert page.locator(".browser .case img.mask").count() == 0


def test_a_cell_of_masks_opens_its_images(segmented: Path, open_page: Open) -> None:
    page = open_page(segmented)
    page.locator("#confusion-test-1-0").click()
    view = page.locator("#confusion-test .cell")
    assert view.locator(".cell-title").inner_text() == f"{FACADE_CLASSES[1]} predicted as {FACADE_CLASSES[0]}"
    assert view.locator(".case").count() > 0
    assert view.locator(".case img.mask").count() == view.locator(".case").count()
    page.keyboard.press("ArrowDown")
    assert page.evaluate("document.activeElement.id") == "confusion-test-2-0"
    page.keyboard.press("ArrowUp")
    view.locator(".case").first.focus()
    page.keyboard.press("Enter")
    assert page.locator("dialog figure").count() == 4
    errors = page.locator("dialog .case-errors li").all_inner_texts()
    assert any(text.startswith("facade predicted as other: ") for text in errors)
    page.keyboard.press("Escape")
    assert page.locator("#confusion-val td button").count() == 0
    in_cell = [one.get_attribute("title") for one in view.locator(".case").all()]
    selects = page.locator(".browser select")
    selects.nth(0).select_option("1")
    selects.nth(1).select_option("0")
    assert names_of(page) == in_cell


def test_a_dot_opens_its_image(segmented: Path, open_page: Open) -> None:
    page = open_page(segmented)
    dots = page.locator(".ranking .wide-only .dot")
    assert dots.count() == 12
    dots.nth(7).scroll_into_view_if_needed()
    page.evaluate("new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)))")
    dots.nth(7).hover()
    assert page.locator(".tip.on").inner_text().startswith("rank 8: ")
    dots.nth(4).click()
    assert page.locator("dialog h2").inner_text() == ranked(segmented)[4]
    page.keyboard.press("Escape")
    page.keyboard.press("ArrowRight")
    assert page.evaluate(FOCUSED).startswith("rank 6: ")
    assert page.locator(".tip.on").inner_text() == page.evaluate(FOCUSED)
    assert page.locator(".ranking .on").count() == 1
    page.keyboard.press("Enter")
    assert page.locator("dialog h2").inner_text() == ranked(segmented)[5]
    page.keyboard.press("Escape")
    page.locator(".enlarge").first.click()
    assert page.locator("dialog h2").inner_text() == ranked(segmented)[0]


def test_cases_follow_the_choice_of_colors(segmented: Path, open_page: Open) -> None:
    page = open_page(segmented)
    palettes = json.loads(page.locator("#palettes-data").inner_text())
    page.locator("#examples .palette").click()
    page.locator(".browser .case").first.click()
    for mask in page.locator(".browser .case img.mask, dialog img.mask").all():
        assert palettes["safe"] in mask.get_attribute("src")


@pytest.mark.parametrize(("kind", "scheme"), [("finished", "dark"), ("segmented", "light")])
def test_cases_are_accessible(request: pytest.FixtureRequest, open_page: Open, kind: str, scheme: str) -> None:
    page = open_page(request.getfixturevalue(kind), 390, scheme, bypass_csp=True)
    parts = ["#confusion", "#examples", "#training_data"]
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed")
    results = axe.Axe().run(page, {"include": [[part] for part in parts]})
    assert results.violations_count == 0, results.generate_report()
    page.locator(".browser .case").first.click()
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    results = axe.Axe().run(page, {"include": [["dialog"]]})
    assert results.violations_count == 0, results.generate_report()
    small = page.evaluate(
        "[...document.querySelectorAll('.browser :is(button, select), .enlarge, dialog button')].filter((one) => "
        "{ const box = one.getBoundingClientRect(); return box.width && Math.min(box.width, box.height) < 24 }).length"
    )
    assert small == 0
