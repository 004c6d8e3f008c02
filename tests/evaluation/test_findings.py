from typing import Any

import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray

from evaluation.factories import label_evaluation, label_metrics
from report.why_factories import class_analysis
from seamline.evaluation.confidence import wilson
from seamline.evaluation.findings import FINDINGS, LAYER_FINDINGS, FindingInputs, find
from seamline.run_folder import (
    ABSENT,
    Calibration,
    Estimate,
    FilterAnalysis,
    FilterFraction,
    FilterLayer,
    Finding,
    LinearProbe,
    LinearProbes,
    SplitCalibration,
)

CLASSES = ("T-shirt", "Trouser", "Coat", "Shirt", "Bag")

# Of 1,000 images a class: Shirt is right 700 times and taken for T-shirt 180 times; Bag and Trouser are nearly perfect.
PLAIN = np.array(
    [
        [880, 0, 10, 110, 0],
        [2, 990, 4, 4, 0],
        [10, 0, 860, 130, 0],
        [180, 0, 115, 700, 5],
        [1, 0, 3, 4, 992],
    ]
)


RULES = (*FINDINGS, *LAYER_FINDINGS)


def inputs(test: NDArray[np.int64] = PLAIN, val: NDArray[np.int64] | None = None, **others: Any) -> FindingInputs:
    classes = CLASSES[: len(test)]
    return FindingInputs(label_metrics(classes, test if val is None else val), label_metrics(classes, test), **others)


def named(found: FindingInputs) -> dict[str, Finding]:
    return {finding.name: finding for finding in find(found, RULES)}


def test_the_plain_case_says_what_the_matrix_says() -> None:
    found = named(inputs())
    assert found["overall"].values["accuracy"].value == pytest.approx(4422 / 5000)
    assert "5,000 test images" in found["overall"].sentence
    assert found["hardest_class"].sentence == (
        "Shirt is the hardest class: 70.0 % (67.1 to 72.8) of its 1,000 test images are classified correctly."
    )
    assert list(found["easiest_classes"].values) == ["Bag", "Trouser"]
    assert "not significant" in found["easiest_classes"].sentence
    confused = found["confused_with"]
    assert list(confused.values["predicted_as"]) == ["T-shirt"]
    assert confused.values["predicted_as"]["T-shirt"].value == pytest.approx(180 / 300)
    assert "300 misclassified test images of Shirt" in confused.sentence
    pairs = found["confused_pairs"]
    assert pairs.values["pairs"] == [["T-shirt", "Shirt", 290], ["Coat", "Shirt", 245]]
    assert pairs.values["fraction"].value == pytest.approx(535 / 578)
    assert "T-shirt and Shirt (290 times), Coat and Shirt (245 times): 92.6 %" in pairs.sentence


def test_one_image_is_not_several() -> None:
    """Two classes of ten images and one of one, which is wrong."""
    found = named(inputs(np.array([[10, 0, 0], [0, 10, 0], [0, 1, 0]])))
    assert found["overall"].sentence.startswith("Of 21 test images, none of which")
    text = " ".join(finding.sentence for finding in found.values())
    assert " 1 test images" not in text
    assert " 1 images" not in text
    assert found["hardest_class"].sentence.endswith("of its 1 test image is classified correctly.")
    single = named(inputs(np.array([[1, 0], [0, 0]])))
    assert single["overall"].sentence.startswith("Of 1 test image, none of which")


def test_a_sentence_is_in_the_order_of_the_table_and_has_its_panel() -> None:
    order = [rule.name for rule in RULES]
    names = [finding.name for finding in find(inputs(), RULES)]
    assert names == sorted(names, key=order.index)
    panels = {"training", "confusion", "classes", "kernels", "linear_probes", "calibration"}
    assert {finding.panel for finding in find(inputs(), RULES)} <= panels


def test_two_hard_classes_that_cannot_be_found_apart_are_named_together() -> None:
    test = PLAIN.copy()
    test[2] = [20, 0, 710, 270, 0]
    found = named(inputs(test))
    assert list(found["hardest_class"].values) == ["Shirt", "Coat"]
    assert "the difference between them is not significant" in found["hardest_class"].sentence
    assert "confused_with" not in found


def test_few_images_support_few_sentences() -> None:
    few = np.array([[8, 1, 1], [1, 8, 1], [1, 1, 8]])
    assert set(named(inputs(few))) == {"overall", "val_test_gap"}


def test_a_perfect_network_has_no_errors_to_speak_of() -> None:
    found = named(inputs(np.diag([100, 100, 100])))
    assert set(found) == {"overall", "val_test_gap"}
    assert "100.0 %" in found["overall"].sentence


def test_errors_that_spread_evenly_have_no_taker_and_no_pairs() -> None:
    test = np.full((5, 5), 60)
    np.fill_diagonal(test, 760)
    test[3] = [100, 100, 100, 600, 100]
    found = named(inputs(test))
    assert list(found["hardest_class"].values) == ["Shirt"]
    assert "confused_with" not in found
    assert "confused_pairs" not in found


def test_two_takers_are_named_when_both_stand_out() -> None:
    test = PLAIN.copy()
    test[3] = [150, 5, 140, 700, 5]
    assert list(named(inputs(test))["confused_with"].values["predicted_as"]) == ["T-shirt", "Coat"]


def test_an_absent_class_is_neither_hardest_nor_easiest() -> None:
    test = PLAIN.copy()
    test[3] = 0
    for finding in find(inputs(test), RULES):
        if finding.name in ("hardest_class", "easiest_classes"):
            assert "Shirt" not in finding.values


@pytest.mark.parametrize(
    ("right_in_training", "printed"),
    [(4422, False), (4450, False), (4700, True)],
)
def test_the_gap_to_training_is_found_where_it_is_sure(right_in_training: int, printed: bool) -> None:
    found = named(inputs(train=label_metrics("ab", np.array([[right_in_training, 5000 - right_in_training], [0, 0]]))))
    assert ("generalization" in found) == printed
    if printed:
        assert "94.0 %" in found["generalization"].sentence
        assert "5.6 points" in found["generalization"].sentence


def test_validation_beside_test() -> None:
    assert "do not differ significantly: +0.0 points" in named(inputs())["val_test_gap"].sentence
    worse = PLAIN.copy()
    worse[0] = [580, 0, 210, 210, 0]
    sentence = named(inputs(worse, val=PLAIN))["val_test_gap"].sentence
    assert "is 6.0 points" in sentence
    assert "below that on validation" in sentence


def calibration(gap: tuple[float, float, float], reduction: float) -> Calibration:
    any_value = Estimate(0.5)
    test = SplitCalibration(
        nll_raw=any_value,
        nll_scaled=any_value,
        nll_reduction=Estimate(reduction, reduction - 0.002, reduction + 0.002),
        ece_raw=any_value,
        ece_scaled=any_value,
        confidence_gap_raw=Estimate(*gap),
        confidence_gap_scaled=Estimate(0.001, -0.004, 0.006),
        reliability_raw=(),
        reliability_scaled=(),
    )
    return Calibration(temperature=Estimate(1.4, 1.3, 1.5), bins=15, val=test, test=test)


def test_confidence_is_judged_only_where_the_interval_allows() -> None:
    over = named(inputs(calibration=calibration((0.04, 0.03, 0.05), 0.011)))["calibration"]
    assert "overconfident" in over.sentence
    assert "4.0 points (3.0 to 5.0) above" in over.sentence
    assert (
        "temperature of 1.40, fitted on validation, reduces the difference to +0.1 points (−0.4 to +0.6)"
        in over.sentence
    )
    assert "log loss by 0.011 (0.009 to 0.013)" in over.sentence
    under = named(inputs(calibration=calibration((-0.04, -0.05, -0.03), 0.001)))["calibration"]
    assert "underconfident" in under.sentence
    assert "4.0 points (3.0 to 5.0) below" in under.sentence
    assert "temperature" not in under.sentence
    assert "calibration" not in named(inputs(calibration=calibration((0.01, -0.01, 0.03), 0.011)))


def probes(layer1: int, pixels: int) -> LinearProbes:
    def row(name: str, hits: int) -> LinearProbe:
        per_class = {"T-shirt": wilson(620, 1000), "Bag": wilson(900, 1000)}
        return LinearProbe(name=name, n_features=9, accuracy=wilson(hits, 2000), per_class=per_class)

    return LinearProbes(rule="", probes=(row("pixels", pixels), row("layer 1", layer1), row("whole network", 1850)))


def test_what_layer_1_can_tell() -> None:
    more = named(inputs(probes=probes(1700, 1600)))["layer1_probe"]
    assert "85.0 %" in more.sentence
    assert "5.0 points" in more.sentence
    same = named(inputs(probes=probes(1610, 1600)))["layer1_probe"]
    assert "a probe of the pixels reaches 80.0 %" in same.sentence
    assert "more than" not in same.sentence


def test_kernels_are_counted_by_kind() -> None:
    kinds = ["top edge"] * 12 + ["left edge"] * 4 + ["blob"] * 2 + ["vertical line"] * 2 + ["nearly uniform"] * 8
    kinds += ["mixed"] * 4
    layer = FilterLayer(
        name="layer 1",
        shape=(32, 1, 1, 1),
        weights=(0.0,) * 32,
        types=tuple(kinds),
        correlations=(0.5,) * 32,
        fractions={kind: FilterFraction(count=kinds.count(kind), fraction=Estimate(0.5)) for kind in kinds},
    )
    filters = FilterAnalysis(rule="", threshold=0.6, null_rate=0.05, layers=(layer,))
    finding = named(inputs(filters=filters))["filter_types"]
    assert finding.values["layer 1"]["edges"].value == 0.5
    assert finding.values["layer 1"]["nearly_uniform"].value == 0.25
    assert "In layer 1, 62.5 % (45.3 to 77.1) of 32 filters have a clear type: 16 edges, 4 lines" in finding.sentence
    assert "8 are nearly uniform" in finding.sentence


def test_related_test_images_widen_the_intervals_of_findings() -> None:
    """The same predictions, each image four times over: as strangers, and as the relatives that they are."""
    rng = np.random.default_rng(0)
    labels = np.repeat(rng.integers(0, 2, 100), 4)
    logits = np.eye(2, dtype=np.float32)[np.where(np.repeat(rng.random(100) < 0.2, 4), 1 - labels, labels)]
    metrics = [label_evaluation("ab", logits, labels, groups=groups).metrics for groups in (None, np.arange(400) // 4)]
    strangers, relatives = (named(FindingInputs(one, one))["overall"].values["accuracy"] for one in metrics)
    assert strangers.value == relatives.value
    assert relatives.high - relatives.low > 1.7 * (strangers.high - strangers.low)


def appearance(**changes: Any) -> FindingInputs:
    """Five classes, of which the first and the fourth resemble each other."""
    analysis = class_analysis(CLASSES)
    pair = msgspec.structs.replace(analysis.pairs[0], classes=(0, 3))
    changes = {"pairs": (pair, *analysis.pairs[1:]), **changes}
    return inputs(appearance=msgspec.structs.replace(analysis, **changes))


def test_confused_classes_overlap_more_where_the_interval_says_so() -> None:
    found = named(appearance())["class_overlap"]
    assert found.panel == "why"
    assert found.sentence == (
        "The two classes that are confused most often (T-shirt and Shirt) are compared with other pairs: their mean "
        "images overlap more, by 0.300 (0.280 to 0.320) and their outlines overlap more, by 0.400 (0.380 to 0.420)."
    )
    unclear = Estimate(-0.1, -0.3, 0.1)
    found = named(appearance(overlap_difference=unclear, outline_difference=ABSENT))["class_overlap"]
    assert found.sentence.endswith(
        "their mean images do not overlap significantly more or less, −0.100 (−0.300 to +0.100)."
    )
    assert "outlines" not in found.sentence
    assert "class_overlap" not in named(appearance(overlap_difference=ABSENT))
    assert "class_overlap" not in named(inputs())


def test_sharp_images_are_compared_with_blurred_ones() -> None:
    assert named(appearance())["image_sharpness"].sentence == (
        "Of the sharpest third of the test images of each class, 90.0 % (88.0 to 92.0) are classified correctly, of "
        "the least sharp third 70.0 % (68.0 to 72.0): 20.0 points (18.0 to 22.0) more with more fine detail."
    )
    less = named(appearance(sharpness_difference=Estimate(-0.1, -0.2, -0.05)))["image_sharpness"].sentence
    assert less.endswith(": 10.0 points (5.0 to 20.0) less with more fine detail.")
    none = named(appearance(sharpness_difference=Estimate(0.1, -0.2, 0.3)))["image_sharpness"].sentence
    assert none.endswith("; the difference is not significant: +10.0 points (−20.0 to +30.0).")


@pytest.mark.parametrize(
    ("relation", "says"),
    [
        (Estimate(-0.3, -0.7, 0.2), "is neither significantly lower nor higher: the rank correlation over 5 classes"),
        (Estimate(-0.8, -0.9, -0.2), "its recall is lower: the rank correlation over 5 classes is −0.800"),
        (Estimate(0.8, 0.2, 0.9), "its recall is higher"),
    ],
)
def test_spread_goes_with_recall_only_where_the_interval_excludes_none(relation: Estimate, says: str) -> None:
    sentence = named(appearance(spread_correlation=relation))["feature_spread"].sentence
    assert "The features of T-shirt have the largest spread, 0.500 (0.480 to 0.520)" in sentence
    assert says in sentence
