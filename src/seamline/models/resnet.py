"""A classifier for photos: residual blocks, as wide as the images are many."""

import math
from itertools import pairwise

from torch import Tensor, nn
from torch.nn import functional as F

from seamline.errors import SeamlineError
from seamline.models.blocks import BaseModel, ConvNorm, Normalize, Residual

_LEAST = 16  # pixels of the shorter side
_LEFT = 4  # the shorter side of the last maps is at least this


class SmallResNet(BaseModel):
    """A small residual network (He, Zhang, Ren, Sun, CVPR 2016) for photos of any size from 16 pixels on.

    A strided convolution halves the image; each further level halves again and widens, until the shorter side has 4 to
    7 places, at most five times; a level holds two blocks. Means over the last maps go through dropout to the scores.

    Args:
        shape: (H, W, C) of an image.
        classes: number of classes K.
        width: channels of the first level.
        dropout: share of the means that is left out in training.

    Raises:
        SeamlineError: the images are smaller than 16 x 16 pixels.
    """

    def __init__(self, shape: tuple[int, int, int], classes: int, width: int, dropout: float = 0.2) -> None:
        super().__init__()
        height, width_of_images, channels = shape
        least = min(height, width_of_images)
        if least < _LEAST:
            raise SeamlineError(
                f"images of {height} x {width_of_images} pixels are too small for this network; it needs 16 x 16"
            )
        self.normalise = Normalize(channels)
        levels = min(5, int(math.log2(least / _LEFT)))
        self.stride = 2**levels
        self.stem = nn.Sequential(ConvNorm(channels, width, 5, 2), nn.ReLU(inplace=True))
        widths = [width, *(min(8, 2**level) * width for level in range(1, levels))]
        steps: list[nn.Module] = [Residual(width, width)]
        for inputs, outputs in pairwise(widths):
            steps += [Residual(inputs, outputs, 2), Residual(outputs, outputs)]
        self.levels = nn.Sequential(*steps)
        self.dropout = nn.Dropout(dropout)
        self.scores = nn.Linear(widths[-1], classes)

    def forward(self, images: Tensor) -> Tensor:
        """(B, C, H, W) uint8 -> (B, K) float32, the higher the likelier; when `mirrored`, the mean of both sides'."""
        pixels = self.normalise(images)
        scores = self._scores(pixels)
        if self.training or not self.mirrored:
            return scores
        return (scores + self._scores(pixels.flip(-1))) / 2

    def _scores(self, pixels: Tensor) -> Tensor:
        height, width = pixels.shape[-2:]
        down, right = -height % self.stride, -width % self.stride  # so that halving leaves nothing out
        if down or right:
            pixels = F.pad(pixels, (0, right, 0, down), mode="replicate")
        scores: Tensor = self.scores(self.dropout(self.levels(self.stem(pixels)).mean((2, 3))))
        return scores
