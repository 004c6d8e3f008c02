"""Verdicts on claims."""

import math

import pytest

from seamline.evaluation.sweep_settings import Measure
from seamline.run_folder import ABSENT, Estimate
from seamline.study.verdicts import Effect, Verdict, all_of, better, no_help, worse

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


def test_nothing_is_decided_without_an_interval() -> None:
    for seeds in (ABSENT, Estimate(0.3)):
        one = Effect("a", AP, seeds, ABSENT)
        assert (better(one), no_help(one), worse(one)) == (0, "not decided", "not decided")
    assert better(Effect("a", AP, interval(0.1, 0.2), ABSENT)) == 1


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
