import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seamline.errors import SeamlineError
from seamline.models.factory import CLASSIFIERS, SEGMENTERS
from seamline.run_folder import Task
from seamline.training.config import TrainConfig, format_settings, parse_settings
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
    fields = parse_settings(texts)
    assert parse_settings(format_settings(fields)) == fields


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
        ("class_weights=a,b", ["numbers separated by commas"]),
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
    with pytest.raises(SeamlineError, match="for classification; the presets are fast, sprint, original"):
        get_preset("fcn", "classification")
    with pytest.raises(SeamlineError, match="for segmentation; the presets are fast, best, sprint, original, fcn"):
        get_preset("quick", "segmentation")
