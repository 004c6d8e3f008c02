import dataclasses
import json
import re
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from report.factories import CLASSES, fraction, write_classification_run
from report.test_page import panel_of, rows_of
from report.why_factories import class_analysis
from seamline.report.formatting import confidence_text, estimate_text, interval_text, percent
from seamline.report.images import example_sprite
from seamline.report.panels import calibration, confusion, examples, kernels, linear_probes, reproducibility, why
from seamline.report.panels.kernels import gray, kernel_matrix, kernel_tiles, transparent_gaps
from seamline.report.panels.training import build as training
from seamline.report.run_data import RunData, read_run
from seamline.run_folder import ABSENT, CalibrationBin, CurvePoint, Epoch, Estimate, InitFrom

replace = msgspec.structs.replace


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunData:
    return read_run(write_classification_run(tmp_path_factory.mktemp("panels") / "run"))


def with_metrics(run: RunData, **splits: dict[str, Any]) -> RunData:
    """Return a run some of whose splits have other metrics."""
    changed = {name: replace(getattr(run.metrics, name), **fields) for name, fields in splits.items()}
    return dataclasses.replace(run, metrics=replace(run.metrics, **changed))


def epoch(number: int, train_loss: float, val_loss: float) -> Epoch:
    return Epoch(
        epoch=number, train_loss=train_loss, train_accuracy=0.9, val_loss=val_loss, val_accuracy=0.9,
        learning_rate=0.1, train_seconds=1, samples=9,
    )  # fmt: skip


def test_training_states_the_last_and_the_best_epoch(run: RunData) -> None:
    panel = training(run)
    assert panel is not None
    last, best = run.history[-1], min(run.history, key=lambda one: one.val_loss)
    text = " ".join(panel.values["sentences"])
    assert f"After 6 epochs the loss is {last.val_loss:.3f} on the validation" in text
    assert f"training images during the last epoch {last.train_loss:.3f}" in text
    assert percent(last.val_accuracy) in text
    assert f"lowest after {best.epoch} epoch{'s' * (best.epoch > 1)} ({best.val_loss:.3f})" in text
    assert training(dataclasses.replace(run, history=())) is None


def test_training_states_the_last_loss_only_where_it_is_not_the_lowest(run: RunData) -> None:
    history = tuple(epoch(i + 1, 0.5 - 0.1 * i, loss) for i, loss in enumerate((0.5, 0.4, 0.6)))
    rising = training(dataclasses.replace(run, history=history))
    assert rising is not None
    assert "lowest after 2 epochs (0.400), and 0.600 at the end" in rising.values["sentences"][1]
    falling = training(dataclasses.replace(run, history=(*history[:2], epoch(3, 0.3, 0.39))))
    assert falling is not None
    assert "lowest after the last epoch" in falling.values["sentences"][1]


def test_training_ends_at_a_fraction_of_an_epoch(run: RunData) -> None:
    """With points within epochs the axis is that of the points; without, the last epoch ends where training did."""
    first, last = epoch(1, 0.5, 0.4), epoch(2, 0.3, 0.35)
    info = replace(run.info, config={**run.info.config, "epochs": 1.3})
    plain = training(dataclasses.replace(run, info=info, history=(first, last)))
    assert plain is not None
    assert plain.values["sentences"][0].startswith("After 1.3 epochs the loss is 0.350")
    assert [end for end, _ in plain.values["epochs"]] == ["1", "1.3"]

    curves = [[(0.5, 0.7), (1.0, 0.3)], [(1.3, 0.3)]]
    history = tuple(
        replace(one, curve=tuple(CurvePoint(end, loss, 0.8) for end, loss in curve))
        for one, curve in zip((first, last), curves, strict=True)
    )
    fine = training(dataclasses.replace(run, info=info, history=history))
    assert fine is not None
    titles = re.findall("<title>([^<]+)</title>", fine.values["plots"][0])
    assert titles == [
        "epoch 0.5: training 0.700",
        "epoch 1: training 0.300, validation 0.400",
        "epoch 1.3: training 0.300, validation 0.350",
    ]
    page = panel_of(dataclasses.replace(run, info=info, history=history), "training")
    assert "2/1.3" not in page
    assert "means since the point before" in page


def test_training_compares_nothing(run: RunData) -> None:
    accuracies = {
        "train": {"overall": {"accuracy": fraction(0.9, 50)}},
        "val": {"overall": {"accuracy": fraction(0.6, 50)}},
    }
    panel = training(with_metrics(run, **accuracies))
    assert panel is not None
    assert panel.values["sentences"][-1] == (
        "The final weights predict 90.0\u00a0% of the training images and 60.0\u00a0% of the validation images "
        "correctly."
    )
    unknown = training(with_metrics(run, train={"overall": {}}))
    assert unknown is not None
    assert "final weights" not in " ".join(unknown.values["sentences"])


def test_confusion_names_the_largest_cell(run: RunData) -> None:
    panel = confusion.build(run)
    assert panel is not None
    matrix = np.array(run.results["test"].confusion)
    errors = matrix - np.diag(np.diagonal(matrix))
    true, predicted = np.unravel_index(errors.argmax(), errors.shape)
    (sentence,) = panel.values["splits"]["test"]["sentences"]
    assert f"{errors.sum()} of {matrix.sum()} test images are predicted as another class" in sentence
    names = f"{run.classes[int(true)]} predicted as {run.classes[int(predicted)]}"
    assert f"{names}: {errors.max()} of {matrix[true].sum()} images." in sentence
    assert max(cell["shade"] for row in panel.values["splits"]["test"]["rows"] for cell in row["cells"]) == 1


def test_confusion_without_errors_says_so(run: RunData) -> None:
    results = replace(run.results["test"], confusion=np.eye(6, dtype=np.int64).tolist())
    panel = confusion.build(dataclasses.replace(run, results={"test": results}))
    assert panel is not None
    assert panel.values["splits"]["test"]["sentences"] == ["All test images are predicted correctly."]


def test_classes_show_every_metric(run: RunData) -> None:
    head, *rows = rows_of(panel_of(run, "classes"), "Metrics of each class on the test images")
    assert head == ["Class", "Recall", "Precision", "F1", "Images"]
    assert [row[0] for row in rows] == list(run.classes)
    for name, *cells in rows:
        written = run.metrics.held_out.per_class[name]
        forms = {"recall": "percent", "precision": "percent", "f1": "decimal"}
        values = [estimate_text(written[key], form) for key, form in forms.items()]
        assert cells == [*(value.replace("(", "").replace(")", "") for value in values),
                         str(run.metrics.held_out.support[name])]  # fmt: skip


def test_a_class_without_images_is_a_dash(run: RunData) -> None:
    per_class = {**run.metrics.held_out.per_class, "Bag": dict.fromkeys(("recall", "precision"), ABSENT)}
    html = panel_of(with_metrics(run, test={"per_class": per_class}), "classes")
    row = next(row for row in rows_of(html, "Metrics of each class on the test") if row[0] == "Bag")
    assert row[1:4] == ["–", "–", "–"]


def test_examples_are_sorted_by_confidence(run: RunData) -> None:
    panel = examples.build(run)
    assert panel is not None
    written = json.loads((run.folder.path / "evaluation" / "test.json").read_text(encoding="utf-8"))["sheet"][
        "examples"
    ]
    html = panel_of(run, "examples")
    shots = {
        view: re.findall(f'aria-label="{label}" role="group">(.*?)</div>', html, re.S)
        for view, label in (("missed", "predicted as"), ("false_positives", "true class"))
    }
    for index, row in enumerate(panel.values["rows"]):
        for view, key, other in (
            ("missed", "ground_truth", "prediction"),
            ("false_positives", "prediction", "ground_truth"),
        ):
            wrong = [one for one in written if one[key] == index and one["ground_truth"] != one["prediction"]]
            wrong.sort(key=lambda one: -one["confidence"])
            assert [tile.example.name for tile in row[view]] == [one["name"] for one in wrong[:6]]
            word = {"prediction": "predicted", "ground_truth": "true"}[other]
            captions = [
                f"{word}: {run.classes[one[other]]} <small>{confidence_text(one['confidence'])}" for one in wrong[:6]
            ]
            assert re.findall(r"<figcaption>(.*?)</small>", shots[view][index]) == captions
        right = [one for one in written if one["ground_truth"] == one["prediction"] == index]
        assert [tile.example.name for tile in row["correct"]] == [one["name"] for one in right[:2]]


def test_a_sprite_that_would_be_too_large_keeps_the_most_confident(
    run: RunData, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("seamline.report.images.MAX_BYTES", 700)
    whole, cut = example_sprite(run.sheets["test"]), example_sprite(dataclasses.replace(run.sheets["test"]))
    assert len(cut.uri) < len(whole.uri)
    for cell, tiles in cut.cells.items():
        names = [tile.example.name for tile in whole.cells[cell]]
        assert [tile.example.name for tile in tiles] == names[: len(tiles)]


def test_the_overlap_of_every_pair_is_in_a_table_and_a_plot(run: RunData) -> None:
    panel = why.build(run)
    assert panel is not None
    html = panel_of(run, "why")
    first = rows_of(html, "Overlap of the most confused pairs")
    others = rows_of(html, "Overlap of the other pairs")
    assert (len(first), len(others)) == (1 + 8, 1 + 4)
    assert first[1][:2] == ["Top, Coat", "60"]
    assert [cell.split()[0] for cell in first[1][2:]] == ["80.0", "90.0"]
    assert panel.values["plots"]["wide"].count("images confused, overlap") == 12
    assert html.count('class="tile sprite-means"') == 2 * 6
    assert len(rows_of(html, "Detail and variety")) == 2 + 6
    analysis = class_analysis(CLASSES, outlines=False)
    plain = dataclasses.replace(run, class_analysis=analysis)
    assert "overlap of the mean images" in why.build(plain).values["plots"]["wide"]  # type: ignore[union-attr]
    assert panel_of(plain, "why").count('class="tile sprite-means"') == 6
    assert why.build(dataclasses.replace(run, class_analysis=None)) is None
    absent = [replace(pair, overlap=ABSENT) for pair in analysis.pairs[:5]]  # a class without images
    partial = replace(analysis, pairs=(*absent, *analysis.pairs[5:]))
    plots = why.build(dataclasses.replace(run, class_analysis=partial)).values["plots"]  # type: ignore[union-attr]
    assert plots["wide"].count("images confused, overlap") == 7
    assert "nan" not in plots["wide"]


def test_kernels_state_how_many_have_a_type_and_how_many_random_ones(run: RunData) -> None:
    panel = kernels.build(run)
    assert panel is not None
    assert run.kernels is not None
    small, large = panel.values["layers"]
    assert "groups" in small
    assert "matrix" in large
    layer = run.kernels.layers[1]
    typed = sum(one.count for name, one in layer.fractions.items() if name not in ("mixed", "nearly uniform"))
    assert f"{typed} of the 400 filters of layer 2" in large["caption"]
    assert "5.0\u00a0% of random filters do" in large["caption"]
    assert set(list(large["types"])[-2:]) == {"mixed", "nearly uniform"}
    assert large["types"] == layer.fractions
    tiles = [tile for tiles in small["groups"].values() for tile in tiles]
    assert {tile["number"]: tile["label"] for tile in tiles} == {f"{i}": f"filter {i}" for i in range(1, 9)}
    assert {f'<small aria-hidden="true">{i}</small>' in panel_of(run, "kernels") for i in range(1, 9)} == {True}
    assert panel.values["data"]["1"]["in"] == 20


def test_the_configuration_leaves_out_what_the_run_does_not_have(run: RunData) -> None:
    config = {"lr": 0.1, "class_weights": None, "pretrained": True, "norm": None, "dropout": 0.2, "mix": None}

    def shown(init: str | None, init_from: InitFrom | None = None) -> dict[str, Any]:
        model = replace(run.info.model, init=init)
        info = replace(run.info, config=config, model=model, init_from=init_from)
        return dict(reproducibility.build(dataclasses.replace(run, info=info)).values["config"])

    assert list(shown(None)) == list(shown("at random")) == ["lr", "class_weights", "dropout"]
    assert list(shown("with weights of ImageNet")) == ["lr", "class_weights", "pretrained", "dropout"]
    start = InitFrom(run="runs/first", weights="0", shared_classes=(), new_classes=())
    assert "pretrained" not in shown("with weights of ImageNet", start)


def test_grays_of_kernels_are_centered_on_zero() -> None:
    assert gray(np.array([-2.0, -1, 0, 1, 2]), 1.0).tolist() == [1, 1, 128, 255, 255]
    weights = np.arange(2 * 3 * 2 * 2, dtype=np.float64).reshape(2, 3, 2, 2)
    picture, limit = kernel_matrix(weights)
    assert picture.shape == (6, 9)
    assert limit == pytest.approx(np.quantile(weights, 0.99))
    assert np.asarray(transparent_gaps(picture, (2, 2)))[:3, :3, 1].tolist() == [
        [255, 255, 0],
        [255, 255, 0],
        [0, 0, 0],
    ]
    tiles = kernel_tiles(weights.reshape(6, 2, 2), 4)
    assert tiles.shape == (4, 8)
    assert tiles[1, 1] == 255


def test_linear_probes_state_the_accuracy_of_each(run: RunData) -> None:
    panel = linear_probes.build(run)
    assert panel is not None
    assert panel.values["caption"] == (
        "Accuracy over all classes: 55.0\u00a0% for pixels, 71.0\u00a0% for layer 1, 82.0\u00a0% for layers 1 and 2, "
        "90.0\u00a0% for whole network."
    )
    _, first, second, *_ = rows_of(panel_of(run, "linear_probes"), "All linear probes")
    assert first[:2] == ["all classes", f"55.0\u00a0% {interval_text(fraction(0.55, 240))}"]
    assert second[:2] == ["Top", f"55.0\u00a0% {interval_text(fraction(0.55, 40))}"]


def test_calibration_shows_errors_and_temperature(run: RunData) -> None:
    panel = calibration.build(run)
    assert panel is not None
    assert run.calibration is not None
    test = run.calibration.held_out
    assert "fitted on the validation images, is 1.65 (1.5–1.8)." in panel.values["caption"][0]
    row = rows_of(panel_of(run, "calibration"), "Calibration errors")[2]
    assert row[:2] == ["test", f"{percent(test.ece_raw)} 0.0–10.0\u00a0%"]
    assert row[3] == f"{percent(test.confidence_gap_raw)} {interval_text(test.confidence_gap_raw)}"
    nll = test.nll_raw
    assert row[5] == f"{nll.value:.3f} {nll.low:.3f}–{nll.high:.3f}"


def test_calibration_counts_intervals_that_reach_the_line(run: RunData) -> None:
    assert run.calibration is not None
    bare = CalibrationBin(lower=0.8, upper=1, count=9, confidence=0.9, accuracy=Estimate(0.8))
    known = replace(bare, accuracy=Estimate(0.8, 0.7, 0.95))

    def caption(*bins: CalibrationBin) -> str:
        assert run.calibration is not None
        test = replace(run.calibration.held_out, reliability_scaled=bins)
        changed = replace(run.calibration, temperature=Estimate(1.62), test=test)
        panel = calibration.build(dataclasses.replace(run, calibration=changed))
        assert panel is not None
        return " ".join(panel.values["caption"])

    assert "is 1.62 (no interval)." in caption(bare, bare)
    assert "reach the dashed line" not in caption(bare, bare)
    assert "1 of 1 intervals reach the dashed line" in caption(bare, known)


def test_a_temperature_of_one_is_not_determined() -> None:
    assert calibration.temperature_text(Estimate(1.0)) == "1 (not determined by these images)"


def test_reproducibility_shows_all_that_the_run_depends_on(run: RunData) -> None:
    panel = reproducibility.build(run)
    facts = dict(panel.values["facts"])
    html = panel_of(run, "reproducibility")
    assert "<span>seamline</span> <span>train</span> <span>facades</span>" in html
    assert facts["fingerprint"] == "0123456789abcdef0123456789abcdef"
    assert facts["versions"] == "python 3.11, torch 2.7"
    assert "<dt>class weights</dt><dd>none</dd>" in html
    assert "<dt>hflip</dt><dd>yes</dd>" in html


def test_the_head_shows_three_metrics_with_their_intervals(finished: Path) -> None:
    page = (finished / "report.html").read_text(encoding="utf-8")
    metrics = json.loads((finished / "metrics.json").read_text(encoding="utf-8"))
    head = page[page.index('class="key-metrics"') : page.index("</dl>")]
    assert head.count("<dt>") == 3
    hardest = min(metrics["test"]["per_class"].items(), key=lambda item: item[1]["recall"]["value"])
    accuracies = [metrics[split]["overall"]["accuracy"] for split in ("test", "val")]
    for estimate in (*accuracies, hardest[1]["recall"]):
        assert percent(estimate["value"]) in head
        assert f"{100 * estimate['low']:.1f}–{100 * estimate['high']:.1f}" in head
    assert hardest[0] in head
    assert interval_text(ABSENT) == ""
