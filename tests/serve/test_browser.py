"""What a person meets on the page of `serve`: photos in, masks or labels out, by mouse, finger and keys."""

import base64
import io
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from accessibility import violations
from run_factories import save_photo
from seamline.inference.predictor import load_model
from seamline.serve.app import make_app
from seamline.serve.samples import Sample
from serve.conftest import small_targets
from serve.measuring import in_thread

pytestmark = pytest.mark.browser

Visit = Callable[..., Any]

DROP = """([name, content]) => {
  const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
  const carried = new DataTransfer();
  carried.items.add(new File([bytes], name));
  for (const kind of ["dragenter", "dragover", "drop"]) {
    document.body.dispatchEvent(new DragEvent(kind, { dataTransfer: carried, bubbles: true, cancelable: true }));
  }
}"""
PASTE = DROP.replace("DragEvent(kind, { dataTransfer", "ClipboardEvent(kind, { clipboardData").replace(
    '"dragenter", "dragover", "drop"', '"paste"'
)


@pytest.fixture(scope="module")
def masks_at(browser: Any, segmenter: Path) -> Iterator[str]:
    with in_thread(make_app(load_model(segmenter))) as address:
        yield address


@pytest.fixture(scope="module")
def labels_at(browser: Any, classifier: Path) -> Iterator[str]:
    with in_thread(make_app(load_model(classifier))) as address:
        yield address


def choose(page: Any, *photos: Path) -> Any:
    """Choose photos as a person does; returns the first one's card once the last one is done."""
    with page.expect_file_chooser() as chosen:
        page.get_by_role("button", name="Choose photos").click()
    chosen.value.set_files([str(photo) for photo in photos])
    page.locator(".card[data-state=done], .card[data-state=error]").nth(len(photos) - 1).wait_for()
    return page.locator(".card").first


def seen(part: Any) -> NDArray[np.uint8]:
    """Return what the screen shows of a part of the page."""
    return np.asarray(Image.open(io.BytesIO(part.screenshot())).convert("RGB"))


def right_side(part: Any) -> list[int]:
    picture = seen(part)
    return [int(value) for value in picture[picture.shape[0] // 2, picture.shape[1] * 3 // 4]]


def test_a_chosen_photo_shows_its_classes_and_shares(masks_at: str, visit: Visit, tmp_path: Path) -> None:
    page = visit(masks_at)
    assert page.title() == "spots-fast · Seamline"
    assert not page.get_by_role("tab").count()  # it does not measure
    card = choose(page, save_photo(tmp_path / "front.png", 300, 400), save_photo(tmp_path / "second.jpg"))
    assert page.locator(".card h2").all_inner_texts() == ["front.png", "second.jpg"]
    assert card.locator("header small").inner_text() == "400 × 300"
    shares = [float(text.removesuffix(" %")) for text in card.locator(".fraction").all_inner_texts()]
    assert sum(shares) == pytest.approx(100, abs=0.11)
    assert shares == sorted(shares, reverse=True)
    assert "tabular-nums" in page.evaluate(
        "() => getComputedStyle(document.querySelector('.fraction')).fontVariantNumeric"
    )
    page.get_by_role("button", name="Remove front.png").click()
    assert page.locator(".card h2").all_inner_texts() == ["second.jpg"]
    assert page.evaluate("() => document.activeElement.ariaLabel") == "Remove second.jpg"


def test_strength_and_highlight(masks_at: str, visit: Visit, tmp_path: Path) -> None:
    """The right half is white, under (0, 128, 255)."""
    page = visit(masks_at)
    card = choose(page, save_photo(tmp_path / "front.png", 300, 400))
    canvas, slider = card.locator(".stage"), card.get_by_role("slider", name="Opacity")
    assert right_side(canvas) == pytest.approx([126, 190, 253], abs=4)
    slider.focus()
    page.keyboard.press("End")
    assert card.locator("output").inner_text() == "100 %"
    assert right_side(canvas) == pytest.approx([0, 128, 255], abs=1)
    dark = card.get_by_role("button", name=re.compile("^dark"))
    dark.focus()
    page.keyboard.press("Enter")
    assert dark.get_attribute("aria-pressed") == "true"
    assert right_side(canvas) == pytest.approx([206, 229, 253], abs=4)  # the other class is quiet
    card.get_by_role("button", name=re.compile("^bright")).hover()
    assert right_side(canvas) == pytest.approx([0, 128, 255], abs=1)
    page.mouse.move(2, 2)
    dark.click()
    assert dark.get_attribute("aria-pressed") == "false"
    page.mouse.move(2, 2)
    slider.focus()
    page.keyboard.press("Home")
    assert right_side(canvas) == pytest.approx([252, 252, 252], abs=3)


def test_classes_are_switched(masks_at: str, visit: Visit, tmp_path: Path) -> None:
    """The black class is off at first, because its color would only darken the photo."""
    page = visit(masks_at)
    card = choose(page, save_photo(tmp_path / "front.png", 300, 400))
    dark, bright = (card.get_by_role("checkbox", name=f"Show {name}") for name in ("dark", "bright"))
    assert (dark.is_checked(), bright.is_checked()) == (False, True)
    bright.focus()
    page.keyboard.press("Space")
    assert right_side(card.locator(".stage")) == pytest.approx([252, 252, 252], abs=3)
    bright.check()
    assert right_side(card.locator(".stage")) == pytest.approx([126, 190, 253], abs=4)


def test_the_line_uncovers_the_photo(masks_at: str, visit: Visit, tmp_path: Path) -> None:
    page = visit(masks_at)
    card = choose(page, save_photo(tmp_path / "front.png", 300, 400))
    stage, line = card.locator(".stage"), card.get_by_role("slider", name="Photo without colors")
    line.focus()
    page.keyboard.press("End")
    page.keyboard.press("ArrowLeft")
    assert line.get_attribute("aria-valuetext") == "99 percent of the width"
    assert right_side(stage) == pytest.approx([252, 252, 252], abs=3)
    box = stage.bounding_box()
    page.mouse.move(box["x"] + 0.99 * box["width"], box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + 0.6 * box["width"], box["y"] + box["height"] / 2, steps=4)
    page.mouse.up()
    assert right_side(stage) == pytest.approx([126, 190, 253], abs=4)
    page.mouse.move(2, 2)
    middle = seen(stage)[20, round(0.56 * box["width"])]  # left of the line
    assert middle.tolist() == pytest.approx([252, 252, 252], abs=4)


def test_the_class_at_a_point(masks_at: str, visit: Visit, segmenter: Path, tmp_path: Path) -> None:
    page = visit(masks_at)
    photo = save_photo(tmp_path / "front.png", 300, 400)
    prediction = load_model(segmenter)(photo)
    assert prediction.confidence is not None
    card = choose(page, photo)
    tip, stage = card.locator(".probe-tip"), card.locator(".stage")

    def expected(x: int, y: int) -> str:
        assert prediction.confidence is not None
        return f"{'bright' if x >= 200 else 'dark'}, {round(prediction.confidence[y, x] / 2.55)} %"

    assert tip.is_hidden()
    stage.hover(position={"x": 300.5, "y": 80.5})
    assert tip.inner_text() == expected(300, 80)
    stage.hover(position={"x": 190.5, "y": 80.5})
    page.mouse.move(2, 2)
    assert tip.is_hidden()
    card.get_by_role("application").focus()
    page.keyboard.press("ArrowLeft")  # by one percent
    assert tip.inner_text() == page.locator("#status").inner_text() == expected(186, 80)
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("Shift+ArrowUp")
    assert page.locator("#status").inner_text() == expected(226, 50)
    page.keyboard.press("Escape")
    assert tip.is_hidden()


def test_a_result_is_an_event(masks_at: str, labels_at: str, visit: Visit, tmp_path: Path) -> None:
    for address in (masks_at, labels_at):
        page = visit(address)
        page.evaluate("""() => addEventListener("result", ({ detail }) => {
          const { card, photo, prediction, bitmap } = detail;
          window.heard = [card.className, photo.name, prediction.width, bitmap.width];
        })""")
        card = choose(page, save_photo(tmp_path / "front.png", 30, 40))
        assert page.evaluate("() => heard") == ["card", "front.png", 40, 40]
    assert card.locator("canvas").evaluate("(canvas) => [canvas.width, canvas.height]") == [200, 150]


def test_small_photos_are_enlarged_by_a_whole_factor(masks_at: str, visit: Visit, tmp_path: Path) -> None:
    page = visit(masks_at)
    card = choose(page, save_photo(tmp_path / "front.png", 30, 40))
    assert card.locator(".photo").evaluate("(canvas) => [canvas.width, canvas.height]") == [600, 450]
    assert right_side(card.locator(".stage")) == pytest.approx([126, 190, 253], abs=4)


def test_photos_are_shown_while_they_wait(masks_at: str, visit: Visit, tmp_path: Path) -> None:
    page = visit(masks_at)
    held: list[Any] = []
    page.route("**/api/predict*", lambda route: held.append(route))
    page.set_input_files("#files", [str(save_photo(tmp_path / f"{name}.png", 300, 400)) for name in "abc"])
    cards = page.locator(".card")
    cards.nth(2).locator(".state", has_text="Waiting for 2 other photos").wait_for()
    assert cards.nth(1).locator(".state").inner_text() == "Waiting for 1 other photo"
    assert cards.nth(2).get_by_role("progressbar").get_attribute("value") is None
    for card in cards.all():
        card.locator("canvas").wait_for()
        assert right_side(card.locator("canvas")) == pytest.approx([252, 252, 252], abs=3)
    next_request(page, held).continue_()
    page.locator(".card[data-state=done]").wait_for()
    cards.nth(2).locator(".state", has_text="Waiting for 1 other photo").wait_for()
    next_request(page, held).fulfill(status=422, json={"error": "the photo: is cut off"})
    assert cards.nth(1).locator(".error").inner_text() == "This file is cut off."
    next_request(page, held).continue_()  # a photo that fails does not hold up the next one
    cards.nth(2).locator(".legend").wait_for()


def next_request(page: Any, held: list[Any]) -> Any:
    while not held:
        page.wait_for_timeout(20)
    return held.pop()


def test_a_sample_is_predicted(segmenter: Path, visit: Visit, tmp_path: Path) -> None:
    content = save_photo(tmp_path / "front.png").read_bytes()
    samples = [Sample(name, "image/png", content, drawn=True) for name in ("a-wall.png", "a-door.png")]
    with in_thread(make_app(load_model(segmenter), samples=samples)) as address:
        page = visit(address)
        assert page.locator("#samples").inner_text().split("\n")[0] == "Or try one of these, drawn by a program"
        page.get_by_role("button", name="A door").press("Enter")
        page.locator(".card .legend").wait_for()
        assert page.locator(".card h2").inner_text() == "a-door.png"


def test_the_card_of_the_model(visit: Visit, browser: Any) -> None:
    with in_thread(make_app(load_model("garments"))) as address:
        page = visit(address, 390)
        page.get_by_text("About this model").click()
        card = page.locator("#about")
        card.locator("h2").first.wait_for()
        assert card.locator("h2").all_inner_texts()[:2] == ["Intended use", "Limits"]
        assert "MIT license" in card.inner_text()
        assert card.get_by_role("row", name="Trouser 98.6 %").count() == 1
        assert (
            card.get_by_role("link").first.get_attribute("href") == "https://github.com/zalandoresearch/fashion-mnist"
        )
        assert page.locator("#samples button").all_inner_texts() == ["T shirt", "Trouser", "Ankle boot"]
        assert page.evaluate("() => document.documentElement.scrollWidth") <= 390


@pytest.mark.parametrize(("width", "scheme"), [(1200, "light"), (390, "dark")])
def test_everybody_can_use_the_pages(
    masks_at: str, labels_at: str, visit: Visit, tmp_path: Path, width: int, scheme: str
) -> None:
    for address in (labels_at, masks_at):
        page = visit(address, width, scheme)
        page.get_by_text("About this model").click()
        choose(page, save_photo(tmp_path / "front.png", 300, 400))
        assert violations(page) == []
        assert small_targets(page) == []
        assert page.evaluate("() => document.documentElement.scrollWidth") <= width
    page.goto(f"{masks_at}docs")
    page.get_by_role("button", name="JavaScript").click()
    assert page.locator("figure.code:visible").first.inner_text().startswith("JavaScript")
    assert violations(page) == []
    assert small_targets(page) == []
    assert page.evaluate("() => document.documentElement.scrollWidth") <= width


def test_mask_and_overlay_are_saved(masks_at: str, visit: Visit, tmp_path: Path) -> None:
    page = visit(masks_at)
    card = choose(page, save_photo(tmp_path / "front.png", 300, 400))
    for what, mode in (("mask", "P"), ("overlay", "RGBA")):
        with page.expect_download() as coming:
            card.get_by_role("button", name=f"Save {what}").click()
        assert coming.value.suggested_filename == f"front.{what}.png"
        with Image.open(coming.value.path()) as picture:
            assert (picture.size, picture.mode) == ((400, 300), mode)
            assert np.asarray(picture.convert("RGB"))[150, 300].tolist() == pytest.approx(
                [0, 128, 255] if mode == "P" else [126, 190, 253], abs=4
            )


def test_dropped_pasted_and_refused(masks_at: str, visit: Visit, tmp_path: Path) -> None:
    page = visit(masks_at, scheme="dark")
    content = base64.b64encode(save_photo(tmp_path / "front.png").read_bytes()).decode()
    page.evaluate(DROP, ["dropped.png", content])
    page.locator(".card[data-state=done]").wait_for()
    page.evaluate(PASTE, ["pasted.png", content])
    page.locator(".card[data-state=done]").nth(1).wait_for()
    assert page.locator(".card h2").all_inner_texts() == ["pasted.png", "dropped.png"]
    (tmp_path / "notes.jpg").write_text("no image")
    with page.expect_file_chooser() as chosen:
        page.get_by_role("button", name="Choose photos").press("Enter")
    chosen.value.set_files(str(tmp_path / "notes.jpg"))
    page.locator(".card .error").wait_for()
    assert page.locator(".card .error").inner_text() == (
        "This file has an unknown format (0x6e6f2069), not JPEG, PNG, WebP, TIFF, BMP or GIF; convert it to one of "
        "these, or remove it."
    )


def test_a_phone(masks_at: str, labels_at: str, visit: Visit, tmp_path: Path) -> None:
    photo = save_photo(tmp_path / "a long name of a photo that was taken in a street.png", 300, 900)
    for place in (masks_at, labels_at):
        page = visit(place, 390, has_touch=True, is_mobile=True)
        assert page.locator("#camera").get_attribute("capture") == "environment"
        with page.expect_file_chooser() as chosen:
            page.get_by_role("button", name="Take a photo").tap()
        chosen.value.set_files(str(photo))
        page.locator(".card[data-state=done]").wait_for()
        assert page.evaluate("() => document.documentElement.scrollWidth") <= 390
        if place == masks_at:
            page.locator(".probe").tap(position={"x": 300, "y": 20})
            assert page.locator(".probe-tip").inner_text().startswith("bright, ")
        for button in page.locator("button:visible").all():
            assert button.bounding_box()["height"] >= 35


def test_a_photo_gets_probabilities(labels_at: str, visit: Visit, tmp_path: Path) -> None:
    page = visit(labels_at)
    card = choose(page, save_photo(tmp_path / "small.png", 20, 20))
    assert card.locator(".label").inner_text().split()[0] in ("left", "right", "both")
    values = [float(text.removesuffix(" %")) for text in card.locator(".bar span:last-child").all_inner_texts()]
    assert sum(values) == pytest.approx(100, abs=0.2)
    assert not page.get_by_role("button", name="Save mask").count()


def test_a_drawing_gets_probabilities(labels_at: str, visit: Visit) -> None:
    page = visit(labels_at)
    board, drawn = page.locator("#board"), page.locator("#board-result .bar")
    box = board.bounding_box()
    undo, clear = (page.get_by_role("button", name=name) for name in ("Undo", "Clear"))
    assert undo.is_disabled()
    page.mouse.move(box["x"] + 60, box["y"] + 60)
    page.mouse.down()
    page.mouse.move(box["x"] + 60, box["y"] + 180, steps=6)
    page.mouse.up()
    drawn.nth(2).wait_for()
    picture = seen(board)
    assert picture[120, 60].tolist() == [255, 255, 255]
    assert picture[120, 150].tolist() == [0, 0, 0]
    undo.press("Enter")
    drawn.first.wait_for(state="detached")
    assert seen(board)[20:-20, 20:-20].max() == 0
    board.focus()
    for key in [" ", *["ArrowRight"] * 5]:
        page.keyboard.press(key)
    drawn.nth(2).wait_for()
    clear.press("Enter")
    drawn.first.wait_for(state="detached")
    assert clear.is_disabled()


def test_a_server_that_has_gone(browser: Any, segmenter: Path, tmp_path: Path) -> None:
    photo = save_photo(tmp_path / "a.png")
    page = browser.new_page()  # which complains that it reaches no server
    with in_thread(make_app(load_model(segmenter))) as address:
        page.goto(address)
        page.locator("#limits", has_text="MiB").wait_for()
    page.set_input_files("#files", str(photo))
    page.locator(".card .error", has_text="The server cannot be reached").wait_for()
    page.close()
