"""Correcting predictions in the browser: tools, keys, labels, saving, the list; and from photos to a better model."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

import seamline
from accessibility import violations
from run_factories import save_photo
from seamline.data.image_folder import load_folder
from seamline.inference.predictor import Predictor, load_model
from seamline.serve.app import make_app
from seamline.serve.collect import CorrectionStore
from serve.conftest import small_targets
from serve.measuring import in_thread

pytestmark = pytest.mark.browser

Visit = Callable[..., Any]
HEIGHT, WIDTH = 60, 100

PINCH = """(stage) => {
  stage.setPointerCapture = () => {}; // of pointers that do not exist
  const send = (type, pointerId, clientX) => stage.dispatchEvent(new PointerEvent(type, {
    pointerId, clientX, clientY: 300, pointerType: "touch", bubbles: true,
  }));
  send("pointerdown", 7, 300);
  send("pointermove", 7, 320);
  send("pointerdown", 8, 400);
  send("pointermove", 8, 600);
  send("pointerup", 7, 320);
  send("pointerup", 8, 600);
}"""


@pytest.fixture
def place(masks: Predictor, browser: Any, tmp_path: Path) -> Iterator[str]:
    with in_thread(make_app(masks, store=CorrectionStore.of(masks, tmp_path / "corrected"))) as address:
        yield address


def open_editor(page: Any, photo: Path) -> Any:
    page.set_input_files("#files", str(photo))
    page.get_by_role("button", name="Correct", exact=True).click()
    dialog = page.get_by_role("dialog", name=photo.name)
    dialog.wait_for()
    return dialog


class Pen:
    """The mouse over the photo in the dialog, by the photo's pixels."""

    def __init__(self, page: Any) -> None:
        self.page = page
        box = page.locator(".correct-picture > canvas").first.bounding_box()
        self.left, self.top, self.scale = box["x"], box["y"], box["width"] / WIDTH

    def click(self, x: float, y: float) -> None:
        self.page.mouse.click(*self.screen(x, y))

    def stroke(self, *points: tuple[float, float]) -> None:
        self.page.mouse.move(*self.screen(*points[0]))
        self.page.mouse.down()
        for point in points[1:]:
            self.page.mouse.move(*self.screen(*point), steps=4)
        self.page.mouse.up()

    def screen(self, x: float, y: float) -> tuple[float, float]:
        return self.left + x * self.scale, self.top + y * self.scale


def save(dialog: Any, folder: Path) -> NDArray[np.uint8]:
    """Save, and return the mask that landed in the folder."""
    with dialog.page.expect_response("**/api/corrections") as coming:
        dialog.get_by_role("button", name="Save", exact=True).click()
    saved = coming.value.json()
    dialog.get_by_text(f"Saved as {saved['image']}").wait_for()
    with Image.open(folder / saved["mask"]) as mask:
        return np.asarray(mask)


def test_brush_polygon_and_undo(place: str, visit: Visit, tmp_path: Path) -> None:
    page = visit(place)
    dialog, folder = open_editor(page, save_photo(tmp_path / "front.png", HEIGHT, WIDTH)), tmp_path / "corrected"
    expected = np.zeros((HEIGHT, WIDTH), np.uint8)
    expected[:, 50:] = 1
    undo, redo = (dialog.get_by_role("button", name=name) for name in ("Undo", "Redo"))
    assert undo.is_disabled()
    assert np.array_equal(save(dialog, folder), expected)  # as it was predicted

    pen = Pen(page)
    page.keyboard.press("1")
    for _ in range(5):  # 24 * 0.8 ** 5, rounded at each step
        page.keyboard.press("[")
    assert dialog.get_by_text("8 px").is_visible()
    pen.stroke((70, 20), (90, 20))
    y, x = np.mgrid[:HEIGHT, :WIDTH] + 0.5
    painted = np.hypot(x - x.clip(70, 90), y - 20) <= 4
    stroked = np.where(painted, 0, expected)
    mask = save(dialog, folder)
    assert (mask != stroked).sum() < 12  # the mouse is on whole pixels of the screen
    assert painted.sum() > 150

    page.keyboard.press("p")
    dialog.get_by_role("button", name="bright").click()
    corners = [(10, 10), (30, 10), (30, 30), (10, 30)]
    for corner in [*corners, (5, 50)]:
        pen.click(*corner)
    page.keyboard.press("Backspace")  # takes back the last corner
    page.keyboard.press("Enter")
    square = mask.copy()
    square[10:30, 10:30] = 1
    assert (save(dialog, folder) != square).sum() < 45

    page.keyboard.press("Control+z")
    assert np.array_equal(save(dialog, folder), mask)
    undo.click()
    assert undo.is_disabled()
    assert np.array_equal(save(dialog, folder), expected)
    redo.click()
    page.keyboard.press("Control+Shift+Z")
    assert redo.is_disabled()
    for corner in [*corners[:3], (10, 10)]:  # a click on the first corner closes
        pen.click(*corner)
    assert undo.is_enabled()
    mask = save(dialog, folder)
    assert (mask != square).sum() < 45  # inside the square

    page.keyboard.press("b")
    page.keyboard.press("0")
    assert dialog.get_by_role("button", name="Not sure").get_attribute("aria-pressed") == "true"
    pen.stroke((70, 40), (90, 40))
    unsure = save(dialog, folder)
    assert (unsure == 255).sum() > 150
    assert np.array_equal(unsure[unsure != 255], mask[unsure != 255])
    assert len(load_folder(folder).train) == 1  # each save replaced the one before


def test_a_region_is_filled_and_keys_paint(place: str, visit: Visit, tmp_path: Path) -> None:
    """On a phone; the brush is moved by keys."""
    page = visit(place, 390, has_touch=True, is_mobile=True)
    dialog, folder = open_editor(page, save_photo(tmp_path / "front.png", HEIGHT, WIDTH)), tmp_path / "corrected"
    dialog.get_by_role("button", name="Region").tap()
    dialog.get_by_text("Click a region to fill it").wait_for()
    dialog.get_by_role("button", name="dark").tap()
    page.touchscreen.tap(*Pen(page).screen(75, 30))
    mask = save(dialog, folder)
    filled = mask[:, 50:] == 0
    assert 4 < filled.sum() < 400
    assert filled[30, 25]
    assert not mask[:, :49].any()  # the region keeps to the edge of the photo
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 390
    dialog.get_by_role("button", name="Undo").tap()
    dialog.get_by_role("button", name="Brush").tap()
    stage = page.locator(".correct-stage")
    stage.focus()
    for key in [" ", "ArrowUp", "ArrowUp", " ", "ArrowUp"]:
        page.keyboard.press(key)
    column = save(dialog, folder)[:, 50]
    assert not column[:41].any()  # 24 pixels wide, from the middle twice up by half of it
    assert column[43:].all()


def test_zoom_keeps_the_point_and_two_fingers_do_not_paint(place: str, visit: Visit, tmp_path: Path) -> None:
    page = visit(place)
    dialog = open_editor(page, save_photo(tmp_path / "front.png", HEIGHT, WIDTH))
    before = Pen(page)
    at = before.screen(30, 20)
    page.mouse.move(*at)
    page.mouse.wheel(0, -500)
    page.wait_for_timeout(100)
    after = Pen(page)
    assert after.scale > 1.5 * before.scale
    assert after.screen(30, 20) == pytest.approx(at, abs=1)
    dialog.get_by_role("button", name="Fit").click()
    assert Pen(page).scale == pytest.approx(before.scale)
    page.locator(".correct-stage").evaluate(PINCH)
    assert Pen(page).scale > 1.5 * before.scale
    assert dialog.get_by_role("button", name="Undo").is_disabled()


def test_a_failed_save_loses_nothing(place: str, browser: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from seamline.data.image_folder import corrections

    def fail(file: Path, content: bytes) -> None:
        raise OSError(28, "No space left on device", str(file))

    page = browser.new_page()  # which may complain about the status
    page.goto(place)
    page.locator("#limits", has_text="MiB").wait_for()
    dialog = open_editor(page, save_photo(tmp_path / "front.png", HEIGHT, WIDTH))
    page.keyboard.press("1")
    Pen(page).stroke((70, 20), (90, 40))
    with monkeypatch.context() as patch:
        patch.setattr(corrections, "write_bytes", fail)
        dialog.get_by_role("button", name="Save", exact=True).click()
        alert = dialog.get_by_role("alert")
        alert.wait_for()
        assert alert.inner_text() == (
            "The disk of corrected is full, and nothing was saved; free some space, and save again. "
            "Your changes are still here."
        )
    dialog.get_by_role("button", name="Close").click()
    remove = page.get_by_role("button", name="Remove front.png")
    remove.click()  # Playwright answers the question with no
    page.get_by_role("button", name="Correct", exact=True).click()
    assert (save(dialog, tmp_path / "corrected")[:, 50:] == 0).sum() > 300
    dialog.get_by_role("button", name="Close").click()
    remove.click()
    assert not page.locator(".card").count()
    page.close()


def test_labels(labels: Predictor, browser: Any, visit: Visit, tmp_path: Path) -> None:
    folder = tmp_path / "corrected"
    with in_thread(make_app(labels, store=CorrectionStore.of(labels, folder))) as address:
        page = visit(address, scheme="dark")
        assert "are stored, without their metadata" in page.locator("footer").inner_text()
        dialog = open_editor(page, save_photo(tmp_path / "small.png", 20, 20))
        pressed = dialog.locator("[aria-pressed=true]")
        predicted = pressed.inner_text().split("\n")[0]
        wanted = next(name for name in labels.classes if name != predicted)
        page.keyboard.press(str(labels.classes.index(wanted) + 1))
        assert pressed.inner_text().startswith(wanted)
        page.keyboard.press("Control+s")
        dialog.get_by_text("Saved as").wait_for()
        data = load_folder(folder)
        assert [data.classes[index] for index in data.train.labels] == [wanted]


def test_the_list_keeps_what_was_saved_and_what_was_not(
    masks: Predictor, browser: Any, visit: Visit, tmp_path: Path
) -> None:
    """A photo that is gone is skipped."""
    save_photo(tmp_path / "a.png", HEIGHT, WIDTH)
    (tmp_path / "queue.csv").write_text("path\na.png\ngone.png\n")
    store = CorrectionStore.of(masks, tmp_path / "corrected", tmp_path / "queue.csv")

    def saved() -> NDArray[np.uint8]:
        (file,) = (tmp_path / "corrected" / "masks").iterdir()
        with Image.open(file) as mask:
            return np.asarray(mask)

    with in_thread(make_app(masks, store=store)) as address:
        page = visit(address)
        dialog = page.get_by_role("dialog")

        def move(button: str, name: str) -> None:
            dialog.get_by_role("button", name=button, exact=True).click()
            page.get_by_role("heading", name=name).wait_for()

        begin = page.get_by_role("button", name="Correct photos")
        begin.click()
        page.get_by_role("heading", name="a.png").wait_for()
        Pen(page).stroke((10, 10), (40, 10))
        move("Next", "gone.png")
        assert dialog.get_by_role("alert").inner_text() == "The file gone.png cannot be read; skip it."
        assert not dialog.get_by_role("button", name="Save and next").is_visible()
        move("Previous", "a.png")
        assert dialog.get_by_role("button", name="Undo").is_enabled()
        move("Save and next", "gone.png")
        assert saved()[[10, 50], 25].tolist() == [1, 0]

        move("Previous", "a.png")  # it goes on from what was saved
        assert dialog.get_by_text("Saved as images/").is_visible()
        Pen(page).stroke((10, 50), (40, 50))
        dialog.get_by_role("button", name="Close").click()
        open_editor(page, save_photo(tmp_path / "other.png", HEIGHT, WIDTH))  # a photo that is not of the list
        dialog.get_by_role("button", name="Close").click()
        begin.click()
        page.get_by_role("heading", name="gone.png").wait_for()
        move("Previous", "a.png")
        assert dialog.get_by_role("button", name="Undo").is_enabled()
        move("Save and next", "gone.png")
        assert saved()[[10, 50], 25].tolist() == [1, 1]  # in place of the one before


@pytest.mark.parametrize("kind", ["segmenter", "classifier"])
def test_everybody_can_correct(kind: str, request: pytest.FixtureRequest, visit: Visit, tmp_path: Path) -> None:
    model, queue = load_model(request.getfixturevalue(kind)), tmp_path / "queue.json"
    save_photo(tmp_path / "a.png")
    queue.write_text(json.dumps({"photos": [{"path": "a.png"}, {"path": "a.png", "reason": "unsure"}]}))
    with in_thread(make_app(model, store=CorrectionStore.of(model, tmp_path / "corrected", queue))) as address:
        for scheme, width in (("light", 1280), ("dark", 390)):
            page = visit(address, width, scheme)
            page.get_by_text("0 of 2 photos of the list are corrected.").wait_for()
            if width == 390:
                assert violations(page) == []
            page.get_by_role("button", name="Correct photos").click()
            page.get_by_role("heading", name="a.png").wait_for()
            assert violations(page) == []
            assert small_targets(page) == []
            assert page.evaluate("() => document.documentElement.scrollWidth") <= width


@pytest.mark.usefixtures("no_report", "no_figure_files")
def test_from_photos_to_a_corrected_model(
    masks: Predictor, segmenter: Path, browser: Any, visit: Visit, tmp_path: Path
) -> None:
    """Three photos of a list are corrected: what is bright is called dark, and a training learns it."""
    photos = [save_photo(tmp_path / f"{name}.png", HEIGHT + 4 * i, WIDTH) for i, name in enumerate(("a", "b", "c"))]
    queue, folder = tmp_path / "queue.json", tmp_path / "corrected"
    entries = [{"path": photo.name, "score": 1 - i / 4, "reason": "unsure"} for i, photo in enumerate(photos)]
    queue.write_text(json.dumps({"run": str(segmenter), "photos": entries}))
    with in_thread(make_app(masks, store=CorrectionStore.of(masks, folder, queue))) as address:
        page = visit(address)
        page.get_by_text("0 of 3 photos of the list are corrected.").wait_for()
        page.get_by_role("button", name="Correct photos").click()
        dialog = page.get_by_role("dialog")
        for number, photo in enumerate(photos, 1):
            page.get_by_role("heading", name=photo.name).wait_for()
            assert dialog.locator("#correct-position").inner_text() == f"{number} of 3"
            assert dialog.locator("#correct-note").inner_text() == "unsure"
            page.keyboard.press("p")
            page.keyboard.press("1")
            pen = Pen(page)
            for corner in ((45, 0.5), (99.5, 0.5), (99.5, HEIGHT - 0.5), (45, HEIGHT - 0.5)):
                pen.click(*corner)
            page.keyboard.press("Enter")
            dialog.get_by_role("button", name="Save and next").click()
        dialog.get_by_text("Saved. All 3 photos of the list are corrected.").wait_for()
        assert dialog.locator("#correct-position").inner_text() == "3 of 3, corrected"
        dialog.get_by_role("button", name="Previous").click()
        page.get_by_role("heading", name="b.png").wait_for()
        assert dialog.locator("#correct-position").inner_text() == "2 of 3, corrected"
    run = seamline.train(
        str(folder), init_from=segmenter, epochs=3, out=tmp_path / "run", image_size="64", model="unet-fast", threads=1
    )
    before, after = masks(photos[0]).fractions, load_model(run.path)(photos[0]).fractions
    assert before["bright"] == pytest.approx(0.5, abs=0.02)
    assert after["bright"] < 0.25
