"""Datasets by name."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from seamline.data.class_map.apply import map_classes, update_map
from seamline.data.class_map.builtin import CLASS_MAPS
from seamline.data.dataset import Dataset
from seamline.data.downloads import Progress
from seamline.data.sources import cmp_facades, coco_sets, facades, fashion_mnist
from seamline.errors import SeamlineError
from seamline.run_folder import ClassMap, Task

DecodeProgress = Callable[[int, int], None]


@dataclass(frozen=True)
class DatasetSpec:
    """A dataset that can be loaded by name."""

    title: str  # what it contains, in a few words
    task: Task  # what its labels are for
    # returns the dataset; called with the folder or None, and the keywords `progress` (for downloads, or None) and
    # `timeout` (seconds to wait for a server)
    load: Callable[..., Dataset]
    # whether images are resized to any size; `load` then takes the keywords `size`, `class_map` and `progress`, of
    # images that are decoded, instead
    resizable: bool = False
    photos: bool = False  # whether they are photos as people take them, in perspective and any light


def load(
    name: str,
    folder: Path | str | None = None,
    *,
    size: str | None = None,
    inner_groups: bool = False,
    class_map: ClassMap | None = None,
    pretrained: bool = False,
    progress: Progress | None = None,
    decode_progress: DecodeProgress | None = None,
    timeout: float = 20.0,
) -> Dataset:
    """Load a dataset.

    Args:
        name: a key of `DATASETS`, such as `fashion-mnist`, or a folder or table of the user's own images.
        folder: folder of its files; by default `SEAMLINE_DATA`, then the cache, then a download.
        size: size to which images are resized, see `seamline.data.image_folder.load_folder`.
        inner_groups: whether folders inside class folders of own images group images, so that they are no classes.
        class_map: how classes are renamed, merged, ignored and painted; what it does not say, the map in `CLASS_MAPS`
            does.
        pretrained: whether own color photos get a size that suits an encoder with pretrained weights.
        progress: called with file name, bytes done and total bytes (or None) while files are downloaded.
        decode_progress: called with the number of images done and the total while images are decoded.
        timeout: seconds to wait for a server, for connecting and for each read.

    Returns:
        The dataset.

    Raises:
        SeamlineError: there is no such dataset, or its files are missing or invalid.
        ClassMapError: the class map does not fit the dataset.
    """
    if is_path(name):
        if folder is not None:
            raise SeamlineError(f"--data-dir {folder}: {name} is itself a folder; leave --data-dir out")
        from seamline.data.image_folder import load_folder  # imports OpenCV, which takes a while

        own = Path(name).expanduser()
        options: dict[str, Any] = {"inner_groups": inner_groups, "pretrained": pretrained, "class_map": class_map}
        return load_folder(own, size=size, progress=decode_progress, **options)
    check_name(name)
    spec, path = DATASETS[name], None if folder is None else Path(folder).expanduser()
    class_map = update_map(CLASS_MAPS.get(name, ClassMap()), class_map or ClassMap())
    if spec.resizable:
        return spec.load(path, class_map=class_map, size=size, progress=decode_progress)
    if size is not None:
        raise SeamlineError(f"--image-size {size}: {name} has one size; leave the option out")
    return map_classes(spec.load(path, progress=progress, timeout=timeout), class_map)


def check_name(name: str) -> None:
    """Check that a dataset of this name, or a folder or table of this path, exists.

    Raises:
        SeamlineError: neither exists.
    """
    if name not in DATASETS and not is_path(name):
        raise SeamlineError(f"{name}: no such dataset or folder; the datasets are {', '.join(DATASETS)}")


def is_path(name: str) -> bool:
    """Return whether a name is a folder or table of the user's own images; names of datasets come first."""
    return name not in DATASETS and Path(name).expanduser().exists()


def _load_synthetic(name: str, folder: Path | None, **options: Any) -> Dataset:
    """Load a synthetic dataset, which has no folder."""
    from seamline.data.sources import synthetic  # imports OpenCV, which takes a while

    if folder is not None:
        raise SeamlineError(f"--data-dir {folder}: {name} is synthetic and needs no folder; leave it out")
    return synthetic.load_facades() if name == synthetic.FACADES else synthetic.load_fashion()


DATASETS: dict[str, DatasetSpec] = {
    "fashion-mnist": DatasetSpec(
        "70,000 grayscale images of garments in ten classes (Zalando Research)", "classification", fashion_mnist.load
    ),
    "facades": DatasetSpec(
        "1,020 crops of building fronts with masks of five classes (mini facade set)", "segmentation", facades.load
    ),
    "cmp-facades": DatasetSpec(
        "606 building fronts with masks, mapped to the same classes (CMP, Prague)", "segmentation", cmp_facades.load
    ),
    "streets": DatasetSpec(
        "478 photos of Swiss streets with masks of seven classes",
        "segmentation",
        partial(coco_sets.load, coco_sets.STREETS),
        resizable=True,
        photos=True,
    ),
    "windows": DatasetSpec(
        "250 street fronts with boxes of windows and of signs, which are none (Saint Petersburg)",
        "segmentation",
        partial(coco_sets.load, coco_sets.WINDOWS),
        resizable=True,
        photos=True,
    ),
    "synthetic-fashion": DatasetSpec(
        "synthetic garments of the same ten classes",
        "classification",
        partial(_load_synthetic, "synthetic-fashion"),
    ),
    "synthetic-facades": DatasetSpec(
        "synthetic streets with masks of the same five classes",
        "segmentation",
        partial(_load_synthetic, "synthetic-facades"),
    ),
}
