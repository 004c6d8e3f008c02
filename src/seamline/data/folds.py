"""Cross-validation: folds of groups of related images, each of which is the test split once."""

import re
from dataclasses import dataclass, replace
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from seamline.data.dataset import Dataset
from seamline.data.splits import Splits, strata
from seamline.errors import SeamlineError

MAX_FOLDS = 100

_FOLD_STREAM = 7  # distinguishes this random stream from others with the same seed


@dataclass(frozen=True)
class Fold:
    """One fold of a cross-validation.

    Raises:
        SeamlineError: there is no such fold.
    """

    number: int  # from 1
    folds: int  # number of folds

    def __post_init__(self) -> None:
        """Check the numbers."""
        if not 2 <= self.folds <= MAX_FOLDS:
            raise SeamlineError(f"--folds {self.folds}: must be 2 to {MAX_FOLDS}")
        if not 1 <= self.number <= self.folds:
            raise SeamlineError(f"--fold {self}: the fold must be 1 to {self.folds}")

    def __str__(self) -> str:
        return f"{self.number}/{self.folds}"

    @classmethod
    def parse(cls, text: str) -> "Fold":
        """Parse `2/5`, the second of five folds.

        Raises:
            SeamlineError: it is of another form.
        """
        match = re.fullmatch(r"(\d{1,4})/(\d{1,4})", text.strip())
        if match is None:
            raise SeamlineError(f"--fold {text}: write it as NUMBER/FOLDS, for example 1/5")
        return cls(int(match[1]), int(match[2]))


def assign_folds(strata: NDArray[np.integer[Any]], groups: NDArray[np.int64], folds: int) -> NDArray[np.int64]:
    """Assign images to folds; no group is in two folds, and each fold has about as many images of every stratum.

    Groups go in random order, the largest first, each to the fold that has the fewest images of its stratum.

    Args:
        strata: (N,) integers, the stratum of each image, such as its class; that of a group is its most frequent one.
        groups: (N,) int64, equal for related images.
        folds: number of folds.

    Returns:
        (N,) int64, 0..folds-1.

    Raises:
        ValueError: there are fewer groups than folds.
    """
    _, group, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    if len(sizes) < folds:
        raise ValueError(f"{len(sizes)} groups of related images are too few for {folds} folds")
    counts = np.zeros((len(sizes), int(strata.max(initial=0)) + 1), np.int64)
    np.add.at(counts, (group, strata), 1)
    stratum = counts.argmax(1)
    shuffled = np.random.default_rng(_FOLD_STREAM).permutation(len(sizes))
    order = shuffled[np.argsort(-sizes[shuffled], kind="stable")]
    fold_of_group = np.zeros(len(sizes), np.int64)
    of_stratum, of_all = np.zeros((counts.shape[1], folds), np.int64), np.zeros(folds, np.int64)
    for one in order.tolist():
        fold = int(np.lexsort((of_all, of_stratum[stratum[one]]))[0])
        fold_of_group[one] = fold
        of_stratum[stratum[one], fold] += sizes[one]
        of_all[fold] += sizes[one]
    return fold_of_group[group]


def hold_out_fold(data: Dataset, fold: Fold) -> Dataset:
    """Return a dataset whose test images are those of a fold, and whose training images are all others.

    The folds divide the images of all splits, and are the same for each seed.

    Args:
        data: the dataset, from `detect_groups`.
        fold: the fold.

    Raises:
        SeamlineError: there are too few groups, or several datasets.
    """
    if data.parts:
        raise SeamlineError(f"--fold {fold}: divides a single dataset; leave it out, or name one dataset")
    images = data.train.concat(*(split for split in data.splits[1:] if len(split)))
    try:
        assigned = assign_folds(strata(data, images), images.groups, fold.folds)
    except ValueError as error:
        raise SeamlineError(f"--fold {fold}: {error}; use fewer folds") from None
    held_out = assigned == fold.number - 1
    train, test = (images.select(np.flatnonzero(rows)) for rows in (~held_out, held_out))
    return replace(data, train=train, test=test, val=None, reference_results=())


def describe_fold(splits: Splits, fold: Fold) -> Splits:
    """Return splits whose description names the fold."""
    metadata = msgspec.structs.replace(splits.metadata, fold=fold.number, folds=fold.folds)
    return replace(splits, metadata=metadata)
