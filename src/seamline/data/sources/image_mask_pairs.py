"""A folder of images with masks: two files of the same stem."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from seamline.data.dataset import Split
from seamline.data.image_io import SUFFIXES, read_image
from seamline.data.limits import map_threads
from seamline.data.masks import Color, read_mask, refuse_other_size
from seamline.errors import SeamlineError, refuse_unreadable
from seamline.io import is_system_name

_IMAGE_SUFFIXES = tuple(suffix for suffix in SUFFIXES if suffix != ".png")


def read_pairs(folder: Path, classes: int, palette: Sequence[Color], *, size: tuple[int, ...] | None = None) -> Split:
    """Read the images of a folder and their masks, sorted by name.

    Args:
        folder: contains `STEM.jpg` (or another format but PNG) and the mask `STEM.png` for each image.
        classes: number of classes K.
        palette: the color of each class, see `seamline.data.masks.read_mask`.
        size: height and width of every image; the first image's by default.

    Returns:
        N images (N, H, W, 3) uint8 with labels (N, H, W) uint8, each image a group of its own, numbered from 0.

    Raises:
        SeamlineError: the folder is unreadable or empty, or an image or mask is missing, invalid, or has another size.
    """
    pairs = _find_pairs(folder)
    height, width = read_image(pairs[0][0]).shape[:2] if size is None else size
    images = np.empty((len(pairs), height, width, 3), dtype=np.uint8)
    labels = np.empty((len(pairs), height, width), dtype=np.uint8)

    def read(index: int) -> None:
        image_path, mask_path = pairs[index]
        image = read_image(image_path)
        mask = read_mask(mask_path, classes, palette=palette)
        rows, columns = image.shape[:2]
        if (rows, columns) != (height, width):
            source = f"{pairs[0][0].name} before it" if size is None else "the training images"
            raise SeamlineError(
                f"{image_path}: is {columns} x {rows} pixels, not {width} x {height} as {source}; "
                "resize all images and masks to one size"
            )
        refuse_other_size(mask, image, mask_path, image_path.name)
        images[index] = image
        labels[index] = mask

    map_threads(read, range(len(pairs)))
    names = tuple(f"{folder.name}/{image.name}" for image, _ in pairs)
    return Split(images, labels, names, np.arange(len(pairs), dtype=np.int64))


def _find_pairs(folder: Path) -> list[tuple[Path, Path]]:
    """Return images and masks, sorted by name, or raise a `SeamlineError` where one is missing or there are none."""
    with refuse_unreadable(folder):
        files = sorted(path for path in folder.iterdir() if not is_system_name(path.name))
    images = _by_stem(path for path in files if path.suffix.lower() in _IMAGE_SUFFIXES)
    masks = _by_stem(path for path in files if path.suffix.lower() == ".png")
    if not images and not masks:
        raise SeamlineError(f"{folder}: contains no image; put images there, such as a.jpg, each with its mask, a.png")
    for paths, others, missing in ((images, masks, "mask"), (masks, images, "image")):
        if unpaired := [path for stem, path in paths.items() if stem not in others]:
            more = f" ({len(unpaired):,} files in total)" if len(unpaired) > 1 else ""
            suffix = ".png" if missing == "mask" else ".jpg"
            raise SeamlineError(
                f"{unpaired[0]}: has no {missing}, {unpaired[0].stem}{suffix}, beside it{more}; add the {missing}, or "
                "remove the file"
            )
    return [(image, masks[image.stem]) for image in sorted(images.values(), key=lambda path: path.name)]


def _by_stem(paths: Iterable[Path]) -> dict[str, Path]:
    """Return stem -> path, or raise a `SeamlineError` where two files have one stem."""
    by_stem: dict[str, Path] = {}
    for path in paths:
        if path.stem in by_stem:
            raise SeamlineError(f"{path}: has the same stem as {by_stem[path.stem].name}; keep one of the two")
        by_stem[path.stem] = path
    return by_stem
