"""Where wrong pixels lie: near borders between classes, and at which end of tall thin parts."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from seamline.data.dataset import IGNORE_INDEX
from seamline.data.lazy_array import iter_chunks
from seamline.measure.masks.evaluation import Tally
from seamline.measure.masks.resampling import Figure, interval, ratio

NEAR = 3  # pixels
SLENDER = 3  # a tall thin region is at least this many times as high as wide,
TALL = 12  # and at least this many pixels high
SMALLEST = 12  # pixels; smaller regions do not count
END = 0.2  # of a region's height, the upper end and the lower end each

PARTS = ("top", "middle", "bottom")


@dataclass(frozen=True, eq=False)
class Slender:
    """What was found of the tall thin regions of a class.

    Attributes:
        regions: how many there are.
        found: the three `PARTS` -> (1 + R,), the share of their pixels that was labelled right.
    """

    regions: int
    found: dict[str, Figure]


@dataclass(frozen=True, eq=False)
class Mistakes:
    """Where wrong pixels lie.

    Attributes:
        near: (1 + R,), the share of all wrong pixels that lie near a border between true classes.
        area: (1 + R,), the share of all pixels that do.
        slender: classes whose regions are mostly tall and thin.
    """

    near: Figure
    area: Figure
    slender: dict[str, Slender]

    def json(self) -> dict[str, Any]:
        """Return what `errors` in `evaluation/SPLIT.json` holds."""
        near = {"pixels": NEAR, "share": interval(self.near).json(), "area": interval(self.area).json()}
        parts = {
            name: {"regions": of.regions, **{part: interval(figure).json() for part, figure in of.found.items()}}
            for name, of in self.slender.items()
        }
        return {"near": near, "parts": parts}


def find_mistakes(tally: Tally) -> Mistakes:
    """Look where the wrong pixels of a split lie."""
    parts = []
    start = 0
    for labels in iter_chunks(tally.split.labels):
        predicted = tally.predicted[start : start + len(labels)]
        start += len(labels)
        counts = labels != IGNORE_INDEX
        wrong = (predicted != labels) & counts
        close = near_borders(labels)
        parts.append([np.count_nonzero(mask, axis=(1, 2)) for mask in (wrong & close, wrong, close & counts, counts)])
    wrong_close, all_wrong, all_close, everything = (
        tally.resamples.totals(np.concatenate(of)) for of in zip(*parts, strict=True)
    )
    slender = {
        name: found for place, name in enumerate(tally.classes) if (found := find_slender(tally, place)) is not None
    }
    return Mistakes(ratio(wrong_close, all_wrong), ratio(all_close, everything), slender)


def near_borders(labels: NDArray[np.integer[Any]]) -> NDArray[np.bool_]:
    """Return which pixels lie near a border: some pixel of another class is at most `NEAR` pixels away.

    Distances are Euclidean, from centre to centre. `IGNORE_INDEX` is no class: a border with it is none, and its pixels lie
    near nothing.

    Args:
        labels: (N, H, W), 0..K-1 and `IGNORE_INDEX`.
    """
    height, width = labels.shape[1:]
    close = np.zeros(labels.shape, dtype=bool)
    counts = labels != IGNORE_INDEX
    steps = [
        (down, right)
        for down in range(min(NEAR, height - 1) + 1)
        for right in range(-min(NEAR, width - 1), min(NEAR, width - 1) + 1)
        if 0 < down**2 + right**2 <= NEAR**2 and (down > 0 or right > 0)
    ]
    for down, right in steps:  # each pair of pixels that far apart, once
        here = (slice(None), slice(0, height - down), slice(max(0, -right), width - max(0, right)))
        there = (slice(None), slice(down, None), slice(max(0, right), width + min(0, right)))
        differ = (labels[here] != labels[there]) & counts[here] & counts[there]
        close[here] |= differ
        close[there] |= differ
    return close


def find_slender(tally: Tally, place: int) -> Slender | None:
    """Return how much was found of a class's tall thin regions, end by end; None where its regions are not such.

    Regions are the connected true pixels of the class (4 neighbours). Of those with at least `SMALLEST` pixels, at
    least half must be tall and thin: `SLENDER` times as high as wide or more, and `TALL` pixels high or more. Regions
    that touch an edge of their image are left out from the start: they are cut there, and how wide they are, or where
    their ends would be, is not to be seen. The upper end is the upper fifth of a region's rows, the lower end the lower
    fifth.

    Args:
        tally: of the split.
        place: the class.
    """
    labels = tally.split.labels
    pixels = np.zeros((len(labels), 2, len(PARTS)), dtype=np.int64)  # found, all
    regions = slender = 0
    for image, (truth, predicted) in enumerate(zip(labels, tally.predicted, strict=True)):
        numbered, _ = ndimage.label(truth == place)
        sizes = np.bincount(numbered.ravel())
        for number, box in enumerate(ndimage.find_objects(numbered), start=1):
            rows, columns = box
            cut = 0 in (rows.start, columns.start) or rows.stop == truth.shape[0] or columns.stop == truth.shape[1]
            if sizes[number] < SMALLEST or cut:
                continue
            regions += 1
            height = rows.stop - rows.start
            if height < max(TALL, SLENDER * (columns.stop - columns.start)):
                continue
            slender += 1
            inside = numbered[box] == number
            right = (inside & (predicted[box] == place)).sum(1)
            part = np.digitize((np.arange(height) + 0.5) / height, [END, 1 - END])
            pixels[image, 0] += np.bincount(part, weights=right, minlength=3).astype(np.int64)
            pixels[image, 1] += np.bincount(part, weights=inside.sum(1), minlength=3).astype(np.int64)
    if not slender or 2 * slender < regions:
        return None
    found, of = np.moveaxis(tally.resamples.totals(pixels), 1, 0)
    shares = ratio(found, of)
    return Slender(slender, {name: shares[:, number] for number, name in enumerate(PARTS)})
