"""What a sweep shows, in sentences: the winner, which settings differ from the baseline, and what failed."""

from collections.abc import Sequence

from seamline.evaluation.sweep import SettingDifference, SweepResults
from seamline.evaluation.sweep_settings import SettingResult
from seamline.evaluation.text import PRINTED, capitalize_first, join_and, pluralize, title_inside

MAX_NAMES = 4
"""Settings that a sentence names."""


def sweep_sentences(results: SweepResults) -> list[str]:
    """State what a sweep shows, the most important first.

    Args:
        results: what it measured.

    Returns:
        The sentences. A difference is stated as one only where every interval of it excludes 0.
    """
    sentences = [*_winner(results), *difference_sentences(results)]
    failed = [run for run in results.info.runs if run.state == "failed"]
    if failed:
        sentences.append(f"{len(failed)} of {pluralize(len(results.info.runs), 'run')} failed.")
    return sentences


def difference_sentences(results: SweepResults) -> list[str]:
    """State which settings differ from the baseline on the test images; none where the settings were drawn."""
    if results.info.drawn or not results.differences:
        return []
    baseline = results.by_number[results.info.baseline].setting.name
    sentences = [_difference(results, one, baseline) for one in results.differences if one.verdict]
    rest = [one for one in results.differences if not one.verdict]
    if rest:
        names = _names([results.by_number[one.number] for one in rest])
        verb = "is not significantly different" if len(rest) == 1 else "are not significantly different"
        span = f": {_spans(results, rest[0])}" if len(rest) == 1 else ""
        sentences.append(f"{names} {verb} from {baseline} on the test images{span}.")
    return sentences


def _winner(results: SweepResults) -> list[str]:
    """State which setting is best on the validation images, and which are not distinguishable from it."""
    best = results.winner
    if best is None:
        return []
    show = PRINTED[results.metric.format][0]
    title = title_inside(results.metric.title)
    planned = sum(one.rung == best.setting.rung for one in results.info.settings)
    if len(results.candidates) < 2:
        rung = "setting of the last rung" + (" whose runs have finished" if planned > 1 else "")
        value = f"{title} {show(best.val)} on the validation images"
        return [f"{best.setting.name} is the winner, as the only {rung}: {value}."] if results.info.halving else []
    sentence = f"{best.setting.name} has the best {title} on the validation images, {show(best.val)}"
    if not best.val.has_interval:
        return [f"{sentence}; one seed does not show whether others are worse, so add seeds."]
    others = "setting of the last rung" if results.info.halving else "setting"
    others += " whose runs have finished" if len(results.candidates) < planned else ""
    seed = ", with one seed" if len(results.info.seeds) == 1 else ""
    if len(results.ties) == len(results.candidates) - 1:
        return [f"{sentence}; no other {others} is significantly worse{seed}."]
    if results.ties:
        verb = "is" if len(results.ties) == 1 else "are"
        return [f"{sentence}; {_names(results.ties)} {verb} not significantly worse{seed}."]
    return [f"{sentence}, significantly better than every other {others}{seed}."]


def _difference(results: SweepResults, one: SettingDifference, baseline: str) -> str:
    """State by how much a setting differs from the baseline."""
    word = "better" if one.verdict > 0 else "worse"
    return (
        f"{results.by_number[one.number].setting.name} is significantly {word} than {baseline} on the test images: "
        f"{_spans(results, one)}."
    )


def _spans(results: SweepResults, one: SettingDifference) -> str:
    """Return the differences of a setting with their intervals."""
    metric, counted = results.metric, results.counted_metric
    parts = [(metric, one.seeds, "seeds"), (counted, one.images, "images")]
    texts = [
        f"{title_inside(row.title)} {PRINTED[row.format][2](estimate)} over {what}"
        for row, estimate, what in parts
        if estimate.has_interval
    ]
    if texts:
        return join_and(texts) + ("" if one.seeds.has_interval else ", with one seed")
    return f"{title_inside(metric.title)} {PRINTED[metric.format][2](one.seeds)}, without an interval"


def _names(settings: Sequence[SettingResult]) -> str:
    """Return the names of settings; of many, how many they are."""
    if len(settings) > MAX_NAMES:
        return capitalize_first(pluralize(len(settings), "other setting"))
    return join_and([one.setting.name for one in settings])
