"""What `fast` chooses for own images, rule by rule."""

from functools import cache

import hypothesis.strategies as st
import pytest
from hypothesis import given

from seamline.models.factory import build_model
from seamline.run_folder import Task
from seamline.training.auto_config import RULES, DatasetStats, autoconfigure, configure_photo_masks
from seamline.training.presets import PHOTO_PRESETS, get_preset

STATISTICS = st.builds(
    DatasetStats,
    images=st.integers(1, 3_000_000),
    height=st.integers(16, 1024),
    width=st.integers(16, 1024),
    channels=st.sampled_from([1, 3]),
    task=st.sampled_from(["classification", "segmentation"]),
    pretrained=st.booleans(),
)


@cache
def check_model(name: str, channels: int, task: Task) -> None:
    """Build a model for images of the smallest size that is chosen."""
    build_model(name, (32, 32, channels), 3, task=task)


@given(STATISTICS)
def test_every_folder_gets_a_recipe_that_can_be_used_and_a_reason_for_each_choice(of: DatasetStats) -> None:
    if of.segments and of.photos:
        recipe, chosen = configure_photo_masks("fast", of)
    else:
        recipe, chosen = autoconfigure(get_preset("fast", of.task), of)
        assert [choice.field for choice in chosen] == [rule.__name__ for rule in RULES]
    for choice in chosen:
        assert getattr(recipe, choice.field) == choice.value
        assert choice.reason
    assert recipe.batch_size & (recipe.batch_size - 1) == 0
    check_model(recipe.model, of.channels, of.task)


@pytest.mark.parametrize(
    ("of", "wanted"),
    [
        (
            DatasetStats(54_000, 28, 28, 1, "classification"),
            {"model": "cnn-fast", "batch_size": 256, "epochs": 3, "translate": 0},
        ),
        (
            DatasetStats(500, 96, 128, 3, "classification", pretrained=False),
            {"model": "residual-16", "batch_size": 16, "epochs": 26, "translate": 6},
        ),
        (
            DatasetStats(5_000, 64, 64, 3, "classification", pretrained=False),
            {"model": "residual-32", "batch_size": 64, "epochs": 8, "color_jitter": 0.2},
        ),
        (
            DatasetStats(500, 96, 128, 3, "classification"),
            {"model": "efficientnet-lite0", "optimizer": "adamw", "cutmix": 0.0},
        ),
        (DatasetStats(500, 63, 128, 3, "classification"), {"model": "residual-16", "epochs": 40}),
        (DatasetStats(500, 96, 128, 1, "classification"), {"model": "residual-16", "epochs": 26}),
        (
            DatasetStats(500, 60, 60, 1, "classification", model="efficientnet-lite0"),
            {"model": "efficientnet-lite0", "optimizer": "adamw"},
        ),
        (
            DatasetStats(500, 96, 128, 3, "classification", model="timm/resnet18"),
            {"optimizer": "muon", "epochs": 26},
        ),
        (
            DatasetStats(90_000, 64, 64, 3, "classification", pretrained=False),
            {"model": "residual-64", "epochs": 6, "scale_jitter": 0.1},
        ),
        (
            DatasetStats(700, 256, 256, 3, "segmentation", pretrained=False),
            {"model": "unet-fast", "batch_size": 8, "epochs": 23, "cutmix": 0.5},
        ),
        (DatasetStats(40, 256, 256, 1, "segmentation"), {"batch_size": 4, "epochs": 120, "translate": 21}),
    ],
)
def test_the_rules_by_hand(of: DatasetStats, wanted: dict[str, object]) -> None:
    recipe, _ = autoconfigure(get_preset("fast", of.task), of)
    assert {field: getattr(recipe, field) for field in wanted} == wanted


@pytest.mark.parametrize(
    ("preset", "of", "wanted"),
    [
        # 425 million pixels in parts of 256 x 256 are 6,485, rounded to 6,500; 2,600 million 39,700
        ("fast", DatasetStats(1_000, 384, 384, 3, "segmentation"), {"crop": 256, "epochs": 6, "cutmix": 0.0}),
        ("best", DatasetStats(1_000, 384, 384, 3, "segmentation"), {"crop": 256, "epochs": 40, "cutmix": 0.5}),
        # whole images of 128 x 96 pixels: 34,600
        ("fast", DatasetStats(1_000, 96, 128, 3, "segmentation"), {"crop": 0, "epochs": 35}),
        ("fast", DatasetStats(3, 384, 384, 3, "segmentation"), {"crop": 256, "epochs": 400}),
        ("fast", DatasetStats(9_000, 384, 384, 3, "segmentation"), {"crop": 256, "epochs": 4}),
    ],
)
def test_photos_with_masks_by_hand(preset: str, of: DatasetStats, wanted: dict[str, object]) -> None:
    recipe, chosen = configure_photo_masks(preset, of)
    assert {field: getattr(recipe, field) for field in wanted} == wanted
    assert recipe.model == "unet-lite0"
    assert {choice.field for choice in chosen} == {"model", "crop", "epochs"}
    assert recipe.lr == PHOTO_PRESETS[preset].lr


def test_best_trains_longer_and_keeps_its_model_for_tiny_images() -> None:
    photos, tiny = DatasetStats(5_000, 64, 64, 1, "classification"), DatasetStats(54_000, 28, 28, 1, "classification")
    best = get_preset("best", "classification")
    recipe, decisions = autoconfigure(best, photos, longer=True)
    assert (recipe.model, recipe.epochs, recipe.erase) == ("residual-32", 24, 0.5)
    assert next(one for one in decisions if one.field == "epochs").reason.startswith("3 times those of")
    recipe, _ = autoconfigure(best, tiny, longer=True)
    assert (recipe.model, recipe.epochs, recipe.translate) == ("residual-best", 9, 2)
