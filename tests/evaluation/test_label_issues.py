"""Images that look mislabelled: by hand, and with labels that were changed."""

import numpy as np
import pytest

from seamline.evaluation.cross_val import fold_of_each
from seamline.evaluation.label_issues import find_label_issues


def test_by_hand() -> None:
    """Thresholds are the means of a class's own probabilities: 0.7 for class 0, 0.6 for class 1."""
    probabilities = np.array([[0.9, 0.1], [0.9, 0.1], [0.3, 0.7], [0.1, 0.9], [0.2, 0.8], [0.9, 0.1]])
    labels = np.array([0, 0, 0, 1, 1, 1])
    issues = find_label_issues(np.log(probabilities).astype(np.float32), labels)
    assert [(image, int(labels[image]), predicted) for image, predicted, _, _ in issues] == [(5, 1, 0), (2, 0, 1)]
    assert [margin for *_, margin in issues] == pytest.approx([0.8, 0.4], abs=1e-6)
    assert [probability for _, _, probability, _ in issues] == pytest.approx([0.9, 0.7], abs=1e-6)


def test_a_class_without_images_suspects_nobody() -> None:
    scores = np.log(np.array([[0.2, 0.1, 0.7], [0.6, 0.1, 0.3]], np.float32))
    assert find_label_issues(scores, np.array([0, 0])) == []


def test_folds_keep_groups_together_and_are_alike() -> None:
    groups = np.array([5, 5, 1, 2, 2, 2, 9, 4, 7])
    fold = fold_of_each(groups, 3, seed=1)
    assert all(len(set(fold[groups == group])) == 1 for group in set(groups.tolist()))
    assert sorted(np.bincount([fold[groups == group][0] for group in set(groups.tolist())]).tolist()) == [2, 2, 2]
