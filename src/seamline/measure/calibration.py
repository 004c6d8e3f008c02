"""How far a stated probability can be trusted, before and after temperature scaling."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax

from seamline.measure.evaluation import Evaluation
from seamline.measure.intervals import LEVEL, Interval, Z, mean, wilson

BINS = 15
_RESAMPLES = 500


def fit_temperature(evaluation: Evaluation) -> Interval:
    """Find the temperature T for which softmax(scores / T) has the lowest negative log likelihood.

    Guo, Pleiss, Sun, Weinberger, On Calibration of Modern Neural Networks, ICML 2017. The interval is that of the
    estimating equation in b = 1 / T: its slope at image i is E[z] - z of the true class under softmax(b z), its
    curvature Var[z], and the sandwich of the two gives the standard error of log b.

    Args:
        evaluation: of the validation images.
    """
    scores = evaluation.scores.astype(np.float64)
    rows = np.arange(len(scores))

    def loss(log_inverse: float) -> float:
        return float(-log_softmax(math.exp(log_inverse) * scores, axis=1)[rows, evaluation.labels].mean())

    log_inverse = float(minimize_scalar(loss, bounds=(math.log(1e-2), math.log(1e2)), method="bounded").x)
    inverse = math.exp(log_inverse)
    probabilities = softmax(inverse * scores, axis=1)
    expected = (probabilities * scores).sum(1)
    slopes = expected - scores[rows, evaluation.labels]
    curvature = float(((probabilities * scores**2).sum(1) - expected**2).mean())
    if curvature == 0:  # all scores equal: any temperature fits as well
        return Interval(1.0, 1e-2, 1e2)
    error = math.sqrt(float((slopes**2).mean()) / len(scores)) / (curvature * inverse)
    return Interval(1 / inverse, math.exp(-log_inverse - Z * error), math.exp(-log_inverse + Z * error))


def confidences(scores: NDArray[np.float32], temperature: float) -> NDArray[np.float64]:
    """Return how sure the network is of its own answer: (N, K) scores -> (N,) in 1/K..1."""
    highest: NDArray[np.float64] = softmax(scores.astype(np.float64) / temperature, axis=1).max(1)
    return highest


def expected_calibration_error(confidence: NDArray[np.float64], right: NDArray[np.bool_]) -> Interval:
    """Return the mean distance between confidence and accuracy over bins of equal width, weighted by their images.

    Naeini, Cooper, Hauskrecht, AAAI 2015. Chance alone makes the error larger than it is, and makes it larger once
    more in every resample; the basic bootstrap interval (2 x value - quantiles) takes that out of its ends.

    Args:
        confidence: (N,) in 0..1.
        right: (N,) whether the answer was right.
    """
    places = _bin_of(confidence)
    gaps = np.zeros((len(confidence), BINS))
    gaps[np.arange(len(confidence)), places] = confidence - right
    value = float(np.abs(gaps.mean(0)).sum())
    chance = np.random.default_rng(0)
    drawn = chance.multinomial(len(gaps), np.full(len(gaps), 1 / len(gaps)), size=_RESAMPLES)
    errors = np.abs(drawn @ gaps / len(gaps)).sum(1)
    below, above = np.quantile(errors, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    low, high = max(0.0, 2 * value - float(above)), 2 * value - float(below)
    return Interval(value, min(low, value), max(high, value))


def reliability(confidence: NDArray[np.float64], right: NDArray[np.bool_]) -> list[dict[str, Any]]:
    """Return confidence and accuracy bin by bin, as `calibration.json` holds them; empty bins are left out."""
    places = _bin_of(confidence)
    rows = []
    for place in range(BINS):
        inside = places == place
        if inside.any():
            rows.append(
                {
                    "from": place / BINS,
                    "to": (place + 1) / BINS,
                    "images": int(inside.sum()),
                    "confidence": float(confidence[inside].mean()),
                    "accuracy": wilson(int(right[inside].sum()), int(inside.sum())).json(),
                }
            )
    return rows


def overconfidence(evaluation: Evaluation, temperature: float) -> Interval:
    """Return mean confidence minus accuracy: above 0 the network is surer than it is right."""
    return mean(confidences(evaluation.scores, temperature) - (evaluation.predicted == evaluation.labels))


def summarise_calibration(val: Evaluation, test: Evaluation) -> dict[str, Any]:
    """Fit the temperature on validation and measure both splits with and without it, as `calibration.json`."""
    temperature = fit_temperature(val)
    parts = {"val": val, "test": test}
    return {
        "temperature": temperature.json(),
        "bins": BINS,
        **{name: _measured(part, temperature.value) for name, part in parts.items()},
    }


def _measured(evaluation: Evaluation, temperature: float) -> dict[str, Any]:
    right = evaluation.predicted == evaluation.labels
    figures: dict[str, Any] = {}
    for when, used in (("before", 1.0), ("after", temperature)):
        confidence = confidences(evaluation.scores, used)
        cooled = Evaluation(evaluation.classes, evaluation.scores / np.float32(used), evaluation.labels)
        figures[f"nll_{when}"] = mean(cooled.losses).json()
        figures[f"ece_{when}"] = expected_calibration_error(confidence, right).json()
        figures[f"overconfidence_{when}"] = overconfidence(evaluation, used).json()
        figures[f"reliability_{when}"] = reliability(confidence, right)
    return figures


def _bin_of(confidence: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the bin of each confidence, 0..BINS-1; a bin holds its upper end."""
    return np.clip(np.ceil(confidence * BINS).astype(np.int64) - 1, 0, BINS - 1)
