import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seamline.errors import SeamlineError
from seamline.models.classifiers import CLASSIFIERS
from seamline.models.segmenters import SEGMENTERS
from seamline.training.config import apply_overrides, get_preset, presets_for, recipe_fields, recipe_from

ORIGINAL = get_preset("original", segments=False)


def test_original_is_the_study() -> None:
    fields = recipe_fields(ORIGINAL)
    study = {"epochs": 50, "batch_size": 1024, "optimizer": "adam", "learning_rate": 1e-3, "weight_decay": 0.0}
    assert fields.items() >= study.items()
    assert ORIGINAL.class_weights is None
    assert (ORIGINAL.label_smoothing, ORIGINAL.schedule, ORIGINAL.validation) == (0.0, "constant", 0.1)


def test_original_for_masks_is_the_study() -> None:
    fields = recipe_fields(get_preset("original", segments=True))
    study = {"epochs": 15, "batch_size": 10, "optimizer": "adam", "learning_rate": 1e-3, "weight_decay": 1e-5}
    assert fields.items() >= {**study, "class_weights": None, "validation": 0.1, "schedule": "constant"}.items()
    assert not any(fields[name] for name in ("flip", "shift", "scale", "stretch", "colour", "cutmix"))


@pytest.mark.parametrize(("segments", "networks"), [(False, CLASSIFIERS), (True, SEGMENTERS)])
def test_every_recipe_names_a_network_and_survives_json(segments: bool, networks: dict[str, object]) -> None:
    recipes = presets_for(segments=segments)
    assert {"fast", "original"} <= set(recipes)
    for recipe in recipes.values():
        assert recipe.network in networks
        assert recipe_from(recipe_fields(recipe)) == recipe


def test_settings_change_single_fields() -> None:
    texts = ["epochs=3", "learning_rate=0.1", "flip=true", "class_weights=1,2.5", "keep=val_loss", "optimizer=adamw"]
    changed = apply_overrides(ORIGINAL, texts)
    assert changed == dataclasses.replace(
        ORIGINAL, epochs=3, learning_rate=0.1, flip=True, class_weights=(1.0, 2.5), keep="val_loss", optimizer="adamw"
    )
    assert apply_overrides(changed, ["class_weights=none"]).class_weights is None
    assert recipe_from(recipe_fields(changed)) == changed


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("epochs", ["--set epochs", "field=value"]),
        ("epoch=3", ["no field epoch", "epochs"]),
        ("epochs=many", ["a number", "'many'"]),
        ("epochs=0", ["epochs", "above 0, up to 1,000,000", "0"]),
        ("batch_size=99999999999999999999", ["batch_size", "1 to 1,000,000"]),
        ("shift=100000", ["shift", "0 to 100"]),
        ("scale=-0.1", ["scale", "0 to 3"]),
        ("stretch=9", ["stretch", "0 to 3"]),
        ("colour=2", ["colour", "0 to 1"]),
        ("cutmix=1.5", ["cutmix", "0 to 1"]),
        ("size=0", ["size", "0.1 to 1"]),
        ("muon_rate=0", ["muon_rate", "above 0"]),
        ("precision=int8", ["float32 or bfloat16"]),
        ("split_by=chance", ["split_by", "groups or images"]),
        ("learning_rate=-1", ["learning_rate", "above 0"]),
        ("learning_rate=nan", ["learning_rate", "above 0"]),
        ("learning_rate=inf", ["learning_rate", "above 0"]),
        ("flip=perhaps", ["true or false"]),
        ("optimizer=lion", ["adam or adamw or muon", "lion"]),
        ("keep=best", ["last or val_loss or val_accuracy"]),
        ("class_weights=a,b", ["numbers separated by commas"]),
        ("class_weights=0,0", ["not all 0"]),
        ("label_smoothing=1", ["below 1"]),
        ("validation=1", ["between 0 and 1"]),
    ],
)
def test_a_wrong_setting_is_one_line_that_says_what_is_wanted(setting: str, words: list[str]) -> None:
    with pytest.raises(SeamlineError) as error:
        apply_overrides(ORIGINAL, [setting])
    assert "\n" not in str(error.value)
    for word in words:
        assert word in str(error.value)


@given(
    name=st.sampled_from(sorted(recipe_fields(ORIGINAL))),
    value=st.one_of(st.text(max_size=12), st.integers().map(str), st.floats().map(str), st.just("none")),
)
def test_any_value_is_taken_or_refused_in_one_line(name: str, value: str) -> None:
    try:
        changed = apply_overrides(ORIGINAL, [f"{name}={value}"])
    except SeamlineError as error:
        message = str(error)
    else:
        message = name
        assert recipe_from(recipe_fields(changed)) == changed
    assert name in message


def test_whole_numbers_of_epochs_stay_whole() -> None:
    assert repr(apply_overrides(ORIGINAL, ["epochs=3"]).epochs) == "3"
    assert apply_overrides(ORIGINAL, ["epochs=1.5"]).epochs == 1.5


def test_an_unknown_recipe_lists_the_known() -> None:
    with pytest.raises(SeamlineError, match="one label an image; there are fast, sprint, original"):
        get_preset("fcn", segments=False)
    with pytest.raises(SeamlineError, match="masks; there are fast, best, sprint, original, fcn"):
        get_preset("quick", segments=True)
