"""Images in folders named by class, optionally inside folders named by split."""

import re
from collections import Counter, defaultdict
from dataclasses import dataclass, replace
from pathlib import Path

from seamline.data.image_folder.classes import declared_classes
from seamline.data.image_folder.file_tree import FileTree, class_folder, normalize
from seamline.data.image_folder.folder_names import is_plain, is_unlabeled, split_of_name
from seamline.data.image_folder.records import FolderContents, Sample
from seamline.data.image_folder.suspect_classes import refuse_suspect_classes
from seamline.errors import SeamlineError, list_first

_DATE = re.compile(r"(19|20)\d\d([-_. ]?)(0[1-9]|1[0-2])(\2(0[1-9]|[12]\d|3[01]))?")
"""A year and a month, or a date, such as `2023-05`, `2023_05_17` or `20230517`."""


@dataclass(frozen=True)
class _Image:
    """An image, and the folders that have not been interpreted yet."""

    file: Path
    folders: tuple[str, ...]
    split: str = ""


def parse(tree: FileTree) -> FolderContents | None:
    """Read class folders; None where there are fewer than two, unless a class file names all of them.

    The class is the first folder, or the first one below a folder named by split; splits may also be inside the class
    folders. Folders of dates may contain the class folders. Images outside class folders have no label.

    Raises:
        SeamlineError: some images are in folders of splits and others are not, folders of splits have no class
            folders, the class could be one of two folders, or a class has the name of another layout's folder.
    """
    images = [_Image(file, file.relative_to(tree.folder).parts[:-1]) for file in tree.images]
    names = {class_folder(name): name for name in declared_classes(tree.folder)}
    if images and all(len(image.folders) == 1 and normalize(image.folders[0]) in names for image in images):
        samples = [
            Sample(image.file, image.file.relative_to(tree.folder).as_posix(), label=names[normalize(image.folders[0])])
            for image in images
        ]
        return FolderContents(tree.folder, "class folders", samples)
    images, warnings = _strip_common(tree.folder, [image for image in images if image.folders])
    nested = {image.folders[0] for image in images if len(image.folders) > 1}
    tops = sorted({image.folders[0] for image in images})
    splits = [top for top in tops if split_of_name(top)]
    if nested & {*splits}:
        images = _images_of_splits(tree.folder, images)
    elif splits:
        _refuse_splits_without_classes(tree.folder, tops, splits)
        if split_of_name(splits[0]) == "train":
            warnings.append(f"the folder {splits[0]} is read as a class, because it has no class folders inside")
    if not splits:
        images, dates = _below_dates(_splits_inside_classes(images))
        warnings += dates
    if len({image.folders[0] for image in images}) < 2:
        return None
    images = [replace(image, folders=(image.folders[0], *_telling(image.folders[1:]))) for image in images]
    files: dict[str, list[Path]] = defaultdict(list)
    for image in images:
        files[image.folders[0]].append(image.file)
    warnings += refuse_suspect_classes(tree.folder, files)
    warnings += [] if tree.inner_groups else _check_depth(tree.folder, images)
    samples = [
        Sample(image.file, image.file.relative_to(tree.folder).as_posix(), image.split, label=image.folders[0])
        for image in images
    ]
    return FolderContents(tree.folder, "class folders", samples, warnings=tuple(warnings))


def _strip_common(folder: Path, images: list[_Image]) -> tuple[list[_Image], list[str]]:
    """Remove first folders that contain all images, unless one names a split; also return warnings of them."""
    common: list[str] = []
    while len(heads := {image.folders[0] for image in images}) == 1 and not split_of_name(*heads):
        common += heads
        images = [replace(image, folders=image.folders[1:]) for image in images if len(image.folders) > 1]
    return images, [f"{'/'.join(common)} is the only folder of images in {folder}, and is no class"] if common else []


def _images_of_splits(folder: Path, images: list[_Image]) -> list[_Image]:
    """Return the images in class folders below folders of splits."""
    parts: dict[str, list[_Image]] = defaultdict(list)
    outside = []
    for image in images:
        top, *rest = image.folders
        if split := split_of_name(top):
            parts[top].append(_Image(image.file, tuple(rest), split))
        elif not is_unlabeled(top) and not (is_plain(top) and not rest):
            outside.append(image.file.relative_to(folder).as_posix())
    if outside:
        raise SeamlineError(
            f"{folder}: some images are in folders of splits and {len(outside):,} are not, such as {outside[0]}; put "
            "all of them into train, val or test, or none"
        )
    return [image for members in parts.values() for image in _below_split(members)]


def _below_split(images: list[_Image]) -> list[_Image]:
    """Return the images of one split that are in class folders, below repetitions of the split and plain folders."""
    while len(heads := {image.folders[0] for image in images if image.folders}) == 1:
        (head,) = heads
        deep = any(len(image.folders) > 1 for image in images)
        if not deep or not (split_of_name(head) == images[0].split or is_plain(head)):
            break
        images = [replace(image, folders=image.folders[1:]) for image in images if image.folders]
    return [image for image in images if image.folders]


def _refuse_splits_without_classes(folder: Path, tops: list[str], splits: list[str]) -> None:
    """Refuse folders named by split that have no class folders, unless one is a class, as among vehicles."""
    others = [top for top in tops if top not in splits]
    if len(tops) < 2:
        return
    if len(splits) == 1 and (
        (splits[0].lower() == "valid" and "invalid" in [top.lower() for top in others])
        or (split_of_name(splits[0]) == "train" and len(others) > 1)
    ):
        return
    have = "has" if len(splits) == 1 else "have"
    raise SeamlineError(
        f"{folder}: {list_first(splits)} {have} the name of a split and no class folders inside, so the labels of "
        "these images are unknown; put images into a folder per class below it, or list files and labels in a CSV"
    )


def _splits_inside_classes(images: list[_Image]) -> list[_Image]:
    """Interpret folders of splits inside class folders, such as `cat/train`, where every class has them."""
    inner: dict[str, set[str]] = defaultdict(set)
    for image in images:
        inner[image.folders[0]].add(split_of_name(image.folders[1]) if len(image.folders) > 1 else "")
    if not inner or "" in set().union(*inner.values()):
        return images
    return [
        replace(image, folders=(image.folders[0], *image.folders[2:]), split=split_of_name(image.folders[1]))
        for image in images
    ]


def _below_dates(images: list[_Image]) -> tuple[list[_Image], list[str]]:
    """Remove first folders that are dates, where all have class folders inside; also return a warning of it."""
    if not images or not all(_DATE.fullmatch(image.folders[0]) and _telling(image.folders[1:]) for image in images):
        return images, []
    dates = sorted({image.folders[0] for image in images})
    images = [replace(image, folders=_telling(image.folders[1:])) for image in images]
    return images, [
        f"the folders {list_first(dates)} are dates, so the classes are the folders inside; --groups folder keeps the "
        "images of a date together"
    ]


def _telling(folders: tuple[str, ...]) -> tuple[str, ...]:
    """Return the folders that are not numbers, dates or words such as `images`."""
    return tuple(name for name in folders if not is_plain(name) and any(letter.isalpha() for letter in name))


def _check_depth(folder: Path, images: list[_Image]) -> list[str]:
    """Return a warning where class folders have further folders inside.

    Raises:
        SeamlineError: the same folders are inside several class folders, so that they may be the classes.
    """
    deeper = [image for image in images if len(image.folders) > 1]
    if not deeper:
        return []
    inner: dict[str, set[str]] = defaultdict(set)
    for image in deeper:
        inner[image.folders[0]].add(image.folders[1])
    counts = Counter(name for names in inner.values() for name in names)
    repeated = sorted(name for name, count in counts.items() if count > 1)
    if len(repeated) > 1:
        raise SeamlineError(
            f"{folder}: the class could be the first folder ({list_first(sorted(inner))}) or the second one "
            f"({list_first(repeated)}); leave one level of folders, named by class, list files and labels in a CSV, or "
            "say with --groups folder that the second one groups images"
        )
    label, name = min(image.folders for image in deeper)[:2]
    subject = "1 image is in a folder" if len(deeper) == 1 else f"{len(deeper):,} images are in folders"
    return [
        f"{subject} inside class folders, such as {label}/{name}: the class is the first folder, {label}; move the "
        "inner folders up if they are the classes"
    ]
