import io

import numpy as np
import torch
from PIL import Image
from torch import nn

from conftest import CLASSES, bright_sides
from evaluation.factories import label_evaluation
from seamline.evaluation.counts import confusion_counts
from seamline.evaluation.evaluate import evaluate_split
from seamline.evaluation.examples import COLUMNS, choose_examples, example_sheet
from seamline.inference.forward import BATCH_PIXELS, predict_logits
from seamline.run_folder import MAX_PER_CELL


class Sides(nn.Module):
    """Scores the mean brightness of each side; knows whether it was asked in evaluation mode."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(1))
        self.modes: list[bool] = []

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        self.modes.append(self.training)
        left, right = images[..., :10].float().mean((1, 2, 3)), images[..., 10:].float().mean((1, 2, 3))
        return torch.stack([left - right, right - left, torch.full_like(left, 45.0)], 1) * self.weight


def test_scores_come_in_order_and_the_mode_is_kept() -> None:
    split = bright_sides(BATCH_PIXELS // 400 + 5, 0)
    network = Sides().train()
    scores = predict_logits(network, split.images)
    pixels = split.images[..., 0].astype(np.float64)
    assert scores.dtype == np.float32
    np.testing.assert_allclose(scores[:, 0], pixels[:, :, :10].mean((1, 2)) - pixels[:, :, 10:].mean((1, 2)), atol=1e-3)
    assert network.modes == [False, False]
    assert network.training


def test_an_evaluation_counts_what_was_answered() -> None:
    split = bright_sides(90, 0)
    asked = evaluate_split(Sides(), split, CLASSES, "classification")
    by_hand = np.zeros((3, 3), dtype=int)
    for truth, answer in zip(split.labels, asked.sample.logits[:, :, 0].argmax(1), strict=True):
        by_hand[truth, answer] += 1
    assert np.array_equal(asked.counts.confusion_matrix, by_hand)
    assert asked.metrics.overall("accuracy").estimate.value == np.trace(by_hand) / 90
    column, valid = np.array([[2], [2]]), np.ones((2, 1), dtype=bool)
    cells = confusion_counts(column, np.array([[0], [2]]), valid, 3).toarray()
    assert cells.reshape(2, 3, 3).sum(0).tolist() == [[0, 0, 0], [0, 0, 0], [1, 0, 1]]


def test_examples_are_the_most_confident_of_each_cell() -> None:
    split = bright_sides(200, 0)
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(200, 3)).astype(np.float32)
    asked = label_evaluation(CLASSES, logits, split.labels, split=split)
    chosen, sure = choose_examples(asked, 2.0)
    expected = []
    for true in range(3):
        for predicted in range(3):
            cell = [i for i in range(200) if asked.split.labels[i] == true and asked.predicted[i] == predicted]
            expected += sorted(cell, key=lambda i: -sure[i])[:MAX_PER_CELL]
    assert chosen.tolist() == expected
    exponents = np.exp(logits / 2.0)
    np.testing.assert_allclose(sure, (exponents / exponents.sum(1, keepdims=True)).max(1), rtol=1e-5)

    sampled, _ = choose_examples(asked, 2.0, 150)
    assert len(sampled) == len(set(sampled.tolist())) == 150
    assert set(expected) < set(sampled.tolist())
    cells = [(asked.split.labels[i], asked.predicted[i], -sure[i]) for i in sampled]
    assert cells == sorted(cells)
    assert len(choose_examples(asked, 2.0, 9)[0]) == len(expected)
    assert len(example_sheet(asked, 2.0, sample=True)[0].examples) == 200

    described, sheet = example_sheet(asked, 2.0)
    assert [example.name for example in described.examples] == [split.names[i] for i in expected]
    picture = np.asarray(Image.open(io.BytesIO(sheet)))
    for place in (0, 1, len(expected) - 1):
        row, column = divmod(place, COLUMNS)
        tile = picture[20 * row : 20 * row + 20, 20 * column : 20 * column + 20]
        assert np.array_equal(tile, split.images[expected[place], ..., 0])
