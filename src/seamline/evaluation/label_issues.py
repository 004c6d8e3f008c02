"""Possible label errors: confident learning on predictions of models that were not trained on the image.

After Northcutt, Jiang and Chuang, Confident learning: estimating uncertainty in dataset labels, JAIR 70, 2021.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from seamline.data.dataset import Split
from seamline.data.preprocess import downscale
from seamline.evaluation.examples import THUMBNAIL_SIDE, sheet_png
from seamline.run_folder import LabelIssue, LabelIssues

MAX_SHOWN = 40
"""Images that the report shows; the file names all."""


def find_label_issues(logits: NDArray[np.float32], labels: NDArray[np.int64]) -> list[tuple[int, int, float, float]]:
    """Find images whose label is probably wrong, the most probable first.

    A class's threshold is the mean probability that its own images give it. An image is confidently of a class if it
    reaches that class's threshold and no other such class is more probable (equation 1 of the paper). Where that is
    not its label, it is an issue; issues are ranked by the margin between both probabilities.

    Args:
        logits: (N, K) float32 of models that were not trained on the image.
        labels: (N,) int64.

    Returns:
        For each issue: index of the image, class it is confidently predicted as, probability, and margin, which is
        that probability minus the label's.
    """
    probabilities = softmax(logits.astype(np.float64), axis=1)
    own = [probabilities[labels == k, k] for k in range(probabilities.shape[1])]
    thresholds = np.array([of.mean() if len(of) else np.inf for of in own])
    confident = np.where(probabilities >= thresholds, probabilities, -1)
    predicted, rows = confident.argmax(1), np.arange(len(labels))
    margin = probabilities[rows, predicted] - probabilities[rows, labels]
    flagged = np.flatnonzero((confident.max(1) >= 0) & (predicted != labels) & (margin > 0))
    issues = [(int(i), int(predicted[i]), float(probabilities[i, predicted[i]]), float(margin[i])) for i in flagged]
    return sorted(issues, key=lambda issue: (-issue[3], issue[0]))


def summarize_label_issues(
    splits: Mapping[str, tuple[Split, NDArray[np.float32]]], folds: int
) -> tuple[LabelIssues, bytes]:
    """Find possible label errors in several splits.

    Args:
        splits: by name, a split and its (N, K) float32 logits by models that were not trained on it.
        folds: number of models that checked the training images, 0 where these were not checked.

    Returns:
        What `evaluation/label_issues.json` holds, and the images it shows as one PNG, side by side.
    """
    issues = [
        (name, split, issue)
        for name, (split, logits) in splits.items()
        for issue in find_label_issues(logits, split.labels)
    ]
    issues.sort(key=lambda of: (-of[2][3], of[0], of[2][0]))
    images = [downscale(split.images[issue[0]], THUMBNAIL_SIDE) for _, split, issue in issues[:MAX_SHOWN]]
    height, width = images[0].shape[:2] if images else (1, 1)
    summary = LabelIssues(
        checked={name: len(split) for name, (split, _) in splits.items()},
        folds=folds,
        n_agree=sum(int((logits.argmax(1) == split.labels).sum()) for split, logits in splits.values()),
        tile=(height, width),
        n_shown=len(images),
        issues=tuple(
            LabelIssue(
                name=split.names[index],
                split=name,
                label=int(split.labels[index]),
                predicted=predicted,
                probability=round(probability, 4),
                margin=round(margin, 4),
            )
            for name, split, (index, predicted, probability, margin) in issues
        ),
    )
    return summary, sheet_png(np.stack(images or [np.zeros((1, 1, 1), np.uint8)]), max(1, len(images)))
