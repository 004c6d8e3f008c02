import dataclasses
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from measure.masks.made import CLASSES
from seamline.data.dataset import Split
from seamline.measure.findings import MASK_FINDINGS, Finding, MaskFacts, find
from seamline.measure.intervals import Interval
from seamline.measure.masks.evaluation import Kept, MaskEvaluation, Tally
from seamline.measure.masks.metrics import Figures, figures_of
from seamline.measure.masks.mistakes import Mistakes, Slender
from seamline.measure.masks.precision import Ranking
from seamline.measure.masks.resampling import RESAMPLES, Resamples

# Of 1,000 pixels: posts are rare, mostly taken for wall, and called where there is wall.
PLAIN = np.array([[444, 10, 26, 20], [10, 278, 2, 10], [24, 0, 12, 4], [10, 10, 0, 140]])
AP = (0.80, 0.90, 0.20, 0.75)
DIVISION = {
    "by": "groups",
    "grouped_images": 80,
    "left_out": ["a", "b", "c"],
    "test_related": ["x", "y"],
    "random": {"torn_groups": 12.6, "val_related": 0.61},
}


def figures(
    confusion: NDArray[np.int64] = PLAIN, ap: tuple[float, ...] = AP, groups: int = 40, stream: int = 2
) -> Figures:
    """Figures of `groups` images of a group each, whose pixels are drawn from one matrix."""
    chance = np.random.default_rng(stream)
    drawn = chance.multinomial(1000, confusion.ravel() / confusion.sum(), size=groups).reshape(groups, 4, 4)
    resamples = Resamples(np.arange(groups), stream)
    masks = np.zeros((groups, 1, 1), dtype=np.uint8)
    names = tuple(f"{i:03d}" for i in range(groups))
    split = Split(np.zeros((groups, 1, 1, 3), dtype=np.uint8), masks, names, resamples.groups)
    tally = Tally(CLASSES, split, resamples, masks, drawn, chance.uniform(500, 600, groups))
    rankings = []
    for k, value in enumerate(ap):
        noise = chance.integers(60, 100, groups)
        counts = np.stack([[[100 - n, 400], [n, drawn[i, k].sum()]] for i, n in enumerate(noise)])
        rankings.append(Ranking(value, value, value, counts.astype(np.int64)))
    kept = Kept(np.zeros((groups, 4, 1), dtype=np.float32), masks[..., 0], masks[..., 0])
    return figures_of(tally, MaskEvaluation(tally, kept, {"raw": tuple(rankings), "softmax": tuple(rankings)}))


def around(value: float, by: float = 0.01) -> NDArray[np.float64]:
    """A figure whose resamples reach `by` to both sides."""
    return np.concatenate([[value], np.linspace(value - by, value + by, RESAMPLES)])


def mistakes(near: float = 0.6, area: float = 0.3, parts: tuple[float, float, float] | None = None) -> Mistakes:
    slender = {}
    if parts is not None:
        found = {name: around(share) for name, share in zip(("top", "middle", "bottom"), parts, strict=True)}
        found["middle"] = np.concatenate([found["middle"][:1], found["middle"][:0:-1]])  # so that differences vary
        slender["post"] = Slender(120, found)
    return Mistakes(around(near), np.full(1 + RESAMPLES, area), slender)


def facts(**others: Any) -> MaskFacts:
    given: dict[str, Any] = {"classes": CLASSES, "val": figures(stream=1), "test": figures()}
    return MaskFacts(**{**given, **others})


def named(found: MaskFacts) -> dict[str, Finding]:
    return {finding.name: finding for finding in find(found)}


def test_two_rankings_that_differ_are_both_told() -> None:
    test = figures()
    test = dataclasses.replace(test, per_class=test.per_class | {"ap_softmax": test.per_class["ap_softmax"] + 0.05})
    sentence = named(facts(test=test))["overall"].sentence
    assert "0.663 (0.6" in sentence
    assert ") by softmax, the mean over 4 classes" in sentence
    assert " and 0.713 (0." in sentence


def test_the_plain_case_says_what_the_figures_say() -> None:
    test = figures()
    told = named(facts())
    overall = told["overall"]
    assert overall.numbers["mean_ap"]["value"] == pytest.approx(np.mean(AP))
    assert "On 40 test images" in overall.sentence
    assert "0.663 (0.6" in overall.sentence
    assert "where pixels are ranked by raw scores or by softmax, which rank alike, the mean over 4" in overall.sentence
    assert f"{100 * test.accuracy[0]:.1f} % (" in overall.sentence
    assert "post is the hardest class: its average precision on test is 0.200 (" in told["hardest_class"].sentence
    assert list(told["hardest_class"].numbers) == ["post"]
    missed = int(test.confusion[0, 2].sum() - test.confusion[0, 2, 2])
    assert (
        f"The {missed:,} test pixels of post that are missed are most often taken for wall ("
        in told["taken_for"].sentence
    )
    wrong = 1 - test.per_class["precision"][0, 2]
    alarms = told["false_alarms"].sentence
    assert alarms.startswith("post is the answer that deserves least trust: ")
    assert f"{100 * wrong:.1f} % (" in alarms
    assert "most often wall (" in alarms


def test_a_sentence_is_in_the_order_of_the_table_and_has_its_panel() -> None:
    images = (("best", 0.9), ("b", 0.8), ("c", 0.7), ("worst", 0.1))
    train = figures(np.diag([440, 280, 40, 160]), stream=0)
    everything = facts(train=train, mistakes=mistakes(parts=(0.2, 0.5, 0.2)), images=images, division=DIVISION)
    found = find(everything)
    order = [rule.__name__ for rule in MASK_FINDINGS]
    assert [finding.name for finding in found] == [name for name in order if name != "confidence"]
    panels = {"training", "confusion", "classes", "cases", "precision", "calibration", "audit"}
    assert {finding.panel for finding in found} <= panels


def test_classes_that_cannot_be_told_apart_are_named_together() -> None:
    told = named(facts(test=figures(ap=(0.80, 0.90, 0.20, 0.20))))
    sentence = told["hardest_class"].sentence
    assert "The hardest classes are " in sentence
    assert "which of them is the hardest these images cannot tell" in sentence
    assert set(told["hardest_class"].numbers) == {"post", "door"}
    assert "taken_for" not in told


def test_more_or_fewer_pixels_than_there_are() -> None:
    more, fewer = PLAIN.copy(), PLAIN.copy()
    more[0] = [404, 10, 66, 20]
    fewer[2] = [34, 0, 4, 2]
    fewer[0] = [462, 10, 8, 20]
    assert (
        "In all it calls more pixels post than there are" in named(facts(test=figures(more)))["false_alarms"].sentence
    )
    assert "calls fewer pixels post" in named(facts(test=figures(fewer)))["false_alarms"].sentence
    assert "In all" not in named(facts())["false_alarms"].sentence


def test_a_single_group_gives_few_sentences_and_no_brackets() -> None:
    lonely = facts(test=figures(groups=1), val=figures(groups=1, stream=1), train=figures(groups=1, stream=0))
    told = named(dataclasses.replace(lonely, mistakes=None))
    assert set(told) == {"overall"}
    assert "(" not in told["overall"].sentence
    assert "On 1 test image," in told["overall"].sentence


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        (
            (0.2, 0.5, 0.2),
            "Missed more often than the middles are the upper ends, by 30.0 points (28.1 to 31.9), and the lower ends, "
            "by 30.0 points (28.1 to 31.9).",
        ),
        ((0.2, 0.5, 0.5), "Missed more often than the middles are the upper ends, by 30.0 points (28.1 to 31.9)."),
        (
            (0.5, 0.5, 0.5),
            "Middles and ends differ by no more than chance explains, +0.0 points (−1.9 to +1.9) at the upper ends "
            "and +0.0 points (−1.9 to +1.9) at the lower ends.",
        ),
        ((0.7, 0.5, 0.5), "Found more often than the middles are the upper ends, by 20.0 points (18.1 to 21.9)."),
        (
            (0.2, 0.5, 0.7),
            "Missed more often than the middles are the upper ends, by 30.0 points (28.1 to 31.9). Found more often "
            "than the middles are the lower ends, by 20.0 points (18.1 to 21.9).",
        ),
    ],
)
def test_middles_against_ends(parts: tuple[float, float, float], said: str) -> None:
    sentence = named(facts(mistakes=mistakes(parts=parts)))["ends"].sentence
    assert sentence.startswith("Most regions of post are tall and thin. Of the middles of these 120, 50.0 % (")
    assert sentence.endswith(f"). {said}")


def test_where_hardly_a_pixel_is_found_no_end_is_compared() -> None:
    nothing = Slender(30, {part: np.zeros(1 + RESAMPLES) for part in ("top", "middle", "bottom")})
    found = Mistakes(around(0.6), around(0.3), {"post": nothing})
    assert named(facts(mistakes=found))["ends"].sentence == (
        "Most regions of post are tall and thin; of these 30 hardly a pixel is found, "
        "0.0 % (0.0 to 0.0) of their middles."
    )


@pytest.mark.parametrize(
    ("near", "area", "ending"),
    [
        (0.6, 0.3, "errors crowd at borders, and most of them lie there."),
        (0.4, 0.3, "errors crowd at borders, but most of them lie inside regions."),
        (0.5, 0.3, "errors crowd at borders."),
        (0.2, 0.3, "errors keep away from borders, and most of them lie inside regions."),
        (0.3, 0.3, "most errors lie inside regions."),
        (0.5, 0.5, "of all pixels lie."),
    ],
)
def test_borders_or_insides(near: float, area: float, ending: str) -> None:
    sentence = named(facts(mistakes=mistakes(near, area)))["borders"].sentence
    assert sentence.endswith(ending)
    assert f"{100 * near:.1f} % (" in sentence


def test_the_gap_to_training_is_told_where_it_is_sure() -> None:
    assert "generalisation" not in named(facts(train=figures(stream=0)))
    better = named(facts(train=figures(np.diag([440, 280, 40, 160]), stream=0)))["generalisation"]
    assert "It labels 100.0 % (" in better.sentence
    assert "do not carry over" in better.sentence
    assert "the loss grows" not in better.sentence


def test_confidence_speaks_of_pixels() -> None:
    measured = {
        "overconfidence_before": Interval(0.04, 0.03, 0.05).json(),
        "overconfidence_after": Interval(0.001, -0.004, 0.006).json(),
        "nll_gain": Interval(0.011, 0.009, 0.013).json(),
    }
    finding = named(facts(calibration={"temperature": Interval(1.4, 1.3, 1.5).json(), "test": measured}))["confidence"]
    assert "overconfident: on the test pixels its stated confidence lies 4.0 points" in finding.sentence
    unknown = {**measured, "overconfidence_before": {"value": 0.04, "low": None, "high": None}}
    asked = facts(calibration={"temperature": Interval(1.4, 1.3, 1.5).json(), "test": unknown})
    assert "confidence" not in named(asked)


def test_relatives_are_told() -> None:
    told = named(facts(division=DIVISION))["relatives"]
    assert told.sentence == (
        "2 test images of 40 have relatives among the training images; the 3 images that would have shown them in "
        "training were left out. 80 training images have relatives among the others. A random split would put 13 "
        "groups of relatives on both sides on average, so that 61 % of the validation images have a relative in "
        "training; this one puts none."
    )
    careless = {**DIVISION, "by": "images", "left_out": [], "test_related": ["x"]}
    sentence = named(facts(division=careless))["relatives"].sentence
    assert "1 test image of 40 has relatives among the training images, and these were learned from" in sentence
    assert "A random split puts 13 groups" in sentence
    assert "this one" not in sentence
    nobody = {**DIVISION, "grouped_images": 0, "test_related": [], "left_out": []}
    assert "relatives" not in named(facts(division=nobody))


def test_validation_beside_test() -> None:
    assert "differ by no more than chance explains: " in named(facts())["validation_and_test"].sentence
    worse = figures(ap=(0.5, 0.6, 0.1, 0.4))
    sentence = named(facts(test=worse))["validation_and_test"].sentence
    assert "lies 0.263 (" in sentence
    assert "below that on validation" in sentence


def test_the_spread_of_images() -> None:
    images = tuple((f"image {i}", 0.9 - i / 10) for i in range(9))
    assert named(facts(images=images))["spread"].sentence == (
        "Image by image, the mean intersection over union on test runs from 0.100 (image 8) to 0.900 (image 0); half "
        "of the images lie between 0.300 and 0.700."
    )
