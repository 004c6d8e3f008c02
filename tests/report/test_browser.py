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
