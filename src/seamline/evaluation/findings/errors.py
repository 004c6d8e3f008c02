"""Where wrong pixels lie: at the ends of tall, thin regions, or near boundaries."""

from typing import Any

from seamline.evaluation.confidence import negated, significant
from seamline.evaluation.error_analysis import BOUNDARY_PIXELS, ThinRegions
from seamline.evaluation.findings.inputs import Claim, FindingInputs
from seamline.evaluation.text import count, join_and, percent, points, signed_points
from seamline.run_folder import Estimate

NEGLIGIBLE = 0.01
"""Recall below which no end is worth comparing with another."""

_ENDS = {"top": "upper", "bottom": "lower"}


def thin_region_ends(inputs: FindingInputs) -> Claim | None:
    """State whether recall in tall, thin regions differs between their middles and their ends."""
    if inputs.errors is None or not inputs.errors.thin_regions:
        return None
    claims = {name: _ends(name, of) for name, of in inputs.errors.thin_regions.items()}
    sentence = " ".join(claim.sentence for claim in claims.values())
    return Claim(sentence, {name: claim.values for name, claim in claims.items()})


def _ends(name: str, of: ThinRegions) -> Claim:
    recall = {part: one.estimate for part, one in of.recall.items()}
    behind = {end: of.recall["middle"].minus(of.recall[end]) for end in _ENDS}
    values: dict[str, Any] = {"regions": of.regions, **recall, **{f"{end}_behind": gap for end, gap in behind.items()}}
    if all(one.high < NEGLIGIBLE for one in recall.values()):
        sentence = f"Most regions of {name} are tall and thin; almost no pixel of these {count(of.regions)} is found"
        middles = percent(recall["middle"])
        return Claim(f"{sentence}, {'none' if middles == '0 %' else middles} in their middles.", values)
    sentence = (
        f"Most regions of {name} are tall and thin. In these {count(of.regions)}, recall is "
        f"{percent(recall['middle'])} in the middles, {percent(recall['top'])} in the upper fifths and "
        f"{percent(recall['bottom'])} in the lower fifths"
    )
    sign = {end: significant(gap) for end, gap in behind.items()}
    missed = [f"the {_ENDS[end]} ends, by {points(gap)}" for end, gap in behind.items() if sign[end] > 0]
    better = [f"the {_ENDS[end]} ends, by {points(negated(gap))}" for end, gap in behind.items() if sign[end] < 0]
    if missed:
        sentence += f". It is higher in the middles than at {join_and(missed, ', and ')}"
    if better:
        sentence += f". It is lower in the middles than at {join_and(better, ', and ')}"
    if not missed and not better and behind["top"].has_interval:
        gaps = join_and([f"{signed_points(gap)} against the {_ENDS[end]} ends" for end, gap in behind.items()])
        sentence += f". Middles and ends do not differ significantly: {gaps}"
    return Claim(f"{sentence}.", values)


def boundary_errors(inputs: FindingInputs) -> Claim | None:
    """State whether wrong pixels lie at the boundaries between classes or inside regions."""
    if inputs.errors is None or not inputs.errors.fraction.estimate.present:
        return None
    wrong, all_pixels = inputs.errors.fraction.estimate, inputs.errors.boundary_fraction.estimate
    difference = inputs.errors.fraction.minus(inputs.errors.boundary_fraction)
    concentrated = significant(difference)
    majority = significant(Estimate(wrong.value - 0.5, wrong.low - 0.5, wrong.high - 0.5))
    sentence = (
        f"{percent(wrong)} of the wrong {inputs.split_title} pixels lie within {BOUNDARY_PIXELS} pixels of a boundary "
        f"between true classes, as do {percent(all_pixels)} of all pixels"
    )
    if concentrated:
        sentence += f": errors {'concentrate at' if concentrated > 0 else 'avoid'} boundaries"
        if majority:
            joint = ", but" if concentrated != majority else ", and"
            sentence += f"{joint} most of them lie {'there' if majority > 0 else 'inside regions'}"
    elif majority < 0:
        sentence += ": most errors lie inside regions"
    values = {"fraction": wrong, "boundary_fraction": all_pixels, "difference": difference, "pixels": BOUNDARY_PIXELS}
    return Claim(f"{sentence}.", values)
