"""One size for all images of a folder, by a stated rule."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from seamline.data.dataset import IGNORE_INDEX
from seamline.data.preprocess import center_crop_resize
from seamline.errors import SeamlineError

SMALLEST = {False: 28, True: 32}
"""The smallest side that is chosen, for labels of whole images and for masks."""
LARGEST = {False: 128, True: 256}
"""The longest side that is chosen: what a small network learns from in minutes."""
_STEP = {False: 4, True: 16}  # sides are multiples of it: networks that give masks halve them four times


@dataclass(frozen=True)
class Size:
    """The size that images are brought to.

    Attributes:
        height: in pixels.
        width: in pixels.
        rule: how it was chosen, in a sentence.
    """

    height: int
    width: int
    rule: str


def choose_size(sizes: Sequence[tuple[int, int]], *, segments: bool, asked: str | None) -> Size:
    """Choose the size for images of the given sizes.

    Args:
        sizes: height and width of each image.
        segments: whether the labels are masks.
        asked: what the user asked for, such as `96` or `96x128` (height x width); None for the rule.

    Raises:
        SeamlineError: what was asked for is no size.
    """
    if asked is not None:
        height, width = _asked(asked)
        return Size(height, width, f"--image-size {asked}")
    heights, widths = np.array(sizes).T
    median = float(np.median(heights)), float(np.median(widths))
    alike = len(set(sizes)) == 1
    if (
        alike
        and max(median) <= LARGEST[segments]
        and min(median) >= SMALLEST[segments]
        and (not segments or all(side % _STEP[True] == 0 for side in median))
    ):
        return Size(int(median[0]), int(median[1]), f"all images are {median[0]:.0f} x {median[1]:.0f}")
    scale = min(1.0, LARGEST[segments] / max(median))
    step = _STEP[segments]
    height, width = (max(SMALLEST[segments], round(side * scale / step) * step) for side in median)
    rule = (
        f"the median of the images' sizes is {median[0]:.0f} x {median[1]:.0f}; its longer side is brought to at most "
        f"{LARGEST[segments]} and both to multiples of {step}, at least {SMALLEST[segments]}: {height} x {width}"
    )
    return Size(height, width, rule)


def _asked(words: str) -> tuple[int, int]:
    """Return height and width of `96` or `96x128`."""
    parts = words.lower().replace("×", "x").split("x")
    if len(parts) in (1, 2) and all(part.strip().isdigit() for part in parts):
        height, width = int(parts[0]), int(parts[-1])
        if min(height, width) >= 16 and max(height, width) <= 4096:
            return height, width
    raise SeamlineError(f"--image-size {words}: must be one number of pixels, or HEIGHTxWIDTH, each 16 to 4096")


def fit_image(photo: NDArray[np.uint8], size: Size) -> NDArray[np.uint8]:
    """Fit a photo (H, W, 3) whose label is of the whole, as photos are fitted when they are predicted."""
    return center_crop_resize(photo, (size.height, size.width, 3))


def fit_pair(
    photo: NDArray[np.uint8], mask: NDArray[np.uint8], size: Size
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Fit a photo (H, W, 3) and its mask (H, W): scaled to fit in, the rest black in the photo and counting nowhere.

    The mask is scaled to the nearest pixel, so that no class appears between two.
    """
    rows, columns = mask.shape
    scale = min(size.height / rows, size.width / columns)
    height, width = max(1, round(scale * rows)), max(1, round(scale * columns))
    image = np.zeros((size.height, size.width, 3), np.uint8)
    classes = np.full((size.height, size.width), IGNORE_INDEX, np.uint8)
    smooth, nearest = Image.Resampling.BICUBIC, Image.Resampling.NEAREST
    image[:height, :width] = np.asarray(Image.fromarray(photo).resize((width, height), smooth))
    classes[:height, :width] = np.asarray(Image.fromarray(mask).resize((width, height), nearest))
    return image, classes
