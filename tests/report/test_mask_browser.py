"""What a reader of a segmenter's page meets: sliders, colors, keys, narrow and wide, light and dark."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from report.conftest import Open
from report.factories import PALETTE
from seamline.report.index_page import write_index
from seamline.report.palette import colorblind_palette
from seamline.report.predictions_page import write_predictions_page
from seamline.report.run_data import read_run

pytestmark = pytest.mark.browser


def pixels_of(part: Any) -> NDArray[np.uint8]:
    """Return what the screen shows of a part of the page."""
    return np.asarray(Image.open(io.BytesIO(part.screenshot())).convert("RGB"))


def color_at(part: Any, x: float, y: float) -> tuple[int, ...]:
    picture = pixels_of(part)
    return tuple(picture[int(y * picture.shape[0]), int(x * picture.shape[1])].tolist())


def test_the_choice_of_colors_changes_masks_curves_and_legends(segmented: Path, open_page: Open) -> None:
    page = open_page(segmented)
    example = read_run(segmented).examples["test"][0]
    ground_truth = page.locator(".example .pictures > figure img.mask").nth(1)
    row, column = np.argwhere(example.ground_truth == 1)[700]
    place = ((column + 0.5) / example.ground_truth.shape[1], (row + 0.5) / example.ground_truth.shape[0])
    swatch = "getComputedStyle(document.querySelectorAll('#examples .swatch')[1]).backgroundColor"
    assert color_at(ground_truth, *place) == PALETTE[1]
    assert page.evaluate(swatch) == "rgb({}, {}, {})".format(*PALETTE[1])
    page.locator("#examples .palette").focus()
    page.keyboard.press("Enter")
    safe = colorblind_palette(PALETTE)
    assert color_at(ground_truth, *place) == safe[1]
    assert page.evaluate(swatch) == "rgb({}, {}, {})".format(*safe[1])
    assert page.locator("#predictions .palette").get_attribute("aria-pressed") == "true"
    page.locator("#predictions .palette").click()
    assert color_at(ground_truth, *place) == PALETTE[1]


def test_the_slider_moves_by_keys_and_uncovers_the_photo(segmented: Path, open_page: Open) -> None:
    page = open_page(segmented)
    compare = page.locator(".example .compare").first
    output, slider = compare.locator(".over img"), compare.locator("input")
    assert slider.input_value() == "100"
    assert output.get_attribute("alt") == ""
    slider.focus()
    page.keyboard.press("ArrowLeft")
    assert slider.input_value() == "99"
    assert page.locator("#photo-1 .compare input").input_value() == "0"
    page.keyboard.press("Home")
    covered = pixels_of(output)
    page.keyboard.press("End")
    assert slider.get_attribute("aria-valuetext") == "100 percent photo"
    uncovered = pixels_of(output)
    assert (covered != uncovered).any(2).mean() > 0.5
    box = compare.locator("input").bounding_box()
    page.mouse.click(box["x"] + box["width"] / 4, box["y"] + box["height"] / 3)
    assert 18 < int(slider.input_value()) < 30


def test_switches_of_predicted_photos_leave_the_examples_alone(segmented: Path, open_page: Open) -> None:
    page = open_page(segmented)
    example, predicted = (page.locator(f"{part} img.mask").first for part in (".example", "#predictions"))
    before = example.get_attribute("src")
    whole = predicted.get_attribute("src")
    page.locator("#predictions [type=checkbox]").first.uncheck()
    assert predicted.get_attribute("src") != whole
    assert example.get_attribute("src") == before
    opacity = "(one) => getComputedStyle(one).opacity"
    assert float(predicted.evaluate(opacity)) < 1
    page.locator("#predictions .views label", has_text="Mask").click()
    assert predicted.evaluate(opacity) == "1"
    assert example.evaluate(opacity) == "1"


@pytest.mark.parametrize(("width", "rows"), [(1280, 1), (1000, 1), (800, 2), (390, 2)])
def test_the_whole_prediction_shows_without_a_touch(segmented: Path, open_page: Open, width: int, rows: int) -> None:
    page = open_page(segmented, width)
    figures = page.locator(".example").first.locator(".under img, .pictures > figure img").all()
    boxes = [one.bounding_box() for one in figures]
    assert len(boxes) == 4
    assert len({round(box["y"]) for box in boxes}) == rows
    assert len({round(box["width"]) for box in boxes}) == 1
    assert boxes[0]["x"] + boxes[0]["width"] <= boxes[1]["x"]


def test_the_ranking_switches_by_keys(segmented: Path, open_page: Open) -> None:
    page = open_page(segmented)
    page.locator("#pr_curves-raw-tab").focus()
    page.keyboard.press("ArrowRight")
    assert page.locator("#pr_curves-softmax").is_visible()
    assert not page.locator("#pr_curves-raw").is_visible()
    page.locator("#classes-test thead button").nth(1).click()
    shown = [float(text.split()[0]) for text in page.locator("#classes-test tbody td:nth-child(2)").all_inner_texts()]
    assert shown == sorted(shown, reverse=True)
    assert page.locator("#classes-test tfoot th").inner_text() == "all"


@pytest.mark.parametrize("width", [390, 1280])
def test_nothing_is_wider_than_the_page(segmented: Path, open_page: Open, width: int) -> None:
    page = open_page(segmented, width, "dark")
    page.evaluate("for (const fold of document.querySelectorAll('details')) fold.open = true")
    assert page.evaluate("document.documentElement.scrollWidth") == width
    page.evaluate("for (const one of document.querySelectorAll('.compare input')) one.value = 100")
    assert page.evaluate("document.documentElement.scrollWidth") == width


def test_without_scripts_photo_and_prediction_stand_side_by_side(segmented: Path, open_page: Open) -> None:
    page = open_page(segmented, java_script_enabled=False)
    boxes = [one.bounding_box() for one in page.locator(".example").first.locator("img").all()]
    assert len(boxes) == 4
    assert len({round(box["y"]) for box in boxes}) == 1
    assert boxes[0]["x"] + boxes[0]["width"] <= boxes[1]["x"]
    first, second = (one.bounding_box() for one in page.locator("#photo-1 img").all())
    assert first["x"] + first["width"] <= second["x"]
    for control in (".compare input", ".palette", ".switches .views", ".tabs"):
        assert not page.locator(control).first.is_visible()


def test_print_shows_all_pictures_and_no_controls(segmented: Path, open_page: Open) -> None:
    page = open_page(segmented, width=760, scheme="dark")
    page.emulate_media(media="print")
    for control in (".compare input", ".palette", ".tabs"):
        assert not page.locator(control).first.is_visible()
    boxes = [one.bounding_box() for one in page.locator(".example").first.locator("img").all() if one.is_visible()]
    assert len(boxes) == 4
    assert boxes[0]["x"] + boxes[0]["width"] <= boxes[1]["x"]
    assert page.locator("#pr_curves-softmax").is_visible()
    assert page.evaluate("document.documentElement.scrollWidth") == 760


def test_the_other_pages_open_too(finished: Path, segmented: Path, open_page: Open, tmp_path: Path) -> None:
    write_predictions_page(segmented / "predictions")
    write_index(tmp_path, [finished, segmented])
    for folder, file in ((tmp_path, "index.html"), (segmented / "predictions", "report.html")):
        page = open_page(folder, 390, file=file)
        assert page.evaluate("document.documentElement.scrollWidth") == 390
    opacity = "getComputedStyle(document.querySelector('.over img')).opacity"
    assert page.evaluate(opacity) == "0.55"
    page.get_by_text("Mask", exact=True).click()
    assert page.evaluate(opacity) == "1"
