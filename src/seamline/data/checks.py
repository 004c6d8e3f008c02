"""Warnings about unusual properties of a dataset, a sentence each."""

from itertools import chain

import numpy as np

from seamline.data.dataset import IGNORE_INDEX, Dataset
from seamline.data.lazy_array import concat
from seamline.data.near_duplicates.exact_and_near import first_occurrences
from seamline.errors import list_first

MIN_CLASS_IMAGES = 20
"""Training images of a class below which there is a warning."""
MAX_IMBALANCE = 20
"""Largest ratio of the training images of two classes without a warning."""
MIN_PIXEL_FRACTION = 0.001
"""Fraction of the training pixels of a class below which there is a warning."""


def dataset_warnings(data: Dataset, *, weighted: bool = False) -> tuple[str, ...]:
    """Return warnings about a dataset, the most serious first; empty where there are none.

    Args:
        data: the dataset.
        weighted: whether class weights are given, so that there is no advice to give them.
    """
    return (
        *data.warnings,
        *_contradictory_labels(data),
        *_class_warnings(data, weighted),
        *_empty_samples(data),
    )


def _contradictory_labels(data: Dataset) -> list[str]:
    """Warn of identical images with different labels."""
    names = [name for split in data.splits for name in split.names]
    firsts = first_occurrences(chain.from_iterable(split.images for split in data.splits))
    labels = concat([split.labels for split in data.splits])
    pairs = [
        f"{names[firsts[index]]} and {names[index]}"
        for index in np.flatnonzero(firsts != np.arange(len(firsts)))
        if not np.array_equal(labels[index], labels[firsts[index]])
    ]
    if not pairs:
        return []
    subject = "image is identical to another but has" if len(pairs) == 1 else "images are identical to others but have"
    return [f"{len(pairs):,} {subject} a different label: {list_first(pairs)}; one of the two labels is wrong"]


def _class_warnings(data: Dataset, weighted: bool) -> list[str]:
    """Warn of classes that are missing from a split, rare, or much larger than others."""
    counts = data.class_counts
    train = counts["train"]
    advisable = not (weighted or data.parts)  # several datasets take no class weights
    advice = "; --set class_weights=balanced increases the weight of rare classes" if advisable else ""
    warnings = []
    total = np.sum(list(counts.values()), axis=0)
    if unused := [name for name, count in zip(data.classes, total, strict=True) if not count]:
        warnings.append(f"{list_first(unused)}: declared, but not in any image")
    for split, word in (("val", "validation"), ("test", "test")):
        if split in counts:
            rows = zip(data.classes, counts[split], train, strict=True)
            if missing := [name for name, count, in_train in rows if in_train and not count]:
                warnings.append(
                    f"{list_first(missing)}: missing from the {word} images, so {word} metrics are undefined"
                )
    if data.task == "segmentation":
        fractions = train / max(1, train.sum())
        pairs = zip(data.classes, fractions, strict=True)
        if rare := [f"{name} ({value:.2%})" for name, value in pairs if 0 < value < MIN_PIXEL_FRACTION]:
            warnings.append(f"{list_first(rare)}: less than {MIN_PIXEL_FRACTION:.1%} of the training pixels{advice}")
        return warnings
    if few := [f"{name} ({n})" for name, n in zip(data.classes, train, strict=True) if 0 < n < MIN_CLASS_IMAGES]:
        warnings.append(
            f"{list_first(few)}: fewer than {MIN_CLASS_IMAGES} training images, so metrics have wide intervals"
        )
    used = train[train > 0]
    if len(used) and used.max() >= MAX_IMBALANCE * used.min():
        rarest = int(np.where(train > 0, train, train.max()).argmin())
        warnings.append(
            f"{data.classes[int(train.argmax())]} has {train.max():,} training images and {data.classes[rarest]} "
            f"{train[rarest]:,}: the rare class may be learned poorly{advice}"
        )
    return warnings


def _empty_samples(data: Dataset) -> list[str]:
    """Warn of images of a single color, and of masks in which every pixel is ignored."""
    blank: list[str] = []
    ignored: list[str] = []
    for split in data.splits_by_name.values():
        images = zip(split.names, split.images, strict=True)
        blank += [name for name, image in images if (image == image[:1, :1]).all()]
        if data.task == "segmentation":
            masks = zip(split.names, split.labels, strict=True)
            ignored += [name for name, mask in masks if (mask == IGNORE_INDEX).all()]
    warnings = [f"{list_first(blank)}: all pixels have the same color"] if blank else []
    return warnings + ([f"{list_first(ignored)}: all pixels of the mask are ignored"] if ignored else [])
