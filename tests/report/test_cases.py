"""The cases of a segmenter that the script of the page shows, and the text about them."""

import base64
import dataclasses
import io
from pathlib import Path

import msgspec
import numpy as np
import pytest
from PIL import Image

from report.factories import PALETTE, random_triple, write_classification_run, write_segmentation_run
from report.test_page import copy, page_of, panel_of
from seamline.report import cases as cases_module
from seamline.report.cases import mask_cases
from seamline.report.palette import IGNORED
from seamline.report.panels import examples
from seamline.report.run_data import RunData, read_run

replace = msgspec.structs.replace


@pytest.fixture(scope="module")
def run(segmented: Path) -> RunData:
    return read_run(segmented)


def opened(text: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(text)))


def test_each_case_has_its_metrics_and_pictures(run: RunData) -> None:
    content = mask_cases(run)
    assert content is not None
    assert (content["split"], content["total"], content["width"], content["height"]) == ("test", 12, 64, 64)
    images = run.mask_sheets["test"]
    for index, (case, metrics) in enumerate(zip(content["cases"], run.results["test"].per_image, strict=True)):
        assert (case["rank"], case["name"], case["iou"]) == (index + 1, metrics.name, metrics.mean_iou)
        _, truth, prediction = images.tile(index)
        colors = np.array([*PALETTE, IGNORED])
        for layer, mask in (("ground_truth", truth), ("prediction", prediction)):
            shown = np.asarray(opened(case["pictures"][layer]).convert("RGB"))
            np.testing.assert_array_equal(shown, colors[np.minimum(mask, 5)])
        errors = np.asarray(opened(case["pictures"]["errors"]).convert("RGBA"))
        np.testing.assert_array_equal(errors[..., 3] > 0, (truth != prediction) & (truth < 5))
        assert opened(case["pictures"]["photo"]).format == "JPEG"
        wrong = sum(pixels for true, label, pixels in case["cells"] if true != label)
        assert wrong == (errors[..., 3] > 0).sum()


def test_pictures_shrink_until_all_cases_fit(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    triples = [random_triple(rng, 5, side=192) for _ in range(10)]
    large = read_run(write_segmentation_run(tmp_path / "run", triples=triples))
    content = mask_cases(large)
    assert content is not None
    assert opened(content["cases"][0]["pictures"]["photo"]).size == (192, 192)
    monkeypatch.setattr(cases_module, "MAX_BYTES", 40_000)
    content = mask_cases(large)
    assert content is not None
    size = opened(content["cases"][0]["pictures"]["photo"]).size[0]
    assert size < 192
    assert all(opened(case["pictures"]["errors"]).size == (size, size) for case in content["cases"])


def test_the_page_says_how_many_of_how_many_images_it_has(run: RunData) -> None:
    panel = examples.build(run)
    assert panel is not None
    assert panel.values["browser"] == "All 12 test images."
    images = run.mask_sheets["test"]
    some = dataclasses.replace(images, sheets=replace(images.sheets, cases=images.sheets.cases[:5]))
    panel = examples.build(dataclasses.replace(run, mask_sheets={"test": some}))
    assert panel is not None
    assert panel.values["browser"].startswith("5 of 12 test images: those of the lowest IoU of each class, and")


def test_a_classifier_says_how_its_images_were_chosen(tmp_path: Path) -> None:
    run = read_run(write_classification_run(tmp_path / "run"))
    panel = examples.build(run)
    assert panel is not None
    shown = len(run.results["test"].sheet.examples) if run.results["test"].sheet else 0
    assert panel.values["browser"] == (
        f"{shown} of 480 test images: the most confident of each cell of the confusion matrix."
    )
    few = read_run(write_classification_run(tmp_path / "few", images=30))
    panel = examples.build(few)
    assert panel is not None
    assert panel.values["browser"] == "All 60 test images."


def test_a_run_of_an_older_version_has_its_page_without_them(segmented: Path, tmp_path: Path) -> None:
    old = copy(segmented, tmp_path)
    for file in (*old.glob("evaluation/test.*g"), *old.glob("evaluation/training_images*")):
        file.unlink()
    results = old / "evaluation" / "test.json"
    content = msgspec.json.decode(results.read_bytes())
    del content["masks"]
    results.write_bytes(msgspec.json.encode(content))
    page = page_of(old)
    assert 'class="browser' not in page
    assert 'id="cases-data"' not in page
    assert 'id="confusion-test-0-1"' not in page
    assert 'id="training_data"' not in page
    assert page.count('class="example"') == 6


def test_leads_belong_to_their_tabs(tmp_path: Path) -> None:
    html = panel_of(read_run(write_classification_run(tmp_path / "run", images=60)), "examples")
    missed, _, false_positives = html.partition('id="examples-false_positives"')
    assert "right, images of the class that are predicted as another" in missed
    assert "right, images that are wrongly predicted as the class" in false_positives
    assert "<figcaption>predicted: " in missed
    assert "<figcaption>true: " not in missed
    assert "<figcaption>true: " in false_positives
    assert "<figcaption>predicted: " not in false_positives
