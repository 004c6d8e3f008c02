"""Class folders whose names or contents belong to another layout, such as folders of masks."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NoReturn

import numpy as np
from PIL import Image

from seamline.data.image_folder.folder_names import MASK_WORDS, mentioned_splits, split_of_name, split_words
from seamline.errors import SeamlineError, list_first

_IMAGE_NAMES = frozenset(("images", "image", "imgs", "img", "jpegimages", "jpegs", "jpegimage", "dataset", "datasets"))
_STATES = frozenset((
    "no", "not", "non", "without", "with", "on", "off", "correct", "incorrect", "good", "bad", "worn", "unworn",
    "proper", "improper", "wearing", "missing", "damaged", "torn", "ok", "present", "absent", "whole", "broken",
    "intact", "wrong",
))  # fmt: skip
"""Words of states of an object: with them, `mask` or `label` is an object in a photo."""
_LAYOUTS = (
    (("jpegimages", "segmentationclass", "segmentationobject", "segmentation"), "Pascal VOC (JPEGImages/ with "
     "SegmentationClass/, a mask of the same name per image)"),
    (("leftimg", "gtfine", "gtcoarse"), "Cityscapes (leftImg8bit/ with gtFine/)"),
    (("trimap", "trimaps"), "Oxford-IIIT Pets (images/ with annotations/trimaps/)"),
)  # fmt: skip
_SAMPLED = 5  # images of a folder whose pixels are looked up
_BINS, _MASK_BINS, _MASK_PART = 16, 3, 0.97  # at least this part of a mask's pixels lies in 3 of 16 levels of gray
_FEW_COLORS, _MANY_COLORS = 8, 256  # at most so many colors of a mask, and more of a photo
_PAIRED_PART = 0.8  # part of a folder's images that have a mask of the same name in another folder


def refuse_suspect_classes(folder: Path, files: Mapping[str, Sequence[Path]]) -> list[str]:
    """Refuse classes that are more likely splits, images or masks of another layout.

    Args:
        folder: the folder that is named in the message.
        files: the images of each class.

    Returns:
        A warning of a class whose name starts with the word of a split, if there is one.

    Raises:
        SeamlineError: a class is suspect.
    """
    words = {name: {*split_words(name)} for name in files}
    warnings = _refuse_splits(folder, files)
    plain = [name for name in files if words[name] & _IMAGE_NAMES]
    pure = [name for name in plain if words[name] <= _IMAGE_NAMES | {"data", "left", "bit"}]
    if pure or 0 < len(plain) < len(files):
        _refuse(folder, files, (pure or plain)[0], _masked_layout(files))
    named = [name for name in files if words[name] & MASK_WORDS]
    has_state = any(found & _STATES for found in words.values())
    if len(named) < len(files) and not has_state:
        for name in named:
            if _are_masks(files[name]):
                _refuse(folder, files, name, _masked_layout(files))
    _refuse_pairs(folder, files)
    return warnings


def _refuse_splits(folder: Path, files: Mapping[str, Sequence[Path]]) -> list[str]:
    """Refuse classes with words of different splits, or a single one with `test` or `val`.

    A single name such as `test_tube`, with words after that of the split that no other class has, is a class; a warning
    of it is returned.
    """
    splits = {name: found for name in files if (found := mentioned_splits(name))}
    kinds = set[str]().union(*splits.values())
    if {*map(str.lower, splits)} == {"valid"} and "invalid" in map(str.lower, files):
        return []
    if len(kinds) > 1 or (len(splits) == 1 and kinds != {"train"}):
        name = next(iter(splits))
        first, *rest = split_words(name)
        others = {word for other in files if other != name for word in split_words(other)}
        if rest and mentioned_splits(first) and not split_of_name(name) and not others & {*rest}:
            return [f"the folder {name} is read as a class, not as images for {first}"]
        _refuse(folder, files, name, "splits (train/, val/ and test/, each with class folders inside)")
    return []


def _refuse_pairs(folder: Path, files: Mapping[str, Sequence[Path]]) -> None:
    """Refuse a folder of masks whose names are those of photos in another folder."""
    if len(files) > 3:  # more folders are classes
        return
    stems = {name: {file.stem for file in members} for name, members in files.items()}
    for name, members in files.items():
        for other, photos in files.items():
            paired = len(stems[name] & stems[other])
            if (
                name != other
                and paired > 2
                and paired >= _PAIRED_PART * max(len(stems[name]), len(stems[other]))
                and all(map(_has_few_numbers, members[:_SAMPLED]))
                and all(map(_has_many_colors, photos[:_SAMPLED]))
            ):
                _refuse(folder, files, name, f"images with masks ({other}/ with {name}/ of the same names)")


def _masked_layout(files: Mapping[str, Sequence[Path]]) -> str:
    """Return the layout with masks whose folders are among the classes."""
    names = {name.lower() for name in files}
    return next(
        (layout for words, layout in _LAYOUTS if any(word in name for word in words for name in names)),
        "images with masks (images/ with masks/ of the same names)",
    )


def _refuse(folder: Path, files: Mapping[str, Sequence[Path]], name: str, layout: str) -> NoReturn:
    listed = list_first([f"{label} ({len(members):,} images)" for label, members in sorted(files.items())])
    raise SeamlineError(
        f"{folder}: the folder {name} suggests the layout {layout}, which does not fit; as class folders the classes "
        f"would be {listed}; complete that layout, or, if {name} is a class, rename the folder, or list files and "
        "labels in a CSV"
    )


def _are_masks(files: Sequence[Path]) -> bool:
    return all(map(_is_mask_like, files[:_SAMPLED]))


def _has_few_numbers(file: Path) -> bool:
    """Return whether an image has a channel of a few numbers, or a few colors."""
    try:
        with Image.open(file) as image:
            if image.mode in ("1", "L", "P"):
                return len(np.unique(np.asarray(image))) <= _BINS
            return image.convert("RGB").getcolors(_FEW_COLORS) is not None
    except Exception:  # as above
        return False


def _has_many_colors(file: Path) -> bool:
    """Return whether an image has many colors, as photos do."""
    try:
        with Image.open(file) as image:
            return image.mode == "RGB" and image.getcolors(_MANY_COLORS) is None
    except Exception:  # as above
        return False


def _is_mask_like(file: Path) -> bool:
    """Return whether nearly all pixels of an image have one of a few levels of gray."""
    try:
        with Image.open(file) as image:
            image.thumbnail((256, 256), Image.Resampling.NEAREST)
            levels = np.asarray(image if image.mode in ("L", "P") else image.convert("L"))
    except Exception:  # decoding gives a better message
        return False
    counts = np.sort(np.bincount(levels.ravel() // (256 // _BINS)))
    return bool(counts[-_MASK_BINS:].sum() >= _MASK_PART * levels.size)
