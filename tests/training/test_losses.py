from dataclasses import replace

import numpy as np
import pytest
import torch

from seamline.data.dataset import Dataset, DatasetPart, Split
from seamline.errors import SeamlineError
from seamline.training.config import TrainConfig
from seamline.training.losses import ClassLoss, PartialLabelLoss, build_loss

CLASSES = ("other", "facade", "window", "pillar")
PARTS = (DatasetPart("a", "A", (0, 1, 2, 3)), DatasetPart("b", "B", (0, 1, 2, 1)))
"""The second one does not tell pillars from facade."""
MERGED = torch.tensor([part.merged for part in PARTS])


def make_data() -> Dataset:
    images = np.zeros((2, 4, 4, 3), np.uint8)
    labels = np.zeros((2, 4, 4), np.uint8)
    split = Split(images, labels, ("a", "b"), np.arange(2), np.arange(2))
    return Dataset(
        "mix",
        "Mix",
        CLASSES,
        split,
        split.select(np.arange(0)),
        "drawn",
        task="segmentation",
        palette=((0, 0, 0), (0, 0, 255), (255, 0, 0), (0, 255, 0)),
        parts=PARTS,
    )


def test_the_loss_sums_the_probabilities_of_classes_that_are_not_told_apart() -> None:
    probabilities = torch.tensor([0.1, 0.2, 0.3, 0.4])
    logits = probabilities.log().view(1, 4, 1, 1).expand(2, 4, 1, 5) + 7
    labels = torch.tensor([[[0, 1, 3, 2, -100]], [[0, 1, 2, 1, -100]]])
    loss = PartialLabelLoss(MERGED)
    expected = [0.1, 0.2, 0.4, 0.3, 0.1, 0.2 + 0.4, 0.3, 0.2 + 0.4]
    total = loss.total(logits, labels, torch.tensor([0, 1]))
    assert float(total) == pytest.approx(-np.log(expected).sum(), rel=1e-5)
    assert int(loss.weight(labels)) == len(expected)
    predicted = torch.full((2, 1, 5), 3)  # pillar everywhere
    assert int(loss.hits(predicted, labels, torch.tensor([0, 1]))) == 1 + 2  # pillar; facade twice


def test_where_labels_are_classes_both_losses_and_gradients_agree() -> None:
    logits = torch.randn(2, 4, 3, 3, requires_grad=True)
    labels = torch.randint(-1, 4, (2, 3, 3))
    labels[labels < 0] = -100
    parts = torch.tensor([0, 0])
    partial = PartialLabelLoss(MERGED).total(logits, labels, parts)
    plain = ClassLoss().total(logits, labels, None)
    torch.testing.assert_close(partial, plain)
    gradients = [torch.autograd.grad(loss, logits)[0] for loss in (partial, plain)]
    torch.testing.assert_close(*gradients)


def test_columns_of_an_image_may_be_of_another_dataset() -> None:
    logits = torch.randn(2, 4, 3, 5)
    labels = torch.randint(0, 3, (2, 3, 5))
    labels[0, 0, 0] = -100
    parts = torch.tensor([[0, 0, 1, 1, 1], [1, 1, 1, 1, 0]])
    probabilities = logits.softmax(1).numpy()
    expected, hits = 0.0, 0
    predicted = logits.argmax(1)
    for image, row, column in np.ndindex(2, 3, 5):
        label = int(labels[image, row, column])
        if label < 0:
            continue
        classes = [1, 3] if parts[image, column] == 1 and label == 1 else [label]
        expected -= np.log(probabilities[image, classes, row, column].sum())
        hits += int(predicted[image, row, column]) in classes
    loss = PartialLabelLoss(MERGED)
    assert float(loss.total(logits, labels, parts)) == pytest.approx(expected, rel=1e-5)
    assert int(loss.hits(predicted, labels, parts)) == hits


def test_the_loss_follows_the_dataset_and_the_configuration() -> None:
    config = TrainConfig(model="unet-fast", epochs=1, batch_size=2, lr=1e-3, class_weights=(1, 2, 3, 4))
    assert isinstance(build_loss(config, make_data(), torch.nn.Linear(1, 1)), PartialLabelLoss)
    weights = build_loss(config, None, torch.nn.Linear(1, 1)).class_weights
    assert weights is not None
    assert weights.tolist() == [1, 2, 3, 4]
    with pytest.raises(SeamlineError, match="class_weights cannot be used with several datasets"):
        config.check_classes(make_data())


def test_a_mix_of_a_single_dataset_is_refused() -> None:
    config = TrainConfig(model="unet-fast", epochs=1, batch_size=2, lr=1e-3, mix=(1, 2))
    config.check_classes(make_data())
    with pytest.raises(SeamlineError, match="mix is for several datasets, and mix is one; leave it out"):
        config.check_classes(replace(make_data(), parts=()))
