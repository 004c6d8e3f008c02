import numpy as np
import torch
from sklearn.linear_model import Ridge

from seamline.data.dataset import Dataset
from seamline.evaluation.evaluate import evaluate_split
from seamline.evaluation.linear_probes import RIDGE, fit_probes, predict_probes, probe_layers
from seamline.models.classifiers import TwoLayerCNN
from seamline.models.factory import build_model


def test_the_probe_of_pixels_is_scikit_learns_ridge(sides: Dataset) -> None:
    network = build_model("cnn", (20, 20, 1), 3, task="classification").eval()
    assert isinstance(network, TwoLayerCNN)
    network.normalize.fit(sides.train.images)
    pixels = {
        name: network.normalize(torch.from_numpy(split.images).permute(0, 3, 1, 2)).flatten(1).numpy()
        for name, split in (("train", sides.train), ("test", sides.test))
    }
    with_bias = {name: np.hstack([part, np.ones((len(part), 1))]).astype(np.float64) for name, part in pixels.items()}
    alpha = RIDGE * (with_bias["train"] ** 2).sum() / with_bias["train"].shape[1]
    ridge = Ridge(alpha=alpha, fit_intercept=False).fit(with_bias["train"], np.eye(3)[sides.train.labels])
    weights = fit_probes(network, sides.train, 3)
    np.testing.assert_allclose(weights["pixels"], ridge.coef_.T, atol=1e-3)
    answers = predict_probes(network, sides.test, weights)["pixels"]
    assert (answers == ridge.predict(with_bias["test"]).argmax(1)).mean() > 0.98


def test_every_probe_is_scored_beside_the_network(sides: Dataset) -> None:
    network = build_model("cnn-fast", (20, 20, 1), 3, task="classification").eval()
    assert isinstance(network, TwoLayerCNN)
    network.normalize.fit(sides.train.images)
    whole = evaluate_split(network, sides.test, sides.classes, "classification")
    rows = probe_layers(network, sides.train, sides.test, whole).probes
    assert [row.name for row in rows] == ["pixels", "layer 1", "layers 1 and 2", "whole network"]
    assert [row.n_features for row in rows[:3]] == [400, 32 * 36, 32 * 36 + 32 * 25]
    assert rows[3].accuracy == whole.metrics.overall("accuracy").estimate
    assert rows[1].accuracy.value > 0.8  # even random filters tell the sides apart
    assert all(set(row.per_class) == set(sides.classes) for row in rows)
