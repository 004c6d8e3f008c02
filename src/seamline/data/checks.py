"""What is odd about a set of images, though it can be learned from: a sentence each."""

from itertools import chain

import numpy as np

from seamline.data.dataset import IGNORE_INDEX, Dataset
from seamline.data.lazy_array import concat
from seamline.data.near_duplicates.exact_and_near import first_of_each

FEW = 20
"""Images of a class to learn from, below which it is told."""
UNEVEN = 20
"""How many times as many images the largest class may have as the smallest."""
RARE = 0.001
"""Share of pixels below which a class of masks is told."""

_NAMED = 5


def dataset_warnings(data: Dataset) -> tuple[str, ...]:
    """Return what is odd, the gravest first; nothing where nothing is."""
    return (*_contradictions(data), *_counts(data), *_blank(data))


def _contradictions(data: Dataset) -> list[str]:
    """Tell of images that are equal to the bit and labelled differently."""
    names = [name for part in data.splits for name in part.names]
    firsts = first_of_each(chain.from_iterable(part.images for part in data.splits))
    places = np.flatnonzero(firsts != np.arange(len(firsts)))
    labels = concat([part.labels for part in data.splits])
    apart = [int(place) for place in places if not np.array_equal(labels[place], labels[firsts[place]])]
    if not apart:
        return []
    pairs = [f"{names[firsts[place]]} and {names[place]}" for place in apart]
    one = len(pairs) == 1
    return [
        f"{len(pairs):,} {'image is' if one else 'images are'} equal to another and labelled differently: "
        f"{_listed(pairs)}; one of two labels must be wrong"
    ]


def _counts(data: Dataset) -> list[str]:
    """Tell of classes that are rare, missing somewhere, or much larger than others."""
    counts = data.class_counts
    learned = counts["train"]
    found = []
    everywhere = np.sum(list(counts.values()), axis=0)
    nowhere = [name for name, count in zip(data.classes, everywhere, strict=True) if not count]
    if nowhere:
        found.append(f"{_listed(nowhere)}: declared, and in no image")
    for split in ("val", "test"):
        if split in counts:
            rows = zip(data.classes, counts[split], learned, strict=True)
            missing = [name for name, here, known in rows if known and not here]
            if missing:
                words = {"val": "validation", "test": "test"}[split]
                found.append(f"{_listed(missing)}: in no {words} image, so nothing can be said of it there")
    if data.task == "segmentation":
        shares = learned / max(1, learned.sum())
        rare = [f"{name} ({share:.2%})" for name, share in zip(data.classes, shares, strict=True) if 0 < share < RARE]
        if rare:
            found.append(f"{_listed(rare)}: less than {RARE:.1%} of the pixels to learn from")
        return found
    few = [f"{name} ({count})" for name, count in zip(data.classes, learned, strict=True) if 0 < count < FEW]
    if few:
        found.append(f"{_listed(few)}: fewer than {FEW} images to learn from, so figures will have wide intervals")
    there = learned[learned > 0]
    if len(there) and there.max() >= UNEVEN * there.min():
        rarest = int(np.where(learned > 0, learned, learned.max()).argmin())
        most, least = data.classes[int(learned.argmax())], data.classes[rarest]
        found.append(
            f"{most} has {learned.max():,} images to learn from and {least} {there.min():,}: a network may neglect the "
            "rare class; --set class_weights=… weighs it more"
        )
    return found


def _blank(data: Dataset) -> list[str]:
    """Tell of images of one colour, and of masks in which nothing counts."""
    blank: list[str] = []
    unlabelled: list[str] = []
    for part in data.splits_by_name.values():
        images = zip(part.names, part.images, strict=True)
        blank += [name for name, image in images if (image == image[:1, :1]).all()]
        if data.task == "segmentation":
            masks = zip(part.names, part.labels, strict=True)
            unlabelled += [name for name, mask in masks if (mask == IGNORE_INDEX).all()]
    found = []
    if blank:
        found.append(f"{_listed(blank)}: of one colour, with nothing to be seen")
    if unlabelled:
        found.append(f"{_listed(unlabelled)}: no pixel of the mask counts")
    return found


def _listed(names: list[str]) -> str:
    """Return the first names, and how many more there are."""
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more:,} more" if more > 0 else "")
