"""The reasons that the study gives for what its garment classifier confuses, tested."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

from seamline.data.dataset import Dataset
from seamline.evaluation.class_overlap import Overlaps, class_overlaps
from seamline.evaluation.confidence import mean_estimate, newcombe, significant
from seamline.evaluation.repeats import holm_normal
from seamline.evaluation.text import decimal, join_and, percent, pluralize, signed_decimal, signed_points
from seamline.models.devices import find_device
from seamline.run_folder import ClassAnalysis, ClassProperties, Estimate, Finding, RunFolder
from seamline.study.resolution import SEEDS, ResolutionEffect, resolution_effect
from seamline.training.plan import RunOptions
from seamline.training.run_data import load_run_data

SHIRT, TROUSER, SANDAL = "Shirt", "Trouser", "Sandal"
CONFUSED = ("T-shirt/top", "Coat")
"""The classes that the study's network took shirts for."""
TOPS = ("T-shirt/top", "Pullover", "Coat", "Shirt")
FOOTWEAR = ("Sneaker", "Ankle boot")

VERDICTS = {1: "supported", -1: "contradicted", 0: "not decided"}
"""Sign of a significant difference that a reason predicts to be positive -> what becomes of the reason."""


class Measurement(NamedTuple):
    """A quantity that a reason predicts to be positive."""

    difference: Estimate  # the quantity
    sentence: str  # the numbers in a sentence
    values: Mapping[str, Any]  # further numbers by name
    sign: int | None = None  # of the verdict; None for that of a significant difference


class Closest(NamedTuple):
    """Whether an estimate is above all of several others, and the least favorable comparison."""

    sign: int  # 1 where it is above all, -1 where it is below one, else 0
    name: str  # of the other
    difference: Estimate  # from the other


@dataclass(frozen=True, eq=False)
class ReasonInputs:
    """What reasons are tested with."""

    run: RunFolder  # an evaluated run on garments
    data: Dataset  # its images
    options: RunOptions  # device, and where progress is reported
    analysis: ClassAnalysis  # of its test images

    @property
    def classes(self) -> Mapping[str, ClassProperties]:
        """Properties of each class, by its name."""
        return self.analysis.classes

    def number(self, name: str) -> int:
        """Return the number of a class."""
        return self.data.classes.index(name)

    @cached_property
    def overlaps(self) -> Overlaps:
        """Overlaps of the classes of the test images."""
        return class_overlaps(self.data.test, len(self.data.classes))

    def effect_of_resolution(self) -> ResolutionEffect:
        """Train networks at both resolutions, and compare them."""
        reporter = self.options.reporter
        data, splits = load_run_data(self.run, self.data, self.options.data_dir, reporter)
        with reporter.counting(f"training {2 * SEEDS} networks at full and half resolution") as progress:
            return resolution_effect(
                splits,
                data.test,
                len(data.classes),
                self.number(SHIRT),
                [self.number(name) for name in CONFUSED],
                device=find_device(self.options.device),
                progress=progress,
            )


def above(own: Estimate, others: Mapping[str, Estimate]) -> Closest:
    """Decide whether an estimate is above all of several independent others.

    It is if it is significantly above each (an intersection-union test, which needs no correction: Berger,
    Technometrics 24, 1982), and it is not if it is significantly below one after Holm's correction.

    Args:
        own: an estimate with an interval.
        others: one or more others, by name.

    Returns:
        The sign, and the difference that is nearest to 0, or farthest beyond it. It is corrected unless the sign is 1.
    """
    gaps = [newcombe(own, other) for other in others.values()]
    corrected = holm_normal(gaps)
    if all(significant(gap) > 0 for gap in gaps):
        sign, shown = 1, gaps
    else:
        sign, shown = -int(any(significant(gap) < 0 for gap in corrected)), corrected
    ends = [gap.high if sign < 0 else gap.low for gap in shown]
    number = ends.index(min(ends))
    return Closest(sign, list(others)[number], shown[number])


def shared_outline(inputs: ReasonInputs) -> Measurement | None:
    """Compare the overlap of shirts and what they are confused with to that of shirts and all other classes."""
    outlines = inputs.overlaps.outlines
    if outlines is None:
        return None
    pairs = {name: (inputs.number(SHIRT), inputs.number(name)) for name in inputs.data.classes if name != SHIRT}
    overlaps = {name: overlap for name, pair in pairs.items() if (overlap := outlines.between(*pair)).present}
    others = [name for name in overlaps if name not in CONFUSED]
    alike, unlike = ([pairs[name] for name in names] for names in (CONFUSED, others))
    most = max(others, key=lambda name: overlaps[name].value)
    difference = outlines.mean(alike, unlike)
    of_images = inputs.overlaps.images.mean(alike, unlike)
    return Measurement(
        difference,
        f"The mean outline of Shirt overlaps those of {join_and(CONFUSED)} by {percent(outlines.mean(alike))} on "
        f"average, and those of the {len(others)} other classes by {percent(outlines.mean(unlike))}: a difference of "
        f"{signed_points(difference)}, of the mean images {signed_points(of_images)}. Of the {len(others)}, {most} "
        f"has the largest overlap, {percent(overlaps[most])}.",
        {"confused": outlines.mean(alike), "others": outlines.mean(unlike), "mean_images": of_images},
    )


def resolution(inputs: ReasonInputs) -> Measurement | None:
    """Compare the confusion of shirts at full and at half resolution."""
    height, width = inputs.data.train.images.shape[1:3]
    if height % 2 or width % 2:
        return None
    effect = inputs.effect_of_resolution()
    first, second = (100 * rate for rate in (effect.full, effect.half))
    accuracy = [100 * value for value in effect.accuracy]
    return Measurement(
        effect.difference,
        f"Of the test images of Shirt, {join_and(CONFUSED)}, {first:.1f} % are confused between Shirt and the other "
        f"two at {width} × {height} pixels and {second:.1f} % at {width // 2} × {height // 2}, the means of {SEEDS} "
        f"networks each: a difference of {signed_points(effect.difference)}. The accuracy over all classes is "
        f"{accuracy[0]:.1f} % and {accuracy[1]:.1f} %.",
        {"full": effect.full, "half": effect.half, "by_seed": effect.by_seed, "accuracy": effect.accuracy},
    )


def fabric(inputs: ReasonInputs) -> Measurement:
    """Compare the recall of sharp and of blurred shirts."""
    thirds = inputs.classes[SHIRT].recall_by_sharpness
    difference = newcombe(thirds[-1], thirds[0])
    return Measurement(
        difference,
        f"Of the sharpest third of the shirts {percent(thirds[-1])} are classified correctly, of the least sharp third "
        f"{percent(thirds[0])}: {signed_points(difference)}. Over all classes the difference is "
        f"{signed_points(inputs.analysis.sharpness_difference)}.",
        {"thirds": thirds, "all_classes": inputs.analysis.sharpness_difference},
    )


def spread(inputs: ReasonInputs) -> Measurement | None:
    """Compare the spread of the features of shirts with those of each other class."""
    own = inputs.classes[SHIRT].spread
    others = {name: one.spread for name, one in inputs.classes.items() if name != SHIRT and one.spread.has_interval}
    if not others:
        return None
    mean, relation = mean_estimate(list(others.values())), inputs.analysis.spread_correlation
    closest = above(own, others)
    name, count = closest.name, pluralize(len(others), "other class", "other classes")
    return Measurement(
        closest.difference,
        f"The spread of the features of Shirt is {decimal(own)}. Of {count}, the least "
        f"favorable comparison is with {name}, {decimal(others[name])}: a difference of "
        f"{signed_decimal(closest.difference)}. The mean of "
        f"the other classes is {decimal(mean)}; the rank correlation of spread and recall over all classes is "
        f"{signed_decimal(relation)}.",
        {"shirt": own, "closest": {name: others[name]}, "mean_of_others": mean, "correlation": relation},
        closest.sign,
    )


def sandal_edges(inputs: ReasonInputs) -> Measurement:
    """Compare the pixels at edges of sandals with those of other footwear."""
    own, others = inputs.classes[SANDAL].edges, {name: inputs.classes[name].edges for name in FOOTWEAR}
    closest = above(own, others)
    parts = join_and([f"{percent(edges)} of {name}" for name, edges in others.items()])
    return Measurement(
        closest.difference,
        f"{percent(own)} of the pixels of Sandal are at edges, {parts}. The least favorable comparison is with "
        f"{closest.name}: a difference of {signed_points(closest.difference)}.",
        {"sandal": own, **others},
        closest.sign,
    )


def trouser_filters(inputs: ReasonInputs) -> Measurement | None:
    """Compare how much filters of vertical contours contribute for trousers and for tops."""
    if not inputs.classes[TROUSER].orientations:
        return None
    own = inputs.classes[TROUSER].orientations["vertical"]
    tops = {top: inputs.classes[top].orientations["vertical"] for top in TOPS}
    closest = above(own, tops)
    name = closest.name
    return Measurement(
        closest.difference,
        f"Filters of vertical edges and lines contribute {percent(own)} of the response of layer 1 to Trouser. Of "
        f"{len(tops)} tops, the least favorable comparison is with {name}, {percent(tops[name])}: a difference of "
        f"{signed_points(closest.difference)}.",
        {"trouser": own, "closest_top": {name: tops[name]}},
        closest.sign,
    )


REASONS: tuple[tuple[str, str, Callable[[ReasonInputs], Measurement | None]], ...] = (
    ("reason_outline", "Shirt shares its outline with T-shirt/top and Coat", shared_outline),
    ("reason_resolution", "The resolution hides what tells Shirt from T-shirt/top and Coat", resolution),
    ("reason_fabric", "Shirts with more fine detail are recognized more often", fabric),
    ("reason_spread", "Shirt varies more within itself than every other class", spread),
    ("reason_edges", "Sandal has more edges than other footwear", sandal_edges),
    (
        "reason_filters",
        "Oriented filters of layer 1 respond more to Trouser than to tops",
        trouser_filters,
    ),
)
"""Name of the finding, what the study says, and what tests it."""


def add_reasons(run: RunFolder, data: Dataset, options: RunOptions) -> bool:
    """Add a finding for each reason to those of an evaluated run on garments; none is tested twice.

    Args:
        run: an evaluated run.
        data: its images.
        options: device, and where progress is reported.

    Returns:
        Whether any was added.
    """
    analysis, findings = run.class_analysis.read_optional(), run.findings.read()
    needed = {SHIRT, TROUSER, SANDAL, *CONFUSED, *TOPS, *FOOTWEAR}
    known = {finding.name for finding in findings}
    if analysis is None or not needed <= analysis.classes.keys() or all(name in known for name, *_ in REASONS):
        return False
    inputs = ReasonInputs(run, data, options, analysis)
    added = [_finding(name, text, measure(inputs)) for name, text, measure in REASONS if name not in known]
    run.findings.write((*findings, *(one for one in added if one)))
    return any(added)


def _finding(name: str, text: str, measurement: Measurement | None) -> Finding | None:
    """Return the finding of a reason."""
    if measurement is None or not measurement.difference.has_interval:
        return None
    sign = significant(measurement.difference) if measurement.sign is None else measurement.sign
    verdict = VERDICTS[sign]
    values = {"verdict": verdict, "difference": measurement.difference, **measurement.values}
    return Finding(name=name, sentence=f"{text}: {verdict}. {measurement.sentence}", values=values, panel="why")
