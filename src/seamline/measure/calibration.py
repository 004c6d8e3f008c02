"""How far a stated probability can be trusted, before and after temperature scaling."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax

from seamline.measure.evaluation import Evaluation
from seamline.measure.intervals import LEVEL, Interval, Z, mean, wilson

BINS = 15
_COOLEST, _HOTTEST = 0.05, 20.0  # a temperature at either end is not one that the images determine
_DRAWS = 10_000


@dataclass(frozen=True, eq=False)
class Fit:
    """The temperature that suits labelled scores best, and how surely each of them says so.

    Attributes:
        log_inverse: logarithm of b = 1 / temperature.
        slopes: (N,) float64, each label's slope of the negative log likelihood in b: E[z] - z of the true class
            under softmax(b z).
        curvatures: (N,) float64, the same's curvature, Var[z].
        determined: False where the labels determine none: scores that are all equal, or a temperature at the end of
            what is looked at.
    """

    log_inverse: float
    slopes: NDArray[np.float64]
    curvatures: NDArray[np.float64]
    determined: bool

    @property
    def inverse(self) -> float:
        """What the scores are multiplied by, 1 / temperature."""
        return math.exp(self.log_inverse)


def find_fit(scores: NDArray[np.float64], labels: NDArray[np.int64]) -> Fit:
    """Find the b = 1 / T for which softmax(b scores) has the lowest negative log likelihood.

    Args:
        scores: (N, K).
        labels: (N,), 0..K-1.
    """
    rows = np.arange(len(scores))

    def loss(log_inverse: float) -> float:
        return float(-log_softmax(math.exp(log_inverse) * scores, axis=1)[rows, labels].mean())

    ends = (-math.log(_HOTTEST), -math.log(_COOLEST))
    log_inverse = float(minimize_scalar(loss, bounds=ends, method="bounded", options={"xatol": 1e-6}).x)
    inverse = math.exp(log_inverse)
    probabilities = softmax(inverse * scores, axis=1)
    expected = (probabilities * scores).sum(1, keepdims=True)
    slopes = expected[:, 0] - scores[rows, labels]
    curvatures = (probabilities * (scores - expected) ** 2).sum(1)
    at_an_end = min(log_inverse - ends[0], ends[1] - log_inverse) < 1e-3
    return Fit(log_inverse, slopes, curvatures, not at_an_end and float(curvatures.mean()) != 0)


def fit_temperature(evaluation: Evaluation) -> Interval:
    """Find the temperature T for which softmax(scores / T) has the lowest negative log likelihood.

    Guo, Pleiss, Sun, Weinberger, On Calibration of Modern Neural Networks, ICML 2017. The interval is that of the
    estimating equation in b = 1 / T: its slope and curvature at each image, and the sandwich of the two, give the
    standard error of log b.

    Args:
        evaluation: of the validation images.

    Returns:
        The temperature; 1 without an interval where the images determine none (scores that are all equal, or that
        tell the classes apart without an error, so that any sharper temperature would be better still).
    """
    fit = find_fit(evaluation.scores.astype(np.float64), evaluation.labels)
    if not fit.determined or evaluation.accuracy == 1:
        return Interval(1.0, math.nan, math.nan)
    spread = math.sqrt(float((fit.slopes**2).mean()) / len(fit.slopes))
    error = spread / (float(fit.curvatures.mean()) * fit.inverse)
    return Interval(1 / fit.inverse, math.exp(-fit.log_inverse - Z * error), math.exp(-fit.log_inverse + Z * error))


def confidences(scores: NDArray[np.float32], temperature: float) -> NDArray[np.float64]:
    """Return how sure the network is of its own answer: (N, K) scores -> (N,) in 1/K..1."""
    highest: NDArray[np.float64] = softmax(scores.astype(np.float64) / temperature, axis=1).max(1)
    return highest


def expected_calibration_error(confidence: NDArray[np.float64], right: NDArray[np.bool_]) -> Interval:
    """Return the mean distance between confidence and accuracy over bins of equal width, weighted by their images.

    Naeini, Cooper, Hauskrecht, AAAI 2015. Chance alone gives every bin some distance. By the triangle inequality the
    figure is off by no more than the same sum over the chance deviations of the bins; the interval is the figure
    plus and minus what 95 % of drawn deviations stay below. It covers at least as often as it says.

    Args:
        confidence: (N,) in 0..1.
        right: (N,) whether the answer was right.
    """
    places = bin_of(confidence)
    total = len(confidence)
    images = np.bincount(places, minlength=BINS)
    hits = np.bincount(places, weights=right, minlength=BINS)
    stated = np.bincount(places, weights=confidence, minlength=BINS)
    value = float(np.abs(stated - hits).sum() / total)
    shares = (hits + 2) / (images + 4)  # drawn towards a half, so that a bin without an error is not without chance
    deviations = np.sqrt(images * shares * (1 - shares)) / total
    drawn = np.abs(np.random.default_rng(0).standard_normal((_DRAWS, BINS))) @ deviations
    reach = float(np.quantile(drawn, LEVEL))
    return Interval(value, max(0.0, value - reach), value + reach)


def reliability(confidence: NDArray[np.float64], right: NDArray[np.bool_]) -> list[dict[str, Any]]:
    """Return confidence and accuracy bin by bin, as `calibration.json` holds them; empty bins are left out."""
    places = bin_of(confidence)
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


def overconfidence(confidence: NDArray[np.float64], right: NDArray[np.bool_]) -> Interval:
    """Return mean confidence minus accuracy: above 0 the network is surer than it is right."""
    return mean(confidence - right)


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
    losses: list[NDArray[np.float64]] = []
    for when, used in (("before", 1.0), ("after", temperature)):
        confidence = confidences(evaluation.scores, used)
        cooled = Evaluation(evaluation.classes, evaluation.scores / np.float32(used), evaluation.labels)
        figures[f"nll_{when}"] = mean(cooled.losses).json()
        figures[f"ece_{when}"] = expected_calibration_error(confidence, right).json()
        figures[f"overconfidence_{when}"] = overconfidence(confidence, right).json()
        figures[f"reliability_{when}"] = reliability(confidence, right)
        losses.append(cooled.losses)
    figures["nll_gain"] = mean(losses[0] - losses[1]).json()
    return figures


def bin_of(confidence: NDArray[np.floating[Any]]) -> NDArray[np.int64]:
    """Return the bin of each confidence 0..1: 0..BINS-1; a bin holds its upper end."""
    places: NDArray[np.int64] = np.clip(np.ceil(confidence * BINS).astype(np.int64) - 1, 0, BINS - 1)
    return places
