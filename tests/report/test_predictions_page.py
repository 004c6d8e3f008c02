import io
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from msgspec import structs
from numpy.typing import NDArray
from PIL import Image

from accessibility import violations
from report.conftest import Open
from report.factories import FACADE_CLASSES, PALETTE, random_triple, write_labels_record, write_masks_record
from report.test_page import Reader
from seamline.errors import SeamlineError
from seamline.report.palette import colorblind_palette
from seamline.report.predictions_page import write_predictions_page
from seamline.run_folder import prediction_record


def test_every_photo_is_shown_and_every_failure_named(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    write_masks_record(tmp_path, ("<b>", *FACADE_CLASSES[1:]), PALETTE, [random_triple(rng, 5) for _ in range(3)])
    page = write_predictions_page(tmp_path).read_text(encoding="utf-8")
    assert [int(place) for place in re.findall(r'id="photo-(\d)"', page)] == [1, 2, 3]
    assert page.count('type="range"') == 3
    assert page.count("data:image/jpeg") == 3
    assert "3 photos, 1 unreadable, predicted by" in page
    assert "part of the dataset" not in page
    assert "is no image" in page
    assert "<b>" not in re.sub(r"<b>[\d.]+\u00a0%</b>|<b>(Made-up facades|facades-fast)</b>", "", page)
    reader = Reader(page)
    assert {link[1:] for link in reader.links if link.startswith("#")} <= set(reader.ids)


def test_a_classifier_shows_labels_and_probabilities(tmp_path: Path) -> None:
    names = [f"kind {i}" for i in range(14)]
    page = write_predictions_page(write_labels_record(tmp_path, names)).read_text(encoding="utf-8")
    assert '<p class="bars-title">kind 1</p>' in page
    assert page.count('class="bar highlight"') == 2
    assert page.count("4 more classes, each less probable.") == 2
    assert 'type="range"' not in page


def test_a_photo_without_a_copy_shows_its_mask_alone(tmp_path: Path) -> None:
    write_masks_record(tmp_path, FACADE_CLASSES, PALETTE, [random_triple(np.random.default_rng(1), 5)])
    path = tmp_path / "predictions.json"
    path.write_text(path.read_text(encoding="utf-8").replace('"front-1.photo.jpg"', "null"), encoding="utf-8")
    page = write_predictions_page(tmp_path).read_text(encoding="utf-8")
    assert 'type="range"' not in page
    assert page.count('class="mask"') == 1


def test_a_folder_without_predictions_is_a_user_error(tmp_path: Path) -> None:
    with pytest.raises(SeamlineError, match=r"predictions.json: not found"):
        write_predictions_page(tmp_path)


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of predictions of gray photos, with confidence maps and the page; to be read only."""
    folder = tmp_path_factory.mktemp("predicted")
    mask = np.repeat(np.arange(4, dtype=np.uint8), 16)[:, None].repeat(96, 1)  # a stripe of each class but the last
    triples = [(np.full((64, 96, 3), 128, np.uint8), mask, mask)] * 2
    write_masks_record(folder, FACADE_CLASSES, PALETTE, triples)
    record = prediction_record(folder)
    read = record.read()
    Image.fromarray(np.full((64, 96), 230, np.uint8)).save(folder / "sure.png")
    shown = tuple(structs.replace(photo, confidence="sure.png") for photo in read.photos)
    record.write(structs.replace(read, photos=shown))
    write_predictions_page(folder)
    return folder


def pixels_of(part: Any) -> NDArray[np.uint8]:
    return np.asarray(Image.open(io.BytesIO(part.screenshot())).convert("RGB"))


def stripes_of(page: Any) -> list[list[int]]:
    """The colors of the four stripes of the second photo, away from its edges."""
    picture = pixels_of(page.locator("#photo-2 .under img"))
    height, width = picture.shape[:2]
    return [picture[int((2 * row + 1) * height / 8), int(0.8 * width)].tolist() for row in range(4)]


def blended(color: tuple[int, ...]) -> list[float]:
    return [0.45 * 128 + 0.55 * channel for channel in color]


@pytest.mark.browser
def test_the_overlay_comes_first_and_the_mask_is_a_switch(photos: Path, open_page: Open) -> None:
    page = open_page(photos, 900)
    assert np.allclose(stripes_of(page), [blended(PALETTE[label]) for label in range(4)], atol=4)
    page.get_by_label("Overlay").focus()
    page.keyboard.press("ArrowRight")
    assert page.get_by_label("Mask").is_checked()
    assert stripes_of(page) == [list(PALETTE[label]) for label in range(4)]
    page.keyboard.press("ArrowRight")
    assert np.allclose(stripes_of(page), 230, atol=4)


@pytest.mark.browser
def test_a_class_is_switched_off_in_every_mask_and_with_either_palette(photos: Path, open_page: Open) -> None:
    page = open_page(photos, 900)
    page.get_by_text("Mask", exact=True).click()
    page.get_by_label("pillar").uncheck()
    page.wait_for_function("[...document.images].every(one => one.complete)")
    gray = [128, 128, 128]
    assert np.allclose(stripes_of(page), [PALETTE[0], PALETTE[1], gray, PALETTE[3]], atol=3)
    page.locator(".palette").click()
    safe = colorblind_palette(PALETTE)
    assert np.allclose(stripes_of(page), [safe[0], safe[1], gray, safe[3]], atol=3)
    page.get_by_role("button", name="None").click()
    assert np.allclose(stripes_of(page), 128, atol=3)
    page.get_by_role("button", name="All").click()
    assert stripes_of(page) == [list(color) for color in safe[:4]]


@pytest.mark.browser
def test_the_slider_uncovers_the_photo_by_keys(photos: Path, open_page: Open) -> None:
    page = open_page(photos, 900)
    slider = page.locator("#photo-2 input[type=range]")
    assert slider.input_value() == "0"
    slider.focus()
    page.keyboard.press("End")
    assert np.allclose(stripes_of(page), 128, atol=3)
    assert slider.get_attribute("aria-valuetext") == "100 percent photo"


@pytest.mark.browser
@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_the_page_fits_and_is_accessible(
    photos: Path, tmp_path: Path, open_page: Open, width: int, scheme: str
) -> None:
    labels = write_labels_record(tmp_path, [f"kind {i}" for i in range(14)])
    write_predictions_page(labels)
    for folder in (photos, labels):
        page = open_page(folder, width, scheme)
        assert page.evaluate("document.documentElement.scrollWidth") == width
        assert violations(page) == []
        for control in page.locator(".switches label, .switches button").all():
            assert control.bounding_box()["height"] >= 24


@pytest.mark.browser
def test_print_shows_photo_and_mask_side_by_side(photos: Path, open_page: Open) -> None:
    page = open_page(photos, 680, "dark")
    page.emulate_media(media="print")
    for control in (".views", ".classes input", ".classes button", ".layers input"):
        assert not page.locator(control).first.is_visible()
    photo, mask = (page.locator(f"#photo-1 {part}").bounding_box() for part in (".under img", ".over img.mask"))
    assert photo["x"] + photo["width"] <= mask["x"]
    assert page.evaluate("getComputedStyle(document.querySelector('.over img.mask')).opacity") == "1"
