import numpy as np
import pytest
from scipy.special import softmax
from sklearn.calibration import calibration_curve

from seamline.measure.calibration import (
    confidences,
    expected_calibration_error,
    fit_temperature,
    overconfidence,
    reliability,
    summarise_calibration,
)
from seamline.measure.evaluation import Evaluation


def honest(count: int, sharpened: float, seed: int = 0) -> Evaluation:
    """Labels drawn from the stated probabilities, then all scores multiplied: the right temperature is known."""
    chance = np.random.default_rng(seed)
    scores = chance.normal(0, 2, (count, 5))
    totals = softmax(scores, axis=1).cumsum(1)
    labels = (chance.random((count, 1)) > totals).sum(1).clip(0, 4)
    return Evaluation(tuple("abcde"), (scores * sharpened).astype(np.float32), labels)


@pytest.mark.parametrize("sharpened", [0.5, 1.0, 3.0])
def test_the_temperature_undoes_what_was_done(sharpened: float) -> None:
    temperature = fit_temperature(honest(20_000, sharpened))
    assert temperature.value == pytest.approx(sharpened, rel=0.05)
    assert temperature.low < sharpened < temperature.high


def test_the_interval_of_the_temperature_covers_as_often_as_it_says() -> None:
    hits = 0
    for seed in range(200):
        temperature = fit_temperature(honest(400, 2.0, seed))
        hits += temperature.low < 2.0 < temperature.high
    assert 0.90 <= hits / 200 <= 0.99


def test_calibration_error_by_hand() -> None:
    """Two bins: 4 images at 0.9 of which 2 are right, 6 at 0.6 of which 6 are right: 0.4 x 0.4 + 0.6 x 0.4."""
    confidence = np.array([0.9] * 4 + [0.6] * 6)
    right = np.array([True, True, False, False] + [True] * 6)
    assert expected_calibration_error(confidence, right).value == pytest.approx(0.4)
    rows = reliability(confidence, right)
    assert [row["images"] for row in rows] == [6, 4]
    assert [row["accuracy"]["value"] for row in rows] == [1.0, 0.5]
    assert [row["confidence"] for row in rows] == pytest.approx([0.6, 0.9])


def test_reliability_agrees_with_scikit_learn() -> None:
    asked = honest(5000, 2.0)
    confidence = confidences(asked.scores, 1.0)
    right = asked.predicted == asked.labels
    accuracy, stated = calibration_curve(right, confidence, n_bins=15)
    rows = reliability(confidence, right)
    assert [row["accuracy"]["value"] for row in rows] == pytest.approx(accuracy.tolist())
    assert [row["confidence"] for row in rows] == pytest.approx(stated.tolist())
    weights = np.array([row["images"] for row in rows]) / 5000
    error = expected_calibration_error(confidence, right)
    assert error.value == pytest.approx(float((weights * abs(accuracy - stated)).sum()))
    assert error.low <= error.value <= error.high


def test_scaling_mends_an_overconfident_network_and_keeps_its_answers() -> None:
    val, test = honest(4000, 3.0, 1), honest(4000, 3.0, 2)
    figures = summarise_calibration(val, test)["test"]
    assert overconfidence(confidences(test.scores, 1.0), test.predicted == test.labels).low > 0
    assert figures["ece_after"]["high"] < figures["ece_before"]["low"]
    gain = figures["nll_before"]["value"] - figures["nll_after"]["value"]
    assert figures["nll_gain"]["value"] == pytest.approx(gain)
    assert figures["nll_gain"]["low"] > 0
    assert figures["overconfidence_after"]["low"] < 0 < figures["overconfidence_after"]["high"]
    assert sum(row["images"] for row in figures["reliability_after"]) == 4000


def test_scores_that_determine_no_temperature_keep_their_own() -> None:
    flat = Evaluation(("a", "b"), np.zeros((10, 2), dtype=np.float32), np.arange(10) % 2)
    perfect = Evaluation(("a", "b"), 9 * np.eye(2, dtype=np.float32)[np.arange(10) % 2], np.arange(10) % 2)
    for asked in (flat, perfect):
        assert fit_temperature(asked).json() == {"value": 1.0, "low": None, "high": None}


@pytest.mark.parametrize("sharpened", [1.0, 1.2, 2.0])
@pytest.mark.parametrize("count", [500, 5000])
def test_the_interval_of_the_calibration_error_covers(sharpened: float, count: int) -> None:
    """The truth is the error of the same scores on so many images that chance has no part in it."""
    crowd = honest(400_000, sharpened, seed=99)
    sure = confidences(crowd.scores, 1.0)
    truth = expected_calibration_error(sure, crowd.predicted == crowd.labels).value if sharpened > 1 else 0.0
    hits = 0
    for seed in range(60):
        asked = honest(count, sharpened, seed)
        right = asked.predicted == asked.labels
        interval = expected_calibration_error(confidences(asked.scores, 1.0), right)
        hits += interval.low <= truth <= interval.high
    assert hits >= 55
