import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers import refusal
from seamline.errors import SeamlineError
from seamline.models.factory import CLASSIFIERS, SEGMENTERS
from seamline.run_folder import Task
from seamline.training.config import TrainConfig, format_settings, merge_flags, parse_settings
from seamline.training.presets import PRESETS, get_preset

ORIGINAL = get_preset("original", "classification")


def override(config: TrainConfig, settings: list[str]) -> TrainConfig:
    return dataclasses.replace(config, **parse_settings(settings))


def test_original_is_the_study() -> None:
    fields = ORIGINAL.to_dict()
    study = {"epochs": 50, "batch_size": 1024, "optimizer": "adam", "lr": 1e-3, "weight_decay": 0.0}
    assert fields.items() >= study.items()
    assert ORIGINAL.class_weights is None
    assert (ORIGINAL.label_smoothing, ORIGINAL.schedule, ORIGINAL.val_fraction) == (0.0, "constant", 0.1)


def test_original_for_masks_is_the_study() -> None:
    fields = get_preset("original", "segmentation").to_dict()
    study = {"epochs": 15, "batch_size": 10, "optimizer": "adam", "lr": 1e-3, "weight_decay": 1e-5}
    assert fields.items() >= {**study, "class_weights": None, "val_fraction": 0.1, "schedule": "constant"}.items()
    assert not any(
        fields[name] for name in ("hflip", "translate", "scale_jitter", "aspect_jitter", "color_jitter", "cutmix")
    )


@pytest.mark.parametrize(("task", "models"), [("classification", CLASSIFIERS), ("segmentation", SEGMENTERS)])
def test_every_preset_names_a_model_and_survives_json(task: Task, models: dict[str, object]) -> None:
    presets = PRESETS[task]
    assert {"fast", "original"} <= set(presets)
    for config in presets.values():
        assert config.model in models
        assert TrainConfig.from_dict(config.to_dict()) == config


def test_settings_change_single_fields() -> None:
    texts = ["epochs=3", "lr=0.1", "hflip=true", "class_weights=1,2.5", "checkpoint_metric=val_loss", "optimizer=adamw"]
    changed = override(ORIGINAL, texts)
    assert changed == dataclasses.replace(
        ORIGINAL,
        epochs=3,
        lr=0.1,
        hflip=True,
        class_weights=(1.0, 2.5),
        checkpoint_metric="val_loss",
        optimizer="adamw",
    )
    assert override(changed, ["class_weights=none"]).class_weights is None
    assert TrainConfig.from_dict(changed.to_dict()) == changed
    fields = parse_settings([*texts, "muon_lr=1"])
    assert parse_settings(format_settings(fields)) == fields
    assert override(changed, ["class_weights=balanced"]).class_weights == "balanced"


def test_flags_mean_the_fields_of_the_same_name() -> None:
    flags = {"epochs": 20.0, "batch_size": None, "lr": 0.1}
    assert merge_flags({"epochs": 20, "hflip": True}, flags) == {"epochs": 20, "hflip": True, "lr": 0.1}
    assert merge_flags({}, {"batch_size": 8}) == {"batch_size": 8}
    assert refusal(lambda: merge_flags({"batch_size": 4}, {"batch_size": 8})) == (
        "--batch-size 8: --set batch_size=4 is given too; keep one of them"
    )


@pytest.mark.parametrize("form", ["epochs 20", "epochs: 20", "epochs:20", " epochs : 20"])
def test_another_form_of_a_setting_is_answered_with_the_right_one(form: str) -> None:
    assert refusal(lambda: parse_settings([form])).endswith("write it as field=value, for example --set epochs=20")


def test_a_field_set_twice_is_refused() -> None:
    assert parse_settings(["epochs=2", "epochs=2.0"]) == {"epochs": 2}
    assert "epochs=2 is given too" in refusal(lambda: parse_settings(["epochs=2", "epochs=3"]))


@pytest.mark.parametrize(
    ("labels", "weights"),
    [([10, 30], (2.0, 0.666667)), ([1, 0, 3], (2.0, 0.0, 0.666667)), ([4, 4], (1.0, 1.0))],
)
def test_balanced_weights_are_inverse_to_the_labels_of_a_class(labels: list[int], weights: tuple[float, ...]) -> None:
    config, decisions = override(ORIGINAL, ["class_weights=balanced"]).balance(np.array(labels))
    assert config.class_weights == weights
    assert [one.value for one in decisions] == [list(weights)]
    assert f"{sum(labels)} training labels" in decisions[0].reason
    assert config.balance(np.array(labels)) == (config, ())


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("epochs", ["--set epochs", "field=value"]),
        ("epoch=3", ["unknown field 'epoch'", "did you mean 'epochs'?"]),
        ("epochs=many", ["a number", "'many'"]),
        ("epochs=0", ["epochs", "above 0, up to 1,000,000", "0"]),
        ("batch_size=99999999999999999999", ["batch_size", "1 to 1,000,000"]),
        ("translate=100000", ["translate", "0 to 100"]),
        ("scale_jitter=-0.1", ["scale", "0 to 3"]),
        ("aspect_jitter=9", ["aspect_jitter", "0 to 3"]),
        ("color_jitter=2", ["color_jitter", "0 to 1"]),
        ("cutmix=1.5", ["cutmix", "0 to 1"]),
        ("train_scale=0", ["train_scale", "0.1 to 1"]),
        ("muon_lr=0", ["muon_lr", "above 0"]),
        ("amp_dtype=int8", ["float32 or bfloat16"]),
        ("split_by=chance", ["split_by", "groups or images"]),
        ("lr=-1", ["lr", "above 0"]),
        ("lr=nan", ["lr", "above 0"]),
        ("lr=inf", ["lr", "above 0"]),
        ("hflip=perhaps", ["true or false"]),
        ("optimizer=lion", ["adam or adamw or muon", "lion"]),
        ("checkpoint_metric=best", ["last or val_loss or val_accuracy"]),
        ("class_weights=a,b", ["balanced, or numbers separated by commas"]),
        ("class_weights=equal", ["balanced, or numbers separated by commas"]),
        ("learning_rate=1", ["unknown field 'learning_rate'", "did you mean 'lr'?"]),
        ("batch-size=1", ["did you mean 'batch_size'?"]),
        ("epochs=3,lr=0.1", ["repeat --set for each field: --set lr=0.1"]),
        ("class_weights=0,0", ["not all 0"]),
        ("label_smoothing=1", ["below 1"]),
        ("val_fraction=1", ["between 0 and 1"]),
    ],
)
def test_a_wrong_setting_is_one_line_that_says_what_is_wanted(setting: str, words: list[str]) -> None:
    with pytest.raises(SeamlineError) as error:
        override(ORIGINAL, [setting])
    assert "\n" not in str(error.value)
    for word in words:
        assert word in str(error.value)


@given(
    name=st.sampled_from(sorted(ORIGINAL.to_dict())),
    value=st.one_of(st.text(max_size=12), st.integers().map(str), st.floats().map(str), st.just("none")),
)
def test_any_value_is_taken_or_refused_in_one_line(name: str, value: str) -> None:
    try:
        changed = override(ORIGINAL, [f"{name}={value}"])
    except SeamlineError as error:
        message = str(error)
    else:
        message = name
        assert TrainConfig.from_dict(changed.to_dict()) == changed
    assert name in message


def test_whole_numbers_of_epochs_stay_whole() -> None:
    assert repr(override(ORIGINAL, ["epochs=3"]).epochs) == "3"
    assert override(ORIGINAL, ["epochs=1.5"]).epochs == 1.5


def test_an_unknown_preset_lists_the_known() -> None:
    with pytest.raises(SeamlineError, match="for classification; the presets are fast, best, sprint, original"):
        get_preset("fcn", "classification")
    with pytest.raises(SeamlineError, match="for segmentation; the presets are fast, best, sprint, original, fcn"):
        get_preset("quick", "segmentation")
