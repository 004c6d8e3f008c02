"""Verdicts on claims."""

import math

import pytest

from seamline.evaluation.sweep_settings import Measure
from seamline.run_folder import ABSENT, Estimate
from seamline.study.verdicts import ClaimPart, ClaimResult, Effect, Verdict, all_of, better, much_worse, no_help, worse

AP, LOSS = Measure("mean_ap"), Measure("log_loss")


def interval(low: float, high: float) -> Estimate:
    return Estimate((low + high) / 2, low, high)


@pytest.mark.parametrize(
    ("seeds", "images", "sign", "help_verdict", "worse_verdict"),
    [
        ((0.02, 0.06), (0.01, 0.05), 1, "refuted", "refuted"),
        ((-0.06, -0.02), (-0.05, -0.01), -1, "confirmed", "confirmed"),
        ((-0.06, -0.02), (-0.05, 0.001), 0, "confirmed", "not decided"),
        ((-0.02, 0.005), (-0.01, 0.009), 0, "confirmed", "not decided"),
        ((-0.02, 0.02), (-0.01, 0.005), 0, "not decided", "not decided"),
        ((0.02, 0.06), (-0.05, -0.01), 0, "not decided", "not decided"),
        ((0.002, 0.006), (0.001, 0.005), 1, "refuted", "refuted"),
    ],
)
def test_both_intervals_decide(
    seeds: tuple[float, float], images: tuple[float, float], sign: int, help_verdict: Verdict, worse_verdict: Verdict
) -> None:
    one = Effect("a", AP, interval(*seeds), interval(*images))
    assert (better(one), no_help(one), worse(one)) == (sign, help_verdict, worse_verdict)
    turned = Effect("a", LOSS, interval(-seeds[1], -seeds[0]), interval(-images[1], -images[0]))
    assert (better(turned), no_help(turned), worse(turned)) == (sign, help_verdict, worse_verdict)


@pytest.mark.parametrize(
    ("seeds", "images", "verdict"),
    [
        ((-0.06, -0.02), (-0.05, -0.011), "confirmed"),
        ((-0.06, -0.02), (-0.05, -0.009), "not decided"),  # worse, but perhaps not by much
        ((-0.009, -0.002), (-0.008, -0.001), "refuted"),
        ((-0.009, 0.002), (-0.02, 0.03), "not decided"),
        ((0.02, 0.06), (0.01, 0.05), "refuted"),
    ],
)
def test_much_worse_is_worse_by_the_margin(
    seeds: tuple[float, float], images: tuple[float, float], verdict: Verdict
) -> None:
    assert much_worse(Effect("a", AP, interval(*seeds), interval(*images))) == verdict
    turned = Effect("a", LOSS, interval(-seeds[1], -seeds[0]), interval(-images[1], -images[0]))
    assert much_worse(turned) == verdict


def test_parts_of_a_claim_in_words() -> None:
    parts = (ClaimPart("confirmed", "It fell", "by loss"), ClaimPart("not decided", "It rose", "by average precision"))
    assert ClaimResult(1, "It is worse.", parts, untested="Why is not tested.").sentence == (
        "By loss: confirmed. It fell. By average precision: not decided by these images. It rose. Why is not tested."
    )
    assert ClaimResult(1, "It is worse.", (ClaimPart("refuted", "It rose"),)).sentence == "Refuted. It rose."


def test_nothing_is_decided_without_an_interval() -> None:
    for seeds in (ABSENT, Estimate(0.3)):
        one = Effect("a", AP, seeds, ABSENT)
        assert (better(one), no_help(one), worse(one)) == (0, "not decided", "not decided")
        assert much_worse(one) == "not decided"
    assert better(Effect("a", AP, interval(0.1, 0.2), ABSENT)) == 0


def test_a_claim_of_several_parts() -> None:
    assert all_of(["confirmed", "confirmed"]) == "confirmed"
    assert all_of(["confirmed", "not decided"]) == "not decided"
    assert all_of(["not decided", "refuted"]) == "refuted"
    assert all_of([]) == "not decided"


def test_an_effect_in_words() -> None:
    one = Effect("without pooling", AP, interval(-0.06, -0.02), interval(-0.05, -0.01))
    assert one.text == (
        "Without pooling, mean average precision changes by −0.040 (−0.060 to −0.020) over seeds and mean IoU by "
        "−0.030 (−0.050 to −0.010) over images"
    )
    assert one.parts[1] == "mean IoU −0.030 (−0.050 to −0.010)"
    recall = Measure("recall", "pillar")
    pillar = Effect("a", recall, Estimate(0.1), ABSENT)
    assert pillar.text == "A, recall of pillar changes by +10.0 points over seeds"
    both = Effect("a", recall, Estimate(0.1), Estimate(0.2))
    assert both.text == "A, recall of pillar changes by +10.0 points over seeds and by +20.0 points over images"
    assert Effect("a", AP, Estimate(math.nan), ABSENT).text == "A: not measured"
