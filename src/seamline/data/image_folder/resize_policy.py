"""One size for all images of a folder."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from seamline.data.dataset import IGNORE_INDEX, MIN_PHOTO_SIDE
from seamline.errors import SeamlineError
from seamline.run_folder import Task


@dataclass(frozen=True)
class SideLimits:
    """Sides that are chosen automatically, in pixels: what a model trains on within minutes."""

    smallest: int  # of both sides
    largest: int  # of the longer side
    step: int  # what both sides are multiples of after resizing


LIMITS: dict[Task, SideLimits] = {
    "classification": SideLimits(28, 128, 4),
    "segmentation": SideLimits(32, 256, 16),  # segmenters halve the sides four times
}
"""Limits for models that start from random weights."""
PHOTO_MASK_LIMITS = SideLimits(64, 384, 32)
"""Limits of photos with masks for an encoder with pretrained weights, which halves the sides five times."""
PHOTO_SIDES = ((2_000, 224), (10_000, 160))
"""Number of photos to classify, and the side of a square with the pixels of each up to that number; 128 for more. Few
photos leave time for many pixels."""
_PHOTO_STEP = 32  # the encoder halves the sides five times


@dataclass(frozen=True)
class ImageSize:
    """Height and width in pixels to which images are resized, and how they were chosen, in a sentence."""

    height: int
    width: int
    reason: str


def pick_image_size(
    sizes: Sequence[tuple[int, int]], task: Task, requested: str | None = None, *, pretrained: bool = False
) -> ImageSize:
    """Choose the size to which images are resized, from their heights and widths.

    The user's choice, such as `96` or `128x96` (width x height), comes first. With `pretrained`, photos whose median
    shorter side has `MIN_PHOTO_SIDE` pixels get a size that suits an encoder with pretrained weights.

    Raises:
        SeamlineError: `requested` is not a size.
    """
    if requested is not None:
        height, width = parse_size(requested)
        return ImageSize(height, width, f"--image-size {requested}")
    median = [float(np.median(sides)) for sides in zip(*sizes, strict=True)]
    photos = pretrained and min(median) >= MIN_PHOTO_SIDE
    if photos and task == "classification":
        return _pick_photo_size(sizes, median)
    limits = PHOTO_MASK_LIMITS if photos else LIMITS[task]
    usable = limits.smallest <= min(median) and max(median) <= limits.largest
    if task == "segmentation":
        usable = usable and all(side % limits.step == 0 for side in median)
    if usable and len(set(sizes)) == 1:
        return ImageSize(int(median[0]), int(median[1]), f"all images are {median[1]:.0f} x {median[0]:.0f}")
    scale = min(1.0, limits.largest / max(median))
    height, width = (max(limits.smallest, round(side * scale / limits.step) * limits.step) for side in median)
    return ImageSize(
        height,
        width,
        f"the median size is {median[1]:.0f} x {median[0]:.0f}; resized to {width} x {height}, multiples of "
        f"{limits.step} with a longer side of at most {limits.largest} and both sides at least {limits.smallest}",
    )


def _pick_photo_size(sizes: Sequence[tuple[int, int]], median: Sequence[float]) -> ImageSize:
    """Choose the size of photos to classify for an encoder with pretrained weights."""
    side = next((side for most, side in PHOTO_SIDES if len(sizes) <= most), 128)
    scale = min(1.0, side / math.sqrt(median[0] * median[1]))
    height, width = (max(MIN_PHOTO_SIDE, round(one * scale / _PHOTO_STEP) * _PHOTO_STEP) for one in median)
    if (height, width) == tuple(median) and len(set(sizes)) == 1:
        return ImageSize(height, width, f"all images are {width} x {height}")
    return ImageSize(
        height,
        width,
        f"the median size is {median[1]:.0f} x {median[0]:.0f}; resized to {width} x {height}, multiples of "
        f"{_PHOTO_STEP} with at most about as many pixels as {side} x {side}, for pretrained features",
    )


def parse_size(text: str) -> tuple[int, int]:
    """Return height and width of `96`, or of `128x96`, which is width x height.

    Raises:
        SeamlineError: the text is neither, or a side is too small or too large.
    """
    parts = text.lower().replace("×", "x").split("x")
    if len(parts) in (1, 2) and all(part.strip().isdigit() for part in parts):
        width, height = int(parts[0]), int(parts[-1])
        if min(height, width) >= 16 and max(height, width) <= 4096:
            return height, width
    raise SeamlineError(f"--image-size {text}: must be one number of pixels, or WIDTHxHEIGHT, each 16 to 4096")


def resize_pair(
    image: NDArray[np.uint8], mask: NDArray[np.uint8], size: ImageSize
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Resize an image (H, W, 3) uint8 and its mask (H, W) uint8 to fit into a size; the rest is black and ignored.

    The mask is resized to the nearest pixel, so that classes are not mixed.
    """
    rows, columns = mask.shape
    scale = min(size.height / rows, size.width / columns)
    height, width = max(1, round(scale * rows)), max(1, round(scale * columns))
    resized = np.zeros((size.height, size.width, 3), np.uint8)
    classes = np.full((size.height, size.width), IGNORE_INDEX, np.uint8)
    smooth, nearest = Image.Resampling.BICUBIC, Image.Resampling.NEAREST
    resized[:height, :width] = np.asarray(Image.fromarray(image).resize((width, height), smooth))
    classes[:height, :width] = np.asarray(Image.fromarray(mask).resize((width, height), nearest))
    return resized, classes
