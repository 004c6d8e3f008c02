"""Whatever a user names as data -> a Dataset that is ready to split."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from seamline.data.class_map.apply import keep_classes, map_classes
from seamline.data.class_map.files import find_map, refuse_map
from seamline.data.dataset import IGNORE_INDEX, Dataset, Split
from seamline.data.groups import Grouping, group_images
from seamline.data.lazy_array import ArrayLike, zeros_or_memmap
from seamline.data.masks import complete_palette
from seamline.data.mix import choose_canvas, ensure_test_splits, join_datasets, split_parts
from seamline.data.near_duplicates.nearest import nearest_images
from seamline.data.registry import DATASETS, check_name, is_path, load
from seamline.data.splits import VAL_FRACTION, Splits, SplitStrategy, ensure_test_split, train_val_split
from seamline.errors import SeamlineError, size_text
from seamline.progress import Reporter
from seamline.run_folder import ClassMap, RunInfo


def list_sources(source: object) -> list[Any]:
    """Return the sources of data that a user names: those of a list, or of a tuple of names and datasets, or the one.

    A tuple `(images, labels)` of arrays is one source; beside others it stands in a list.

    Raises:
        SeamlineError: the list is empty.
    """
    sources = list(source) if isinstance(source, list | tuple) else [source]
    if isinstance(source, tuple) and not all(isinstance(one, str | Path | Dataset) for one in source):
        return [source]
    if not sources:
        raise SeamlineError("data: no dataset is given; name one or more")
    return sources


def is_own(source: object) -> bool:
    """Return whether a source of data is a user's own, or one of several is: a folder or table of images, or arrays."""
    return any(isinstance(one, tuple) or is_folder(one) for one in list_sources(source))


def is_folder(source: object) -> bool:
    """Return whether a source of data is a folder or table of images."""
    return isinstance(source, str | Path) and is_path(str(source))


def load_dataset(
    source: Any,
    *,
    data_dir: Path | str | None = None,
    image_size: int | str | None = None,
    inner_groups: bool = False,
    maps: Mapping[str, ClassMap | Path | str] | None = None,
    pretrained: bool = False,
    model_of: RunInfo | None = None,
    progress: Reporter | None = None,
) -> Dataset:
    """Load a dataset.

    Args:
        source: a dataset's name, such as `fashion-mnist`; a folder or table of images; arrays `(images, labels)` with
            images (N, H, W) or (N, H, W, C) uint8 and labels (N,) integers or strings, or masks (N, H, W) integers; a
            dataset; or a list of these, which are joined, see `join_datasets`.
        data_dir: folder with the files of a dataset that is called by name.
        image_size: size to resize the images of a folder to, such as `96` or `128x96` (width x height).
        inner_groups: whether folders inside class folders group images, so that they are no classes.
        maps: what the user calls a dataset -> its class map, or a file of one; see `find_map`.
        pretrained: whether own color photos get a size that suits an encoder with pretrained weights.
        model_of: the run whose model own images are for: its classes and color or gray; see `match_model`.
        progress: reports progress; None reports none.

    Returns:
        The dataset.

    Raises:
        SeamlineError: there is no such dataset, or its files, arrays or class map cannot be used.
    """
    sources, reporter = list_sources(source), progress or Reporter(quiet=True)
    size = None if image_size is None else str(image_size)

    def load_one(one: Any, folder: Path | str | None, size: str | None) -> Dataset:
        data = load_source(one, folder, size)
        return match_model(data, model_of) if model_of and is_own(one) else data

    def load_source(one: Any, folder: Path | str | None, size: str | None) -> Dataset:
        class_map, map_name = find_map(one, maps)
        with refuse_map(map_name):
            if isinstance(one, Dataset | tuple):
                return map_classes(one if isinstance(one, Dataset) else _from_arrays(*one), class_map)
            name = str(one)
            if name in DATASETS and not DATASETS[name].resizable:
                with reporter.downloading() as downloads:
                    return load(name, folder, size=size, class_map=class_map, progress=downloads)
            own: dict[str, Any] = {"inner_groups": inner_groups, "pretrained": pretrained}
            with reporter.counting("reading images") as counted:
                return load(name, folder, size=size, class_map=class_map, decode_progress=counted, **own)

    if len(sources) == 1:
        data = load_one(sources[0], data_dir, size)
    else:
        data = _load_several(sources, data_dir, size, load_one, pretrained=pretrained)
    if is_folder(sources[0]) or data.parts:
        reporter.say(f"{data.title}: {data.description}")
    return data


def match_model(data: Dataset, run: RunInfo) -> Dataset:
    """Return a dataset for the model of a run: with its classes, if its own are among them, and in color or gray.

    Args:
        data: the dataset, of any task; one of another task is returned as it is.
        run: the run.
    """
    if data.task != run.task:
        return data
    data = keep_classes(data, run.dataset.classes, run.dataset.palette)
    channels = run.model.input_size[2]
    if data.train.images.shape[3] == channels:
        return data
    train, test, *val = (replace(split, images=_recolor(split.images, channels)) for split in data.splits)
    sentence = "Color images become gray" if channels == 1 else "Gray images become color images"
    description = f"{data.description} {sentence}, as the model takes them.".strip()
    return replace(data, train=train, test=test, val=val[0] if val else None, description=description)


def _recolor(images: ArrayLike, channels: int) -> NDArray[np.uint8]:
    """Return images (N, H, W, C) uint8 with another number of channels, 1 (ITU-R 601 luma) or 3."""
    recolored = zeros_or_memmap((*images.shape[:3], channels))
    for index in range(len(images)):
        image = images[index]
        gray = image if channels == 3 else np.asarray(Image.fromarray(image).convert("L"))[:, :, np.newaxis]
        recolored[index] = gray  # repeated where there are three channels
    return recolored


def _load_several(
    sources: Sequence[Any],
    data_dir: Path | str | None,
    size: str | None,
    load_one: Callable[[Any, Path | str | None, str | None], Dataset],
    *,
    pretrained: bool,
) -> Dataset:
    """Load several datasets and join them; images are resized to the size of all from their files where that is known.

    Args:
        sources: what the user names.
        data_dir: folder with a folder for each dataset that is called by name.
        size: the user's choice of the size.
        load_one: called with a source, the folder of its files and its size, returns the dataset.
        pretrained: whether color photos get a size that suits an encoder with pretrained weights.

    Raises:
        SeamlineError: they cannot be joined, or `data_dir` holds none of them.
    """
    for one in sources:  # before long work
        if isinstance(one, str | Path):
            check_name(str(one))
    folders = [_folder_below(data_dir, one) for one in sources]
    if data_dir is not None and not any(folders):
        names = " or ".join(str(one) for one in sources if isinstance(one, str | Path) and not is_folder(one))
        raise SeamlineError(f"--data-dir {data_dir}: has no folder {names or 'of a dataset'}; name the folder above")
    datasets = [
        load_one(one, folder, size if is_resizable(one) else None) for one, folder in zip(sources, folders, strict=True)
    ]
    canvas = choose_canvas(datasets, size, pretrained=pretrained)
    shape = canvas.height, canvas.width
    for index, (one, folder) in enumerate(zip(sources, folders, strict=True)):
        if is_resizable(one) and datasets[index].train.images.shape[1:3] != shape:
            datasets[index] = load_one(one, folder, size_text(shape, "x"))
    return join_datasets(datasets, canvas)


def is_resizable(source: Any) -> bool:
    """Return whether the images of a source are read from files in any size."""
    if isinstance(source, Dataset | tuple):
        return False
    return is_folder(source) or (str(source) in DATASETS and DATASETS[str(source)].resizable)


def _folder_below(data_dir: Path | str | None, source: Any) -> Path | None:
    """Return the folder of a dataset that is called by name below a folder; None where there is none."""
    if data_dir is None or not isinstance(source, str | Path) or is_folder(source):
        return None
    folder = Path(data_dir).expanduser() / str(source)
    return folder if folder.is_dir() else None


def detect_groups(data: Dataset, reporter: Reporter, grouping: Grouping | None = None) -> Dataset:
    """Return a dataset with groups of related images and held-out images; see `group_images`, `ensure_test_split`.

    Raises:
        SeamlineError: the grouping does not fit the images, or there are too few images for a test split.
    """
    with reporter.counting("searching for near-duplicates") as progress:
        data = group_images(data, grouping or Grouping(), progress)
    try:
        return ensure_test_splits(data) if data.parts else ensure_test_split(data)
    except ValueError as error:
        raise _split_error(data, error) from None


def split_data(
    data: Dataset, *, fraction: float = VAL_FRACTION, seed: int = 0, strategy: SplitStrategy = "groups"
) -> Splits:
    """Split a dataset's training images into training and validation images; see `train_val_split`.

    Args:
        data: the dataset, from `detect_groups`.
        fraction: fraction of the training images used for validation.
        seed: seed of the split.
        strategy: `groups` or `images`.

    Returns:
        The splits. Where splits may show the same scenes, their distance to the training images is measured.

    Raises:
        SeamlineError: there are too few images.
    """
    split = split_parts if data.parts else train_val_split
    try:
        splits = split(data, fraction=fraction, seed=seed, strategy=strategy)
    except ValueError as error:
        raise _split_error(data, error) from None
    grouping = data.grouping
    if grouping.blocks is None and grouping.near_duplicates:
        return splits
    compared: Literal["val", "test"] = "val" if grouping.shared == ("val",) or not len(data.test) else "test"
    images = splits.val.images if compared == "val" else data.test.images
    nearest = msgspec.structs.replace(nearest_images(splits.train.images, images), split=compared)
    return replace(splits, metadata=msgspec.structs.replace(splits.metadata, nearest=nearest))


def _split_error(data: Dataset, error: ValueError) -> SeamlineError:
    """Return the error for images that cannot be split."""
    if data.grouping.by:
        number = len(np.unique(data.groups))
        return SeamlineError(
            f"--groups {data.grouping.by}: gives {number:,} groups, too few for training, validation and test images; "
            "name what divides the images further, or leave the option out"
        )
    return SeamlineError(f"{data.source}: {error}")


def _from_arrays(images: NDArray[np.uint8], labels: NDArray[Any] | Sequence[Any]) -> Dataset:
    """Return a dataset of arrays; masks get the class of each value but `IGNORE_INDEX`."""
    images, labels = np.asarray(images), np.asarray(labels)
    if images.ndim == 3:
        images = images[..., None]
    if images.ndim != 4 or images.dtype != np.uint8 or images.shape[-1] not in (1, 3):
        raise SeamlineError(
            f"images: must be (N, H, W), (N, H, W, 1) or (N, H, W, 3) uint8, got {images.shape} {images.dtype}"
        )
    masks = labels.ndim == 3
    if labels.shape != (images.shape[:3] if masks else images.shape[:1]):
        raise SeamlineError(f"labels: must be ({len(images)},) or {images.shape[:3]}, got {labels.shape}")
    values = np.unique(labels)
    values = values[values != IGNORE_INDEX] if masks else values
    if len(values) < 2 or (masks and (labels.dtype.kind not in "iub" or len(values) > IGNORE_INDEX)):
        raise SeamlineError(f"labels: must have two classes or more, got {len(values)} of type {labels.dtype}")
    indices = np.searchsorted(values, labels).astype(np.uint8 if masks else np.int64)
    if masks:
        indices[labels == IGNORE_INDEX] = IGNORE_INDEX
    names = tuple(f"{number:06}" for number in range(len(images)))
    train = Split(np.ascontiguousarray(images), indices, names, np.arange(len(images)))
    return Dataset(
        "arrays",
        "Arrays",
        tuple(map(str, values)),
        train,
        train.select(np.arange(0)),
        "arrays in memory",
        description=f"{len(images):,} images given as arrays.",
        palette=complete_palette([None] * len(values)) if masks else (),
        has_groups=False,
        task="segmentation" if masks else "classification",
    )
