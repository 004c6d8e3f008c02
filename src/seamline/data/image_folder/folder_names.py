"""Words in the names of folders: splits, and the roles of folders in layouts with masks."""

import re
from collections.abc import Iterable

_SPLIT_WORDS = {
    **dict.fromkeys(("train", "training", "trn", "trainval"), "train"),
    **dict.fromkeys(("val", "valid", "validation", "validate", "dev"), "val"),
    **dict.fromkeys(("test", "testing", "tst"), "test"),
}
_NEUTRAL_WORDS = frozenset((
    "set", "sets", "split", "splits", "data", "dataset", "datasets", "stage", "seg", "public", "private", "images",
    "image", "imgs", "img", "pics", "photos", "pictures", "full", "final", "the", "of", "for", "x", "jpg", "jpeg",
    "png", "raw", "folder", "dir", "files", "samples", "challenge", "prepped", "resized", "fine", "new", "original",
))  # fmt: skip
_UNLABELED_WORDS = frozenset(("pred", "predict", "prediction", "predictions", "unlabeled", "unlabelled", "unsup"))
_JOINED = re.compile(r"(train|test|val|valid)(images|imgs|annot|masks|labels|data|set)")
IMAGE_WORDS = frozenset((
    "images", "image", "imgs", "img", "photos", "photo", "pics", "pictures", "inputs", "jpegimages", "jpegs", "frames",
    "rgb",
))  # fmt: skip
"""Words of folders of images in layouts with masks."""
MASK_WORDS = frozenset((
    "mask", "masks", "label", "labels", "annotation", "annotations", "annot", "annots", "gt", "gts", "groundtruth",
    "segmentation", "segmentations", "segmentationclass", "segmentationobject", "segmentationmasks", "seg", "segs",
    "trimap", "trimaps", "gtfine", "gtcoarse", "labelids", "manual", "semantic",
    "truth",
))  # fmt: skip
"""Words of folders of masks."""


def split_words(name: str) -> tuple[str, ...]:
    """Return the words of a name in lower case: `seg_train2`, `TrainSet` -> `seg train`, `train set`."""
    return tuple(word for part in split_path_words(name) for word in re.split(r"\d+", part) if word)


def split_path_words(name: str) -> tuple[str, ...]:
    """Return the words of a name in lower case with their digits: `Train2_masks` -> `train2 masks`."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    spaced = re.sub(r"ground[\W_]?truth", "groundtruth", spaced.lower())
    parts: list[str] = []
    for word in filter(None, re.split(r"[\W_]+", spaced)):
        joined = _JOINED.fullmatch(word)
        parts += joined.groups() if joined else [word]
    return tuple(parts)


def split_of_name(name: str) -> str:
    """Return the split that a folder or a table names, or an empty string.

    Besides the word of the split, the name has only words such as `set`, `images` or `masks`: `seg_train`, `test_set`
    and `train_images` name splits, `freight_train` does not.
    """
    words = split_words(name)
    splits = [_SPLIT_WORDS[word] for word in words if word in _SPLIT_WORDS]
    others = {word for word in words if word not in _SPLIT_WORDS} - _NEUTRAL_WORDS - MASK_WORDS
    if not splits or others:
        return ""
    if {"train", "test"} <= {*splits}:
        return ""
    return next(split for split in ("test", "train", "val") if split in splits)


def split_from_path(parts: Iterable[str]) -> str:
    """Return the split that one of a path's folders names, or an empty string."""
    return next(filter(None, map(split_of_name, parts)), "")


def mentioned_splits(name: str) -> set[str]:
    """Return the splits whose words occur in a name, whatever else it says."""
    return {_SPLIT_WORDS[word] for word in split_words(name) if word in _SPLIT_WORDS}


def is_unlabeled(name: str) -> bool:
    """Return whether a folder is meant for images without labels, such as `seg_pred`."""
    words = set(split_words(name))
    return bool(words & _UNLABELED_WORDS) and words <= _UNLABELED_WORDS | _NEUTRAL_WORDS


def is_plain(name: str) -> bool:
    """Return whether a folder's name has only words such as `images` or `dataset`."""
    return set(split_words(name)) <= _NEUTRAL_WORDS | IMAGE_WORDS and bool(split_words(name))
