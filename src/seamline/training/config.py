"""How to train: every choice in one frozen record, checked when it is made."""

import dataclasses
import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal, get_args, get_origin, get_type_hints

from seamline.data.augmentation import Augmentation
from seamline.data.splits import SplitStrategy
from seamline.errors import SeamlineError

Optimizer = Literal["adam", "adamw", "muon"]
Precision = Literal["float32", "bfloat16"]
Schedule = Literal["constant", "one-cycle"]
Keep = Literal["last", "val_loss", "val_accuracy"]


@dataclass(frozen=True)
class TrainConfig:
    """All that decides how a network is trained, but for the data and the seed."""

    network: str
    """Name of the network: a key of `CLASSIFIERS` or `SEGMENTERS`, `timm/NAME` or `smp/DECODER/ENCODER`."""
    epochs: float
    """Passes over the training images; the last one may be a part."""
    batch_size: int
    """Images a step."""
    learning_rate: float
    """Step size; the highest one where the schedule changes it."""
    optimizer: Optimizer = "adam"
    """`adam` (weight decay added to the gradient of every weight), `adamw` (apart from it, matrices alone) or `muon`
    (`adamw` for the first and the last layer, steps of equally long directions for the layers between)."""
    muon_rate: float = 0.1
    """Step size of `muon` for the layers between; the highest one where the schedule changes it."""
    weight_decay: float = 0.0
    """Pull of the weights towards zero."""
    schedule: Schedule = "constant"
    """`constant`, or `one-cycle`: a straight line up to `learning_rate` and a straight line down to zero."""
    warmup: float = 0.25
    """Share of the steps in which `one-cycle` rises."""
    class_weights: tuple[float, ...] | None = None
    """Weight of each class in the loss, in the order of the classes; None weighs them equally."""
    label_smoothing: float = 0.0
    """Share of the target probability that is spread over all classes."""
    flip: bool = False
    """Mirror images left to right, half of them in each epoch."""
    shift: int = 0
    """Move images by up to this many pixels, anew in each epoch."""
    scale: float = 0.0
    """Enlarge or shrink images by a factor of up to 1 + this, anew in each epoch."""
    stretch: float = 0.0
    """Change the ratio of width to height by a factor of up to 1 + this, anew in each epoch."""
    colour: float = 0.0
    """Change brightness, contrast, saturation and tint by up to about this share, anew in each epoch."""
    size: float = 1.0
    """Learn from the images at this share of their width and height."""
    cutmix: float = 0.0
    """Share of the images that go on as another one from some column on, anew in each epoch; for masks alone."""
    precision: Precision = "float32"
    """Arithmetic of the layers while learning; `bfloat16` is mixed precision, for GPUs that are faster with it."""
    keep: Keep = "last"
    """Which weights to keep: of the last epoch, or of the epoch best by this validation figure."""
    validation: float = 0.1
    """Share of the training images that is set aside for validation."""
    split_by: SplitStrategy = "groups"
    """`groups`: relatives stay on one side; `images`: at random, to see what that flatters."""
    pretrained: bool = True
    """Begin a network `timm/…` or `smp/…` with its published weights, where they can be had; no other has any."""

    @property
    def changes(self) -> Augmentation:
        """The random changes that images go through, as `Batches` takes them."""
        return Augmentation(
            hflip=self.flip,
            translate_px=self.shift,
            scale_jitter=self.scale,
            aspect_jitter=self.stretch,
            color_jitter=self.colour,
            train_scale=self.size,
            cutmix=self.cutmix,
        )

    def __post_init__(self) -> None:
        """Refuse what cannot work.

        Raises:
            SeamlineError: a field has a value outside its range; the line names the field and the range.
        """
        _require(0 < self.epochs <= 1_000_000, "epochs", self.epochs, "above 0, up to 1,000,000")
        _require(1 <= self.batch_size <= 1_000_000, "batch_size", self.batch_size, "1 to 1,000,000")
        _require(0 < self.learning_rate < math.inf, "learning_rate", self.learning_rate, "above 0")
        _require(0 < self.muon_rate < math.inf, "muon_rate", self.muon_rate, "above 0")
        _require(0.1 <= self.size <= 1, "size", self.size, "0.1 to 1")
        _require(0 <= self.weight_decay < math.inf, "weight_decay", self.weight_decay, "0 or more")
        _require(0 < self.warmup < 1, "warmup", self.warmup, "between 0 and 1")
        _require(0 <= self.label_smoothing < 1, "label_smoothing", self.label_smoothing, "0 or more and below 1")
        _require(0 <= self.shift <= 100, "shift", self.shift, "0 to 100")
        for name in ("scale", "stretch"):
            _require(0 <= getattr(self, name) <= 3, name, getattr(self, name), "0 to 3")
        for name in ("colour", "cutmix"):
            _require(0 <= getattr(self, name) <= 1, name, getattr(self, name), "0 to 1")
        _require(0 < self.validation < 1, "validation", self.validation, "between 0 and 1")
        for name in ("optimizer", "schedule", "precision", "keep", "split_by"):
            choices = get_args(get_type_hints(TrainConfig)[name])
            _require(getattr(self, name) in choices, name, getattr(self, name), " or ".join(choices))
        if self.class_weights is not None:
            fine = all(0 <= weight < math.inf for weight in self.class_weights) and sum(self.class_weights) > 0
            _require(fine, "class_weights", self.class_weights, "numbers of 0 or more, not all 0")


def _require(fine: bool, name: str, value: object, wanted: str) -> None:
    if not fine:
        raise SeamlineError(f"recipe: {name} must be {wanted}, got {value}")


def apply_overrides(recipe: TrainConfig, settings: list[str]) -> TrainConfig:
    """Change single fields of a recipe, as `--set field=value` does.

    Args:
        recipe: where to start.
        settings: texts `field=value`; several numbers are separated by commas, `none` means none.

    Returns:
        The changed recipe.

    Raises:
        SeamlineError: a text is not `field=value`, there is no such field, or the value does not fit it.
    """
    kinds = get_type_hints(TrainConfig)
    changes: dict[str, Any] = {}
    for setting in settings:
        name, equals, text = setting.partition("=")
        if not equals:
            raise SeamlineError(f"--set {setting}: write it as field=value, for example --set epochs=3")
        if name not in kinds:
            raise SeamlineError(f"--set {setting}: a recipe has no field {name}; its fields are {', '.join(kinds)}")
        try:
            changes[name] = _parsed(text.strip(), kinds[name])
        except ValueError:
            raise SeamlineError(f"--set {setting}: {name} takes {_wanted(kinds[name])}, got {text!r}") from None
    return dataclasses.replace(recipe, **changes)


def overridden_fields(settings: Iterable[str]) -> set[str]:
    """Return the names of the fields that texts `field=value` change."""
    return {setting.partition("=")[0] for setting in settings}


_TRUTHS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


def _parsed(text: str, kind: Any) -> Any:
    """Read `text` as a value of a field's type.

    Raises:
        ValueError: it cannot be read so.
    """
    if kind is bool:
        if text.lower() not in _TRUTHS:
            raise ValueError(text)
        return _TRUTHS[text.lower()]
    if kind in (int, float):
        number = kind(text)
        return int(number) if kind is float and number.is_integer() else number
    if kind is str or get_origin(kind) is Literal:
        return text
    return None if text.lower() == "none" else tuple(float(part) for part in text.split(","))


def _wanted(kind: Any) -> str:
    words = {bool: "true or false", int: "a whole number", float: "a number"}
    return words.get(kind, "numbers separated by commas, or none")


def recipe_from(fields: dict[str, Any]) -> TrainConfig:
    """Return the recipe whose fields JSON holds (which knows lists, not tuples)."""
    fixed: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in fields.items()}
    return TrainConfig(**fixed)


def recipe_fields(recipe: TrainConfig) -> dict[str, Any]:
    """Return a recipe's fields as JSON holds them."""
    fields = dataclasses.asdict(recipe)
    return {name: list(value) if isinstance(value, tuple) else value for name, value in fields.items()}


def presets_for(*, segments: bool) -> dict[str, TrainConfig]:
    """Return the recipes by name: those for masks, or those for one label an image."""
    return SEGMENTER_PRESETS if segments else CLASSIFIER_PRESETS


def get_preset(name: str, *, segments: bool) -> TrainConfig:
    """Return the recipe called `name`.

    Args:
        name: a name of `presets_for(segments=segments)`.
        segments: whether the labels are masks.

    Raises:
        SeamlineError: there is none of that name; the line lists those there are.
    """
    recipes = presets_for(segments=segments)
    if name not in recipes:
        labels = "masks" if segments else "one label an image"
        raise SeamlineError(f"--preset {name}: there is no such recipe for {labels}; there are {', '.join(recipes)}")
    return recipes[name]


CLASSIFIER_PRESETS: dict[str, TrainConfig] = {
    "fast": TrainConfig(
        network="study-fast",
        epochs=2,
        batch_size=256,
        learning_rate=5e-3,
        optimizer="muon",
        muon_rate=0.1,
        weight_decay=1e-2,
        schedule="one-cycle",
        flip=True,
    ),
    "sprint": TrainConfig(
        network="study-fast",
        epochs=1.3,
        batch_size=256,
        learning_rate=5e-3,
        optimizer="muon",
        muon_rate=0.1,
        weight_decay=1e-2,
        schedule="one-cycle",
        flip=True,
    ),
    "original": TrainConfig(network="study", epochs=50, batch_size=1024, learning_rate=1e-3),
}
"""`fast`: the same two convolutions as the study's, trained in a hundredth of the time. `sprint`: no longer than the
study's accuracy needs. `original`: the course study's, Adam at 1e-3, unweighted cross entropy, nothing else."""

SEGMENTER_PRESETS: dict[str, TrainConfig] = {
    "fast": TrainConfig(
        network="unet-fast",
        epochs=24,
        batch_size=8,
        learning_rate=5e-3,
        optimizer="adamw",
        weight_decay=5e-2,
        schedule="one-cycle",
        flip=True,
        shift=32,
        scale=0.5,
        stretch=0.25,
        colour=0.3,
        cutmix=0.5,
    ),
    "best": TrainConfig(
        network="unet-best",
        epochs=55,
        batch_size=8,
        learning_rate=5e-3,
        optimizer="adamw",
        weight_decay=5e-2,
        schedule="one-cycle",
        flip=True,
        shift=32,
        scale=0.6,
        stretch=0.25,
        colour=0.3,
        cutmix=0.5,
    ),
    "sprint": TrainConfig(
        network="unet-sprint",
        epochs=4,
        batch_size=8,
        learning_rate=1e-2,
        optimizer="muon",
        muon_rate=0.05,
        weight_decay=5e-2,
        schedule="one-cycle",
        flip=True,
        shift=16,
        scale=0.25,
        stretch=0.1,
        colour=0.1,
        size=0.5,
    ),
    "original": TrainConfig(network="facadenet", epochs=15, batch_size=10, learning_rate=1e-3, weight_decay=1e-5),
    "fcn": TrainConfig(network="fcn", epochs=30, batch_size=10, learning_rate=1e-3, weight_decay=1e-5),
}
"""`fast` and `best`: a small and a larger U-Net with strong random changes, for minutes and for half an hour on two
cores; the images are few, and without the changes they are learned by heart. `sprint`: a smaller one that looks at
images of half the size, for seconds. `original`: the course study's, with
equal weights of the classes. `fcn`: what inspired it, trained the same way, for longer."""
