"""Sample photos: drawn ones of pretrained models, validation images of runs, never test images."""

import dataclasses
import io
from pathlib import Path

import numpy as np
import pytest
from msgspec.structs import replace
from numpy.typing import NDArray
from PIL import Image

from run_folder.factories import run_info
from seamline.errors import SeamlineError
from seamline.inference.predictor import Predictor, load_model
from seamline.inference.pretrained import PRETRAINED, pretrained_dir
from seamline.run_folder import RunFolder, StoredImages
from seamline.serve.samples import Sample, load_samples


def pixels(sample: Sample) -> NDArray[np.uint8]:
    with Image.open(io.BytesIO(sample.content)) as image:
        assert Image.MIME[str(image.format)] == sample.media_type
        return np.asarray(image)


@pytest.mark.parametrize("name", PRETRAINED)
def test_pretrained_models_have_three_small_drawn_photos(name: str) -> None:
    model = load_model(name)
    samples = load_samples(model)
    assert len({sample.content for sample in samples}) == 3
    for sample in samples:
        assert sample.drawn
        assert len(sample.content) < 80_000
        assert not sample.name[0].isdigit()
        image = pixels(sample)
        assert image.shape == (28, 28) if name == "garments" else min(image.shape[:2]) >= 480


def test_drawn_garments_are_what_their_names_say() -> None:
    model = load_model("garments")
    labels = [model(Image.open(io.BytesIO(sample.content))).label for sample in load_samples(model)]
    assert labels == ["T-shirt/top", "Trouser", "Ankle boot"]


def serving(folder: RunFolder, val: NDArray[np.uint8], labels: NDArray[np.int64]) -> Predictor:
    """A model whose run has stored images."""
    model = load_model("facades" if val.shape[-1] == 3 else "garments")
    info = run_info(model.task)
    folder.info.write(replace(info, model=replace(info.model, input_size=val.shape[1:])))
    folder.write_data(None, StoredImages(np.zeros_like(val), val, labels))
    return dataclasses.replace(model, path=folder.path)


def test_a_classifier_has_validation_images_of_different_classes(tmp_path: Path) -> None:
    images = np.random.default_rng(0).integers(0, 255, (8, 6, 5, 1), np.uint8)
    samples = load_samples(serving(RunFolder(tmp_path), images, np.array([1, 1, 0, 0, 1, 2, 2, 2])))
    assert [sample.name for sample in samples] == [f"validation-image-{number}.png" for number in (1, 2, 3)]
    assert not any(sample.drawn for sample in samples)
    for sample, index in zip(samples, (0, 2, 5), strict=True):
        np.testing.assert_array_equal(pixels(sample), images[index, :, :, 0])


def test_a_segmenter_has_evenly_spaced_validation_images(tmp_path: Path) -> None:
    for count, places in ((9, (0, 3, 6)), (2, (0, 1))):
        images = np.random.default_rng(0).integers(0, 255, (count, 32, 64, 3), np.uint8)
        samples = load_samples(serving(RunFolder(tmp_path), images, np.zeros((count, 32, 64), np.int64)))
        assert len(samples) == len(places)
        for sample, index in zip(samples, places, strict=True):
            np.testing.assert_array_equal(pixels(sample), images[index])


def test_damaged_images_are_an_error(tmp_path: Path) -> None:
    model = serving(RunFolder(tmp_path), np.zeros((3, 6, 5, 1), np.uint8), np.array([0, 1, 2]))
    RunFolder(tmp_path).stored_images_file.write_bytes(b"PK")
    with pytest.raises(SeamlineError, match=r"images\.npz: cannot be read"):
        load_samples(model)


def test_other_models_have_none(segmenter: Path) -> None:
    assert load_samples(load_model(segmenter)) == ()
    assert load_samples(load_model(pretrained_dir("garments") / "model.onnx")) == ()
