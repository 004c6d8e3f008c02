"""What a segmenter's figures say. A difference is only told where its interval, from groups, leaves out zero."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from seamline.measure.findings.choosing import leading, most_frequent
from seamline.measure.findings.confidence import judge_confidence
from seamline.measure.findings.finding import Finding
from seamline.measure.findings.wording import (
    count,
    known,
    listed,
    negated,
    percent,
    plain,
    points,
    signed,
    signed_points,
    within,
)
from seamline.measure.intervals import Interval
from seamline.measure.masks.metrics import Figures, interval_of, mean_of
from seamline.measure.masks.mistakes import NEAR, Mistakes, Slender
from seamline.measure.masks.resampling import Figure, interval, ratio, unlike

HARDLY = 0.01  # a share below which no end is worth telling from another


@dataclass(frozen=True, eq=False)
class MaskFacts:
    """All that findings are made from where the labels are masks.

    Attributes:
        classes: K class names.
        val: the figures of the validation images.
        test: those of the test images.
        train: those of the training images, without rankings; None where they were not measured.
        mistakes: where the wrong pixels of the test images lie, or None.
        images: name and mean intersection over union of the test images, best first.
        calibration: what `calibration.json` holds, or None.
        division: what `split` in `run.json` holds, or None.
    """

    classes: tuple[str, ...]
    val: Figures
    test: Figures
    train: Figures | None = None
    mistakes: Mistakes | None = None
    images: tuple[tuple[str, float], ...] = ()
    calibration: dict[str, Any] | None = None
    division: Mapping[str, Any] | None = None


def overall(facts: MaskFacts) -> Finding | None:
    """How well the pixels of the test images are ranked and labelled."""
    test = facts.test
    raw, softmax, iou = (mean_of(test, name) for name in ("ap", "ap_softmax", "iou"))
    accuracy = interval(test.accuracy)
    if np.isnan(raw.value):
        return None
    present = int(np.count_nonzero(~np.isnan(test.per_class["ap"][0])))
    over = f"the mean over {present} classes" if present > 1 else "of the one class present"
    ranked = f"{plain(raw)} where pixels are ranked by raw scores and {plain(softmax)} by softmax"
    if plain(raw) == plain(softmax):  # so for networks that give log probabilities
        ranked = f"{plain(raw)} where pixels are ranked by raw scores or by softmax, which rank alike"
    return Finding(
        "overall",
        f"On {_many(test.images, 'test image')}, which the network never saw in training, its average precision is "
        f"{ranked}, {over}. It labels {percent(accuracy)} of the pixels right.",
        {
            "mean_ap": raw.json(),
            "mean_ap_softmax": softmax.json(),
            "mean_iou": iou.json(),
            "accuracy": accuracy.json(),
            "images": test.images,
        },
        "precision",
    )


def hardest_class(facts: MaskFacts) -> Finding | None:
    """Which class has the lowest average precision; several where the images cannot tell."""
    chosen = _lowest(facts, "ap")
    if not chosen:
        return None
    precision = {facts.classes[k]: interval_of(facts.test, "ap", k) for k in chosen}
    numbers: dict[str, Any] = {name: {"ap": of.json()} for name, of in precision.items()}
    if len(chosen) > 1:
        parts = [f"{name} ({plain(of)})" for name, of in precision.items()]
        sentence = (
            f"The hardest classes are {listed(parts)}, by average precision on test; which of them is the hardest "
            "these images cannot tell."
        )
        return Finding("hardest_class", sentence, numbers, "classes")
    name = facts.classes[chosen[0]]
    found, share = (interval_of(facts.test, figure, chosen[0]) for figure in ("accuracy", "share"))
    numbers[name] |= {"accuracy": found.json(), "share": share.json()}
    return Finding(
        "hardest_class",
        f"{name} is the hardest class: its average precision on test is {plain(precision[name])}. Of all pixels "
        f"{percent(share)} are {name}, and {percent(found)} of these are found.",
        numbers,
        "classes",
    )


def taken_for(facts: MaskFacts) -> Finding | None:
    """What the missed pixels of the hardest class are taken for."""
    hardest = _lowest(facts, "ap")
    if len(hardest) != 1:
        return None
    errors = facts.test.confusion[:, hardest[0], :].copy()
    errors[:, hardest[0]] = 0
    takers = _most_frequent(errors)
    if not takers:
        return None
    name, missed = facts.classes[hardest[0]], errors.sum(1)
    shares = {facts.classes[k]: interval(ratio(errors[:, k], missed)) for k in takers}
    parts = [f"{taker} ({within(of)})" for taker, of in shares.items()]
    return Finding(
        "taken_for",
        f"The {count(int(missed[0]))} test pixels of {name} that are missed are most often taken for {listed(parts)}.",
        {"class": name, "errors": int(missed[0]), "takers": {taker: of.json() for taker, of in shares.items()}},
        "confusion",
    )


def false_alarms(facts: MaskFacts) -> Finding | None:
    """Where a class is seen and is not: the class with the lowest precision, or else the hardest one."""
    lowest = _lowest(facts, "precision")
    chosen = lowest if len(lowest) == 1 else _lowest(facts, "ap")
    if len(chosen) != 1:
        return None
    name, confusion = facts.classes[chosen[0]], facts.test.confusion
    called, true, all_pixels = confusion[:, :, chosen[0]], confusion[:, chosen[0], :].sum(1), confusion.sum((1, 2))
    wrong = called.copy()
    wrong[:, chosen[0]] = 0
    share = interval(ratio(wrong.sum(1), called.sum(1)))
    if not share.low > 0:
        return None
    what = f"{percent(share)} of the test pixels called {name} are something else"
    sentence = f"{name} is the answer that deserves least trust: {what}" if chosen == lowest else what
    truths = {facts.classes[k]: interval(ratio(wrong[:, k], wrong.sum(1))) for k in _most_frequent(wrong)}
    if truths:
        sentence += f", most often {listed([f'{truth} ({within(of)})' for truth, of in truths.items()])}"
    extent, of_truth = ratio(called.sum(1), all_pixels), ratio(true, all_pixels)
    excess = unlike(extent, of_truth)
    if _sure(excess):
        word = "more" if excess.value > 0 else "fewer"
        sentence += (
            f". In all it calls {word} pixels {name} than there are, {percent(interval(extent))} where "
            f"{percent(interval(of_truth))} are"
        )
    numbers = {"class": name, "wrong": share.json(), "truths": {truth: of.json() for truth, of in truths.items()}}
    return Finding("false_alarms", f"{sentence}.", {**numbers, "excess": excess.json()}, "confusion")


def ends(facts: MaskFacts) -> Finding | None:
    """Whether tall thin parts are found by their middles and missed at their ends."""
    if facts.mistakes is None or not facts.mistakes.slender:
        return None
    told = {name: _end_by_end(name, of) for name, of in facts.mistakes.slender.items()}
    numbers = {name: numbers for name, (_, numbers) in told.items()}
    return Finding("ends", " ".join(sentence for sentence, _ in told.values()), numbers, "confusion")


def borders(facts: MaskFacts) -> Finding | None:
    """Whether wrong pixels lie on the borders between classes or inside regions."""
    if facts.mistakes is None or np.isnan(facts.mistakes.near[0]):
        return None
    near, area = interval(facts.mistakes.near), interval(facts.mistakes.area)
    crowd, half = unlike(facts.mistakes.near, facts.mistakes.area), facts.mistakes.near - 0.5
    side = interval(half)
    sentence = (
        f"{percent(near)} of the wrong test pixels lie within {NEAR} pixels of a border between true classes, where "
        f"{percent(area)} of all pixels lie"
    )
    if _sure(crowd):
        sentence += f": errors {'crowd at' if crowd.value > 0 else 'keep away from'} borders"
        if _sure(side):
            joint = ", but" if (crowd.value > 0) != (side.value > 0) else ", and"
            sentence += f"{joint} most of them lie {'there' if side.value > 0 else 'inside regions'}"
    elif _sure(side) and side.value < 0:
        sentence += ": most errors lie inside regions"
    numbers = {"near": near.json(), "area": area.json(), "difference": crowd.json(), "pixels": NEAR}
    return Finding("borders", f"{sentence}.", numbers, "confusion")


def confidence(facts: MaskFacts) -> Finding | None:
    """Whether the network is surer of its pixels than it is right, or less sure."""
    return judge_confidence(facts.calibration, "pixels")


def generalisation(facts: MaskFacts) -> Finding | None:
    """How much better the network does on the images it learned from."""
    if facts.train is None:
        return None
    train, val = interval(facts.train.accuracy), interval(facts.val.accuracy)
    gap, loss = unlike(facts.train.accuracy, facts.val.accuracy), unlike(facts.val.loss, facts.train.loss)
    if not gap.low > 0:
        return None
    sentence = (
        f"It labels {percent(train)} of the pixels of its training images right and {percent(val)} of those of the "
        f"validation images: {points(gap)} do not carry over to images it has not learned from"
    )
    if loss.low > 0:
        sentence += (
            f", and the loss grows from {plain(interval(facts.train.loss))} to {plain(interval(facts.val.loss))}"
        )
    numbers = {"train": train.json(), "val": val.json(), "gap": gap.json(), "loss_gap": loss.json()}
    return Finding("generalisation", f"{sentence}.", numbers, "training")


def relatives(facts: MaskFacts) -> Finding | None:
    """How many test images have relatives in training, and what a random split would have done."""
    division = facts.division
    if division is None:
        return None
    related, left_out = len(division["test_related"]), len(division["left_out"])
    torn, shared = division["random"]["torn_groups"], division["random"]["val_related"]
    if not related and not division["grouped_images"]:
        return None
    sentences = []
    if related:
        sentence = f"{_many(related, 'test image')} of {count(facts.test.images)} {_have(related)} relatives among the "
        if division["by"] == "groups":
            what = "the image" if left_out == 1 else f"the {count(left_out)} images"
            sentence += f"training images; {what} that would have shown them in training {_were(left_out)} left out."
        else:
            sentence += "training images, and these were learned from: the test scores may flatter."
        sentences.append(sentence)
    if division["grouped_images"]:
        by = "would put" if division["by"] == "groups" else "puts"
        sentences.append(
            f"{_many(division['grouped_images'], 'training image')} {_have(division['grouped_images'])} relatives "
            f"among the others. A random split {by} {torn:.0f} groups of relatives on both sides on average, so that "
            f"{100 * shared:.0f} % of the validation images have a relative in training"
            + ("; this one puts none." if division["by"] == "groups" else ".")
        )
    numbers = {
        "test_related": related,
        "left_out": left_out,
        "grouped_images": division["grouped_images"],
        "torn_groups": torn,
        "val_related": shared,
        "by": division["by"],
    }
    return Finding("relatives", " ".join(sentences), numbers, "audit")


def validation_and_test(facts: MaskFacts) -> Finding | None:
    """Whether the validation score foretold the test score."""
    val, test = mean_of(facts.val, "ap"), mean_of(facts.test, "ap")
    gap = unlike(facts.test.over_classes("ap"), facts.val.over_classes("ap"))
    if not known(gap):
        return None
    numbers = {"val": val.json(), "test": test.json(), "gap": gap.json()}
    if _sure(gap):
        word, size = ("above", gap) if gap.value > 0 else ("below", negated(gap))
        sentence = (
            f"The mean average precision on test, {plain(test)}, lies {plain(size)} {word} that on validation, "
            f"{plain(val)}: more than chance explains."
        )
    else:
        sentence = (
            f"The mean average precision on test, {plain(test)}, and on validation, {plain(val)}, differ by no more "
            f"than chance explains: {signed(gap)}."
        )
    return Finding("validation_and_test", sentence, numbers, "classes")


def spread(facts: MaskFacts) -> Finding | None:
    """How far apart the best and the worst image lie."""
    if len(facts.images) < 4:
        return None
    (best, highest), (worst, lowest) = facts.images[0], facts.images[-1]
    low, middle, high = np.quantile([value for _, value in facts.images], [0.25, 0.5, 0.75])
    return Finding(
        "spread",
        f"Image by image, the mean intersection over union on test runs from {lowest:.3f} ({worst}) to {highest:.3f} "
        f"({best}); half of the images lie between {low:.3f} and {high:.3f}.",
        {
            "best": highest,
            "worst": lowest,
            "quarter": float(low),
            "median": float(middle),
            "three_quarters": float(high),
        },
        "cases",
    )


def _end_by_end(name: str, of: Slender) -> tuple[str, dict[str, Any]]:
    """Return what is to be said of one class's tall thin regions, and its numbers."""
    shares = {part: interval(figure) for part, figure in of.found.items()}
    behind = {end: unlike(of.found["middle"], of.found[end]) for end in ("top", "bottom")}
    numbers = {
        "regions": of.regions,
        **{part: share.json() for part, share in shares.items()},
        **{f"{end}_behind": gap.json() for end, gap in behind.items()},
    }
    if all(share.high < HARDLY for share in shares.values()):
        whole = percent(shares["middle"])
        sentence = f"Most regions of {name} are tall and thin; of these {count(of.regions)} hardly a pixel is found"
        return f"{sentence}, {whole} of their middles.", numbers
    sentence = (
        f"Most regions of {name} are tall and thin. Of the middles of these {count(of.regions)}, "
        f"{percent(shares['middle'])} of the pixels is found, of their upper fifths {percent(shares['top'])}, of their "
        f"lower fifths {percent(shares['bottom'])}"
    )
    called = {"top": "upper", "bottom": "lower"}
    missed = [f"the {called[end]} ends, by {points(gap)}" for end, gap in behind.items() if gap.low > 0]
    better = [f"the {called[end]} ends, by {points(negated(gap))}" for end, gap in behind.items() if gap.high < 0]
    if missed:
        sentence += f". Missed more often than the middles are {listed(missed, ', and ')}"
    if better:
        sentence += f". Found more often than the middles are {listed(better, ', and ')}"
    if not missed and not better:
        gaps = listed([f"{signed_points(gap)} at the {called[end]} ends" for end, gap in behind.items()])
        sentence += f". Middles and ends differ by no more than chance explains, {gaps}" if known(behind["top"]) else ""
    return f"{sentence}.", numbers


def _lowest(facts: MaskFacts, name: str) -> list[int]:
    """Return the class with the lowest figure on test, or the few that cannot be told apart."""
    of_class = facts.test.per_class[name]
    slack = facts.test.slack.get(name, np.zeros((of_class.shape[1], 2))).sum(1)

    def apart(a: int, b: int) -> bool:
        gap, between = unlike(of_class[:, a], of_class[:, b]), float(slack[a] + slack[b])
        return gap.low > between or gap.high < -between

    return leading([float(value) for value in of_class[0]], apart, lowest=True)


def _most_frequent(counts: Figure) -> list[int]:
    """Return the leading classes of pixels counted by class (1 + R, K)."""
    return most_frequent([int(number) for number in counts[0]], lambda a, b: unlike(counts[:, a], counts[:, b]).low > 0)


def _sure(gap: Interval) -> bool:
    return gap.low > 0 or gap.high < 0


def _many(number: int, one: str) -> str:
    return f"{count(number)} {one}{'' if number == 1 else 's'}"


def _have(number: int) -> str:
    return "has" if number == 1 else "have"


def _were(number: int) -> str:
    return "was" if number == 1 else "were"
