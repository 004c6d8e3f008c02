"""A run on two datasets: what its folder holds, how it is evaluated, exported and shown."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

import seamline
from conftest import small_streets, without_figure_files
from helpers import Lines, refusal
from seamline.cli import app
from seamline.data.dataset import Dataset
from seamline.data.mix import stored_parts
from seamline.report.run_data import read_run
from seamline.run_folder import ClassMap, RunFolder
from seamline.training.run_data import load_run_data, load_stored_images

OPTIONS: dict[str, Any] = {"epochs": 2.0, "batch_size": 8, "threads": 1}


def write_streets(folder: Path, classes: tuple[str, ...], seed: int, *, windows: bool, side: int = 32) -> None:
    """Write drawn streets; without `windows` these are labeled as wall. Three images are named as a test split."""
    split = small_streets(24, seed)
    labels = split.labels if windows else np.minimum(split.labels, 1)
    for number, (image, label) in enumerate(zip(split.images, labels, strict=True)):
        for kind, pixels in (("images", image), ("masks", label)):
            file = folder / ("test" if number >= 18 else "train") / kind / f"{number:02}.png"
            file.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).resize((side, side), Image.Resampling.NEAREST).save(file)
    (folder / "classes.txt").write_text("\n".join(classes), encoding="utf-8")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Folders `fine` (windows are told apart) and `coarse` (they are part of other), and `run`, trained on both."""
    home = tmp_path_factory.mktemp("mixed")
    write_streets(home / "data/fine", ("sky", "wall", "window"), 3, windows=True)
    write_streets(home / "data/coarse", ("sky", "other"), 5, windows=False, side=48)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEAMLINE_CACHE", str(home / "cache"))
        lines = Lines()
        with without_figure_files():
            seamline.train(
                [home / "data/fine", home / "data/coarse"], out=home / "run", progress=lines, near_duplicates=False,
                image_size=32, **OPTIONS,
            )  # fmt: skip
        (home / "lines.txt").write_text("\n".join(lines.lines), encoding="utf-8")
        yield home


@pytest.fixture
def home(trained: Path, tmp_path: Path) -> Path:
    """A copy of the run; the images have moved."""
    shutil.copytree(trained / "run", tmp_path / "run")
    shutil.copytree(trained / "data", tmp_path / "moved")
    return tmp_path


def test_the_folder_holds_both_datasets(trained: Path) -> None:
    info = RunFolder(trained / "run").info.read()
    assert info.dataset.name == "fine+coarse"
    assert info.dataset.classes == ("other", "sky", "wall", "window")
    fine, coarse = info.dataset.parts
    assert (fine.name, coarse.name) == ("fine", "coarse")
    assert fine.merged == {}
    assert coarse.merged == {"wall": "other", "window": "other"}
    assert coarse.source == str(trained / "data/coarse")
    assert (fine.test, coarse.test) == (6, 6)
    assert fine.val > 0
    assert coarse.val > 0
    assert (fine.train + coarse.train, fine.val + coarse.val) == (info.dataset.train, info.dataset.val)
    assert [part.merged for part in stored_parts(info.dataset)] == [(0, 1, 2, 3), (0, 1, 0, 0)]
    assert f"seamline train {trained / 'data/fine'} {trained / 'data/coarse'} --preset fast" in info.command
    assert "coarse: wall, window count as other." in (trained / "lines.txt").read_text(encoding="utf-8")


def test_metrics_are_given_for_each_dataset(trained: Path) -> None:
    metrics = RunFolder(trained / "run").metrics.read()
    assert list(metrics.parts) == ["fine", "coarse"]
    fine, coarse = metrics.parts["fine"].test, metrics.parts["coarse"].test
    assert fine is not None
    assert coarse is not None
    assert (fine.images, coarse.images) == (6, 6)
    assert fine.count + coarse.count == metrics.held_out.count
    assert set(coarse.overall) == set(metrics.held_out.overall)
    assert not coarse.per_class["window"]["iou"].present
    assert coarse.per_class["other"]["iou"].present
    arrays = RunFolder(trained / "run").read_arrays("test", RunFolder(trained / "run").info.read())
    assert set(np.unique(arrays.predicted[6:])) <= {0, 1}  # type: ignore[union-attr]


def test_the_page_shows_the_datasets_beside_each_other(trained: Path) -> None:
    page = (trained / "run/report.html").read_text(encoding="utf-8")
    assert 'id="datasets"' in page
    assert "coarse counts wall and window as other." in page
    assert "part of other" in page
    assert "AP of each class" in page
    assert "Pixels of each class" not in page
    assert read_run(trained / "run").metrics.parts


@pytest.mark.usefixtures("no_report")
def test_the_run_is_evaluated_again_where_its_images_have_moved(home: Path) -> None:
    before = (home / "run/metrics.json").read_bytes()
    seamline.evaluate(home / "run", data_dir=home / "moved")
    assert (home / "run/metrics.json").read_bytes() == before
    data, splits = load_run_data(RunFolder(home / "run"), None, home / "moved", Lines())
    assert data.parts == stored_parts(RunFolder(home / "run").info.read().dataset)
    assert splits.val.parts is not None
    assert set(splits.val.parts.tolist()) == {0, 1}


@pytest.mark.usefixtures("no_report")
def test_other_images_are_evaluated_in_the_classes_of_their_map(home: Path) -> None:
    support = seamline.evaluate(home / "run", home / "moved/fine").metrics.held_out.support
    maps = {"fine": ClassMap(classes={"window": "wall"})}
    (home / "moved/fine/train/photo.heic").write_bytes(b"")
    run = seamline.evaluate(home / "run", home / "moved/fine", maps=maps)
    assert run.info.dataset.class_map == maps["fine"]
    assert [item.count for item in run.info.dataset.unused] == [1]
    mapped = run.metrics.held_out.support
    assert support["window"] > 0
    assert mapped["wall"] == support["wall"] + support["window"]
    assert mapped.get("window", 0) == 0


@pytest.mark.usefixtures("no_report")
def test_one_of_the_datasets_is_evaluated_in_its_own_classes(home: Path, trained: Path) -> None:
    lines = Lines()
    for named in ("coarse", trained / "data/coarse"):
        run = seamline.evaluate(home / "run", named, progress=lines)
        assert run.path == home / "run/evaluations/coarse"
        own = RunFolder(home / "run").metrics.read().parts["coarse"].test
        assert own is not None
        for key, estimate in own.overall.items():
            assert run.metrics.held_out.overall[key].value == pytest.approx(estimate.value, abs=1e-6)
    assert run.info.dataset.warnings == (
        "evaluated on the run's test images of coarse alone",
        "wall, window count as other",
    )
    text = refusal(lambda: seamline.evaluate(home / "run", [home / "moved/coarse", home / "moved/fine"]))
    assert text == f"coarse+fine: are several datasets; evaluate {home / 'run'} on one at a time"
    moved = [home / "moved/fine", home / "moved/coarse"]
    assert seamline.evaluate(home / "run", moved).path == home / "run"
    text = refusal(lambda: seamline.evaluate(home / "run", moved, maps={"fine": ClassMap(classes={"window": "wall"})}))
    assert "other labels" in text
    renamed = {"coarse": ClassMap(classes={"wall": "window"})}
    text = refusal(lambda: seamline.evaluate(home / "run", "coarse", maps=renamed))
    assert text == f"--map coarse: the images of {home / 'run'} have its map; name other images"
    other = seamline.evaluate(home / "run", home / "moved/coarse", progress=lines)
    assert other.metrics.held_out.images == 24
    assert other.metrics.held_out.per_class["other"]["recall"].value > 0
    assert "wall, window count as other" in other.info.dataset.description.lower()


def test_an_export_is_scored_as_the_run_is_and_predicts_all_classes(trained: Path) -> None:
    pytest.importorskip("onnxruntime")
    from seamline.export.verify import predict_split, primary_metric

    folder, model = RunFolder(trained / "run"), seamline.load_model(trained / "run", backend="pytorch")
    stored = load_stored_images(folder)
    assert stored is not None
    assert set(np.asarray(stored[1].parts).tolist()) == {0, 1}
    sample = predict_split(model.forward, stored[1], "segmentation", stored_parts(folder.info.read().dataset))
    val = folder.metrics.read().val.overall["mean_ap"]
    assert primary_metric(sample, "segmentation") == pytest.approx(val.value, abs=1e-4)
    prediction = model(trained / "data/coarse/test/images/20.png")
    assert set(prediction.fractions) == {"other", "sky", "wall", "window"}


def test_the_command_prints_a_line_for_each_dataset(trained: Path) -> None:
    folders = [str(trained / "data" / name) for name in ("fine", "coarse")]
    printed = CliRunner().invoke(app, ["inspect", *folders, "--no-near-duplicates", "--no-page"])
    assert f"seamline train {' '.join(folders)}" in printed.stdout
    assert "window" in printed.stdout
    resumed = CliRunner().invoke(
        app, ["train", *folders, "--resume", "--out", str(trained / "run"), "--no-near-duplicates",
              "--image-size", "32", "--epochs", "2", "--batch-size", "8"],
    )  # fmt: skip
    assert "fine (test)  mean average precision" in resumed.stdout, resumed.output
    assert "coarse (test)  mean average precision" in resumed.stdout


def test_a_missing_folder_is_named(home: Path, trained: Path) -> None:
    (trained / "data").rename(trained / "away")
    try:
        text = refusal(lambda: seamline.evaluate(home / "run"))
        assert text.startswith(f"{trained / 'data/fine'}: not found; name the folder")
    finally:
        (trained / "away").rename(trained / "data")


@pytest.mark.usefixtures("no_report")
def test_classifiers_learn_from_several_datasets(sides: Dataset, tmp_path: Path) -> None:
    """The second dataset lacks a class of the first, and has one that the first lacks."""
    rows = np.flatnonzero(np.asarray(sides.test.labels) < 2)
    other = replace(sides, name="others", source="elsewhere", classes=("up", "left"), train=sides.test.select(rows),
                    test=sides.train.select(np.flatnonzero(np.asarray(sides.train.labels) < 2)[:9]))  # fmt: skip
    run = seamline.train(
        [sides, other], out=tmp_path, epochs=1, model="cnn-fast", threads=1, near_duplicates=False, label_check_folds=2
    )
    metrics, info = run.metrics, run.info
    assert info.dataset.classes == ("left", "right", "both <&>", "up")
    assert [part.merged for part in info.dataset.parts] == [{}, {}]
    tested = {name: of.test.images for name, of in metrics.parts.items() if of.test is not None}
    assert tested == {"sides": 90, "others": 9}
    hits = sum(of.test.overall["accuracy"].value * of.test.images for of in metrics.parts.values() if of.test)
    assert hits / 99 == pytest.approx(metrics.held_out.overall["accuracy"].value)
