"""Networks that give each image one score a class: (B, C, H, W) uint8 -> (B, K) float32.

They take raw pixels 0..255: the normalisation lies inside, in buffers, so that whoever holds the weights holds it too.
"""

import math
from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from seamline.data.lazy_array import ArrayLike
from seamline.errors import SeamlineError
from seamline.models.blocks import BaseModel, Normalize, patch_directions
from seamline.models.resnet import SmallResNet

BEGUN_ON = 2_000 * 28 * 28  # pixels whose patches a first layer begins with; their covariance is 25 x 25 a channel


class TwoLayerCNN(BaseModel):
    """The course study's network: two convolutions of 32 filters, kernel 5, and a small head.

    The study fixes the two convolutions. Chosen here: no padding, 2 x 2 max pooling after each convolution, a linear
    head (of those tried it came nearest to the study's training and validation accuracy). ReLU comes after the
    pooling: both orders give the same numbers (the maximum of rectified numbers is the rectified maximum), and this
    one rectifies a quarter as many.

    Args:
        shape: (H, W, C) of an image.
        classes: number of classes K.
        hidden: units in the head's hidden layer; 0 leaves it out.
        norm: batch normalisation before each ReLU, instead of biases.
        strided: halve the maps by convolving every second pixel, edges padded, instead of by pooling.
        directions: begin the first layer with the 16 directions in which the images' patches differ most, and with
            their opposites, instead of at random.

    Raises:
        SeamlineError: the images are smaller than 16 x 16 pixels, too small for two convolutions and poolings.
    """

    def __init__(
        self,
        shape: tuple[int, int, int],
        classes: int,
        *,
        hidden: int = 0,
        norm: bool = False,
        strided: bool = False,
        directions: bool = False,
    ) -> None:
        super().__init__()
        self.directions = directions
        height, width, channels = shape
        if min(height, width) < 16:
            raise SeamlineError(f"images of {height} x {width} pixels are too small for this network; it needs 16 x 16")
        self.pool: nn.Module = nn.Identity() if strided else nn.MaxPool2d(2)
        stride, padding = (2, 2) if strided else (1, 0)
        self.normalise = Normalize(channels)
        self.conv1 = nn.Conv2d(channels, 32, 5, stride, padding, bias=not norm)
        self.norm1 = nn.BatchNorm2d(32) if norm else nn.Identity()
        self.conv2 = nn.Conv2d(32, 32, 5, stride, padding, bias=not norm)
        self.norm2 = nn.BatchNorm2d(32) if norm else nn.Identity()
        rows, columns = (-(-side // 4) if strided else ((side - 4) // 2 - 4) // 2 for side in (height, width))
        features = 32 * rows * columns
        # a kernel as large as the maps is a linear layer of all of them, and faster than nn.Linear
        self.hidden = nn.Conv2d(32, hidden, (rows, columns), bias=not norm) if hidden else nn.Identity()
        self.norm3 = nn.BatchNorm2d(hidden) if hidden and norm else nn.Identity()
        self.scores = nn.Linear(hidden or features, classes)

    def fit(self, images: ArrayLike) -> None:
        """Take mean and deviation from the images (N, H, W, C) uint8, and the first layer where it begins with them."""
        super().fit(images)
        if not self.directions:
            return
        count = max(1, BEGUN_ON // math.prod(images.shape[1:3]))
        some = torch.from_numpy(np.ascontiguousarray(images[:count])).permute(0, 3, 1, 2)
        half = patch_directions(self.normalise(some), 5, len(self.conv1.weight) // 2)
        with torch.no_grad():
            self.conv1.weight.copy_(torch.cat([half, -half]))

    def stages(self, images: Tensor) -> dict[str, Tensor]:
        """Hand out every intermediate by name, in order.

        Args:
            images: (B, C, H, W) uint8.

        Returns:
            `pixels` (B, C, H, W), `layer 1` and `layer 2` (B, 32, h, w), `hidden` (B, units), `scores` (B, K),
            all float32.

        Raises:
            SeamlineError: a network with batch normalisation is to learn from a single image.
        """
        if self.training and len(images) == 1 and isinstance(self.norm3, nn.BatchNorm2d):
            raise SeamlineError(
                "recipe: this network learns from two images or more at a time; raise batch_size above 1"
            )
        pixels = self.normalise(images)  # (B, C, 28, 28)
        layer1 = F.relu(self.norm1(self.pool(self.conv1(pixels))))  # (B, 32, 12, 12), strided (B, 32, 14, 14)
        layer2 = F.relu(self.norm2(self.pool(self.conv2(layer1))))  # (B, 32, 4, 4), strided (B, 32, 7, 7)
        hidden = F.relu(self.norm3(self.hidden(layer2))).flatten(1)  # (B, units)
        scores = self.scores(hidden)  # (B, K)
        return {"pixels": pixels, "layer 1": layer1, "layer 2": layer2, "hidden": hidden, "scores": scores}

    def forward(self, images: Tensor) -> Tensor:
        """(B, C, H, W) uint8 -> (B, K) float32, the higher the likelier; when `mirrored`, the mean of both sides'."""
        scores = self.stages(images)["scores"]
        if self.training or not self.mirrored:
            return scores
        return (scores + self.stages(images.flip(-1))["scores"]) / 2

    @property
    def beginning(self) -> str:
        """How the kernels began, in a sentence, so that nobody takes for learned what was given."""
        if not self.directions:
            return "All kernels began at random."
        return (
            "The kernels of layer 1 began as the directions in which 5 × 5 patches of the images differ most, and "
            "their opposites; those of layer 2 began at random."
        )

    def kernels(self) -> dict[str, Tensor]:
        """Return the kernels of the two layers by name: (out, in, 5, 5) float32 each."""
        return {"layer 1": self.conv1.weight.detach(), "layer 2": self.conv2.weight.detach()}


def study(shape: tuple[int, int, int], classes: int) -> TwoLayerCNN:
    """The study's network as described."""
    return TwoLayerCNN(shape, classes)


def study_hidden(shape: tuple[int, int, int], classes: int) -> TwoLayerCNN:
    """The study's network with a hidden layer of 128 units in its head, to compare with."""
    return TwoLayerCNN(shape, classes, hidden=128)


def study_fast(shape: tuple[int, int, int], classes: int) -> TwoLayerCNN:
    """The same convolutions, strided (two thirds of the work), with batch normalisation, which bears larger steps.

    The first begins with the directions of the images' own patches.
    """
    return TwoLayerCNN(shape, classes, hidden=128, norm=True, strided=True, directions=True)


CLASSIFIERS: dict[str, Callable[[tuple[int, int, int], int], BaseModel]] = {
    "study": study,
    "study-hidden": study_hidden,
    "study-fast": study_fast,
    **{f"residual-{width}": partial(SmallResNet, width=width) for width in (16, 32, 64)},
}
