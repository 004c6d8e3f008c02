from typing import Any

import numpy as np
import pytest
from msgspec.structs import replace
from numpy.typing import NDArray
from scipy import sparse

from evaluation.factories import CLASSES
from seamline.evaluation.average_precision import APResult
from seamline.evaluation.bootstrap import N_RESAMPLES, GroupBootstrap, Sampled
from seamline.evaluation.counts import SplitCounts
from seamline.evaluation.error_analysis import ErrorAnalysis, ThinRegions
from seamline.evaluation.findings import FINDINGS, FindingInputs, find
from seamline.evaluation.metrics import SplitMetrics
from seamline.run_folder import (
    Calibration,
    Estimate,
    Finding,
    ImageMetrics,
    RandomSplit,
    SplitCalibration,
    SplitInfo,
)

# Of 1,000 pixels: posts are rare, mostly taken for wall, and called where there is wall.
PLAIN = np.array([[444, 10, 26, 20], [10, 278, 2, 10], [24, 0, 12, 4], [10, 10, 0, 140]])
AP = (0.80, 0.90, 0.20, 0.75)
SPLIT = SplitInfo(
    fraction=0.2,
    seed=0,
    strategy="groups",
    predefined=False,
    groups_detected=True,
    groups=100,
    duplicate_images=80,
    largest_group=4,
    test_groups=30,
    excluded_train=("a", "b", "c"),
    test_with_train_duplicates=("x", "y"),
    random=RandomSplit(expected_split_groups=12.6, expected_val_leakage=0.61),
)


def metrics(
    confusion: NDArray[np.int64] = PLAIN,
    ap: tuple[float, ...] = AP,
    groups: int = 40,
    stream: int = 2,
    *,
    softmax: float = 0.0,
) -> SplitMetrics:
    """Metrics of `groups` images of a group each, whose pixels are drawn from one matrix."""
    chance = np.random.default_rng(stream)
    drawn = chance.multinomial(1000, confusion.ravel() / confusion.sum(), size=groups).reshape(groups, 4, 4)
    losses = chance.uniform(500, 600, groups)
    rankings: list[APResult] = []
    soft: list[APResult] = []
    for k, value in enumerate(ap):
        noise = chance.integers(60, 100, groups)
        counts = np.stack([[[100 - n, 400], [n, drawn[i, k].sum()]] for i, n in enumerate(noise)])
        for results, other in ((rankings, value), (soft, value + softmax)):
            results.append(APResult(other, other, other, counts.astype(np.int64)))
    confusions = sparse.csr_array(drawn.reshape(groups, -1))
    ranked = {"raw": tuple(rankings), "softmax": tuple(soft)}
    counted = SplitCounts(CLASSES, GroupBootstrap(np.arange(groups), stream), confusions, losses, ranked)
    return SplitMetrics("segmentation", counted, groups)


def around(value: float, by: float = 0.01, *, turned: bool = False) -> Sampled:
    """A metric whose resamples reach `by` to both sides."""
    resampled = np.linspace(value - by, value + by, N_RESAMPLES)
    return Sampled.from_replicates(np.concatenate([[value], resampled[::-1] if turned else resampled]))


def errors(near: float = 0.6, area: float = 0.3, parts: tuple[float, float, float] | None = None) -> ErrorAnalysis:
    thin = {}
    if parts is not None:
        turned = {"middle": True}  # so that differences vary
        names = ("top", "middle", "bottom")
        recall = {name: around(of, turned=name in turned) for name, of in zip(names, parts, strict=True)}
        thin["post"] = ThinRegions(120, recall)
    return ErrorAnalysis(around(near), Sampled.from_replicates(np.full(1 + N_RESAMPLES, area)), thin)


def inputs(**others: Any) -> FindingInputs:
    return FindingInputs(**{"val": metrics(stream=1), "test": metrics(), **others})


def named(found: FindingInputs) -> dict[str, Finding]:
    return {finding.name: finding for finding in find(found, FINDINGS)}


def image(name: str, mean_iou: float) -> ImageMetrics:
    return ImageMetrics(name=name, group=0, accuracy=0.9, mean_iou=mean_iou)


def test_two_rankings_that_differ_are_both_found() -> None:
    sentence = named(inputs(test=metrics(softmax=0.05)))["overall"].sentence
    assert "0.663 (0.6" in sentence
    assert ") by softmax, the mean over 4 classes" in sentence
    assert " and 0.713 (0." in sentence


def test_the_plain_case_says_what_the_figures_say() -> None:
    test = metrics()
    found = named(inputs())
    overall = found["overall"]
    assert overall.values["mean_ap"].value == pytest.approx(np.mean(AP))
    assert "On 40 test images" in overall.sentence
    assert "0.663 (0.6" in overall.sentence
    assert (
        "with pixels ranked by logits or by softmax, which give the same ranking, the mean over 4" in overall.sentence
    )
    assert f"{100 * test.overall('accuracy').estimate.value:.1f} % (" in overall.sentence
    assert "Post is the hardest class: its average precision on test is 0.200 (" in found["hardest_class"].sentence
    assert list(found["hardest_class"].values) == ["post"]
    confusion = test.counts.confusion_matrix
    missed = int(confusion[2].sum() - confusion[2, 2])
    assert (
        f"The {missed:,} test pixels of post that are missed are most often predicted as wall ("
        in found["confused_with"].sentence
    )
    wrong = 1 - test["precision"][2].estimate.value
    alarms = found["false_positives"].sentence
    assert alarms.startswith("Post has the lowest precision: ")
    assert f"{100 * wrong:.1f} % (" in alarms
    assert "most often wall (" in alarms


def test_a_sentence_is_in_the_order_of_the_table_and_has_its_panel() -> None:
    images = (image("best", 0.9), image("b", 0.8), image("c", 0.7), image("worst", 0.1))
    train = metrics(np.diag([440, 280, 40, 160]), stream=0)
    everything = inputs(train=train, errors=errors(parts=(0.2, 0.5, 0.2)), images=images, split=SPLIT)
    found = find(everything, FINDINGS)
    order = [rule.name for rule in FINDINGS if "segmentation" in rule.panels]
    assert [finding.name for finding in found] == [
        name for name in order if name not in ("calibration", "first_set", "optimistic_split", "no_test_images")
    ]
    panels = {"training", "confusion", "classes", "examples", "pr_curves", "calibration", "leakage"}
    assert {finding.panel for finding in found} <= panels


def test_classes_that_cannot_be_found_apart_are_named_together() -> None:
    found = named(inputs(test=metrics(ap=(0.80, 0.90, 0.20, 0.20))))
    sentence = found["hardest_class"].sentence
    assert "The hardest classes are " in sentence
    assert "the difference between them is not significant" in sentence
    assert set(found["hardest_class"].values) == {"post", "door"}
    assert "confused_with" not in found


def test_more_or_fewer_pixels_than_there_are() -> None:
    more, fewer = PLAIN.copy(), PLAIN.copy()
    more[0] = [404, 10, 66, 20]
    fewer[2] = [34, 0, 4, 2]
    fewer[0] = [462, 10, 8, 20]
    assert (
        "In total, the model predicts more pixels as post than there are"
        in named(inputs(test=metrics(more)))["false_positives"].sentence
    )
    assert "predicts fewer pixels as post" in named(inputs(test=metrics(fewer)))["false_positives"].sentence
    assert "In total" not in named(inputs())["false_positives"].sentence


def test_a_single_group_gives_few_sentences_and_no_brackets() -> None:
    lonely = inputs(test=metrics(groups=1), val=metrics(groups=1, stream=1), train=metrics(groups=1, stream=0))
    found = named(lonely)
    assert set(found) == {"overall"}
    assert "(" not in found["overall"].sentence
    assert "On 1 test image," in found["overall"].sentence


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        (
            (0.2, 0.5, 0.2),
            "It is higher in the middles than at the upper ends, by 30.0 points (28.1 to 31.9), and the lower ends, "
            "by 30.0 points (28.1 to 31.9).",
        ),
        ((0.2, 0.5, 0.5), "It is higher in the middles than at the upper ends, by 30.0 points (28.1 to 31.9)."),
        (
            (0.5, 0.5, 0.5),
            "Middles and ends do not differ significantly: +0.0 points (−1.9 to +1.9) against the upper ends "
            "and +0.0 points (−1.9 to +1.9) against the lower ends.",
        ),
        ((0.7, 0.5, 0.5), "It is lower in the middles than at the upper ends, by 20.0 points (18.1 to 21.9)."),
        (
            (0.2, 0.5, 0.7),
            "It is higher in the middles than at the upper ends, by 30.0 points (28.1 to 31.9). It is lower "
            "in the middles than at the lower ends, by 20.0 points (18.1 to 21.9).",
        ),
    ],
)
def test_middles_against_ends(parts: tuple[float, float, float], said: str) -> None:
    sentence = named(inputs(errors=errors(parts=parts)))["thin_region_ends"].sentence
    assert sentence.startswith("Most regions of post are tall and thin. In these 120, recall is 50.0 % (")
    assert sentence.endswith(f" in the lower fifths. {said}")


def test_where_hardly_a_pixel_is_found_no_end_is_compared() -> None:
    nothing = Sampled.from_replicates(np.zeros(1 + N_RESAMPLES))
    thin = {"post": ThinRegions(30, dict.fromkeys(("top", "middle", "bottom"), nothing))}
    found = ErrorAnalysis(around(0.6), around(0.3), thin)
    assert named(inputs(errors=found))["thin_region_ends"].sentence == (
        "Most regions of post are tall and thin; almost no pixel of these 30 is found, none in their middles."
    )


@pytest.mark.parametrize(
    ("near", "area", "ending"),
    [
        (0.6, 0.3, "errors concentrate at boundaries, and most of them lie there."),
        (0.4, 0.3, "errors concentrate at boundaries, but most of them lie inside regions."),
        (0.5, 0.3, "errors concentrate at boundaries."),
        (0.2, 0.3, "errors avoid boundaries, and most of them lie inside regions."),
        (0.3, 0.3, "most errors lie inside regions."),
        (0.5, 0.5, "of all pixels."),
    ],
)
def test_borders_or_insides(near: float, area: float, ending: str) -> None:
    sentence = named(inputs(errors=errors(near, area)))["boundary_errors"].sentence
    assert sentence.endswith(ending)
    assert f"{100 * near:.1f} % (" in sentence


def test_the_gap_to_training_is_found_where_it_is_sure() -> None:
    assert "generalization" not in named(inputs(train=metrics(stream=0)))
    better = named(inputs(train=metrics(np.diag([440, 280, 40, 160]), stream=0)))["generalization"]
    assert "It classifies 100 % of" in better.sentence
    assert "a generalization gap of" in better.sentence
    assert "the log loss increases" not in better.sentence


def test_confidence_speaks_of_pixels() -> None:
    def calibration(gap: Estimate) -> Calibration:
        any_value = Estimate(0.5)
        test = SplitCalibration(
            nll_raw=any_value,
            nll_scaled=any_value,
            nll_reduction=Estimate(0.011, 0.009, 0.013),
            ece_raw=any_value,
            ece_scaled=any_value,
            confidence_gap_raw=gap,
            confidence_gap_scaled=Estimate(0.001, -0.004, 0.006),
            reliability_raw=(),
            reliability_scaled=(),
        )
        return Calibration(temperature=Estimate(1.4, 1.3, 1.5), bins=15, val=test, test=test)

    finding = named(inputs(calibration=calibration(Estimate(0.04, 0.03, 0.05))))["calibration"]
    assert "overconfident: on the test pixels its mean confidence is 4.0 points" in finding.sentence
    assert "calibration" not in named(inputs(calibration=calibration(Estimate(0.04))))


def test_relatives_are_found() -> None:
    found = named(inputs(split=SPLIT))["leakage"]
    assert found.sentence == (
        "2 test images of 40 have near-duplicates in training; the 3 training images in their groups were excluded. 80 "
        "training images have near-duplicates among the others. A random split would put 13 groups on both sides on "
        "average, so that 61 % of the validation images have a near-duplicate in training; in this split, none do."
    )
    careless = replace(SPLIT, strategy="images", excluded_train=(), test_with_train_duplicates=("x",))
    sentence = named(inputs(split=careless))["leakage"].sentence
    assert "1 test image of 40 has near-duplicates in training, and these were not excluded" in sentence
    assert "A random split puts 13 groups" in sentence
    assert "this split" not in sentence
    nobody = replace(SPLIT, duplicate_images=0, test_with_train_duplicates=(), excluded_train=())
    assert "leakage" not in named(inputs(split=nobody))


def test_validation_beside_test() -> None:
    assert "do not differ significantly: " in named(inputs())["val_test_gap"].sentence
    worse = metrics(ap=(0.5, 0.6, 0.1, 0.4))
    sentence = named(inputs(test=worse))["val_test_gap"].sentence
    assert "is 0.263 (" in sentence
    assert "below that on validation" in sentence


def test_the_spread_of_images() -> None:
    images = tuple(image(f"image {i}", 0.9 - i / 10) for i in range(9))
    assert named(inputs(images=images))["per_image_spread"].sentence == (
        "The mean IoU of single test images ranges from 0.100 (image 8) to 0.900 (image 0); half "
        "of the images are between 0.300 and 0.700."
    )
