"""One pass of a model over a split: predictions, counts, and the logits that cannot be counted on the way."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.special import softmax
from torch import nn

from seamline.data.dataset import IGNORE_INDEX, DatasetPart, Split
from seamline.data.lazy_array import zeros_or_memmap
from seamline.evaluation.average_precision import APResult, bin_edges, binned_result, count_bins, exact_result
from seamline.evaluation.bootstrap import GroupBootstrap
from seamline.evaluation.counts import SplitCounts, confusion_counts, cross_entropy
from seamline.evaluation.merging import Merging
from seamline.evaluation.metrics import SplitMetrics
from seamline.inference.forward import eval_batch_size, predict_batches
from seamline.run_folder import Task

MAX_PIXELS = 20_000_000
"""Labels whose logits are all kept: 400 MB for five classes."""

SAMPLE_PIXELS = 2_000_000
"""Labels whose logits are kept of larger splits of masks."""

Logits = NDArray[np.float32]
Labels = NDArray[np.integer[Any]]

SCORE_TYPES: dict[str, Callable[[Logits], Logits]] = {
    "raw": lambda logits: logits,
    "softmax": lambda logits: softmax(logits, axis=1),
}
"""Score type -> what pixels are ranked by: (N, K, M) logits -> (N, K, M)."""


@dataclass(frozen=True, eq=False)
class SampledLogits:
    """Logits of all labels, or of as many labels of each image, drawn with a fixed seed."""

    logits: Logits  # (N, K, M) float32, of all classes
    labels: Labels  # (N, M) integers, 0..K-1 where they count
    predicted: Labels  # (N, M) integers, 0..K-1
    valid: NDArray[np.bool_]  # (N, M) bool, which labels count
    merging: Merging | None = None  # the classes in which each image is evaluated, where these are not all

    @classmethod
    def empty(cls, split: Split, n_classes: int, size: int, merging: Merging | None) -> "SampledLogits":
        """Return room for `size` labels of each image."""
        shape, integers = (len(split), size), split.labels.dtype
        logits = np.empty((len(split), n_classes, size), np.float32)
        return cls(logits, np.empty(shape, integers), np.empty(shape, integers), np.empty(shape, np.bool_), merging)

    def merge(self, logits: NDArray[Any], images: slice | NDArray[np.int64] = slice(None)) -> NDArray[Any]:
        """Return logits in the classes that their images are evaluated in.

        Args:
            logits: (n, K, ...) floats, scaled or not.
            images: a slice, or (n,) int64 positions: which of the images they are of.
        """
        return logits if self.merging is None else self.merging.merge(logits, images)

    def store(self, batch: "_Batch", predicted: Labels, columns: NDArray[np.int64] | None) -> None:
        """Store the labels of a batch: all of them, or those at `columns` (b, M)."""
        values = batch.all_logits, batch.labels, predicted, batch.valid
        for stored, each in zip((self.logits, self.labels, self.predicted, self.valid), values, strict=True):
            if columns is None:
                stored[batch.rows] = each
            else:
                at = columns.reshape(len(columns), *[1] * (each.ndim - 2), -1)  # the same labels of every class
                stored[batch.rows] = np.take_along_axis(each, at, axis=-1)


@dataclass(frozen=True, eq=False)
class Evaluation:
    """What a model predicts on a split."""

    task: Task  # what is predicted
    split: Split  # the images and their ground truth
    predicted: Labels  # (N,) int64 or (N, H, W) uint8, the class of the highest logit of each label
    counts: SplitCounts  # what is correct and what is not, counted
    sample: SampledLogits  # logits; none where they were not kept
    # what is correct and what is not in the images of each dataset that the split is made of, by the dataset's name
    parts: Mapping[str, SplitCounts] = field(default_factory=dict)

    @property
    def classes(self) -> tuple[str, ...]:
        """The K class names."""
        return self.counts.classes

    @property
    def metrics(self) -> SplitMetrics:
        """All metrics of the split."""
        return SplitMetrics(self.task, self.counts, len(self.split))

    @property
    def part_metrics(self) -> dict[str, SplitMetrics]:
        """All metrics of the images of each dataset that the split is made of, by the dataset's name."""
        return {name: SplitMetrics(self.task, of, len(of.losses)) for name, of in self.parts.items()}


@dataclass(frozen=True)
class SampleLimits:
    """How many logits are kept in memory."""

    all_up_to: int = MAX_PIXELS  # labels of a split whose logits are all kept, so that average precision is exact
    # labels whose logits are kept where there are more; 0 keeps none at all and ranks nothing
    sample: int = SAMPLE_PIXELS


NO_LOGITS = SampleLimits(0, 0)
"""Count only: for training images."""


def evaluate_split(
    model: nn.Module,
    split: Split,
    classes: tuple[str, ...],
    task: Task,
    *,
    parts: Sequence[DatasetPart] = (),
    stream: int = 0,
    limits: SampleLimits | None = None,
    progress: Callable[[int], None] = lambda images: None,
) -> Evaluation:
    """Evaluate a model on a split.

    Logits of images to classify are all kept. Those of pixels are all kept up to a limit, and average precision is
    exact. Beyond it they are counted into histograms, whose bins are chosen from images spread over the split (which
    are predicted twice), and the logits of a sample of pixels are kept: as many of each image, drawn with a fixed seed.

    Args:
        model: (B, C, H, W) uint8 -> logits (B, K) or (B, K, H, W).
        split: labeled images.
        classes: K class names.
        task: what is predicted.
        parts: the datasets that the split is made of, if these are several; each image is evaluated in the classes
            that its dataset tells apart, see `Merging`.
        stream: random stream of the bootstrap, another one for each split.
        limits: how many logits are kept.
        progress: called after each batch with its number of images.

    Returns:
        The evaluation.
    """
    limits = limits or SampleLimits()
    one_label = task == "classification"
    area = math.prod(split.labels.shape[1:])
    merging = Merging.of(split, parts)
    pools = _pools(split, parts, stream, one_label=one_label)
    keep_all = bool(limits.sample) and (one_label or len(split) * area <= limits.all_up_to)
    indices = None if keep_all else _sample_indices(split, limits.sample)
    sample = SampledLogits.empty(split, len(classes), area if indices is None else indices.shape[1], merging)
    ranked = not one_label and bool(limits.sample)
    histograms = _Histograms(model, split, classes, merging, limits.sample) if ranked and not keep_all else None
    predicted = np.zeros(len(split), np.int64) if one_label else zeros_or_memmap(split.labels.shape)
    losses, confusions = np.zeros(len(split)), []
    for batch in _batches(model, split, task, merging):
        best = batch.logits.argmax(1).astype(predicted.dtype)
        predicted[batch.rows] = best.reshape(-1, *predicted.shape[1:])
        confusions.append(confusion_counts(batch.labels, best, batch.valid, len(classes)))
        losses[batch.rows] = batch.losses().sum(1, dtype=np.float64)
        sample.store(batch, best, None if indices is None else indices[batch.rows])
        if histograms is not None:
            histograms.add(batch)
        progress(len(batch.labels))
    rankings: Sequence[_Rankings] = [{} for _ in pools]
    if ranked:
        rankings = _exact_rankings(sample, pools) if histograms is None else histograms.results(pools)
    confusion = sparse.vstack(confusions, format="csr")
    counts, *of_parts = (
        SplitCounts(classes, pool.bootstrap, confusion[pool.images], losses[pool.images], of)
        for pool, of in zip(pools, rankings, strict=True)
    )
    by_name = {pool.name: of for pool, of in zip(pools[1:], of_parts, strict=True)}
    return Evaluation(task, split, predicted, counts, sample, by_name)


_Rankings = Mapping[str, tuple[APResult, ...]]  # score type -> average precision of each class


class _Pool(NamedTuple):
    """Images whose labels are counted together."""

    name: str  # of their dataset; empty for all images
    images: NDArray[np.int64]  # (n,) int64 positions in the split
    bootstrap: GroupBootstrap  # of their groups


def _pools(split: Split, parts: Sequence[DatasetPart], stream: int, *, one_label: bool) -> list[_Pool]:
    """Return all images of a split, then those of each dataset that it is made of."""
    pools = {"": np.arange(len(split))}
    if split.parts is not None and len(parts) > 1:
        pools |= {part.name: np.flatnonzero(split.parts == number) for number, part in enumerate(parts)}
    return [
        _Pool(name, images, GroupBootstrap(split.groups[images], stream, one_label))
        for name, images in pools.items()
        if len(images) or not name
    ]


class LossAccuracy(NamedTuple):
    """Loss and accuracy of a split; both NaN where no label counts."""

    loss: float  # mean negative log likelihood of the labels that count, in nats
    accuracy: float  # fraction of them predicted correctly, 0..1


def quick_eval(model: nn.Module, split: Split, task: Task, parts: Sequence[DatasetPart] = ()) -> LossAccuracy:
    """Compute loss and accuracy of a model on a split and keep nothing else, as after an epoch of training.

    Args:
        model: (B, C, H, W) uint8 -> logits (B, K) or (B, K, H, W).
        split: labeled images.
        task: what is predicted.
        parts: the datasets that the split is made of, see `evaluate_split`.

    Returns:
        Loss and accuracy.
    """
    losses = np.zeros(len(split))
    n_correct = n_valid = 0
    for batch in _batches(model, split, task, Merging.of(split, parts)):
        losses[batch.rows] = batch.losses().sum(1, dtype=np.float64)
        n_correct += int(np.count_nonzero((batch.logits.argmax(1) == batch.labels) & batch.valid))
        n_valid += int(np.count_nonzero(batch.valid))
    if not n_valid:
        return LossAccuracy(math.nan, math.nan)
    return LossAccuracy(float(losses.sum()) / n_valid, n_correct / n_valid)


def valid_mask(labels: Labels, task: Task) -> NDArray[np.bool_]:
    """Return which labels count: all of whole images, those of pixels that are not `IGNORE_INDEX`; (N, ...) bool."""
    return np.ones(labels.shape, dtype=bool) if task == "classification" else labels != IGNORE_INDEX


@dataclass(frozen=True, eq=False)
class _Batch:
    """Predictions of a batch: logits (b, K, M) float32, labels and valid (b, M), and which images they are of."""

    rows: slice
    all_logits: Logits  # of all classes
    logits: Logits  # of the classes in which each image is evaluated
    labels: Labels
    valid: NDArray[np.bool_]

    def losses(self) -> NDArray[np.floating[Any]]:
        """Return the loss of each label that counts, and 0 for the others: (b, M)."""
        labels = np.where(self.valid, self.labels, 0)
        if labels.shape[1] == 1:
            return np.where(self.valid, cross_entropy(self.logits.astype(np.float64), labels), 0)
        return np.where(self.valid, cross_entropy(self.logits, labels), 0)  # a thirtieth of the time of float64


def _batches(model: nn.Module, split: Split, task: Task, merging: Merging | None) -> Iterator[_Batch]:
    """Predict a split batch by batch; a label of a whole image is a mask of one pixel."""
    size = eval_batch_size(split.images)
    for number, logits in enumerate(predict_batches(model, split.images)):
        rows = slice(number * size, number * size + len(logits))
        labels = split.labels[rows].reshape(len(logits), -1)
        logits = logits.reshape(*logits.shape[:2], -1)
        merged = logits if merging is None else merging.merge(logits, rows)
        yield _Batch(rows, logits, merged, labels, valid_mask(labels, task))


def _sample_indices(split: Split, sample: int) -> NDArray[np.int64]:
    """Draw the labels of each image whose logits are kept, the same number of each: (N, m) int64, ascending."""
    if not sample:
        return np.empty((len(split), 0), np.int64)
    area = math.prod(split.labels.shape[1:])
    rng = np.random.default_rng(0)
    size = min(area, max(1, sample // len(split)))
    return np.stack([np.sort(rng.choice(area, size, replace=False)) for _ in range(len(split))])


def _exact_rankings(sample: SampledLogits, pools: Sequence[_Pool]) -> Sequence[_Rankings]:
    """Compute the average precision of each class from all logits, in each pool of images."""
    labels = [row[valid] for row, valid in zip(sample.labels, sample.valid, strict=True)]
    results: list[dict[str, tuple[APResult, ...]]] = [{} for _ in pools]
    scores = np.empty_like(sample.logits)
    for kind, score in SCORE_TYPES.items():
        for image, logits in enumerate(sample.logits):  # one after another: a whole split would take much more memory
            scores[image] = score(sample.merge(logits[None], np.array([image])))[0]
        for pool, of in zip(pools, results, strict=True):
            of[kind] = tuple(
                exact_result(
                    [scores[image, k][sample.valid[image]] for image in pool.images],
                    [labels[image] == k for image in pool.images],
                    pool.bootstrap,
                )
                for k in range(scores.shape[1])
            )
    return results


class _Histograms:
    """Histograms of the scores of each class, filled batch by batch: one for the images of each group and dataset."""

    def __init__(
        self, model: nn.Module, split: Split, classes: tuple[str, ...], merging: Merging | None, sample: int
    ) -> None:
        parts = np.zeros(len(split), np.int64) if split.parts is None else split.parts
        self.cells = np.unique(np.stack([split.groups, parts], 1), axis=0, return_inverse=True)[1].ravel()  # (N,)
        area = math.prod(split.labels.shape[1:])
        spread = np.unique(np.linspace(0, len(split) - 1, max(1, sample // area)).astype(np.int64))
        chosen = None if merging is None else Merging(merging.tables, merging.parts[spread])
        some = list(_batches(model, split.select(spread), "segmentation", chosen))
        logits, labels, valid = (
            np.concatenate([getattr(batch, name) for batch in some]) for name in ("logits", "labels", "valid")
        )
        self.edges = {}
        for kind, score in SCORE_TYPES.items():
            scores = score(logits)
            self.edges[kind] = [_edges(scores[:, k][valid], labels[valid] == k) for k in range(len(classes))]
        self.histograms = {
            kind: [np.zeros((int(self.cells.max()) + 1, 2, len(edges) + 1), dtype=np.int64) for edges in of]
            for kind, of in self.edges.items()
        }

    def add(self, batch: _Batch) -> None:
        """Count the scores of a batch."""
        for kind, score in SCORE_TYPES.items():
            for row, planes in enumerate(score(batch.logits)):
                valid, labels = batch.valid[row], batch.labels[row]
                cell = self.cells[batch.rows.start + row]
                for k, edges in enumerate(self.edges[kind]):
                    self.histograms[kind][k][cell] += count_bins(planes[k][valid], labels[valid] == k, edges)

    def results(self, pools: Sequence[_Pool]) -> Sequence[_Rankings]:
        """Return the average precision that the histograms determine, in each pool of images."""
        return [
            {
                kind: tuple(binned_result(self._by_group(one, pool)) for one in of)
                for kind, of in self.histograms.items()
            }
            for pool in pools
        ]

    def _by_group(self, histograms: NDArray[np.int64], pool: _Pool) -> NDArray[np.int64]:
        """Return the sums over each group of a pool, (G, 2, B) int64, of the histograms of groups and datasets."""
        cells, first = np.unique(self.cells[pool.images], return_index=True)
        sums = np.zeros((pool.bootstrap.n_groups, *histograms.shape[1:]), np.int64)
        np.add.at(sums, pool.bootstrap.members[first], histograms[cells])
        return sums


def _edges(scores: Logits, positive: NDArray[np.bool_]) -> Logits:
    return bin_edges(np.sort(scores[positive]), np.sort(scores[~positive]))
