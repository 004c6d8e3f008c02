import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import softmax
from sklearn.calibration import calibration_curve

from evaluation.factories import label_evaluation, without_interval
from seamline.evaluation.bootstrap import GroupBootstrap
from seamline.evaluation.calibration import (
    N_BINS,
    ReliabilityBins,
    best_temperature,
    bin_index,
    calibrate,
    confidences,
    fit_temperature,
    reliability_bins,
)
from seamline.evaluation.evaluate import Evaluation
from seamline.run_folder import Estimate


def honest(count: int, sharpened: float, seed: int = 0) -> Evaluation:
    """Labels drawn from the stated probabilities, then all logits multiplied: the right temperature is known."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 2, (count, 5))
    totals = softmax(logits, axis=1).cumsum(1)
    labels = (rng.random((count, 1)) > totals).sum(1).clip(0, 4)
    return label_evaluation("abcde", (logits * sharpened).astype(np.float32), labels)


def temperature_of(asked: Evaluation) -> Estimate:
    return fit_temperature(asked.sample, asked.counts.bootstrap)


def ece_of(asked: Evaluation) -> Estimate:
    return reliability_bins(asked.sample, asked.counts.bootstrap, 1.0).ece()


def bins_by_hand(confidence: NDArray[np.float64], right: NDArray[np.bool_]) -> ReliabilityBins:
    counts, hits, stated = (np.zeros((len(right), N_BINS)) for _ in range(3))
    for sums, values in ((counts, 1), (hits, right), (stated, confidence)):
        sums[np.arange(len(right)), bin_index(confidence)] = values
    bootstrap = GroupBootstrap(np.arange(len(right)), one_label=True)
    return ReliabilityBins(bootstrap, counts, hits, stated, np.zeros(len(right)))


@pytest.mark.parametrize("sharpened", [0.5, 1.0, 3.0])
def test_the_temperature_undoes_what_was_done(sharpened: float) -> None:
    temperature = temperature_of(honest(20_000, sharpened))
    assert temperature.value == pytest.approx(sharpened, rel=0.05)
    assert temperature.low < sharpened < temperature.high


def test_the_interval_of_the_temperature_covers_as_often_as_it_says() -> None:
    hits = 0
    for seed in range(200):
        temperature = temperature_of(honest(400, 2.0, seed))
        hits += temperature.low < 2.0 < temperature.high
    assert 0.90 <= hits / 200 <= 0.99


def test_calibration_error_by_hand() -> None:
    """Two bins: 4 images at 0.9 of which 2 are right, 6 at 0.6 of which 6 are right: 0.4 x 0.4 + 0.6 x 0.4."""
    confidence = np.array([0.9] * 4 + [0.6] * 6)
    right = np.array([True, True, False, False] + [True] * 6)
    bins = bins_by_hand(confidence, right)
    assert bins.ece().value == pytest.approx(0.4)
    rows = bins.reliability()
    assert [row.count for row in rows] == [6, 4]
    assert [row.accuracy.value for row in rows] == [1.0, 0.5]
    assert [row.confidence for row in rows] == pytest.approx([0.6, 0.9])


def test_reliability_agrees_with_scikit_learn() -> None:
    asked = honest(5000, 2.0)
    confidence = confidences(asked.sample.logits[:, :, 0], 1.0)
    right = asked.predicted == asked.split.labels
    accuracy, stated = calibration_curve(right, confidence, n_bins=15)
    bins = reliability_bins(asked.sample, asked.counts.bootstrap, 1.0)
    rows = bins.reliability()
    assert [row.accuracy.value for row in rows] == pytest.approx(accuracy.tolist())
    assert [row.confidence for row in rows] == pytest.approx(stated.tolist())
    weights = np.array([row.count for row in rows]) / 5000
    error = bins.ece()
    assert error.value == pytest.approx(float((weights * abs(accuracy - stated)).sum()))
    assert error.low <= error.value <= error.high


def test_scaling_mends_an_overconfident_network_and_keeps_its_answers() -> None:
    val, test = honest(4000, 3.0, 1), honest(4000, 3.0, 2)
    calibrated = calibrate(val, test).held_out
    assert calibrated.confidence_gap_raw.low > 0
    assert calibrated.ece_scaled.high < calibrated.ece_raw.low
    gain = calibrated.nll_raw.value - calibrated.nll_scaled.value
    assert calibrated.nll_reduction.value == pytest.approx(gain)
    assert calibrated.nll_reduction.low > 0
    assert calibrated.confidence_gap_scaled.low < 0 < calibrated.confidence_gap_scaled.high
    assert sum(row.count for row in calibrated.reliability_scaled) == 4000


def test_logits_that_determine_no_temperature_keep_their_own() -> None:
    flat = label_evaluation("ab", np.zeros((10, 2), dtype=np.float32), np.arange(10) % 2)
    perfect = label_evaluation("ab", 9 * np.eye(2, dtype=np.float32)[np.arange(10) % 2], np.arange(10) % 2)
    vague = label_evaluation("ab", np.array([[1e-3, 0], [0, 1e-3], [1e-3, 0]], dtype=np.float32), np.array([0, 1, 1]))
    for asked in (flat, perfect, vague):
        assert temperature_of(asked).value == best_temperature(asked.sample) == 1.0
        assert without_interval(temperature_of(asked))


@pytest.mark.parametrize("sharpened", [1.0, 1.2, 2.0])
@pytest.mark.parametrize("count", [500, 5000])
def test_the_interval_of_the_calibration_error_covers(sharpened: float, count: int) -> None:
    """The truth is the error of the same logits on so many images that chance has no part in it."""
    crowd = honest(400_000, sharpened, seed=99)
    truth = ece_of(crowd).value if sharpened > 1 else 0.0
    hits = 0
    for seed in range(60):
        asked = honest(count, sharpened, seed)
        interval = ece_of(asked)
        hits += interval.low <= truth <= interval.high
    assert hits >= 55
