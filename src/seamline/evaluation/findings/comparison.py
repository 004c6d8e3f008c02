"""Which differences between two runs are significant, in sentences."""

from seamline.evaluation.compare import Comparison, MetricDiff
from seamline.evaluation.text import PRINTED, count, join_and, pluralize, title_inside
from seamline.run_folder import Estimate


def differences(first: str, second: str, comparison: Comparison) -> list[str]:
    """State the significant differences between two runs.

    Args:
        first: name of the first run.
        second: name of the second run.
        comparison: what differs between them.

    Returns:
        The sentences: first on metrics of all classes, then class by class, then on single images.
    """
    overall = [one for one in comparison.metrics if not one.class_name]
    sentences = [_difference(first, second, one) for one in overall if one.verdict]
    if not sentences:
        known = next((one for one in overall if one.change.has_interval), None)
        span = ""
        if known:
            change = PRINTED[known.metric.format][2](known.change)
            span = f": the difference in {title_inside(known.metric.title)} is {change}"
        sentences.append(
            f"No difference between {second} and {first} is significant on "
            f"{pluralize(comparison.images, 'image')}{span}."
        )
    for key in dict.fromkeys(one.key for one in comparison.metrics if one.class_name):
        for verdict, verb in ((1, "better"), (-1, "worse")):
            of = [one for one in comparison.metrics if one.key == key and one.class_name and one.verdict == verdict]
            if of:
                title, names = title_inside(of[0].metric.title), join_and([one.class_name for one in of])
                sentences.append(f"{second} is significantly {verb} in {title} for {names}.")
    if comparison.labels:
        fixed, broken = len(comparison.fixed), len(comparison.broken)
        sentences.append(
            f"{pluralize(fixed, 'image')} changed from wrong to correct and {count(broken)} from correct to wrong."
        )
    return sentences


def _difference(first: str, second: str, one: MetricDiff) -> str:
    """State by how much a metric of all classes differs."""
    show, _, signed = PRINTED[one.metric.format]
    return (
        f"{second} is {'better' if one.verdict > 0 else 'worse'} than {first} in {title_inside(one.metric.title)}: "
        f"{show(Estimate(one.second))} against {show(Estimate(one.first))}, a difference of {signed(one.change)}."
    )
