"""Building blocks of models, and the contract that every model keeps."""

from collections.abc import Mapping, Sequence
from itertools import cycle, islice
from types import MappingProxyType

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from seamline.data.lazy_array import ArrayLike, iter_chunks
from seamline.models.layer_choices import Pooling


class Normalize(nn.Module):
    """Shift and scale pixels to mean 0 and standard deviation 1 per channel.

    Args:
        channels: number of channels C.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(1, channels, 1, 1))
        self.register_buffer("std", torch.ones(1, channels, 1, 1))
        self.fixed = False

    def fit(self, images: ArrayLike) -> None:
        """Compute mean and standard deviation exactly, from a histogram of pixel values.

        Statistics from `set_stats` are not replaced.

        Args:
            images: (N, H, W, C) uint8.
        """
        if self.fixed:
            return
        levels = np.arange(256)
        counts = np.zeros((images.shape[-1], 256), dtype=np.int64)
        for chunk in iter_chunks(images, 1 << 20):  # bincount converts to int64
            counts += [np.bincount(chunk[..., c].ravel(), minlength=256) for c in range(images.shape[-1])]
        mean = (counts @ levels) / counts.sum(1)
        variance = (counts @ levels**2) / counts.sum(1) - mean**2
        std = np.sqrt(np.maximum(variance, 1.0))  # a constant channel must not be divided by zero
        self.mean.copy_(torch.from_numpy(mean).reshape(1, -1, 1, 1))
        self.std.copy_(torch.from_numpy(std).reshape(1, -1, 1, 1))

    def set_stats(self, mean: Sequence[float], std: Sequence[float]) -> None:
        """Set the statistics that pretrained weights were trained with.

        A grayscale image gets the mean over red, green and blue; channels past the third repeat them in order.

        Args:
            mean: of red, green and blue, 0..255.
            std: of red, green and blue, 0..255.
        """
        for buffer, values in ((self.mean, mean), (self.std, std)):
            channels = buffer.numel()
            chosen = [sum(values) / len(values)] if channels == 1 else list(islice(cycle(values), channels))
            buffer.copy_(torch.tensor(chosen).reshape(1, -1, 1, 1))
        self.fixed = True

    def forward(self, images: Tensor) -> Tensor:
        """(B, C, H, W) uint8 -> (B, C, H, W) float32."""
        return (images.float() - self.mean) / self.std


class BaseModel(nn.Module):
    """A model: images (B, C, H, W) uint8 in, logits (B, K) or (B, K, H, W) float32 out.

    A subclass sets `normalize` and implements `forward_logits`, and `pooled_features` where it has better ones.

    Attributes:
        normalize: the normalization of pixels, whose statistics are buffers.
        tta_scales: image scales that test-time augmentation averages over; 1 is the image's own size.
        log_probs: whether averaged predictions are log-probabilities, which compare between pixels; else logits.
        init_description: how the weights are initialized, such as `at random`; None for models that have no pretrained
            weights.
        versions: versions of the packages that the layers come from, PyTorch aside.
        head_prefixes: prefixes of the names of weights that belong to a class each.
        encoder_prefix: prefix of the names of weights that have pretrained values; empty where none have.
        fixed_size: whether it takes images of no other size than it was built for.
    """

    normalize: Normalize
    tta_scales: tuple[float, ...] = (1.0,)
    log_probs: bool = False
    init_description: str | None = None
    versions: Mapping[str, str] = MappingProxyType({})
    head_prefixes: tuple[str, ...] = ("head.",)
    encoder_prefix: str = ""
    fixed_size: bool = False

    def init_from_data(self, images: ArrayLike) -> None:
        """Initialize what is computed from the training images, not learned: once, before training.

        Args:
            images: (N, H, W, C) uint8.
        """
        self.normalize.fit(images)

    def load_pretrained(self) -> None:
        """Load pretrained weights, where the package has some for this model, and set `init_description`.

        Raises:
            WeightsUnavailableError: they are not available.
        """

    @property
    def encoder_stages(self) -> Sequence[nn.Module]:
        """The stages of the encoder that has pretrained weights, in order; none where there is none."""
        return ()

    def forward(self, images: Tensor) -> Tensor:
        """(B, C, H, W) uint8 -> logits, (B, K) or (B, K, H, W) float32."""
        return self.forward_logits(self.normalize(images))

    def forward_logits(self, pixels: Tensor) -> Tensor:
        """(B, C, H, W) float32, normalized -> logits, (B, K) or (B, K, H, W) float32."""
        raise NotImplementedError

    def pooled_features(self, pixels: Tensor) -> Tensor:
        """Return the features of images by whose distances a novel image is recognized.

        Models return their deepest maps, averaged over the image; the default is the averaged logits.

        Args:
            pixels: (B, C, H, W) float32, normalized.

        Returns:
            (B, D) float32.
        """
        logits = self.forward_logits(pixels)
        return logits if logits.ndim == 2 else logits.mean((2, 3))


def whitening_filters(pixels: Tensor, kernel: int, count: int) -> Tensor:
    """Return the principal components of image patches, as filters of a first layer.

    A first layer initialized with them passes on most of the variance of the pixels from the first step on (after
    Page, How to train your ResNet, 2018, and Jordan, 94 % on CIFAR-10 in 3.29 seconds, 2024).

    Args:
        pixels: (N, C, H, W) float32.
        kernel: side of a patch.
        count: number of filters, at most C x kernel x kernel.

    Returns:
        (count, C, kernel, kernel) float32 of unit length, in order of decreasing variance.
    """
    channels = pixels.shape[1]
    patches = F.unfold(pixels.contiguous(), kernel).transpose(1, 2).flatten(0, 1)  # (N patches, C kernel kernel)
    patches = patches - patches.mean(0)
    covariance = (patches.T @ patches).double() / len(patches)
    components: Tensor = torch.linalg.eigh(covariance)[1].flip(1)[:, :count]  # eigh sorts by increasing variance
    return components.T.float().reshape(count, channels, kernel, kernel)


class ConvNorm(nn.Sequential):
    """A convolution with zero padding, then batch normalization.

    Args:
        inputs: input channels.
        outputs: output channels.
        kernel: side of the kernel, odd.
        stride: stride of the convolution.
    """

    def __init__(self, inputs: int, outputs: int, kernel: int = 3, stride: int = 1) -> None:
        super().__init__(
            nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False),
            nn.BatchNorm2d(outputs),
        )


class ConvNormReLU(nn.Sequential):
    """A `ConvNorm`, then ReLU; same arguments."""

    def __init__(self, inputs: int, outputs: int, kernel: int = 3, stride: int = 1) -> None:
        super().__init__(ConvNorm(inputs, outputs, kernel, stride), nn.ReLU(inplace=True))


def pooling_layer(pooling: Pooling) -> nn.Module:
    """Return a layer that pools windows of 2 x 2 pixels, (B, C, h, w) -> (B, C, h / 2, w / 2) float32."""
    return nn.MaxPool2d(2) if pooling == "max" else nn.AvgPool2d(2)


class Residual(nn.Module):
    """A basic residual block: two 3 x 3 convolutions and a shortcut (He, Zhang, Ren, Sun, CVPR 2016).

    Args:
        inputs: input channels.
        outputs: output channels.
        stride: stride of the first convolution; the shortcut averages over as many pixels.
    """

    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__()
        self.first = ConvNorm(inputs, outputs, stride=stride)
        self.second = ConvNorm(outputs, outputs)
        nn.init.zeros_(self.second[1].weight)  # type: ignore[arg-type]  # initially the block is its shortcut
        self.shortcut: nn.Module = nn.Identity()
        if stride > 1 or inputs != outputs:
            pool: nn.Module = nn.AvgPool2d(stride) if stride > 1 else nn.Identity()
            self.shortcut = nn.Sequential(pool, ConvNorm(inputs, outputs, 1))

    def forward(self, maps: Tensor) -> Tensor:
        """(B, inputs, h, w) float32 -> (B, outputs, h / stride, w / stride) float32."""
        return F.relu(self.second(F.relu(self.first(maps), inplace=True)) + self.shortcut(maps), inplace=True)


class StripPooling(nn.Module):
    """Add the means of each pixel's row and column to it (Hou, Zhang, Cheng, Feng, CVPR 2020).

    Windows, stories and pillars form rows and columns, and a mean over a whole row has a larger receptive field than
    any kernel.

    Args:
        channels: input and output channels.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        half = channels // 2
        self.rows = nn.Conv1d(channels, half, 3, padding=1, bias=False)
        self.columns = nn.Conv1d(channels, half, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(half)
        self.widen = ConvNorm(half, channels, 1)
        nn.init.zeros_(self.widen[1].weight)  # type: ignore[arg-type]  # initially it adds nothing

    def forward(self, maps: Tensor) -> Tensor:
        """(B, channels, h, w) float32 -> (B, channels, h, w) float32."""
        rows, columns = self.rows(maps.mean(3)), self.columns(maps.mean(2))
        crossed = F.relu(self.norm(rows.unsqueeze(3) + columns.unsqueeze(2)), inplace=True)
        return F.relu(maps + self.widen(crossed), inplace=True)


def pad_to_stride(pixels: Tensor, stride: int) -> Tensor:
    """Pad height and width to multiples of a stride by repeating the last row and column.

    Args:
        pixels: (B, C, H, W) float32.
        stride: what the padded sides are multiples of.

    Returns:
        (B, C, h, w) float32.
    """
    height, width = pixels.shape[-2:]
    down, right = ((side + stride - 1) // stride * stride - side for side in (height, width))
    return F.pad(pixels, (0, right, 0, down), mode="replicate")  # unconditional: an exported graph takes any size
