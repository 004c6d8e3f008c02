"""A folder in which each image stands beside its mask: two files of one stem."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from seamline.data.dataset import Split
from seamline.data.image_io import SUFFIXES, read_image
from seamline.data.limits import map_threads
from seamline.data.masks import Color, read_mask
from seamline.errors import SeamlineError

IMAGE_SUFFIXES = tuple(suffix for suffix in SUFFIXES if suffix != ".png")
"""What image files are called; a `.png` is a mask. Other files are passed over."""

MASK_SUFFIX = ".png"


def read_pairs(
    folder: Path,
    prefix: str,
    classes: int,
    *,
    palette: Sequence[Color] | None = None,
    ignore: int | Color | None = None,
    size: tuple[int, int] | None = None,
) -> Split:
    """Read the images of a folder and their masks, in the order of the images' names.

    Args:
        folder: holds `STEM.jpg` (or another of `IMAGE_SUFFIXES`) and `STEM.png` for each image.
        prefix: what the names of the images start with: `train` gives `train/STEM.jpg`.
        classes: the number of classes K.
        palette: the colour of each class, see `seamline.data.masks.read_mask`.
        ignore: the value or colour of a mask that counts nowhere.
        size: height and width that every image must have; the first image's by default.

    Returns:
        N images (N, H, W, 3) uint8 with labels (N, H, W) uint8, each image a group of its own, numbered from 0.

    Raises:
        SeamlineError: the folder cannot be read or holds no image, an image or a mask stands alone, cannot be read or has
            another size than it must have.
    """
    pairs = list(_pairs(folder))
    height, width = read_image(pairs[0][0]).shape[:2] if size is None else size
    images = np.empty((len(pairs), height, width, 3), dtype=np.uint8)
    labels = np.empty((len(pairs), height, width), dtype=np.uint8)

    def read(place: int) -> None:
        image_path, mask_path = pairs[place]
        image = read_image(image_path)
        mask = read_mask(mask_path, classes, palette=palette, ignore=ignore)
        if image.shape[:2] != (height, width):
            wanted = f"{pairs[0][0].name} before it" if size is None else "it must be"
            raise SeamlineError(
                f"{image_path}: is {_size(image)} pixels, not {height} x {width} (height x width) as {wanted}; "
                "bring the images and masks to one size"
            )
        if mask.shape != image.shape[:2]:
            raise SeamlineError(
                f"{mask_path}: is {_size(mask)} pixels (height x width), its image {image_path.name} is "
                f"{_size(image)}; they must be of one size"
            )
        images[place] = image
        labels[place] = mask

    map_threads(read, range(len(pairs)))  # the first file that is wrong is the one named
    names = tuple(f"{prefix}/{image.name}" for image, _ in pairs)
    return Split(images, labels, names, np.arange(len(pairs), dtype=np.int64))


def _pairs(folder: Path) -> Iterator[tuple[Path, Path]]:
    """Yield image and mask, by the image's name; a `SeamlineError` where one of the two is missing or there is none."""
    try:
        present = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    except OSError as error:
        reason = error.strerror or str(error)
        raise SeamlineError(f"{folder}: cannot be read ({reason}); check the path and its permissions") from error
    images = _by_stem(path for path in present if path.suffix.lower() in IMAGE_SUFFIXES)
    masks = _by_stem(path for path in present if path.suffix.lower() == MASK_SUFFIX)
    if not images and not masks:
        raise SeamlineError(f"{folder}: holds no image; put images there, such as a.jpg, each with its mask, a.png")
    _refuse_alone(images, masks, "mask", f"STEM{MASK_SUFFIX}")
    _refuse_alone(masks, images, "image", "STEM.jpg")
    for image in sorted(images.values(), key=lambda path: path.name):
        yield image, masks[image.stem]


def _by_stem(paths: Iterator[Path]) -> dict[str, Path]:
    """Return stem -> path; a `SeamlineError` where two files have one stem."""
    found: dict[str, Path] = {}
    for path in paths:
        if path.stem in found:
            raise SeamlineError(f"{path}: has the stem of {found[path.stem].name} too; keep one of the two")
        found[path.stem] = path
    return found


def _refuse_alone(these: dict[str, Path], others: dict[str, Path], lacking: str, pattern: str) -> None:
    """Raise a `SeamlineError` that names the first file without its counterpart, if there is one."""
    alone = [path for stem, path in these.items() if stem not in others]
    if alone:
        expected = pattern.replace("STEM", alone[0].stem)
        more = f" ({len(alone):,} files lack theirs)" if len(alone) > 1 else ""
        raise SeamlineError(
            f"{alone[0]}: has no {lacking} beside it, {expected} is not there{more}; add the {lacking}, or take the "
            "file away"
        )


def _size(array: NDArray[np.uint8]) -> str:
    """Return an image's height and width in words."""
    return f"{array.shape[0]} x {array.shape[1]}"
