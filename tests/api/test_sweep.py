"""Sweeps of small trainings: what is trained, reused, resumed and refused."""

import errno
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

import seamline
from conftest import without_report
from helpers import Lines, refusal
from seamline.api import sweep as api_sweep
from seamline.api import sweep_jobs, training
from seamline.api.sweep import Sweep
from seamline.data.dataset import Dataset
from seamline.data.registry import DATASETS
from seamline.errors import SeamlineError, TrainingInterrupted
from seamline.evaluation.sweep import read_sweep
from seamline.run_folder import ClassMap, RunFolder, SweepFolder
from seamline.training.config import TrainConfig
from seamline.training.run_data import load_run_data
from sweep_factories import correct, write_run

SHORT = TrainConfig(model="cnn-fast", epochs=1, batch_size=64, lr=3e-3)


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The runs that are trained: each writes nothing but what a sweep reads, and no page is drawn."""
    names: list[str] = []

    def train(request: sweep_jobs.RunRequest) -> None:
        names.append(request.name)
        if request.fields.get("lr") == 9.0:
            raise RuntimeError("out of memory\nmore lines")
        accuracy = 0.5 + request.fields["lr"] / 10 + request.seed / 100
        write_run(request.out, accuracy, correct(accuracy), seed=request.seed)
        RunFolder(request.out).weights_file.write_bytes(b"")
        RunFolder(request.out).findings.write(())

    monkeypatch.setattr(sweep_jobs, "train_request", train)
    monkeypatch.setattr(api_sweep, "write_sweep_page", read_sweep)
    return names


def sweep(data: Any, out: Path, vary: Any = None, **changes: Any) -> Sweep:
    return seamline.sweep(data, {"lr": [1, 2]} if vary is None else vary, out=out, preset=SHORT, **changes)


def test_a_sweep_trains_each_setting_with_each_seed(sides: Dataset, tmp_path: Path, trained: list[str]) -> None:
    lines = Lines()
    swept = sweep(sides, tmp_path / "sweep", seeds=(0, 3), progress=lines)
    assert trained == ["lr=1-seed0", "lr=2-seed0", "lr=1-seed3", "lr=2-seed3"]
    assert swept.winner == "lr=2"
    assert [run.path.name for run in swept.runs] == trained
    assert not swept.failed
    assert lines.lines[0] == "4 runs to train"
    assert "3 runs left, about" in lines.lines[2]
    assert "lr=2 has the best accuracy" in swept._repr_html_()


def test_finished_runs_are_reused_and_seeds_and_values_added(
    sides: Dataset, tmp_path: Path, trained: list[str]
) -> None:
    sweep(sides, tmp_path / "sweep")
    sweep(sides, tmp_path / "sweep")
    assert len(trained) == 2
    sweep(sides, tmp_path / "sweep", {"lr": [1, 3, 2]}, seeds=(0, 1))
    assert trained[2:] == ["lr=3-seed0", "lr=1-seed1", "lr=3-seed1", "lr=2-seed1"]
    (tmp_path / "sweep" / "lr=3-seed1" / "model.safetensors").unlink()
    sweep(sides, tmp_path / "sweep", {"lr": [1, 3, 2]}, seeds=(0, 1))
    assert trained[6:] == ["lr=3-seed1"]


def test_a_run_that_fails_does_not_stop_the_others(sides: Dataset, tmp_path: Path, trained: list[str]) -> None:
    swept = sweep(sides, tmp_path / "sweep", {"lr": [9, 1]}, seeds=(0, 1))
    assert len(trained) == 4
    assert {run.name: run.reason for run in swept.failed} == {
        "lr=9-seed0": "RuntimeError: out of memory",
        "lr=9-seed1": "RuntimeError: out of memory",
    }
    sweep(sides, tmp_path / "sweep", {"lr": [9, 1]}, seeds=(0, 1))
    assert trained[4:] == ["lr=9-seed0", "lr=9-seed1"]  # tried again
    line = refusal(lambda: sweep(sides, tmp_path / "other", {"lr": [9]}))
    assert "no run of the sweep has finished; lr=9-seed0: RuntimeError: out of memory" in line


def test_an_interrupted_sweep_goes_on(
    sides: Dataset, tmp_path: Path, trained: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    train = sweep_jobs.train_request

    def stop(request: sweep_jobs.RunRequest) -> None:
        if request.name == "lr=2-seed0":
            raise TrainingInterrupted("after epoch 1", "", 15)
        train(request)

    with monkeypatch.context() as patch:
        patch.setattr(sweep_jobs, "train_request", stop)
        with pytest.raises(
            TrainingInterrupted, match="lr=2-seed0 after epoch 1; run the same command again"
        ) as stopped:
            sweep(sides, tmp_path / "sweep", seeds=(0, 1))
    assert stopped.value.status == 143
    states = {run.name: run.state for run in SweepFolder(tmp_path / "sweep").info.read().runs}
    assert states == dict(zip(states, ["finished", "running", "waiting", "waiting"], strict=True))
    sweep(sides, tmp_path / "sweep", seeds=(0, 1))
    assert trained == ["lr=1-seed0", "lr=2-seed0", "lr=1-seed1", "lr=2-seed1"]


def test_a_full_disk_stops_the_sweep(
    sides: Dataset, tmp_path: Path, trained: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fill(request: sweep_jobs.RunRequest) -> None:
        trained.append(request.name)
        raise OSError(errno.ENOSPC, "No space left on device", str(request.out))

    monkeypatch.setattr(sweep_jobs, "train_request", fill)
    with pytest.raises(OSError, match="No space left"):
        sweep(sides, tmp_path / "sweep")
    assert len(trained) == 1


def test_successive_halving_trains_the_best_for_longer(sides: Dataset, tmp_path: Path, trained: list[str]) -> None:
    vary = {"lr": "float:1..4"}
    swept = sweep(sides, tmp_path / "sweep", vary, random=9, halving=3, epochs=9)
    rungs: dict[float, list[float]] = {}
    for setting in swept.info.settings:
        rungs.setdefault(setting.fields["epochs"], []).append(setting.fields["lr"])
    assert {epochs: len(rates) for epochs, rates in rungs.items()} == {1: 9, 3: 3, 9: 1}
    best = sorted(rungs[1])[-3:]  # accuracy grows with the learning rate
    assert sorted(rungs[3]) == best
    assert rungs[9] == [max(best)]
    assert len(trained) == 13
    assert swept.winner == f"lr={max(best)} epochs=9"
    assert f"{swept.winner} is the winner, as the only setting of the last rung" in swept.findings[0]
    sweep(sides, tmp_path / "sweep", vary, random=9, halving=3, epochs=9)
    assert len(trained) == 13
    assert "holds another sweep, whose number of trials is 9 and not 12" in refusal(
        lambda: sweep(sides, tmp_path / "sweep", vary, random=12, halving=3, epochs=9)
    )
    listed, other = [{"lr": 1}, {"lr": 2}], [{"lr": 1}, {"lr": 3}]
    sweep(sides, tmp_path / "list", listed, halving=2, epochs=2)
    for values, baseline, words in (
        (other, None, "whose settings are lr=1 epochs=1; lr=2 epochs=1 and not lr=1 epochs=1; lr=3"),
        (listed[::-1], None, "whose settings are lr=1 epochs=1; lr=2 epochs=1 and not lr=2 epochs=1; lr=1"),
        (listed, "lr=2", "whose baseline is lr=1 epochs=1 and not lr=2 epochs=1"),
    ):
        go_on = partial(sweep, sides, tmp_path / "list", values, halving=2, epochs=2, baseline=baseline)
        assert words in refusal(go_on)


def test_more_random_trials_are_added(sides: Dataset, tmp_path: Path, trained: list[str]) -> None:
    vary = {"lr": "log:1..4"}
    sweep(sides, tmp_path / "sweep", vary, random=2)
    sweep(sides, tmp_path / "sweep", vary, random=4)
    assert len(trained) == len(set(trained)) == 4
    assert "whose search seed is 0 and not 1" in refusal(
        lambda: sweep(sides, tmp_path / "sweep", vary, random=4, search_seed=1)
    )


@pytest.mark.parametrize(
    ("changes", "answer"),
    [
        (
            {"preset": TrainConfig(model="cnn", epochs=1, batch_size=64, lr=1)},
            "whose fixed fields are model=cnn-fast",
        ),
        ({"vary": {"epochs": [1, 2]}}, "whose fixed fields are model=cnn-fast"),
        ({"vary": {"lr": [1]}}, "with 1 runs that this one lacks, such as lr=2-seed0"),
        ({"seeds": (1, 2)}, "with 2 runs that this one lacks"),
        ({"folds": 2}, "whose number of folds is 0 and not 2"),
        ({"vary": [{"lr": 1}, {"lr": 2}]}, "whose method is grid and not list"),
        ({"image_size": "32x64"}, "whose image size is the default and not 32x64"),
        ({"groups": "folder"}, "whose groups is the default and not folder"),
        ({"near_duplicates": False}, "whose near duplicates is the default and not false"),
        ({"init_from": "garments"}, "whose init from is the default and not garments"),
    ],
)
def test_a_folder_holds_one_sweep(
    changes: dict[str, Any], answer: str, sides: Dataset, tmp_path: Path, trained: list[str]
) -> None:
    sweep(sides, tmp_path / "sweep")
    arguments = {"vary": {"lr": [1, 2]}, "preset": SHORT, **changes}
    line = refusal(lambda: seamline.sweep(sides, out=tmp_path / "sweep", **arguments))
    assert line.startswith(f"{tmp_path / 'sweep'}: holds another sweep, ")
    assert answer in line
    assert len(trained) == 2


def test_finished_runs_are_ranked_by_another_metric(sides: Dataset, tmp_path: Path, trained: list[str]) -> None:
    sweep(sides, tmp_path / "sweep")
    again = sweep(sides, tmp_path / "sweep", metric="log_loss")
    assert (again.info.metric, len(trained)) == ("log_loss", 2)
    assert "lr=2 has the best log loss" in again.findings[0]  # as it has fewer errors, all with one confidence


def test_a_sweep_without_a_trained_run_may_change(sides: Dataset, tmp_path: Path, trained: list[str]) -> None:
    with pytest.raises(SeamlineError, match="no run of the sweep has finished"):
        sweep(sides, tmp_path / "failed", {"lr": [9]}, groups="folder")
    sweep(sides, tmp_path / "failed", {"lr": [1]})
    assert trained == ["lr=9-seed0", "lr=1-seed0"]


def test_a_sweep_goes_on_with_the_same_options(sides: Dataset, tmp_path: Path, trained: list[str]) -> None:
    name, file = sides.name, tmp_path / "map.toml"
    file.write_text('ignore = ["left"]')
    options: dict[str, Any] = {"image_size": 32, "groups": "folder", "maps": {name: file}}
    sweep(sides, tmp_path / "sweep", **options)
    again = {**options, "maps": {name: ClassMap(ignore=("left",))}}  # the content of a map counts, not its file
    sweep(sides, tmp_path / "sweep", {"lr": [1, 2, 3]}, **again)
    assert len(trained) == 3
    file.write_text('ignore = ["right"]')
    assert (
        f'whose map of {name} is {{"ignore":["left"]}} and not {{"ignore":["right"]}}; name another folder'
        in refusal(lambda: sweep(sides, tmp_path / "sweep", **options))
    )
    assert "whose groups is folder and not the default" in refusal(
        lambda: sweep(sides, tmp_path / "sweep", **{**options, "groups": None})
    )


def test_a_run_folder_or_a_file_is_no_place_for_a_sweep(sides: Dataset, tmp_path: Path, trained: list[str]) -> None:
    sweep(sides, tmp_path / "sweep")
    run = tmp_path / "sweep" / "lr=1-seed0"
    assert refusal(lambda: sweep(sides, run)) == f"{run}: is a run folder; name another folder with --out"
    assert "is a file, not a folder" in refusal(lambda: sweep(sides, run / "run.json"))
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "index.html").write_text("my page")
    assert "index.html: is there, and no sweep wrote it" in refusal(lambda: sweep(sides, tmp_path / "site"))
    assert (tmp_path / "site" / "index.html").read_text() == "my page"
    with SweepFolder(tmp_path / "locked").lock():
        assert "another sweep works in it" in refusal(lambda: sweep(sides, tmp_path / "locked"))


@pytest.mark.parametrize(
    ("changes", "answer"),
    [
        ({"vary": {"lr": [1, 2]}, "lr": 3}, "--set lr=3 is given too"),
        ({"vary": {"lr": [-1, 2]}}, "--vary lr=-1: lr must be above 0, got -1"),
        ({"vary": [{"lr": 1, "optimizer": "adam"}], "lr": 3}, "--setting lr: --set lr=3 is given too"),
        ({"vary": {"batch_size": "int:0..64"}, "random": 2}, "--vary batch_size=0: batch_size must be 1 to"),
        ({"vary": {"lr": "float:-1..1"}, "random": 2}, "--vary lr=-1: lr must be above 0"),
        ({"batch_size": 0}, "config: batch_size must be 1 to"),
        ({"vary": [{}], "batch_size": 0}, "config: batch_size must be 1 to"),
        ({"image_size": "abc"}, "--image-size abc: must be one number of pixels"),
        ({"device": "tpu"}, "--device tpu: not available"),
        ({"init_from": "nothing"}, "nothing/run.json: not found"),
        ({"vary": {"model": ["cnn", "facadenet"]}}, "model facadenet: no such model for classification"),
        ({"vary": []}, "the list of settings is empty"),
        ({"vary": [{"lr": 1}, {"lr": 1}]}, "--setting lr=1: is given twice"),
        ({"vary": [{"lr": 1, "hflip": True}, {"hflip": True, "lr": 1.0}]}, "is given twice"),
        ({"vary": {"lr": [0.1, 0.10]}}, "--vary lr=0.1,0.1: 0.1 is repeated"),
        ({"vary": {"val_fraction": [0.1, 0.2]}}, "--vary val_fraction: settings are ranked on the same validation im"),
        ({"vary": [{"split_by": "images"}, {}]}, "--setting split_by: settings are ranked on the same validation"),
        ({"vary": [{"lr": 1}], "random": 2}, "--random 2: draws from --vary"),
        ({"jobs": 0}, "--jobs 0: must be 1 to 1000"),
        ({"halving": 3, "random": 2, "vary": {"lr": "int:1..9"}}, "--halving 3: needs 3 settings"),
        ({"halving": 3, "vary": {"epochs": [1, 2, 3]}, "epochs": 9}, "do not vary epochs"),
        ({"baseline": "lr=7"}, "--baseline lr=7: no setting of the sweep has it"),
        ({"metric": "mean_iou"}, "--metric mean_iou: is not for classification"),
        ({"metric": "f2"}, "--metric f2: no such metric"),
        ({"seeds": (0, 0)}, "0 is given twice"),
        ({"seeds": ()}, "there is none"),
        ({"fold": "1/5"}, "use --folds 5"),
        ({"learning_rate": 1}, "did you mean 'lr'?"),
    ],
)
def test_mistakes_are_refused_before_the_first_run(
    changes: dict[str, Any], answer: str, sides: Dataset, tmp_path: Path, trained: list[str]
) -> None:
    assert answer in refusal(lambda: sweep(sides, tmp_path / "sweep", **changes))
    assert not trained
    assert not (tmp_path / "sweep").exists()


def test_the_baseline_is_the_setting_that_is_named(sides: Dataset, tmp_path: Path, trained: list[str]) -> None:
    swept = sweep(sides, tmp_path / "sweep", {"lr": [1, 2], "hflip": [False, True]}, baseline="lr=2 hflip=true")
    assert swept.info.baseline == 3
    assert {one.number for one in swept.results.differences} == {0, 1, 2}


def test_a_run_of_a_fold_finds_its_images_again(
    sides: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "synthetic-fashion"
    named = replace(sides, name=name)
    monkeypatch.setattr(training, "evaluate_run", lambda *_, **__: None)
    monkeypatch.setitem(DATASETS, name, replace(DATASETS[name], load=lambda *_, **__: named))
    with without_report():
        run = seamline.train(name, preset=SHORT, fold="2/3", out=tmp_path / "run")
    assert (run.info.split.fold, run.info.split.folds) == (2, 3)
    assert "--fold 2/3" in run.info.command
    data, splits = load_run_data(run.folder, None, None, Lines())
    assert data.fingerprint == run.info.dataset.fingerprint
    assert len(data.test) == run.info.dataset.test == 130
    assert splits.metadata == run.info.split


def test_each_fold_is_a_run(sides: Dataset, tmp_path: Path, trained: list[str]) -> None:
    swept = sweep(sides, tmp_path / "sweep", folds=2)
    assert [one.planned for one in swept.results.settings] == [2, 2]
    assert trained == ["lr=1-seed0-fold1", "lr=1-seed0-fold2", "lr=2-seed0-fold1", "lr=2-seed0-fold2"]


def test_runs_in_processes_of_their_own(sides: Dataset, tmp_path: Path) -> None:
    lines = Lines()
    swept = sweep(sides, tmp_path / "sweep", {"class_weights": [(1, 2), (1, 2, 3)]}, jobs=2, threads=1, progress=lines)
    assert [run.info.threads for run in swept.runs] == [1]
    ((name, reason),) = [(run.name, run.reason) for run in swept.failed]
    assert name == "class_weights=1.0+2.0-seed0"
    assert "class_weights has 2 numbers for 3 classes" in reason
    log = SweepFolder(tmp_path / "sweep").log_file(name).read_text(encoding="utf-8")
    assert log.strip().splitlines()[-1] == reason
    assert swept.info.jobs == 2
