"""Where wrong pixels lie: near the boundaries between classes, and at which end of tall, thin regions."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np
import scipy
from numpy.typing import NDArray

from seamline import run_folder
from seamline.data.dataset import IGNORE_INDEX
from seamline.data.lazy_array import iter_chunks
from seamline.evaluation.bootstrap import Sampled
from seamline.run_folder import BoundaryErrors

if TYPE_CHECKING:
    from seamline.evaluation.evaluate import Evaluation  # imports PyTorch

BOUNDARY_PIXELS = 3
MIN_ASPECT = 3
"""A tall, thin region is at least this many times as high as wide."""

MIN_HEIGHT = 12
MIN_PIXELS = 12
"""Smaller regions are not counted."""

END_FRACTION = 0.2
"""Fraction of a region's height that is its upper end, and its lower end."""

PARTS = ("top", "middle", "bottom")


@dataclass(frozen=True, eq=False)
class ThinRegions:
    """Recall along the tall, thin regions of a class."""

    regions: int  # number of regions
    recall: dict[str, Sampled]  # the three `PARTS` -> fraction of their pixels that is predicted correctly


@dataclass(frozen=True, eq=False)
class ErrorAnalysis:
    """Where wrong pixels lie."""

    fraction: Sampled  # fraction of all wrong pixels that are near a boundary between true classes
    boundary_fraction: Sampled  # fraction of all pixels that are
    thin_regions: dict[str, ThinRegions]  # classes whose regions are mostly tall and thin

    def summary(self) -> run_folder.ErrorAnalysis:
        """Return what `evaluation/SPLIT.json` holds."""
        return run_folder.ErrorAnalysis(
            boundary=BoundaryErrors(
                pixels=BOUNDARY_PIXELS,
                fraction=self.fraction.estimate,
                boundary_fraction=self.boundary_fraction.estimate,
            ),
            thin_regions={
                name: run_folder.ThinRegions(
                    regions=of.regions, **{part: recall.estimate for part, recall in of.recall.items()}
                )
                for name, of in self.thin_regions.items()
            },
        )


def analyze_errors(evaluation: "Evaluation") -> ErrorAnalysis:
    """Find where the wrong pixels of a split lie.

    Args:
        evaluation: of a segmenter.

    Returns:
        The analysis.
    """
    parts = []
    start = 0
    for labels in iter_chunks(evaluation.split.labels):
        predicted = evaluation.predicted[start : start + len(labels)]
        start += len(labels)
        valid = labels != IGNORE_INDEX
        wrong = (predicted != labels) & valid
        near = near_boundary(labels)
        parts.append([np.count_nonzero(mask, axis=(1, 2)) for mask in (wrong & near, wrong, near & valid, valid)])
    wrong_near, wrong_pixels, near_pixels, pixels = (np.concatenate(of) for of in zip(*parts, strict=True))
    bootstrap = evaluation.counts.bootstrap
    thin = {name: find_thin_regions(evaluation, k) for k, name in enumerate(evaluation.classes)}
    return ErrorAnalysis(
        bootstrap.fraction(wrong_near, wrong_pixels),
        bootstrap.fraction(near_pixels, pixels),
        {name: of for name, of in thin.items() if of is not None},
    )


def near_boundary(labels: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Return which pixels are near a boundary: some pixel of another class is at most `BOUNDARY_PIXELS` away.

    Distances are Euclidean, from center to center. `IGNORE_INDEX` is no class: a boundary with it is none, and its
    pixels are near nothing.

    Args:
        labels: (N, H, W) uint8, 0..K-1 and `IGNORE_INDEX`.

    Returns:
        (N, H, W) bool.
    """
    valid = labels != IGNORE_INDEX
    numbers = np.where(valid, labels + np.uint8(1), np.uint8(0))  # IGNORE_INDEX below all classes; in `labels`, above
    offsets = np.arange(-BOUNDARY_PIXELS, BOUNDARY_PIXELS + 1)
    disk = (offsets[:, None] ** 2 + offsets**2 <= BOUNDARY_PIXELS**2).astype(np.uint8)
    near = np.zeros(labels.shape, dtype=bool)
    for image, (own, number) in enumerate(zip(labels, numbers, strict=True)):
        # pixels beyond an edge repeat those at the edge, which are nearer
        lowest = cv2.erode(own, disk, borderType=cv2.BORDER_REPLICATE)
        highest = cv2.dilate(number, disk, borderType=cv2.BORDER_REPLICATE)
        near[image] = valid[image] & (highest != lowest + np.uint8(1))
    return near


def find_thin_regions(evaluation: "Evaluation", k: int) -> ThinRegions | None:
    """Measure recall along a class's tall, thin regions; None where its regions are not mostly such.

    Regions are the connected true pixels of the class (4 neighbors). Of those with at least `MIN_PIXELS` pixels, at
    least half must be tall and thin: `MIN_ASPECT` times as high as wide or more, and `MIN_HEIGHT` pixels high or more.
    Regions that touch an edge of their image are left out from the start: they are cut there, and neither their width
    nor their ends are known. The upper end is the upper fifth of a region's rows, the lower end the lower fifth.

    Args:
        evaluation: of a segmenter.
        k: the class.

    Returns:
        The regions.
    """
    labels = evaluation.split.labels
    pixels = np.zeros((len(labels), 2, len(PARTS)), dtype=np.int64)  # correct, all
    regions = thin = 0
    for image, (truth, predicted) in enumerate(zip(labels, evaluation.predicted, strict=True)):
        numbered, _ = scipy.ndimage.label(truth == k)
        sizes = np.bincount(numbered.ravel())
        for number, box in enumerate(scipy.ndimage.find_objects(numbered), start=1):
            rows, columns = box
            cut = 0 in (rows.start, columns.start) or rows.stop == truth.shape[0] or columns.stop == truth.shape[1]
            if sizes[number] < MIN_PIXELS or cut:
                continue
            regions += 1
            height = rows.stop - rows.start
            if height < max(MIN_HEIGHT, MIN_ASPECT * (columns.stop - columns.start)):
                continue
            thin += 1
            inside = numbered[box] == number
            correct = (inside & (predicted[box] == k)).sum(1)
            part = np.digitize((np.arange(height) + 0.5) / height, [END_FRACTION, 1 - END_FRACTION])
            pixels[image, 0] += np.bincount(part, weights=correct, minlength=3).astype(np.int64)
            pixels[image, 1] += np.bincount(part, weights=inside.sum(1), minlength=3).astype(np.int64)
    if not thin or 2 * thin < regions:
        return None
    fraction = evaluation.counts.bootstrap.fraction
    return ThinRegions(thin, {name: fraction(pixels[:, 0, i], pixels[:, 1, i]) for i, name in enumerate(PARTS)})
