"""What was found in a folder -> a Dataset, decoded and brought to one size."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from seamline.data.dataset import Dataset, Split
from seamline.data.errors import UserError
from seamline.data.folders.classes import Classes, classes_of, to_classes
from seamline.data.folders.items import Found, Item
from seamline.data.folders.polygons import draw
from seamline.data.folders.seen import see
from seamline.data.folders.sizes import Size, choose_size, fit_image, fit_pair
from seamline.data.images import read_photo
from seamline.data.masks import mask_values
from seamline.data.parallel import in_order

Progress = Callable[[int, int], None]

_ROOM = 8 << 30  # bytes of decoded images that are held in memory


def load_folder(place: Path, *, size: str | None = None, progress: Progress | None = None) -> Dataset:
    """Read a user's own images.

    Where the folder names no test set, `test` is empty: relatives are to be found first, and then some groups set
    aside. Where it names a validation set, that is used as it is.

    Args:
        place: a folder, a CSV of files and labels, or COCO JSON.
        size: height and width to bring images to, such as `96` or `96x128`; by default by the rule of `choose_size`.
        progress: called with images decoded and images in all.

    Returns:
        The dataset; `note` says what was seen and what was chosen. Images that are all grey have one channel.

    Raises:
        UserError: nothing that can be learned from is there, a file is not what it should be, or it is too much.
    """
    found = see(place)
    classes = classes_of(found)
    segments = bool(classes.colours)
    sizes = in_order(_size_of, [item.file for item in found.items])
    chosen = choose_size(sizes, segments=segments, asked=size)
    if (needed := len(sizes) * chosen.height * chosen.width * (4 if segments else 3)) > _ROOM:
        raise UserError(
            f"{place}: {len(sizes):,} images of {chosen.height} x {chosen.width} need {needed / 2**30:.1f} GiB of "
            f"memory, and {_ROOM / 2**30:.0f} are allowed; choose a smaller --size"
        )
    reader = _Reader(found, classes, chosen, progress)
    parts = {split: reader.split(split) for split in ("train", "val", "test")}
    if not len(parts["train"]):
        raise UserError(f"{place}: has no images to learn from; put some into train")
    if all(_is_grey(part.images) for part in parts.values()):
        parts = {name: _grey(part) for name, part in parts.items()}
    odd = "".join(f" {sentence[:1].upper()}{sentence[1:]}." for sentence in found.odd)
    return Dataset(
        _name(place),
        _name(place),
        classes.names,
        parts["train"],
        parts["test"],
        str(place.expanduser().absolute()),
        note=f"Own images, {found.kind}; size: {chosen.rule}.{odd}",
        colours=classes.colours,
        grouped=False,
        val=parts["val"] if len(parts["val"]) else None,
    )


def _name(place: Path) -> str:
    """Return what a run of it is called."""
    resolved = place.expanduser().absolute()
    return resolved.stem if resolved.is_file() else resolved.name or "folder"


def _size_of(file: Path) -> tuple[int, int]:
    """Return an image's upright height and width from its head alone."""
    try:
        with Image.open(file) as image:
            turned = image.getexif().get(0x0112) in (5, 6, 7, 8)
            return (image.width, image.height) if turned else (image.height, image.width)
    except Exception:  # whatever is wrong is told when it is decoded
        height, width = read_photo(file).shape[:2]
        return height, width


class _Reader:
    """Decodes the images of one split after another."""

    def __init__(self, found: Found, classes: Classes, size: Size, progress: Progress | None) -> None:
        self.found = found
        self.classes = classes
        self.size = size
        self.progress = progress
        self.numbers = {name: number for number, name in enumerate(classes.names)}
        self.done = 0
        self.groups = 0

    def split(self, name: str) -> Split:
        """Decode the images of a split; those of no split are learned from."""
        items = [item for item in self.found.items if (item.split or "train") == name]
        height, width, count = self.size.height, self.size.width, len(items)
        images = np.empty((count, height, width, 3), np.uint8)
        segments = bool(self.classes.colours)
        labels = np.empty((count, height, width), np.uint8) if segments else np.empty(count, np.int64)

        def read(place: int) -> None:
            item = items[place]
            if segments:
                images[place], labels[place] = self._pair(item)
            else:
                images[place] = fit_image(read_photo(item.file), self.size)
                labels[place] = self.numbers[str(item.label)]
            self.done += 1
            if self.progress is not None:
                self.progress(self.done, len(self.found.items))

        in_order(read, range(count))  # the first file that is wrong is the one named
        first = self.groups
        self.groups += count
        return Split(images, labels, tuple(item.name for item in items), np.arange(first, first + count))

    def _pair(self, item: Item) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """Return an image and its mask, fitted."""
        photo = read_photo(item.file)
        height, width = photo.shape[:2]
        if item.mask is None:
            mask = draw(item.shapes or (), self.numbers, height, width)
        else:
            mask = to_classes(mask_values(item.mask), self.classes, str(item.mask))
            if mask.shape != (height, width):
                raise UserError(
                    f"{item.mask}: is {mask.shape[0]} x {mask.shape[1]} pixels (height x width), its image "
                    f"{item.file.name} is {height} x {width}; they must be of one size"
                )
        return fit_pair(photo, mask, self.size)


def _is_grey(images: NDArray[np.uint8]) -> bool:
    """Tell whether red, green and blue are everywhere alike."""
    return all(bool((image[..., :1] == image).all()) for image in images)


def _grey(part: Split) -> Split:
    """Return a split whose images have one channel."""
    return Split(np.ascontiguousarray(part.images[..., :1]), part.labels, part.names, part.groups)
