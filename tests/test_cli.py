"""The commands as people type them, on the synthetic garments; in processes of their own where one is tested."""

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from conftest import without_figure_files
from seamline.__main__ import main
from seamline.api.training import train
from seamline.data import registry
from seamline.data.dataset import Dataset, Split
from seamline.data.sources.synthetic import load_fashion
from seamline.evaluation import write
from seamline.evaluation.linear_probes import probe_layers
from seamline.run_folder import LinearProbes

FAST = ["--set", "epochs=1"]


def seamline(*words: str, cwd: Path, **environment: str) -> "subprocess.CompletedProcess[str]":
    """Run a command without network (the proxy is a closed port) and without the real images."""
    settings = {key: value for key, value in os.environ.items() if key != "SEAMLINE_DATA"}
    settings |= {"https_proxy": "http://127.0.0.1:9", "COLUMNS": "200", "OMP_NUM_THREADS": "1", **environment}
    command = [sys.executable, "-m", "seamline", *words]
    return subprocess.run(command, cwd=cwd, env=settings, capture_output=True, text=True, check=False, timeout=280)


def one_line(status: object, out: str, err: str) -> str:
    """The message of a user's mistake: one line, status 2, no traceback."""
    assert status == 2, err
    assert out == ""
    (line,) = err.splitlines()
    assert line.startswith("seamline: ")
    return line


Typed = Callable[..., tuple[object, str, str]]
"""Words of a command -> status, output, error output."""


def probe_on_few(model: Any, train: Split, val: Split, evaluation: Any, *progress: Any) -> LinearProbes:
    """Fit the probes on fewer images: on all of them it takes longer than the training."""
    return probe_layers(model, train.select(np.arange(min(len(train), 1_000))), val, evaluation, *progress)


def type_command(patch: pytest.MonkeyPatch, *words: str) -> tuple[object, str, str]:
    """Run a command in this process: without network, without the real images, and on fewer synthetic garments."""
    patch.setenv("https_proxy", "http://127.0.0.1:9")
    patch.setenv("COLUMNS", "200")
    patch.setattr(sys, "argv", ["seamline", *words])
    defaults: Any = load_fashion.__kwdefaults__
    for split, count in (("train", 6_000), ("test", 2_000)):
        patch.setitem(defaults, split, count)
    patch.setattr(write, "probe_layers", probe_on_few)
    with redirect_stdout(io.StringIO()) as out, redirect_stderr(io.StringIO()) as err, pytest.raises(SystemExit) as end:
        main()
    return end.value.code or 0, out.getvalue(), err.getvalue()


@pytest.fixture
def typed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Typed:
    """Run a command in this process; in `tmp_path` if the test does not change the folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SEAMLINE_DATA", raising=False)
    return partial(type_command, monkeypatch)


@pytest.fixture(scope="module")
def reproduced(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, str]:
    """One offline `reproduce`, as the README tells: its folder, output and error output."""
    folder = tmp_path_factory.mktemp("reproduced")
    with pytest.MonkeyPatch.context() as patch, without_figure_files():
        patch.chdir(folder)
        patch.delenv("SEAMLINE_DATA", raising=False)
        patch.setenv("SEAMLINE_CACHE", str(tmp_path_factory.getbasetemp() / "shared-cache"))
        status, out, err = type_command(patch, "reproduce", "--study", "garments", "--json", "--threads", "1", *FAST)
    assert status == 0, err
    return folder, out, err


def test_reproduce_without_the_real_images_says_so(
    reproduced: tuple[Path, str, str],
) -> None:
    folder, out, err = reproduced
    assert "The real garments are not available: train-images-idx3-ubyte.gz could not be downloaded" in err
    assert "Using synthetic garments instead" in err
    assert "epoch   1/1" in err  # a line an epoch where the output is no terminal
    (told,) = json.loads(out)["runs"]
    assert Path(told["run"]) == Path("runs", "synthetic-fashion-fast")
    assert told["metrics"]["test"]["overall"]["accuracy"]["low"] > 0.8
    page = (folder / told["report"]).read_text(encoding="utf-8")
    assert "The images on this page are synthetic" in page
    assert len(page) < 3_000_000


def test_the_second_reproduce_uses_the_first(
    reproduced: tuple[Path, str, str], typed: Typed, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, first, _ = reproduced
    monkeypatch.chdir(folder)
    run = folder / "runs" / "synthetic-fashion-fast"
    before = {path: path.stat().st_mtime_ns for path in run.rglob("*")}
    status, out, err = typed("reproduce", "--study", "garments", "--json", *FAST)
    assert status == 0, err
    assert "already finished" in err
    assert out == first
    assert {path: path.stat().st_mtime_ns for path in run.rglob("*")} == before


@pytest.mark.usefixtures("no_figure_files")
def test_train_ends_with_where_the_result_lies(
    sides: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, typed: Typed
) -> None:
    """On small images in place of the synthetic garments."""
    small = registry.DatasetSpec("small", "classification", lambda folder, **options: sides)
    monkeypatch.setitem(registry.DATASETS, "sides", small)
    train = ["train", "sides", *FAST, "--threads", "1", "--out", "mine"]
    status, out, err = typed(*train, "--seed", "3")
    assert not status, err
    assert "test       accuracy" in out
    assert f"Report: {Path('mine', 'report.html')}" in out
    described: dict[str, Any] = json.loads((tmp_path / "mine" / "run.json").read_text())
    assert described["seed"] == 3
    assert described["config"]["epochs"] == 1
    command = "seamline train sides --preset fast --set epochs=1 --seed 3 --threads 1 --out mine"
    assert described["command"] == command
    assert "mine: contains a finished run" in one_line(*typed(*train))
    (tmp_path / "mine" / "report.html").unlink()
    assert typed("report", "mine")[1] == f"Report: {Path('mine', 'report.html')}\n"
    assert (tmp_path / "mine" / "report.html").is_file()


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (
            ["train", "fashion-mnist"],
            ["train-images-idx3-ubyte.gz", "--data-dir", "SEAMLINE_DATA", "synthetic-fashion"],
        ),
        (["train", "fashion-mnist", "--data-dir", "nowhere"], ["nowhere: cannot be read"]),
        (["train", "cats"], ["cats: no such dataset", "fashion-mnist"]),
        (["train", "synthetic-fashion", "--data-dir", "."], ["synthetic-fashion", "needs no folder"]),
        (["train", "synthetic-fashion", "--preset", "fcn"], ["--preset fcn", "fast, best, sprint, original"]),
        (["train", "synthetic-fashion", "--set", "epochs"], ["--set epochs", "field=value"]),
        (["train", "synthetic-fashion", "--set", "model=vit"], ["model vit", "cnn"]),
        (["train", "synthetic-fashion", "--device", "abacus"], ["--device abacus"]),
        (["reproduce", "--data-dir", "nowhere"], ["--data-dir nowhere", "fashion-mnist, facades"]),
        (["reproduce", "--study", "shoes"], ["--study shoes", "garments, facades"]),
        (["train", "facades"], ["mini facade set", "SEAMLINE_DATA", "synthetic-facades"]),
        (
            ["train", "synthetic-facades", "--preset", "quick"],
            ["--preset quick", "segmentation", "fast, best, sprint, original"],
        ),
        (["inspect", "nowhere"], ["nowhere: no such dataset"]),
        (["predict", "nowhere", "photo.jpg"], ["nowhere"]),
        (["report", "nowhere"], ["nowhere"]),
        (["train", "synthetic-fashion", "--seed", "-1"], ["--seed", "see seamline --help"]),
        (["train"], ["Missing argument 'DATA...'"]),
        (["fit"], ["No such command 'fit'"]),
        (["train", "synthetic-fashion", "--device", "meta"], ["--device meta"]),
    ],
)
def test_a_mistake_is_one_line_that_says_what_to_do(
    words: list[str], expected: list[str], tmp_path: Path, typed: Typed
) -> None:
    line = one_line(*typed(*words))
    for part in expected:
        assert part in line
    assert not (tmp_path / "runs").exists()


def test_a_place_that_cannot_be_written_is_one_line(tmp_path: Path, typed: Typed) -> None:
    (tmp_path / "file").write_text("in the way")
    status, _, err = typed("train", "synthetic-fashion", *FAST, "--out", str(Path("file", "run")))
    assert status == 2
    assert "check the path" in err.splitlines()[-1]
    assert "Traceback" not in err


def test_reproduce_leaves_a_finished_run_of_another_seed_alone(
    reproduced: tuple[Path, str, str], typed: Typed, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = reproduced[0]
    monkeypatch.chdir(folder)
    before = (folder / "runs" / "synthetic-fashion-fast" / "run.json").read_bytes()
    status, _, err = typed("reproduce", "--study", "garments", *FAST, "--seed", "1")
    assert status == 2
    assert "trained with another seed (0 there, 1 here); name another --out or use --overwrite" in err
    assert (folder / "runs" / "synthetic-fashion-fast" / "run.json").read_bytes() == before


def test_a_damaged_file_stops_reproduce_instead_of_hiding_behind_drawn_images(
    tmp_path: Path, typed: Typed, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "data" / "fashion-mnist"
    folder.mkdir(parents=True)
    for name in ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1"):
        (folder / f"{name}-ubyte.gz").write_bytes(b"<html>not found</html>")
    monkeypatch.setenv("SEAMLINE_DATA", str(tmp_path / "data"))
    line = one_line(*typed("reproduce"))
    assert "train-images-idx3-ubyte.gz" in line
    assert "not gzip" in line


def test_list_shows_what_there_is(tmp_path: Path, typed: Typed) -> None:
    shown = seamline("list", cwd=tmp_path)
    for name in ("fashion-mnist", "synthetic-fashion", "fast", "original", "unet-fast", "mean_iou", "hardest_class"):
        assert name in shown.stdout
    tables = json.loads(typed("list", "--json")[1])
    assert tables["presets"]["classification"]["original"]["epochs"] == 50
    assert tables["presets"]["segmentation"]["original"]["epochs"] == 15


@pytest.mark.usefixtures("no_report")
def test_photos_are_predicted_and_a_bad_one_sets_the_status(streets: Dataset, tmp_path: Path, typed: Typed) -> None:
    run = train(streets, epochs=1, out=tmp_path / "run", threads=1).path
    Image.fromarray(streets.test.images[0]).save(tmp_path / "good.png")
    (tmp_path / "bad.jpg").write_bytes(b"no photo")
    predict = ["predict", str(run), "--out", "masks"]
    assert typed(*predict, "good.png")[0] == 0
    status, out, err = typed(*predict, "good.png", "bad.jpg")
    assert status == 1
    assert "1 of 2 photos predicted" in out
    assert "bad.jpg: " in err
    told = json.loads((tmp_path / "masks" / "predictions.json").read_text())
    fractions = told["photos"][0]["class_fractions"]
    assert set(fractions) == set(streets.classes)
    assert told["interval_level"] == 0.9
    largest = max(fractions, key=lambda name: fractions[name])
    assert f"good.png: {largest} {fractions[largest]:.1%}" in out
    assert {file.name for file in (tmp_path / "masks").iterdir()} == {
        "good.confidence.png",
        "good.mask.png",
        "good.overlay.png",
        "legend.png",
        "predictions.json",
    }


def test_an_audit_is_printed(streets: Dataset, tmp_path: Path, typed: Typed) -> None:
    for name, place in (("train/a", 0), ("train/b", 2), ("test/c", 0)):
        file = tmp_path / f"{name}.png"
        file.parent.mkdir(exist_ok=True)
        Image.fromarray(streets.train.images[place]).save(file)
    status, lines, said = typed("inspect", str(tmp_path))
    assert status == 2
    assert lines.startswith("Errors\n")
    assert "pairs across splits: 1" in lines
    assert "test/c.png" not in lines
    assert "no page is written, because inspections/" in said  # the working folder is the data
    assert not (tmp_path / "inspections").exists()
    report = json.loads(typed("inspect", str(tmp_path), "--json")[1])
    assert report["duplicates"]["leaks"] == [["test/c.png", "train/a.png"]]
    assert not report["usable"]


def test_inspect_is_strict_when_asked(tmp_path: Path, typed: Typed) -> None:
    for number in range(4):
        for label in "ab":
            file = tmp_path / "set" / label / f"{number}.png"
            file.parent.mkdir(parents=True, exist_ok=True)
            pixels = np.random.default_rng(10 * number + ord(label)).integers(0, 255, (20, 20, 3), np.uint8)
            Image.fromarray(pixels).save(file)
    status, lines, _ = typed("inspect", str(tmp_path / "set"))
    assert status == 0
    assert lines.startswith("Warnings\n  a (3), b (3): fewer than 20 training images")
    assert "Ready to train" in lines
    assert "\nPage: inspections/set.html\n" in lines
    assert "<h1>set</h1>" in (tmp_path / "inspections" / "set.html").read_text(encoding="utf-8")
    assert typed("inspect", str(tmp_path / "set"), "--strict")[0] == 1
    status = typed("inspect", str(tmp_path / "set"), "--groups", "patient")[0]
    assert status == 2


def test_help_is_shown(tmp_path: Path, typed: Typed) -> None:
    assert "reproduce" in seamline("--help", cwd=tmp_path).stdout
    assert typed("--version")[1].startswith("seamline 0.")
    assert "reproduce" in typed()[1]


@pytest.mark.real
@pytest.mark.usefixtures("no_report")
def test_the_real_garments_are_trained_on(real_data: Path, tmp_path: Path, typed: Typed) -> None:
    status, out, err = typed(
        "train", "fashion-mnist", "--data-dir", str(real_data), *FAST, "--threads", "1", "--out", "real", "--json"
    )
    assert status == 0, err
    (told,) = json.loads(out)["runs"]
    assert told["metrics"]["test"]["overall"]["accuracy"]["value"] > 0.84
    assert told["metrics"]["test"]["images"] == 10_000
    assert json.loads((tmp_path / "real" / "run.json").read_text())["notice"] is None
