"""`seamline sweep` in this process: mistakes in one line, and what is printed."""

import json
import sys
from pathlib import Path

import pytest

from seamline.__main__ import main
from seamline.api import sweep_jobs
from seamline.run_folder import RunFolder
from sweep_factories import correct, write_run


def call(words: list[str], monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(sys, "argv", ["seamline", "sweep", *words])
    with pytest.raises(SystemExit) as end:
        main()
    return int(end.value.code or 0)


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        ("--vary foo=1", "--vary foo=1: unknown field 'foo'; the fields are model,"),
        ("--vary lr=1,1", "--vary lr=1,1: 1 is repeated; list different values"),
        ("--vary lr=0.10,0.1", "--vary lr=0.10,0.1: 0.1 is repeated; list different values"),
        ("--vary val_fraction=0.1,0.2", "--vary val_fraction: settings are ranked on the same validation images,"),
        ("--vary lr=1,batch_size=3", "--vary lr=1,batch_size=3: names several fields; repeat --vary for each"),
        (
            "--setting lr=1,batch_size=3",
            "--setting lr=1,batch_size=3: lr takes a number, got '1,batch_size=3'; separate",
        ),
        ("--vary lr=", "--vary lr=: has an empty value; separate values by single commas"),
        ("--vary lr=1,2 --seeds 4-0", "--seeds 4-0: 4-0 is backwards; write 0-4"),
        ("--vary lr=1 --setting lr=2", "--setting lr=2: --vary is given too; use one of them"),
        ("--vary lr=1 --lr 2", "--vary lr: --set lr=2 is given too; keep one of them"),
        ("--vary lr=log:1..2", "--vary lr=log:1..2: is a range; draw from it with --random N, or list values"),
        ("--learning-rate 1", "--learning-rate: no such option; did you mean --lr?"),
        ("lr=0.1", "lr=0.1: no such dataset or folder;"),
    ],
)
def test_a_mistake_is_one_line(
    words: str, answer: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert call(["synthetic-fashion", *words.split(), "--out", str(out)], monkeypatch) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"seamline: {answer}")
    assert error.count("\n") == 1
    assert not out.exists()


def test_out_is_required(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(["synthetic-fashion", "--vary", "lr=1,2"], monkeypatch) == 2
    assert "--out" in capsys.readouterr().err


def test_results_are_printed_and_a_failure_has_a_status(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def train(request: sweep_jobs.RunRequest) -> None:
        if request.fields["lr"] == 3:
            raise ValueError("three")
        write_run(request.out, 0.5 + request.fields["lr"] / 10, correct(0.7), seed=request.seed)
        RunFolder(request.out).weights_file.write_bytes(b"")
        RunFolder(request.out).findings.write(())

    monkeypatch.setattr(sweep_jobs, "train_request", train)
    words = ["synthetic-fashion", "--out", str(tmp_path / "out"), "--seeds", "0-1", "--vary"]
    assert call([*words, "lr=1,2"], monkeypatch) == 0
    printed = capsys.readouterr().out
    # two equal values in steps of 1 / 100: 60 points plus and minus 12.7062 / sqrt(2)
    assert "lr=1  validation accuracy 60.0 % (51.0 to 69.0)" in printed
    assert "lr=2 has the best accuracy on the validation images" in printed
    assert f"Report: {tmp_path / 'out' / 'index.html'}" in printed
    assert call([*words, "lr=1,2,3", "--json"], monkeypatch) == 1
    content = json.loads(capsys.readouterr().out)
    assert content["winner"] == "lr=2"
    assert content["failed"] == {"lr=3-seed0": "ValueError: three", "lr=3-seed1": "ValueError: three"}
    assert [one["val"]["value"] for one in content["settings"]] == pytest.approx([0.6, 0.7])
    assert content["findings"][0].startswith("lr=2 has the best accuracy on the validation images")
    first, second = content["settings"]
    assert first["test"]["value"] == second["test"]["value"] == 0.7
    assert (first["difference_over_images"], second["difference_over_images"]["value"]) == (None, 0)
    assert (first["not_significantly_worse"], second["not_significantly_worse"]) == (False, None)
    drawn = ["--vary", "lr=1,2,2.5", "--random", "2", "--folds", "2", "--json"]
    assert call([*words[:2], str(tmp_path / "drawn"), *drawn], monkeypatch) == 0
    content = json.loads(capsys.readouterr().out)
    tests = [one["setting"] for one in content["settings"] if one["test_over_folds"]]
    assert tests == [content["winner"]]  # of settings that were drawn, the test images of the winner alone
    assert not any(one["test"] or one["difference_over_images"] for one in content["settings"])
    assert {one["not_significantly_worse"] for one in content["settings"]} == {None}  # one seed tests nothing
    assert call([*words[:2], str(tmp_path / "drawn"), *drawn[:-1]], monkeypatch) == 0
    assert capsys.readouterr().out.count("test over all folds accuracy 70.0 %") == 1
