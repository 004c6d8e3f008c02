"""Models of other packages by name: `timm/NAME` classifies images, `smp/DECODER/ENCODER` segments them.

The packages, timm and segmentation_models.pytorch, are the extra `external`, and are imported only for such a name.
Their layers keep the contract of `BaseModel`: uint8 in, logits of the image's own size out, normalization as buffers.
"""

import importlib
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import partial
from types import ModuleType
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from seamline.errors import SeamlineError, WeightsUnavailableError, first_line
from seamline.models.blocks import BaseModel, Normalize
from seamline.models.classifiers import SINGLE_IMAGE_BATCH
from seamline.models.pretrained import PretrainedWeights, smp_weights, timm_weights
from seamline.models.segmenters import Segmenter
from seamline.run_folder import Task

Shape = tuple[int, int, int]

STRIDE = 32  # of every encoder with five levels; others, such as transformers with patches of 14, add their own
_DECODER_STRIDES = {"pan": 128}  # decoders that downsample the encoder's last maps further
_SIDES = (32, 48, 64, 96, 128, 160, 192, 224, 256, 288, 320, 384, 448, 512)  # tried, to suggest a size that fits
_SMOKE_TEST_SIZE = (64, 96)  # height and width at which a segmenter is tried: it must take any size


class ExternalClassifier(BaseModel):
    """A model of timm.

    Args:
        layers: (B, C, H, W) float32 -> logits (B, K) float32.
        channels: channels C of an image.
    """

    def __init__(self, layers: nn.Module, channels: int) -> None:
        super().__init__()
        self.normalize = Normalize(channels)
        self.layers = _replace_strided_pointwise(layers)
        names = getattr(layers, "pretrained_cfg", {}).get("classifier") or ()
        self.head_prefixes = tuple(f"layers.{name}." for name in ((names,) if isinstance(names, str) else names))

    def forward_logits(self, pixels: Tensor) -> Tensor:
        """(B, C, H, W) float32, normalized -> logits (B, K) float32."""
        return _forward(self.layers, pixels)

    def pooled_features(self, pixels: Tensor) -> Tensor:
        """(B, C, H, W) float32, normalized -> (B, D) float32, what the head's last layer gets."""
        layers: Any = self.layers
        if not hasattr(layers, "forward_head"):
            return super().pooled_features(pixels)
        features: Tensor = layers.forward_head(layers.forward_features(pixels), pre_logits=True)
        return features.flatten(1)


class ExternalSegmenter(Segmenter):
    """A model of segmentation_models.pytorch.

    Args:
        layers: (B, C, h, w) float32 -> logits (B, K, h, w) float32, where sides are multiples of `stride`.
        channels: channels C of an image.
        stride: what height and width are padded to a multiple of.
    """

    def __init__(self, layers: nn.Module, channels: int, stride: int) -> None:
        super().__init__(channels, stride)
        self.layers = _replace_strided_pointwise(layers)
        self.head_prefixes = ("layers.segmentation_head.",)

    def forward_levels(self, pixels: Tensor) -> list[Tensor]:
        """(B, C, h, w) float32, normalized, sides multiples of `stride` -> the encoder's maps (B, D, rows, columns)."""
        encoder: Any = self.layers.encoder
        levels = encoder(pixels)
        return list(levels[0] if isinstance(levels[0], list | tuple) else levels)  # some add tokens that are no maps

    def forward_padded(self, pixels: Tensor) -> Tensor:
        """(B, C, h, w) float32, normalized, sides multiples of `stride` -> logits (B, K, h, w) float32."""
        return _forward(self.layers, pixels)


class StridedPointwiseConv(nn.Conv2d):
    """A strided 1 x 1 convolution that subsamples its input first; the result is the same."""

    def forward(self, maps: Tensor) -> Tensor:
        """(B, in, h, w) float32 -> (B, out, h / stride, w / stride) float32."""
        down, right = (int(step) for step in self.stride)
        return F.conv2d(maps[..., ::down, ::right], self.weight, self.bias, groups=self.groups)


def _replace_strided_pointwise(layers: nn.Module) -> nn.Module:
    """Avoid a defect of PyTorch in the gradient of a strided 1 x 1 convolution of fewer than 8 channels.

    With channels last in memory on a CPU it writes out of bounds and ends the process (2.13 and 2.14). RepVGG,
    MobileOne and FastViT start with such a layer.
    """
    for layer in layers.modules():
        narrow = type(layer) is nn.Conv2d and layer.kernel_size == (1, 1) and layer.in_channels < 8
        if narrow and layer.stride != (1, 1) and layer.padding == (0, 0):
            layer.__class__ = StridedPointwiseConv
    return layers


@dataclass(frozen=True)
class ExternalSpec:
    """How to build an external model, and where its pretrained weights are."""

    # (input shape, pretrained weights or None) -> model
    build: Callable[[Shape, PretrainedWeights | None], ExternalClassifier | ExternalSegmenter]
    fetch_weights: Callable[[], PretrainedWeights]  # fetches the pretrained weights
    packages: tuple[ModuleType, ...]  # the packages that the model comes from

    @property
    def versions(self) -> dict[str, str]:
        """Versions of the packages."""
        return {package.__name__.replace("_", "-"): package.__version__ for package in self.packages}


def build_external(name: str, input_shape: Shape, n_classes: int, *, task: Task, pretrained: bool) -> BaseModel:
    """Build a model `timm/NAME` or `smp/DECODER/ENCODER`, as those packages name them; see `build_model`.

    With `pretrained` it gets pretrained weights, and the normalization that they need.

    Raises:
        SeamlineError: the package is not installed, it has no such model, or the model does not take such images.
        WeightsUnavailableError: there are no pretrained weights, or they cannot be fetched.
    """
    package, _, model_name = name.partition("/")
    if (package == "smp") != (task == "segmentation"):
        suggestion = "smp/unet/resnet34" if task == "segmentation" else "timm/resnet18"
        own_task = "segmentation" if package == "smp" else "classification"
        raise SeamlineError(f"model {name}: is for {own_task}, but the labels are for {task}; try {suggestion}")
    spec = (_smp_spec if package == "smp" else _timm_spec)(name, model_name, n_classes)
    model = _build_for_size(name, spec.build, input_shape)
    model.versions, model.init_description = spec.versions, "at random"
    if not pretrained:
        return model
    try:
        weights = spec.fetch_weights()
        model = spec.build(input_shape, weights)
    except WeightsUnavailableError as error:
        raise WeightsUnavailableError(f"model {name}: its pretrained weights {error}") from None
    except Exception as error:  # a damaged file, or weights that do not fit
        raise WeightsUnavailableError(
            f"model {name}: its pretrained weights cannot be used ({_reason(error)}); "
            "use random weights with --set pretrained=no"
        ) from None
    model.normalize.set_stats(weights.mean, weights.std)
    model.versions, model.init_description = spec.versions, f"with the pretrained weights {weights.title}"
    return model


def _timm_spec(name: str, model_name: str, n_classes: int) -> ExternalSpec:
    timm = _import_package("timm", name)
    _check_timm_name(timm, name, model_name)

    def build(input_shape: Shape, weights: PretrainedWeights | None) -> ExternalClassifier:
        height, width, channels = input_shape
        options: dict[str, Any] = {"num_classes": n_classes, "in_chans": channels, **_timm_weight_options(weights)}
        size_options = {"img_size": (height, width)} if _has_fixed_size(timm, model_name) else {}
        return ExternalClassifier(_create(partial(timm.create_model, model_name, **options), size_options), channels)

    return ExternalSpec(build, lambda: timm_weights(timm, model_name), (timm,))


def _smp_spec(name: str, model_name: str, n_classes: int) -> ExternalSpec:
    smp = _import_package("segmentation_models_pytorch", name)
    timm = _import_package("timm", name)
    decoder, slash, encoder = model_name.partition("/")
    if not slash:
        raise SeamlineError(f"model {name}: name a decoder and an encoder, such as smp/unet/resnet34")
    decoders = list(smp.MODEL_ARCHITECTURES_MAPPING)
    if decoder not in decoders:
        raise SeamlineError(f"model {name}: there is no decoder {decoder!r}; the decoders are {', '.join(decoders)}")
    timm_encoder = encoder.removeprefix("tu-") if encoder.startswith("tu-") else None
    encoders = [known for known in smp.encoders.encoders if not known.startswith("timm-")]  # renamed to tu-
    if timm_encoder is not None:
        _check_timm_name(timm, name, timm_encoder, "tu-")
    elif encoder not in encoders:
        known = encoders + [f"tu-{model}" for model in timm.list_models()]
        raise _unknown_name(name, f"is no encoder {encoder!r}", encoder, known)

    def build(input_shape: Shape, weights: PretrainedWeights | None) -> ExternalSegmenter:
        options: dict[str, Any] = {"encoder_weights": weights.key or True if weights else None}
        if timm_encoder is not None:
            options |= _timm_weight_options(weights)
            options.pop("pretrained")  # smp uses `encoder_weights`
        fixed = timm_encoder is not None and _has_fixed_size(timm, timm_encoder)
        create = partial(smp.create_model, decoder, encoder, in_channels=input_shape[2], classes=n_classes, **options)
        layers = _create(create, {"dynamic_img_size": True} if fixed else {})
        encoder_stride = layers.encoder.output_stride
        stride = math.lcm(
            _DECODER_STRIDES.get(decoder, STRIDE), encoder_stride if isinstance(encoder_stride, int) else 1
        )
        return ExternalSegmenter(layers, input_shape[2], stride)

    def fetch_weights() -> PretrainedWeights:
        return smp_weights(smp.encoders, encoder) if timm_encoder is None else timm_weights(timm, timm_encoder)

    return ExternalSpec(build, fetch_weights, (smp, timm))


def _has_fixed_size(timm: ModuleType, model_name: str) -> bool:
    """Return whether a timm model is built for one image size, as transformers are, unless it is given another."""
    entry = timm.get_pretrained_cfg(model_name)
    return entry is not None and bool(entry.fixed_input_size)


def _create(create: Callable[..., Any], size_options: Mapping[str, Any]) -> Any:
    """Create a model for the image size; some models do not take such an option."""
    try:
        return create(**size_options)
    except TypeError:
        return create()


def _timm_weight_options(weights: PretrainedWeights | None) -> dict[str, Any]:
    """Return options that make timm load a fetched file and adapt it to classes and channels."""
    if weights is None:
        return {"pretrained": False}
    return {"pretrained": True, "pretrained_cfg_overlay": {"file": str(weights.file), "custom_load": False}}


def _import_package(package: str, name: str) -> ModuleType:
    try:
        return importlib.import_module(package)
    except Exception as error:  # torchvision for another build of PyTorch raises a RuntimeError
        raise SeamlineError(
            f"model {name}: needs {package} ({_reason(error)}); pip install 'seamline[external]'"
        ) from None


def _check_timm_name(timm: ModuleType, name: str, model_name: str, prefix: str = "") -> None:
    """Refuse a model that timm does not have; a tag of pretrained weights follows a dot."""
    plain, dot, _ = model_name.partition(".")
    if not timm.is_model(plain):
        raise _unknown_name(name, f"is no model {model_name!r} in timm", plain, timm.list_models(), prefix)
    if dot and model_name not in (tags := timm.list_pretrained(f"{plain}.*")):
        raise _unknown_name(name, f"are no weights {model_name!r} in timm", model_name, tags, prefix)


def _unknown_name(name: str, what: str, given: str, known: Iterable[str], prefix: str = "") -> SeamlineError:
    close = [prefix + match for match in get_close_matches(given, list(known), 4, 0.5)]
    return SeamlineError(f"model {name}: there {what}" + (f"; similar names: {', '.join(close)}" if close else ""))


def _build_for_size(
    name: str, build: Callable[[Shape, None], ExternalClassifier | ExternalSegmenter], input_shape: Shape
) -> BaseModel:
    """Build a model that takes images of this shape; else raise an error that suggests a size."""
    height, width, channels = input_shape
    try:
        return _smoke_test(build(input_shape, None), input_shape)
    except Exception as error:  # models refuse sizes with errors of every kind
        reason = _reason(error)
    for side in _SIDES:
        if side > min(height, width) and not name.startswith("smp/"):  # a segmenter pads to what it needs
            try:
                _smoke_test(build((side, side, channels), None), (side, side, channels))
            except Exception:  # noqa: S112 - try the next size
                continue
            raise SeamlineError(
                f"model {name}: does not take images of {width} x {height} pixels ({reason}); {side} x {side} would fit"
            )
    raise SeamlineError(f"model {name}: cannot be built for images of {width} x {height} pixels ({reason})")


def _smoke_test(model: ExternalClassifier | ExternalSegmenter, input_shape: Shape) -> BaseModel:
    """Return a model after a forward pass of one image of this shape, for a segmenter of at most this shape."""
    height, width, channels = input_shape
    if isinstance(model, ExternalSegmenter):
        height, width = min(height, _SMOKE_TEST_SIZE[0]), min(width, _SMOKE_TEST_SIZE[1])
    model.eval()
    with torch.inference_mode():
        model(torch.zeros(1, channels, height, width, dtype=torch.uint8))
    return model.train()


def _forward(layers: nn.Module, pixels: Tensor) -> Tensor:
    """Return `layers(pixels)`; name the setting to change where a batch of one image is too small."""
    try:
        logits: Tensor = layers(pixels)
    except ValueError as error:
        if "more than 1 value per channel" not in str(error):
            raise
        raise SeamlineError(SINGLE_IMAGE_BATCH) from None
    return logits


def _reason(error: Exception) -> str:
    """Return an error's first line without its full stop."""
    return first_line(error).rstrip(".")
