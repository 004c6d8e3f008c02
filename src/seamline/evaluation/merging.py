"""Evaluation of images whose dataset does not tell all classes apart, in the classes that it does."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seamline.data.dataset import DatasetPart, Split

Logits = NDArray[np.floating[Any]]


@dataclass(frozen=True, eq=False)
class Merging:
    """The classes in which each image of a split is evaluated: those that its dataset tells apart.

    A dataset that does not tell pillars from the facade has one label for both. The probability that a model gives that
    label is the sum of the probabilities of both classes, so its logit is the logarithm of the sum of their
    exponentials; the class that is merged away has probability 0, its logit is minus infinity. An image is thus
    evaluated as if by a model of its own dataset's classes.

    Logits are merged before the prediction is chosen, because two classes that are merged can win together where each
    alone loses; and before pixels are ranked. Ranked by the logit of a class that their dataset does not tell apart,
    pixels come last, at minus infinity. None of them is labeled as the class, and negatives below all positives leave
    average precision as it is: over the pooled pixels of several datasets it is that of the datasets that tell the
    class apart.
    """

    tables: NDArray[np.int64]  # (P, K) int64, 0..K-1: for each dataset and class the one evaluated in its place
    parts: NDArray[np.int64]  # (N,) int64, the dataset of each image

    @classmethod
    def of(cls, split: Split, parts: Sequence[DatasetPart]) -> "Merging | None":
        """Return what is merged in the images of a split; None where nothing is."""
        if split.parts is None or not parts:
            return None
        tables = np.array([part.merged for part in parts], np.int64)
        merges = (tables != np.arange(tables.shape[1])).any()
        return cls(tables, split.parts) if merges else None

    def merge(self, logits: Logits, images: slice | NDArray[np.int64]) -> Logits:
        """Return logits in the classes that their images are evaluated in.

        Args:
            logits: (n, K, ...) floats.
            images: a slice, or (n,) int64 positions: which of the N images they are of.

        Returns:
            (n, K, ...) floats of the same type; minus infinity for classes that are merged into others.
        """
        merged = np.full_like(logits, -np.inf)
        parts = self.parts[images]
        for part in np.unique(parts):
            rows = np.flatnonzero(parts == part)
            for label in np.unique(self.tables[part]):
                members = np.flatnonzero(self.tables[part] == label)
                merged[rows, label] = np.logaddexp.reduce(logits[np.ix_(rows, members)], axis=1)
        return merged

    def members(self, images: NDArray[np.int64], labels: NDArray[np.integer[Any]]) -> NDArray[np.bool_]:
        """Return the classes that labels stand for.

        Args:
            images: (n,) int64, the image of each label.
            labels: (n,) integers, 0..K-1.

        Returns:
            (n, K) bool.
        """
        members: NDArray[np.bool_] = self.tables[self.parts[images]] == labels[:, None]
        return members
