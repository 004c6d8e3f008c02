"""Automatic configuration: rules that fit the presets `fast` and `best` to a user's images.

Each rule sets one field of the configuration and states the reason. The image size is chosen before, when the images
are read (`seamline.data.image_folder.resize_policy`).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from seamline.data.dataset import MIN_PHOTO_SIDE, Dataset
from seamline.run_folder import ConfigDecision, Task
from seamline.training.config import TrainConfig
from seamline.training.presets import PHOTO_PRESETS

IMAGE_BUDGET: dict[Task, int] = {"classification": 40_000, "segmentation": 16_000}
"""Images that a training processes in all: minutes on two cores."""
REFERENCE_SIDE: dict[Task, int] = {"classification": 64, "segmentation": 256}
"""Side of the images that the budget is for, in pixels; of larger ones it allows fewer, but not below a third."""
PHOTO_BUDGET = 37_000_000
"""Pixels that the training of a classifier from pretrained features processes in all: a minute on two cores."""
PHOTO_MODELS: dict[Task, str] = {"classification": "efficientnet-lite0", "segmentation": "unet-lite0"}
"""The models with pretrained features."""
MASK_PIXELS = {"fast": 425_000_000, "best": 2_600_000_000}
"""Preset -> pixels that the training of a segmenter from pretrained features processes in all: twelve minutes, and an
hour and a quarter, on two cores."""

LONGER = 3
"""Epochs of the preset `best` for own images, as a multiple of those of `fast`."""


@dataclass(frozen=True)
class DatasetStats:
    """What the rules depend on."""

    images: int  # number of training images, those used for validation included
    height: int  # height of an image in pixels
    width: int  # width of an image in pixels
    channels: int  # 1 for grayscale, 3 for color
    task: Task  # what the labels are for
    pretrained: bool = True  # whether a model may start from pretrained weights
    model: str = ""  # the model that the user chose, empty where none is chosen

    @classmethod
    def of(cls, data: Dataset, fields: Mapping[str, Any] | None = None) -> "DatasetStats":
        """Return the statistics of a dataset, with the model and its start from `fields`, those that the user set."""
        height, width, channels = data.train.images.shape[1:]
        chosen = {name: value for name, value in (fields or {}).items() if name in ("pretrained", "model")}
        return cls(len(data.train), height, width, channels, data.task, **chosen)

    @property
    def segments(self) -> bool:
        """Whether the labels are masks."""
        return self.task == "segmentation"

    @property
    def tiny(self) -> bool:
        """Whether images are grayscale and have at most 32 pixels a side."""
        return self.channels == 1 and max(self.height, self.width) <= 32

    @property
    def photos(self) -> bool:
        """Whether a model starts from pretrained features: color images, at least `MIN_PHOTO_SIDE` a side.

        The user's choice of the model comes first.
        """
        if not self.pretrained:
            return False
        if self.model:
            return self.model == PHOTO_MODELS[self.task]
        return self.channels == 3 and min(self.height, self.width) >= MIN_PHOTO_SIDE


Rule = Callable[[DatasetStats], ConfigDecision]


def model(stats: DatasetStats) -> ConfigDecision:
    """Choose the model and its width."""
    if stats.photos:
        rule = f"color photos of at least {MIN_PHOTO_SIDE} pixels a side"
        return _decide("model", PHOTO_MODELS[stats.task], f"{rule}: an encoder with pretrained weights")
    if stats.segments:
        return _decide("model", "unet-fast", "masks: the small U-Net")
    if stats.tiny:
        return _decide("model", "cnn-fast", "grayscale images of at most 32 pixels: two convolutions")
    width = 16 if stats.images < 2_000 else 32 if stats.images < 20_000 else 64
    rule = "width 16 below 2,000 images, 32 below 20,000, else 64"
    return _decide("model", f"residual-{width}", f"{stats.images:,} images: residual blocks, {rule}")


def batch_size(stats: DatasetStats) -> ConfigDecision:
    """Choose the batch size."""
    steps, least, most = (60, 4, 8) if stats.segments else (30, 8, 256 if stats.tiny else 64)
    if stats.photos:
        steps, least, most = 15, 8, 32
    power = max(least, min(most, 1 << max(0, (stats.images // steps).bit_length() - 1)))
    rule = f"the power of two that leaves {steps} steps per epoch or more, from {least} to {most}"
    return _decide("batch_size", power, rule)


def epochs(stats: DatasetStats) -> ConfigDecision:
    """Choose the number of epochs."""
    if stats.photos:
        budget = round(PHOTO_BUDGET / (stats.height * stats.width), -2)
        least = 2 if stats.images < 20_000 else 1
        number = max(least, min(6, round(budget / max(1, stats.images))))
        return _decide(
            "epochs", number, f"about {budget:,.0f} images in all, from {least} to 6 epochs on pretrained features"
        )
    least, most = (4, 120) if stats.segments else (2 if stats.tiny else 6, 60)
    fraction = min(1.0, max(1 / 3, REFERENCE_SIDE[stats.task] ** 2 / (stats.height * stats.width)))
    budget = 4 * IMAGE_BUDGET["classification"] if stats.tiny else round(IMAGE_BUDGET[stats.task] * fraction, -3)
    number = max(least, min(most, round(budget / max(1, stats.images))))
    return _decide("epochs", number, f"about {budget:,.0f} images in all, from {least} to {most} epochs")


def translate(stats: DatasetStats) -> ConfigDecision:
    """Choose how far images are translated."""
    part, ordinal = (12, "twelfth") if stats.segments else (16, "sixteenth")
    reach = 0 if stats.tiny else min(32, min(stats.height, stats.width) // part)
    return _decide("translate", reach, f"a {ordinal} of the shorter side; 0 for tiny images")


def scale_jitter(stats: DatasetStats) -> ConfigDecision:
    """Choose how much images are scaled."""
    if stats.tiny:
        return _decide("scale_jitter", 0.0, "none for tiny images")
    few = stats.images < 20_000
    value = (0.5 if stats.segments else 0.25) if few else 0.1
    return _decide("scale_jitter", value, "strong below 20,000 images, against overfitting, else weak")


def color_jitter(stats: DatasetStats) -> ConfigDecision:
    """Choose how much colors are changed."""
    if stats.channels == 1:
        return _decide("color_jitter", 0.0, "images are grayscale")
    return _decide("color_jitter", 0.3 if stats.segments else 0.2, "photos are taken in different light")


def cutmix(stats: DatasetStats) -> ConfigDecision:
    """Choose whether images are mixed."""
    few = stats.segments and stats.images < 20_000
    return _decide("cutmix", 0.5 if few else 0.0, "for masks of fewer than 20,000 images")


RULES: tuple[Rule, ...] = (model, batch_size, epochs, translate, scale_jitter, color_jitter, cutmix)
"""The rules, in the order in which they are reported."""


def autoconfigure(
    config: TrainConfig, stats: DatasetStats, *, longer: bool = False
) -> tuple[TrainConfig, tuple[ConfigDecision, ...]]:
    """Fit the preset `fast`, or with `longer` the preset `best`, to images; return it with the decisions.

    Photos with masks have presets of their own.
    """
    decisions = tuple(rule(stats) for rule in RULES)
    if longer:
        own = ("model", "translate") if stats.tiny else ()  # the preset was made for tiny images
        decisions = tuple(_lengthen(one) if one.field == "epochs" else one for one in decisions if one.field not in own)
    if stats.photos:  # small steps, which do not destroy pretrained features
        config = replace(config, optimizer="adamw", lr=1e-4, weight_decay=5e-2)
    elif not (stats.segments or stats.tiny):
        config = replace(config, lr=4e-3, muon_lr=0.05, weight_decay=5e-2)
    return replace(config, **{decision.field: decision.value for decision in decisions}), decisions


def _lengthen(decision: ConfigDecision) -> ConfigDecision:
    return _decide("epochs", LONGER * decision.value, f"{LONGER} times those of the preset `fast`: {decision.reason}")


def configure_photo_masks(preset: str, stats: DatasetStats) -> tuple[TrainConfig, tuple[ConfigDecision, ...]]:
    """Fit a preset of `PHOTO_PRESETS` to photos with masks; return it with the decisions."""
    config, side = PHOTO_PRESETS[preset], min(stats.height, stats.width)
    crop = config.crop if side >= config.crop else 0
    pixels = crop**2 or stats.height * stats.width
    budget = round(MASK_PIXELS[preset] / pixels, -2)
    epochs = max(4, min(400, round(budget / max(1, stats.images))))
    decisions = (
        model(stats),
        _decide("crop", crop, f"parts of {config.crop} x {config.crop} pixels; 0, whole images, for smaller ones"),
        _decide("epochs", epochs, f"about {budget:,.0f} {'parts' if crop else 'images'} in all, from 4 to 400 epochs"),
    )
    return replace(config, **{decision.field: decision.value for decision in decisions}), decisions


def _decide(field: str, value: object, reason: str) -> ConfigDecision:
    return ConfigDecision(field=field, value=value, reason=reason)
