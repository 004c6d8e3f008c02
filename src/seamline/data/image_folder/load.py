"""What was found in a folder -> a Dataset, decoded and brought to one size."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from seamline.data.dataset import Dataset, Split
from seamline.data.image_folder.classes import Classes, classes_of, to_classes
from seamline.data.image_folder.decode_cache import Kept, Pair, Pixels, kept
from seamline.data.image_folder.detect_format import see
from seamline.data.image_folder.formats.polygons import draw
from seamline.data.image_folder.records import Found, Item
from seamline.data.image_folder.resize_policy import Size, choose_size, fit_image, fit_pair
from seamline.data.image_io import read_image
from seamline.data.lazy_array import ArrayLike, LazyArray
from seamline.data.limits import memory_allowed
from seamline.data.masks import mask_values
from seamline.data.parallel import in_order
from seamline.errors import SeamlineError

Progress = Callable[[int, int], None]


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
        SeamlineError: nothing that can be learned from is there, a file is not what it should be, or it is too much.
    """
    return load_found(place, see(place), size=size, progress=progress)


def load_found(place: Path, found: Found, *, size: str | None = None, progress: Progress | None = None) -> Dataset:
    """Read what was seen at a place; as `load_folder`, which sees first."""
    reader = _Reader(found, progress)
    with kept(found) as store:
        classes, sizes = store.facts(reader.facts)
        chosen = choose_size(sizes, segments=bool(classes.colours), asked=size)
        pixels = reader.pixels(store, classes, chosen)
    whole = pixels.images.size + (0 if pixels.masks is None else pixels.masks.size) <= memory_allowed()
    parts = {name: _split(found, classes, pixels, name, in_memory=whole) for name in ("train", "val", "test")}
    if not len(parts["train"]):
        raise SeamlineError(f"{place}: has no images to learn from; put some into train")
    odd = "".join(f" {sentence[:1].upper()}{sentence[1:]}." for sentence in found.odd)
    return Dataset(
        _name(place),
        _name(place),
        classes.names,
        parts["train"],
        parts["test"],
        str(place.expanduser().absolute()),
        description=f"Own images, {found.kind}; size: {chosen.rule}.{odd}",
        palette=classes.colours,
        has_groups=False,
        val=parts["val"] if len(parts["val"]) else None,
        task="segmentation" if classes.colours else "classification",
    )


def classes_in(found: Found) -> Classes:
    """Return the classes of a folder, with the marks that they have in masks; known from the cache once it was read."""
    with kept(found) as store:
        return store.facts(_Reader(found, None).facts)[0]


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
        height, width = read_image(file).shape[:2]
        return height, width


class _Reader:
    """Decodes the images of a folder, and says how it goes."""

    def __init__(self, found: Found, progress: Progress | None) -> None:
        self.found = found
        self.progress = progress
        self.done = 0
        self.steps = len(found.items)

    def told(self) -> None:
        """Count a step."""
        self.done += 1
        if self.progress is not None:
            self.progress(self.done, self.steps)

    def facts(self) -> tuple[Classes, list[tuple[int, int]]]:
        """Return the classes, and height and width of each image."""
        masks = self.found.items[0].mask is not None
        self.steps *= 2 if masks else 1  # masks are looked at before they are read
        sizes = in_order(_size_of, [item.file for item in self.found.items])
        return classes_of(self.found, self.told if masks else None), sizes

    def pixels(self, store: Kept, classes: Classes, size: Size) -> Pixels:
        """Return all images, and masks where there are such."""
        numbers = {name: number for number, name in enumerate(classes.names)}
        segments = bool(classes.colours)

        def decode(place: int) -> Pair:
            item = self.found.items[place]
            photo = read_image(item.file)
            if not segments:
                return fit_image(photo, size), None
            return fit_pair(photo, _mask(item, photo, classes, numbers), size)

        shape = (size.height, size.width)
        return store.pixels(len(self.found.items), shape, masks=segments, decode=decode, told=self.told)


def _mask(item: Item, photo: NDArray[np.uint8], classes: Classes, numbers: dict[str, int]) -> NDArray[np.uint8]:
    """Return the mask (H, W) of a photo (H, W, 3)."""
    height, width = photo.shape[:2]
    if item.mask is None:
        return draw(item.shapes or (), numbers, height, width)
    mask = to_classes(mask_values(item.mask), classes, str(item.mask))
    if mask.shape != (height, width):
        raise SeamlineError(
            f"{item.mask}: is {mask.shape[0]} x {mask.shape[1]} pixels (height x width), its image "
            f"{item.file.name} is {height} x {width}; they must be of one size"
        )
    return mask


def _split(found: Found, classes: Classes, pixels: Pixels, name: str, *, in_memory: bool) -> Split:
    """Return the images of a split, each a group of its own; those of no split are learned from."""
    places = np.array([place for place, item in enumerate(found.items) if (item.split or "train") == name], np.int64)
    items = [found.items[place] for place in places]
    images: ArrayLike = LazyArray(pixels.images, places)
    labels: ArrayLike
    if pixels.masks is None:
        numbers = {name: number for number, name in enumerate(classes.names)}
        labels = np.array([numbers[str(item.label)] for item in items], np.int64)
    else:
        labels = LazyArray(pixels.masks, places)
    if in_memory:
        images, labels = images[:], labels[:]
    return Split(images, labels, tuple(item.name for item in items), places)
