"""Layers that networks share."""

from collections.abc import Mapping, Sequence
from itertools import cycle, islice
from types import MappingProxyType

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from seamline.data.lazy_array import ArrayLike, iter_chunks


class Normalize(nn.Module):
    """Raw pixels to numbers of mean 0 and standard deviation 1 for each channel.

    Args:
        channels: number of channels C.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(1, channels, 1, 1))
        self.register_buffer("std", torch.ones(1, channels, 1, 1))
        self.given = False

    def fit(self, images: ArrayLike) -> None:
        """Take mean and deviation over from `images` (N, H, W, C) uint8, exactly, by counting pixel values.

        What was given before stays.
        """
        if self.given:
            return
        levels = np.arange(256)
        counts = np.zeros((images.shape[-1], 256), dtype=np.int64)
        for part in iter_chunks(images, 1 << 20):  # a million at a time: counting widens them
            counts += [np.bincount(part[..., c].ravel(), minlength=256) for c in range(images.shape[-1])]
        mean = (counts @ levels) / counts.sum(1)
        variance = (counts @ levels**2) / counts.sum(1) - mean**2
        std = np.sqrt(np.maximum(variance, 1.0))  # a channel of one value must not be divided by zero
        self.mean.copy_(torch.from_numpy(mean).reshape(1, -1, 1, 1))
        self.std.copy_(torch.from_numpy(std).reshape(1, -1, 1, 1))

    def give(self, mean: Sequence[float], std: Sequence[float]) -> None:
        """Take mean and deviation of red, green and blue, 0..255, that weights were trained with; `fit` leaves them.

        A grey image gets the means over the three, further channels begin again with red.
        """
        for buffer, values in ((self.mean, mean), (self.std, std)):
            channels = buffer.numel()
            chosen = [sum(values) / len(values)] if channels == 1 else list(islice(cycle(values), channels))
            buffer.copy_(torch.tensor(chosen).reshape(1, -1, 1, 1))
        self.given = True

    def forward(self, images: Tensor) -> Tensor:
        """(B, C, H, W) uint8 -> (B, C, H, W) float32."""
        return (images.float() - self.mean) / self.std


class BaseModel(nn.Module):
    """What every network here has beside its layers.

    Attributes:
        normalise: brings raw pixels to the scale the layers were trained with.
        mirrored: whether to answer, when not training, for an image and its mirror image together: set where a network
            learns from mirror images too.
        scales: sizes at which it looks at an image when not training, 1 for the image's own.
        begun: what a network of others begins with, in words that read on after `begins`; None for Seamline's own.
        packages: versions of the packages that its layers come from, beside PyTorch.
        class_layers: how the names of those weights begin that give a score for each class.
    """

    class_layers: tuple[str, ...] = ("scores",)

    normalise: Normalize
    mirrored: bool = False
    scales: tuple[float, ...] = (1.0,)
    begun: str | None = None
    packages: Mapping[str, str] = MappingProxyType({})

    def fit(self, images: ArrayLike) -> None:
        """Take from the training images (N, H, W, C) uint8 what is not learned step by step; once, before training."""
        self.normalise.fit(images)


def patch_directions(pixels: Tensor, kernel: int, count: int) -> Tensor:
    """Return the directions in which patches of images differ most: their covariance's first eigenvectors.

    A first layer that begins with them sees all that pixels have to say from the first step on (after Page, How to
    train your ResNet, 2018, and Jordan, 94 % on CIFAR-10 in 3.29 seconds, 2024).

    Args:
        pixels: (N, C, H, W) float32.
        kernel: side of a patch.
        count: how many, at most C x kernel x kernel.

    Returns:
        (count, C, kernel, kernel) float32, each of length 1, the one of most variance first.
    """
    channels = pixels.shape[1]
    patches = F.unfold(pixels.contiguous(), kernel).transpose(1, 2).flatten(0, 1)  # (N patches, C kernel kernel)
    patches = patches - patches.mean(0)
    covariance = (patches.T @ patches).double() / len(patches)
    directions: Tensor = torch.linalg.eigh(covariance)[1].flip(1)[:, :count]  # eigh: least variance first
    return directions.T.float().reshape(count, channels, kernel, kernel)


class ConvNorm(nn.Sequential):
    """A convolution and its batch normalisation, edges padded with zeros so that only the stride shrinks the maps.

    Args:
        inputs: channels in.
        outputs: channels out.
        kernel: side of the kernel, odd.
        stride: step of the convolution.
    """

    def __init__(self, inputs: int, outputs: int, kernel: int = 3, stride: int = 1) -> None:
        super().__init__(
            nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False),
            nn.BatchNorm2d(outputs),
        )


class Residual(nn.Module):
    """Two 3 x 3 convolutions and a way past them (He, Zhang, Ren, Sun, CVPR 2016).

    Args:
        inputs: channels in.
        outputs: channels out.
        stride: step of the first convolution; the way past is averaged over as many pixels.
    """

    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__()
        self.first = ConvNorm(inputs, outputs, stride=stride)
        self.second = ConvNorm(outputs, outputs)
        nn.init.zeros_(self.second[1].weight)  # type: ignore[arg-type]  # each block begins as its way past
        self.past: nn.Module = nn.Identity()
        if stride > 1 or inputs != outputs:
            pooled: nn.Module = nn.AvgPool2d(stride) if stride > 1 else nn.Identity()
            self.past = nn.Sequential(pooled, ConvNorm(inputs, outputs, 1))

    def forward(self, maps: Tensor) -> Tensor:
        """(B, inputs, h, w) -> (B, outputs, h / stride, w / stride)."""
        return F.relu(self.second(F.relu(self.first(maps), inplace=True)) + self.past(maps), inplace=True)


class StripPooling(nn.Module):
    """Lets each place know the means of its row and of its column (Hou, Zhang, Cheng, Feng, CVPR 2020).

    Windows, storeys and pillars stand in rows and columns, and a mean over a whole one reaches further than any kernel.

    Args:
        channels: channels in and out.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        half = channels // 2
        self.rows = nn.Conv1d(channels, half, 3, padding=1, bias=False)
        self.columns = nn.Conv1d(channels, half, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(half)
        self.widen = ConvNorm(half, channels, 1)
        nn.init.zeros_(self.widen[1].weight)  # type: ignore[arg-type]  # it begins as nothing added

    def forward(self, maps: Tensor) -> Tensor:
        """(B, channels, h, w) -> the same."""
        rows, columns = self.rows(maps.mean(3)), self.columns(maps.mean(2))
        crossed = F.relu(self.norm(rows.unsqueeze(3) + columns.unsqueeze(2)), inplace=True)
        return F.relu(maps + self.widen(crossed), inplace=True)
