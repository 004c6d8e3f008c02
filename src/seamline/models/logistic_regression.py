"""Multinomial logistic regression with an L2 penalty."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import log_softmax, softmax

_MAX_ITERATIONS = 1_000


def fit_logistic_regression(
    features: NDArray[np.float64],
    labels: NDArray[np.int64],
    n_classes: int,
    *,
    penalty: float,
    sample_weights: NDArray[np.float64] | None = None,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Fit a logistic regression by L-BFGS; the same arguments give the same result.

    Features are centered and divided by their root mean square norm, so that the penalty means the same for features
    of any number and scale. What is minimized is the weighted mean of the cross entropy plus `penalty / 2` times the
    squared norm of all weights and biases; the minimum is unique, also where a class has no sample.

    Args:
        features: (N, D) float64.
        labels: (N,) int64, 0..K-1.
        n_classes: number of classes K.
        penalty: strength of the penalty, above 0.
        sample_weights: (N,) float64 of 0 or more, not all 0; None for equal weights.

    Returns:
        Weights (K, D) and biases (K,) float64, for features as they are given.
    """
    given = np.ones(len(labels)) if sample_weights is None else sample_weights
    shares = given / given.sum()
    center = shares @ features
    inputs = features - center
    scale = float(np.sqrt(shares @ (inputs**2).sum(1))) or 1.0
    inputs = np.hstack([inputs / scale, np.ones((len(inputs), 1))])  # the last column is for the bias
    targets = np.eye(n_classes)[labels]

    def objective(flat: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        weights = flat.reshape(n_classes, -1)
        logits = inputs @ weights.T  # (N, K)
        loss = -float(shares @ (log_softmax(logits, axis=1) * targets).sum(1))
        errors = shares[:, None] * (softmax(logits, axis=1) - targets)
        gradient = errors.T @ inputs + penalty * weights
        return loss + penalty / 2 * float(flat @ flat), gradient.ravel()

    start = np.zeros(n_classes * inputs.shape[1])
    options: dict[str, Any] = {"maxiter": _MAX_ITERATIONS, "ftol": 1e-12, "gtol": 1e-8}
    fitted = minimize(objective, start, jac=True, method="L-BFGS-B", options=options).x.reshape(n_classes, -1)
    weights = fitted[:, :-1] / scale
    return weights, fitted[:, -1] - weights @ center
