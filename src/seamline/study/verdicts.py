"""Verdicts on claims: confirmed, refuted, or not decided by these images."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from seamline.evaluation.confidence import agreed_sign, negated
from seamline.evaluation.sweep_settings import Measure
from seamline.evaluation.text import PRINTED, capitalize_first, join_and, title_inside
from seamline.run_folder import Estimate

Verdict = Literal["confirmed", "refuted", "not decided"]

MARGIN = 0.01
"""Change that is not substantial: a percentage point of recall, 0.01 of average precision or IoU, 0.01 nats of loss."""


@dataclass(frozen=True)
class Effect:
    """A difference that says something about a claim."""

    what: str  # what is compared, such as `without batch normalization`
    measure: Measure  # what is measured over seeds
    seeds: Estimate  # the difference, paired by seed
    images: Estimate  # the difference over images, of `measure.counted`
    title: str = ""  # what is measured, in words; empty for the title of the metric

    @property
    def parts(self) -> tuple[str, str]:
        """The difference over seeds and the one over images in words; empty where there is none."""
        seeds, images = (f"{title} {change}" if change else "" for title, change in self._changes)
        return seeds, images

    @property
    def text(self) -> str:
        """The difference as a sentence without its full stop."""
        titles: list[str] = []
        texts: list[str] = []
        for (title, change), over in zip(self._changes, ("seeds", "images"), strict=True):
            if change:
                subject = "" if title in titles else f"{title} "
                texts.append(f"{subject}{'' if titles else 'changes '}by {change} over {over}")
                titles.append(title)
        return capitalize_first(f"{self.what}, {join_and(texts)}" if texts else f"{self.what}: not measured")

    @property
    def _changes(self) -> tuple[tuple[str, str], tuple[str, str]]:
        """What is measured, and the difference; over seeds and over images. An absent difference is empty."""
        seeds, images = (
            (self.title or _title(measure), PRINTED[measure.metric.format][2](one) if one.present else "")
            for measure, one in ((self.measure, self.seeds), (self.measure.counted, self.images))
        )
        return seeds, images


class ClaimPart(NamedTuple):
    """A claim or a part of it, and what the runs say about it."""

    verdict: Verdict
    measured: str  # in words, without the full stop
    name: str = ""  # the part, such as `by loss`; empty for a whole claim

    @property
    def sentence(self) -> str:
        """The verdict and what was measured."""
        verdict = f"{self.verdict} by these images" if self.verdict == "not decided" else self.verdict
        return f"{capitalize_first(f'{self.name}: {verdict}' if self.name else verdict)}. {self.measured}."


@dataclass(frozen=True)
class ClaimResult:
    """A claim of the study, and what the runs say about it."""

    number: int  # of the claim
    claim: str  # what the study claims, in a sentence
    parts: tuple[ClaimPart, ...]  # the whole claim, or its parts where each has a verdict of its own
    effects: tuple[Effect, ...] = ()  # differences that were measured
    untested: str = ""  # what of the claim the runs do not test, in a sentence

    @property
    def sentence(self) -> str:
        """The verdicts, what was measured, and what was not."""
        return " ".join(filter(None, [*(part.sentence for part in self.parts), self.untested]))


def better(one: Effect) -> int:
    """Return 1 where an effect is a significant improvement, -1 where it is one for the worse, else 0.

    Each interval that there is must exclude 0, on the same side.
    """
    return agreed_sign(*_improvements(one))


def no_help(one: Effect) -> Verdict:
    """Judge the claim that a setting did not help.

    It is refuted by a significant improvement, and confirmed where every interval excludes an improvement of `MARGIN`.
    """
    if better(one) > 0:
        return "refuted"
    improvements = _improvements(one)
    return "confirmed" if improvements and all(each.high < MARGIN for each in improvements) else "not decided"


def worse(one: Effect) -> Verdict:
    """Judge the claim that a setting is worse than the baseline."""
    return {-1: "confirmed", 0: "not decided", 1: "refuted"}[better(one)]  # type: ignore[return-value]


def much_worse(one: Effect) -> Verdict:
    """Judge the claim that a setting is substantially worse than the baseline.

    It is confirmed where every interval excludes a deterioration of less than `MARGIN`, and refuted where every one
    excludes a larger deterioration.
    """
    improvements = _improvements(one)
    if improvements and all(each.high < -MARGIN for each in improvements):
        return "confirmed"
    return "refuted" if improvements and all(each.low > -MARGIN for each in improvements) else "not decided"


def all_of(verdicts: Sequence[Verdict]) -> Verdict:
    """Judge a claim of several settings: each must be confirmed, and one that is refuted refutes it."""
    if "refuted" in verdicts:
        return "refuted"
    return "confirmed" if verdicts and set(verdicts) == {"confirmed"} else "not decided"


def _improvements(one: Effect) -> list[Estimate]:
    """Return both differences, positive where they are improvements; none where one of them has no interval."""
    both = [one.seeds, one.images]
    if not all(estimate.has_interval for estimate in both):
        return []
    return both if one.measure.metric.higher_is_better else [negated(estimate) for estimate in both]


def _title(measure: Measure) -> str:
    """Return the name of a measure inside a sentence."""
    title = title_inside(measure.metric.title)
    title = f"{title} of {measure.class_name}" if measure.class_name else title
    return title if measure.metric.higher_is_better else f"{title} (lower is better)"
