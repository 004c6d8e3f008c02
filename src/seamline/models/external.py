"""Networks of others by name: `timm/NAME` gives each image scores, `smp/DECODER/ENCODER` gives each pixel scores.

Their packages, timm and segmentation_models.pytorch, are the extra `external`, imported when a name asks for them. Around
them is what every network here has: raw pixels in, normalisation in buffers, answers at the image's own size.
"""

import importlib
import math
from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from functools import partial
from types import ModuleType
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from seamline.errors import SeamlineError, first_line
from seamline.models.blocks import BaseModel, Normalize
from seamline.models.pretrained import Published, WeightsUnavailableError, smp_weights, timm_weights
from seamline.models.segmenters import Segmenter

Shape = tuple[int, int, int]

STRIDE = 32  # of every encoder with five levels; others, such as transformers of patches of 14, add their own
_STRIDES = {"pan": 128}  # decoders that halve an encoder's last maps on
_SIDES = (32, 48, 64, 96, 128, 160, 192, 224, 256, 288, 320, 384, 448, 512)  # looked through for one that is enough
_ANY = (64, 96)  # height and width at which a segmenter is tried: it must take more sizes than it was drawn for


class ExternalClassifier(BaseModel):
    """One of timm's networks.

    Args:
        layers: (B, C, H, W) float32 -> (B, K).
        channels: channels C of an image.
    """

    def __init__(self, layers: nn.Module, channels: int) -> None:
        super().__init__()
        self.normalise = Normalize(channels)
        self.layers = _safe(layers)
        named = getattr(layers, "pretrained_cfg", {}).get("classifier") or ()
        self.class_layers = tuple(f"layers.{one}." for one in ((named,) if isinstance(named, str) else named))

    def forward(self, images: Tensor) -> Tensor:
        """(B, C, H, W) uint8 -> (B, K) float32, the higher the likelier; when `mirrored`, the mean of both sides'."""
        pixels = self.normalise(images)
        scores = _through(self.layers, pixels)
        if self.training or not self.mirrored:
            return scores
        return (scores + _through(self.layers, pixels.flip(-1))) / 2


class ExternalSegmenter(Segmenter):
    """One of segmentation_models.pytorch's networks.

    Args:
        layers: (B, C, h, w) float32 -> (B, K, h, w), where sides are multiples of `stride`.
        channels: channels C of an image.
        stride: what height and width are padded to a multiple of.
    """

    def __init__(self, layers: nn.Module, channels: int, stride: int) -> None:
        super().__init__(channels, stride)
        self.layers = _safe(layers)
        self.class_layers = ("layers.segmentation_head.",)

    def scores_of(self, pixels: Tensor) -> Tensor:
        """(B, C, h, w) -> (B, K, h, w); sides are multiples of `stride`."""
        return _through(self.layers, pixels)


class _Thinned(nn.Conv2d):
    """A strided 1 x 1 convolution that leaves pixels out before it, not on its way: the same numbers."""

    def forward(self, maps: Tensor) -> Tensor:
        """(B, in, h, w) -> (B, out, h / stride, w / stride)."""
        down, right = (int(step) for step in self.stride)
        return F.conv2d(maps[..., ::down, ::right], self.weight, self.bias, groups=self.groups)


def _safe(layers: nn.Module) -> nn.Module:
    """Keep a fault of PyTorch's from layers: the gradient of a strided 1 x 1 convolution of fewer than 8 channels.

    Where channels lie last in memory it writes beside its own memory on a processor, and ends the process (2.13 and
    2.14). RepVGG, MobileOne and FastViT begin with one.
    """
    for layer in layers.modules():
        narrow = type(layer) is nn.Conv2d and layer.kernel_size == (1, 1) and layer.in_channels < 8
        if narrow and layer.stride != (1, 1) and layer.padding == (0, 0):
            layer.__class__ = _Thinned
    return layers


def is_external(name: str) -> bool:
    """Tell whether a name is one of this file's: `timm/…` or `smp/…`."""
    return name.startswith(("timm/", "smp/"))


def build_external(name: str, shape: Shape, classes: int, *, segments: bool, pretrained: bool) -> BaseModel:
    """Make a fresh network; its `begun` says what it begins with.

    Args:
        name: `timm/NAME` or `smp/DECODER/ENCODER`, as those packages name them.
        shape: (H, W, C) of an image.
        classes: number of classes K.
        segments: whether it is to score each pixel, not each image.
        pretrained: begin with published weights, and normalise as they need it, where they can be had.

    Raises:
        SeamlineError: the package is missing, it has no such network, or the network does not take such images.
    """
    kind, _, called = name.partition("/")
    if (kind == "smp") != segments:
        asked = "masks are asked for; try smp/unet/resnet34" if segments else "no masks are; try timm/resnet18"
        raise SeamlineError(f"network {name}: gives {'masks' if kind == 'smp' else 'one label an image'}, and {asked}")
    made = (_smp if segments else _timm)(name, called, classes)
    network = _sized(name, made.build, shape)
    network.packages, network.begun = made.packages, "at random"
    if not pretrained:
        return network
    try:
        weights = made.find()
        begun = made.build(shape, weights)
    except WeightsUnavailableError as error:
        network.begun = f"at random: its published weights {error}"
        return network
    except Exception as error:  # a damaged file, or weights that do not fit
        network.begun = f"at random: its published weights cannot be used ({first_line(error).rstrip('.')})"
        return network
    begun.normalise.give(weights.mean, weights.std)
    begun.packages, begun.begun = made.packages, f"with the published weights {weights.called}"
    return begun


class _Known:
    """A network that is known by name: how to build it, and where its weights are.

    Attributes:
        build: (shape, weights or None) -> network.
        find: fetches the weights.
        packages: versions of the packages that it comes from.
    """

    def __init__(
        self,
        build: Callable[[Shape, Published | None], ExternalClassifier | ExternalSegmenter],
        find: Callable[[], Published],
        *packages: ModuleType,
    ) -> None:
        self.build = build
        self.find = find
        self.packages = {package.__name__.replace("_", "-"): package.__version__ for package in packages}


def _timm(name: str, called: str, classes: int) -> _Known:
    timm = _package("timm", name)
    _check_timm(timm, name, called)

    def build(shape: Shape, weights: Published | None) -> ExternalClassifier:
        height, width, channels = shape
        options: dict[str, Any] = {"num_classes": classes, "in_chans": channels, **_overlay(weights)}
        sized = {"img_size": (height, width)} if _is_fixed(timm, called) else {}
        return ExternalClassifier(_made(partial(timm.create_model, called, **options), sized), channels)

    return _Known(build, lambda: timm_weights(timm, called), timm)


def _smp(name: str, called: str, classes: int) -> _Known:
    smp = _package("segmentation_models_pytorch", name)
    timm = _package("timm", name)
    decoder, slash, encoder = called.partition("/")
    if not slash:
        raise SeamlineError(f"network {name}: name a decoder and an encoder, such as smp/unet/resnet34")
    decoders = list(smp.MODEL_ARCHITECTURES_MAPPING)
    if decoder not in decoders:
        raise SeamlineError(f"network {name}: there is no decoder {decoder!r}; there are {', '.join(decoders)}")
    universal = encoder.removeprefix("tu-") if encoder.startswith("tu-") else None
    own = [known for known in smp.encoders.encoders if not known.startswith("timm-")]  # these have a newer name, tu-
    if universal is not None:
        _check_timm(timm, name, universal, "tu-")
    elif encoder not in own:
        raise _unknown(
            name, f"is no encoder {encoder!r}", encoder, own + [f"tu-{known}" for known in timm.list_models()]
        )

    def build(shape: Shape, weights: Published | None) -> ExternalSegmenter:
        options: dict[str, Any] = {"encoder_weights": weights.key or True if weights else None}
        if universal is not None:
            options |= _overlay(weights)
            options.pop("pretrained")  # smp says it by `encoder_weights`
        sized = {"dynamic_img_size": True} if universal is not None and _is_fixed(timm, universal) else {}
        create = partial(smp.create_model, decoder, encoder, in_channels=shape[2], classes=classes, **options)
        layers = _made(create, sized)
        strides = layers.encoder.output_stride
        stride = _STRIDES.get(decoder, STRIDE)
        return ExternalSegmenter(layers, shape[2], math.lcm(stride, strides if isinstance(strides, int) else 1))

    def find() -> Published:
        return smp_weights(smp.encoders, encoder) if universal is None else timm_weights(timm, universal)

    return _Known(build, find, smp, timm)


def _is_fixed(timm: ModuleType, called: str) -> bool:
    """Tell whether a network of timm's is drawn for one size of images, as transformers are, until told another."""
    entry = timm.get_pretrained_cfg(called)
    return entry is not None and bool(entry.fixed_input_size)


def _made(create: Callable[..., Any], sized: Mapping[str, Any]) -> Any:
    """Return a network made for its images' size; some know no such option, and keep their own."""
    try:
        return create(**sized)
    except TypeError:
        return create()


def _overlay(weights: Published | None) -> dict[str, Any]:
    """Return what makes timm read fetched weights, in its own way to fit them to classes and channels."""
    if weights is None:
        return {"pretrained": False}
    return {"pretrained": True, "pretrained_cfg_overlay": {"file": str(weights.file), "custom_load": False}}


def _package(package: str, name: str) -> ModuleType:
    try:
        return importlib.import_module(package)
    except Exception as error:  # torchvision beside another build of PyTorch raises a RuntimeError
        raise SeamlineError(
            f"network {name}: needs {package} ({first_line(error).rstrip('.')}); pip install 'seamline[external]'"
        ) from None


def _check_timm(timm: ModuleType, name: str, called: str, prefix: str = "") -> None:
    """Refuse a name that timm does not know; weights are named after a dot."""
    plain, dot, _ = called.partition(".")
    if not timm.is_model(plain):
        raise _unknown(name, f"is no network {called!r} in timm", plain, timm.list_models(), prefix)
    if dot and called not in (tagged := timm.list_pretrained(f"{plain}.*")):
        raise _unknown(name, f"are no weights {called!r} in timm", called, tagged, prefix)


def _unknown(name: str, what: str, called: str, known: Iterable[str], prefix: str = "") -> SeamlineError:
    close = [prefix + one for one in get_close_matches(called, list(known), 4, 0.5)]
    return SeamlineError(f"network {name}: there {what}" + (f"; close to it are {', '.join(close)}" if close else ""))


def _sized(
    name: str, build: Callable[[Shape, None], ExternalClassifier | ExternalSegmenter], shape: Shape
) -> BaseModel:
    """Build a network that takes images of this shape, or say which it would take."""
    height, width, channels = shape
    try:
        return _tried(build(shape, None), shape)
    except Exception as error:  # they refuse sizes with errors of every kind
        reason = _reason(error)
    for side in _SIDES:
        if side > min(height, width) and not name.startswith("smp/"):  # a segmenter pads to what it needs
            try:
                _tried(build((side, side, channels), None), (side, side, channels))
            except Exception:  # noqa: S112 - the next one may do
                continue
            raise SeamlineError(
                f"network {name}: images of {height} x {width} pixels do not fit it ({reason}); {side} x {side} would"
            )
    raise SeamlineError(f"network {name}: cannot be built for images of {height} x {width} pixels ({reason})")


def _tried(network: ExternalClassifier | ExternalSegmenter, shape: Shape) -> BaseModel:
    """Return a network that has answered for an image of this shape, a segmenter for one of at most this size."""
    height, width, channels = shape
    if isinstance(network, ExternalSegmenter):
        height, width = min(height, _ANY[0]), min(width, _ANY[1])
    network.eval()
    with torch.inference_mode():
        network(torch.zeros(1, channels, height, width, dtype=torch.uint8))
    return network.train()


def _through(layers: nn.Module, pixels: Tensor) -> Tensor:
    """Return `layers(pixels)`; statistics of a batch that need more than one image are a matter of the recipe."""
    try:
        scores: Tensor = layers(pixels)
    except ValueError as error:
        if "more than 1 value per channel" not in str(error):
            raise
        raise SeamlineError(
            "recipe: this network learns from two images or more at a time; raise batch_size above 1"
        ) from None
    return scores


def _reason(error: Exception) -> str:
    """Return an error's first line, without an end."""
    return first_line(error).rstrip(".")
