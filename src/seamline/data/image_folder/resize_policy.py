"""One size for all images of a folder."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from seamline.data.dataset import IGNORE_INDEX
from seamline.errors import SeamlineError
from seamline.run_folder import Task

MIN_SIDE: dict[Task, int] = {"classification": 28, "segmentation": 32}
MAX_SIDE: dict[Task, int] = {"classification": 128, "segmentation": 256}
"""Sides that are chosen automatically: what a small model trains on within minutes."""
_STEP: dict[Task, int] = {"classification": 4, "segmentation": 16}  # segmenters halve the sides four times


@dataclass(frozen=True)
class ImageSize:
    """Height and width in pixels to which images are resized, and how they were chosen, in a sentence."""

    height: int
    width: int
    reason: str


def pick_image_size(sizes: Sequence[tuple[int, int]], task: Task, requested: str | None = None) -> ImageSize:
    """Choose the size to which images are resized, from their heights and widths.

    The user's choice, such as `96` or `128x96` (width x height), comes first.

    Raises:
        SeamlineError: `requested` is not a size.
    """
    if requested is not None:
        height, width = _parse_size(requested)
        return ImageSize(height, width, f"--image-size {requested}")
    smallest, largest, step = MIN_SIDE[task], MAX_SIDE[task], _STEP[task]
    median = [float(np.median(sides)) for sides in zip(*sizes, strict=True)]
    usable = smallest <= min(median) and max(median) <= largest
    if task == "segmentation":
        usable = usable and all(side % step == 0 for side in median)
    if usable and len(set(sizes)) == 1:
        return ImageSize(int(median[0]), int(median[1]), f"all images are {median[1]:.0f} x {median[0]:.0f}")
    scale = min(1.0, largest / max(median))
    height, width = (max(smallest, round(side * scale / step) * step) for side in median)
    return ImageSize(
        height,
        width,
        f"the median size is {median[1]:.0f} x {median[0]:.0f}; resized to {width} x {height}, multiples of {step} "
        f"with a longer side of at most {largest} and both sides at least {smallest}",
    )


def _parse_size(text: str) -> tuple[int, int]:
    """Return height and width of `96`, or of `128x96`, which is width x height."""
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
