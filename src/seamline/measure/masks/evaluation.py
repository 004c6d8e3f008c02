"""One pass over a split of masks: what was answered, what it cost, and how each class's pixels were ranked."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax
from torch import nn

from seamline.data.dataset import IGNORE_INDEX, Split
from seamline.data.lazy_array import zeros_or_memmap
from seamline.inference.forward import eval_batch_size, predict_batches
from seamline.measure.evaluation import log_losses
from seamline.measure.masks.precision import Ranking, count_bins, edges_of, rank_pixels, ranking_of
from seamline.measure.masks.resampling import Resamples

LARGEST = 20_000_000  # pixels whose scores are all kept: 400 MB for five classes
SAMPLE = 2_000_000  # pixels whose scores are kept of larger splits

Scores = NDArray[np.float32]
Labels = NDArray[np.uint8]

WAYS: dict[str, Callable[[Scores], Scores]] = {
    "raw": lambda scores: scores,
    "softmax": lambda scores: softmax(scores, axis=1),
}
"""What pixels are ranked by: (N, K, M) scores -> (N, K, M)."""


@dataclass(frozen=True, eq=False)
class Tally:
    """What was answered, counted.

    Attributes:
        classes: K class names.
        split: the images and their true masks.
        resamples: of its groups.
        predicted: (N, H, W) uint8, the class of each pixel's highest score.
        confusions: (N, K, K) int64 of each image's pixels that count: row the true class, column the predicted one.
        losses: (N,) float64, each image's sum of negative log likelihoods, in nats.
    """

    classes: tuple[str, ...]
    split: Split
    resamples: Resamples
    predicted: Labels
    confusions: NDArray[np.int64]
    losses: NDArray[np.float64]

    @cached_property
    def confusion(self) -> NDArray[np.int64]:
        """(K, K) int64 of all images together."""
        total: NDArray[np.int64] = self.confusions.sum(0)
        return total

    @cached_property
    def pixels(self) -> NDArray[np.int64]:
        """(N,) int64, how many pixels of each image count."""
        total: NDArray[np.int64] = self.confusions.sum((1, 2))
        return total


@dataclass(frozen=True, eq=False)
class Kept:
    """Scores that were kept: of all pixels, or of as many pixels of each image, drawn by chance.

    Attributes:
        scores: (N, K, M) float32.
        labels: (N, M) uint8, `IGNORE_INDEX` where a pixel does not count.
        predicted: (N, M) uint8.
    """

    scores: Scores
    labels: Labels
    predicted: Labels


@dataclass(frozen=True, eq=False)
class MaskEvaluation:
    """What a network said about the pixels of a split.

    Attributes:
        tally: what was answered, counted.
        kept: scores, for what cannot be counted on the way.
        rankings: for each of `WAYS` a ranking of each of the K classes.
    """

    tally: Tally
    kept: Kept
    rankings: dict[str, tuple[Ranking, ...]]


def tally_masks(network: nn.Module, split: Split, classes: tuple[str, ...], stream: int = 0) -> Tally:
    """Ask the network about every image of a split and keep no score.

    Args:
        network: (B, C, H, W) uint8 -> (B, K, H, W).
        split: its labels are masks.
        classes: K class names.
        stream: of the resamples, another one for each split.
    """
    tally = _empty(split, classes, stream)
    for start, scores, labels in _answers(network, split):
        _count(tally, start, scores, labels)
    return tally


def evaluate_masks(
    network: nn.Module,
    split: Split,
    classes: tuple[str, ...],
    stream: int = 0,
    *,
    largest: int = LARGEST,
    sample: int = SAMPLE,
) -> MaskEvaluation:
    """Ask the network about every image of a split.

    Up to `largest` pixels all scores are kept and the rankings are exact. Beyond that they are counted into
    histograms, whose bins are chosen from images spread over the split (which are asked about twice), and scores are
    kept of a sample of pixels: as many of each image, in places drawn with a fixed seed.

    Args:
        network: (B, C, H, W) uint8 -> (B, K, H, W).
        split: its labels are masks.
        classes: K class names.
        stream: of the resamples, another one for each split.
        largest: pixels whose scores are all kept.
        sample: pixels whose scores are kept where there are more.
    """
    tally = _empty(split, classes, stream)
    area = math.prod(split.labels.shape[1:])
    whole = len(split) * area <= largest
    histograms = None if whole else _Histograms(network, split, tally, sample)
    places = None if whole else _sampled(split, sample)  # (N, m)
    size = area if places is None else places.shape[1]
    kept = Kept(
        np.empty((len(split), len(classes), size), dtype=np.float32),
        *(np.empty((len(split), size), dtype=np.uint8) for _ in range(2)),
    )
    for start, scores, labels in _answers(network, split):
        _count(tally, start, scores, labels)
        part = slice(start, start + len(scores))
        predicted = tally.predicted[part].reshape(len(labels), -1)
        chosen = slice(None) if places is None else places[part]
        for image, row in enumerate(range(*part.indices(len(split)))):
            here = chosen if isinstance(chosen, slice) else chosen[image]
            kept.scores[row] = scores[image][:, here]
            kept.labels[row], kept.predicted[row] = labels[image][here], predicted[image][here]
        if histograms is not None:
            histograms.add(start, scores, labels)
    return MaskEvaluation(tally, kept, _ranked(kept, tally) if histograms is None else histograms.rankings())


def _answers(network: nn.Module, split: Split) -> Iterator[tuple[int, Scores, Labels]]:
    """Yield the place of a portion's first image, its scores (b, K, M) and its labels (b, M)."""
    size = eval_batch_size(split.images)
    for number, scores in enumerate(predict_batches(network, split.images)):
        start = number * size
        labels = split.labels[start : start + size].astype(np.uint8, copy=False)
        yield start, scores.reshape(*scores.shape[:2], -1), labels.reshape(len(labels), -1)


def _empty(split: Split, classes: tuple[str, ...], stream: int) -> Tally:
    """Return a tally with nothing counted yet."""
    return Tally(
        classes,
        split,
        Resamples(split.groups, stream),
        zeros_or_memmap(split.labels.shape),
        np.zeros((len(split), len(classes), len(classes)), dtype=np.int64),
        np.zeros(len(split)),
    )


def _count(tally: Tally, start: int, scores: Scores, labels: Labels) -> None:
    """Count a portion: scores (b, K, M), labels (b, M)."""
    classes = len(tally.classes)
    predicted = scores.argmax(1).astype(np.uint8)
    counts = labels != IGNORE_INDEX
    losses = np.where(counts, log_losses(scores, np.where(counts, labels, 0)), 0)
    cells = np.where(counts, labels.astype(np.int32) * classes + predicted, classes * classes)
    for image, row in enumerate(cells):
        matrix = np.bincount(row, minlength=classes * classes + 1)[:-1]
        tally.confusions[start + image] = matrix.reshape(classes, classes)
    part = slice(start, start + len(scores))
    tally.predicted[part] = predicted.reshape(-1, *tally.predicted.shape[1:])
    tally.losses[part] = losses.sum(1, dtype=np.float64)


def _sampled(split: Split, sample: int) -> NDArray[np.int64]:
    """Draw places of pixels, as many in each image: (N, m) int64, rising."""
    area = math.prod(split.labels.shape[1:])
    chance = np.random.default_rng(0)
    size = min(area, max(1, sample // len(split)))
    return np.stack([np.sort(chance.choice(area, size, replace=False)) for _ in range(len(split))])


def _ranked(kept: Kept, tally: Tally) -> dict[str, tuple[Ranking, ...]]:
    """Rank all pixels of each class, exactly."""
    counts = kept.labels != IGNORE_INDEX
    labels = [row[used] for row, used in zip(kept.labels, counts, strict=True)]
    rankings = {}
    for way, of in WAYS.items():
        ranked = np.empty_like(kept.scores)
        for image, scores in enumerate(kept.scores):  # one after another: whole splits would take memory many times
            ranked[image] = of(scores[None])[0]
        rankings[way] = tuple(
            rank_pixels(
                [scores[used] for scores, used in zip(ranked[:, place], counts, strict=True)],
                [row == place for row in labels],
                tally.resamples,
            )
            for place in range(len(tally.classes))
        )
    return rankings


class _Histograms:
    """Counts scores into bins as they come."""

    def __init__(self, network: nn.Module, split: Split, tally: Tally, sample: int) -> None:
        self.tally = tally
        classes, area = len(tally.classes), math.prod(split.labels.shape[1:])
        spread = np.unique(np.linspace(0, len(split) - 1, max(1, sample // area)).astype(np.int64))
        looked_at = [(scores, labels) for _, scores, labels in _answers(network, split.select(spread))]
        labels = np.concatenate([labels for _, labels in looked_at])
        scores = np.concatenate([scores for scores, _ in looked_at])
        counts = labels != IGNORE_INDEX
        self.edges = {
            way: [_edges(ranked[:, k][counts], labels[counts] == k) for k in range(classes)]
            for way, of in WAYS.items()
            for ranked in [of(scores)]
        }
        self.counts = {
            way: [np.zeros((tally.resamples.count, 2, len(edges) + 1), dtype=np.int64) for edges in self.edges[way]]
            for way in WAYS
        }

    def add(self, start: int, scores: Scores, labels: Labels) -> None:
        """Count a portion: scores (b, K, M), labels (b, M)."""
        for way, of in WAYS.items():
            for image, (planes, truth) in enumerate(zip(of(scores), labels, strict=True)):
                counts = truth != IGNORE_INDEX
                group = self.tally.resamples.members[start + image]
                for k, edges in enumerate(self.edges[way]):
                    self.counts[way][k][group] += count_bins(planes[k][counts], truth[counts] == k, edges)

    def rankings(self) -> dict[str, tuple[Ranking, ...]]:
        """Return what the bins tell."""
        return {way: tuple(ranking_of(counts) for counts in of_way) for way, of_way in self.counts.items()}


def _edges(scores: Scores, positive: NDArray[np.bool_]) -> Scores:
    return edges_of(np.sort(scores[positive]), np.sort(scores[~positive]))
