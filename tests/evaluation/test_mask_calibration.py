import numpy as np
import pytest
import torch
from scipy.special import softmax
from sklearn.calibration import calibration_curve
from sklearn.metrics import log_loss

from evaluation.factories import label_evaluation, logits_of, mask_evaluation, mask_split, without_interval
from seamline.data.dataset import IGNORE_INDEX
from seamline.evaluation import calibration
from seamline.evaluation.calibration import best_temperature, calibrate, fit_temperature, reliability_bins
from seamline.evaluation.evaluate import Evaluation
from seamline.run_folder import Estimate


def temperature_of(asked: Evaluation) -> Estimate:
    return fit_temperature(asked.sample, asked.counts.bootstrap)


@pytest.mark.parametrize("sharp", [0.5, 1.0, 3.0])
def test_the_temperature_undoes_what_was_done(sharp: float) -> None:
    """The made masks are drawn from the softmax of the unsharpened scores."""
    temperature = temperature_of(mask_evaluation(mask_split(60, groups=30), sharp))
    assert temperature.value == pytest.approx(sharp, rel=0.06)
    assert temperature.low < sharp < temperature.high


def test_a_sample_of_pixels_gives_nearly_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = mask_evaluation(mask_split(60, groups=30), 2.0)
    whole = temperature_of(asked)
    monkeypatch.setattr(calibration, "MAX_FITTED", 5_000)
    assert temperature_of(asked).value == pytest.approx(whole.value, rel=0.1)


def test_one_newton_step_is_nearly_the_refitted_temperature() -> None:
    """The images of a few groups, taken as often as a resample draws them, and fitted anew."""
    split = mask_split(24, side=(24, 20), groups=6)
    asked = mask_evaluation(split, 2.0)
    around = temperature_of(asked)
    bootstrap = asked.counts.bootstrap
    fitted = []
    for row in bootstrap.weights[1:21]:
        times = row[bootstrap.members].astype(int)
        fitted.append(temperature_of(mask_evaluation(split.select(np.repeat(np.arange(24), times)), 2.0)).value)
    low, high = np.quantile(fitted, [0.1, 0.9])
    assert around.low - 0.02 < low < around.value < high < around.high + 0.02


def test_figures_agree_with_scikit_learn() -> None:
    split = mask_split(30, groups=10)
    asked = mask_evaluation(split, 2.0)
    used = split.labels != IGNORE_INDEX
    stated = softmax(logits_of(split.images, 2.0)[used].astype(np.float64), axis=1)
    right = stated.argmax(1) == split.labels[used]
    accuracy, confidence = calibration_curve(right, stated.max(1), n_bins=15)
    measured = calibrate(asked, asked).held_out
    rows = measured.reliability_raw
    assert sum(row.count for row in rows) == used.sum()
    assert [row.accuracy.value for row in rows] == pytest.approx(accuracy.tolist(), abs=2e-3)
    assert [row.confidence for row in rows] == pytest.approx(confidence.tolist(), abs=2e-3)
    assert measured.nll_raw.value == pytest.approx(log_loss(split.labels[used], stated), rel=1e-5)
    assert measured.confidence_gap_raw.value == pytest.approx(stated.max(1).mean() - right.mean(), abs=1e-6)


def test_labels_of_images_are_masks_of_one_pixel() -> None:
    """The same logits as images to classify and as masks of 1 x 1: the values agree, and so do the intervals about."""
    rng = np.random.default_rng(0)
    logits, labels = rng.normal(size=(900, 2)).astype(np.float32), rng.integers(0, 2, 900)
    single = label_evaluation("ab", logits, labels)
    grouped = label_evaluation("ab", logits, labels)
    object.__setattr__(grouped.counts.bootstrap, "one_label", False)  # so that groups are resampled
    formula, resampled = (calibrate(one, one).held_out for one in (single, grouped))
    for name in ("nll_raw", "nll_reduction", "ece_raw", "confidence_gap_raw"):
        first, second = getattr(formula, name), getattr(resampled, name)
        assert first.value == pytest.approx(second.value)
        assert (first.low, first.high) == pytest.approx((second.low, second.high), abs=0.02)
    assert [row.count for row in formula.reliability_raw] == [row.count for row in resampled.reliability_raw]


def test_scaling_mends_an_overconfident_network() -> None:
    val, test = (mask_evaluation(mask_split(40, seed, groups=20), 3.0, stream=seed) for seed in (1, 2))
    calibrated = calibrate(val, test).held_out
    assert calibrated.confidence_gap_raw.low > 0
    assert calibrated.ece_scaled.high < calibrated.ece_raw.low
    gain = calibrated.nll_raw.value - calibrated.nll_scaled.value
    assert calibrated.nll_reduction.value == pytest.approx(gain)
    assert calibrated.nll_reduction.low > 0


def test_pixels_that_determine_no_temperature_keep_their_own() -> None:
    split = mask_split(ignored=1.0)
    assert without_interval(temperature_of(mask_evaluation(split)))
    assert best_temperature(mask_evaluation(split).sample) == 1
    perfect = mask_split()
    answers = logits_of(perfect.images).argmax(-1).astype(np.uint8)
    perfect.labels[:] = np.where(perfect.labels == IGNORE_INDEX, IGNORE_INDEX, answers)
    assert without_interval(temperature_of(mask_evaluation(perfect)))
    assert temperature_of(mask_evaluation(perfect)).value == 1
    empty = calibrate(mask_evaluation(split), mask_evaluation(split)).held_out
    assert not empty.ece_raw.present
    assert empty.reliability_raw == ()


def test_one_group_has_no_intervals() -> None:
    asked = mask_evaluation(mask_split(groups=1))
    bins = reliability_bins(asked.sample, asked.counts.bootstrap, 1.0)
    assert without_interval(bins.ece())
    assert without_interval(bins.confidence_gap())
    assert 0 <= bins.ece().value <= 1


def test_torch_and_scipy_mean_the_same_softmax() -> None:
    scores = logits_of(mask_split().images).reshape(-1, 4)
    np.testing.assert_allclose(softmax(scores, axis=1), torch.from_numpy(scores).softmax(1).numpy(), rtol=1e-5)
