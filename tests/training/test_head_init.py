"""Classification from pretrained features: the head is fitted first, then all layers are trained."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.special import softmax
from sklearn.linear_model import LogisticRegression

import seamline
from helpers import Lines, refusal
from seamline.data.dataset import Split
from seamline.data.prepare import load_dataset
from seamline.errors import WeightsUnavailableError
from seamline.evaluation.cross_val import fold_indices, out_of_fold_logits
from seamline.inference.forward import predict_logits
from seamline.models import efficientnet_lite
from seamline.models.classifiers import LiteClassifier
from seamline.models.factory import build_model
from seamline.progress import Reporter
from seamline.training import head_init
from seamline.training.config import TrainConfig
from seamline.training.distributed import Distributed
from seamline.training.head_init import encode_images, fit_head, fit_weights, sample_rows
from seamline.training.loop import Training
from seamline.training.plan import RunOptions, make_plan
from seamline.training.trainer import initial_model

CONFIG = TrainConfig("efficientnet-lite0", epochs=1, batch_size=8, lr=1e-4, optimizer="adamw", hflip=True)


def photos(count: int, seed: int = 0) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Draw (count, 64, 64, 3) photos of stripes, across and down, in noise and any colors."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % 2
    wave = 60 * np.sin(np.arange(64) / 2)
    images = rng.integers(60, 190, (count, 1, 1, 3)) + rng.normal(0, 20, (count, 64, 64, 3))
    images += np.where(labels[:, None, None] == 0, wave[None, :, None], wave[None, None, :])[..., None]
    return images.clip(0, 255).astype(np.uint8), labels


def split_of(count: int, seed: int = 0) -> Split:
    images, labels = photos(count, seed)
    return Split(images, labels, tuple(map(str, range(count))), np.arange(count))


@pytest.fixture(scope="module")
def model() -> LiteClassifier:
    """A classifier with the pretrained encoder; its head is replaced by each test."""
    built = build_model("efficientnet-lite0", (64, 64, 3), 2, task="classification", pretrained=True)
    assert isinstance(built, LiteClassifier)
    return built


def nothing(done: int, total: int) -> None:
    """Report no progress."""


def test_the_head_separates_what_the_features_separate(model: LiteClassifier) -> None:
    train, test = split_of(24), split_of(20, seed=1)
    model.train()
    fit_head(model, train, CONFIG, nothing)
    assert model.training
    model.eval()
    with torch.inference_mode():
        logits = model(torch.from_numpy(test.images).permute(0, 3, 1, 2)).numpy()
    assert (logits.argmax(1) == test.labels).mean() > 0.9
    # by scikit-learn from the same features, mirrored images included
    features = encode_images(model, train.images, hflip=True).reshape(48, -1).astype(np.float64)
    center = features.mean(0)
    scale = np.sqrt(((features - center) ** 2).sum(1).mean())
    reference = LogisticRegression(C=2 / (48 * head_init.PENALTY), fit_intercept=False, tol=1e-9, max_iter=10_000)
    constant = np.ones((48, 1))
    reference.fit(np.hstack([(features - center) / scale, constant]), np.tile(train.labels, 2))
    seen = (encode_images(model, test.images, hflip=False)[0] - center) / scale
    expected = reference.predict_proba(np.hstack([seen, constant[:20]]))
    np.testing.assert_allclose(softmax(logits, axis=1), expected, atol=2e-3)
    assert model.init_description is not None
    assert model.init_description.endswith("a head fitted to features of 24 training images")


def test_of_many_images_each_class_gives_as_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(head_init, "MAX_IMAGES", 30)
    labels = np.repeat([0, 1, 3], [100, 40, 3])
    rows = sample_rows(labels, 4)
    assert np.bincount(labels[rows], minlength=4).tolist() == [10, 10, 0, 3]
    assert (np.diff(rows) > 0).all()
    assert len(sample_rows(labels[:30], 4)) == 30


@pytest.mark.parametrize(
    ("counts", "class_weights", "expected"),
    [((10, 10), None, 0.5), ((90, 10), None, 0.9), ((10, 10), (1.0, 4.0), 0.2), ((90, 10), (1.0, 9.0), 0.5)],
)
def test_classes_count_as_often_as_they_occur_and_by_their_weight(
    counts: tuple[int, int], class_weights: tuple[float, float] | None, expected: float
) -> None:
    """Ten images of each class were drawn from `counts`, and features tell nothing but how often classes occur."""
    features = np.random.default_rng(0).normal(1, 1e-9, (1, 20, 3)).astype(np.float32)
    features[:, 10:] = features[:, :10]
    config = dataclasses.replace(CONFIG, class_weights=class_weights)
    weights, bias = fit_weights(features, np.repeat([0, 1], 10), np.array(counts), config)
    assert softmax(features[0] @ weights.T + bias, axis=1)[:, 0] == pytest.approx(expected, abs=0.01)


def test_labels_are_checked_by_heads_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(self: Training, *arguments: Any, **options: Any) -> None:
        raise AssertionError("a model was trained")

    monkeypatch.setattr(Training, "__init__", never)
    split = split_of(30)
    wrong = split.labels.copy()
    wrong[4] = 1 - wrong[4]
    options: dict[str, Any] = {"folds": 3, "seed": 0, "device": torch.device("cpu"), "reporter": Reporter(quiet=True)}
    logits = out_of_fold_logits(dataclasses.replace(split, labels=wrong), 2, CONFIG, **options)
    assert (logits.argmax(1) == split.labels).mean() > 0.9
    assert logits[4].argmax() == split.labels[4]  # its own label played no part
    assert len(np.unique(fold_indices(split.groups, 3, 0))) == 3


@pytest.mark.real
def test_ants_and_bees_are_told_apart(real_data: Path, model: LiteClassifier) -> None:
    data = load_dataset(real_data / "hymenoptera", image_size="128")
    assert data.val is not None
    train, val = (split.select(np.arange(0, len(split), 4)) for split in (data.train, data.val))
    fit_head(model, train, CONFIG, nothing)
    logits = predict_logits(model, val.images)
    assert len(val) == 39
    assert (logits.argmax(1) == val.labels).sum() >= 31  # chance is 21


@pytest.fixture(scope="module")
def color_arrays() -> tuple[NDArray[np.uint8], NDArray[np.str_]]:
    images, labels = photos(40)
    return images, np.array(["across", "down"])[labels]


OPTIONS: dict[str, Any] = {"threads": 1, "label_check_folds": 0, "near_duplicates": False, "epochs": 2}


@pytest.mark.usefixtures("no_report")
def test_training_starts_from_pretrained_features_and_resumes_to_the_same_bytes(
    color_arrays: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = Lines()
    whole = seamline.train(color_arrays, out=tmp_path / "whole", progress=lines, **OPTIONS)
    told = (
        "with an encoder pretrained on ImageNet, efficientnet-lite0 (license Apache-2.0) and a head fitted to features"
    )
    assert any(line.startswith(f"efficientnet-lite0 starts {told}") for line in lines.lines)
    assert whole.info.model.init is not None
    assert whole.info.model.init.startswith(told)
    assert (whole.info.model.name, whole.info.config["pretrained"]) == ("efficientnet-lite0", True)

    step = Training._train_step

    def interrupted(training: Training, *arguments: Any) -> None:
        if training.epochs_done == 1:
            raise KeyboardInterrupt
        step(training, *arguments)

    def never(*arguments: Any) -> str:
        raise AssertionError("pretrained weights were loaded to resume")

    cut = tmp_path / "cut"
    with monkeypatch.context() as patch:
        patch.setattr(Training, "_train_step", interrupted)
        with pytest.raises(KeyboardInterrupt):
            seamline.train(color_arrays, out=cut, **OPTIONS)
    with monkeypatch.context() as patch:
        patch.setattr(efficientnet_lite, "load_pretrained", never)
        seamline.train(color_arrays, out=cut, resume=True, **OPTIONS)
    assert (cut / "model.safetensors").read_bytes() == (whole.path / "model.safetensors").read_bytes()


def test_the_main_process_alone_loads_weights(color_arrays: Any) -> None:
    plan = make_plan(color_arrays, "fast", {}, 0, RunOptions(near_duplicates=False, label_check_folds=0))
    main, _ = initial_model(plan, Distributed())
    other, _ = initial_model(plan, Distributed(rank=1))  # it gets those of the main process
    assert main.init_description != "at random"
    assert other.init_description == "at random"


def test_random_weights_are_a_choice_and_missing_ones_an_error(
    color_arrays: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    options = RunOptions(near_duplicates=False, label_check_folds=0)
    scratch = make_plan(color_arrays, "fast", {"pretrained": False}, 0, options)
    assert scratch.config.model == "residual-16"
    assert initial_model(scratch, Distributed())[0].init_description is None
    named = make_plan(color_arrays, "fast", {"pretrained": False, "model": "efficientnet-lite0"}, 0, options)
    assert named.config.lr == scratch.config.lr  # small steps are for pretrained weights
    assert initial_model(named, Distributed())[0].init_description == "at random"
    monkeypatch.setattr(efficientnet_lite, "weights_file", lambda variant: tmp_path / "missing")
    plan = make_plan(color_arrays, "fast", {}, 0, options)
    text = refusal(lambda: initial_model(plan, Distributed()), WeightsUnavailableError)
    assert text == "efficientnet-lite0: has no weights in the package; use --set pretrained=no"
