import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from report.made_run import make_run, share
from seamline.report.contents import Contents, read_contents
from seamline.report.panels.calibration import calibration
from seamline.report.panels.classes import classes
from seamline.report.panels.confusion import confusion
from seamline.report.panels.gallery import gallery
from seamline.report.panels.kernels import kernels
from seamline.report.panels.readouts import readouts
from seamline.report.panels.rerun import rerun
from seamline.report.panels.training import training
from seamline.report.pictures import example_sheet, grey, kernel_matrix, kernel_tiles, see_through_gaps
from seamline.report.words import percent, percent_range

ENDS = ("value", "low", "high")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Contents:
    return read_contents(make_run(tmp_path_factory.mktemp("panels") / "run"))


def test_training_says_where_it_ended_and_where_it_turned(run: Contents) -> None:
    panel = training(run)
    assert panel is not None
    last, best = run.history[-1], min(run.history, key=lambda one: one["val_loss"])
    text = " ".join(panel.values["sentences"])
    assert f"After 6 epochs the loss is {last['train_loss']:.3f} on the training" in text
    assert f"{last['val_loss']:.3f} on the validation" in text
    assert percent(last["val_accuracy"]) in text
    assert f"lowest after epoch {best['epoch']} ({best['val_loss']:.3f})" in text
    assert training(dataclasses.replace(run, history=())) is None


def test_training_says_that_the_loss_rose_only_where_it_did(run: Contents) -> None:
    history = tuple(
        {"epoch": i + 1, "train_loss": 0.5 - 0.1 * i, "val_loss": loss, "train_accuracy": 0.9, "val_accuracy": 0.9}
        for i, loss in enumerate((0.5, 0.4, 0.6))
    )
    risen = training(dataclasses.replace(run, history=history))
    assert risen is not None
    assert "rose to 0.600 while the training loss went on falling" in risen.values["sentences"][1]
    falling = training(dataclasses.replace(run, history=(*history[:2], {**history[2], "val_loss": 0.39})))
    assert falling is not None
    assert "lowest after the last epoch" in falling.values["sentences"][1]


def test_training_compares_kept_weights_only_as_far_as_intervals_allow(run: Contents) -> None:
    near = {**run.scores, "train": {"accuracy": share(0.9, 50)}, "val": {"accuracy": share(0.88, 50)}}
    panel = training(dataclasses.replace(run, scores=near))
    assert panel is not None
    assert "more than" not in panel.values["sentences"][-1]


def test_confusion_names_the_largest_cell(run: Contents) -> None:
    panel = confusion(run)
    assert panel is not None
    matrix = run.answers["test"].confusion
    errors = matrix - np.diag(np.diagonal(matrix))
    true, predicted = np.unravel_index(errors.argmax(), errors.shape)
    sentence = panel.values["splits"][0]["sentence"]
    assert f"{errors.sum()} of {matrix.sum()} test images were taken for another class" in sentence
    images = f"{errors.max()} of {matrix[true].sum()} images of {run.classes[int(true)]}"
    assert f"{images}, taken for {run.classes[int(predicted)]}." in sentence
    deepest = max(cell["depth"] for row in panel.values["splits"][0]["rows"] for cell in row["cells"])
    assert deepest == 1


def test_confusion_without_errors_says_so(run: Contents) -> None:
    answers = dataclasses.replace(run.answers["test"], confusion=np.eye(6, dtype=np.int64))
    panel = confusion(dataclasses.replace(run, answers={"test": answers}))
    assert panel is not None
    assert panel.values["splits"][0]["sentence"] == "No test image was taken for another class."


def per_class(recalls: dict[str, dict[str, Any] | None]) -> dict[str, Any]:
    part = {"per_class": {name: {"images": 9, "recall": one, "precision": None} for name, one in recalls.items()}}
    return {"val": part, "test": part}


def test_classes_claim_an_order_only_where_intervals_are_apart(run: Contents) -> None:
    recalls = {name: share(0.95, 1000) for name in run.classes}
    apart = classes(dataclasses.replace(run, scores=per_class({**recalls, "Shirt": share(0.7, 1000)})))
    near = classes(dataclasses.replace(run, scores=per_class({**recalls, "Shirt": share(0.94, 1000)})))
    assert apart is not None
    assert near is not None
    sentence = apart.values["splits"][0]["sentence"]
    assert "Shirt is found least often: 70.0\u00a0%" in sentence
    assert "the intervals do not overlap" in sentence
    assert "overlaps with those of 5 other classes" in near.values["splits"][0]["sentence"]


def test_classes_without_intervals_get_no_word_on_their_overlap(run: Contents) -> None:
    recalls: dict[str, Any] = {name: share(0.95, 1000) for name in run.classes}
    bare = {"value": 0.7, "low": None, "high": None}
    panel = classes(dataclasses.replace(run, scores=per_class({**recalls, "Shirt": bare})))
    assert panel is not None
    sentence = panel.values["splits"][0]["sentence"]
    assert sentence.endswith("Shirt is found least often: 70.0\u00a0% of its images.")


def test_a_class_without_images_is_a_dash(run: Contents) -> None:
    recalls: dict[str, Any] = {name: share(0.9, 100) for name in run.classes}
    panel = classes(dataclasses.replace(run, scores=per_class({**recalls, "Bag": None})))
    assert panel is not None
    row = next(row for row in panel.values["splits"][0]["rows"] if row["name"] == "Bag")
    assert [one["text"] for one in row["figures"]] == ["–", "–", "–"]


def test_gallery_shows_wrong_answers_most_confident_first(run: Contents) -> None:
    panel = gallery(run)
    assert panel is not None
    written = json.loads((run.folder / "evaluation" / "test.json").read_text(encoding="utf-8"))["examples"]
    for place, row in enumerate(panel.values["rows"]):
        for view, key, other in (("taken_for", "true", "predicted"), ("mistaken", "predicted", "true")):
            wrong = [one for one in written if one[key] == place and one["true"] != one["predicted"]]
            wrong.sort(key=lambda one: -one["confidence"])
            shown = [(one["name"], one["caption"]) for one in row[view]]
            assert shown == [(one["name"], run.classes[one[other]]) for one in wrong[:8]]
        right = [one for one in written if one["true"] == one["predicted"] == place]
        assert row["right"][0]["name"] == right[0]["name"]


def test_a_sheet_that_would_be_too_large_keeps_the_most_confident(
    run: Contents, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("seamline.report.pictures.BUDGET", 700)
    answers = dataclasses.replace(run.answers["test"])
    whole, cut = example_sheet(run.answers["test"]), example_sheet(answers)
    assert len(cut.uri) < len(whole.uri)
    for key, examples in cut.cells.items():
        assert [one.name for one in examples] == [one.name for one in whole.cells[key]][: len(examples)]


def test_kernels_state_shares_with_intervals_and_chance(run: Contents) -> None:
    panel = kernels(run)
    assert panel is not None
    assert run.kernels is not None
    small, large = panel.values["layers"]
    assert "groups" in small
    assert "matrix" in large
    layer = run.kernels["layers"][1]
    named = sum(one["count"] for kind, one in layer["shares"].items() if kind not in ("mixed", "nearly uniform"))
    text = " ".join(large["sentences"])
    assert f"{named} of the 400 kernels of layer 2" in text
    assert "of kernels of pure noise 5.0\u00a0% would" in text
    assert {kind["name"] for kind in large["kinds"][-2:]} == {"mixed", "nearly uniform"}
    assert "The others are" in text
    assert sum(len(group["tiles"]) for group in small["groups"]) == 8
    assert panel.values["data"]["1"]["in"] == 20


def test_kernel_greys_are_centred_on_zero() -> None:
    assert grey(np.array([-2.0, -1, 0, 1, 2]), 1.0).tolist() == [1, 1, 128, 255, 255]
    weights = np.arange(2 * 3 * 2 * 2, dtype=np.float64).reshape(2, 3, 2, 2)
    picture, limit = kernel_matrix(weights)
    assert picture.shape == (6, 9)
    assert limit == pytest.approx(np.quantile(weights, 0.99))
    assert np.asarray(see_through_gaps(picture, (2, 2)))[:3, :3, 1].tolist() == [
        [255, 255, 0],
        [255, 255, 0],
        [0, 0, 0],
    ]
    tiles = kernel_tiles(weights.reshape(6, 2, 2), 4)
    assert tiles.shape == (4, 8)
    assert tiles[1, 1] == 255


def test_readouts_say_what_each_step_adds(run: Contents) -> None:
    panel = readouts(run)
    assert panel is not None
    first, second = panel.values["sentences"][:2]
    assert first == (
        "Over all classes: 55.0\u00a0% from pixels, 71.0\u00a0% from the output of layer 1, "
        "82.0\u00a0% from the output of layers 1 and 2, 90.0\u00a0% from the whole network."
    )
    assert second == "The output of layer 1 tells 16.0\u00a0points more than the pixels."


def test_calibration_states_the_errors_and_the_direction(run: Contents) -> None:
    panel = calibration(run)
    assert panel is not None
    assert run.calibration is not None
    measured = run.calibration["test"]
    text = " ".join(panel.values["sentences"])
    assert f"lie {100 * measured['ece_before']['value']:.1f}\u00a0points apart" in text
    assert "surer than it is right" in text
    low, high = (run.calibration["temperature"][end] for end in ("low", "high"))
    assert f"a temperature of 1.65 ({low:.3g}–{high:.3g}), fitted on the validation images, " in text
    nll = measured["nll_before"]
    assert panel.values["rows"][0]["cells"][2] == {
        "value": f"{nll['value']:.3f}",
        "range": f"{nll['low']:.3f}–{nll['high']:.3f}",
    }


@pytest.mark.parametrize(
    ("confidence", "after", "says"),
    [
        (0.905, (0.005, 0.0, 0.03), ("neither surer nor less sure", "no clear change")),
        (
            0.97,
            (0.01, 0.0, 0.02),
            ("surer than it is right, by 7.0\u00a0points", "brings that down to 1.0\u00a0points"),
        ),
        (
            0.8,
            (0.2, 0.15, 0.25),
            ("right more often than it says, by 10.0\u00a0points", "raises that to 20.0\u00a0points"),
        ),
    ],
)
def test_calibration_claims_only_what_the_images_support(
    run: Contents, confidence: float, after: tuple[float, float, float], says: tuple[str, str]
) -> None:
    bins = [{"from": 0.8, "to": 1, "images": 1000, "confidence": confidence, "accuracy": share(0.9, 1000)}]
    ece = {"value": abs(confidence - 0.9), "low": abs(confidence - 0.9) - 0.02, "high": abs(confidence - 0.9) + 0.02}
    measured = {
        "nll_before": 0.3,
        "nll_after": 0.3,
        "overconfidence_before": dict(zip(ENDS, (confidence - 0.9, confidence - 0.92, confidence - 0.88), strict=True)),
        "ece_before": ece,
        "ece_after": dict(zip(ENDS, after, strict=True)),
        "reliability_before": bins,
        "reliability_after": bins,
    }
    panel = calibration(dataclasses.replace(run, calibration={"temperature": 1.0, "test": measured}))
    assert panel is not None
    text = " ".join(panel.values["sentences"])
    assert all(part in text for part in says)


def test_calibration_tells_what_the_temperature_gains(run: Contents) -> None:
    assert run.calibration is not None
    measured = {**run.calibration["test"], "nll_gain": dict(zip(ENDS, (0.012, 0.010, 0.014), strict=True))}
    panel = calibration(dataclasses.replace(run, calibration={**run.calibration, "test": measured}))
    assert panel is not None
    assert "lowers the log loss by 0.012 (0.010–0.014)" in " ".join(panel.values["sentences"])


def test_calibration_claims_nothing_without_intervals(run: Contents) -> None:
    def bare(value: float) -> dict[str, float | None]:
        return {"value": value, "low": None, "high": None}

    sure = {"from": 0.8, "to": 1, "images": 9, "confidence": 0.9, "accuracy": bare(0.8)}
    known = {**sure, "accuracy": {"value": 0.8, "low": 0.7, "high": 0.95}}
    measured = {key: bare(0.3) for key in ("nll_before", "nll_after", "ece_after")}
    measured |= {"ece_before": bare(0.5), "overconfidence_before": bare(0.035), "nll_gain": bare(0.0012)}

    def said(*bins: dict[str, Any]) -> str:
        written = {**measured, "reliability_before": bins, "reliability_after": bins}
        panel = calibration(dataclasses.replace(run, calibration={"temperature": bare(1.62), "test": written}))
        assert panel is not None
        return " ".join(panel.values["sentences"])

    text = said(sure, sure)
    assert "surer than it is right" not in text
    assert "lowers the log loss" not in text
    assert "a temperature of 1.62 (no interval), fitted on the validation images, makes that 30.0\u00a0points;" in text
    assert "reach the dashed line" not in text
    assert "1 of 1 intervals reach the dashed line" in said(sure, known)


def test_a_temperature_of_one_is_what_the_images_do_not_determine(run: Contents) -> None:
    assert run.calibration is not None
    one = {"value": 1.0, "low": None, "high": None}
    panel = calibration(dataclasses.replace(run, calibration={**run.calibration, "temperature": one}))
    assert panel is not None
    assert panel.values["temperature"] == "1 (these images determine none)"


def test_rerun_holds_all_that_the_run_depends_on(run: Contents) -> None:
    panel = rerun(run)
    facts = dict(panel.values["facts"])
    assert panel.values["command"].startswith("seamline train made-up")
    assert facts["fingerprint"] == "0123456789abcdef0123456789abcdef"
    assert facts["versions"] == "python 3.11.2, torch 2.7.0, numpy 2.1.0"
    assert panel.values["recipe"]["class_weights"] == "none"
    assert panel.values["recipe"]["flip"] == "yes"


def test_headline_shows_three_figures_with_their_intervals(finished: Path) -> None:
    page = (finished / "report.html").read_text(encoding="utf-8")
    scores = json.loads((finished / "scores.json").read_text(encoding="utf-8"))
    head = page[page.index('class="headline"') : page.index("</dl>")]
    assert head.count("<dt>") == 3
    hardest = min(scores["test"]["per_class"].items(), key=lambda item: item[1]["accuracy"]["value"])
    for figure in (scores["test"]["accuracy"], scores["val"]["accuracy"], hardest[1]["accuracy"]):
        assert percent(figure["value"]) in head
        assert f"{100 * figure['low']:.1f}–{100 * figure['high']:.1f}" in head
    assert hardest[0] in head
    assert percent_range(None) == ""
