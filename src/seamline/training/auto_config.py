"""What `fast` chooses for own images, by written rules from their statistics.

Each rule gives one field of the recipe and the reason, in a sentence. The size of images is chosen before, when they
are read (`seamline.data.image_folder.resize_policy`).
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from seamline.training.config import TrainConfig


@dataclass(frozen=True)
class DatasetStats:
    """What the rules look at.

    Attributes:
        images: how many there are to learn from, those set aside for validation among them.
        height: of an image, in pixels.
        width: of an image, in pixels.
        channels: 1 for grey, 3 for colour.
        segments: whether labels are masks.
    """

    images: int
    height: int
    width: int
    channels: int
    segments: bool

    @property
    def small(self) -> bool:
        """Whether images are as small and grey as the garments of the study."""
        return self.channels == 1 and max(self.height, self.width) <= 32


@dataclass(frozen=True)
class Decision:
    """One field of a recipe, chosen.

    Attributes:
        field: its name.
        value: what was chosen.
        reason: the rule with its numbers, in a sentence.
    """

    field: str
    value: Any
    reason: str


Rule = Callable[[DatasetStats], Decision]

SEEN = {False: 40_000, True: 16_000}
"""Images that a training goes through in all, labels of whole images and masks: minutes on two cores."""
SIDE = {False: 64, True: 256}
"""Pixels a side of images of which so many are seen; of larger ones fewer are, but not below a third."""


def network(of: DatasetStats) -> Decision:
    """Which network, and how wide."""
    if of.segments:
        return Decision("network", "unet-fast", "masks: the small U-Net")
    if of.small:
        return Decision("network", "study-fast", "grey images of at most 32 pixels: the study's two convolutions")
    width = 16 if of.images < 2_000 else 32 if of.images < 20_000 else 64
    rule = "width 16 below 2,000 images, 32 below 20,000, 64 from there on"
    return Decision("network", f"residual-{width}", f"{of.images:,} images: residual blocks, {rule}")


def batch_size(of: DatasetStats) -> Decision:
    """How many images a step."""
    steps, least, most = (60, 4, 8) if of.segments else (30, 8, 256 if of.small else 64)
    power = max(least, min(most, 1 << max(0, (of.images // steps).bit_length() - 1)))
    rule = f"the power of two that leaves {steps} steps an epoch or more, {least} at least, {most} at most"
    return Decision("batch_size", power, rule)


def epochs(of: DatasetStats) -> Decision:
    """How often each image is seen."""
    least, most = (4, 120) if of.segments else (2 if of.small else 6, 60)
    share = min(1.0, max(1 / 3, SIDE[of.segments] ** 2 / (of.height * of.width)))
    seen = 4 * SEEN[False] if of.small else round(SEEN[of.segments] * share, -3)
    chosen = max(least, min(most, round(seen / max(1, of.images))))
    return Decision("epochs", chosen, f"about {seen:,} images are seen in all; {least} epochs at least, {most} at most")


def shift(of: DatasetStats) -> Decision:
    """How far images move."""
    part = 12 if of.segments else 16
    reach = 0 if of.small else min(32, min(of.height, of.width) // part)
    return Decision("shift", reach, f"a {_ORDINALS[part]} of the shorter side; none where images are small")


def scale(of: DatasetStats) -> Decision:
    """How far images are enlarged and shrunk."""
    if of.small:
        return Decision("scale", 0.0, "small images stay as they are")
    few = of.images < 20_000
    value = (0.5 if of.segments else 0.25) if few else 0.1
    return Decision("scale", value, "strong below 20,000 images, which would be learned by heart; weak from there on")


def colour(of: DatasetStats) -> Decision:
    """How far colours change."""
    if of.channels == 1:
        return Decision("colour", 0.0, "images are grey")
    return Decision("colour", 0.3 if of.segments else 0.2, "photos are taken in different light")


def cutmix(of: DatasetStats) -> Decision:
    """Whether images go on as another one."""
    few = of.segments and of.images < 20_000
    return Decision("cutmix", 0.5 if few else 0.0, "for masks of fewer than 20,000 images")


_ORDINALS = {12: "twelfth", 16: "sixteenth"}

RULES: tuple[Rule, ...] = (network, batch_size, epochs, shift, scale, colour, cutmix)
"""The rules, in the order in which they are told."""


def fitted(recipe: TrainConfig, of: DatasetStats) -> tuple[TrainConfig, tuple[Decision, ...]]:
    """Return a recipe fitted to images by the rules, and what was chosen."""
    chosen = tuple(rule(of) for rule in RULES)
    if not (of.segments or of.small):
        recipe = replace(recipe, learning_rate=4e-3, muon_rate=0.05, weight_decay=5e-2)
    return replace(recipe, **{choice.field: choice.value for choice in chosen}), chosen
