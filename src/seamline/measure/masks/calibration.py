"""How far a stated probability of a pixel can be trusted; the temperature is fitted on validation pixels.

The figures are those of images (`seamline.measure.calibration`); the intervals come from groups.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from seamline.data.dataset import IGNORE_INDEX
from seamline.measure.calibration import BINS, bin_of, find_fit
from seamline.measure.evaluation import log_losses
from seamline.measure.intervals import LEVEL, Interval
from seamline.measure.masks.evaluation import MaskEvaluation
from seamline.measure.masks.resampling import Figure, Resamples, interval, ratio

FITTED_ON = 200_000  # pixels, drawn by chance: what is left out moves the temperature by less than a percent


def summarise_calibration(val: MaskEvaluation, test: MaskEvaluation) -> dict[str, Any]:
    """Fit the temperature on validation and measure both splits with and without it, as `calibration.json`."""
    temperature = fit_temperature(val)
    return {
        "temperature": temperature.json(),
        "bins": BINS,
        **{name: _measured(part, temperature.value) for name, part in (("val", val), ("test", test))},
    }


def fit_temperature(val: MaskEvaluation) -> Interval:
    """Find the temperature T for which softmax(scores / T) has the lowest negative log likelihood.

    Fitted on at most `FITTED_ON` pixels that are drawn, with a fixed seed, from those whose scores are kept. The
    interval is that of resampled groups: in each resample one Newton step leads from the fit to its own, b falling
    by the sum of slopes over the sum of curvatures (as in `seamline.measure.calibration.Fit`).

    Returns:
        The temperature; 1 without an interval where the pixels determine none.
    """
    image, place = np.nonzero(val.kept.labels != IGNORE_INDEX)
    if len(image) > FITTED_ON:
        drawn = np.sort(np.random.default_rng(0).choice(len(image), FITTED_ON, replace=False))
        image, place = image[drawn], place[drawn]
    labels = val.kept.labels[image, place].astype(np.int64)
    if not len(labels) or np.array_equal(labels, val.kept.predicted[image, place]):
        return Interval(1.0, np.nan, np.nan)
    fit = find_fit(val.kept.scores[image, :, place].astype(np.float64), labels)
    if not fit.determined:
        return Interval(1.0, np.nan, np.nan)
    resamples, count = val.tally.resamples, len(val.kept.labels)
    slope, curvature = (
        resamples.totals(np.bincount(image, weights=part, minlength=count)) for part in (fit.slopes, fit.curvatures)
    )
    steps = ratio(slope, curvature * fit.inverse)
    steps[0] = 0  # of the fit itself nothing is left to go
    return interval(np.exp(steps - fit.log_inverse))


@dataclass(frozen=True, eq=False)
class Bins:
    """Pixels by how surely they are labelled, each with its resamples in front.

    Attributes:
        pixels: (1 + R, BINS), how many.
        hits: (1 + R, BINS), how many are labelled right.
        stated: (1 + R, BINS), the sum of their confidences.
        loss: (1 + R,), mean negative log likelihood.
    """

    pixels: Figure
    hits: Figure
    stated: Figure
    loss: Figure

    @property
    def error(self) -> Interval:
        """Expected calibration error: the mean distance between confidence and accuracy, weighted by pixels.

        Chance alone gives every bin some distance. By the triangle inequality the figure is off by no more than the
        same sum over the chance deviations of the bins; the interval is the figure plus and minus what 95 % of the
        resamples' deviations stay below.
        """
        gaps = ratio(self.stated - self.hits, self.pixels.sum(1, keepdims=True))
        value = float(np.abs(gaps[0]).sum())
        if len(gaps) == 1 or np.isnan(value):
            return Interval(value, np.nan, np.nan)
        reach = float(np.nanquantile(np.abs(gaps[1:] - gaps[0]).sum(1), LEVEL))
        return Interval(value, max(0.0, value - reach), value + reach)

    @property
    def overconfidence(self) -> Interval:
        """Mean confidence minus accuracy."""
        return interval(ratio((self.stated - self.hits).sum(1), self.pixels.sum(1)))

    def reliability(self) -> list[dict[str, Any]]:
        """Return confidence and accuracy bin by bin, as `calibration.json` holds them; empty bins are left out."""
        accuracy = ratio(self.hits, self.pixels)
        return [
            {
                "from": place / BINS,
                "to": (place + 1) / BINS,
                "pixels": int(self.pixels[0, place]),
                "confidence": float(self.stated[0, place] / self.pixels[0, place]),
                "accuracy": interval(accuracy[:, place]).json(),
            }
            for place in np.flatnonzero(self.pixels[0])
        ]


def bins_of(evaluation: MaskEvaluation, temperature: float) -> Bins:
    """Count the pixels whose scores are kept by how surely they are labelled."""
    kept, resamples = evaluation.kept, evaluation.tally.resamples
    sums = np.zeros((3, len(kept.labels), BINS))
    losses = np.zeros(len(kept.labels))
    for image, (scores, labels, predicted) in enumerate(zip(kept.scores, kept.labels, kept.predicted, strict=True)):
        used = labels != IGNORE_INDEX
        cooled = scores[None] / np.float32(temperature)  # (1, K, M)
        stated = softmax(cooled, axis=1).max(1)[0, used]
        places = bin_of(stated)
        parts: tuple[NDArray[Any] | None, ...] = (None, predicted[used] == labels[used], stated)
        sums[:, image] = [np.bincount(places, weights=part, minlength=BINS) for part in parts]
        losses[image] = log_losses(cooled, np.where(used, labels, 0)[None])[0, used].sum(dtype=np.float64)
    pixels, hits, stated_sum = (resamples.totals(part) for part in sums)
    return Bins(pixels, hits, stated_sum, _per_pixel(resamples, losses, pixels))


def _per_pixel(resamples: Resamples, losses: NDArray[np.float64], pixels: Figure) -> Figure:
    return ratio(resamples.totals(losses), pixels.sum(1))


def _measured(evaluation: MaskEvaluation, temperature: float) -> dict[str, Any]:
    figures: dict[str, Any] = {}
    losses: list[Figure] = []
    for when, used in (("before", 1.0), ("after", temperature)):
        bins = bins_of(evaluation, used)
        figures[f"nll_{when}"] = interval(bins.loss).json()
        figures[f"ece_{when}"] = bins.error.json()
        figures[f"overconfidence_{when}"] = bins.overconfidence.json()
        figures[f"reliability_{when}"] = bins.reliability()
        losses.append(bins.loss)
    figures["nll_gain"] = interval(losses[0] - losses[1]).json()
    return figures
