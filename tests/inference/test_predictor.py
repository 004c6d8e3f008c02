"""Predictions in memory: their inputs, their attributes and how a notebook shows them."""

import io
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from PIL import Image

from helpers import refusal
from run_factories import COLOURS, SEGMENTER_CLASSES, save_photo
from seamline.data.image_io import read_image
from seamline.inference.onnx_metadata import seal
from seamline.inference.predictor import Predictor, load_model


@pytest.fixture(scope="module")
def segment(segmenter: Path) -> Predictor:
    return load_model(segmenter)


@pytest.fixture(scope="module")
def classify(classifier: Path) -> Predictor:
    return load_model(classifier)


def test_a_mask_with_its_fractions_and_overlay(segment: Predictor, tmp_path: Path) -> None:
    photo = save_photo(tmp_path / "front.png")
    pixels = read_image(photo)
    prediction = segment(photo)
    assert prediction.label is None
    assert prediction.probability is None
    assert prediction.probabilities == {}
    assert prediction.probability_maps is None
    assert prediction.mask is not None
    assert (prediction.height, prediction.width) == prediction.mask.shape == (60, 100)
    assert prediction.mask.dtype == np.uint8
    assert (prediction.classes, prediction.palette) == (SEGMENTER_CLASSES, COLOURS)
    assert prediction.fractions == {"dark": (prediction.mask == 0).mean(), "bright": (prediction.mask == 1).mean()}
    overlay = np.asarray(prediction.overlay())
    np.testing.assert_array_equal(overlay[prediction.mask == 0], pixels[prediction.mask == 0])
    blended = pixels[prediction.mask == 1] // 2 + np.array(COLOURS[1], np.uint8) // 2
    np.testing.assert_array_equal(overlay[prediction.mask == 1], blended)
    np.testing.assert_array_equal(prediction.image, pixels)
    assert [file.name for file in tmp_path.iterdir()] == ["front.png"]  # nothing is written


def test_probability_maps_fit_the_mask(segment: Predictor, tmp_path: Path) -> None:
    photo = save_photo(tmp_path / "front.png", 150, 200)
    prediction = segment(photo, probability_maps=True)
    maps = prediction.probability_maps
    assert maps is not None
    assert (maps.shape, maps.dtype.name) == ((2, 150, 200), "float32")
    np.testing.assert_allclose(maps.sum(0), 1, atol=1e-6)
    np.testing.assert_array_equal(maps.argmax(0), segment(photo).mask)


@pytest.mark.parametrize("task", ["segment", "classify"])
def test_paths_images_and_arrays_are_predicted_alike(task: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    predictor: Predictor = request.getfixturevalue(task)
    photo = save_photo(tmp_path / "front.png")
    pixels = read_image(photo)
    turned = Image.fromarray(pixels).rotate(90, expand=True)
    turned.getexif()[0x0112] = 6  # to be turned clockwise
    opaque = Image.fromarray(pixels).convert("RGBA")
    with Image.open(photo) as opened:
        sources = [photo, str(photo), opened, opaque, turned, pixels, np.asfortranarray(pixels)]
        first, *others = predictor(sources)
    for other in others:
        assert other.label == first.label
        assert other.probabilities == first.probabilities
        assert other.fractions == first.fractions
        np.testing.assert_array_equal(other.image, pixels)
    assert predictor([]) == []
    single = predictor(pixels)
    assert single.fractions == first.fractions
    assert single.probabilities == pytest.approx(first.probabilities, abs=1e-6)


def test_gray_arrays(classify: Predictor) -> None:
    gray = np.random.default_rng(0).integers(0, 256, (20, 20), dtype=np.uint8)
    first, *others = classify([gray, gray[..., np.newaxis], gray[..., np.newaxis].repeat(3, 2), Image.fromarray(gray)])
    for other in others:
        assert other.probabilities == pytest.approx(first.probabilities, abs=1e-6)
    assert first.label == max(first.probabilities, key=lambda name: first.probabilities[name])
    assert first.probability == max(first.probabilities.values())
    assert first.mask is None
    assert first.fractions == {}
    assert first.image.shape == (20, 20, 3)


def test_an_overlay_leaves_the_array_of_the_user_alone(segment: Predictor, tmp_path: Path) -> None:
    pixels = read_image(save_photo(tmp_path / "front.png"))
    before = pixels.copy()
    segment(pixels).overlay()
    np.testing.assert_array_equal(pixels, before)


def test_long_lists_are_predicted_in_batches(classify: Predictor) -> None:
    images = list(np.random.default_rng(0).integers(0, 256, (300, 20, 20, 3), dtype=np.uint8))
    predictions = classify(images)
    assert len(predictions) == 300
    assert predictions[299].probabilities == pytest.approx(classify(images[299]).probabilities, abs=1e-5)


@pytest.mark.parametrize(("task", "words"), [("segment", "bright"), ("classify", "left")])
def test_a_notebook_shows_a_picture(task: str, words: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    prediction = request.getfixturevalue(task)(save_photo(tmp_path / "front.png", 300, 900))
    with Image.open(io.BytesIO(prediction._repr_png_())) as picture:
        assert picture.size == (640, 213)
    html = prediction._repr_html_()
    assert "data:image/jpeg;base64," in html
    assert words in html
    assert repr(prediction).startswith("<Prediction ")


def test_mistakes_are_one_line(segment: Predictor, classify: Predictor, tmp_path: Path) -> None:
    missing = tmp_path / "none.jpg"
    assert "none.jpg: cannot be read" in refusal(lambda: segment(missing))
    assert "for segmentation" in refusal(lambda: classify(missing, max_side=64))
    assert "too small" in refusal(lambda: segment(missing, max_side=5))


@pytest.mark.parametrize("shape", [(5, 5, 4), (0, 5, 3), (5,), (2, 5, 5, 3)])
def test_arrays_that_are_no_image(segment: Predictor, shape: tuple[int, ...]) -> None:
    assert "an image must be (H, W, 3) uint8" in refusal(lambda: segment(np.zeros(shape, np.uint8)))
    assert "float64" in refusal(lambda: segment(np.zeros((5, 5, 3))))  # type: ignore[arg-type]


def test_a_stale_export_is_not_opened(segmenter: Path) -> None:
    """Its metadata tell that it is stale; that no backend can read the rest of it does not matter."""
    graph = onnx.ModelProto()
    metadata = load_model("facades", device="cpu").metadata.to_metadata()
    onnx.helper.set_model_props(graph, {key: text for key, text in metadata.items() if key != "sha256"})
    file = segmenter / "model.onnx"
    file.write_bytes(graph.SerializeToString())
    seal(file)
    try:
        assert load_model(segmenter, device="cpu").backend == "pytorch"
    finally:
        file.unlink()


def test_an_array_is_predicted_without_pytorch(tmp_path: Path) -> None:
    code = (
        "import sys, numpy as np, seamline\n"
        "prediction = seamline.load_model('garments', device='cpu')(np.zeros((28, 28, 3), np.uint8))\n"
        "assert prediction.label in prediction.classes\n"
        "assert 'torch' not in sys.modules"
    )
    settings = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=settings, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
