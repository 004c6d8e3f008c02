"""Models for classification: (B, C, H, W) uint8 -> logits (B, K) float32."""

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from seamline.data.lazy_array import ArrayLike
from seamline.errors import SeamlineError
from seamline.models.blocks import (
    BaseModel,
    ConvNormReLU,
    Normalize,
    Residual,
    pad_to_stride,
    pooling_layer,
    whitening_filters,
)
from seamline.models.efficientnet_lite import FEATURES, STRIDE, LiteEncoderModel
from seamline.models.layer_choices import Norm, Pooling

MIN_SIDE = 16
"""The smallest height and width of an image that the models here accept, in pixels."""
WHITENING_PIXELS = 2_000 * 28 * 28
"""Pixels of images from whose patches the filters of a first layer are computed."""

Shape = tuple[int, int, int]


class TwoLayerCNN(BaseModel):
    """A small CNN: two convolutions of 32 filters with kernel 5, 2 x 2 max pooling after each, and a head.

    ReLU precedes pooling. Where it can, it follows: both orders are equal for the maximum without normalization (the
    maximum of rectified values is the rectified maximum), and that one rectifies a quarter as many values.

    Args:
        hidden: units in the head's hidden layer; 0 for none.
        norm: batch normalization after each ReLU, before it (instead of biases), or none.
        kernel: side of the kernels of both convolutions, odd.
        dropout: probability of dropout before the head.
        pooling: what a pooling layer takes of its window.
        strided: downsample by strided convolutions with padding instead of pooling.
        whitening: initialize the first layer with the first 16 principal components of image patches and their
            negatives, instead of at random.

    Raises:
        SeamlineError: the images are smaller than 16 x 16 pixels, or with kernel 7, 22 x 22.
    """

    fixed_size = True

    def __init__(
        self,
        input_shape: Shape,
        n_classes: int,
        *,
        hidden: int = 0,
        norm: Norm = "none",
        kernel: int = 5,
        dropout: float = 0.0,
        pooling: Pooling = "max",
        strided: bool = False,
        whitening: bool = False,
    ) -> None:
        super().__init__()
        cut = kernel - 1  # rows and columns that a convolution without padding loses
        _check_size(input_shape, max(MIN_SIDE, 2 * (2 + cut) + cut))
        self.whitening, self.norm = whitening, norm
        height, width, channels = input_shape
        self.pool: nn.Module = nn.Identity() if strided else pooling_layer(pooling)
        self.relu_last = pooling == "max" and norm == "none"
        stride, padding = (2, kernel // 2) if strided else (1, 0)
        bias = norm != "before"
        self.normalize = Normalize(channels)
        self.conv1 = nn.Conv2d(channels, 32, kernel, stride, padding, bias=bias)
        self.norm1 = nn.Identity() if norm == "none" else nn.BatchNorm2d(32)
        self.conv2 = nn.Conv2d(32, 32, kernel, stride, padding, bias=bias)
        self.norm2 = nn.Identity() if norm == "none" else nn.BatchNorm2d(32)
        rows, columns = (-(-side // 4) if strided else ((side - cut) // 2 - cut) // 2 for side in (height, width))
        features = 32 * rows * columns
        # a kernel as large as the maps is a linear layer over all of them, and faster than nn.Linear
        self.hidden = nn.Conv2d(32, hidden, (rows, columns), bias=bias) if hidden else nn.Identity()
        self.norm3 = nn.BatchNorm2d(hidden) if hidden and norm != "none" else nn.Identity()
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(hidden or features, n_classes)

    def init_from_data(self, images: ArrayLike) -> None:
        """Compute normalization statistics and, with `whitening`, the first layer's filters.

        Args:
            images: (N, H, W, C) uint8.
        """
        super().init_from_data(images)
        if not self.whitening:
            return
        count = max(1, WHITENING_PIXELS // math.prod(images.shape[1:3]))
        sample = torch.from_numpy(np.ascontiguousarray(images[:count])).permute(0, 3, 1, 2)
        half = whitening_filters(self.normalize(sample), 5, len(self.conv1.weight) // 2)
        with torch.no_grad():
            self.conv1.weight.copy_(torch.cat([half, -half]))

    def forward_features(self, pixels: Tensor) -> dict[str, Tensor]:
        """Compute every intermediate, by name and in order.

        Args:
            pixels: (B, C, H, W) float32, normalized.

        Returns:
            `pixels` (B, C, H, W), `layer 1` and `layer 2` (B, 32, h, w), `hidden` (B, units), `logits` (B, K),
            all float32.

        Raises:
            SeamlineError: a model with batch normalization is trained on a single image.
        """
        if self.training and len(pixels) == 1 and isinstance(self.norm3, nn.BatchNorm2d):
            raise SeamlineError(SINGLE_IMAGE_BATCH)
        layer1 = self._pool(self.conv1(pixels), self.norm1)  # (B, 32, 12, 12), strided (B, 32, 14, 14)
        layer2 = self._pool(self.conv2(layer1), self.norm2)  # (B, 32, 4, 4), strided (B, 32, 7, 7)
        hidden = self._activate(self.hidden(layer2), self.norm3) if self._has_hidden else layer2
        hidden = hidden.flatten(1)  # (B, units)
        logits = self.head(self.dropout(hidden))  # (B, K)
        return {"pixels": pixels, "layer 1": layer1, "layer 2": layer2, "hidden": hidden, "logits": logits}

    @property
    def _has_hidden(self) -> bool:
        return not isinstance(self.hidden, nn.Identity)

    def _activate(self, maps: Tensor, norm: nn.Module) -> Tensor:
        """Apply ReLU, and normalization after or before it; shapes stay."""
        normalized: Tensor = norm(F.relu(maps)) if self.norm == "after" else F.relu(norm(maps))
        return normalized

    def _pool(self, maps: Tensor, norm: nn.Module) -> Tensor:
        """(B, 32, h, w) float32 of a convolution -> (B, 32, h / 2, w / 2) float32."""
        pooled: Tensor = F.relu(self.pool(maps)) if self.relu_last else self.pool(self._activate(maps, norm))
        return pooled

    def forward_logits(self, pixels: Tensor) -> Tensor:
        """(B, C, H, W) float32, normalized -> logits (B, K) float32."""
        return self.forward_features(pixels)["logits"]

    def pooled_features(self, pixels: Tensor) -> Tensor:
        """(B, C, H, W) float32, normalized -> (B, D) float32: hidden units, or the means of layer 2 without any."""
        features = self.forward_features(pixels)
        return features["hidden"] if self._has_hidden else features["layer 2"].mean((2, 3))

    @property
    def filter_init(self) -> str:
        """How the filters are initialized, in a sentence, to tell them from what is learned."""
        if not self.whitening:
            return "All kernels were initialized at random."
        return (
            "The kernels of layer 1 were initialized with the first principal components of 5 × 5 image patches and "
            "their negatives, those of layer 2 at random."
        )

    def kernels(self) -> dict[str, Tensor]:
        """Return the kernels of both layers by name, (out, in, k, k) float32 each."""
        return {"layer 1": self.conv1.weight.detach(), "layer 2": self.conv2.weight.detach()}


class ResNet(BaseModel):
    """A residual network (He, Zhang, Ren, Sun, CVPR 2016) with global average pooling and dropout before the head.

    The first level has the size of the stem's maps; each further level halves them.

    Args:
        widths: channels of each level.
        blocks: residual blocks of each level.
        stem_stride: stride of the first convolution: 2 with kernel 5, or 1 with kernel 3.
        dropout: dropout probability before the head.

    Raises:
        SeamlineError: the images are smaller than 16 x 16 pixels.
    """

    def __init__(
        self,
        input_shape: Shape,
        n_classes: int,
        widths: Sequence[int],
        blocks: Sequence[int],
        *,
        stem_stride: int = 1,
        dropout: float = 0.2,
    ) -> None:
        super().__init__()
        _check_size(input_shape)
        self.normalize = Normalize(input_shape[2])
        self.stride = stem_stride * 2 ** (len(widths) - 1)
        self.stem = ConvNormReLU(input_shape[2], widths[0], 5 if stem_stride == 2 else 3, stem_stride)
        inputs, layers = widths[0], []
        for level, (outputs, count) in enumerate(zip(widths, blocks, strict=True)):
            for block in range(count):
                layers.append(Residual(inputs, outputs, 2 if level and not block else 1))
                inputs = outputs
        self.levels = nn.Sequential(*layers)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(inputs, n_classes)

    def forward_logits(self, pixels: Tensor) -> Tensor:
        """(B, C, H, W) float32, normalized -> logits (B, K) float32."""
        logits: Tensor = self.head(self.dropout(self.pooled_features(pixels)))
        return logits

    def pooled_features(self, pixels: Tensor) -> Tensor:
        """(B, C, H, W) float32, normalized -> (B, D) float32, what the head gets."""
        maps: Tensor = self.levels(self.stem(pad_to_stride(pixels, self.stride)))
        return maps.mean((2, 3))


def photo_resnet(input_shape: Shape, n_classes: int, *, width: int, dropout: float = 0.2) -> ResNet:
    """Return a small residual network for photos from 16 pixels on.

    The stem halves the image; each further level halves again and widens, until the shorter side of the maps is 4 to 7,
    at most five times. The first level has `width` channels.
    """
    _check_size(input_shape)
    levels = min(5, int(math.log2(min(input_shape[:2]) / 4)))
    widths = [width, *(min(8, 2**level) * width for level in range(1, levels))]
    return ResNet(input_shape, n_classes, widths, [1, *[2] * (levels - 1)], stem_stride=2, dropout=dropout)


class LiteClassifier(LiteEncoderModel):
    """An EfficientNet-Lite encoder and a linear head, with dropout between them.

    Images are padded to multiples of 32 pixels.

    Args:
        encoder: a variant of `seamline.models.efficientnet_lite`.
        dropout: dropout probability before the head.

    Raises:
        SeamlineError: the images are smaller than 16 x 16 pixels.
    """

    def __init__(
        self, input_shape: Shape, n_classes: int, *, encoder: str = "efficientnet-lite0", dropout: float = 0.2
    ) -> None:
        super().__init__()
        _check_size(input_shape)
        self.normalize = Normalize(input_shape[2])
        self.add_encoder(encoder, input_shape[2])
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(FEATURES, n_classes)

    def pooled_features(self, pixels: Tensor) -> Tensor:
        """(B, C, H, W) float32, normalized -> features (B, 1280) float32."""
        features: Tensor = self.encoder(pad_to_stride(pixels, STRIDE))
        return features

    def forward_logits(self, pixels: Tensor) -> Tensor:
        """(B, C, H, W) float32, normalized -> logits (B, K) float32."""
        logits: Tensor = self.head(self.dropout(self.pooled_features(pixels)))
        return logits


SINGLE_IMAGE_BATCH = "config: batch normalization needs two images per batch or more; raise batch_size above 1"


def _check_size(input_shape: Shape, side: int = MIN_SIDE) -> None:
    height, width, _ = input_shape
    if min(height, width) < side:
        raise SeamlineError(
            f"images of {width} x {height} pixels are too small for this model; it needs {side} x {side}"
        )
