"""What a reader of the page meets: pictures, keys, narrow and wide, light and dark."""

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from report.conftest import Open
from report.factories import CLASSES, numbered_images, write_classification_run
from seamline.report.page import write_report

pytestmark = pytest.mark.browser

SIDE = 12


def examples(run: Path, split: str, true: int, predicted: int) -> list[dict[str, Any]]:
    written = json.loads((run / "evaluation" / f"{split}.json").read_text(encoding="utf-8"))["sheet"]["examples"]
    return [one for one in written if (one["ground_truth"], one["prediction"]) == (true, predicted)]


def confusion(run: Path, split: str) -> NDArray[np.int64]:
    return np.array(json.loads((run / "evaluation" / f"{split}.json").read_text(encoding="utf-8"))["confusion"])


def deepest(run: Path, split: str) -> tuple[int, int]:
    matrix = confusion(run, split)
    np.fill_diagonal(matrix, -1)
    true, predicted = np.unravel_index(matrix.argmax(), matrix.shape)
    return int(true), int(predicted)


def pixels_of(tile: Any) -> NDArray[np.uint8]:
    """Return what the screen shows of a tile, a number an enlarged pixel, read at its middle."""
    picture = np.asarray(Image.open(io.BytesIO(tile.screenshot())).convert("L"))
    middles = ((np.arange(SIDE) + 0.5) * picture.shape[0] / SIDE).astype(int)
    shades: NDArray[np.uint8] = picture[np.ix_(middles, middles)]
    return shades


def numbered_image(name: str) -> NDArray[np.uint8]:
    """Return the numbered image of this name, (SIDE, SIDE)."""
    place = int(name.split("/")[1])
    return numbered_images(np.arange(place + 1) % len(CLASSES), SIDE, 1)[place, ..., 0]


def assert_shows(view: Any, run: Path, split: str, true: int, predicted: int) -> None:
    """Check title, counts, names, confidences and the pixels themselves of one cell's images."""
    expected = examples(run, split, true, predicted)
    images = int(confusion(run, split)[true, predicted])
    title = view.locator(".cell-title").inner_text()
    wanted = f"{CLASSES[true]} predicted as {CLASSES[predicted]}"
    assert title == (f"{CLASSES[true]}, predicted correctly" if true == predicted else wanted)
    note = view.locator(".note").inner_text()
    assert note.startswith(f"{images} of {confusion(run, split)[true].sum()} images of this class")
    if images > len(expected):
        assert f"{len(expected)} of {images} shown" in note
    tiles = view.locator(".tile")
    assert [tile.get_attribute("title") for tile in tiles.all()] == [one["name"] for one in expected]
    for tile, one in list(zip(tiles.all(), expected, strict=True))[:4]:
        np.testing.assert_allclose(pixels_of(tile).astype(int), numbered_image(one["name"]), atol=2)
    captions = view.locator("figcaption").all_inner_texts()
    for caption, one in zip(captions, expected, strict=True):
        assert caption.startswith(f"{100 * one['confidence']:.0f}" if one["confidence"] < 0.995 else ">99")


def test_a_cell_shows_its_images(finished: Path, open_page: Open) -> None:
    page = open_page(finished)
    view = page.locator("#confusion-test .cell")
    true, predicted = deepest(finished, "test")
    assert_shows(view, finished, "test", true, predicted)
    for true, predicted in ((0, 0), (2, 1), (5, 0)):
        page.locator(f"#confusion-test-{true}-{predicted}").click()
        assert_shows(view, finished, "test", true, predicted)
        assert page.url.endswith(f"#confusion-test-{true}-{predicted}")


def test_an_address_leads_to_a_cell(finished: Path, open_page: Open) -> None:
    page = open_page(finished, hash_="#confusion-val-2-0")
    assert page.locator("#confusion-val").is_visible()
    assert not page.locator("#confusion-test").is_visible()
    assert_shows(page.locator("#confusion-val .cell"), finished, "val", 2, 0)
    assert page.locator("#confusion-val-2-0").get_attribute("aria-pressed") == "true"


def test_keys_alone_reach_everything(finished: Path, open_page: Open) -> None:
    page = open_page(finished)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.id") == "confusion-test-tab":
            break
    page.keyboard.press("ArrowRight")
    assert page.locator("#confusion-val").is_visible()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Tab")
    true, predicted = deepest(finished, "test")
    assert page.evaluate("document.activeElement.id") == f"confusion-test-{true}-{predicted}"
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    assert page.evaluate("document.activeElement.id") == f"confusion-test-{true + 1}-{predicted + 1}"
    assert_shows(page.locator("#confusion-test .cell"), finished, "test", true + 1, predicted + 1)
    page.locator("#classes-test thead button").first.focus()
    page.keyboard.press("Enter")
    assert page.locator("#classes-test thead th").first.get_attribute("aria-sort") == "ascending"


def test_the_table_of_classes_sorts(finished: Path, open_page: Open) -> None:
    page = open_page(finished)
    metrics = json.loads((finished / "metrics.json").read_text(encoding="utf-8"))
    head = page.locator("#classes-test thead th")
    for clicks, order, sign in ((1, "descending", -1), (2, "ascending", 1)):
        head.nth(1).locator("button").click()
        assert head.nth(1).get_attribute("aria-sort") == order, clicks
        shown = page.locator("#classes-test tbody th").all_inner_texts()
        per_class = metrics["test"]["per_class"]
        recalls = [sign * per_class[name]["recall"]["value"] for name in shown]
        assert recalls == sorted(recalls)
    head.first.locator("button").click()
    assert page.locator("#classes-test tbody th").all_inner_texts() == sorted(CLASSES)
    assert head.nth(1).get_attribute("aria-sort") == "none"


def test_views_switch(finished: Path, open_page: Open) -> None:
    page = open_page(finished)
    page.locator("#classes-val-tab").click()
    assert page.locator("#classes-val").is_visible()
    assert not page.locator("#classes-test").is_visible()
    page.locator("#examples-false_positives-tab").click()
    row = page.locator("#examples-false_positives .row").first
    wrong = row.locator(".shots").nth(1).locator(".shot")
    assert wrong.count() > 0
    name = wrong.first.locator(".tile").get_attribute("title")
    np.testing.assert_allclose(pixels_of(wrong.first.locator(".tile")).astype(int), numbered_image(name), atol=2)
    true = int(name.split("/")[1]) % len(CLASSES)
    assert wrong.first.locator("figcaption").inner_text().startswith(f"true: {CLASSES[true]}")
    leads = page.locator("#examples .lead")
    assert not leads.nth(0).is_visible()
    assert "wrongly predicted as the class, with the true class of each" in leads.nth(1).inner_text()


def test_one_kernel_can_be_selected(finished: Path, open_page: Open) -> None:
    page = open_page(finished)
    written = json.loads((finished / "analysis" / "kernels.json").read_text(encoding="utf-8"))["layers"][1]
    page.locator("input[name=filter]").fill("3")
    page.locator("input[name=channel]").fill("5")
    page.keyboard.press("Enter")
    place = 2 * 20 + 4
    assert page.locator(".type").inner_text().startswith(written["types"][place])
    weights = np.array(written["weights"]).reshape(-1, 5, 5)[place]
    picture = np.asarray(Image.open(io.BytesIO(page.locator(".kernel.large").screenshot())).convert("L"))
    shown = picture[15::30, 15::30].astype(float)
    np.testing.assert_allclose(shown, 128 + 127 * weights / np.abs(weights).max(), atol=3)
    box = page.locator(".frame").bounding_box()
    page.mouse.click(box["x"] + 6.5 * box["width"] / 20, box["y"] + 9.5 * box["height"] / 20)
    assert page.locator("input[name=filter]").input_value() == "10"
    assert page.locator("input[name=channel]").input_value() == "7"
    chip = page.locator(".types button").first
    chip.click()
    assert chip.get_attribute("aria-pressed") == "true"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_nothing_is_wider_than_the_page(finished: Path, open_page: Open, width: int, scheme: str) -> None:
    page = open_page(finished, width, scheme)
    assert page.evaluate("document.documentElement.scrollWidth") == width
    ground = page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    assert (max(int(part) for part in ground[4:-1].split(",")) < 80) == (scheme == "dark")
    page.evaluate("for (const fold of document.querySelectorAll('details')) fold.open = true")
    assert page.evaluate("document.documentElement.scrollWidth") == width


WHOLE_COLUMNS = """(region) => {
  const table = region.querySelector("table"), style = getComputedStyle(region);
  const place = (name) => parseFloat(style.getPropertyValue(name)) + table.getBoundingClientRect().left;
  const [first, ...cells] = [...table.tBodies[0].rows[0].cells].map((cell) => cell.getBoundingClientRect());
  const box = region.getBoundingClientRect();
  const clear = cells.filter((cell) => cell.left > place("--from") - 1.5 && cell.right < place("--to") + 1.5);
  return {
    sticky: Math.abs(first.left - box.left) < 1.5,
    cut: clear.filter((cell) => cell.left < first.right - 1.5 || cell.right > box.right + 1.5).length,
    whole: clear.length, of: cells.length,
  };
}"""
"""What a wide table shows without fading: how many columns, and how many of these are cut."""


def test_a_wide_table_shows_whole_columns_on_a_phone(segmented: Path, open_page: Open) -> None:
    page = open_page(segmented, 390)
    region = page.locator("#classes-test .scroll")
    hint = page.locator("#classes-test .hint")
    before = region.evaluate(WHOLE_COLUMNS)
    assert before["sticky"]
    assert before["cut"] == 0
    assert 0 < before["whole"] < before["of"]
    assert hint.inner_text().startswith(f"{before['of'] - before['whole']} more column")
    assert "linear-gradient" in region.locator("table").evaluate("(one) => getComputedStyle(one).maskImage")
    region.evaluate("(one) => { one.scrollLeft = 9999; }")
    page.wait_for_function("document.querySelector('#classes-test .hint').textContent === ''")
    end = region.evaluate(WHOLE_COLUMNS)
    assert end["sticky"]
    assert end["cut"] == 0
    page.set_viewport_size({"width": 1280, "height": 900})
    page.wait_for_function("!document.querySelector('#classes-test .scroll.more')")


def test_values_of_plots_are_read_by_pointer_touch_and_keys(finished: Path, open_page: Open) -> None:
    page = open_page(finished)
    history = [json.loads(line) for line in (finished / "history.jsonl").read_text(encoding="utf-8").splitlines()]
    plot, tip = page.locator("#training .plot").first, page.locator(".tip")
    assert not tip.is_visible()
    texts = [
        f"epoch {one['epoch']}: training {one['train_loss']:.3f}, validation {one['val_loss']:.3f}" for one in history
    ]
    plot.focus()
    for key, index in (("ArrowRight", 0), ("ArrowRight", 1), ("End", -1), ("ArrowLeft", -2), ("Home", 0)):
        page.keyboard.press(key)
        assert tip.inner_text() == texts[index], key
    page.keyboard.press("Escape")
    assert not tip.is_visible()
    column = plot.locator("[data-tip]").nth(2).bounding_box()
    page.mouse.move(column["x"] + column["width"] / 2, column["y"] + 20)
    assert tip.inner_text() == texts[2]
    page.mouse.move(5, 5)
    assert not tip.is_visible()

    phone = open_page(finished, 390, has_touch=True)
    phone.locator("#calibration .plot").first.scroll_into_view_if_needed()
    dot = phone.locator("#calibration .plot [data-tip]").first.bounding_box()
    phone.touchscreen.tap(dot["x"] + dot["width"] / 2 + 9, dot["y"] - 9)  # beside it
    assert "mean confidence" in phone.locator(".tip").inner_text()
    box = phone.locator(".tip").bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 390


def test_the_contents_are_a_menu_on_a_phone(finished: Path, open_page: Open) -> None:
    page = open_page(finished, 390)
    menu, links = page.locator(".menu"), page.locator(".contents a")
    assert not links.first.is_visible()
    menu.focus()
    page.keyboard.press("Enter")
    assert menu.get_attribute("aria-expanded") == "true"
    page.keyboard.press("Escape")
    assert not links.first.is_visible()
    menu.click()
    links.last.click()
    assert not links.first.is_visible()
    assert page.url.endswith("#reproducibility")
    assert menu.is_visible()  # on top, wherever the page is
    top = page.locator("#reproducibility-title").bounding_box()["y"]
    bar = page.locator(".contents").bounding_box()
    assert bar["y"] + bar["height"] <= top
    wide = open_page(finished)
    assert wide.locator(".contents a").first.is_visible()
    assert not wide.locator(".menu").is_visible()


SMALL = """() => [...document.querySelectorAll("a, button, input, summary")]
  .filter((one) => !one.matches(".skip"))
  .map((one) => [one, one.getBoundingClientRect()])
  .filter(([, box]) => box.width && (box.width < 24 || box.height < 24))
  .map(([one, box]) => `${one.outerHTML.slice(0, 80)}: ${box.width} x ${box.height}`)"""


@pytest.mark.parametrize("width", [390, 1280])
def test_targets_have_24_pixels(finished: Path, open_page: Open, width: int) -> None:
    page = open_page(finished, width)
    page.evaluate("for (const fold of document.querySelectorAll('details')) fold.open = true")
    assert page.evaluate(SMALL) == []


def test_light_and_dark_switch_and_stay(finished: Path, open_page: Open) -> None:
    page = open_page(finished, scheme="light")
    page.locator(".theme").focus()
    page.keyboard.press("Space")
    assert page.evaluate("getComputedStyle(document.documentElement).colorScheme") == "dark"
    page.reload()
    assert page.evaluate("getComputedStyle(document.documentElement).colorScheme") == "dark"
    page.locator(".theme").click()
    assert page.evaluate("getComputedStyle(document.documentElement).colorScheme") == "light"


def test_the_command_is_copied_as_it_stands(finished: Path, open_page: Open) -> None:
    page = open_page(finished, permissions=["clipboard-read", "clipboard-write"])
    page.locator(".copy").click()
    page.locator(".copy", has_text="Copied").wait_for()
    command = json.loads((finished / "run.json").read_text(encoding="utf-8"))["command"]
    assert page.evaluate("navigator.clipboard.readText()") == command


def test_without_scripts_the_page_still_reads(finished: Path, open_page: Open) -> None:
    page = open_page(finished, java_script_enabled=False)
    assert page.locator("#confusion-val table").is_visible()
    assert page.locator("#confusion-test table").is_visible()
    assert page.locator("#examples-false_positives").is_visible()
    assert not page.locator(".tabs").first.is_visible()
    assert page.locator("#confusion-test-2-0").inner_text() == str(confusion(finished, "test")[2, 0])


def test_print_shows_everything_and_no_controls(finished: Path, open_page: Open) -> None:
    page = open_page(finished, width=760, scheme="dark")
    page.emulate_media(media="print")
    for part in ("#confusion-test", "#confusion-val", "#classes-val", "#examples-false_positives"):
        assert page.locator(part).is_visible()
    for control in (".theme", ".tabs", ".copy", ".skip"):
        assert not page.locator(control).first.is_visible()
    assert page.evaluate("getComputedStyle(document.documentElement).colorScheme") == "light"
    assert page.evaluate("document.documentElement.scrollWidth") == 760


def test_hostile_names_are_shown_as_they_are(tmp_path: Path, open_page: Open) -> None:
    names = ("<img src=x onerror=alert(1)>", "</script><b>", "Größe & 'Maß' \"$x$\"")
    run = write_classification_run(tmp_path / "run", classes=names)
    write_report(run)
    page = open_page(run)
    page.locator("#confusion-test-2-0").click()
    assert page.locator("#confusion-test .cell-title").inner_text() == f"{names[2]} predicted as {names[0]}"
    assert page.locator("img[src=x]").count() == 0
    assert page.locator("#classes-test tbody th").all_inner_texts() == list(names)
