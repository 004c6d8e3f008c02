"""Networks that give each pixel one score a class: (B, C, H, W) uint8 -> (B, K, H, W) float32.

They take raw pixels 0..255 of images of any size: what a network's strides need is padded inside, by repeating the
edge, and cropped from the scores.
"""

from collections.abc import Callable
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from seamline.models.blocks import BaseModel, ConvNorm, Normalize, Residual, StripPooling


class Segmenter(BaseModel):
    """What every segmenter does around its layers: normalise, pad, score, crop.

    A subclass gives `scores_of`, which takes sides that are multiples of `stride`.

    Args:
        channels: channels C of an image.
        stride: what height and width are padded to a multiple of.
    """

    def __init__(self, channels: int, stride: int) -> None:
        super().__init__()
        self.stride = stride
        self.normalise = Normalize(channels)

    def scores_of(self, pixels: Tensor) -> Tensor:
        """(B, C, h, w) float32, normalised -> (B, K, h, w)."""
        raise NotImplementedError

    def forward(self, images: Tensor) -> Tensor:
        """(B, C, H, W) uint8 -> (B, K, H, W) float32, the higher the likelier."""
        pixels = self.normalise(images)
        return self.whole(pixels) if self.training else self.answer(pixels)

    def whole(self, pixels: Tensor) -> Tensor:
        """(B, C, H, W) float32, normalised, of any size -> (B, K, H, W)."""
        height, width = pixels.shape[-2:]
        down, right = ((side + self.stride - 1) // self.stride * self.stride - side for side in (height, width))
        padded = F.pad(pixels, (0, right, 0, down), mode="replicate")  # also by nothing: an export is for all sizes
        return self.scores_of(padded)[..., :height, :width]

    def answer(self, pixels: Tensor) -> Tensor:
        """What is said when not training: the scores as they are, or the mean of both sides'."""
        return self.of_both_sides(pixels, self.whole) if self.mirrored else self.whole(pixels)

    def of_both_sides(self, pixels: Tensor, said: Callable[[Tensor], Tensor]) -> Tensor:
        """Return the mean of what is said of images and of their mirror images, which are asked about together."""
        count = pixels.shape[0]
        both = said(torch.cat([pixels, pixels.flip(-1)]))
        return (both[:count] + both[count:].flip(-1)) / 2


class FacadeNet(Segmenter):
    """The course study's segmenter: six convolutions, two transposed ones, batch normalisation after each ReLU.

    The study fixes these counts, kernel 3 everywhere, up to 1024 filters in the middle, and the order of ReLU and
    normalisation. Chosen here: the filters (32, 64, 128, 256, 1024, 256, then 64 and the classes), 2 x 2 max pooling
    after each of the first three convolutions, and the way back: each transposed convolution doubles the sides (with
    kernel 3 a longer stride would leave pixels out), the last one gives the scores, and these, at half the image's
    size, are enlarged bilinearly.

    Args:
        channels: channels C of an image.
        classes: number of classes K.
    """

    def __init__(self, channels: int, classes: int) -> None:
        super().__init__(channels, stride=8)
        layers: list[nn.Module] = []
        inputs = channels
        for number, outputs in enumerate((32, 64, 128, 256, 1024, 256)):
            layers += [nn.Conv2d(inputs, outputs, 3, padding=1), nn.ReLU(inplace=True), nn.BatchNorm2d(outputs)]
            if number < 3:
                layers.append(nn.MaxPool2d(2))
            inputs = outputs
        layers += [nn.ConvTranspose2d(inputs, 64, 3, 2, 1, 1), nn.ReLU(inplace=True), nn.BatchNorm2d(64)]
        layers.append(nn.ConvTranspose2d(64, classes, 3, 2, 1, 1))
        self.layers = nn.Sequential(*layers)
        self.class_layers = (f"layers.{len(layers) - 1}.",)

    def scores_of(self, pixels: Tensor) -> Tensor:
        """(B, C, h, w) -> (B, K, h, w); sides are multiples of 8."""
        return _enlarged(self.layers(pixels), 2)


class FCN(Segmenter):
    """A fully convolutional network on AlexNet-like features (Long, Shelhamer, Darrell, CVPR 2015).

    AlexNet's five convolutions (Krizhevsky, One weird trick for parallelizing convolutional neural networks, 2014:
    64 of kernel 11 and stride 4, 192 of kernel 5, 384, 256 and 256 of kernel 3, max pooling 3 x 3 by 2 after the
    first, second and fifth), its two dense layers as 1 x 1 convolutions with dropout, and scores for each 32 x 32
    pixels, enlarged twice by 2 and added to the scores of the second and first pooling, then by 8. Chosen here, so
    that it trains from nothing on a small set: batch normalisation before each ReLU, 1024 units instead of 4096.

    Args:
        channels: channels C of an image.
        classes: number of classes K.
    """

    def __init__(self, channels: int, classes: int) -> None:
        super().__init__(channels, stride=32)
        self.eighth = nn.Sequential(_step(channels, 64, 11, 4), nn.MaxPool2d(3, 2, 1))
        self.sixteenth = nn.Sequential(_step(64, 192, 5), nn.MaxPool2d(3, 2, 1))
        self.last = nn.Sequential(
            _step(192, 384), _step(384, 256), _step(256, 256), nn.MaxPool2d(3, 2, 1),
            _step(256, 1024, 1), nn.Dropout2d(0.5), _step(1024, 1024, 1), nn.Dropout2d(0.5),
        )  # fmt: skip
        self.class_layers = ("heads.",)
        self.heads = nn.ModuleList([nn.Conv2d(width, classes, 1) for width in (64, 192, 1024)])

    def scores_of(self, pixels: Tensor) -> Tensor:
        """(B, C, h, w) -> (B, K, h, w); sides are multiples of 32."""
        eighth = self.eighth(pixels)  # (B, 64, h / 8, w / 8)
        sixteenth = self.sixteenth(eighth)  # (B, 192, h / 16, w / 16)
        scores = self.heads[2](self.last(sixteenth))  # (B, K, h / 32, w / 32)
        scores = _enlarged(scores, 2) + self.heads[1](sixteenth)
        scores = _enlarged(scores, 2) + self.heads[0](eighth)
        return _enlarged(scores, 8)


class UNet(Segmenter):
    """A compact U-Net (Ronneberger, Fischer, Brox, MICCAI 2015) of residual blocks that works at half size and below.

    A strided convolution halves the image, each further level halves again and ends in residual blocks; one level also
    looks along its rows and columns. On the way back each level is enlarged, brought to the width of the next by a
    1 x 1 convolution and added to it. The scores of the four pixels under each place of half size are read from it at
    once (Shi et al., sub-pixel convolution, CVPR 2016; begun as Aitken et al., Checkerboard artifact free sub-pixel
    convolution, 2017, advise).

    When not training it gives log probabilities: the log softmax of the mean score over the image at all `scales`, and
    over its mirror image where it is `mirrored`. So they can be compared from pixel to pixel and from image to image,
    and ranking pixels by these scores is ranking them by probability. (The mean of log softmaxes, made to sum to one,
    would be the same: what they take from a pixel's scores is alike for all classes, also once it is resized.)

    Args:
        channels: channels C of an image.
        classes: number of classes K.
        widths: channels of each level, from half size down, at least two.
        blocks: residual blocks of each level below half size on the way down.
        strips: the level that looks along rows and columns.
        scales: sizes at which the image is looked at when not training, 1 for its own.
    """

    def __init__(
        self,
        channels: int,
        classes: int,
        widths: tuple[int, ...],
        blocks: tuple[int, ...],
        *,
        strips: int = 3,
        scales: tuple[float, ...] = (1.0,),
    ) -> None:
        super().__init__(channels, stride=2 ** len(widths))
        self.scales = scales
        self.stem = _step(channels, widths[0], stride=2)
        self.down = nn.ModuleList()
        for level, ((inputs, outputs), count) in enumerate(zip(pairwise(widths), blocks, strict=True), 1):
            steps: list[nn.Module] = [Residual(inputs, outputs, 2)]
            steps += [Residual(outputs, outputs) for _ in range(count - 1)]
            pooling = StripPooling(outputs)  # drawn at every level, as in the runs of docs/results.md; one keeps it
            if level == strips:
                steps.append(pooling)
            self.down.append(nn.Sequential(*steps))
        pairs = list(pairwise(widths[::-1]))
        self.narrow = nn.ModuleList([ConvNorm(lower, upper, 1) for lower, upper in pairs])
        self.up = nn.ModuleList([Residual(upper, upper) for _, upper in pairs[:-1]])
        self.up.append(_step(widths[0], widths[0]))  # half size costs most: one convolution there
        self.class_layers = ("head.",)
        self.head = nn.Conv2d(widths[0], classes * 4, 1)
        with torch.no_grad():  # the four pixels of a place begin alike, else their differences stay visible as a comb
            for weight in self.head.parameters():
                weight.copy_(weight[::4].repeat_interleave(4, 0))

    def scores_of(self, pixels: Tensor) -> Tensor:
        """(B, C, h, w) -> (B, K, h, w); sides are multiples of `stride`."""
        levels = [self.stem(pixels)]
        for step in self.down:
            levels.append(step(levels[-1]))
        maps = levels.pop()
        for narrow, step, level in zip(self.narrow, self.up, reversed(levels), strict=True):
            maps = step(F.relu(_enlarged(narrow(maps), 2) + level))
        return F.pixel_shuffle(self.head(maps), 2)

    def answer(self, pixels: Tensor) -> Tensor:
        """Log probabilities, of mirror images and all sizes together."""
        size = pixels.shape[-2:]
        total = torch.zeros((), device=pixels.device)
        for scale in self.scales:
            seen = pixels if scale == 1 else _resized(pixels, [_scaled(side, scale) for side in size])
            scores = super().answer(seen)
            total = total + (scores if scale == 1 else _resized(scores, list(size)))
        return (total / len(self.scales)).log_softmax(1)


def _scaled(side: int, scale: float) -> int:
    """Return the nearest whole number of pixels, in whole numbers alone: an export keeps the formula."""
    over, under = float(scale).as_integer_ratio()
    return (2 * side * over + under) // (2 * under)


def _step(inputs: int, outputs: int, kernel: int = 3, stride: int = 1) -> nn.Sequential:
    """A convolution, batch normalisation and ReLU."""
    return nn.Sequential(ConvNorm(inputs, outputs, kernel, stride), nn.ReLU(inplace=True))


def _enlarged(maps: Tensor, factor: int) -> Tensor:
    """(B, C, h, w) -> (B, C, factor h, factor w), bilinearly."""
    return F.interpolate(maps, scale_factor=factor, mode="bilinear", align_corners=False)


def _resized(maps: Tensor, size: list[int]) -> Tensor:
    """(B, C, h, w) -> (B, C, *size), bilinearly."""
    return F.interpolate(maps, size=size, mode="bilinear", align_corners=False)


Shape = tuple[int, int, int]


def facadenet(shape: Shape, classes: int) -> FacadeNet:
    """The study's network as described."""
    return FacadeNet(shape[-1], classes)


def fcn(shape: Shape, classes: int) -> FCN:
    """What the study was inspired by, small."""
    return FCN(shape[-1], classes)


def unet_fast(shape: Shape, classes: int) -> UNet:
    """A U-Net for minutes on two cores."""
    return UNet(shape[-1], classes, (16, 48, 96, 192, 192), (1, 1, 1, 1), scales=(1.0, 1.25))


def unet_best(shape: Shape, classes: int) -> UNet:
    """A U-Net for half an hour on two cores."""
    return UNet(shape[-1], classes, (32, 64, 128, 256, 256), (1, 1, 2, 2), scales=(1.0, 1.25, 1.5))


def unet_sprint(shape: Shape, classes: int) -> UNet:
    """A U-Net for seconds on two cores; it looks at images of half the size."""
    return UNet(shape[-1], classes, (16, 32, 64, 128), (1, 1, 1), scales=(0.5,))


SEGMENTERS: dict[str, Callable[[Shape, int], Segmenter]] = {
    "facadenet": facadenet,
    "fcn": fcn,
    "unet-fast": unet_fast,
    "unet-best": unet_best,
    "unet-sprint": unet_sprint,
}
