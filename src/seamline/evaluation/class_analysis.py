"""Why a classifier confuses classes: how they look, how sharp their images are, and how their features vary."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import torch
from numpy.typing import NDArray

from seamline.data.dataset import Split
from seamline.data.lazy_array import evenly_spaced
from seamline.evaluation.bootstrap import GroupBootstrap, Sampled
from seamline.evaluation.class_overlap import ClassOverlap, Overlaps, Pair, class_overlaps
from seamline.evaluation.confidence import Z
from seamline.evaluation.counts import Counts
from seamline.evaluation.evaluate import Evaluation
from seamline.evaluation.examples import sheet_png
from seamline.evaluation.findings.confusions import most_confused
from seamline.evaluation.image_properties import edge_fraction, grays, sharpness
from seamline.inference.forward import iter_batches, predict_features
from seamline.inference.tta import TTA
from seamline.models.classifiers import TwoLayerCNN
from seamline.run_folder import ABSENT, ClassAnalysis, ClassPair, ClassProperties, Estimate, FilterAnalysis

MAX_IMAGES = 10_000
"""Held-out images that are analyzed at most, evenly spaced."""

MAX_CLASSES = 40
"""Classes up to which pairs of them are compared."""

ORIENTATIONS = {
    "vertical": ("left edge", "right edge", "vertical line"),
    "horizontal": ("top edge", "bottom edge", "horizontal line"),
    "diagonal": (
        *("top-left edge", "top-right edge", "bottom-left edge", "bottom-right edge"),
        *("rising line", "falling line"),
    ),
}
"""Orientation -> types of filters that respond to contours of this orientation."""

THIRDS = 3
"""Parts of equal size into which the images of each class are divided by sharpness."""

MIN_FOR_SPREAD = 3
"""Images of a class from which on its features have a spread; two are always equally far from their mean."""

_MIN_FOR_CORRELATION = 6  # classes


@dataclass(frozen=True)
class _HeldOut:
    """The held-out images that are analyzed."""

    split: Split
    labels: NDArray[np.int64]  # (N,) their classes
    correct: NDArray[np.bool_]  # (N,) whether the prediction is right
    bootstrap: GroupBootstrap

    def mean(self, values: NDArray[np.floating], members: NDArray[np.bool_]) -> Estimate:
        """Return the mean of values (N,) over the images that `members` (N,) marks; absent for none."""
        if not members.any():
            return ABSENT
        return self.bootstrap.mean(np.where(members, values, 0.0), members.astype(np.int64)).estimate

    def accuracy(self, members: NDArray[np.bool_]) -> Sampled:
        """Return the accuracy on the images that `members` (N,) marks."""
        return self.bootstrap.fraction((self.correct & members).astype(np.int64), members.astype(np.int64))


def analyze_classes(
    model: TTA,
    evaluation: Evaluation,
    filters: FilterAnalysis | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> tuple[ClassAnalysis, bytes] | None:
    """Analyze the held-out images of a classifier class by class.

    Args:
        model: the classifier.
        evaluation: of the model on the held-out images.
        filters: types of the filters of its layers, where it has few.
        progress: called with the steps done and their total.

    Returns:
        What `evaluation/classes.json` holds, and `evaluation/class_means.png`; None for more than `MAX_CLASSES`
        classes.
    """
    if len(evaluation.classes) > MAX_CLASSES:
        return None
    held_out = _select(evaluation)
    split, labels = held_out.split, held_out.labels
    sharp, edges = _measure(split, lambda done: progress(done, 2 * len(split)))
    third = class_thirds(sharp, labels)
    distances = feature_distances(predict_features(model, split.images), labels, len(evaluation.classes))
    progress(2 * len(split), 2 * len(split))
    orientations = orientation_shares(model.model, filters, split) if isinstance(model.model, TwoLayerCNN) else {}
    by_third = [held_out.accuracy(third == part) for part in range(THIRDS)]
    classes = {
        name: ClassProperties(
            recall=held_out.accuracy(labels == k).estimate,
            recall_by_sharpness=tuple(
                held_out.accuracy((labels == k) & (third == part)).estimate for part in range(THIRDS)
            ),
            edges=held_out.mean(edges, labels == k),
            spread=held_out.mean(distances, labels == k),
            orientations={kind: held_out.mean(share, labels == k) for kind, share in orientations.items()},
        )
        for k, name in enumerate(evaluation.classes)
    }
    overlaps = class_overlaps(split, len(evaluation.classes))
    pairs, confused = _pairs(evaluation, overlaps)
    others = pairs[len(confused) :]
    analysis = ClassAnalysis(
        images=len(split),
        tile=overlaps.size,
        outlines=overlaps.outlines is not None,
        classes=classes,
        pairs=pairs,
        n_confused=len(confused),
        overlap_difference=_difference(
            overlaps.images, confused, [pair.classes for pair in others if pair.overlap.present]
        ),
        outline_difference=_difference(
            overlaps.outlines, confused, [pair.classes for pair in others if pair.outline_overlap.present]
        ),
        accuracy_by_sharpness=tuple(one.estimate for one in by_third),
        sharpness_difference=by_third[-1].minus(by_third[0]),
        spread_correlation=rank_correlation(
            [one.spread.value for one in classes.values()], [one.recall.value for one in classes.values()]
        ),
    )
    return analysis, _sheet(overlaps)


def _select(evaluation: Evaluation) -> _HeldOut:
    """Return the held-out images to analyze, `MAX_IMAGES` at most."""
    chosen = evenly_spaced(len(evaluation.split), MAX_IMAGES)
    split = evaluation.split if len(chosen) == len(evaluation.split) else evaluation.split.select(chosen)
    labels = np.asarray(split.labels[:])
    return _HeldOut(split, labels, evaluation.predicted[chosen] == labels, GroupBootstrap(split.groups, one_label=True))


def class_thirds(values: NDArray[np.float64], labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Divide the images of each class into thirds by a value, so that all thirds have the same classes.

    Args:
        values: (N,) float64.
        labels: (N,) int64.

    Returns:
        (N,) int64: 0 for the lowest third of a class, 2 for the highest.
    """
    third = np.zeros(len(labels), np.int64)
    for k in np.unique(labels):
        members = np.flatnonzero(labels == k)
        ranks = np.argsort(np.argsort(values[members], kind="stable"))
        third[members] = ranks * THIRDS // len(members)
    return third


def feature_distances(features: NDArray[np.float32], labels: NDArray[np.int64], n_classes: int) -> NDArray[np.float64]:
    """Return how far the features of each image are from the mean of its class.

    Args:
        features: (N, D) float32.
        labels: (N,) int64.
        n_classes: number of classes.

    Returns:
        (N,) float64, the squared distance, each feature divided by its standard deviation, as a fraction of the mean
        squared distance of all images from the mean of all; times n / (n - 1) in a class of n images, whose mean is
        closer to them than that of the class itself. NaN in a class of fewer than `MIN_FOR_SPREAD` images.
    """
    scaled = features.astype(np.float64)
    deviation = scaled.std(0, ddof=min(1, len(scaled) - 1))
    varying = deviation > 1e-6 * max(float(deviation.max(initial=0.0)), 1e-12)
    scaled = scaled[:, varying] / deviation[varying]
    squares = np.full(len(labels), math.nan)
    for k in range(n_classes):
        members = labels == k
        if (count := int(members.sum())) >= MIN_FOR_SPREAD:
            squares[members] = ((scaled[members] - scaled[members].mean(0)) ** 2).sum(1) * count / (count - 1)
    distances: NDArray[np.float64] = squares / max(1, scaled.shape[1])
    return distances  # the total variance of D standardized features is D


def orientation_shares(
    model: TwoLayerCNN, filters: FilterAnalysis | None, split: Split
) -> dict[str, NDArray[np.float64]]:
    """Return what fraction of the response of layer 1 to each image its filters of each orientation contribute.

    The response of a filter is the mean over its map of the absolute difference from its response to a black image.

    Args:
        model: the classifier.
        filters: types of its filters.
        split: images.

    Returns:
        By orientation, (N,) float64; empty for images of several channels, and without types.
    """
    layer = filters.layers[0] if filters and filters.layers else None
    if layer is None or layer.shape[1] != 1:
        return {}
    device = next(model.parameters()).device
    responses = []
    with torch.inference_mode():
        black = torch.zeros((1, *split.images.shape[3:], *split.images.shape[1:3]), dtype=torch.uint8, device=device)
        baseline = model.forward_features(model.normalize(black))["layer 1"]
        for batch in iter_batches(split.images, device):
            maps = model.forward_features(model.normalize(batch))["layer 1"]
            responses.append((maps - baseline).abs().mean((2, 3)).double().cpu().numpy())
    response = np.concatenate(responses)  # (N, filters)
    total = np.maximum(response.sum(1), 1e-12)
    types = np.array(layer.types)
    return {kind: response[:, np.isin(types, names)].sum(1) / total for kind, names in ORIENTATIONS.items()}


def rank_correlation(first: list[float], second: list[float]) -> Estimate:
    """Return Spearman's rank correlation and its interval.

    The interval is Fisher's, with the standard error 1.03 / sqrt(n - 3) (Fieller, Hartley, Pearson, Biometrika 44,
    1957).

    Args:
        first: n numbers; NaN is left out.
        second: n other numbers.

    Returns:
        The correlation; absent for fewer than six numbers, or where one list is constant.
    """
    both = np.array([first, second])
    both = both[:, ~np.isnan(both).any(0)]
    count = both.shape[1]
    if count < _MIN_FOR_CORRELATION or (np.ptp(both, axis=1) == 0).any():
        return ABSENT
    value = float(np.corrcoef([_ranks(row) for row in both])[0, 1])
    margin, center = Z * 1.03 / math.sqrt(count - 3), math.atanh(min(max(value, -1 + 1e-9), 1 - 1e-9))
    return Estimate(value, min(value, math.tanh(center - margin)), max(value, math.tanh(center + margin)))


def _ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the rank of each number, (n,) float64; equal numbers have the mean of their ranks."""
    ordered = np.sort(values)
    below, up_to = (np.searchsorted(ordered, values, side) for side in ("left", "right"))
    ranks: NDArray[np.float64] = (below + up_to - 1) / 2
    return ranks


def _measure(split: Split, progress: Callable[[int], None]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return sharpness and fraction of edge pixels of each image, (N,) float64 each."""
    values = np.zeros((2, len(split)))
    for index in range(len(split)):
        gray = grays(split.images[index : index + 1])[0]
        values[:, index] = sharpness(gray), edge_fraction(gray)
        if index % 1000 == 0:
            progress(index)
    return values[0], values[1]


def _pairs(evaluation: Evaluation, overlaps: Overlaps) -> tuple[tuple[ClassPair, ...], list[Pair]]:
    """Return all pairs, the most confused first, and those confused significantly more often than the others."""
    counts: Counts = evaluation.counts.total
    matrix = counts.confusion + counts.confusion.T
    size = len(evaluation.classes)
    confused = most_confused(evaluation.metrics) if size > 2 else []
    ordered = sorted(combinations(range(size), 2), key=lambda pair: -matrix[pair])
    outlines = overlaps.outlines
    return tuple(
        ClassPair(
            classes=pair,
            confused=int(matrix[pair]),
            overlap=overlaps.images.between(*pair),
            outline_overlap=outlines.between(*pair) if outlines else ABSENT,
        )
        for pair in ordered
    ), confused


def _difference(overlap: ClassOverlap | None, confused: list[Pair], others: list[Pair]) -> Estimate:
    """Return how much larger the mean overlap of confused pairs is than that of others; absent without such pairs."""
    return overlap.mean(confused, others) if overlap and others else ABSENT


def _sheet(overlaps: Overlaps) -> bytes:
    """Return the mean images of the classes, and below them their mean outlines, as a PNG."""
    rows = [overlaps.images.means, *([255 * overlaps.outlines.means] if overlaps.outlines else [])]
    tiles = np.nan_to_num(np.concatenate(rows)).clip(0, 255).round().astype(np.uint8)
    return sheet_png(tiles.reshape(len(tiles), *overlaps.size, 1), len(rows[0]))
