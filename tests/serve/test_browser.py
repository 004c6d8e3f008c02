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

from run_factories import save_photo
from server_fixture import served

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
    with served(segmenter) as (_, port, _):
        yield f"http://127.0.0.1:{port}/"


@pytest.fixture(scope="module")
def labels_at(browser: Any, classifier: Path) -> Iterator[str]:
    with served(classifier) as (_, port, _):
        yield f"http://127.0.0.1:{port}/"


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
    context = browser.new_context()
    with served(segmenter) as (process, port, _):
        page = context.new_page()
        page.goto(f"http://127.0.0.1:{port}/")
        page.locator("#limits", has_text="MiB").wait_for()
        process.terminate()
        assert process.wait(30) == 0
        page.set_input_files("#files", str(photo))
        page.locator(".card .error", has_text="The server cannot be reached").wait_for()
    context.close()
