"""The commands as people type them, in processes of their own, on the synthetic garments."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from seamline.__main__ import main
from seamline.api.training import train
from seamline.data import registry
from seamline.data.dataset import Dataset

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


@pytest.fixture(scope="module")
def reproduced(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, "subprocess.CompletedProcess[str]", str]:
    """One offline `reproduce`, as the README tells, and the cache it drew into."""
    folder = tmp_path_factory.mktemp("reproduced")
    cache = str(tmp_path_factory.getbasetemp() / "shared-cache")
    return (
        folder,
        seamline("reproduce", "--study", "garments", "--json", *FAST, cwd=folder, SEAMLINE_CACHE=cache),
        cache,
    )


def test_reproduce_without_the_real_images_says_so(
    reproduced: tuple[Path, "subprocess.CompletedProcess[str]", str],
) -> None:
    folder, run, _ = reproduced
    assert run.returncode == 0, run.stderr
    assert "The real garments are not available: train-images-idx3-ubyte.gz could not be downloaded" in run.stderr
    assert "Using synthetic garments instead" in run.stderr
    assert "epoch   1/1" in run.stderr  # a line an epoch where the output is no terminal
    (told,) = json.loads(run.stdout)["runs"]
    assert Path(told["run"]) == Path("runs", "synthetic-fashion-fast")
    assert told["metrics"]["test"]["overall"]["accuracy"]["low"] > 0.8
    page = (folder / told["report"]).read_text(encoding="utf-8")
    assert "The images on this page are synthetic" in page
    assert len(page) < 3_000_000


def test_the_second_reproduce_uses_the_first(
    reproduced: tuple[Path, "subprocess.CompletedProcess[str]", str],
) -> None:
    folder, first, cache = reproduced
    run = folder / "runs" / "synthetic-fashion-fast"
    before = {path: path.stat().st_mtime_ns for path in run.rglob("*")}
    second = seamline("reproduce", "--study", "garments", "--json", *FAST, cwd=folder, SEAMLINE_CACHE=cache)
    assert second.returncode == 0, second.stderr
    assert "already finished" in second.stderr
    assert second.stdout == first.stdout
    assert {path: path.stat().st_mtime_ns for path in run.rglob("*")} == before


def test_train_ends_with_where_the_result_lies(
    sides: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """In this process, on small images in place of the synthetic garments."""
    small = registry.DatasetSpec("small", "classification", lambda folder, **options: sides)
    monkeypatch.setitem(registry.DATASETS, "sides", small)
    monkeypatch.chdir(tmp_path)

    def typed(*words: str) -> tuple[object, str, str]:
        monkeypatch.setattr(sys, "argv", ["seamline", *words])
        with pytest.raises(SystemExit) as end:
            main()
        return end.value.code, *capsys.readouterr()

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
        (["train", "synthetic-fashion", "--preset", "best"], ["--preset best", "fast, sprint, original"]),
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
        (["train"], ["Missing argument 'DATA'"]),
        (["fit"], ["No such command 'fit'"]),
        (["train", "synthetic-fashion", "--device", "meta"], ["--device meta"]),
    ],
)
def test_a_mistake_is_one_line_that_says_what_to_do(
    words: list[str],
    expected: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SEAMLINE_DATA", raising=False)
    monkeypatch.setenv("SEAMLINE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    monkeypatch.setattr(sys, "argv", ["seamline", *words])
    with pytest.raises(SystemExit) as end:
        main()
    line = one_line(end.value.code, *capsys.readouterr())
    for part in expected:
        assert part in line
    assert not (tmp_path / "runs").exists()


def test_a_place_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    run = seamline("train", "synthetic-fashion", *FAST, "--out", str(Path("file", "run")), cwd=tmp_path)
    assert run.returncode == 2
    assert "check the path" in run.stderr.splitlines()[-1]
    assert "Traceback" not in run.stderr


def test_reproduce_leaves_a_finished_run_of_another_seed_alone(
    reproduced: tuple[Path, "subprocess.CompletedProcess[str]", str],
) -> None:
    folder, _, cache = reproduced
    before = (folder / "runs" / "synthetic-fashion-fast" / "run.json").read_bytes()
    run = seamline("reproduce", "--study", "garments", *FAST, "--seed", "1", cwd=folder, SEAMLINE_CACHE=cache)
    assert run.returncode == 2
    assert "trained with another seed (0 there, 1 here); name another --out or use --overwrite" in run.stderr
    assert (folder / "runs" / "synthetic-fashion-fast" / "run.json").read_bytes() == before


def test_a_damaged_file_stops_reproduce_instead_of_hiding_behind_drawn_images(tmp_path: Path) -> None:
    folder = tmp_path / "data" / "fashion-mnist"
    folder.mkdir(parents=True)
    for name in ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1"):
        (folder / f"{name}-ubyte.gz").write_bytes(b"<html>not found</html>")
    run = seamline("reproduce", cwd=tmp_path, SEAMLINE_DATA=str(tmp_path / "data"))
    line = one_line(run.returncode, run.stdout, run.stderr)
    assert "train-images-idx3-ubyte.gz" in line
    assert "not gzip" in line


def test_list_shows_what_there_is(tmp_path: Path) -> None:
    shown = seamline("list", cwd=tmp_path)
    for name in ("fashion-mnist", "synthetic-fashion", "fast", "original", "unet-fast", "mean_iou", "hardest_class"):
        assert name in shown.stdout
    tables = json.loads(seamline("list", "--json", cwd=tmp_path).stdout)
    assert tables["presets"]["classification"]["original"]["epochs"] == 50
    assert tables["presets"]["segmentation"]["original"]["epochs"] == 15


def test_photos_are_predicted_and_a_bad_one_sets_the_status(
    streets: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run = train(streets, epochs=1, out=tmp_path / "run", threads=1).path
    Image.fromarray(streets.test.images[0]).save(tmp_path / "good.png")
    monkeypatch.chdir(tmp_path)
    statuses = []
    for photos in (["good.png"], ["good.png", "bad.jpg"]):
        (tmp_path / "bad.jpg").write_bytes(b"no photo")
        monkeypatch.setattr(sys, "argv", ["seamline", "predict", str(run), *photos, "--out", "masks"])
        with pytest.raises(SystemExit) as end:
            main()
        statuses.append(end.value.code)
    assert statuses in ([0, 1], [None, 1])
    out, err = capsys.readouterr()
    assert "1 of 2 photos predicted" in out
    assert "bad.jpg: " in err
    told = json.loads((tmp_path / "masks" / "predictions.json").read_text())
    assert set(told["photos"][0]["class_fractions"]) == set(streets.classes)
    assert {file.name for file in (tmp_path / "masks").iterdir()} == {
        "good.mask.png",
        "good.overlay.png",
        "legend.png",
        "predictions.json",
    }


def test_an_audit_is_printed(
    streets: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, place in (("train/a", 0), ("train/b", 2), ("test/c", 0)):
        file = tmp_path / f"{name}.png"
        file.parent.mkdir(exist_ok=True)
        Image.fromarray(streets.train.images[place]).save(file)
    for options in ([], ["--json"]):
        monkeypatch.setattr(sys, "argv", ["seamline", "inspect", str(tmp_path), *options])
        with pytest.raises(SystemExit):
            main()
    out = capsys.readouterr().out
    lines, _, as_json = out.partition("{")
    assert "test/c.png  train/a.png" in lines
    assert "pairs across splits: 1" in lines
    assert json.loads("{" + as_json) == {
        "groups": [["test/c.png", "train/a.png"]],
        "leaks": [["test/c.png", "train/a.png"]],
    }


def test_help_is_shown(tmp_path: Path) -> None:
    assert "reproduce" in seamline("--help", cwd=tmp_path).stdout
    assert seamline("--version", cwd=tmp_path).stdout.startswith("seamline 0.")
    assert "reproduce" in seamline(cwd=tmp_path).stdout


@pytest.mark.real
def test_the_real_garments_are_trained_on(real_data: Path, tmp_path: Path) -> None:
    words = ["train", "fashion-mnist", "--data-dir", str(real_data), *FAST, "--out", "real", "--json"]
    run = seamline(*words, cwd=tmp_path)
    assert run.returncode == 0, run.stderr
    (told,) = json.loads(run.stdout)["runs"]
    assert told["metrics"]["test"]["overall"]["accuracy"]["value"] > 0.84
    assert told["metrics"]["test"]["images"] == 10_000
    assert json.loads((tmp_path / "real" / "run.json").read_text())["notice"] is None
