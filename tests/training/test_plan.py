"""What is decided before a training starts."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.utils.class_weight import compute_class_weight

from helpers import Lines, refusal
from seamline.api.training import train
from seamline.run_folder import RunFolder
from seamline.training.plan import RunOptions, make_plan


def test_balanced_weights_are_those_of_the_training_images() -> None:
    rng = np.random.default_rng(0)
    labels = np.array([0] * 100 + [1] * 30 + [2] * 20)
    data = rng.integers(0, 255, (150, 16, 16, 1), dtype=np.uint8), labels
    plan = make_plan(data, "fast", {"class_weights": "balanced"}, 0, RunOptions())
    weights = compute_class_weight("balanced", classes=np.arange(3), y=np.asarray(plan.splits.train.labels))
    assert plan.config.class_weights == pytest.approx(tuple(weights), rel=1e-5)
    assert plan.title == "fast, class_weights=balanced"
    assert plan.decisions[-1].value == plan.config.to_dict()["class_weights"]
    again = make_plan(data, "fast", {"class_weights": "balanced"}, 0, RunOptions())
    assert again.config == plan.config


def test_balanced_weights_of_masks_count_pixels_and_leave_out_ignored_ones() -> None:
    images = np.random.default_rng(0).integers(0, 255, (40, 32, 32, 3), dtype=np.uint8)
    masks = np.zeros((40, 32, 32), np.uint8)
    masks[:, :4], masks[:, 4:16] = 1, 255
    plan = make_plan((images, masks), "fast", {"class_weights": "balanced"}, 0, RunOptions())
    # 16 of the 20 rows that count are of the first class, 4 of the second
    assert plan.config.class_weights == (20 / (2 * 16), 20 / (2 * 4))


def test_the_warning_about_imbalance_names_the_cure_unless_it_is_taken() -> None:
    labels = np.array([0] * 1000 + [1] * 8)
    data = np.random.default_rng(0).integers(0, 255, (1008, 8, 8, 1), dtype=np.uint8), labels
    lines = {}
    for weights in (None, "balanced"):
        lines[weights] = Lines()
        make_plan(data, "fast", {"class_weights": weights}, 0, RunOptions(progress=lines[weights]))
    assert sum("class_weights=balanced" in line for line in lines[None].lines) == 1
    assert not any("class_weights" in line for line in lines["balanced"].lines)
    assert any("may be learned poorly" in line for line in lines["balanced"].lines)


@pytest.mark.usefixtures("no_report")
def test_a_single_remaining_image_is_normalized_with_its_batch_and_batches_of_one_are_refused(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    masks = np.repeat(rng.integers(0, 2, (30, 1, 32), dtype=np.uint8), 32, axis=1)
    data = rng.integers(0, 255, (30, 32, 32, 3), dtype=np.uint8), masks
    training = len(make_plan(data, "fast", {}, 0, RunOptions()).splits.train)
    options: dict[str, Any] = {"epochs": 1, "model": "unet-fast"}
    run = train(data, out=tmp_path / "run", batch_size=training - 1, **options)
    assert RunFolder(run.path).history.read()[0].samples == training
    text = refusal(lambda: train(data, out=tmp_path / "single", batch_size=1, **options))
    assert (
        text == "config: with batch_size=1, a batch has one small image, which cannot be normalized; try --batch-size 2"
    )
