"""Whether the model is overconfident or underconfident, and what temperature scaling changes."""

from seamline.evaluation.confidence import negated, significant
from seamline.evaluation.findings.inputs import Claim, FindingInputs
from seamline.evaluation.text import decimal, points, signed_points


def calibration(inputs: FindingInputs) -> Claim | None:
    """State whether stated confidence differs significantly from accuracy."""
    if inputs.calibration is None:
        return None
    test, temperature = inputs.calibration.test, inputs.calibration.temperature
    gap, left, reduction = test.confidence_gap_raw, test.confidence_gap_scaled, test.nll_reduction
    sign = significant(gap)
    if not sign:
        return None
    word, size, side = ("over", gap, "above") if sign > 0 else ("under", negated(gap), "below")
    sentence = (
        f"The network is {word}confident: on the test {inputs.labels} its stated confidence lies {points(size)} "
        f"{side} its accuracy on average."
    )
    if significant(reduction) > 0:
        sentence += (
            f" A temperature of {temperature.value:.2f}, fitted on validation, leaves {signed_points(left)} of that "
            f"and lowers the log loss by {decimal(reduction)}."
        )
    values = {"confidence_gap_raw": gap, "confidence_gap_scaled": left, "nll_reduction": reduction}
    return Claim(sentence, {**values, "temperature": temperature})
