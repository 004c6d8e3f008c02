"""Training images on the page."""

import base64
import dataclasses
import io
import re
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from PIL import Image

from report.factories import numbered_images
from report.test_page import copy, panel_of
from seamline.errors import SeamlineError
from seamline.report.panels import training_data
from seamline.report.run_data import RunData, read_run

replace = msgspec.structs.replace


@pytest.fixture(scope="module")
def run(finished: Path) -> RunData:
    return read_run(finished)


def with_config(run: RunData, **config: Any) -> RunData:
    return dataclasses.replace(run, info=replace(run.info, config={**run.info.config, **config}))


def augmentation(run: RunData) -> str:
    panel = training_data.build(run)
    assert panel is not None
    return str(panel.values["augmentation"])


def test_images_of_a_classifier_are_by_class(run: RunData) -> None:
    panel = training_data.build(run)
    assert panel is not None
    assert panel.values["lead"] == "12 of the 2,160 training images, chosen at random, by class."
    assert panel.values["groups"] == {name: [2 * i, 2 * i + 1] for i, name in enumerate(run.classes)}
    sprite = Image.open(io.BytesIO(base64.b64decode(panel.values["sample"]["uri"].split(",")[1])))
    images = numbered_images(np.repeat(np.arange(6), 2), 12, 1)[..., 0]
    np.testing.assert_array_equal(np.asarray(sprite), np.hstack(list(images)))
    html = panel_of(run, "training_data")
    assert re.findall(r'group-title">(.*?)<', html) == list(run.classes)
    assert re.findall(r"<figcaption>(.*?)<", html) == 2 * ["original", "epoch 1", "epoch 2", "epoch 3"]


def test_augmentation_is_described(run: RunData) -> None:
    assert augmentation(run) == (
        "2 of these images, as epochs 1 to 3 augment them: mirrored left to right in every second epoch."
    )
    changed = with_config(run, hflip=False, translate=2, scale_jitter=0.25, erase=0.5, train_scale=1.0)
    assert augmentation(changed) == (
        "2 of these images, as epochs 1 to 3 augment them: moved by up to 2 pixels, scaled by a factor of up to 1.25 "
        "and in 50\u00a0% of the cases covered in part by a rectangle."
    )
    short = dataclasses.replace(run, history=run.history[:2])
    assert augmentation(short).endswith("Training ended in epoch 2; the later ones show how it would go on.")


def test_images_of_a_segmenter_are_above_their_masks(segmented: Path) -> None:
    run = read_run(segmented)
    html = panel_of(run, "training_data")
    assert "3 of the 800 training images, chosen at random, each above its mask." in html
    assert len(re.findall(r'<img [^>]*class="mask" alt="Mask of train/image_000\d.jpg"', html)) == 3
    assert "Augmented" not in html


def test_without_training_images_there_is_no_panel(run: RunData) -> None:
    assert training_data.build(dataclasses.replace(run, training_images=None, training_sheets={})) is None


def test_a_label_that_is_no_class_is_one_line(finished: Path, tmp_path: Path) -> None:
    other = copy(finished, tmp_path)
    file = read_run(other).folder.training_images
    written = file.read()
    file.write(replace(written, images=(replace(written.images[0], label=6), *written.images[1:])))
    with pytest.raises(SeamlineError, match=r"training_images.json: its labels are not those of run.json; evaluate"):
        read_run(other)
    file.write(written)
    (other / "evaluation" / "training_images.png").write_bytes((other / "evaluation" / "class_means.png").read_bytes())
    file.write(replace(written, tile=(99, 99)))
    with pytest.raises(SeamlineError, match=r"training_images.png: too small for the images of training_images.json"):
        read_run(other)
