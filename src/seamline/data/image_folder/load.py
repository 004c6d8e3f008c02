"""Load an image folder as a Dataset, decoded and resized to one size."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from seamline.data.dataset import Dataset, Split
from seamline.data.image_folder.classes import Classes, infer_classes, remap_mask
from seamline.data.image_folder.decode_cache import DecodeCache, DecodedImages, FolderMetadata, open_decode_cache
from seamline.data.image_folder.detect_format import detect_format
from seamline.data.image_folder.polygons import rasterize
from seamline.data.image_folder.records import FolderContents, Sample
from seamline.data.image_folder.resize_policy import ImageSize, pick_image_size, resize_pair
from seamline.data.image_io import read_image
from seamline.data.lazy_array import ArrayLike, LazyArray
from seamline.data.limits import map_threads, max_memory
from seamline.data.masks import mask_values
from seamline.data.preprocess import center_crop_resize
from seamline.errors import SeamlineError
from seamline.run_folder import Task

Progress = Callable[[int, int], None]


def load_folder(path: Path, *, size: str | None = None, progress: Progress | None = None) -> Dataset:
    """Load a user's own images.

    A validation split that the folder defines is used as it is. The test split is empty where the folder defines none;
    `ensure_test_split` makes one once near-duplicates are known.

    Args:
        path: a folder, a CSV of files and labels, or COCO JSON.
        size: height and width to which images are resized, such as `96` or `96x128`; chosen by `pick_image_size` by
            default.
        progress: called with the number of images decoded and the total.

    Returns:
        The dataset; its description states layout and size. Images that are all gray have one channel.

    Raises:
        SeamlineError: the folder has no supported layout, a file is invalid, or memory or disk space runs out.
    """
    return load_contents(path, detect_format(path), size=size, progress=progress)


def load_contents(
    path: Path, contents: FolderContents, *, size: str | None = None, progress: Progress | None = None
) -> Dataset:
    """Load a folder whose contents are known; see `load_folder`."""
    decoder = _Decoder(contents, progress)
    with open_decode_cache(contents) as cache:
        metadata = cache.metadata(decoder.metadata)
        classes = metadata.classes
        task: Task = "segmentation" if classes.palette else "classification"
        chosen = pick_image_size(metadata.sizes, task, size)
        decoded = decoder.images(cache, classes, task, chosen)
    in_memory = decoded.images.size + (0 if decoded.masks is None else decoded.masks.size) <= max_memory()
    splits = {name: _split(contents, classes, decoded, name, in_memory) for name in ("train", "val", "test")}
    if not len(splits["train"]):
        raise SeamlineError(f"{path}: has no training images; put images into train")
    path = path.expanduser().absolute()
    name = path.stem if path.is_file() else path.name or "folder"
    warnings = "".join(f" {warning[:1].upper()}{warning[1:]}." for warning in contents.warnings)
    return Dataset(
        name,
        name,
        classes.names,
        splits["train"],
        splits["test"],
        str(path),
        task=task,
        description=f"Own images, {contents.layout}; size: {chosen.reason}.{warnings}",
        palette=classes.palette,
        has_groups=False,
        val=splits["val"] if len(splits["val"]) else None,
    )


def folder_classes(contents: FolderContents) -> Classes:
    """Return the classes of a folder, from the cache where it was loaded before."""
    with open_decode_cache(contents) as cache:
        return cache.metadata(_Decoder(contents, None).metadata).classes


def _upright_size(file: Path) -> tuple[int, int]:
    """Return height and width of an image after its EXIF rotation, from the file's header."""
    try:
        with Image.open(file) as image:
            rotated = image.getexif().get(0x0112) in (5, 6, 7, 8)
            return (image.width, image.height) if rotated else (image.height, image.width)
    except Exception:  # decoding gives the better message
        height, width = read_image(file).shape[:2]
        return height, width


class _Decoder:
    """Decodes the images of a folder and reports progress."""

    def __init__(self, contents: FolderContents, progress: Progress | None) -> None:
        self.contents = contents
        self.progress = progress
        self.done = 0
        self.total = len(contents.samples)

    def step(self) -> None:
        self.done += 1
        if self.progress is not None:
            self.progress(self.done, self.total)

    def metadata(self) -> FolderMetadata:
        """Return the classes and the size of each image."""
        samples = self.contents.samples
        has_masks = samples[0].mask is not None
        self.total *= 2 if has_masks else 1  # masks are read twice
        sizes = map_threads(_upright_size, [sample.file for sample in samples])
        return FolderMetadata(infer_classes(self.contents, self.step if has_masks else None), tuple(sizes))

    def images(self, cache: DecodeCache, classes: Classes, task: Task, size: ImageSize) -> DecodedImages:
        """Return all images, and masks for segmentation."""
        samples = self.contents.samples
        numbers = {name: number for number, name in enumerate(classes.names)}

        def decode(index: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8] | None]:
            image = read_image(samples[index].file)
            if task == "classification":
                return center_crop_resize(image, (size.height, size.width, 3)), None
            return resize_pair(image, _mask(samples[index], image.shape[:2], classes, numbers), size)

        shape = len(samples), size.height, size.width
        return cache.images(shape, decode, masks=task == "segmentation", progress=self.step)


def _mask(sample: Sample, shape: tuple[int, ...], classes: Classes, numbers: dict[str, int]) -> NDArray[np.uint8]:
    """Return the mask (H, W) uint8 of an image of `shape` (H, W)."""
    height, width = shape
    if sample.mask is None:
        return rasterize(sample.polygons or (), numbers, height, width)
    mask = remap_mask(mask_values(sample.mask), classes, str(sample.mask))
    if mask.shape != shape:
        raise SeamlineError(
            f"{sample.mask}: is {mask.shape[0]} x {mask.shape[1]} pixels (height x width), but its image "
            f"{sample.file.name} is {height} x {width}; save both at one size"
        )
    return mask


def _split(contents: FolderContents, classes: Classes, decoded: DecodedImages, name: str, in_memory: bool) -> Split:
    """Return the images of a split, each a group of its own; images without a split are training images."""
    samples = contents.samples
    indices = np.array([i for i, sample in enumerate(samples) if (sample.split or "train") == name], np.int64)
    images: ArrayLike = LazyArray(decoded.images, indices)
    labels: ArrayLike
    if decoded.masks is None:
        numbers = {name: number for number, name in enumerate(classes.names)}
        labels = np.array([numbers[str(samples[i].label)] for i in indices], np.int64)
    else:
        labels = LazyArray(decoded.masks, indices)
    if in_memory:
        images, labels = images[:], labels[:]
    return Split(images, labels, tuple(samples[i].name for i in indices), indices)
