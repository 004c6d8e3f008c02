import numpy as np
import pytest
import torch
from scipy.special import softmax
from sklearn.calibration import calibration_curve
from sklearn.metrics import log_loss

from measure.masks.made import made_evaluation, made_split, scores_of
from seamline.data.dataset import IGNORE_INDEX
from seamline.measure.calibration import summarise_calibration as summarise_images
from seamline.measure.evaluation import Evaluation
from seamline.measure.masks import calibration
from seamline.measure.masks.calibration import bins_of, fit_temperature, summarise_calibration


@pytest.mark.parametrize("sharp", [0.5, 1.0, 3.0])
def test_the_temperature_undoes_what_was_done(sharp: float) -> None:
    """The made masks are drawn from the softmax of the unsharpened scores."""
    temperature = fit_temperature(made_evaluation(made_split(60, groups=30), sharp))
    assert temperature.value == pytest.approx(sharp, rel=0.06)
    assert temperature.low < sharp < temperature.high


def test_a_sample_of_pixels_gives_nearly_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = made_evaluation(made_split(60, groups=30), 2.0)
    whole = fit_temperature(asked)
    monkeypatch.setattr(calibration, "FITTED_ON", 5_000)
    assert fit_temperature(asked).value == pytest.approx(whole.value, rel=0.1)


def test_one_newton_step_is_nearly_the_refitted_temperature() -> None:
    """The images of a few groups, taken as often as a resample draws them, and fitted anew."""
    split = made_split(24, side=(24, 20), groups=6)
    asked = made_evaluation(split, 2.0)
    around = fit_temperature(asked)
    resamples = asked.tally.resamples
    fitted = []
    for row in resamples.weights[1:21]:
        times = row[resamples.members].astype(int)
        fitted.append(fit_temperature(made_evaluation(split.take(np.repeat(np.arange(24), times)), 2.0)).value)
    low, high = np.quantile(fitted, [0.1, 0.9])
    assert around.low - 0.02 < low < around.value < high < around.high + 0.02


def test_figures_agree_with_scikit_learn() -> None:
    split = made_split(30, groups=10)
    asked = made_evaluation(split, 2.0)
    used = split.labels != IGNORE_INDEX
    stated = softmax(scores_of(split.images, 2.0)[used].astype(np.float64), axis=1)
    right = stated.argmax(1) == split.labels[used]
    accuracy, confidence = calibration_curve(right, stated.max(1), n_bins=15)
    figures = summarise_calibration(asked, asked)["test"]
    rows = figures["reliability_before"]
    assert sum(row["pixels"] for row in rows) == used.sum()
    assert [row["accuracy"]["value"] for row in rows] == pytest.approx(accuracy.tolist(), abs=2e-3)
    assert [row["confidence"] for row in rows] == pytest.approx(confidence.tolist(), abs=2e-3)
    assert figures["nll_before"]["value"] == pytest.approx(log_loss(split.labels[used], stated), rel=1e-5)
    assert figures["overconfidence_before"]["value"] == pytest.approx(stated.max(1).mean() - right.mean(), abs=1e-6)


def test_the_keys_are_those_of_images_and_pixels_take_the_place_of_images() -> None:
    asked = made_evaluation(made_split(30, groups=10), 2.0)
    chance = np.random.default_rng(0)
    images = Evaluation(("a", "b"), chance.normal(size=(90, 2)).astype(np.float32), chance.integers(0, 2, 90))
    ours, theirs = summarise_calibration(asked, asked), summarise_images(images, images)
    assert ours.keys() == theirs.keys()
    assert ours["val"].keys() == theirs["val"].keys()
    row = ours["val"]["reliability_after"][0]
    assert {"pixels"} | theirs["val"]["reliability_after"][0].keys() - {"images"} == row.keys()


def test_scaling_mends_an_overconfident_network() -> None:
    val, test = (made_evaluation(made_split(40, seed, groups=20), 3.0, stream=seed) for seed in (1, 2))
    figures = summarise_calibration(val, test)["test"]
    assert figures["overconfidence_before"]["low"] > 0
    assert figures["ece_after"]["high"] < figures["ece_before"]["low"]
    gain = figures["nll_before"]["value"] - figures["nll_after"]["value"]
    assert figures["nll_gain"]["value"] == pytest.approx(gain)
    assert figures["nll_gain"]["low"] > 0


def test_pixels_that_determine_no_temperature_keep_their_own() -> None:
    split = made_split(ignored=1.0)
    assert fit_temperature(made_evaluation(split)).json() == {"value": 1.0, "low": None, "high": None}
    perfect = made_split()
    answers = scores_of(perfect.images).argmax(-1).astype(np.uint8)
    perfect.labels[:] = np.where(perfect.labels == IGNORE_INDEX, IGNORE_INDEX, answers)
    assert fit_temperature(made_evaluation(perfect)).json() == {"value": 1.0, "low": None, "high": None}
    empty = summarise_calibration(made_evaluation(split), made_evaluation(split))["test"]
    assert empty["ece_before"]["value"] is None
    assert empty["reliability_before"] == []


def test_one_group_has_no_intervals() -> None:
    bins = bins_of(made_evaluation(made_split(groups=1)), 1.0)
    assert bins.error.json()["low"] is None
    assert bins.overconfidence.json()["low"] is None
    assert 0 <= bins.error.value <= 1


def test_torch_and_scipy_mean_the_same_softmax() -> None:
    scores = scores_of(made_split().images).reshape(-1, 4)
    np.testing.assert_allclose(softmax(scores, axis=1), torch.from_numpy(scores).softmax(1).numpy(), rtol=1e-5)
