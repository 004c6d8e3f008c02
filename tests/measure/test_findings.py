from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from seamline.measure.findings import FINDINGS, Facts, Finding, find
from seamline.measure.intervals import Interval, wilson

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


def facts(test: NDArray[np.int64] = PLAIN, val: NDArray[np.int64] | None = None, **others: Any) -> Facts:
    return Facts(CLASSES[: len(test)], test if val is None else val, test, **others)


def named(found: Facts) -> dict[str, Finding]:
    return {finding.name: finding for finding in find(found)}


def test_the_plain_case_says_what_the_matrix_says() -> None:
    told = named(facts())
    assert told["overall"].numbers["accuracy"]["value"] == pytest.approx(4422 / 5000)
    assert "5,000 test images" in told["overall"].sentence
    assert told["hardest_class"].sentence == (
        "Shirt is the hardest class: 70.0 % (67.1 to 72.8) of its 1,000 test images are labelled right."
    )
    assert list(told["easiest_classes"].numbers) == ["Bag", "Trouser"]
    assert "cannot tell" in told["easiest_classes"].sentence
    taken = told["taken_for"]
    assert list(taken.numbers["takers"]) == ["T-shirt"]
    assert taken.numbers["takers"]["T-shirt"]["value"] == pytest.approx(180 / 300)
    assert "300 misclassified test images of Shirt" in taken.sentence
    pairs = told["pairs"]
    assert pairs.numbers["pairs"] == [["T-shirt", "Shirt", 290], ["Coat", "Shirt", 245]]
    assert pairs.numbers["share"]["value"] == pytest.approx(535 / 578)
    assert "T-shirt and Shirt (290 times), Coat and Shirt (245 times): 92.6 %" in pairs.sentence


def test_a_sentence_is_in_the_order_of_the_table_and_has_its_panel() -> None:
    order = [rule.__name__ for rule in FINDINGS]
    names = [finding.name for finding in find(facts())]
    assert names == sorted(names, key=order.index)
    panels = {"training", "confusion", "classes", "kernels", "readouts", "calibration"}
    assert {finding.panel for finding in find(facts())} <= panels


def test_two_hard_classes_that_cannot_be_told_apart_are_named_together() -> None:
    test = PLAIN.copy()
    test[2] = [20, 0, 710, 270, 0]
    told = named(facts(test))
    assert list(told["hardest_class"].numbers) == ["Shirt", "Coat"]
    assert "which of them is the hardest these images cannot tell" in told["hardest_class"].sentence
    assert "taken_for" not in told


def test_few_images_support_few_sentences() -> None:
    few = np.array([[8, 1, 1], [1, 8, 1], [1, 1, 8]])
    assert set(named(facts(few))) == {"overall", "validation_and_test"}


def test_a_perfect_network_has_no_errors_to_speak_of() -> None:
    told = named(facts(np.diag([100, 100, 100])))
    assert set(told) == {"overall", "validation_and_test"}
    assert "100.0 %" in told["overall"].sentence


def test_errors_that_spread_evenly_have_no_taker_and_no_pairs() -> None:
    test = np.full((5, 5), 60)
    np.fill_diagonal(test, 760)
    test[3] = [100, 100, 100, 600, 100]
    told = named(facts(test))
    assert list(told["hardest_class"].numbers) == ["Shirt"]
    assert "taken_for" not in told
    assert "pairs" not in told


def test_two_takers_are_named_when_both_stand_out() -> None:
    test = PLAIN.copy()
    test[3] = [150, 5, 140, 700, 5]
    assert list(named(facts(test))["taken_for"].numbers["takers"]) == ["T-shirt", "Coat"]


def test_an_absent_class_is_neither_hardest_nor_easiest() -> None:
    test = PLAIN.copy()
    test[3] = 0
    for finding in find(facts(test)):
        if finding.name in ("hardest_class", "easiest_classes"):
            assert "Shirt" not in finding.numbers


@pytest.mark.parametrize(
    ("right_in_training", "printed"),
    [(4422, False), (4450, False), (4700, True)],
)
def test_the_gap_to_training_is_told_where_it_is_sure(right_in_training: int, printed: bool) -> None:
    told = named(facts(train=(right_in_training, 5000)))
    assert ("generalisation" in told) == printed
    if printed:
        assert "94.0 %" in told["generalisation"].sentence
        assert "5.6 points" in told["generalisation"].sentence


def test_validation_beside_test() -> None:
    assert "no more than chance explains: +0.0 points" in named(facts())["validation_and_test"].sentence
    worse = PLAIN.copy()
    worse[0] = [580, 0, 210, 210, 0]
    sentence = named(facts(worse, val=PLAIN))["validation_and_test"].sentence
    assert "lies 6.0 points" in sentence
    assert "below the validation score" in sentence


def calibration(surer: tuple[float, float, float], gain: float) -> dict[str, Any]:
    measured = {
        "overconfidence_before": Interval(*surer).json(),
        "overconfidence_after": Interval(0.001, -0.004, 0.006).json(),
        "nll_gain": Interval(gain, gain - 0.002, gain + 0.002).json(),
    }
    return {"temperature": Interval(1.4, 1.3, 1.5).json(), "test": measured}


def test_confidence_is_judged_only_where_the_interval_allows() -> None:
    over = named(facts(calibration=calibration((0.04, 0.03, 0.05), 0.011)))["confidence"]
    assert "overconfident" in over.sentence
    assert "4.0 points (3.0 to 5.0) above" in over.sentence
    assert "temperature of 1.40, fitted on validation, leaves +0.1 points (−0.4 to +0.6)" in over.sentence
    assert "log loss by 0.011 (0.009 to 0.013)" in over.sentence
    under = named(facts(calibration=calibration((-0.04, -0.05, -0.03), 0.001)))["confidence"]
    assert "underconfident" in under.sentence
    assert "4.0 points (3.0 to 5.0) below" in under.sentence
    assert "temperature" not in under.sentence
    assert "confidence" not in named(facts(calibration=calibration((0.01, -0.01, 0.03), 0.011)))


def readouts(layer1: int, pixels: int) -> dict[str, Any]:
    def row(name: str, hits: int) -> dict[str, Any]:
        per_class = {"T-shirt": wilson(620, 1000).json(), "Bag": wilson(900, 1000).json()}
        return {"name": name, "accuracy": wilson(hits, 2000).json(), "per_class": per_class}

    return {"readouts": [row("pixels", pixels), row("layer 1", layer1), row("whole network", 1850)]}


def test_what_layer_1_can_tell() -> None:
    more = named(facts(readouts=readouts(1700, 1600)))["first_layer"]
    assert "85.0 %" in more.sentence
    assert "5.0 points" in more.sentence
    assert more.numbers["above_60_percent"] == ["Bag"]  # 62 % of 1,000 may be 59 %
    same = named(facts(readouts=readouts(1610, 1600)))["first_layer"]
    assert "bare pixels reach 80.0 %" in same.sentence
    assert "more than" not in same.sentence


def test_kernels_are_counted_by_kind() -> None:
    kinds = ["top edge"] * 12 + ["left edge"] * 4 + ["blob"] * 2 + ["vertical line"] * 2 + ["nearly uniform"] * 8
    described = {"chance_share": 0.05, "layers": [{"name": "layer 1", "kinds": [*kinds, *["mixed"] * 4]}]}
    finding = named(facts(kernels=described))["shapes_of_kernels"]
    assert finding.numbers["layer 1"]["edges"]["value"] == 0.5
    assert finding.numbers["layer 1"]["nearly_uniform"]["value"] == 0.25
    assert "In layer 1, 62.5 % (45.3 to 77.1) of 32 kernels have a clear shape: 16 edges, 4 lines" in finding.sentence
    assert "8 are nearly uniform" in finding.sentence
