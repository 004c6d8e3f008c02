"""Whether stated probabilities are too high or too low: the same sentence for images and for pixels."""

from typing import Any

from seamline.measure.findings.finding import Finding
from seamline.measure.findings.wording import negated, points, signed_points
from seamline.measure.intervals import Interval


def judge_confidence(calibration: dict[str, Any] | None, labelled: str) -> Finding | None:
    """Tell whether the network is surer than it is right, or less sure.

    Args:
        calibration: what `calibration.json` holds.
        labelled: what is labelled, such as `images`.
    """
    if calibration is None:
        return None
    test = calibration["test"]
    surer = Interval.of(test["overconfidence_before"])
    gain, left = Interval.of(test["nll_gain"]), Interval.of(test["overconfidence_after"])
    temperature = Interval.of(calibration["temperature"])
    if not (surer.low > 0 or surer.high < 0):
        return None
    word, size = ("over", surer) if surer.value > 0 else ("under", negated(surer))
    sentence = (
        f"The network is {word}confident: on the test {labelled} its stated confidence lies {points(size)} "
        f"{'above' if word == 'over' else 'below'} its accuracy on average."
    )
    if gain.low > 0:
        sentence += (
            f" A temperature of {temperature.value:.2f}, fitted on validation, leaves {signed_points(left)} of that "
            f"and lowers the log loss by {gain.value:.3f} ({gain.low:.3f} to {gain.high:.3f})."
        )
    numbers = {"overconfidence": surer.json(), "overconfidence_after": left.json(), "nll_gain": gain.json()}
    return Finding("confidence", sentence, {**numbers, "temperature": temperature.json()}, "calibration")
