"""The folder in Chromium, with WebAssembly on one thread: it predicts as `seamline predict`, also offline."""

import base64
import io
import json
import re
import shutil
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

import seamline
from accessibility import violations
from run_factories import save_photo
from seamline.inference.predictor import Predictor
from seamline.io import write_bytes
from web_pages import Visit, predict_files, saved, serving

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def facades() -> Predictor:
    return seamline.load_model("facades", backend="onnxruntime", threads=1)


@pytest.fixture(scope="module")
def garments() -> Predictor:
    return seamline.load_model("garments", backend="onnxruntime", threads=1)


@pytest.fixture(scope="module")
def facades_page(visit: Visit) -> Any:
    return visit("facades")


def house(height: int, width: int) -> NDArray[np.uint8]:
    """Draw a wall with windows under a sky, with some noise."""
    image = np.full((height, width, 3), (120, 160, 220), np.uint8)
    image[height // 6 :] = (190, 170, 140)
    for top in range(height // 4, height - height // 8, height // 4):
        for left in range(width // 10, width - width // 10, width // 5):
            image[top : top + height // 8, left : left + width // 10] = (50, 60, 80)
    noise = np.random.default_rng(1).normal(0, 12, image.shape)
    return np.clip(cv2.GaussianBlur(image + noise, (0, 0), 1.2), 0, 255).astype(np.uint8)


def write_photo(file: Path, pixels: NDArray[np.uint8], **options: Any) -> Path:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "JPEG" if file.suffix == ".jpg" else "PNG", **options)
    write_bytes(file, stream.getvalue())
    return file


def test_masks_and_fractions_are_those_of_predict(facades_page: Any, facades: Predictor, tmp_path: Path) -> None:
    turned = Image.Exif()
    turned[0x0112] = 6
    png = write_photo(tmp_path / "front.png", house(460, 620), exif=turned)
    jpeg = write_photo(tmp_path / "front.jpg", house(200, 160), quality=85)
    for file, record in zip((png, jpeg), predict_files(facades_page, png, jpeg), strict=True):
        expected = facades(file)
        assert (record["file"], record["width"], record["height"]) == (file.name, expected.width, expected.height)
        limit = 1e-3 if file is png else 1e-2
        assert record["class_fractions"] == pytest.approx(expected.fractions, abs=limit)
        assert {name: pytest.approx(ends, abs=limit) for name, ends in expected.intervals.items()} == record[
            "class_intervals"
        ]
        assert record["novelty"] == pytest.approx(expected.novelty, abs=limit)
        card = facades_page.locator(".card", has_text=file.name)
        with Image.open(io.BytesIO(saved(card, facades_page, "mask"))) as mask:
            assert mask.mode == "P"
            colors = np.array(mask.getpalette()).reshape(-1, 3)[: len(facades.palette)]
            assert colors.tolist() == [list(color) for color in facades.palette]
            assert (np.asarray(mask) == expected.mask).mean() >= (0.9999 if file is png else 0.99)
        overlay = np.asarray(Image.open(io.BytesIO(saved(card, facades_page, "overlay"))))
        same = (overlay == np.asarray(expected.overlay())).all(-1).mean()
        assert same >= 0.9999 if file is png else np.abs(overlay.astype(int) - expected.overlay()).mean() < 1


def test_the_longer_side_can_be_chosen(facades_page: Any, facades: Predictor, tmp_path: Path) -> None:
    file = write_photo(tmp_path / "small.png", house(60, 270))
    select = facades_page.get_by_label("Longer side of photos")
    assert select.evaluate("(select) => select.selectedOptions[0].textContent") == "384 pixels (default)"
    facades_page.locator(".card .remove").first.click()
    facades_page.locator(".card .remove").first.click()
    select.select_option("256")
    (record,) = predict_files(facades_page, file)
    assert record["max_side"] == 256
    assert record["class_fractions"] == pytest.approx(facades(file, max_side=256).fractions, abs=1e-3)
    select.select_option("0")
    facades_page.locator(".state.busy").wait_for()
    facades_page.locator(".card .state").wait_for(state="hidden")
    record = json.loads(saved(facades_page.locator(".card").first, facades_page, "JSON"))
    assert record["class_fractions"] == pytest.approx(facades(file, max_side=0).fractions, abs=1e-3)
    facades_page.get_by_role("button", name="Remove small.png").click()


def test_probabilities_are_those_of_predict(visit: Visit, garments: Predictor, tmp_path: Path) -> None:
    page = visit("garments", scheme="dark")
    gray = cv2.resize(np.random.default_rng(0).integers(0, 256, (7, 5), np.uint8), (28, 28)).astype(np.uint8)
    files = [
        write_photo(tmp_path / "shirt.png", gray),
        write_photo(tmp_path / "photo.png", house(333, 205)),
        write_photo(tmp_path / "photo.jpg", house(200, 300), quality=80),
    ]
    for file, record in zip(files, predict_files(page, *files), strict=True):
        expected = garments(file)
        limit = 1e-3 if file.suffix == ".png" else 0.02
        assert record["probabilities"] == pytest.approx(expected.probabilities, abs=limit)
        assert record["label"] == expected.label
        assert record["probability"] == pytest.approx(expected.probability, abs=limit)
        assert record["novelty"] == pytest.approx(expected.novelty, rel=limit)
        assert expected.novelty is not None
        warned = page.locator(".card", has_text=file.name).locator(".novel").count() == 1
        assert warned == (expected.novelty > 1)


def test_a_drawing_is_predicted_as_its_picture(visit: Visit, garments: Predictor) -> None:
    page = visit("garments")
    board, bars = page.locator("#board"), page.locator("#board-result .bar")
    board.scroll_into_view_if_needed()
    box = board.bounding_box()
    undo, clear = (page.get_by_role("button", name=name) for name in ("Undo", "Clear"))
    assert undo.is_disabled()
    page.mouse.move(box["x"] + 0.3 * box["width"], box["y"] + 0.2 * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + 0.3 * box["width"], box["y"] + 0.8 * box["height"], steps=6)
    page.mouse.up()
    bars.nth(4).wait_for()
    picture = board.evaluate("(board) => board.toDataURL('image/png')").split(",")[1]
    drawing = np.asarray(Image.open(io.BytesIO(base64.b64decode(picture))).convert("RGB"))
    expected = garments(drawing)
    assert page.locator("#board-result .label").inner_text() == f"{expected.label} {expected.probability:.1%}".replace(
        "%", " %"
    )
    undo.press("Enter")
    bars.first.wait_for(state="detached")
    board.focus()
    for key in [" ", *["ArrowRight"] * 5, " "]:
        page.keyboard.press(key)
    bars.nth(4).wait_for()
    clear.press("Enter")
    bars.first.wait_for(state="detached")
    assert clear.is_disabled()


def test_it_works_offline_once_loaded(browser: Any, site: Path, garments: Predictor, tmp_path: Path) -> None:
    photo = save_photo(tmp_path / "photo.png", 40, 40)
    context = browser.new_context()
    page = context.new_page()
    with serving(site) as address:
        page.goto(f"{address}some/path/garments/")
        page.locator("#offline").wait_for()
    page.reload()  # the server has gone
    page.locator("#engine", has_text="Ready").wait_for()
    (record,) = predict_files(page, photo)
    assert record["probabilities"] == pytest.approx(garments(photo).probabilities, abs=1e-3)
    names = page.evaluate("() => caches.keys()")
    assert len(names) == 1
    assert re.fullmatch(r"seamline /some/path/garments/ [0-9a-f]{16}", names[0])
    context.close()


def test_a_new_version_replaces_the_kept_files(browser: Any, site: Path, tmp_path: Path) -> None:
    """It waits until no tab shows the old one, so that no page gets files of both."""
    folder = shutil.copytree(site / "some" / "path" / "garments", tmp_path / "garments")
    context = browser.new_context()
    with serving(tmp_path) as address:
        page = context.new_page()
        page.goto(f"{address}garments/")
        page.locator("#offline").wait_for()
        for name, old, new in (
            ("index.html", "<h1>garments", "<h1>clothes"),
            ("service-worker.js", 'VERSION = "', 'VERSION = "new-'),
        ):
            write_bytes(folder / name, (folder / name).read_text().replace(old, new).encode())
        page.reload()
        page.locator("#engine", has_text="Ready").wait_for()
        assert page.locator("h1").inner_text() == "garments"
        waiting = "async () => !!(await navigator.serviceWorker.getRegistration()).waiting"
        for _ in range(100):
            if page.evaluate(waiting):
                break
            page.wait_for_timeout(100)
        page.close()
        page = context.new_page()
        page.goto(f"{address}garments/")
        page.locator("#offline").wait_for()
        assert page.locator("h1").inner_text() == "clothes"
        assert [name.split()[-1][:4] for name in page.evaluate("() => caches.keys()")] == ["new-"]
    context.close()


def test_nothing_leaves_the_device(facades_page: Any) -> None:
    """The policy holds in the page and, through the blob that starts it, in the worker."""
    assert "connect-src 'self'" in facades_page.locator("meta[http-equiv='Content-Security-Policy']").get_attribute(
        "content"
    )
    program = """() => new Promise((resolve) => {
      const code = "fetch('https://example.com/').then(() => postMessage('sent'), (e) => postMessage(String(e)))";
      const worker = new Worker(URL.createObjectURL(new Blob([code], { type: "text/javascript" })));
      worker.onmessage = ({ data }) => resolve(data);
    })"""
    assert facades_page.evaluate(program) == "TypeError: Failed to fetch"


def test_a_model_that_predicts_otherwise_is_not_used(browser: Any, site: Path, tmp_path: Path) -> None:
    """As a browser would whose processor computes something else."""
    folder = shutil.copytree(site / "some" / "path" / "garments", tmp_path / "changed")
    description = json.loads((folder / "model.json").read_text())
    description["examples"]["tolerance"] = 0
    (folder / "model.json").write_text(json.dumps(description))
    context = browser.new_context()
    page = context.new_page()
    with serving(tmp_path) as address:
        page.goto(f"{address}changed/")
        page.locator("#engine.error").wait_for()
        assert (
            page.locator("#engine").inner_text().startswith("The predictions for the stored example images differ by ")
        )
        assert page.get_by_role("button", name="Choose photos").is_disabled()
    context.close()


def test_what_is_no_photo_is_refused(visit: Visit, tmp_path: Path) -> None:
    page = visit("garments", 390, has_touch=True, is_mobile=True)
    (tmp_path / "notes.jpg").write_text("no image")
    page.set_input_files("#files", str(tmp_path / "notes.jpg"))
    page.locator(".card .error").wait_for()
    assert page.locator(".card .error").inner_text() == (
        "This file has an unknown format (0x6e6f2069), not JPEG, PNG, WebP, BMP or GIF; convert it to one of these, or "
        "remove it."
    )
    assert page.locator("#capture").is_visible()


@pytest.mark.parametrize("name", ["facades", "garments"])
def test_everybody_can_use_the_page(visit: Visit, name: str, tmp_path: Path) -> None:
    photo = write_photo(tmp_path / "a long name of a photo that was taken in a street.png", house(48, 64))
    page = visit(name, 390, "dark")
    predict_files(page, photo)
    page.locator("#offline").wait_for()
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 390
    assert violations(page) == []
    for control in page.locator("button:visible, select:visible, input:visible, a:visible").all():
        box = control.bounding_box()
        assert box["height"] >= 24, control.evaluate("(element) => element.outerHTML")
    page.set_viewport_size({"width": 1280, "height": 900})
    page.emulate_media(color_scheme="light")
    assert violations(page) == []


def test_classes_are_explored_by_keyboard(facades_page: Any, facades: Predictor, tmp_path: Path) -> None:
    photo = write_photo(tmp_path / "keys.png", house(300, 300))
    predict_files(facades_page, photo)
    card = facades_page.locator(".card", has_text="keys.png")
    expected = facades(photo)
    assert expected.mask is not None
    assert expected.confidence is not None
    card.get_by_role("application").focus()
    facades_page.keyboard.press("ArrowRight")  # by one percent, from the middle
    name, share = facades_page.locator("#status").inner_text().removesuffix(" %").split(", ")
    assert name == facades.classes[expected.mask[150, 153]]
    assert float(share) == pytest.approx(expected.confidence[150, 153] / 2.55, abs=1)
    stage, facade = card.locator(".stage"), card.get_by_role("button", name=re.compile("^facade"))
    facade.focus()  # which hides the point
    before = stage.screenshot()
    facades_page.keyboard.press("Enter")
    assert facade.get_attribute("aria-pressed") == "true"
    assert stage.screenshot() != before
    slider = card.get_by_role("slider", name="Opacity")
    slider.focus()
    facades_page.keyboard.press("End")
    assert card.locator("output").inner_text() == "100 %"
