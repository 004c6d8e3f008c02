"""Images that look mislabelled: by hand, and with labels that were changed."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import seamline
from seamline.evaluation.cross_val import fold_indices
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
    fold = fold_indices(groups, 3, seed=1)
    assert all(len(set(fold[groups == group])) == 1 for group in set(groups.tolist()))
    assert sorted(np.bincount([fold[groups == group][0] for group in set(groups.tolist())]).tolist()) == [2, 2, 2]


@pytest.mark.usefixtures("no_figure_files")
def test_changed_labels_of_an_own_folder_are_found(tmp_path: Path) -> None:
    chance = np.random.default_rng(0)
    changed = {"dark/000.png", "dark/001.png", "bright/002.png"}
    for label, level in (("dark", 60), ("bright", 190)):
        (tmp_path / "set" / label).mkdir(parents=True)
        for number in range(60):
            name = f"{label}/{number:03}.png"
            shown = 250 - level if name in changed else level
            noise = chance.integers(-40, 40, (28, 28, 3)) + shown
            Image.fromarray(noise.clip(0, 255).astype(np.uint8)).save(tmp_path / "set" / name)
    out = seamline.train(str(tmp_path / "set"), out=tmp_path / "run", epochs=4, threads=1).path
    written = json.loads((out / "evaluation" / "label_issues.json").read_text())
    assert written["folds"] == 3
    assert sum(written["checked"].values()) == 120
    surest = {one["name"] for one in written["issues"][:3]}
    assert surest == changed
    page = (out / "report.html").read_text()
    assert "Possible label errors" in page
    assert "Every image is checked by a model that was not trained on it" in page
