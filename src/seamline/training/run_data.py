"""The images of a run: what it keeps of them, and how they are loaded again from a folder that has moved or grown."""

import hashlib
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from seamline.data.dataset import IGNORE_INDEX, Dataset, Split
from seamline.data.folds import Fold, describe_fold, hold_out_fold
from seamline.data.groups import Grouping
from seamline.data.image_folder.resize_policy import ImageSize
from seamline.data.lazy_array import ArrayLike, concat, evenly_spaced, iter_chunks, take
from seamline.data.mix import join_datasets, stored_parts
from seamline.data.prepare import detect_groups, load_dataset, split_data
from seamline.data.registry import DATASETS
from seamline.data.splits import Splits
from seamline.errors import SeamlineError, list_first, size_text
from seamline.progress import Reporter
from seamline.run_folder import DatasetInfo, DatasetPartInfo, ImageIndex, RunFolder, RunInfo, StoredImages, UnusedData
from seamline.training.config import read_config

STORED_PIXELS = 2_000_000
"""Pixels of training and of validation images that a run keeps: as many as an export needs."""

_OTHER_CLASS = IGNORE_INDEX - 1
"""Value of mask pixels of a class that the run does not have."""


def even_indices(images: ArrayLike, pixels: int) -> NDArray[np.int64]:
    """Return the indices (n,) int64 of evenly spaced images, at least one, of about `pixels` pixels.

    Args:
        images: (N, H, W, C) uint8.
        pixels: number of pixels of all selected images.
    """
    count = max(1, pixels // int(np.prod(images.shape[1:3])))
    return evenly_spaced(len(images), count)


def keep_run_data(folder: RunFolder, data: Dataset, splits: Splits) -> None:
    """Write into a run folder what finds its images again, unless the dataset has a name, and images for an export.

    Args:
        folder: the run folder.
        data: the dataset that the run was trained on.
        splits: its training and validation images.
    """
    parts = (splits.train, splits.val, data.test)
    train, val = (even_indices(split.images, STORED_PIXELS) for split in parts[:2])
    index = None
    if not _has_name(data):
        index = ImageIndex(
            names=tuple(name for split in parts for name in split.names),
            groups=np.concatenate([split.groups for split in parts]),
            split_ids=np.repeat(np.arange(3, dtype=np.uint8), [len(split) for split in parts]),
            image_digests=np.concatenate([image_digests(split.images) for split in parts]),
            label_digests=np.concatenate([_label_digests(split.labels, data.classes, data.classes) for split in parts]),
        )
    of_dataset = None if splits.val.parts is None else splits.val.parts[val]
    images = StoredImages(splits.train.images[train], splits.val.images[val], splits.val.labels[val], of_dataset)
    folder.write_data(index, images)


def load_run_data(
    folder: RunFolder, data: Dataset | None, data_dir: Path | str | None, reporter: Reporter
) -> tuple[Dataset, Splits]:
    """Load the images that a run was trained on again, split as they were.

    A user's own images are found by their pixels and labels, wherever they lie in their folder and whatever else is in
    it; further images are counted and not used.

    Args:
        folder: the run folder.
        data: the dataset, if it has no name that can be loaded.
        data_dir: where the dataset's files are now.
        reporter: reports progress.

    Raises:
        SeamlineError: the images are not available, or some are missing or have changed; the line names them.
    """
    info, index = folder.info.read(), folder.read_index()
    if data is None:
        data = _load(folder, info, data_dir, reporter)
    if index is not None and data.task == info.task:
        return _find_images(folder, info, index, data, reporter)
    grouping = info.split.grouping
    data = detect_groups(data, reporter, Grouping(grouping.by or None, grouping.near_duplicates_searched))
    fold = Fold(info.split.fold, info.split.folds) if info.split.folds else None
    data = data if fold is None else hold_out_fold(data, fold)
    if data.fingerprint != info.dataset.fingerprint:
        raise SeamlineError(
            f"{data.source}: not the images that {folder.path} was trained with; name them with --data-dir"
        )
    config = read_config(folder)
    splits = split_data(data, fraction=config.val_fraction, seed=info.split.seed, strategy=config.split_by)
    return data, splits if fold is None else describe_fold(splits, fold)


def load_stored_images(folder: RunFolder) -> tuple[Split, Split] | None:
    """Return the training and validation images that a run keeps, the former without labels; None where it has none."""
    stored = folder.read_stored_images(folder.info.read())
    if stored is None:
        return None
    train, val = stored.train_images, stored.val_images
    no_labels = np.zeros(len(train), np.int64)
    index = folder.read_index()
    names = [_stored_names(index, number, len(images)) for number, images in enumerate((train, val))]
    val_split = Split(val, stored.val_labels, names[1], np.arange(len(val)), stored.val_parts)
    return Split(train, no_labels, names[0], no_labels), val_split


def _stored_names(index: ImageIndex | None, split: int, count: int) -> tuple[str, ...]:
    """Return the names of the images that `keep_run_data` keeps of a split, numbers where they are not known."""
    if index is None:
        return tuple(map(str, range(count)))
    rows = np.flatnonzero(index.split_ids == split)
    return tuple(index.names[row] for row in rows[evenly_spaced(len(rows), count)])


def _load(folder: RunFolder, info: RunInfo, data_dir: Path | str | None, reporter: Reporter) -> Dataset:
    """Load the dataset of a run from where it was, or from where the user says that it is."""
    if not info.dataset.parts:
        return _load_one(folder, info, info.dataset, data_dir, reporter)
    height, width = info.model.input_size[:2]
    datasets = [_load_one(folder, info, part, data_dir, reporter) for part in info.dataset.parts]
    data = join_datasets(datasets, ImageSize(height, width, f"as in {folder.path}"))
    return replace(data, parts=stored_parts(info.dataset)) if data.classes == info.dataset.classes else data


def _load_one(
    folder: RunFolder,
    info: RunInfo,
    dataset: DatasetInfo | DatasetPartInfo,
    data_dir: Path | str | None,
    reporter: Reporter,
) -> Dataset:
    """Load the dataset of a run, or one of several; `data_dir` then is the folder that holds them."""
    source = Path(dataset.source)
    if _has_name(dataset):
        if isinstance(dataset, DatasetPartInfo) and data_dir is not None:
            below = Path(data_dir).expanduser() / dataset.name
            data_dir = below if below.is_dir() else None
        data_dir = data_dir or (source if source.exists() else None)
        name = dataset.name
        size = size_text(info.model.input_size, "x") if DATASETS[name].resizable else None
        maps = {name: dataset.class_map}
        return load_dataset(name, data_dir=data_dir, image_size=size, maps=maps, progress=reporter)
    path = source if data_dir is None else Path(data_dir).expanduser().absolute()
    if data_dir is not None and path.name != source.name and (path / source.name).exists():
        path /= source.name  # the folder above, or the folder of the table
    if not path.exists():
        raise SeamlineError(f"{path}: not found; name the folder with the images of {folder.path} with --data-dir")
    size = size_text(info.model.input_size, "x")
    return load_dataset(
        str(path),
        image_size=size,
        inner_groups=bool(info.split.grouping.by),
        maps={str(path): dataset.class_map},
        model_of=info,
        progress=reporter,
    )


def _has_name(data: Dataset | DatasetInfo | DatasetPartInfo) -> bool:
    """Return whether a dataset is loaded by its name; a user's folder has its name for a title, whatever it is."""
    return data.name in DATASETS and data.title != data.name


class _Matches(NamedTuple):
    """Where each image of a run is among other images."""

    positions: NDArray[np.int64]  # (N,) int64 positions, -1 where it is missing
    extra: NDArray[np.int64]  # positions of the images that are not among those of the run


def _find_images(
    folder: RunFolder, info: RunInfo, index: ImageIndex, data: Dataset, reporter: Reporter
) -> tuple[Dataset, Splits]:
    """Return the images of a run as they were split, found in a dataset by their content."""
    classes = info.dataset.classes
    names = [name for split in data.splits for name in split.names]
    images, labels = (concat([getattr(split, part) for split in data.splits]) for part in ("images", "labels"))
    of_dataset = np.concatenate([np.asarray(split.parts) for split in data.splits]) if data.parts else None
    of_images, of_labels = image_digests(images), _label_digests(labels, data.classes, classes)
    matches = _match(index, names, of_images, of_labels)
    if (matches.positions < 0).any():
        raise _missing_images(folder, index, data, names, {bytes(one) for one in of_images}, matches)
    excluded = set(info.split.excluded_train)
    extra = [names[position] for position in matches.extra if names[position] not in excluded]
    unused = data.unused
    if extra:
        reason = f"not among the {len(index.names):,} images of {folder.path}; train again to use them"
        grown = UnusedData(kind="images", what="images", count=len(extra), reason=reason, example=extra[0])
        reporter.say(f"not used: {grown.sentence}")
        unused = (*unused, grown)
    channels, table = info.model.input_size[2], _class_table(data.classes, classes)
    parts = []
    for split in range(3):
        rows = np.flatnonzero(index.split_ids == split)
        selected_images, selected_labels = take(images, matches.positions[rows]), take(labels, matches.positions[rows])
        if selected_images.shape[-1] != channels:  # gray images: others in color were added or removed
            selected_images = np.repeat(selected_images[:][..., :1], channels, axis=-1)
        if not np.array_equal(table[: len(data.classes)], np.arange(len(data.classes))):
            selected_labels = table[selected_labels[:]].astype(labels.dtype)
        parts.append(
            Split(
                selected_images, selected_labels, tuple(index.names[row] for row in rows), index.groups[rows],
                None if of_dataset is None else of_dataset[matches.positions[rows]],
            )
        )  # fmt: skip
    train, val, test = parts
    dataset = replace(
        data, name=info.dataset.name, title=info.dataset.title, classes=classes, palette=info.dataset.palette,
        train=train, val=val, test=test, has_groups=True, unused=unused,
    )  # fmt: skip
    return dataset, Splits(train, val, info.split)


def _match(
    index: ImageIndex, names: list[str], image_digests: NDArray[np.uint8], label_digests: NDArray[np.uint8]
) -> _Matches:
    """Find the images of a run by the digests (M, 16) uint8 of others; of equal ones, that of the same name."""
    keys = [bytes(image) + bytes(label) for image, label in zip(image_digests, label_digests, strict=True)]
    by_content = {key: position for position, key in reversed(list(enumerate(keys)))}
    by_name = {(key, name): position for position, (key, name) in enumerate(zip(keys, names, strict=True))}
    wanted = [
        bytes(image) + bytes(label) for image, label in zip(index.image_digests, index.label_digests, strict=True)
    ]
    positions = [
        by_name.get((key, name), by_content.get(key, -1)) for key, name in zip(wanted, index.names, strict=True)
    ]
    known = set(wanted)
    extra = [position for position, key in enumerate(keys) if key not in known]
    return _Matches(np.array(positions, np.int64), np.array(extra, np.int64))


def _missing_images(
    folder: RunFolder, index: ImageIndex, data: Dataset, names: list[str], pixels: set[bytes], matches: _Matches
) -> SeamlineError:
    """Return an error that counts and names the images that are missing or have changed."""
    missing = np.flatnonzero(matches.positions < 0)
    total = len(index.names)
    if len(missing) == total:
        return SeamlineError(
            f"{data.source}: not the images that {folder.path} was trained with, none of the {total:,} is there; "
            "name their folder with --data-dir"
        )
    there = set(names)
    kinds: dict[str, list[str]] = {"missing": [], "with other labels": [], "with other pixels": []}
    for row in missing:
        relabeled = bytes(index.image_digests[row]) in pixels
        kind = "with other labels" if relabeled else "with other pixels" if index.names[row] in there else "missing"
        kinds[kind].append(index.names[row])
    listed = "; ".join(f"{len(some):,} {kind}: {list_first(some)}" for kind, some in kinds.items() if some)
    return SeamlineError(
        f"{data.source}: missing or changed images of {folder.path}: {len(missing):,} of {total:,} ({listed}); put "
        "them back, or name another folder with --data-dir"
    )


def image_digests(images: ArrayLike) -> NDArray[np.uint8]:
    """Return the digest of each image (N, H, W, C) uint8: (N, 16) uint8; gray images have one whatever C is."""
    return _digests(
        image[..., :1] if bool((image[..., :1] == image).all()) else image
        for chunk in iter_chunks(images)
        for image in chunk
    )


def _label_digests(labels: ArrayLike, classes: tuple[str, ...], of_run: tuple[str, ...]) -> NDArray[np.uint8]:
    """Return the digest of each label (N,) int64, of its class name, or mask (N, H, W) uint8: (N, 16) uint8.

    Masks have the classes of the run, matched by name.
    """
    if len(labels.shape) == 1:
        return _digests(np.array(classes[label]) for label in labels[:])
    table = _class_table(classes, of_run).astype(np.uint8)
    return _digests(table[mask] for chunk in iter_chunks(labels) for mask in chunk)


def _class_table(classes: tuple[str, ...], of_run: tuple[str, ...]) -> NDArray[np.int64]:
    """Return the number in a run of each of K classes, by name: (256,) int64 or more; other values stay."""
    table = np.arange(max(IGNORE_INDEX + 1, len(classes)))
    for number, name in enumerate(classes):
        table[number] = of_run.index(name) if name in of_run else _OTHER_CLASS
    return table


def _digests(arrays: Iterable[NDArray[Any]]) -> NDArray[np.uint8]:
    """Return digests (N, 16) uint8 of N arrays, uint8 or text, with their shapes."""
    parts = []
    for array in arrays:
        digest = hashlib.blake2b(str(array.shape).encode(), digest_size=16)
        digest.update(np.ascontiguousarray(array).tobytes())
        parts.append(digest.digest())
    return np.frombuffer(b"".join(parts), np.uint8).reshape(-1, 16)
