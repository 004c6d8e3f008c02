"""Intervals by resampling groups of related images.

Pixels of one image are not independent, nor are several crops of one building; whole groups are. So the groups are
resampled, as many as there are, with replacement (Efron, Annals of Statistics 7, 1979), and every metric is computed
for each resample. Where every group is a single label (one image to classify, related to no other), labels are
independent and formulas take the place of resampling: Wilson for fractions, the normal interval for means.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import scipy
from numpy.typing import NDArray

from seamline.evaluation.confidence import LEVEL, mean_estimate, newcombe, normal_mean, widest, wilson
from seamline.run_folder import ABSENT, Estimate

N_RESAMPLES = 1_000
MAX_EMPTY = 0.05
"""Largest fraction of resamples without a value; a class shown by three groups or more is missing from fewer."""

_CHUNK = 200  # resamples that are computed at once, to save memory
_SEED = 3  # separates these random numbers from others made with the same stream

Array = NDArray[np.float64]
Replicates = NDArray[np.float64]
"""(1 + R, ...): a metric of the images themselves, then of each of R resamples; R is 0 for a single group."""


def ratio(part: NDArray[Any], whole: NDArray[Any]) -> NDArray[np.float64]:
    """Return part / whole, NaN where the whole is 0: part (...) and whole (...) numbers -> (...) float64."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(whole == 0, np.nan, part / whole)


def percentile_interval(replicates: Replicates, level: float = LEVEL) -> Estimate:
    """Return a value and its percentile interval, which always includes the value.

    Resamples without a value (NaN) are left out. There is no interval without resamples, nor where more than
    `MAX_EMPTY` of them are left out: too few groups then contain anything to measure.

    Args:
        replicates: (1 + R,) float64.
        level: confidence level.

    Returns:
        The estimate.
    """
    value, resampled = float(replicates[0]), replicates[1:]
    present = resampled[~np.isnan(resampled)]
    if np.isnan(value):
        return ABSENT
    if not len(resampled) or len(present) < (1 - MAX_EMPTY) * len(resampled):
        return Estimate(value)
    low, high = np.quantile(present, [(1 - level) / 2, (1 + level) / 2])
    return Estimate(value, min(float(low), value), max(float(high), value))


class Fraction(NamedTuple):
    """A metric that is a number of labels divided by a number of labels: `part / whole`, each (...) or (..., K).

    Where labels are independent its interval is Wilson's. `recalled` says that the part is of correct predictions and
    that the whole depends on the ground truth alone, so that two models evaluated on the same images share it;
    `transform` is applied to the fraction and to both ends of its interval.
    """

    part: Array
    whole: Array
    recalled: bool = False
    transform: Callable[[Any], Any] = lambda value: value


class Mean(NamedTuple):
    """A metric that is the mean of a quantity over labels: sum, sum of squares and number of labels, each (...).

    Where labels are independent its interval is the normal one.
    """

    total: Array
    squares: Array
    n: Array


class Bounded(NamedTuple):
    """Values (...) or (..., K), and how far each may lie below and above because scores were counted into bins."""

    values: Array
    below: Array
    above: Array


class MeanFraction(NamedTuple):
    """A metric that is the mean of the fractions of independent classes: `part / whole`, each (..., K).

    Classes without labels in the split, not `present` (K,), do not count. Where labels are independent its interval
    combines Wilson's.
    """

    part: Array
    whole: Array
    present: NDArray[np.bool_]


Values: TypeAlias = Fraction | Mean | MeanFraction | Bounded | Array
"""What a metric returns: a fraction, a mean, or any values, (...) for all labels or (..., K) for each class."""


def plain_values(values: Values) -> Array:
    """Return a metric's values (...) or (..., K), NaN where there is nothing to measure."""
    match values:
        case Fraction(part, whole, _, transform):
            transformed: Array = transform(ratio(part, whole))
            return transformed
        case Mean(total, _, n):
            return ratio(total, n)
        case MeanFraction(part, whole, present):
            each = ratio(part, whole)
            return each[..., present].mean(-1) if present.any() else each[..., 0]
        case Bounded(each, _, _):
            return each
    return values


@dataclass(frozen=True, eq=False)
class Sampled:
    """A metric and what is known of its sampling distribution."""

    estimate: Estimate  # value and interval
    replicates: Replicates | None = None  # (1 + R,) float64; None where the interval comes from a formula
    # how far the value may lie below and above because scores were counted into bins
    error: tuple[float, float] = (0.0, 0.0)

    @classmethod
    def from_replicates(cls, replicates: Replicates, error: tuple[float, float] = (0.0, 0.0)) -> "Sampled":
        """Return a metric with the percentile interval of (1 + R,) replicates, widened by `error`."""
        around = percentile_interval(replicates)
        return cls(Estimate(around.value, around.low - error[0], around.high + error[1]), replicates, error)

    def minus(self, other: "Sampled") -> Estimate:
        """Return the difference to another metric with its interval; paired where both are of one split."""
        if self.replicates is None or other.replicates is None:
            return newcombe(self.estimate, other.estimate)
        if len(self.replicates) != len(other.replicates):  # one of two splits is a single group
            return Estimate(float(self.replicates[0] - other.replicates[0]))
        gap = percentile_interval(self.replicates - other.replicates)
        (below, above), (other_below, other_above) = self.error, other.error
        return Estimate(gap.value, gap.low - below - other_above, gap.high + above + other_below)


@dataclass(frozen=True, eq=False)
class GroupBootstrap:
    """Resamples of the groups of a split."""

    groups: NDArray[np.int64]  # (N,) int64, images with the same number are related
    stream: int = 0  # random stream, another one for each split; the same number gives the same resamples
    one_label: bool = False  # whether each image has a single label, as in classification

    @cached_property
    def members(self) -> NDArray[np.int64]:
        """(N,) int64, the group of each image, numbered 0..G-1."""
        return np.unique(self.groups, return_inverse=True)[1].astype(np.int64)

    @cached_property
    def n_groups(self) -> int:
        """Number of groups G."""
        return int(self.members.max(initial=-1)) + 1

    @property
    def independent(self) -> bool:
        """Whether every group is a single label, so that formulas apply."""
        return self.one_label and self.n_groups == len(self.groups)

    @cached_property
    def weights(self) -> NDArray[np.uint16]:
        """(1 + R, G) uint16, how often each group is drawn; the first row is all ones."""
        drawn = [np.ones((1, self.n_groups), np.uint16)]
        rng = np.random.default_rng([_SEED, self.stream])
        for _ in range(0, N_RESAMPLES if self.n_groups > 1 else 0, _CHUNK):
            counts = rng.multinomial(self.n_groups, np.full(self.n_groups, 1 / self.n_groups), size=_CHUNK)
            drawn.append(counts.astype(np.uint16))
        return np.concatenate(drawn)

    @cached_property
    def _membership(self) -> Any:
        """(G, N) sparse, 1 where an image belongs to a group."""
        size = len(self.members)
        return scipy.sparse.csr_array((np.ones(size), (self.members, np.arange(size))), shape=(self.n_groups, size))

    def sum_by_group(self, counts: Any) -> Any:
        """Add up what belongs to each image, group by group.

        Args:
            counts: (N, ...) array, or (N, M) sparse.

        Returns:
            (G, ...) float64; sparse where `counts` is.
        """
        if scipy.sparse.issparse(counts):
            return self._membership @ counts
        sums = self._membership @ counts.reshape(len(counts), -1)
        return sums.reshape(self.n_groups, *counts.shape[1:])

    def weighted_sums(self, sums: Any, rows: slice = slice(None)) -> Replicates:
        """Add up what belongs to each group over each resample.

        Args:
            sums: (G, ...) array, or (G, M) sparse.
            rows: of `weights`, all of them by default.

        Returns:
            (1 + R, ...) float64, or as many as there are rows.
        """
        flat = sums if scipy.sparse.issparse(sums) else sums.reshape(self.n_groups, -1).astype(np.float64)
        weights = self.weights[rows]
        parts = (weights[start : start + _CHUNK].astype(np.float64) for start in range(0, len(weights), _CHUNK))
        return np.concatenate([np.asarray(part @ flat) for part in parts]).reshape(-1, *sums.shape[1:])

    def resample_sums(self, counts: Any) -> Replicates:
        """Add up what belongs to each image (N, ...) over each resample: (1 + R, ...) float64."""
        return self.weighted_sums(self.sum_by_group(counts))

    def sample(self, values: Values, replicates: Callable[[], Replicates]) -> list[Sampled]:
        """Return metrics with their intervals.

        A fraction of labels of which each image has one may be of few, and none of the resamples have an error: its
        interval is at least as wide as Wilson's, which relations between images only widen.

        Args:
            values: of all images together, (...) or (K,).
            replicates: returns the same values of the images and of each resample, (1 + R,) or (1 + R, K).

        Returns:
            One metric, or K.
        """
        formulas: list[Estimate] = []
        if self.one_label and isinstance(values, Fraction):
            part, whole = np.broadcast_arrays(np.atleast_1d(values.part), values.whole)
            formulas = [_wilson(*pair, values.transform) for pair in zip(part.tolist(), whole.tolist(), strict=True)]
        elif self.one_label and isinstance(values, MeanFraction):
            pairs = zip(values.part[values.present].tolist(), values.whole[values.present].tolist(), strict=True)
            formulas = [mean_estimate([wilson(int(part), int(whole)) for part, whole in pairs])]
        elif self.independent and isinstance(values, Mean):
            formulas = [normal_mean(*map(float, values))]
        if self.independent and formulas:
            return [Sampled(formula) for formula in formulas]
        columns = np.atleast_2d(replicates().T)
        if formulas:
            return [
                Sampled(widest(percentile_interval(column), formula))
                for column, formula in zip(columns, formulas, strict=True)
            ]
        if not isinstance(values, Bounded):
            return [Sampled.from_replicates(column) for column in columns]
        errors = zip(np.atleast_1d(values.below), np.atleast_1d(values.above), strict=True)
        return [Sampled.from_replicates(column, error) for column, error in zip(columns, errors, strict=True)]

    def fraction(self, part: NDArray[Any], whole: NDArray[Any]) -> Sampled:
        """Return the fraction of labels that have a property.

        Args:
            part: (N,) float64 or int64, number of labels of each image that have it.
            whole: (N,) float64 or int64, number of labels of each image.

        Returns:
            The fraction.
        """
        total = Fraction(part.sum(), whole.sum())
        return self.sample(total, lambda: ratio(self.resample_sums(part), self.resample_sums(whole)))[0]

    def mean(self, total: NDArray[Any], count: NDArray[Any]) -> Sampled:
        """Return the mean of a quantity over labels.

        Args:
            total: (N,) float64, sum over the labels of each image.
            count: (N,) float64 or int64, number of labels of each image.

        Returns:
            The mean.
        """
        values = Mean(total.sum(), (total**2).sum(), count.sum())
        return self.sample(values, lambda: ratio(self.resample_sums(total), self.resample_sums(count)))[0]


def _wilson(part: float, whole: float, transform: Callable[[Any], Any]) -> Estimate:
    """Return a fraction with Wilson's interval, all three transformed."""
    if np.isnan(whole):
        return ABSENT
    around = wilson(int(part), int(whole))
    return Estimate(*(float(transform(end)) for end in (around.value, around.low, around.high)))
