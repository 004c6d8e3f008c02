"""The training configuration: one frozen dataclass, checked on construction."""

import dataclasses
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from types import NoneType
from typing import Any, Literal, get_args, get_origin, get_type_hints

import numpy as np
from numpy.typing import NDArray

from seamline.data.augmentation import Augmentation
from seamline.data.dataset import Dataset
from seamline.data.splits import VAL_FRACTION, SplitStrategy
from seamline.errors import SeamlineError
from seamline.models.factory import check_choices
from seamline.models.layer_choices import LayerChoices, Norm, Pooling
from seamline.run_folder import ConfigDecision, RunFolder

Optimizer = Literal["adam", "adamw", "muon"]
AmpDtype = Literal["float32", "bfloat16"]
Schedule = Literal["constant", "linear"]
CheckpointMetric = Literal["last", "val_loss", "val_accuracy"]


@dataclass(frozen=True)
class TrainConfig:
    """Everything that decides how a model is trained, data and seed aside.

    Raises:
        SeamlineError: a field has a value out of range; the line names the field and the range.
    """

    model: str
    """Name of the model: a key of `CLASSIFIERS` or `SEGMENTERS`, `timm/NAME` or `smp/DECODER/ENCODER`."""
    epochs: float
    """Passes over the training images; the last one may be partial."""
    batch_size: int
    """Images per step."""
    lr: float
    """Learning rate, the highest one of the schedule."""
    optimizer: Optimizer = "adam"
    """`adam` (weight decay in the gradient of every weight), `adamw` (decoupled, matrices only) or `muon` (`adamw` for
    the first and the last layer, orthogonalized steps for the layers between)."""
    muon_lr: float = 0.1
    """Learning rate of `muon` for the layers between, the highest one of the schedule."""
    weight_decay: float = 0.0
    """Weight decay."""
    schedule: Schedule = "constant"
    """`constant`, or `linear`: linear warm-up to `lr`, then linear decay to zero."""
    warmup: float = 0.25
    """Fraction of the steps in which `linear` warms up."""
    class_weights: tuple[float, ...] | Literal["balanced"] | None = None
    """Weight of each class in the loss, in the order of the classes; None for equal weights. `balanced` weights class k
    by N / (K n_k): of N training labels in K classes, n_k are of class k, as scikit-learn's `class_weight="balanced"`
    does. Labels are images, or pixels of masks. A run stores the numbers."""
    label_smoothing: float = 0.0
    """Fraction of the target probability that is spread over all classes."""
    hflip: bool = False
    """Flip half of the images horizontally in each epoch, and average predictions over the flip."""
    translate: int = 0
    """Translate images by up to this many pixels at random."""
    scale_jitter: float = 0.0
    """Scale images by a random factor of up to 1 + this."""
    aspect_jitter: float = 0.0
    """Change the aspect ratio of images by a random factor of up to 1 + this."""
    perspective: float = 0.0
    """Move the corners of images at random by up to this fraction of half their sides."""
    color_jitter: float = 0.0
    """Change brightness, contrast, saturation and tint at random, by up to about this fraction."""
    gamma_jitter: float = 0.0
    """Raise gray levels to a random power of up to 1 + this, or down to its inverse, as at dusk or in glare."""
    crop: int = 0
    """Train on random square parts of images, of this side in pixels; 0 for whole images."""
    train_scale: float = 1.0
    """Train on images of this fraction of their height and width."""
    cutmix: float = 0.0
    """Fraction of the images that continue as another image from a random column on; segmentation only."""
    erase: float = 0.0
    """Fraction of the images in which a random rectangle gets a random color; its pixels of masks keep their class."""
    mix: tuple[float, ...] | None = None
    """Weight of each dataset in a batch, where several are trained on; None for equal weights."""
    encoder_lr: float = 1.0
    """Learning rate of a pretrained encoder, as a fraction of that of the other layers."""
    frozen_stages: int = 0
    """Stages of a pretrained encoder, from the first, that keep their weights and statistics; 1 is the stem."""
    amp_dtype: AmpDtype = "float32"
    """Arithmetic of the layers in training; `bfloat16` is mixed precision, for GPUs that are faster with it."""
    ema_decay: float = 0.0
    """Decay per step of an exponential moving average of the weights, which the run gets in their place; 0 for none."""
    checkpoint_metric: CheckpointMetric = "last"
    """Which weights the run gets: those of the last epoch, or of the epoch with the best validation metric."""
    val_fraction: float = VAL_FRACTION
    """Fraction of the training images used for validation."""
    split_by: SplitStrategy = "groups"
    """`groups` keeps duplicates in one split; `images` splits at random, to measure how much that overestimates."""
    pretrained: bool = True
    """Start from pretrained weights, of models that have them: `efficientnet-lite0`, whose head is first fitted to
    features of the training images, `unet-lite0`, `timm/…` and `smp/…`."""
    norm: Norm | None = None
    """Batch normalization `after` each ReLU, `before` it, or `none`, of `cnn…` and `facadenet`; `default`, in Python
    None, is the model's own choice, here and below."""
    kernel: int | None = None
    """Side of every kernel, 3, 5 or 7, of `cnn`, `cnn-hidden` and `facadenet`."""
    dropout: float | None = None
    """Probability of dropout before the head, of `cnn…`, `residual-…` and `efficientnet-lite0`; of whole maps of the
    deepest layers, of `facadenet` and `fcn`."""
    pooling: Pooling | None = None
    """Pooling layers take the `max` or the `average` of 2 x 2 pixels, of `cnn`, `cnn-hidden` and `facadenet`."""
    pooling_layers: int | None = None
    """Number of the first convolutions that are followed by pooling, 2 to 6, of `facadenet`."""

    @property
    def augmentation(self) -> Augmentation:
        """The random augmentation of training images."""
        return Augmentation(**{field.name: getattr(self, field.name) for field in dataclasses.fields(Augmentation)})

    @property
    def layer_choices(self) -> LayerChoices:
        """The choices of layers."""
        return LayerChoices.of(vars(self))

    def __post_init__(self) -> None:
        """Check every field."""
        check_choices(self.model, self.layer_choices)
        _check(0 < self.epochs <= 1_000_000, "epochs", self.epochs, "above 0, up to 1,000,000")
        _check(1 <= self.batch_size <= 1_000_000, "batch_size", self.batch_size, "1 to 1,000,000")
        for name in ("lr", "muon_lr"):
            _check(0 < getattr(self, name) < math.inf, name, getattr(self, name), "above 0")
        _check(0.1 <= self.train_scale <= 1, "train_scale", self.train_scale, "0.1 to 1")
        _check(0 <= self.weight_decay < math.inf, "weight_decay", self.weight_decay, "0 or more")
        _check(0 <= self.label_smoothing < 1, "label_smoothing", self.label_smoothing, "0 or more and below 1")
        _check(0 <= self.ema_decay < 1, "ema_decay", self.ema_decay, "0 or more and below 1")
        _check(0 <= self.translate <= 100, "translate", self.translate, "0 to 100")
        for name in ("scale_jitter", "aspect_jitter"):
            _check(0 <= getattr(self, name) <= 3, name, getattr(self, name), "0 to 3")
        _check(0 <= self.perspective <= 0.5, "perspective", self.perspective, "0 to 0.5")
        _check(0 <= self.gamma_jitter <= 3, "gamma_jitter", self.gamma_jitter, "0 to 3")
        _check(self.crop == 0 or 16 <= self.crop <= 4096, "crop", self.crop, "0, or 16 to 4096")
        whole = self.crop == 0 or self.train_scale == 1
        _check(whole, "train_scale", self.train_scale, "1 where crop is set")
        _check(0 <= self.encoder_lr <= 10, "encoder_lr", self.encoder_lr, "0 to 10")
        _check(0 <= self.frozen_stages <= 20, "frozen_stages", self.frozen_stages, "0 to 20")
        if self.mix is not None:
            valid = all(0 <= weight < math.inf for weight in self.mix) and sum(self.mix) > 0
            _check(valid, "mix", self.mix, "numbers of 0 or more, not all 0")
        for name in ("color_jitter", "cutmix", "erase"):
            _check(0 <= getattr(self, name) <= 1, name, getattr(self, name), "0 to 1")
        for name in ("warmup", "val_fraction"):
            _check(0 < getattr(self, name) < 1, name, getattr(self, name), "between 0 and 1")
        for name in ("optimizer", "schedule", "amp_dtype", "checkpoint_metric", "split_by"):
            choices = get_args(field_types()[name])
            _check(getattr(self, name) in choices, name, getattr(self, name), " or ".join(choices))
        if isinstance(self.class_weights, str):
            _check(self.class_weights == "balanced", "class_weights", self.class_weights, _WEIGHTS)
        elif self.class_weights is not None:
            valid = all(0 <= weight < math.inf for weight in self.class_weights) and sum(self.class_weights) > 0
            _check(valid, "class_weights", self.class_weights, "numbers of 0 or more, not all 0")

    def balance(self, labels: NDArray[np.int64]) -> "tuple[TrainConfig, tuple[ConfigDecision, ...]]":
        """Replace balanced class weights by numbers.

        Args:
            labels: (K,) int64, training labels of each class; a class without any gets the weight 0.

        Returns:
            The configuration, and the decision that states the numbers; nothing where class weights are not balanced.
        """
        if self.class_weights != "balanced":
            return self, ()
        present = labels > 0
        weights = np.where(present, labels.sum() / (max(1, present.sum()) * np.maximum(labels, 1)), 0.0)
        numbers = tuple(float(f"{weight:.6g}") for weight in weights)
        reason = f"balanced: N / (K n) for {labels.sum():,} training labels, {present.sum()} classes with any"
        config = dataclasses.replace(self, class_weights=numbers)
        return config, (ConfigDecision(field="class_weights", value=list(numbers), reason=reason),)

    def check_classes(self, data: Dataset) -> None:
        """Check that the fields about classes and datasets fit those of a dataset.

        Args:
            data: the dataset to train on.

        Raises:
            SeamlineError: the number of class weights is not that of the classes, labels that leave classes open cannot
                be weighted or smoothed, or there is only one dataset to mix.
        """
        if self.mix is not None and not data.parts:
            raise SeamlineError(f"config: mix is for several datasets, and {data.name} is one; leave it out")
        weights = self.class_weights
        if isinstance(weights, tuple) and len(weights) != len(data.classes):
            raise SeamlineError(f"config: class_weights has {len(weights)} numbers for {len(data.classes)} classes")
        if data.parts and (weights is not None or self.label_smoothing):
            name = "label_smoothing" if weights is None else "class_weights"
            raise SeamlineError(f"config: {name} cannot be used with several datasets, whose labels leave classes open")

    def to_dict(self) -> dict[str, Any]:
        """Convert the fields to what JSON can hold.

        Returns:
            Field -> value, with lists for tuples.
        """
        fields = dataclasses.asdict(self)
        return {name: list(value) if isinstance(value, tuple) else value for name, value in fields.items()}

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> "TrainConfig":
        """Return the configuration with the fields that JSON holds.

        Raises:
            TypeError: a field is missing.
            SeamlineError: a field is unknown, or its value of another type or out of range.
        """
        return cls(**check_fields(fields))


def read_config(folder: RunFolder) -> TrainConfig:
    """Return the configuration of a run.

    Raises:
        SeamlineError: `run.json` cannot be read, or its configuration cannot be used.
    """
    fields = folder.info.read().config
    try:
        return TrainConfig.from_dict(fields)
    except (TypeError, SeamlineError) as error:  # fields of another version, or values out of range
        raise folder.info.error(f"its config cannot be used ({error})") from None


@cache
def field_types() -> dict[str, Any]:
    """Return the type of each field of `TrainConfig`, by name."""
    return get_type_hints(TrainConfig)


def _check(valid: bool, name: str, value: object, expected: str) -> None:
    if not valid:
        raise SeamlineError(f"config: {name} must be {expected}, got {value}")


def parse_settings(settings: Iterable[str], option: str = "--set") -> dict[str, Any]:
    """Parse texts `field=value`, as `--set` takes them, to fields of `TrainConfig`.

    Args:
        settings: texts; several numbers are separated by commas, `none` means None.
        option: the option that they come from.

    Raises:
        SeamlineError: a text is not `field=value`, there is no such field, or the value does not fit it.
    """
    fields: dict[str, Any] = {}
    for setting in settings:
        name, equals, text = setting.partition("=")
        name = name.strip()
        if not equals:
            words = re.fullmatch(r"(\w+)(?:\s*:\s*|\s+)(.+)", setting.strip())
            known = words is not None and words[1] in field_types()
            example = f"{words[1]}={words[2]}" if words and known else "epochs=3"
            raise SeamlineError(f"{option} {setting}: write it as field=value, for example {option} {example}")
        if name not in field_types():
            raise SeamlineError(f"{option} {setting}: {unknown_field(name, field_types())}")
        try:
            value = _parse(text.strip(), field_types()[name])
        except ValueError:
            expected, hint = _description(field_types()[name]), _repeat_hint(text, option)
            raise SeamlineError(f"{option} {setting}: {name} takes {expected}, got {text!r}{hint}") from None
        if name in fields and fields[name] != value:
            given = format_setting(name, fields[name])
            raise SeamlineError(f"{option} {setting}: {given} is given too; keep one of them")
        fields[name] = value
    return fields


def _repeat_hint(text: str, option: str) -> str:
    """Return the right form of several settings in one, such as `3,lr=0.1`."""
    _, *others = re.split(r"[,; ]+(?=\w+=)", text)
    if not others:
        return ""
    if option != "--set":
        return "; separate fields by spaces"
    return f"; repeat --set for each field: {' '.join(f'--set {other}' for other in others)}"


def merge_flags(settings: Mapping[str, Any], flags: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of `--set`, with those that flags of their own name, such as `--epochs`; None is no flag.

    Raises:
        SeamlineError: a field is given both ways, with different values.
    """
    given = {name: whole(value) for name, value in flags.items() if value is not None}
    for name, value in given.items():
        if settings.get(name, value) != value:
            flag = f"--{name.replace('_', '-')} {format_value(value)}"
            raise SeamlineError(f"{flag}: --set {format_setting(name, settings[name])} is given too; keep one of them")
    return {**settings, **given}


def check_fields(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return fields of `TrainConfig` with lists as tuples, after checking their types.

    Raises:
        SeamlineError: there is no such field, or a value is of another type than its field.
    """
    for name in fields:
        if name not in field_types():
            raise SeamlineError(unknown_field(name, field_types()))
    checked = {name: tuple(value) if isinstance(value, list) else value for name, value in fields.items()}
    for name, value in checked.items():
        type_ = _optional(field_types()[name]) or field_types()[name]
        if value is None and type_ != field_types()[name]:
            continue
        accepted = {bool: (bool,), int: (int,), float: (int, float), str: (str,)}.get(type_, (tuple, str, type(None)))
        accepted = (str,) if get_origin(type_) is Literal else accepted
        if not isinstance(value, accepted) or (isinstance(value, bool) and type_ is not bool):
            raise SeamlineError(f"{name}: takes {_description(field_types()[name])}, got {value!r}")
    return checked


_OTHER_NAMES = {
    "learning_rate": "lr", "wd": "weight_decay", "decay": "weight_decay", "batch": "batch_size", "bs": "batch_size",
    "arch": "model", "architecture": "model", "backbone": "model", "network": "model", "weights": "class_weights",
    "class_weight": "class_weights", "num_epochs": "epochs", "n_epochs": "epochs", "max_epochs": "epochs",
}  # fmt: skip
"""Names that other programs give to fields."""


def similar_field(name: str, known: Iterable[str], similarity: float = 0.5) -> str | None:
    """Return the field that a name such as `--learning-rate` probably means; None where none is similar (0..1)."""
    plain = name.strip("-").replace("-", "_").lower()
    return _OTHER_NAMES.get(plain) or next(iter(get_close_matches(plain, list(known), 1, similarity)), None)


def unknown_field(name: str, known: Iterable[str]) -> str:
    """Return an error text for an unknown setting, with the most similar name."""
    similar = similar_field(name, known := list(known))
    remedy = f"did you mean {similar!r}?" if similar else f"the fields are {', '.join(known)}"
    return f"unknown field {name!r}; {remedy}"


def format_settings(fields: Mapping[str, Any]) -> tuple[str, ...]:
    """Return fields as texts `field=value` that `parse_settings` reads."""
    return tuple(format_setting(name, value) for name, value in fields.items())


def format_setting(name: str, value: object) -> str:
    """Return a field as a text `field=value` that `parse_settings` reads."""
    return f"{name}={format_value(value, name)}"


def format_value(value: object, field: str | None = None) -> str:
    """Return a value, of a field if it is named, as `--set` takes it: `none`, `default`, `true`, `0.5` or `1,2`."""
    if value is None and field is not None and _optional(field_types()[field]) is not None:
        return _DEFAULT
    if isinstance(value, tuple | list):
        return ",".join(map(str, value))
    return "none" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


_BOOLEANS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


_DEFAULT = "default"
"""Stands for None in fields of a single value, where it leaves the choice to the model."""


def _optional(type_: Any) -> Any:
    """Return the type of the values of a field that may be None, where they are single ones; None for other fields."""
    values = [one for one in get_args(type_) if one is not NoneType]
    may_be_none = len(values) < len(get_args(type_))
    return values[0] if may_be_none and len(values) == 1 and get_origin(values[0]) is not tuple else None


def _parse(text: str, type_: Any) -> Any:
    """Parse `text` as a value of a field's type.

    Raises:
        ValueError: it is none.
    """
    if (values := _optional(type_)) is not None:
        return None if text.lower() == _DEFAULT else _parse(text, values)
    if type_ is bool:
        if text.lower() not in _BOOLEANS:
            raise ValueError(text)
        return _BOOLEANS[text.lower()]
    if type_ in (int, float):
        return whole(type_(text))
    if type_ is str or get_origin(type_) is Literal:
        return text
    if text.lower() == "balanced" and type_ == field_types()["class_weights"]:
        return "balanced"
    return None if text.lower() == "none" else tuple(float(part) for part in text.split(","))


_NUMBERS = "numbers separated by commas"
_WEIGHTS = f"balanced, or {_NUMBERS}"


def whole(value: Any) -> Any:
    """Return a whole number of at most 2**53 as an int, anything else as it is."""
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) <= 2**53 else value


def _description(type_: Any) -> str:
    if (values := _optional(type_)) is not None:
        return f"{_description(values)}, or {_DEFAULT}"
    names = {bool: "true or false", int: "a whole number", float: "a number", str: "a name"}
    if get_origin(type_) is Literal:
        return " or ".join(get_args(type_))
    weights = type_ == field_types()["class_weights"]
    return names.get(type_, f"{_WEIGHTS if weights else _NUMBERS}, or none")
