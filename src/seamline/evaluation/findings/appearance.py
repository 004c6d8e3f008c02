"""Why classes are confused: their images overlap, lack detail, or vary."""

from seamline.evaluation.confidence import negated, significant
from seamline.evaluation.findings.inputs import Claim, FindingInputs
from seamline.evaluation.text import count, decimal, join_and, percent, points, signed_decimal, signed_points
from seamline.run_folder import Estimate


def class_overlap(inputs: FindingInputs) -> Claim | None:
    """State whether the most often confused classes resemble each other more than other pairs do."""
    appearance = inputs.appearance
    if appearance is None or not appearance.overlap_difference.has_interval:
        return None
    chosen = appearance.pairs[: appearance.n_confused]
    names = [" and ".join(inputs.classes[k] for k in pair.classes) for pair in chosen]
    parts = [f"their mean images {_compared(appearance.overlap_difference)}"]
    if appearance.outline_difference.has_interval:
        parts.append(f"their outlines {_compared(appearance.outline_difference)}")
    most = "pairs of classes that are" if len(names) > 1 else "two classes that are"
    sentence = (
        f"The {most} confused most often ({join_and(names, last=', ')}) are compared with other pairs: "
        f"{join_and(parts)}."
    )
    values = {
        "pairs": [[inputs.classes[k] for k in pair.classes] for pair in chosen],
        "overlap_difference": appearance.overlap_difference,
        "outline_difference": appearance.outline_difference,
    }
    return Claim(sentence, values)


def _compared(difference: Estimate) -> str:
    """State by how much more or less something overlaps."""
    sign = significant(difference)
    if not sign:
        return f"do not overlap significantly more or less, {signed_decimal(difference)}"
    return f"overlap {'more' if sign > 0 else 'less'}, by {decimal(difference if sign > 0 else negated(difference))}"


def image_sharpness(inputs: FindingInputs) -> Claim | None:
    """State whether images with more fine detail are classified better."""
    appearance = inputs.appearance
    if appearance is None or not appearance.sharpness_difference.has_interval:
        return None
    low, *_, high = appearance.accuracy_by_sharpness
    difference = appearance.sharpness_difference
    sign = significant(difference)
    sentence = (
        f"Of the sharpest third of the {inputs.split_title} images of each class, {percent(high)} are classified "
        f"correctly, of the least sharp third {percent(low)}"
    )
    if sign:
        size = points(difference if sign > 0 else negated(difference))
        sentence += f": {size} {'more' if sign > 0 else 'less'} with more fine detail."
    else:
        sentence += f"; the difference is not significant: {signed_points(difference)}."
    values = {"thirds": list(appearance.accuracy_by_sharpness), "difference": difference}
    return Claim(sentence, values)


def feature_spread(inputs: FindingInputs) -> Claim | None:
    """State whether classes whose features vary more have a lower recall."""
    appearance = inputs.appearance
    if appearance is None or not (relation := appearance.spread_correlation).has_interval:
        return None
    spread = {name: one.spread for name, one in appearance.classes.items() if one.spread.present}
    widest = max(spread, key=lambda name: spread[name].value)
    sign = significant(relation)
    tendency = {0: "neither significantly lower nor higher", 1: "higher", -1: "lower"}[sign]
    sentence = (
        f"The features of {widest} have the largest spread, {decimal(spread[widest])} of the variance of all images. "
        f"Where the spread of a class is larger, its recall is {tendency}: the rank correlation over "
        f"{count(len(spread))} classes is {signed_decimal(relation)}."
    )
    return Claim(sentence, {"correlation": relation, "spread": spread})
