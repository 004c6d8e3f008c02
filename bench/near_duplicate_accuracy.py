"""Near-duplicates between the training and the test images of Fashion-MNIST, and what they add to the accuracy.

    SEAMLINE_DATA=... python bench/near_duplicate_accuracy.py

Takes about a minute of processor time. Writes its part of docs/measurements/near-duplicates.md.
"""

import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import seamline
from near_duplicates import page
from results_store import add_part
from seamline.data.near_duplicates.exact_and_near import (
    MAX_LOCAL_DIFF,
    MIN_CORRELATION,
    find_near_duplicate_pairs,
    first_occurrences,
)
from seamline.evaluation.bootstrap import GroupBootstrap, percentile_interval, ratio
from seamline.evaluation.confidence import newcombe, widest, wilson
from seamline.inference.forward import predict_logits
from seamline.inference.pretrained import pretrained_dir
from seamline.inference.tta import load_tta
from seamline.run_folder import Estimate, RunFolder

LIMITS = (
    (MIN_CORRELATION, MAX_LOCAL_DIFF),
    (MIN_CORRELATION - 0.01, MAX_LOCAL_DIFF),
    (MIN_CORRELATION - 0.01, MAX_LOCAL_DIFF + 10),
)
"""Correlation of detail at least, and local difference in gray levels at most: the usual limits, and one step below."""


def main() -> None:
    """Measure, and write the page."""
    data = seamline.load_dataset("fashion-mnist", data_dir=Path(os.environ["SEAMLINE_DATA"]) / "fashion-mnist")
    train, test = data.train, data.test
    images, labels = (
        np.concatenate([np.asarray(getattr(split, name)[:]) for split in (train, test)])
        for name in ("images", "labels")
    )
    firsts = first_occurrences(images)
    identical = [(int(first), index) for index, first in enumerate(firsts) if first != index]
    correct = predict_logits(load_tta(RunFolder(pretrained_dir("garments"))), test.images).argmax(1) == test.labels
    thresholds = []
    for correlation, local_diff in LIMITS:
        pairs = {
            *find_near_duplicate_pairs(list(images), min_correlation=correlation, max_local_diff=local_diff),
            *identical,
        }
        across = [(i, j - len(train)) for i, j in sorted(pairs) if i < len(train) <= j]
        thresholds.append(
            {"correlation": round(correlation, 4), "local_diff": local_diff}
            | describe(across, labels[: len(train)], labels[len(train) :], correct, set(identical), len(train))
        )
    results = {
        "train": len(train),
        "test": len(test),
        "accuracy": stored(wilson(int(correct.sum()), len(correct))),
        "thresholds": thresholds,
    }
    add_part("near-duplicates", "accuracy", results, page)


def describe(
    across: list[tuple[int, int]],
    train: NDArray[np.int64],
    test: NDArray[np.int64],
    correct: NDArray[np.bool_],
    identical: set[tuple[int, int]],
    offset: int,
) -> dict[str, Any]:
    """Return how many test images have a near-duplicate in training, and the accuracy with and without these."""
    related = np.zeros(len(test), bool)
    related[[j for _, j in across]] = True
    same = {j for i, j in across if train[i] == test[j]}
    return {
        "test_images": int(related.sum()),
        "same_class": len(same),
        "identical": len({j for i, j in across if (i, j + offset) in identical}),
        "accuracy_of_them": stored(wilson(int(correct[related].sum()), int(related.sum()))),
        "accuracy_without": stored(wilson(int(correct[~related].sum()), int((~related).sum()))),
        "difference": stored(difference(correct, related)),
    }


def difference(correct: NDArray[np.bool_], related: NDArray[np.bool_]) -> Estimate:
    """Return the accuracy of all images minus that of the unrelated ones.

    It is the fraction of related images times the difference of both accuracies. Resamples of related images without an
    error have none either, so the interval over resamples is widened to include Newcombe's.
    """
    sums = GroupBootstrap(np.arange(len(correct))).resample_sums(
        np.stack([correct, np.ones(len(correct)), correct & ~related, ~related], 1)
    )
    resampled = percentile_interval(ratio(sums[:, 0], sums[:, 1]) - ratio(sums[:, 2], sums[:, 3]))
    of_them, without = (wilson(int(correct[part].sum()), int(part.sum())) for part in (related, ~related))
    return widest(resampled, scaled(newcombe(of_them, without), float(related.mean())))


def scaled(estimate: Estimate, factor: float) -> Estimate:
    """Return an estimate times a factor, 0 or more."""
    return Estimate(factor * estimate.value, factor * estimate.low, factor * estimate.high)


def stored(estimate: Estimate) -> dict[str, Any]:
    """Return an estimate as results store it."""
    return {"value": estimate.value, "interval": [estimate.low, estimate.high]}


if __name__ == "__main__":
    main()
