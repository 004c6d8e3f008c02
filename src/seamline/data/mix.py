"""Several datasets as one: the union of their classes on one canvas, and which of the classes each tells apart."""

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from seamline.data.class_map.apply import merge_target
from seamline.data.dataset import IGNORE_INDEX, Dataset, DatasetPart, Split
from seamline.data.image_folder.resize_policy import PHOTO_MASK_LIMITS, ImageSize, pick_image_size, resize_pair
from seamline.data.lazy_array import LazyArray, zeros_or_memmap
from seamline.data.limits import map_threads
from seamline.data.masks import Color, complete_palette
from seamline.data.preprocess import center_crop_resize
from seamline.data.splits import (
    ALL_RELATED,
    Splits,
    SplitStrategy,
    describe_split,
    ensure_test_split,
    train_val_split,
)
from seamline.errors import SeamlineError
from seamline.run_folder import DatasetInfo, DatasetPartInfo

BACKGROUND = ("other", "background")
"""Classes that hold whatever a dataset has no class for; the first that it has is its background."""

Result = TypeVar("Result")


def choose_canvas(datasets: Sequence[Dataset], requested: str | None = None, *, pretrained: bool = False) -> ImageSize:
    """Choose the size of the images of several datasets from the sizes of all, as `pick_image_size` does for a folder.

    Args:
        datasets: the datasets.
        requested: the user's choice, such as `96` or `128x96`, which comes first.
        pretrained: whether color photos get a size that suits an encoder with pretrained weights; with masks, the
            dataset with the largest images decides.

    Raises:
        SeamlineError: the tasks differ, a dataset is named twice, or `requested` is no size.
    """
    first, *others = datasets
    for other in others:
        if other.task != first.task:
            raise SeamlineError(
                f"{first.name} is for {first.task} and {other.name} for {other.task}; train on datasets of one task"
            )
    sources = Counter((data.name, data.source) for data in datasets)
    if twice := [name for (name, _), number in sources.items() if number > 1 and name != "arrays"]:
        raise SeamlineError(f"{twice[0]}: is given twice; name each dataset once")
    pretrained = pretrained and any(data.train.images.shape[3] == 3 for data in datasets)
    shapes = [data.train.images.shape[1:3] for data in datasets]
    if pretrained and first.task == "segmentation":  # the largest images lose nothing
        largest = pick_image_size([max(shapes, key=math.prod)], first.task, requested, pretrained=True)
        return largest if requested else _fit_shapes(largest, shapes)
    counts = [sum(len(split) for split in data.splits) for data in datasets]
    sizes = [shape for shape, count in zip(shapes, counts, strict=True) for _ in range(count)]
    return pick_image_size(sizes, first.task, requested, pretrained=pretrained)


def _fit_shapes(canvas: ImageSize, shapes: Sequence[tuple[int, int]]) -> ImageSize:
    """Enlarge a canvas so that images of other proportions get the same longer side on it, to a step.

    Args:
        canvas: the size that suits the largest images.
        shapes: height and width of the images of each dataset.
    """
    side, step = max(canvas.height, canvas.width), PHOTO_MASK_LIMITS.step
    scaled = [[side * length / max(shape) for length in shape] for shape in shapes]
    height, width = (
        max(own, *(round(sides[axis] / step) * step for sides in scaled))
        for axis, own in enumerate((canvas.height, canvas.width))
    )
    if (height, width) == (canvas.height, canvas.width):
        return canvas
    return ImageSize(height, width, f"{canvas.reason}; enlarged to {width} x {height} for images of other proportions")


def join_datasets(datasets: Sequence[Dataset], canvas: ImageSize) -> Dataset:
    """Join datasets of one task into one.

    The classes are the union by name: `other` first where it exists, then in the order of the datasets. Of two colors
    for a class the first is used. Training, validation and test images of each dataset stay what they are; a dataset
    without test or validation images gets them by `ensure_test_splits` and `split_parts`. Related images of different
    datasets are not known yet (`has_groups` is False).

    Args:
        datasets: two or more, of one task.
        canvas: the size of all images, from `choose_canvas`: images to classify are cropped, others are padded.

    Returns:
        The dataset, with a part for each of the datasets.

    Raises:
        SeamlineError: masks have more classes than they can hold, or a class map of labels of whole images merges some.
    """
    names, classes, task = _distinct_names(datasets), _union(datasets), datasets[0].task
    named = list(zip(names, datasets, strict=True))
    if task == "segmentation" and len(classes) > IGNORE_INDEX:
        raise SeamlineError(f"{' and '.join(names)}: have {len(classes)} classes together; train on fewer datasets")
    for name, data in named:
        if task == "classification" and data.class_map.merged:
            raise SeamlineError(
                f"--map {name}: merged is for masks, and {name} has labels of whole images; leave it out"
            )
    parts = tuple(
        DatasetPart(name, data.title, merge_classes(data, classes), data.source, data.class_map, data.synthetic)
        for name, data in named
    )
    image_names = _image_names(datasets, names)
    whole = _join_images(datasets, classes, image_names, canvas)
    split_ids = np.concatenate([np.full(len(split), i) for data in datasets for i, split in enumerate(data.splits)])
    train, test, val = (whole.select(np.flatnonzero(split_ids == i)) for i in range(3))
    return Dataset(
        "+".join(names),
        " and ".join(part.title for part in parts),
        classes,
        train,
        test,
        " and ".join(data.source for data in datasets),
        task=task,
        synthetic=any(data.synthetic for data in datasets),
        description=_describe(datasets, parts, classes, canvas),
        palette=_palette(datasets, classes),
        has_groups=False,
        val=val if len(val) else None,
        unused=tuple(
            msgspec.structs.replace(item, what=f"{item.what} of {name}") for name, data in named for item in data.unused
        ),
        warnings=tuple(f"{name}: {sentence}" for name, data in named for sentence in data.warnings),
        bit_depth=max(data.bit_depth for data in datasets),
        records={
            new[old]: record
            for data, new in zip(datasets, image_names, strict=True)
            for old, record in data.records.items()
            if old in new  # a class map may have left images out
        },
        parts=parts,
        min_test_groups=max(data.min_test_groups for data in datasets),
    )


def merge_classes(data: Dataset, classes: Sequence[str]) -> tuple[int, ...]:
    """Return for each of K classes the one that a dataset's labels name in its place: (K), 0..K-1.

    A class of the dataset is itself. Of the others, the dataset's class map says which they are part of; one that it
    does not mention is part of the dataset's background (`BACKGROUND`), where that has one. Otherwise the dataset is
    assumed to show none of it: it is itself, and no label names it. Images to classify have no background, so their
    classes are never merged.

    Args:
        data: the dataset.
        classes: the K classes, among them those of the dataset.
    """
    if data.task == "classification":
        return tuple(range(len(classes)))
    background = next((name for name in BACKGROUND if name in data.classes), None)
    numbers = {name: number for number, name in enumerate(classes)}
    targets = [merge_target(data.class_map, data.classes, name) or background for name in classes]
    return tuple(numbers.get(target or "", number) for number, target in enumerate(targets))


def absent_classes(data: Dataset, merged: Sequence[int], classes: Sequence[str]) -> list[str]:
    """Return those of K classes that a dataset neither has nor merges into another one, by `merge_classes` (K)."""
    pairs = zip(classes, merged, strict=True)
    return [name for number, (name, target) in enumerate(pairs) if number == target and name not in data.classes]


def merge_sentences(merged: Sequence[int], classes: Sequence[str]) -> list[str]:
    """State which of K classes a dataset does not tell apart, by `merge_classes` (K)."""
    targets: dict[int, list[str]] = {}
    for number, (name, target) in enumerate(zip(classes, merged, strict=True)):
        if number != target:
            targets.setdefault(target, []).append(name)
    return [f"{', '.join(names)} count as {classes[target]}" for target, names in targets.items()]


def ensure_test_splits(data: Dataset) -> Dataset:
    """Return a dataset of several in which each has a test split; see `ensure_test_split`.

    Raises:
        SeamlineError: one of them has too few images.
    """
    views = [_of_part(view, ensure_test_split) for view in split_by_part(data)]
    return replace(data, train=_concat([view.train for view in views]), test=_concat([view.test for view in views]))


def split_parts(data: Dataset, *, fraction: float, seed: int, strategy: SplitStrategy = "groups") -> Splits:
    """Split the training images of each of several datasets by the usual rule; see `train_val_split`.

    Images related to test images of any of the datasets are excluded, and training images related to validation images
    of any.

    Raises:
        SeamlineError: one of the datasets has too few images, or all its training images are excluded.
        ValueError: all validation images are excluded.
    """

    def split(view: Dataset) -> Splits:
        return train_val_split(view, fraction=fraction, seed=seed, strategy=strategy)

    views = split_by_part(data)
    splits = [_of_part(view, split) for view in views]
    val = _without_groups(_concat([one.val for one in splits]), data.test.groups)
    reserved = np.concatenate([data.test.groups, val.groups]) if strategy == "groups" else data.test.groups
    train = _in_memory(_without_groups(_concat([one.train for one in splits]), reserved))
    for number, part in enumerate(data.parts):
        if number not in np.asarray(train.parts):
            raise SeamlineError(
                f"{part.name}: no training images are left: all are related to test or validation images; leave "
                f"{part.name} out"
            )
    if not len(val):
        raise ValueError(ALL_RELATED)
    used = {*train.names, *val.names}
    named = (*data.train.names, *(() if data.val is None else data.val.names))
    predefined = all(view.val is not None for view in views)
    if predefined:
        fraction = len(val) / (len(train) + len(val))
    info = describe_split(data, [name for name in named if name not in used], fraction, seed)
    return Splits(train, val, msgspec.structs.replace(info, predefined=predefined, strategy=strategy))


def split_by_part(data: Dataset) -> list[Dataset]:
    """Return each of the datasets that one was made of, with the classes of all and the groups of all."""

    def select(split: Split, number: int) -> Split:
        return split.select(np.flatnonzero(np.asarray(split.parts) == number))

    views = []
    for number, part in enumerate(data.parts):
        train, test = (select(split, number) for split in (data.train, data.test))
        val = None if data.val is None else select(data.val, number)
        views.append(
            replace(
                data, name=part.name, title=part.title, source=part.source, synthetic=part.synthetic,
                train=train, test=test, val=val or None,
            )
        )  # fmt: skip
    return views


def part_infos(data: Dataset, splits: Splits) -> tuple[DatasetPartInfo, ...]:
    """Return what a run folder holds of each of the datasets that one was made of; nothing of a single one.

    Args:
        data: the dataset, with its test images.
        splits: its training and validation images.
    """
    if not data.parts:
        return ()
    counts = {
        name: np.bincount(np.asarray(split.parts), minlength=len(data.parts)).tolist()
        for name, split in {"train": splits.train, "val": splits.val, "test": data.test}.items()
    }
    return tuple(
        DatasetPartInfo(
            name=part.name,
            title=part.title,
            source=part.source,
            merged={data.classes[i]: data.classes[target] for i, target in enumerate(part.merged) if target != i},
            class_map=part.class_map,
            synthetic=part.synthetic,
            **{name: of[number] for name, of in counts.items()},
        )
        for number, part in enumerate(data.parts)
    )


def find_part(info: DatasetInfo, source: object) -> str | None:
    """Return the name of the one of several datasets of a run that a user names by its name or folder, else None."""
    if not isinstance(source, str | Path):
        return None
    paths = {Path(part.source): part.name for part in info.parts}
    names = {part.name: part.name for part in info.parts}
    return names.get(str(source)) or paths.get(Path(source).expanduser().absolute())


def stored_parts(info: DatasetInfo) -> tuple[DatasetPart, ...]:
    """Return the datasets that the dataset of a run was made of, from what its folder holds."""
    return tuple(
        DatasetPart(
            part.name,
            part.title,
            tuple(info.classes.index(part.merged.get(name, name)) for name in info.classes),
            part.source,
            part.class_map,
            part.synthetic,
        )
        for part in info.parts
    )


def _of_part(view: Dataset, function: Callable[[Dataset], Result]) -> Result:
    """Apply a function to one of the datasets; an error names it."""
    try:
        return function(view)
    except ValueError as error:
        raise SeamlineError(f"{view.name}: {error}; or leave {view.name} out") from None


def _distinct_names(datasets: Sequence[Dataset]) -> list[str]:
    """Return the name of each dataset, with a number where another has it."""
    names: list[str] = []
    for data in datasets:
        candidates = [data.name, *(f"{data.name}-{number}" for number in range(2, len(datasets) + 1))]
        names.append(next(name for name in candidates if name not in names))
    return names


def _union(datasets: Sequence[Dataset]) -> tuple[str, ...]:
    """Return the classes of all datasets: the background first, then in the order of the datasets."""
    names = list(dict.fromkeys(name for data in datasets for name in data.classes))
    first = [name for name in BACKGROUND[:1] if name in names]
    return (*first, *(name for name in names if name not in first))


def _palette(datasets: Sequence[Dataset], classes: Sequence[str]) -> tuple[Color, ...]:
    """Return the color of each class, that of the first dataset which has the class; none for classification."""
    colors: dict[str, Color] = {}
    for data in datasets:
        for name, color in zip(data.classes, data.palette, strict=False):
            colors.setdefault(name, color)
    return complete_palette([colors.get(name) for name in classes]) if colors else ()


def _image_names(datasets: Sequence[Dataset], names: Sequence[str]) -> list[dict[str, str]]:
    """Return for each dataset the new name of each image, with that of its dataset where two would be equal."""
    olds = [[name for split in data.splits for name in split.names] for data in datasets]
    distinct = len({name for old in olds for name in old}) == sum(map(len, olds))
    return [{one: one if distinct else f"{name}/{one}" for one in old} for name, old in zip(names, olds, strict=True)]


def _join_images(
    datasets: Sequence[Dataset], classes: Sequence[str], image_names: Sequence[dict[str, str]], canvas: ImageSize
) -> Split:
    """Return the images of all splits of all datasets on one canvas, as one split."""
    rows = [
        (number, split, index)
        for number, data in enumerate(datasets)
        for split in data.splits
        for index in range(len(split))
    ]
    masks = datasets[0].task == "segmentation"
    shape = canvas.height, canvas.width, max(data.train.images.shape[3] for data in datasets)
    images = zeros_or_memmap((len(rows), *shape))
    labels: NDArray[Any] = zeros_or_memmap(images.shape[:3]) if masks else np.zeros(len(rows), np.int64)
    tables = [np.arange(max(IGNORE_INDEX + 1, len(data.classes))) for data in datasets]
    for table, data in zip(tables, datasets, strict=True):
        table[: len(data.classes)] = [classes.index(name) for name in data.classes]

    def fill(position: int) -> None:
        number, split, index = rows[position]
        image, label = split.images[index], split.labels[index]
        if image.shape != shape:
            image = image if image.shape[2] == 3 else np.repeat(image, 3, axis=2)
            if masks:
                image, label = resize_pair(image, label, canvas)
                image = image[..., : shape[2]]
            else:
                image = center_crop_resize(image, shape)
        images[position], labels[position] = image, tables[number][label]

    map_threads(fill, range(len(rows)))
    numbered = [np.unique(data.groups, return_inverse=True)[1] for data in datasets]
    starts = np.cumsum([0, *(int(groups.max(initial=-1)) + 1 for groups in numbered)])
    return Split(
        LazyArray(images),
        LazyArray(labels) if masks else labels,
        tuple(image_names[number][split.names[index]] for number, split, index in rows),
        np.concatenate([start + groups for start, groups in zip(starts, numbered, strict=False)]),
        np.array([number for number, *_ in rows], np.int64),
    )


def _concat(splits: Sequence[Split]) -> Split:
    """Return the images of several splits, one after the other."""
    return splits[0].concat(*splits[1:])


def _without_groups(split: Split, groups: NDArray[np.int64]) -> Split:
    """Return the images of a split that are in none of some groups."""
    return split.select(np.flatnonzero(~np.isin(split.groups, groups)))


def _in_memory(split: Split) -> Split:
    """Return a split with its images in arrays of its own, unless they are in a file."""
    if isinstance(split.images, LazyArray) and not isinstance(split.images.base, np.memmap):
        return replace(split, images=split.images[:], labels=split.labels[:])
    return split


def _describe(
    datasets: Sequence[Dataset], parts: Sequence[DatasetPart], classes: Sequence[str], canvas: ImageSize
) -> str:
    """Describe the datasets, which classes each does not tell apart, and the size of the images."""
    sentences = [f"{len(datasets)} datasets as one; size: {canvas.reason}."]
    for data, part in zip(datasets, parts, strict=True):
        sentences += [f"{part.name}: {sentence}." for sentence in merge_sentences(part.merged, classes)]
        absent = absent_classes(data, part.merged, classes)
        if absent and data.task == "segmentation":
            sentences.append(
                f"{part.name}: {', '.join(absent)} do not occur, so every such prediction is wrong; `merged` of a "
                "class map says what they are part of."
            )
    return " ".join([*sentences, *(f"{data.title}: {data.description}" for data in datasets if data.description)])
