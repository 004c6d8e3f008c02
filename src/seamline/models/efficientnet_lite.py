"""EfficientNet-Lite: an encoder for color photos whose weights, pretrained on ImageNet, are part of the package.

Architecture: Tan and Le, EfficientNet, ICML 2019; the Lite variants (TensorFlow TPU repository, 2020) leave out
squeeze-and-excitation, use ReLU6 and keep the width of the stem and the head.
"""

import math
from pathlib import Path

from safetensors.torch import load_file
from torch import Tensor, nn

from seamline.errors import WeightsUnavailableError
from seamline.models.blocks import BaseModel

PIXEL_MEAN, PIXEL_STD = (127.0,) * 3, (128.0,) * 3
"""Normalization of pixels, 0..255, that the weights were trained with."""

STRIDE = 32
"""What height and width of the pixels must be multiples of."""

FEATURES = 1280
"""Number of pooled features."""

_EPS, _MOMENTUM = 1e-3, 0.01  # of batch normalization, as the weights were trained
_STEM = 32
_STAGES = (  # kernel, stride, expansion, channels and blocks of each stage, before scaling
    (3, 1, 1, 16, 1), (3, 2, 6, 24, 2), (5, 2, 6, 40, 2), (3, 2, 6, 80, 3), (5, 1, 6, 112, 3), (5, 2, 6, 192, 4),
    (3, 1, 6, 320, 1),
)  # fmt: skip
_LEVELS = (0, 1, 2, 4, 6)  # the stages that end a resolution
_SCALING = {"efficientnet-lite0": (1.0, 1.0), "efficientnet-lite1": (1.0, 1.1), "efficientnet-lite2": (1.1, 1.2)}
"""Name -> factors of width and depth."""


class SameConvNorm(nn.Sequential):
    """A convolution padded as TensorFlow's `SAME`, then batch normalization and, with `activation`, ReLU6.

    With stride 2 and even sides, TensorFlow pads one pixel more at the bottom and right than at the top and left.

    Args:
        inputs: input channels.
        outputs: output channels.
        kernel: side of the kernel, odd.
        stride: 1 or 2; with 2, height and width must be even.
        groups: groups of channels that are convolved separately.
        activation: whether ReLU6 follows.
    """

    def __init__(
        self, inputs: int, outputs: int, kernel: int = 1, stride: int = 1, *, groups: int = 1, activation: bool = True
    ) -> None:
        before = (kernel - stride) // 2
        after = kernel - stride - before
        uneven = before != after  # a convolution pads evenly only
        super().__init__(
            *[nn.ZeroPad2d((before, after, before, after))] * uneven,
            nn.Conv2d(inputs, outputs, kernel, stride, 0 if uneven else before, groups=groups, bias=False),
            nn.BatchNorm2d(outputs, eps=_EPS, momentum=_MOMENTUM),
            *[nn.ReLU6(inplace=True)] * activation,
        )


class InvertedResidual(nn.Module):
    """A mobile inverted bottleneck: expand, depthwise convolution, project (Sandler et al., MobileNetV2, CVPR 2018).

    Args:
        inputs: input channels.
        outputs: output channels; if they are as many as `inputs` and the stride is 1, the input is added.
        kernel: side of the depthwise kernel, odd.
        stride: stride of the depthwise convolution.
        expansion: channels of the depthwise convolution, as a multiple of the input channels.
    """

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        width = inputs * expansion
        self.expand = nn.Identity() if expansion == 1 else SameConvNorm(inputs, width)
        self.depthwise = SameConvNorm(width, width, kernel, stride, groups=width)
        self.project = SameConvNorm(width, outputs, activation=False)
        self.has_shortcut = stride == 1 and inputs == outputs

    def forward(self, maps: Tensor) -> Tensor:
        """(B, inputs, h, w) float32 -> (B, outputs, h / stride, w / stride) float32."""
        residual: Tensor = self.project(self.depthwise(self.expand(maps)))
        return maps + residual if self.has_shortcut else residual


class EfficientNetLite(nn.Module):
    """The convolutions of EfficientNet-Lite, without a classification head.

    Args:
        variant: `efficientnet-lite0`, `efficientnet-lite1` or `efficientnet-lite2`.
        channels: channels C of the pixels.
        pooled: whether to have the last convolution, which `forward` needs and `forward_levels` does not.

    Attributes:
        variant: its variant.
        widths: channels of the five levels, at strides 2, 4, 8, 16 and 32.
    """

    def __init__(self, variant: str, channels: int = 3, *, pooled: bool = True) -> None:
        super().__init__()
        self.variant = variant
        width, depth = _SCALING[variant]
        self.stem = SameConvNorm(channels, _STEM, 3, 2)
        self.stages = nn.ModuleList()
        inputs, last = _STEM, len(_STAGES) - 1
        for number, (kernel, stride, expansion, unscaled, blocks) in enumerate(_STAGES):
            outputs = _scaled_channels(unscaled, width)
            # the Lite variants do not deepen the first and the last stage
            count = blocks if number in (0, last) else math.ceil(depth * blocks)
            stage = nn.Sequential()
            for block in range(count):
                stage.append(InvertedResidual(inputs, outputs, kernel, 1 if block else stride, expansion))
                inputs = outputs
            self.stages.append(stage)
        self.widths = tuple(_scaled_channels(_STAGES[level][3], width) for level in _LEVELS)
        self.top = SameConvNorm(inputs, FEATURES) if pooled else nn.Identity()

    def forward_levels(self, pixels: Tensor) -> list[Tensor]:
        """Return the maps of the five levels, the finest first.

        Args:
            pixels: (B, C, H, W) float32, normalized; sides are multiples of `STRIDE`.

        Returns:
            (B, widths[i], H / 2**(i + 1), W / 2**(i + 1)) float32 each.
        """
        maps, levels = self.stem(pixels), []
        for number, stage in enumerate(self.stages):
            maps = stage(maps)
            if number in _LEVELS:
                levels.append(maps)
        return levels

    def forward(self, pixels: Tensor) -> Tensor:
        """(B, C, H, W) float32, normalized, sides multiples of `STRIDE` -> pooled features (B, 1280) float32."""
        features: Tensor = self.top(self.forward_levels(pixels)[-1])
        return features.mean((2, 3))


class LiteEncoderModel(BaseModel):
    """Base of models with an `EfficientNetLite`, which `load_pretrained` starts from weights of ImageNet.

    Attributes:
        encoder: set by `add_encoder`.
    """

    encoder: EfficientNetLite
    encoder_prefix = "encoder."
    init_description = "at random"

    def add_encoder(self, variant: str, channels: int, *, pooled: bool = True) -> None:
        """Set the encoder, and its statistics in `normalize`; the arguments are those of `EfficientNetLite`."""
        self.normalize.set_stats(PIXEL_MEAN, PIXEL_STD)
        self.encoder = EfficientNetLite(variant, channels, pooled=pooled)

    def load_pretrained(self) -> None:
        """Load the encoder's pretrained weights.

        Raises:
            WeightsUnavailableError: the package has no weights of its variant.
        """
        self.init_description = load_pretrained(self.encoder)

    @property
    def encoder_stages(self) -> tuple[nn.Module, ...]:
        """The stem and the stages of the encoder."""
        return self.encoder.stem, *self.encoder.stages


def load_pretrained(encoder: EfficientNetLite) -> str:
    """Load the weights of the package, pretrained on ImageNet, into an encoder.

    If the pixels do not have three channels, each channel gets the mean weight of the three, scaled so that a gray
    image gives the maps of its repetition in three channels.

    Returns:
        What the encoder starts from, in words.

    Raises:
        WeightsUnavailableError: the package has no weights of its variant.
    """
    variant = encoder.variant
    file = weights_file(variant)
    if not file.is_file():
        raise WeightsUnavailableError(f"{variant}: has no weights in the package; use --set pretrained=no")
    own = encoder.state_dict()
    weights = {name: tensor.float() for name, tensor in load_file(file).items() if name in own}
    stem = next(name for name in own if name.startswith("stem.") and own[name].ndim == 4)
    channels = own[stem].shape[1]
    if channels != 3:
        weights[stem] = weights[stem].mean(1, keepdim=True).repeat(1, channels, 1, 1) * (3 / channels)
    encoder.load_state_dict(own | weights)
    return f"with an encoder pretrained on ImageNet, {variant} (license Apache-2.0)"


def weights_file(variant: str) -> Path:
    """Return the file of the package that holds the weights of a variant, half precision."""
    return Path(__file__).parent / "weights" / f"{variant}.safetensors"


def _scaled_channels(channels: int, width: float) -> int:
    """Return a number of channels scaled to a multiple of 8, at most a tenth smaller than the exact product."""
    scaled = max(8, int(channels * width + 4) // 8 * 8)
    return scaled + 8 if scaled < 0.9 * channels * width else scaled
