"""Results of a sweep, against values worked out by hand and by SciPy."""

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from evaluation.factories import ends, without_interval
from helpers import refusal
from seamline.evaluation.confidence import wilson
from seamline.evaluation.effects import field_effects
from seamline.evaluation.findings.sweep import sweep_sentences
from seamline.evaluation.repeats import Repeats, t_mean
from seamline.evaluation.sweep import rank_settings, read_sweep
from seamline.evaluation.sweep_settings import SettingResult
from seamline.run_folder import Estimate, SweepRun
from sweep_factories import correct, write_run, write_sweep

LRS = [{"lr": 0.1}, {"lr": 0.01}, {"lr": 0.001}]
VAL = [[0.90, 0.92, 0.91], [0.93, 0.94, 0.95], [0.50, 0.52, 0.51]]
TEST = [[0.90, 0.91, 0.89], [0.94, 0.94, 0.93], [0.50, 0.53, 0.51]]


def test_means_over_seeds_have_t_intervals(tmp_path: Path) -> None:
    results = read_sweep(write_sweep(tmp_path / "sweep", LRS, VAL, TEST))
    for one, val, test in zip(results.settings, VAL, TEST, strict=True):
        for estimate, values in ((one.val, val), (one.test, test)):
            low, high = stats.t.interval(0.95, 2, np.mean(values), stats.sem(values))
            assert ends(estimate) == pytest.approx((np.mean(values), low, min(high, 1)))
        assert one.complete


def test_the_winner_is_best_on_validation_whatever_the_test_says(tmp_path: Path) -> None:
    results = read_sweep(write_sweep(tmp_path / "sweep", LRS, VAL, TEST[::-1]))
    assert results.winner is not None
    assert results.winner.setting.name == "lr=0.01"
    assert [one.setting.name for one in results.ties] == []  # paired by seed, each difference is clear
    assert sweep_sentences(results)[0].endswith("significantly better than every other setting.")


def test_settings_within_the_noise_of_the_winner_are_named(tmp_path: Path) -> None:
    val = [[0.90, 0.99, 0.80], [0.95, 0.93, 0.94], [0.50, 0.52, 0.51]]
    results = read_sweep(write_sweep(tmp_path / "sweep", LRS, val, TEST))
    assert [one.setting.name for one in results.ties] == ["lr=0.1"]
    assert "lr=0.1 is not significantly worse" in sweep_sentences(results)[0]


def test_the_winner_of_equal_settings_is_rarely_significantly_better(tmp_path: Path) -> None:
    results = read_sweep(write_sweep(tmp_path / "sweep", LRS[:1], [[0.8] * 5], [[0.8] * 5]))
    rng, claims, trials, settings = np.random.default_rng(0), 0, 400, 6
    for _ in range(trials):
        drawn = [draw_val(results.settings[0], rng.normal(0.8, 0.01, 5)) for _ in range(settings)]
        again = replace(results, settings=tuple(drawn))
        claims += len(again.ties) < settings - 1
    assert claims / trials < 0.05 + 2 * math.sqrt(0.05 * 0.95 / trials)


def draw_val(one: SettingResult, values: NDArray[np.float64]) -> SettingResult:
    """Return a setting with other values on the validation images, one for each seed."""
    runs = []
    for run, value in zip(one.runs, values.tolist(), strict=True):
        overall = {**run.val.overall, "accuracy": Estimate(value)}
        runs.append(replace(run, val=msgspec.structs.replace(run.val, overall=overall)))
    return replace(one, runs=tuple(runs), val=t_mean(Repeats(values.tolist(), 0)))


def test_settings_of_another_rung_are_not_compared_with_the_baseline(tmp_path: Path) -> None:
    settings = [{"lr": lr, "epochs": 1} for lr in (0.1, 0.01)] + [{"lr": 0.1, "epochs": 2}]
    folder = write_sweep(tmp_path / "sweep", settings, VAL, TEST, halving=2)
    info = folder.info.read()
    rungs = [msgspec.structs.replace(one, rung=rung) for one, rung in zip(info.settings, (0, 0, 1), strict=True)]
    folder.info.write(msgspec.structs.replace(info, settings=tuple(rungs)))
    assert [one.number for one in read_sweep(folder).differences] == [1]


def test_lower_is_better_where_the_metric_says_so(tmp_path: Path) -> None:
    folder = write_sweep(tmp_path / "sweep", LRS, VAL, TEST, metric="log_loss")
    results = read_sweep(folder)
    assert rank_settings(folder, 0) == [1, 0, 2]
    assert {one.number: one.verdict for one in results.differences}[2] == -1


def test_differences_are_paired_by_seed_and_by_image(tmp_path: Path) -> None:
    results = read_sweep(write_sweep(tmp_path / "sweep", LRS[:2], VAL[:2], TEST[:2]))
    (difference,) = results.differences
    gaps = np.subtract(TEST[1], TEST[0])
    low, high = stats.t.interval(0.95, 2, gaps.mean(), stats.sem(gaps))
    assert ends(difference.seeds) == pytest.approx((gaps.mean(), low, high))
    # the images that only one of them gets right are the same for every seed but one; the bootstrap of their mean
    # difference is close to the normal interval
    each = np.mean(
        [np.subtract(correct(new), correct(old), dtype=float) for new, old in zip(*TEST[1::-1], strict=True)], 0
    )
    margin = 1.96 * each.std() / math.sqrt(len(each))
    assert difference.images.value == pytest.approx(each.mean())
    assert difference.images.low == pytest.approx(each.mean() - margin, abs=0.006)
    assert difference.images.high == pytest.approx(each.mean() + margin, abs=0.006)
    assert difference.verdict == 1


def test_a_difference_must_hold_over_seeds_and_over_images(tmp_path: Path) -> None:
    # with five seeds always the same 2 of 200 images more: certain over seeds
    (difference,) = read_sweep(
        write_sweep(tmp_path / "one", LRS[:2], [[0.9] * 5] * 2, [[0.90] * 5, [0.91] * 5])
    ).differences
    assert difference.seeds.low > 0
    assert difference.images.low == 0
    assert difference.verdict == 0
    test = [[0.70, 0.90, 0.80], [0.99, 0.80, 0.92]]  # a good seed and a bad one
    results = read_sweep(write_sweep(tmp_path / "other", LRS[:2], VAL[:2], test))
    assert results.differences[0].images.low > 0
    assert results.differences[0].verdict == 0
    assert "lr=0.01 is not significantly different from lr=0.1" in sweep_sentences(results)[1]


def test_two_seeds_with_one_difference_decide_nothing(tmp_path: Path) -> None:
    val, test = [[0.90, 0.91], [0.92, 0.93]], [[0.90, 0.92], [0.95, 0.97]]
    results = read_sweep(write_sweep(tmp_path / "sweep", LRS[:2], val, test))
    # 0.05 twice, in steps of 1 / 200: standard error 0.005 / sqrt(2), t of 1 degree of freedom 12.7062
    assert results.differences[0].seeds.high == pytest.approx(0.05 + 12.7062047 * 0.005 / math.sqrt(2))
    assert [one.setting.name for one in results.ties] == ["lr=0.1"]  # 0.02 twice, in steps of 1 / 100
    (effect,) = field_effects(read_sweep(write_sweep(tmp_path / "equal", LRS[:2], [[0.5, 0.5]] * 2, test)))
    margin = 12.7062047 * 0.01 / math.sqrt(2)
    assert ends(effect.levels[0].estimate) == pytest.approx((0.5, 0.5 - margin, 0.5 + margin))


def test_more_comparisons_widen_the_intervals(tmp_path: Path) -> None:
    settings = [{"lr": 0.1 / 2**number} for number in range(6)]
    rng = np.random.default_rng(0)
    test = rng.normal(0.8, 0.01, (6, 3)).round(3).tolist()
    val = [[0.8, 0.8, 0.8]] * 6
    together = read_sweep(write_sweep(tmp_path / "all", settings, val, test)).differences[0]
    alone = read_sweep(write_sweep(tmp_path / "two", settings[:2], val[:2], test[:2])).differences[0]
    assert together.seeds.value == alone.seeds.value
    assert together.seeds.high - together.seeds.low > 1.5 * (alone.seeds.high - alone.seeds.low)


def test_a_single_seed_has_the_interval_of_its_images(tmp_path: Path) -> None:
    results = read_sweep(write_sweep(tmp_path / "sweep", LRS, [[0.9], [0.92], [0.5]], [[0.9], [0.91], [0.5]]))
    assert ends(results.settings[0].val) == pytest.approx(ends(wilson(90, 100)))
    assert [one.setting.name for one in results.ties] == ["lr=0.1"]
    assert sweep_sentences(results)[0].endswith("; lr=0.1 is not significantly worse, with one seed.")
    assert [one.verdict for one in results.differences] == [0, -1]
    assert without_interval(results.differences[0].seeds)


def test_ties_of_a_single_seed_are_corrected_for_all_pairs(tmp_path: Path) -> None:
    # 92 and 78 of 100: by Newcombe's intervals z = 2.77, which is beyond 1.96 for one pair, not beyond 2.94 for 15
    alone = read_sweep(write_sweep(tmp_path / "two", LRS[:2], [[0.78], [0.92]], [[0.9], [0.9]]))
    assert alone.ties == ()
    settings = [{"lr": 1 / number} for number in range(1, 7)]
    val = [[0.78], [0.92], [0.85], [0.85], [0.85], [0.85]]
    together = read_sweep(write_sweep(tmp_path / "six", settings, val, val))
    assert len(together.ties) == 5


def test_failed_runs_are_left_out_of_means_and_pairs(tmp_path: Path) -> None:
    val = [[0.90, 0.92, 0.91], [0.99, math.nan, 0.99], [0.50, 0.52, 0.51]]
    results = read_sweep(write_sweep(tmp_path / "sweep", LRS, val, TEST))
    second = results.by_number[1]
    assert (len(second.runs), second.planned, second.complete) == (2, 3, False)
    assert results.winner is not None
    assert results.winner.number == 0  # a setting that is not complete does not win
    gap = next(one for one in results.differences if one.number == 1)
    assert gap.seeds.value == pytest.approx((0.94 - 0.90 + 0.93 - 0.89) / 2)
    sentences = sweep_sentences(results)
    assert sentences[0].endswith("significantly better than every other setting whose runs have finished.")
    assert sentences[-1] == "1 of 9 runs failed."


def test_folds_test_each_image_once(tmp_path: Path) -> None:
    folder = write_sweep(tmp_path / "sweep", LRS[:1], [[0.9]], [[0.9]], folds=2)
    right = correct(0.9)
    write_run(tmp_path / "sweep" / "a", 0.9, right[:80], seed=0)
    write_run(tmp_path / "sweep" / "b", 0.8, right[80:], seed=0, first=80)
    runs = [
        SweepRun(name=name, setting=0, seed=0, fold=fold, state="finished", seconds=1)
        for fold, name in ((1, "a"), (2, "b"))
    ]
    folder.info.write(msgspec.structs.replace(folder.info.read(), runs=tuple(runs)))
    results = read_sweep(folder)
    pooled = results.pooled(results.settings[0])
    assert pooled.value == pytest.approx(0.9)
    margin = 1.96 * math.sqrt(0.9 * 0.1 / 200)
    assert (pooled.low, pooled.high) == pytest.approx((0.9 - margin, 0.9 + margin), abs=0.01)
    assert results.settings[0].val.value == pytest.approx(0.85)


def test_folds_of_one_seed_show_no_ties(tmp_path: Path) -> None:
    folder = write_sweep(tmp_path / "sweep", LRS[:2], [[0.3, 0.3], [0.9, 0.95]], [[0.9, 0.9]] * 2, folds=2, seeds=(0,))
    runs = [msgspec.structs.replace(run, seed=0, fold=run.seed + 1) for run in folder.info.read().runs]
    folder.info.write(msgspec.structs.replace(folder.info.read(), runs=tuple(runs)))
    results = read_sweep(folder)
    assert results.winner is not None
    assert not results.winner.val.has_interval
    assert results.ties == ()
    assert "so add seeds" in sweep_sentences(results)[0]


def test_the_winner_of_the_last_rung_is_compared_with_no_other(tmp_path: Path) -> None:
    settings = [{"lr": 0.1, "epochs": 1}, {"lr": 0.2, "epochs": 1}, {"lr": 0.1, "epochs": 4}, {"lr": 0.2, "epochs": 4}]
    folder = write_sweep(tmp_path / "sweep", settings, [[0.5], [0.5], [0.99], [0.6]], [[0.9]] * 4, halving=2)
    rungs = [msgspec.structs.replace(one, rung=number // 2) for number, one in enumerate(folder.info.read().settings)]
    folder.info.write(msgspec.structs.replace(folder.info.read(), settings=tuple(rungs)))
    (first, *_) = sweep_sentences(read_sweep(folder))
    assert first.endswith("significantly better than every other setting of the last rung, with one seed.")


def test_a_list_of_settings_has_no_effect_of_a_field(tmp_path: Path) -> None:
    settings: list[dict[str, Any]] = [{}, {"lr": 1}, {"hflip": True}]
    val = [[0.9], [0.9], [0.11]]
    assert field_effects(read_sweep(write_sweep(tmp_path / "sweep", settings, val, val, method="list"))) == []


def test_the_effect_of_a_field_is_the_mean_over_the_others(tmp_path: Path) -> None:
    settings = [{"lr": lr, "hflip": hflip} for lr in (0.1, 0.01) for hflip in (True, False)]
    val = [[0.8, 0.82], [0.7, 0.74], [0.6, 0.64], [0.5, 0.5]]
    effects = field_effects(read_sweep(write_sweep(tmp_path / "sweep", settings, val, val)))
    assert [(one.field, [level.value for level in one.levels]) for one in effects] == [
        ("lr", ["0.1", "0.01"]),
        ("hflip", ["true", "false"]),
    ]
    values = [(0.8 + 0.7) / 2, (0.82 + 0.74) / 2]  # of each seed, over both settings with lr=0.1
    low, high = stats.t.interval(0.95, 1, np.mean(values), stats.sem(values))
    assert ends(effects[0].levels[0].estimate) == pytest.approx((np.mean(values), low, min(high, 1)))


def test_images_that_changed_between_runs_are_refused(tmp_path: Path) -> None:
    folder = write_sweep(tmp_path / "sweep", LRS[:2], [[0.9], [0.9]], [[0.9], [0.9]])
    write_run(tmp_path / "sweep" / "lr=0.01-seed0", 0.9, correct(0.9), seed=0, first=7)
    results = read_sweep(folder)
    assert "its test images differ" in refusal(lambda: results.differences)
    folder.info.write(msgspec.structs.replace(folder.info.read(), runs=()))
    assert "no run of the sweep has finished" in refusal(lambda: read_sweep(folder))
