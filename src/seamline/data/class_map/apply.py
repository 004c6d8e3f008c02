"""Apply class maps to datasets."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from difflib import get_close_matches
from typing import Any

import numpy as np

from seamline.data.class_map.builtin import ALL_OTHERS
from seamline.data.dataset import IGNORE_INDEX, Dataset, Split
from seamline.data.lazy_array import map_values
from seamline.data.masks import complete_palette
from seamline.run_folder import ClassMap, Color, Task, UnusedData


class ClassMapError(ValueError):
    """A class map does not fit its dataset; the text follows the name of the map."""


def list_choices(name: str, names: Iterable[str]) -> str:
    """Return the advice for a name that does not exist: the closest, and those there are."""
    names = [*names]
    closest = get_close_matches(name, names, 1)
    return (f"did you mean {closest[0]!r}? " if closest else "") + f"There are {', '.join(names)}"


def update_map(base: ClassMap, changes: ClassMap) -> ClassMap:
    """Return a map with the changes of another one.

    What the changes say about a class replaces what the base says. Colors, and the classes as part of which others are
    labeled, follow a class that gets another name.

    Args:
        base: a map that names all classes of its dataset.
        changes: the changes.
    """
    if changes == ClassMap():
        return base
    classes = {name: new for name, new in base.classes.items() if name not in changes.ignore} | changes.classes
    ignore = [name for name in base.ignore if name not in changes.classes]
    present = {*classes.values()}
    names = {old: classes[name] for name, old in base.classes.items() if name in classes}
    names |= {name: name for name in present}
    palette: dict[str, Color] = {}
    for name, color in base.palette.items():
        if name in names:
            palette.setdefault(names[name], color)
    merged = {name: names[one] for name, one in base.merged.items() if one in names and name not in present}
    return ClassMap(
        classes=classes,
        ignore=tuple(dict.fromkeys((*ignore, *changes.ignore))),
        order=changes.order or base.order,
        merged=merged | changes.merged,
        palette=palette | changes.palette,
        boxes=base.boxes or changes.boxes,
    )


def merge_target(class_map: ClassMap, classes: Collection[str], name: str) -> str | None:
    """Return the class as part of which a dataset labels a class.

    Args:
        class_map: the map of the dataset.
        classes: its classes, by their new names.
        name: a class of any dataset.

    Returns:
        `name` itself where the dataset has it, else one of its classes; None where its map does not say.
    """
    return name if name in classes else class_map.merged.get(name, class_map.merged.get(ALL_OTHERS))


def map_classes(
    data: Dataset, class_map: ClassMap, declared: Sequence[str] = (), *, has_polygons: bool = False
) -> Dataset:
    """Return a dataset with the classes of a map.

    Args:
        data: the dataset, with the classes of its source.
        class_map: the map.
        declared: classes that the source declares; not all of them may occur.
        has_polygons: whether masks were drawn from polygons, in the order of the map.

    Returns:
        The same images with other labels. Pixels of ignored classes are `IGNORE_INDEX`; images of ignored classes are
        left out and counted in `unused`. Published results stay only where the labels do.

    Raises:
        ClassMapError: the map names classes that do not exist, contradicts itself, does not fit the data, or leaves
            fewer than two classes.
    """
    if class_map == ClassMap():
        return data
    known = tuple(dict.fromkeys((*data.classes, *declared)))
    _check_names(class_map, known)
    targets = {name: class_map.classes.get(name, name) for name in known if name not in class_map.ignore}
    _check_targets(class_map, {*targets.values()})
    if data.task == "classification" and class_map.palette:
        raise ClassMapError("palette is for masks, and these labels are of whole images; leave it out")
    if (class_map.order or class_map.boxes) and not has_polygons:
        raise ClassMapError("order and boxes are for polygons, which these data do not have; leave them out")
    present = (targets[name] for name in data.classes if name in targets)
    classes = tuple(dict.fromkeys((*class_map.palette, *present)))
    if len(classes) < 2:
        raise ClassMapError(f"leaves {len(classes)} classes; two or more are needed")
    numbers = [classes.index(targets[name]) if name in targets else -1 for name in data.classes]
    unchanged = numbers == [*range(len(data.classes))]
    return _relabel(
        data,
        classes,
        numbers,
        palette=_palette(data, class_map, classes, numbers),
        unused=(*data.unused, *_ignored_images(data, class_map)),
        reference_results=data.reference_results if unchanged and classes == data.classes else (),
        class_map=class_map,
    )


def keep_classes(data: Dataset, classes: tuple[str, ...], palette: tuple[Color, ...]) -> Dataset:
    """Return a dataset with the classes of a model, if its own are among them; else the dataset as it is.

    Args:
        data: the dataset.
        classes: the K classes of the model.
        palette: their colors in masks, K or none.

    Returns:
        The same images, labeled with the numbers of the model's classes. Classes that they do not show stay without
        labels.
    """
    if not {*data.classes} <= {*classes} or data.classes == classes:
        return data
    numbers = [classes.index(name) for name in data.classes]
    sentence = f"The model keeps its {len(classes)} classes; the labels here show {len(data.classes)} of them."
    return _relabel(
        data,
        classes,
        numbers,
        palette=palette if data.task == "segmentation" else (),
        description=" ".join(filter(None, (data.description, sentence))),
    )


def _relabel(data: Dataset, classes: tuple[str, ...], numbers: Sequence[int], **fields: Any) -> Dataset:
    """Return a dataset with other classes: its class i becomes number `numbers[i]`, ignored where that is -1."""
    unchanged = [*numbers] == [*range(len(data.classes))]
    train, test, *val = data.splits if unchanged else (_map_labels(split, numbers, data.task) for split in data.splits)
    return replace(data, classes=classes, train=train, test=test, val=val[0] if val else None, **fields)


def _map_labels(split: Split, numbers: Sequence[int], task: Task) -> Split:
    """Return a split with the new number of each class; -1 ignores pixels, and leaves images out."""
    if task == "segmentation":
        table = np.full(256, IGNORE_INDEX, np.uint8)
        table[: len(numbers)] = [IGNORE_INDEX if number < 0 else number for number in numbers]
        return replace(split, labels=map_values(split.labels, table))
    labels = np.array(numbers, np.int64)[split.labels[:]]
    return replace(split, labels=labels).select(np.flatnonzero(labels >= 0))


def _palette(data: Dataset, class_map: ClassMap, classes: Sequence[str], numbers: Sequence[int]) -> tuple[Color, ...]:
    """Return the colors of the new classes: those of the map, then those of the classes that became them."""
    if data.task == "classification":
        return ()
    colors = {**class_map.palette}
    for number, color in zip(numbers, data.palette, strict=True):
        if number >= 0:
            colors.setdefault(classes[number], color)
    return complete_palette([colors.get(name) for name in classes])


def _ignored_images(data: Dataset, class_map: ClassMap) -> tuple[UnusedData, ...]:
    """Return the entry of images of ignored classes, or none where there are none."""
    if data.task == "segmentation":
        return ()
    numbers = [number for number, name in enumerate(data.classes) if name in class_map.ignore]
    ignored = np.concatenate([np.isin(split.labels[:], numbers) for split in data.splits])
    if not ignored.any():
        return ()
    names = [name for split in data.splits for name in split.names]
    return (
        UnusedData(
            kind="images",
            what=f"images of {', '.join(class_map.ignore)}",
            count=int(ignored.sum()),
            fraction=float(ignored.mean()),
            reason="the class map ignores their class",
            example=names[int(ignored.argmax())],
        ),
    )


def _check_names(class_map: ClassMap, known: Sequence[str]) -> None:
    """Refuse a map that names classes of its dataset that do not exist, or one both to rename and to ignore."""
    for field in ("classes", "ignore", "order"):
        for name in getattr(class_map, field):
            if name not in known:
                raise ClassMapError(f"{field} names {name!r}, which is no class; {list_choices(name, known)}")
    for name in class_map.ignore:
        if name in class_map.classes:
            raise ClassMapError(f"both renames and ignores {name!r}; keep one of them")


def _check_targets(class_map: ClassMap, present: Collection[str]) -> None:
    """Refuse a map that names new classes that do not exist, or merges one that does."""
    for name, target in class_map.merged.items():
        if name in present:
            raise ClassMapError(f"merged names {name!r}, which is one of the classes; rename it in classes instead")
        if target not in present:
            advice = list_choices(target, sorted(present))
            raise ClassMapError(f"merged makes {name!r} a part of {target!r}, which is no class; {advice}")
    for name in class_map.palette:
        if name not in present:
            raise ClassMapError(f"palette names {name!r}, which is no class; {list_choices(name, sorted(present))}")
    if len({*class_map.palette.values()}) < len(class_map.palette):
        raise ClassMapError("palette gives two classes one color; give each its own")
