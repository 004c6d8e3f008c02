"""How well confidence matches accuracy, raw and after temperature scaling."""

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import softmax

from seamline.evaluation.bootstrap import GroupBootstrap, percentile_interval, ratio
from seamline.evaluation.confidence import LEVEL, Z
from seamline.evaluation.conformal import calibrate_fractions
from seamline.evaluation.counts import cross_entropy
from seamline.evaluation.evaluate import Evaluation, SampledLogits
from seamline.run_folder import Calibration, CalibrationBin, Estimate, SplitCalibration

N_BINS = 15
MAX_FITTED = 200_000
"""Labels on which a temperature is fitted at most, drawn at random: leaving out others moves it by under a percent."""

_BOUNDS = (0.05, 20.0)  # a temperature at either end is not one that the labels determine
_MAX_MARGIN = math.log(_BOUNDS[1] / _BOUNDS[0])  # an interval of the logarithm that says nothing
_N_DRAWS = 10_000
_BLOCK = 4_000_000  # logits that are scaled at once


class _Fit(NamedTuple):
    """The temperature with the lowest negative log likelihood, and what each label contributes to it."""

    log_inverse: float  # logarithm of b = 1 / temperature
    margin: float  # half its 95 % interval for independent labels: the sandwich of slopes and curvatures
    image: NDArray[np.int64]  # (N,) int64, the image of each label
    # (N,) float64, of the negative log likelihood in b: E[z] minus z of the true class, or its mean over the classes
    # that the label stands for
    slopes: NDArray[np.float64]
    curvatures: NDArray[np.float64]  # (N,) float64, in b: Var[z] under softmax(b z), less that of the label's classes


def fit_temperature(sample: SampledLogits, bootstrap: GroupBootstrap) -> Estimate:
    """Find the temperature T for which softmax(logits / T) has the lowest negative log likelihood.

    Guo, Pleiss, Sun, Weinberger, On Calibration of Modern Neural Networks, ICML 2017. Fitted on at most `MAX_FITTED`
    labels. Where labels are independent, the interval is that of the estimating equation in b = 1 / T: the slopes and
    curvatures of the labels, and the sandwich of the two, give the standard error of log b. Else it comes from
    resampled groups: in each resample one Newton step leads from the fit to its own, b falling by the sum of slopes
    over the sum of curvatures.

    Args:
        sample: logits of validation images.
        bootstrap: of their groups.

    Returns:
        The temperature; 1 without an interval where the labels determine none (logits that are all equal, or that
        separate the classes without an error, so that any sharper temperature would be better still).
    """
    fit = _fit(sample)
    if fit is None:
        return Estimate(1.0)
    if bootstrap.independent:
        return Estimate(*(math.exp(margin - fit.log_inverse) for margin in (0, -fit.margin, fit.margin)))
    slope, curvature = (
        bootstrap.resample_sums(np.bincount(fit.image, weights=values, minlength=len(sample.labels)))
        for values in (fit.slopes, fit.curvatures)
    )
    steps = np.clip(ratio(slope, curvature * math.exp(fit.log_inverse)), -_MAX_MARGIN, _MAX_MARGIN)
    steps[0] = 0  # the fit itself is at its minimum
    return percentile_interval(np.exp(steps - fit.log_inverse))


def best_temperature(sample: SampledLogits) -> float:
    """Return the temperature of `fit_temperature` without its interval."""
    fit = _fit(sample)
    return 1.0 if fit is None else math.exp(-fit.log_inverse)


def _fit(sample: SampledLogits) -> _Fit | None:
    """Find the b = 1 / T for which softmax(b logits) has the lowest negative log likelihood.

    None where the labels determine no temperature: no label, no error or logits that are all equal, a temperature at
    the end of the range that is searched, or an interval wider than that range.
    """
    image, column = np.nonzero(sample.valid)
    if len(image) > MAX_FITTED:
        drawn = np.sort(np.random.default_rng(0).choice(len(image), MAX_FITTED, replace=False))
        image, column = image[drawn], column[drawn]
    labels = sample.labels[image, column].astype(np.int64)
    if not len(labels) or np.array_equal(labels, sample.predicted[image, column]):
        return None
    logits = sample.logits[image, :, column].astype(np.float64)

    def loss(log_inverse: float) -> float:
        return float(cross_entropy(sample.merge(math.exp(log_inverse) * logits, image), labels).mean())

    low, high = -math.log(_BOUNDS[1]), -math.log(_BOUNDS[0])
    log_inverse = float(minimize_scalar(loss, bounds=(low, high), method="bounded", options={"xatol": 1e-6}).x)
    inverse = math.exp(log_inverse)
    expected, variance = _moments(logits, inverse)
    if sample.merging is None:
        slopes, curvatures = expected - logits[np.arange(len(logits)), labels], variance
    else:  # the likelihood of a label is the sum over its classes
        of_label = _moments(logits, inverse, sample.merging.members(image, labels))
        slopes, curvatures = expected - of_label[0], variance - of_label[1]
    curvature = float(curvatures.mean()) * inverse
    margin = Z * math.sqrt(float((slopes**2).mean()) / len(slopes)) / curvature if curvature > 0 else math.inf
    if min(log_inverse - low, high - log_inverse) < 1e-3 or margin >= _MAX_MARGIN:
        return None
    return _Fit(log_inverse, margin, image, slopes, curvatures)


def _moments(
    logits: NDArray[np.float64], inverse: float, members: NDArray[np.bool_] | None = None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return mean and variance of N rows of logits (N, K) under the softmax of `inverse` times them, (N,) each.

    With `members` (N, K) bool, only these classes have a probability.
    """
    scaled = inverse * logits if members is None else np.where(members, inverse * logits, -np.inf)
    probabilities = softmax(scaled, axis=1)
    mean = (probabilities * logits).sum(1, keepdims=True)
    return mean[:, 0], (probabilities * (logits - mean) ** 2).sum(1)


def confidences(logits: NDArray[np.floating[Any]], temperature: float) -> NDArray[np.floating[Any]]:
    """Return the probability of the predicted class, after temperature scaling.

    Args:
        logits: (N, K, ...) floats.
        temperature: what they are divided by.

    Returns:
        (N, ...) floats, 1/K..1.
    """
    highest: NDArray[np.floating[Any]] = softmax(logits / logits.dtype.type(temperature), axis=1).max(1)
    return highest


def bin_index(confidence: NDArray[np.floating[Any]]) -> NDArray[np.int64]:
    """Return the bin of each confidence 0..1: (N,) int64, 0..N_BINS-1; a bin includes its upper end."""
    index: NDArray[np.int64] = np.clip(np.ceil(confidence * N_BINS).astype(np.int64) - 1, 0, N_BINS - 1)
    return index


@dataclass(frozen=True, eq=False)
class ReliabilityBins:
    """Labels of each image by the confidence of their prediction."""

    bootstrap: GroupBootstrap  # of the groups of the N images
    counts: NDArray[np.float64]  # (N, N_BINS) float64, number of labels
    hits: NDArray[np.float64]  # (N, N_BINS) float64, number of correct predictions
    confidence: NDArray[np.float64]  # (N, N_BINS) float64, sum of confidences
    losses: NDArray[np.float64]  # (N,) float64, sum of negative log likelihoods

    def ece(self) -> Estimate:
        """Return the expected calibration error (Naeini, Cooper, Hauskrecht, AAAI 2015).

        The mean distance between confidence and accuracy over bins of equal width, weighted by their labels. Noise
        alone gives every bin some distance. By the triangle inequality the error is off by no more than the same sum
        over the random deviations of the bins; the interval is the error plus and minus what 95 % of the deviations
        stay below, drawn from a normal distribution where labels are independent, else from the resamples.
        """
        total = self.counts.sum()
        gaps = (self.confidence - self.hits).sum(0) / total if total else np.full(N_BINS, np.nan)
        value = float(np.abs(gaps).sum())
        if np.isnan(value) or not (self.bootstrap.independent or self.bootstrap.n_groups > 1):
            return Estimate(value)
        if self.bootstrap.independent:
            counts, hits = self.counts.sum(0), self.hits.sum(0)
            shrunk = (hits + 2) / (counts + 4)  # toward a half, so that a bin without an error is not without noise
            scale = np.sqrt(counts * shrunk * (1 - shrunk)) / total
            deviations = np.abs(np.random.default_rng(0).standard_normal((_N_DRAWS, N_BINS))) @ scale
        else:
            sums = self.bootstrap.resample_sums(self.confidence - self.hits)
            totals = self.bootstrap.resample_sums(self.counts.sum(1))
            deviations = np.abs(ratio(sums, totals[:, None])[1:] - gaps).sum(1)
        margin = float(np.nanquantile(deviations, LEVEL))
        return Estimate(value, max(0.0, value - margin), value + margin)

    def confidence_gap(self) -> Estimate:
        """Return mean confidence minus accuracy: above 0 the model is overconfident."""
        return self.bootstrap.mean((self.confidence - self.hits).sum(1), self.counts.sum(1)).estimate

    def nll(self, other: "ReliabilityBins | None" = None) -> Estimate:
        """Return the mean negative log likelihood, or by how much it exceeds that of `other`."""
        losses = self.losses if other is None else self.losses - other.losses
        return self.bootstrap.mean(losses, self.counts.sum(1)).estimate

    def reliability(self) -> tuple[CalibrationBin, ...]:
        """Return confidence and accuracy bin by bin; empty bins are left out."""
        counts = self.counts.sum(0)
        return tuple(
            CalibrationBin(
                lower=k / N_BINS,
                upper=(k + 1) / N_BINS,
                count=int(counts[k]),
                confidence=float(self.confidence[:, k].sum() / counts[k]),
                accuracy=self.bootstrap.fraction(self.hits[:, k], self.counts[:, k]).estimate,
            )
            for k in np.flatnonzero(counts).tolist()
        )


def reliability_bins(sample: SampledLogits, bootstrap: GroupBootstrap, temperature: float) -> ReliabilityBins:
    """Sort the predictions of a sample into bins by their confidence.

    Args:
        sample: logits.
        bootstrap: of the groups of the images.
        temperature: what logits are divided by.

    Returns:
        The bins.
    """
    counts, hits, confidence = np.zeros((3, len(sample.labels), N_BINS))
    losses = np.zeros(len(sample.labels))
    size = max(1, _BLOCK // max(1, math.prod(sample.logits.shape[1:])))
    for rows in (slice(start, start + size) for start in range(0, len(sample.labels), size)):
        valid, labels = sample.valid[rows], np.where(sample.valid[rows], sample.labels[rows], 0)
        logits: NDArray[np.floating[Any]] = sample.logits[rows]
        if logits.shape[2] == 1:
            logits = logits.astype(np.float64)
        image, predicted = np.nonzero(valid)[0], sample.predicted[rows]
        scaled = sample.merge(logits / logits.dtype.type(temperature), rows)
        stated = np.take_along_axis(softmax(scaled, axis=1), predicted[:, None].astype(np.int64), axis=1)[:, 0][valid]
        keys, n_keys = image * N_BINS + bin_index(stated), len(valid) * N_BINS
        correct = (predicted == labels)[valid]
        for sums, weights in ((counts, None), (hits, correct), (confidence, stated)):
            sums[rows] = np.bincount(keys, weights=weights, minlength=n_keys).reshape(-1, N_BINS)
        each = cross_entropy(scaled, labels)
        losses[rows] = np.where(valid, each, 0).sum(1, dtype=np.float64)
    return ReliabilityBins(bootstrap, counts, hits, confidence, losses)


def calibrate(val: Evaluation, test: Evaluation | None) -> Calibration:
    """Fit a temperature on the validation images and measure calibration on both splits, raw and scaled.

    For segmentation, conformal intervals of class fractions are fitted as well.

    Args:
        val: of the validation images.
        test: of the test images, None where there are none.

    Returns:
        What `calibration.json` holds.
    """
    temperature = fit_temperature(val.sample, val.counts.bootstrap)
    splits = {"val": val} if test is None else {"val": val, "test": test}
    measured = {name: split_calibration(of, temperature.value) for name, of in splits.items()}
    fractions = calibrate_fractions(val, test, temperature.value) if val.task == "segmentation" else None
    return Calibration(temperature=temperature, bins=N_BINS, fractions=fractions, **measured)


def split_calibration(evaluation: Evaluation, temperature: float) -> SplitCalibration:
    """Measure the calibration of a split.

    Args:
        evaluation: of the split.
        temperature: the temperature of the run.

    Returns:
        Calibration without and with the temperature.
    """
    raw, scaled = (
        reliability_bins(evaluation.sample, evaluation.counts.bootstrap, divisor) for divisor in (1.0, temperature)
    )
    return SplitCalibration(
        nll_raw=raw.nll(),
        nll_scaled=scaled.nll(),
        nll_reduction=raw.nll(scaled),
        ece_raw=raw.ece(),
        ece_scaled=scaled.ece(),
        confidence_gap_raw=raw.confidence_gap(),
        confidence_gap_scaled=scaled.confidence_gap(),
        reliability_raw=raw.reliability(),
        reliability_scaled=scaled.reliability(),
    )
