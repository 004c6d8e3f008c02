"""What a classifier's figures say. A sentence is only made where the interval supports it."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seamline.measure.findings.choosing import leading, most_frequent
from seamline.measure.findings.confidence import judge_confidence
from seamline.measure.findings.finding import Finding
from seamline.measure.findings.wording import count, listed, negated, percent, points, signed_points, within
from seamline.measure.intervals import Interval, difference, wilson
from seamline.measure.kernels import UNIFORM

STUDY_SHARE = 0.60  # the study saw layer 1 alone reach this on some classes


@dataclass(frozen=True, eq=False)
class Facts:
    """All that findings are made from.

    Attributes:
        classes: K class names.
        val: (K, K) int64 confusion matrix of the validation images, row the true class.
        test: the same of the test images.
        train: images labelled right and images, of the training images; None where they were not measured.
        calibration: what `calibration.json` holds, or None.
        kernels: what `insides/kernels.json` holds, or None.
        readouts: what `insides/readouts.json` holds, or None.
    """

    classes: tuple[str, ...]
    val: NDArray[np.int64]
    test: NDArray[np.int64]
    train: tuple[int, int] | None = None
    calibration: dict[str, Any] | None = None
    kernels: dict[str, Any] | None = None
    readouts: dict[str, Any] | None = None


def overall(facts: Facts) -> Finding | None:
    """How often the network is right on the test images."""
    share = _accuracy(facts.test)
    return Finding(
        "overall",
        f"Of {count(facts.test.sum())} test images, which it never saw in training, the network labels "
        f"{percent(share)} right.",
        {"accuracy": share.json(), "images": int(facts.test.sum())},
        "confusion",
    )


def hardest_class(facts: Facts) -> Finding | None:
    """Which class is labelled right least often; several where the images cannot tell."""
    return _extreme(facts, "hardest", lowest=True)


def easiest_classes(facts: Facts) -> Finding | None:
    """Which classes are labelled right most often."""
    return _extreme(facts, "easiest", lowest=False)


def taken_for(facts: Facts) -> Finding | None:
    """What the hardest class is taken for, when it is taken for something else."""
    hardest = _leading(_shares(facts.test), lowest=True)
    if len(hardest) != 1:
        return None
    row = facts.test[hardest[0]].copy()
    row[hardest[0]] = 0
    takers = _most_frequent(row)
    if not takers:
        return None
    name, errors = facts.classes[hardest[0]], int(row.sum())
    shares = {facts.classes[i]: wilson(int(row[i]), errors) for i in takers}
    parts = [f"{taker} ({within(share)})" for taker, share in shares.items()]
    return Finding(
        "taken_for",
        f"The {count(errors)} misclassified test images of {name} are most often taken for {listed(parts)}.",
        {"class": name, "errors": errors, "takers": {taker: share.json() for taker, share in shares.items()}},
        "confusion",
    )


def pairs(facts: Facts) -> Finding | None:
    """Which pairs of classes are mixed up with each other most often, and how much of the errors that makes."""
    mutual = np.triu(facts.test + facts.test.T, 1)
    errors = int(mutual.sum())
    chosen = [divmod(place, len(mutual)) for place in _most_frequent(mutual.ravel())]
    if not chosen or len(facts.classes) == 2:  # of two classes there is one pair, and nothing to say of it
        return None
    together = wilson(sum(int(mutual[pair]) for pair in chosen), errors)
    parts = [f"{facts.classes[a]} and {facts.classes[b]} ({count(mutual[a, b])} times)" for a, b in chosen]
    most = "pair mixed up most often is" if len(parts) == 1 else "pairs mixed up most often are"
    return Finding(
        "pairs",
        f"The {most} {listed(parts, last=', ')}: {percent(together)} of the {count(errors)} test errors.",
        {
            "errors": errors,
            "share": together.json(),
            "pairs": [[facts.classes[a], facts.classes[b], int(mutual[a, b])] for a, b in chosen],
        },
        "confusion",
    )


def first_layer(facts: Facts) -> Finding | None:
    """What layer 1 alone can tell, beside bare pixels and the whole network."""
    if facts.readouts is None:
        return None
    rows = {row["name"]: row for row in facts.readouts["readouts"]}
    if not {"pixels", "layer 1", "whole network"} <= rows.keys():
        return None
    layer, pixels, whole = (Interval.of(rows[name]["accuracy"]) for name in ("layer 1", "pixels", "whole network"))
    more = difference(layer, pixels)
    beside = f"bare pixels reach {percent(pixels)}"
    if more.low > 0:
        beside = f"{points(more)} more than bare pixels do"
    per_class = {name: Interval.of(share) for name, share in rows["layer 1"]["per_class"].items()}
    reached = [name for name, share in per_class.items() if share.low > STUDY_SHARE]
    return Finding(
        "first_layer",
        f"Layer 1 alone, with a linear readout, labels {percent(layer)} of the validation images right, {beside}; "
        f"on {len(reached)} of {len(per_class)} classes it is surely above {100 * STUDY_SHARE:.0f} %. "
        f"The whole network reaches {percent(whole)}.",
        {"layer_1": layer.json(), "pixels": pixels.json(), "whole": whole.json(), "above_60_percent": reached},
        "readouts",
    )


def confidence(facts: Facts) -> Finding | None:
    """Whether the network is surer than it is right, or less sure."""
    return judge_confidence(facts.calibration, "images")


def generalisation(facts: Facts) -> Finding | None:
    """How much better the network does on the images it learned from."""
    if facts.train is None:
        return None
    train, val = wilson(*facts.train), _accuracy(facts.val)
    gap = difference(train, val)
    if gap.low <= 0:
        return None
    return Finding(
        "generalisation",
        f"It labels {percent(train)} of its training images right and {percent(val)} of the validation images: "
        f"{points(gap)} do not carry over to images it has not learned from.",
        {"train": train.json(), "val": val.json(), "gap": gap.json()},
        "training",
    )


def validation_and_test(facts: Facts) -> Finding | None:
    """Whether the validation score foretold the test score."""
    val, test = _accuracy(facts.val), _accuracy(facts.test)
    gap = difference(test, val)
    numbers = {"val": val.json(), "test": test.json(), "gap": gap.json()}
    if gap.low <= 0 <= gap.high:
        sentence = (
            f"Test ({within(test)}) and validation ({within(val)}) differ by no more than chance explains: "
            f"{signed_points(gap)}."
        )
    else:
        word, size = ("above", gap) if gap.value > 0 else ("below", negated(gap))
        sentence = (
            f"The test score ({within(test)}) lies {points(size)} {word} the validation score ({within(val)}), "
            "more than chance explains."
        )
    return Finding("validation_and_test", sentence, numbers, "classes")


def shapes_of_kernels(facts: Facts) -> Finding | None:
    """How many kernels of each layer are edges, and how many nearly uniform."""
    if facts.kernels is None:
        return None
    chance: float = facts.kernels["chance_share"]
    sentences, numbers = [], {}
    for layer in facts.kernels["layers"]:
        kinds: list[str] = layer["kinds"]
        counts = {
            "edges": sum(kind.endswith("edge") for kind in kinds),
            "lines_and_blobs": sum(kind.endswith("line") or kind == "blob" for kind in kinds),
            "nearly_uniform": kinds.count(UNIFORM),
        }
        clear = wilson(counts["edges"] + counts["lines_and_blobs"], len(kinds))
        shares = {group: wilson(count, len(kinds)).json() for group, count in counts.items()}
        numbers[layer["name"]] = {"clear_shapes": clear.json(), **shares}
        sentences.append(
            f"In {layer['name']}, {percent(clear)} of {count(len(kinds))} kernels have a clear shape: "
            f"{count(counts['edges'])} edges, {count(counts['lines_and_blobs'])} lines and blobs; "
            f"{count(counts['nearly_uniform'])} are nearly uniform."
        )
    return Finding(
        "shapes_of_kernels",
        f"{' '.join(sentences)} Of kernels of pure noise {100 * chance:.0f} % would pass for a shape.",
        numbers,
        "kernels",
    )


def _extreme(facts: Facts, word: str, *, lowest: bool) -> Finding | None:
    """Name the classes at one end, or nothing where too many lie too close together."""
    shares = _shares(facts.test)
    chosen = _leading(shares, lowest=lowest)
    if not chosen:
        return None
    parts = [f"{facts.classes[i]} ({within(shares[i])})" for i in chosen]
    numbers = {facts.classes[i]: shares[i].json() for i in chosen}
    if len(chosen) == 1:
        of = int(facts.test[chosen[0]].sum())
        sentence = (
            f"{facts.classes[chosen[0]]} is the {word} class: {percent(shares[chosen[0]])} of its {count(of)} "
            "test images are labelled right."
        )
    else:
        sentence = (
            f"The {word} classes are {listed(parts)}, labelled right on test; "
            f"which of them is the {word} these images cannot tell."
        )
    return Finding(f"{word}_class" if lowest else f"{word}_classes", sentence, numbers, "classes")


def _leading(shares: list[Interval], *, lowest: bool) -> list[int]:
    return leading([share.value for share in shares], lambda a, b: _apart(shares[a], shares[b]), lowest=lowest)


def _apart(first: Interval, second: Interval) -> bool:
    gap = difference(first, second)
    return gap.low > 0 or gap.high < 0


def _most_frequent(counts: NDArray[np.int64]) -> list[int]:
    def more(a: int, b: int) -> bool:
        return wilson(int(counts[a]), int(counts[a] + counts[b])).low > 0.5

    return most_frequent([int(number) for number in counts], more)


def _shares(confusion: NDArray[np.int64]) -> list[Interval]:
    return [wilson(int(row[i]), int(row.sum())) for i, row in enumerate(confusion)]


def _accuracy(confusion: NDArray[np.int64]) -> Interval:
    return wilson(int(np.trace(confusion)), int(confusion.sum()))
