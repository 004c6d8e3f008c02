"""What is odd about a set of images, though it can be learned from: a sentence each."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from seamline.data.dataset import IGNORE, Dataset, Split
from seamline.data.relatives.repeats import first_of_each
from seamline.data.rows import Picked, in_pieces, joined

FEW = 20
"""Images of a class to learn from, below which it is told."""
UNEVEN = 20
"""How many times as many images the largest class may have as the smallest."""
RARE = 0.001
"""Share of pixels below which a class of masks is told."""

_NAMED = 5


def oddities(data: Dataset) -> tuple[str, ...]:
    """Return what is odd, the gravest first; nothing where nothing is."""
    counts = {name: class_counts(part, len(data.classes)) for name, part in _named(data)}
    found = [*_contradictions(data), *_counts(data, counts), *_blank(data)]
    return tuple(found)


def class_counts(split: Split, classes: int) -> NDArray[np.int64]:
    """Return (K,) int64: images of each class, or pixels where labels are masks."""
    counts = np.zeros(classes, np.int64)
    for labels in in_pieces(split.labels):
        counts += np.bincount(labels[labels < classes].ravel(), minlength=classes)
    return counts


def _named(data: Dataset) -> Iterable[tuple[str, Split]]:
    """Return the splits that have images, by name."""
    parts = {"train": data.train, "val": data.val, "test": data.test}
    return [(name, part) for name, part in parts.items() if part is not None and len(part)]


def _contradictions(data: Dataset) -> list[str]:
    """Tell of images that are equal to the bit and labelled differently."""
    images = joined([part.images for part in data.parts])
    names = [name for part in data.parts for name in part.names]
    firsts = first_of_each(Picked(images, range(len(images))))
    places = np.flatnonzero(firsts != np.arange(len(firsts)))
    labels = joined([part.labels for part in data.parts])
    apart = [int(place) for place in places if not np.array_equal(labels[place], labels[firsts[place]])]
    if not apart:
        return []
    pairs = [f"{names[firsts[place]]} and {names[place]}" for place in apart]
    one = len(pairs) == 1
    return [
        f"{len(pairs):,} {'image is' if one else 'images are'} equal to another and labelled differently: "
        f"{_listed(pairs)}; one of two labels must be wrong"
    ]


def _counts(data: Dataset, counts: dict[str, NDArray[np.int64]]) -> list[str]:
    """Tell of classes that are rare, missing somewhere, or much larger than others."""
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
    if data.segments:
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
    blank, unlabelled = [], []
    for _, part in _named(data):
        for name, image in zip(part.names, (image for piece in in_pieces(part.images) for image in piece), strict=True):
            if (image == image[:1, :1]).all():
                blank.append(name)
        if data.segments:
            masks = (mask for piece in in_pieces(part.labels) for mask in piece)
            unlabelled += [name for name, mask in zip(part.names, masks, strict=True) if (mask == IGNORE).all()]
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
