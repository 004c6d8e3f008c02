"""Load an image folder as a Dataset, decoded and resized to one size."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from seamline.data.class_map.apply import map_classes
from seamline.data.dataset import Dataset, ImageRecord, Split
from seamline.data.image_folder.classes import (
    Classes,
    ignored_pixels,
    ignored_warning,
    infer_classes,
    remap_mask,
)
from seamline.data.image_folder.decode_cache import (
    DecodedImages,
    FolderMetadata,
    cached_images,
    cached_metadata,
    open_cache,
)
from seamline.data.image_folder.detect_format import detect_format
from seamline.data.image_folder.file_tree import class_folder, normalize
from seamline.data.image_folder.folder_names import split_of_name
from seamline.data.image_folder.label_fit import Fit, check_polygons, fit_labels, stored_size
from seamline.data.image_folder.polygons import rasterize
from seamline.data.image_folder.records import FolderContents, Sample
from seamline.data.image_folder.resize_policy import ImageSize, pick_image_size, resize_pair
from seamline.data.image_io import ImageHeader, PhotoPixels, largest_value, read_header, read_image, read_photo
from seamline.data.lazy_array import ArrayLike, LazyArray
from seamline.data.limits import map_threads, max_memory
from seamline.data.masks import mask_values, refuse_other_size
from seamline.data.pixel_meaning import Trait, bit_depth, conversion_warning, count_traits, turn_upright, unused_data
from seamline.data.preprocess import center_crop_resize
from seamline.errors import SeamlineError
from seamline.run_folder import ClassMap

Progress = Callable[[int, int], None]


class LoadedFolder(NamedTuple):
    """A folder's dataset, its classes, and the size to which its images were resized."""

    data: Dataset
    classes: Classes
    size: ImageSize


def load_folder(
    path: Path,
    *,
    size: str | None = None,
    inner_groups: bool = False,
    class_map: ClassMap | None = None,
    pretrained: bool = False,
    progress: Progress | None = None,
) -> Dataset:
    """Load a user's own images.

    A validation split that the folder defines is used as it is. The test split is empty where the folder defines none;
    `ensure_test_split` makes one once near-duplicates are known.

    Args:
        path: a folder, a CSV of files and labels, or COCO JSON.
        size: width and height to which images are resized, such as `96` or `128x96`; chosen by `pick_image_size` by
            default.
        inner_groups: whether folders inside class folders group images, so that they are no classes.
        class_map: how its classes are renamed, merged, ignored and painted; by default they are as the folder has them.
        pretrained: whether color photos get a size that suits an encoder with pretrained weights.
        progress: called with the number of images decoded and the total.

    Returns:
        The dataset; its description states layout and size. Images that are all gray have one channel.

    Raises:
        SeamlineError: the folder has no supported layout, a file is invalid, or memory or disk space runs out.
        ClassMapError: the class map does not fit the folder.
    """
    contents = detect_format(path, inner_groups=inner_groups, class_map=class_map)
    return load_contents(path, contents, size=size, pretrained=pretrained, progress=progress).data


def load_contents(
    path: Path,
    contents: FolderContents,
    *,
    size: str | None = None,
    pretrained: bool = False,
    progress: Progress | None = None,
) -> LoadedFolder:
    """Load a folder whose contents are known; see `load_folder`."""
    samples = contents.samples
    reads = 2 if samples[0].mask is not None else 1  # mask files are read for their classes first
    step = _Steps(progress, len(samples) * reads)
    with open_cache(contents) as cache:
        metadata = cached_metadata(cache, lambda: _read_metadata(contents, step))
        decoded, chosen = _decode_all(contents, cache, metadata, size, pretrained, step)
    data = _as_dataset(path, contents, metadata, decoded, chosen)
    data = map_classes(data, contents.class_map, contents.classes, has_polygons=samples[0].polygons is not None)
    return LoadedFolder(data, metadata.classes, chosen)


class _Steps:
    """Counts steps and reports them."""

    def __init__(self, progress: Progress | None, total: int) -> None:
        self.progress = progress
        self.done = 0
        self.total = total

    def __call__(self) -> None:
        self.done += 1
        if self.progress is not None:
            self.progress(self.done, self.total)


def _read_metadata(contents: FolderContents, step: Callable[[], None]) -> FolderMetadata:
    """Read the classes, image sizes and bit depth of a folder; mask files are read whole."""
    samples = contents.samples
    headers = map_threads(_header, [sample.file for sample in samples])
    wide = [sample.file for sample, header in zip(samples, headers, strict=True) if header.is_wide]
    depth = bit_depth(max(map_threads(largest_value, wide))) if wide else 0
    unused, warning = check_polygons(contents, headers)
    classes = infer_classes(contents, None if samples[0].mask is None else step)
    sizes = tuple(header.size for header in headers)
    return FolderMetadata(classes, sizes, depth, unused, (warning,) if warning else ())


def _decode_all(
    contents: FolderContents,
    cache: Path,
    metadata: FolderMetadata,
    size: str | None,
    pretrained: bool,
    step: _Steps,
) -> tuple[DecodedImages, ImageSize]:
    """Return all images at one size, and the size; see `load_folder`."""
    samples, order = contents.samples, contents.class_map.order
    has_masks = contents.task == "segmentation"

    def decode(chosen: ImageSize) -> DecodedImages:
        step.done = step.total - len(samples)
        return cached_images(
            cache,
            (len(samples), chosen.height, chosen.width),
            lambda i: _decode(samples[i], metadata.classes, chosen, metadata.depth, order),
            has_masks,
            step,
        )

    chosen = pick_image_size(metadata.sizes, contents.task, size, pretrained=pretrained)
    decoded = decode(chosen)
    plain = pick_image_size(metadata.sizes, contents.task, size)
    if plain != chosen and decoded.gray.all():  # only color photos get a pretrained encoder
        return decode(plain), plain
    return decoded, chosen


def _as_dataset(
    path: Path, contents: FolderContents, metadata: FolderMetadata, decoded: DecodedImages, size: ImageSize
) -> Dataset:
    """Return the dataset of a folder's decoded images, before its classes are mapped.

    Raises:
        SeamlineError: no image is for training.
    """
    samples, classes = contents.samples, metadata.classes
    in_memory = decoded.images.size + (0 if decoded.masks is None else decoded.masks.size) <= max_memory()
    splits = {name: _split(contents, classes, decoded, name, in_memory) for name in ("train", "val", "test")}
    if not len(splits["train"]):
        raise SeamlineError(f"{path}: has no training images; put images into train")
    path = path.expanduser().absolute()
    name = path.stem if path.is_file() else path.name or "folder"
    traits = count_traits((sample.name, trait) for sample, trait in zip(samples, decoded.traits, strict=True))
    warnings = (
        *metadata.warnings,
        ignored_warning(classes, contents.legend),
        conversion_warning(traits),
        _mixed_colors(contents, decoded.gray),
    )
    return Dataset(
        name,
        name,
        classes.names,
        splits["train"],
        splits["test"],
        str(path),
        task=contents.task,
        description=f"Own images, {contents.layout}; size: {size.reason}.",
        palette=classes.palette,
        has_groups=False,
        val=splits["val"] if len(splits["val"]) else None,
        unused=(*contents.unused, *metadata.unused, *ignored_pixels(classes), *unused_data(traits)),
        warnings=(*contents.warnings, *filter(None, warnings)),
        bit_depth=metadata.depth,
        records={sample.name: _record(sample, contents.folder) for sample in samples},
    )


def _record(sample: Sample, folder: Path) -> ImageRecord:
    """Return where an image comes from; its folder is named without the folders of its split and class."""
    parent = sample.file.parent
    parts = parent.relative_to(folder).parts if parent.is_relative_to(folder) else parent.parts
    labels = set() if sample.label is None else {sample.label, class_folder(sample.label)}
    parts = tuple(
        part for part in parts if normalize(part) not in labels and not (sample.split and split_of_name(part))
    )
    return ImageRecord(sample.file, "/".join(parts), sample.columns)


def _header(file: Path) -> ImageHeader:
    """Return the header of an image."""
    header = read_header(file)
    if header is not None:
        return header
    height, width = read_image(file).shape[:2]  # gives the better message
    return ImageHeader((height, width), "")


def _mixed_colors(contents: FolderContents, gray: NDArray[np.bool_]) -> str:
    """Return a warning where some images are gray and others are in color, or an empty string."""
    if gray.all() or not gray.any():
        return ""
    first = contents.samples[int(gray.argmax())].name
    return (
        f"{gray.sum():,} of {len(gray):,} images, such as {first}, are gray and the others in color; a model may "
        "separate classes by it"
    )


def _decode(
    sample: Sample, classes: Classes, size: ImageSize, depth: int, order: tuple[str, ...]
) -> tuple[NDArray[np.uint8], NDArray[np.uint8] | None, Trait]:
    """Return the image (h, w, 3) uint8 of a sample, its mask (h, w) uint8 for segmentation, and the file's traits."""
    photo = read_photo(sample.file, depth=depth)
    if sample.label is not None:
        return center_crop_resize(photo.pixels, (size.height, size.width, 3)), None, photo.traits
    mask, traits = _upright_mask(sample, classes, photo, order)
    return *resize_pair(photo.pixels, mask, size), photo.traits | traits


def _upright_mask(
    sample: Sample, classes: Classes, photo: PhotoPixels, order: tuple[str, ...]
) -> tuple[NDArray[np.uint8], Trait]:
    """Return the mask (H, W) uint8 of a sample, turned with its image, and whether it was turned."""
    height, width = photo.pixels.shape[:2]
    if sample.instances is not None:
        mask = _union_of_instances(sample.instances)
        fit = fit_labels(_shape(mask), (height, width), photo.orientation)
        name: object = sample.instances[0]
    elif sample.mask is not None:
        mask = remap_mask(mask_values(sample.mask, by_color=classes.by_color), classes, str(sample.mask))
        fit = fit_labels(_shape(mask), (height, width), photo.orientation)
        name = sample.mask
    else:
        fit = fit_labels(sample.label_size, (height, width), photo.orientation)
        if fit is Fit.STORED:
            height, width = stored_size((height, width), photo.orientation)
        mask = rasterize(sample.polygons or (), classes.numbers, height, width, sample.name, order)
        name = sample.file
    if fit is Fit.STORED:
        mask = turn_upright(mask, photo.orientation)
    refuse_other_size(mask, photo.pixels, name, sample.file.name)
    return mask, {Fit.STORED: Trait.TURNED, Fit.UNDECIDED: Trait.MAYBE_TURNED}.get(fit, Trait(0))


def _shape(mask: NDArray[np.uint8]) -> tuple[int, int]:
    """Return height and width of a mask (H, W) uint8."""
    return mask.shape[0], mask.shape[1]


def _union_of_instances(files: tuple[Path, ...]) -> NDArray[np.uint8]:
    """Return the mask (H, W) uint8 of an image: 1 where a file is not zero, else 0.

    Raises:
        SeamlineError: a mask has another size than the others, or more values than one besides 0.
    """
    union: NDArray[np.uint8] | None = None
    for file in files:
        values = mask_values(file)
        if len(np.unique(values[values != 0])) > 1:
            raise SeamlineError(
                f"{file}: is the mask of one object and has several values besides 0; save it with the values 0 and 255"
            )
        region = (values != 0).astype(np.uint8)
        if union is not None:
            refuse_other_size(region, union, file, files[0].name)
        union = region if union is None else union | region
    return np.zeros((0, 0), np.uint8) if union is None else union


def _split(contents: FolderContents, classes: Classes, decoded: DecodedImages, name: str, in_memory: bool) -> Split:
    """Return the images of a split, each a group of its own; images without a split are training images."""
    samples = contents.samples
    indices = np.array([i for i, sample in enumerate(samples) if (sample.split or "train") == name], np.int64)
    images: ArrayLike = LazyArray(decoded.images, indices)
    labels: ArrayLike
    if decoded.masks is None:
        labels = np.array([classes.numbers[str(samples[i].label)] for i in indices], np.int64)
    else:
        labels = LazyArray(decoded.masks, indices)
    if in_memory:
        images, labels = images[:], labels[:]
    return Split(images, labels, tuple(samples[i].name for i in indices), indices)
