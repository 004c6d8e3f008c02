"""The logistic regression against scikit-learn, and where samples are missing."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import softmax
from sklearn.linear_model import LogisticRegression

from seamline.models.logistic_regression import fit_logistic_regression


def samples(count: int, features: int, classes: int, seed: int = 0) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, classes, count)
    centers = rng.normal(size=(classes, features))
    return centers[labels] + rng.normal(size=(count, features)) + 5, labels


@pytest.mark.parametrize("classes", [2, 4])
def test_weights_are_those_of_scikit_learn(classes: int) -> None:
    features, labels = samples(60, 7, classes)
    sample_weights = np.random.default_rng(1).random(60) + 0.1
    penalty = 0.02
    weights, bias = fit_logistic_regression(features, labels, classes, penalty=penalty, sample_weights=sample_weights)
    # the same problem for scikit-learn: centered and scaled features, the bias a penalized weight of a constant feature
    share = sample_weights / sample_weights.sum()
    centered = features - share @ features
    scale = np.sqrt(share @ (centered**2).sum(1))
    inputs = np.hstack([centered / scale, np.ones((60, 1))])
    reference = LogisticRegression(C=1 / penalty, fit_intercept=False, tol=1e-10, max_iter=10_000)
    reference.fit(inputs, labels, sample_weight=share)
    expected = reference.predict_proba(inputs)
    if classes > 2:
        np.testing.assert_allclose(softmax(features @ weights.T + bias, axis=1), expected, atol=1e-5)
        return
    # of two classes scikit-learn has one row of weights, the difference of ours; its penalty is twice as strong
    reference = LogisticRegression(C=2 / penalty, fit_intercept=False, tol=1e-10, max_iter=10_000)
    reference.fit(inputs, labels, sample_weight=share)
    ours = softmax(features @ weights.T + bias, axis=1)
    np.testing.assert_allclose(ours, reference.predict_proba(inputs), atol=1e-5)


def test_the_scale_and_the_offset_of_features_play_no_part() -> None:
    features, labels = samples(40, 5, 3)
    weights, bias = fit_logistic_regression(features, labels, 3, penalty=0.01)
    others, offset = fit_logistic_regression(1000 * features - 7, labels, 3, penalty=0.01)
    np.testing.assert_allclose((1000 * features - 7) @ others.T + offset, features @ weights.T + bias, atol=1e-3)


def test_a_class_without_samples_is_unlikely_and_finite() -> None:
    features, labels = samples(40, 5, 2)
    weights, bias = fit_logistic_regression(features, 2 * labels, 3, penalty=0.001)
    assert np.isfinite(weights).all()
    assert np.isfinite(bias).all()
    assert (softmax(features @ weights.T + bias, axis=1)[:, 1] < 0.05).all()


def test_a_sample_of_weight_two_counts_as_two() -> None:
    features, labels = samples(30, 4, 3)
    weights = np.where(np.arange(30) < 10, 2.0, 1.0)
    twice = np.concatenate([np.arange(30), np.arange(10)])
    one = fit_logistic_regression(features, labels, 3, penalty=0.01, sample_weights=weights)
    other = fit_logistic_regression(features[twice], labels[twice], 3, penalty=0.01)
    for ours, theirs in zip(one, other, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-4)
