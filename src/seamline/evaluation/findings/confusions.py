"""Which classes are confused: what the hardest class is predicted as, which pairs, and which class is overpredicted."""

from collections.abc import Callable

import numpy as np

from seamline.evaluation.bootstrap import Array, Fraction
from seamline.evaluation.confidence import significant
from seamline.evaluation.counts import Counts
from seamline.evaluation.findings.inputs import Claim, FindingInputs
from seamline.evaluation.findings.performance import extreme_classes
from seamline.evaluation.findings.ranking import most_frequent
from seamline.evaluation.metrics import PRIMARY, SplitMetrics
from seamline.evaluation.text import count, join_and, percent, percent_inside, pluralize
from seamline.run_folder import Estimate

Kinds = Callable[[Counts], Array]
"""Counts -> (..., M) numbers of errors of M kinds."""


def confused_with(inputs: FindingInputs) -> Claim | None:
    """State what the hardest class is predicted as, where it is misclassified."""
    hardest = extreme_classes(inputs, PRIMARY[inputs.task][1], lowest=True)
    if len(hardest) != 1:
        return None
    k = hardest[0]

    def errors(counts: Counts) -> Array:
        return _without(counts.confusion[..., k, :], k)

    confused = _frequent(inputs, errors)
    if not confused:
        return None
    name, n_errors = inputs.classes[k], int(errors(inputs.held_out.counts.total).sum())
    what = f"misclassified {inputs.split_title} images of {name}"
    if inputs.task == "segmentation":
        what = f"{inputs.split_title} pixels of {name} that are missed"
    parts = [f"{other} ({percent_inside(fraction)})" for other, fraction in confused.items()]
    return Claim(
        f"The {f'{count(n_errors)} {what} are' if n_errors > 1 else f'one {what} is'} most often predicted as "
        f"{join_and(parts)}.",
        {"class": name, "errors": n_errors, "predicted_as": confused},
    )


def most_confused(metrics: SplitMetrics) -> list[tuple[int, int]]:
    """Return the pairs of classes that are most often confused with each other, significantly more than all others."""
    first, second = np.triu_indices(len(metrics.classes), 1)
    pairs = _frequent_pairs(metrics)
    return [(int(first[i]), int(second[i])) for i in pairs]


def confused_pairs(inputs: FindingInputs) -> Claim | None:
    """State which pairs of classes are most often confused with each other, and their fraction of the errors."""
    size = len(inputs.classes)
    if size == 2:  # there is one pair, and nothing to state about it
        return None
    upper = np.triu_indices(size, 1)
    totals = _mutual(inputs.held_out.counts.total)
    pairs = _frequent_pairs(inputs.held_out)
    if not pairs:
        return None
    together = _fraction(inputs.held_out, lambda counts: _mutual(counts)[..., pairs].sum(-1), _mutual)
    named = [(inputs.classes[upper[0][i]], inputs.classes[upper[1][i]], int(totals[i])) for i in pairs]
    parts = [f"{a} and {b} ({pluralize(n, 'time')})" for a, b, n in named]
    most = "most frequently confused pair is" if len(parts) == 1 else "most frequently confused pairs are"
    errors = pluralize(int(totals.sum()), f"{inputs.split_title} error")
    return Claim(
        f"The {most} {join_and(parts, last=', ')}: {percent(together)} of the {errors}.",
        {"errors": int(totals.sum()), "fraction": together, "pairs": [list(pair) for pair in named]},
    )


def false_positives(inputs: FindingInputs) -> Claim | None:
    """State how many pixels are wrongly predicted as the class with the lowest precision, or as the hardest one."""
    lowest = extreme_classes(inputs, "precision", lowest=True)
    chosen = lowest if len(lowest) == 1 else extreme_classes(inputs, PRIMARY[inputs.task][1], lowest=True)
    if len(chosen) != 1:
        return None
    k, held_out = chosen[0], inputs.held_out
    name = inputs.classes[k]

    def predicted(counts: Counts) -> Array:
        return counts.confusion[..., :, k]

    def wrong(counts: Counts) -> Array:
        return _without(predicted(counts), k)

    fraction = _fraction(held_out, lambda counts: wrong(counts).sum(-1), predicted)
    if not fraction.low > 0:
        return None
    what = f"{percent(fraction)} of the {inputs.split_title} pixels predicted as {name} are of another class"
    sentence = f"{name} has the lowest precision: {what}" if chosen == lowest else what
    truths = _frequent(inputs, wrong)
    if truths:
        sentence += f", most often {join_and([f'{truth} ({percent_inside(of)})' for truth, of in truths.items()])}"
    extent, size = (
        held_out.counts.sample(lambda counts, axis=axis: Fraction(counts.confusion.sum(axis)[..., k], counts.total))[0]  # type: ignore[misc]
        for axis in (-2, -1)
    )
    excess = extent.minus(size)
    if sign := significant(excess):
        sentence += (
            f". In total, the model predicts {'more' if sign > 0 else 'fewer'} pixels as {name} than there are: "
            f"{percent(extent.estimate)} instead of {percent(size.estimate)}"
        )
    return Claim(f"{sentence}.", {"class": name, "wrong": fraction, "truths": truths, "excess": excess})


def _mutual(counts: Counts) -> Array:
    """Return how often the classes of each pair are confused with each other, (..., K * (K - 1) / 2)."""
    first, second = np.triu_indices(counts.confusion.shape[-1], 1)
    both: Array = counts.confusion[..., first, second] + counts.confusion[..., second, first]
    return both


def _frequent_pairs(metrics: SplitMetrics) -> list[int]:
    """Return the numbers of the pairs that are most often confused."""
    totals = _mutual(metrics.counts.total)
    return most_frequent(totals.tolist(), lambda a, b: _more(metrics, _mutual, a, b))


def _without(counts: Array, k: int) -> Array:
    """Return (..., K) numbers with that of class k set to 0."""
    others = counts.copy()
    others[..., k] = 0
    return others


def _more(metrics: SplitMetrics, kinds: Kinds, a: int, b: int) -> bool:
    """Return whether errors of kind a are significantly more frequent than those of kind b."""
    share = metrics.counts.sample(lambda counts: Fraction(kinds(counts)[..., a], kinds(counts)[..., [a, b]].sum(-1)))
    return share[0].estimate.low > 0.5


def _fraction(metrics: SplitMetrics, part: Kinds, whole: Kinds) -> Estimate:
    """Return what fraction of the errors of all kinds a part is."""
    return metrics.counts.sample(lambda counts: Fraction(part(counts), whole(counts).sum(-1)))[0].estimate


def _frequent(inputs: FindingInputs, errors: Kinds) -> dict[str, Estimate]:
    """Return the classes that most errors, counted by class, go to, each with its fraction of all errors."""
    held_out = inputs.held_out
    classes = most_frequent(errors(held_out.counts.total).tolist(), lambda a, b: _more(held_out, errors, a, b))
    return {inputs.classes[k]: _fraction(held_out, lambda counts, k=k: errors(counts)[..., k], errors) for k in classes}  # type: ignore[misc]
