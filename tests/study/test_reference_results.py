import pytest

from seamline.run_folder import ABSENT, Estimate
from seamline.study.reference_results import REFERENCE_RESULTS, reference_sentence

FACADES = REFERENCE_RESULTS["facades"]


@pytest.mark.parametrize(
    ("mean", "says"),
    [
        (Estimate(0.7, 0.68, 0.72), "0.700, above the best documented course result, 0.63;"),
        (Estimate(0.5, 0.48, 0.52), "0.500, below the best documented course result, 0.63;"),
        (Estimate(0.7), "0.700, without an interval; the best documented course result is 0.63;"),
        (Estimate(0.62, 0.6, 0.64), "0.620, and its interval contains the best documented course result, 0.63;"),
    ],
)
def test_a_claim_against_others_needs_its_interval(mean: Estimate, says: str) -> None:
    sentence = reference_sentence(mean, FACADES)
    assert says in sentence
    assert sentence.endswith("the course required 0.45.")


def test_nothing_is_said_without_a_value_or_a_result() -> None:
    assert reference_sentence(ABSENT, FACADES) == ""
    assert reference_sentence(Estimate(0.5), ()) == ""


def test_every_result_has_every_class() -> None:
    assert all(len(one.per_class) == 5 for one in FACADES)
    assert FACADES[0].per_class["pillar"] == 0.26
