"""Models for segmentation: (B, C, H, W) uint8 of any size -> logits (B, K, H, W) float32."""

from itertools import pairwise, takewhile

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from seamline.models.blocks import (
    BaseModel,
    ConvNorm,
    ConvNormReLU,
    Normalize,
    Residual,
    StripPooling,
    pad_to_stride,
    pooling_layer,
)
from seamline.models.efficientnet_lite import STRIDE, LiteEncoderModel
from seamline.models.layer_choices import Norm, Pooling

Shape = tuple[int, int, int]


class Segmenter(BaseModel):
    """Base of segmenters: pads pixels to a multiple of the stride and crops the logits.

    A subclass implements `forward_levels` and `forward_padded`.

    Args:
        channels: channels C of an image.
        stride: what height and width are padded to a multiple of.
    """

    def __init__(self, channels: int, stride: int) -> None:
        super().__init__()
        self.stride = stride
        self.normalize = Normalize(channels)

    def forward_levels(self, pixels: Tensor) -> list[Tensor]:
        """Return the maps of the encoder's levels, the finest first.

        Args:
            pixels: (B, C, h, w) float32, normalized, sides multiples of `stride`.

        Returns:
            (B, channels, rows, columns) float32 each.
        """
        raise NotImplementedError

    def forward_padded(self, pixels: Tensor) -> Tensor:
        """(B, C, h, w) float32, normalized, sides multiples of `stride` -> logits (B, K, h, w) float32."""
        raise NotImplementedError

    def forward_logits(self, pixels: Tensor) -> Tensor:
        """(B, C, H, W) float32, normalized -> logits (B, K, H, W) float32."""
        height, width = pixels.shape[-2:]
        return self.forward_padded(pad_to_stride(pixels, self.stride))[..., :height, :width]

    def pooled_features(self, pixels: Tensor) -> Tensor:
        """(B, C, H, W) float32, normalized -> (B, D) float32, the means of the deepest maps."""
        return self.forward_levels(pad_to_stride(pixels, self.stride))[-1].mean((2, 3))


class FacadeNet(Segmenter):
    """Six convolutions and two transposed ones with kernel 3, and batch normalization after each ReLU.

    The convolutions have 32, 64, 128, 256, 1024 and 256 filters, with 2 x 2 max pooling after each of the first three.
    Each transposed convolution doubles the sides (with kernel 3 a longer stride would leave pixels out), the last one
    returns the logits, and these, at half the image's size, are upsampled bilinearly.

    Args:
        norm: batch normalization after each ReLU, before it, or none.
        kernel: side of every kernel, odd.
        dropout: probability of dropout of whole maps of the two deepest convolutions, which stand in the place of
            AlexNet's dense layers.
        pooling: what a pooling layer takes of its window of 2 x 2 pixels.
        pooling_layers: how many convolutions, from the first, are followed by pooling; the logits are upsampled by as
            much more or less.
    """

    def __init__(
        self,
        input_shape: Shape,
        n_classes: int,
        *,
        norm: Norm = "after",
        kernel: int = 3,
        dropout: float = 0.0,
        pooling: Pooling = "max",
        pooling_layers: int = 3,
    ) -> None:
        super().__init__(input_shape[2], stride=2**pooling_layers)
        layers: list[nn.Module] = []
        inputs = input_shape[2]
        for number, outputs in enumerate((32, 64, 128, 256, 1024, 256)):
            layers += [nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2), *_relu_and_norm(outputs, norm)]
            if number < pooling_layers:
                layers.append(pooling_layer(pooling))
            if number > 3 and dropout:
                layers.append(nn.Dropout2d(dropout))
            inputs = outputs
        layers += [nn.ConvTranspose2d(inputs, 64, kernel, 2, kernel // 2, 1), *_relu_and_norm(64, norm)]
        layers.append(nn.ConvTranspose2d(64, n_classes, kernel, 2, kernel // 2, 1))
        self.layers = nn.Sequential(*layers)
        self.head_prefixes = (f"layers.{len(layers) - 1}.",)

    def forward_levels(self, pixels: Tensor) -> list[Tensor]:
        """(B, C, h, w) float32, normalized, sides multiples of `stride` -> the deepest maps (B, D, rows, columns)."""
        for layer in takewhile(lambda layer: not isinstance(layer, nn.ConvTranspose2d), self.layers):
            pixels = layer(pixels)
        return [pixels]

    def forward_padded(self, pixels: Tensor) -> Tensor:
        """(B, C, h, w) float32, normalized, sides multiples of `stride` -> logits (B, K, h, w) float32."""
        return _upsample(self.layers(pixels), self.stride // 4)


class FCN(Segmenter):
    """A fully convolutional network on AlexNet-like features (Long, Shelhamer, Darrell, CVPR 2015).

    AlexNet's five convolutions (Krizhevsky, One weird trick for parallelizing convolutional neural networks, 2014:
    64 of kernel 11 and stride 4, 192 of kernel 5, 384, 256 and 256 of kernel 3, max pooling 3 x 3 by 2 after the
    first, second and fifth), its two dense layers as 1 x 1 convolutions with dropout, and logits per 32 x 32 pixels,
    upsampled twice by 2 and added to the logits of the second and first pooling, then by 8. Chosen here, to train
    from random weights on a small dataset: batch normalization before each ReLU, 1024 units instead of 4096.

    Args:
        dropout: probability of dropout of whole maps after each dense layer.
    """

    def __init__(self, input_shape: Shape, n_classes: int, *, dropout: float = 0.5) -> None:
        super().__init__(input_shape[2], stride=32)
        self.eighth = nn.Sequential(ConvNormReLU(input_shape[2], 64, 11, 4), nn.MaxPool2d(3, 2, 1))
        self.sixteenth = nn.Sequential(ConvNormReLU(64, 192, 5), nn.MaxPool2d(3, 2, 1))
        self.last = nn.Sequential(
            ConvNormReLU(192, 384), ConvNormReLU(384, 256), ConvNormReLU(256, 256), nn.MaxPool2d(3, 2, 1),
            ConvNormReLU(256, 1024, 1), nn.Dropout2d(dropout), ConvNormReLU(1024, 1024, 1), nn.Dropout2d(dropout),
        )  # fmt: skip
        self.head_prefixes = ("heads.",)
        self.heads = nn.ModuleList([nn.Conv2d(width, n_classes, 1) for width in (64, 192, 1024)])

    def forward_levels(self, pixels: Tensor) -> list[Tensor]:
        """(B, C, h, w) float32, normalized, sides multiples of 32 -> maps at an eighth, 16th and 32nd of the size."""
        eighth = self.eighth(pixels)
        sixteenth = self.sixteenth(eighth)
        return [eighth, sixteenth, self.last(sixteenth)]

    def forward_padded(self, pixels: Tensor) -> Tensor:
        """(B, C, h, w) float32, normalized, sides multiples of 32 -> logits (B, K, h, w) float32."""
        eighth, sixteenth, last = self.forward_levels(pixels)
        logits = self.heads[2](last)  # (B, K, h / 32, w / 32)
        logits = _upsample(logits, 2) + self.heads[1](sixteenth)
        logits = _upsample(logits, 2) + self.heads[0](eighth)
        return _upsample(logits, 8)


class UNet(Segmenter):
    """A compact U-Net (Ronneberger, Fischer, Brox, MICCAI 2015) of residual blocks at half size and below.

    A strided convolution halves the image. Each further level halves again and has residual blocks; one level also has
    strip pooling. In the decoder each level is reduced to the next one's width by a 1 x 1 convolution, upsampled and
    added to it. The head predicts the logits of 2 x 2 pixels at once (sub-pixel convolution, Shi et al., CVPR 2016;
    initialized as in Aitken et al., Checkerboard artifact free sub-pixel convolution, 2017).

    Averaged predictions are log-probabilities, so that ranking pixels by them is ranking by probability.

    Args:
        widths: channels of each level, from half size down, at least two.
        blocks: residual blocks of each encoder level below half size.
        strips: the level with strip pooling.
        tta_scales: image scales that test-time augmentation averages over.
    """

    log_probs = True

    def __init__(
        self,
        input_shape: Shape,
        n_classes: int,
        widths: tuple[int, ...],
        blocks: tuple[int, ...],
        *,
        strips: int = 3,
        tta_scales: tuple[float, ...] = (1.0,),
    ) -> None:
        super().__init__(input_shape[2], stride=2 ** len(widths))
        self.tta_scales = tta_scales
        self.stem = ConvNormReLU(input_shape[2], widths[0], stride=2)
        self.down = nn.ModuleList()
        for level, ((inputs, outputs), count) in enumerate(zip(pairwise(widths), blocks, strict=True), 1):
            steps: list[nn.Module] = [Residual(inputs, outputs, 2)]
            steps += [Residual(outputs, outputs) for _ in range(count - 1)]
            pooling = StripPooling(outputs)  # built at every level: published results depend on the random state
            if level == strips:
                steps.append(pooling)
            self.down.append(nn.Sequential(*steps))
        pairs = list(pairwise(widths[::-1]))
        self.lateral = nn.ModuleList([ConvNorm(lower, upper, 1) for lower, upper in pairs])
        self.up = nn.ModuleList([Residual(upper, upper) for _, upper in pairs[:-1]])
        self.up.append(ConvNormReLU(widths[0], widths[0]))  # a single convolution: half size costs most
        self.head = nn.Conv2d(widths[0], n_classes * 4, 1)
        with torch.no_grad():  # equal weights for each pixel of 2 x 2, else a checkerboard pattern remains
            for weight in self.head.parameters():
                weight.copy_(weight[::4].repeat_interleave(4, 0))

    def forward_levels(self, pixels: Tensor) -> list[Tensor]:
        """(B, C, h, w) float32, normalized, sides multiples of `stride` -> maps (B, D, h / 2, w / 2), then smaller."""
        levels = [self.stem(pixels)]
        for step in self.down:
            levels.append(step(levels[-1]))
        return levels

    def forward_padded(self, pixels: Tensor) -> Tensor:
        """(B, C, h, w) float32, normalized, sides multiples of `stride` -> logits (B, K, h, w) float32."""
        levels = self.forward_levels(pixels)
        maps = levels.pop()
        for lateral, step, level in zip(self.lateral, self.up, reversed(levels), strict=True):
            maps = step(F.relu(_upsample(lateral(maps), 2) + level))
        return F.pixel_shuffle(self.head(maps), 2)


class LiteUNet(LiteEncoderModel, Segmenter):
    """A U-Net with an EfficientNet-Lite encoder.

    Each decoder level upsamples the maps below, concatenates those of the encoder at its size, and has two 3 x 3
    convolutions. The last level has half the image's size; the head predicts the logits of 2 x 2 pixels at once, as in
    `UNet`.

    Args:
        encoder: a variant of `seamline.models.efficientnet_lite`.
        widths: channels of the decoder levels, from a sixteenth of the image's size up to half of it.
    """

    log_probs = True

    def __init__(
        self,
        input_shape: Shape,
        n_classes: int,
        *,
        encoder: str = "efficientnet-lite0",
        widths: tuple[int, int, int, int] = (128, 64, 48, 24),
    ) -> None:
        super().__init__(input_shape[2], stride=STRIDE)
        self.add_encoder(encoder, input_shape[2], pooled=False)
        *skips, deepest = self.encoder.widths
        self.up = nn.ModuleList()
        for below, skip, width in zip((deepest, *widths), reversed(skips), widths, strict=False):
            self.up.append(nn.Sequential(ConvNormReLU(below + skip, width), ConvNormReLU(width, width)))
        self.head = nn.Conv2d(widths[-1], n_classes * 4, 1)

    def forward_levels(self, pixels: Tensor) -> list[Tensor]:
        """(B, C, h, w) float32, normalized, sides multiples of 32 -> maps at half of the size, then smaller."""
        return self.encoder.forward_levels(pixels)

    def pooled_features(self, pixels: Tensor) -> Tensor:
        """(B, C, H, W) float32, normalized -> (B, D) float32, the means of the maps at a sixteenth of the size.

        On validation photos these tell images of other kinds apart, where those of the deepest maps do not.
        """
        return self.forward_levels(pad_to_stride(pixels, self.stride))[-2].mean((2, 3))

    def forward_padded(self, pixels: Tensor) -> Tensor:
        """(B, C, h, w) float32, normalized, sides multiples of 32 -> logits (B, K, h, w) float32."""
        *skips, maps = self.forward_levels(pixels)
        for step, skip in zip(self.up, reversed(skips), strict=True):
            maps = step(torch.cat([_upsample(maps, 2), skip], 1))
        return F.pixel_shuffle(self.head(maps), 2)


def _relu_and_norm(channels: int, norm: Norm) -> list[nn.Module]:
    """Return ReLU, with batch normalization after it, before it, or none."""
    relu = nn.ReLU(inplace=True)
    if norm == "none":
        return [relu]
    return [relu, nn.BatchNorm2d(channels)] if norm == "after" else [nn.BatchNorm2d(channels), relu]


def _upsample(maps: Tensor, factor: int) -> Tensor:
    """(B, C, h, w) float32 -> (B, C, factor h, factor w) float32, bilinear."""
    return F.interpolate(maps, scale_factor=factor, mode="bilinear", align_corners=False)
