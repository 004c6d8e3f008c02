"""The whole story on small images: every file of the run folder, resuming, measuring again."""

import dataclasses
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import seamline
from conftest import draw_sides
from helpers import Lines, refusal
from seamline.data.dataset import Dataset
from seamline.data.split_warnings import NO_TEST_IMAGES
from seamline.errors import SeamlineError
from seamline.evaluation.text import metric_lines
from seamline.run_folder import ClassificationArrays, RunFolder
from seamline.training.config import TrainConfig, parse_settings
from seamline.training.loop import Training

RECIPE = TrainConfig(model="cnn-fast", epochs=3, batch_size=32, lr=3e-3, schedule="linear", hflip=False)


def read(run: Path, name: str) -> Any:
    return json.loads((run / name).read_text(encoding="utf-8"))


def history(run: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (run / "history.jsonl").read_text().splitlines()]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run; to be copied before it is changed."""
    out = tmp_path_factory.mktemp("trained") / "run"
    return seamline.train(draw_sides(), preset=RECIPE, out=out, threads=1).path


@pytest.fixture
def run(trained: Path, tmp_path: Path) -> Path:
    return shutil.copytree(trained, tmp_path / "run")


def test_a_run_folder_holds_what_its_contract_says(run: Path, sides: Dataset) -> None:
    described = read(run, "run.json")
    assert described["dataset"]["fingerprint"] == sides.fingerprint
    assert (described["dataset"]["train"], described["dataset"]["val"], described["dataset"]["test"]) == (270, 30, 90)
    assert described["config"]["epochs"] == 3
    assert described["task"] == "classification"
    assert "synthetic" in described["notice"]
    lines = history(run)
    assert [line["epoch"] for line in lines] == [1, 2, 3]
    fields = {"train_loss", "train_accuracy", "val_loss", "val_accuracy", "val_images", "learning_rate"}
    fields |= {"train_seconds", "samples", "epoch", "curve"}
    assert set(lines[0]) == fields

    metrics = read(run, "metrics.json")
    assert metrics["test"]["overall"]["accuracy"]["value"] > 0.9
    assert set(metrics["test"]["per_class"]) == set(sides.classes)
    assert metrics["val"]["overall"]["accuracy"]["value"] == lines[-1]["val_accuracy"]
    assert metrics["val"]["overall"]["log_loss"]["value"] == pytest.approx(lines[-1]["val_loss"], rel=1e-6)
    stored = np.load(run / "evaluation" / "test.npz")
    assert np.array_equal(stored["labels"], sides.test.labels)
    assert (stored["logits"].argmax(1) == sides.test.labels).mean() == metrics["test"]["overall"]["accuracy"]["value"]
    assert stored["names"].tolist() == list(sides.test.names)
    assert read(run, "evaluation/test.json")["confusion"] == stored["confusion"].tolist()
    assert read(run, "calibration.json")["temperature"]["value"] > 0
    assert [layer["name"] for layer in read(run, "analysis/kernels.json")["layers"]] == ["layer 1", "layer 2"]
    assert len(read(run, "analysis/linear_probes.json")["probes"]) == 4
    assert read(run, "findings.json")[0]["name"] == "overall"
    assert not (run / "checkpoint").exists()
    page = (run / "report.html").read_text(encoding="utf-8")
    assert "both &lt;&amp;&gt;" in page
    assert described["notice"] in page


def test_the_page_is_made_again_from_the_folder_alone(run: Path) -> None:
    page = run / "report.html"
    first = page.read_bytes()
    page.unlink()
    assert seamline.write_report(run) == page
    assert page.read_bytes() == first


@pytest.mark.usefixtures("no_report")
def test_the_same_seed_gives_the_same_files(run: Path, sides: Dataset, tmp_path: Path) -> None:
    again = seamline.train(sides, preset=RECIPE, out=tmp_path / "again", threads=1).path
    for name in ("model.safetensors", "metrics.json", "findings.json", "evaluation/val.npz", "evaluation/test.png"):
        assert (again / name).read_bytes() == (run / name).read_bytes(), name
    other = seamline.train(sides, preset=RECIPE, out=tmp_path / "other", seed=1, threads=1).path
    assert (other / "model.safetensors").read_bytes() != (run / "model.safetensors").read_bytes()


@pytest.mark.usefixtures("no_report")
def test_an_interrupted_run_goes_on_to_the_same_bytes(
    run: Path, sides: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole_epoch = Training._train_epoch

    def interrupted(training: Training, number: int) -> Any:
        if number == 3:
            raise KeyboardInterrupt
        return whole_epoch(training, number)

    cut = tmp_path / "cut"
    monkeypatch.setattr(Training, "_train_epoch", interrupted)
    with pytest.raises(KeyboardInterrupt):
        seamline.train(sides, preset=RECIPE, out=cut, threads=1)
    monkeypatch.undo()
    assert len(history(cut)) == 2
    with pytest.raises(SeamlineError, match="trained with another seed"):
        seamline.train(sides, preset=RECIPE, out=cut, seed=1, resume=True, threads=1)
    with pytest.raises(SeamlineError, match="contains an unfinished run; resume it with --resume"):
        seamline.train(sides, preset=RECIPE, out=cut, threads=1)
    seamline.train(sides, preset=RECIPE, out=cut, resume=True, threads=1)
    assert (cut / "model.safetensors").read_bytes() == (run / "model.safetensors").read_bytes()
    assert (cut / "metrics.json").read_bytes() == (run / "metrics.json").read_bytes()
    assert [line["train_loss"] for line in history(cut)] == [line["train_loss"] for line in history(run)]


@pytest.mark.usefixtures("no_report")
def test_a_finished_run_is_kept(run: Path, sides: Dataset) -> None:
    before = {path: path.stat().st_mtime_ns for path in run.rglob("*")}
    with pytest.raises(
        SeamlineError, match="contains a finished run; name another --out, overwrite it with --overwrite"
    ):
        seamline.train(sides, preset=RECIPE, out=run, threads=1)
    seamline.train(sides, preset=RECIPE, out=run, resume=True, threads=1)
    assert {path: path.stat().st_mtime_ns for path in run.rglob("*")} == before
    with pytest.raises(SeamlineError, match="trained with another seed"):
        seamline.train(sides, preset=RECIPE, out=run, resume=True, seed=1, threads=1)
    assert {path: path.stat().st_mtime_ns for path in run.rglob("*")} == before
    seamline.train(sides, preset=RECIPE, out=run, overwrite=True, seed=1, threads=1)
    assert read(run, "run.json")["seed"] == 1


@pytest.mark.usefixtures("no_report")
def test_a_run_is_measured_again(run: Path, sides: Dataset) -> None:
    before = (run / "metrics.json").read_bytes()
    (run / "metrics.json").unlink()
    seamline.evaluate(run, sides)
    assert (run / "metrics.json").read_bytes() == before
    other = dataclasses.replace(sides, classes=("a", "b", "c"))
    with pytest.raises(SeamlineError, match="not the images that"):
        seamline.evaluate(run, other)


@pytest.mark.usefixtures("no_report")
@pytest.mark.parametrize("keep", ["val_loss", "val_accuracy"])
def test_the_weights_kept_are_those_of_the_best_epoch(sides: Dataset, tmp_path: Path, keep: str) -> None:
    recipe = dataclasses.replace(RECIPE, epochs=6, schedule="constant", lr=2e-2)
    run = seamline.train(
        sides, preset=recipe, **parse_settings((f"checkpoint_metric={keep}",)), out=tmp_path / "run", threads=1
    ).path
    best = (min if keep == "val_loss" else max)(line[keep] for line in history(run))
    key = {"val_loss": "log_loss", "val_accuracy": "accuracy"}[keep]
    value = read(run, "metrics.json")["val"]["overall"][key]["value"]
    assert value == pytest.approx(best, rel=1e-6)


def test_too_few_images_to_validate_on_is_one_line(sides: Dataset, tmp_path: Path) -> None:
    few = dataclasses.replace(sides, train=sides.train.select(np.arange(3)))
    with pytest.raises(SeamlineError, match="drawn in a test: 3 images are too few for training"):
        seamline.train(few, preset=RECIPE, out=tmp_path / "run")


def test_the_number_of_class_weights_must_fit_and_nothing_is_touched(run: Path, sides: Dataset) -> None:
    with pytest.raises(SeamlineError, match="class_weights has 2 numbers for 3 classes"):
        seamline.train(sides, preset=RECIPE, class_weights=(1, 2), out=run, overwrite=True)
    assert (run / "model.safetensors").is_file()


def test_weights_that_are_no_numbers_are_never_kept(sides: Dataset, tmp_path: Path) -> None:
    """One step an epoch: the loss is still a number when the step is taken, and the weights no longer are."""
    settings = ("epochs=1", "batch_size=1000", "lr=1e38", "schedule=constant")
    with pytest.raises(SeamlineError, match=r"training stopped: the (validation )?loss is (nan|inf)"):
        seamline.train(sides, preset=RECIPE, **parse_settings(settings), out=tmp_path / "run", threads=1)
    assert not (tmp_path / "run" / "model.safetensors").exists()


@pytest.mark.usefixtures("no_figure_files")
def test_an_interrupted_measuring_is_made_good(run: Path, sides: Dataset) -> None:
    before = (run / "metrics.json").read_bytes()
    for name in ("metrics.json", "findings.json", "report.html"):
        (run / name).unlink()
    with pytest.raises(SeamlineError, match="or complete its evaluation with --resume"):
        seamline.train(sides, preset=RECIPE, out=run, threads=1)
    seamline.train(sides, preset=RECIPE, out=run, resume=True, threads=1)
    assert (run / "metrics.json").read_bytes() == before
    assert (run / "report.html").is_file()


def test_an_unknown_setting_names_the_nearest(sides: Dataset) -> None:
    assert refusal(lambda: seamline.train(sides, epoch=3).path) == "unknown field 'epoch'; did you mean 'epochs'?"
    assert refusal(lambda: seamline.train(sides, thread=3).path) == "unknown field 'thread'; did you mean 'threads'?"
    assert refusal(lambda: seamline.train(sides, epochs="3").path) == "epochs: takes a number, got '3'"


def test_a_run_shows_its_metrics_and_findings(run: Path) -> None:
    result = seamline.Run(run)
    accuracy = result.metrics.held_out.overall["accuracy"]
    assert accuracy.low < accuracy.value <= accuracy.high
    assert [epoch["epoch"] for epoch in list_of(result.history)] == [1, 2, 3]
    assert result.report.is_file()
    html = result._repr_html_()
    assert "Bright sides: custom" in html
    assert result.findings[0].sentence in html
    prediction = result.predictor(backend="pytorch")(np.zeros((20, 20, 3), np.uint8))
    assert prediction.label in result.info.dataset.classes


def list_of(history: Any) -> list[dict[str, Any]]:
    return history if isinstance(history, list) else list(history.to_dict("records"))


@pytest.mark.usefixtures("no_figure_files")
def test_arrays_are_trained_on_and_other_images_evaluated(sides: Dataset, tmp_path: Path) -> None:
    names = np.array(sides.classes)[sides.train.labels]
    run = seamline.train(
        (sides.train.images[..., 0], names), preset=RECIPE, out=tmp_path / "run", threads=1, label_check_folds=0
    )
    assert set(run.info.dataset.classes) == set(sides.classes)
    before = {path: path.stat().st_mtime_ns for path in run.path.rglob("*") if path.is_file()}
    labels = np.array(["left", "right", "neither"])[sides.test.labels]
    lines = Lines()
    other = seamline.evaluate(run, (sides.test.images, labels), progress=lines)
    assert other.path == run.path / "evaluations" / "arrays"
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert lines.lines[-1] == "evaluating"
    assert "not evaluated, because the run has no such classes: neither (30 images)" in lines.lines[-2]
    assert "classes of the run without labels: both <&>" in lines.lines[-2]
    assert other.metrics.held_out.images == 60
    assert other.metrics.held_out.overall["accuracy"].value > 0.8
    assert other.metrics.val == run.metrics.val
    assert other.report.is_file()
    text = refusal(lambda: seamline.evaluate(run, (sides.test.images, np.array(["a", "b", "c"])[sides.test.labels])))
    assert "has none of the run's classes (both <&>, left, right); it has a, b, c" in text


@pytest.mark.usefixtures("no_figure_files")
def test_epochs_of_small_crops_are_validated_on_some_images(streets: Dataset, tmp_path: Path) -> None:
    lines = Lines()
    crops: dict[str, Any] = {"model": "unet-sprint", "epochs": 2, "batch_size": 8, "crop": 16, "val_fraction": 0.4}
    arrays = streets.train.images, streets.train.labels
    run = seamline.train(arrays, out=tmp_path / "some", threads=1, progress=lines, **crops)
    images = run.info.dataset.val
    # a third of the pixels that an epoch learns from is less than two images, the least
    assert [epoch.val_images for epoch in RunFolder(run.path).history.read()] == [2, 2]
    assert f"each epoch is validated on 2 of {images} photos; the result on all" in lines.lines
    assert f"measured after each epoch on 2 of the {images} images, evenly spaced" in run.report.read_text("utf-8")
    best = seamline.train(arrays, out=tmp_path / "all", threads=1, checkpoint_metric="val_loss", **crops)
    assert [epoch.val_images for epoch in RunFolder(best.path).history.read()] == [None, None]


@pytest.mark.usefixtures("no_figure_files")
def test_masks_as_arrays_are_evaluated(streets: Dataset, tmp_path: Path) -> None:
    config: dict[str, Any] = {"model": "unet-sprint", "epochs": 1, "batch_size": 8, "threads": 1}
    run = seamline.train((streets.train.images, streets.train.labels), out=tmp_path / "run", **config)
    assert run.info.task == "segmentation"
    other = seamline.evaluate(run, (streets.test.images, streets.test.labels))
    assert other.metrics.held_out.images == 12
    assert other.report.is_file()


@pytest.fixture(scope="module")
def untested(tmp_path_factory: pytest.TempPathFactory) -> tuple[Dataset, Path]:
    """A dataset of training and validation images alone, and a finished run."""
    whole = draw_sides()
    data = dataclasses.replace(whole, val=whole.test, test=whole.test.select(np.arange(0)))
    lines = Lines()
    run = seamline.train(
        data, preset=RECIPE, out=tmp_path_factory.mktemp("untested") / "run", threads=1, progress=lines
    )
    assert sum(NO_TEST_IMAGES in line for line in lines.lines) == 1
    assert any(line.startswith("validation accuracy ") for line in lines.lines)
    return data, run.path


def test_without_test_images_validation_images_are_reported(untested: tuple[Dataset, Path]) -> None:
    data, path = untested
    run = seamline.Run(path)
    assert data.val is not None
    assert (run.info.dataset.train, run.info.dataset.val, run.info.dataset.test) == (300, 90, 0)
    assert run.metrics.test is None
    assert read(path, "calibration.json")["test"] is None
    assert not list(path.glob("evaluation/test*"))
    arrays = run.folder.read_arrays("val", run.info)
    assert isinstance(arrays, ClassificationArrays)
    correct = (arrays.logits.argmax(1) == np.asarray(data.val.labels)).mean()
    assert run.metrics.held_out.overall["accuracy"].value == pytest.approx(correct)
    sentences = {finding.name: finding.sentence for finding in run.findings}
    assert sentences["no_test_images"].startswith(f"There is no test split: {NO_TEST_IMAGES}.")
    assert sentences["overall"].startswith("Of 90 validation images, none of which was used for training")
    assert "val_test_gap" not in sentences
    lines = metric_lines(run.metrics)
    assert lines[0].startswith("validation accuracy")
    assert lines[1].startswith("test       none; ")


def test_the_page_without_test_images_says_so(untested: tuple[Dataset, Path]) -> None:
    page = (untested[1] / "report.html").read_text(encoding="utf-8")
    text = page.replace(NO_TEST_IMAGES, "").replace("There are no test images.", "")
    assert text != page
    assert "300 training, 90 validation, no test" in text
    assert "test images" not in text
    assert "on the test" not in text
    assert "Validation images" in text  # the title of the one tab


def test_a_run_without_test_images_is_compared_and_evaluated_on_others(
    untested: tuple[Dataset, Path], trained: Path, tmp_path: Path
) -> None:
    data, path = untested
    run = shutil.copytree(path, tmp_path / "run")
    other = seamline.train(data, preset=RECIPE, out=tmp_path / "other", threads=1, seed=1)
    page, sentences = seamline.compare([run, other], tmp_path / "comparison.html")
    assert sentences
    assert "90 validation images of <b>Bright sides</b>" in page.read_text(encoding="utf-8")
    text = refusal(lambda: seamline.compare([run, trained], tmp_path / "comparison.html"))
    assert "its validation images, labels or classes differ" in text
    metrics = read(run, "metrics.json")
    seamline.evaluate(run, data)
    assert read(run, "metrics.json") == metrics
    assert data.val is not None
    labels = np.array(data.classes)[data.val.labels]
    evaluated = seamline.evaluate(run, (data.val.images, labels))
    assert evaluated.metrics.test is not None
    assert evaluated.metrics.held_out.overall["accuracy"] == evaluated.metrics.val.overall["accuracy"]
