"""`seamline reproduce --claims` in this process: options it refuses, and what it prints."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from seamline.__main__ import main
from seamline.study import claims_run
from seamline.study.claims_run import ClaimsReport
from seamline.study.verdicts import ClaimPart, ClaimResult

PARTS = (ClaimPart("confirmed", "It rose", "by recall"), ClaimPart("not decided", "It fell", "by loss"))


def call(words: str, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(sys, "argv", ["seamline", "reproduce", "--claims", *words.split()])
    with pytest.raises(SystemExit) as end:
        main()
    return int(end.value.code or 0)


@pytest.mark.parametrize(
    ("words", "named"),
    [
        ("--preset original", "--preset"),
        ("--seed 1 --json", "--seed"),
        ("--study garments --overwrite", "--study and --overwrite"),
        ("--image a.jpg --threads 2", "--image and --threads"),
    ],
)
def test_options_of_single_runs_are_refused(
    words: str, named: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert call(words, monkeypatch) == 2
    assert capsys.readouterr().err == f"seamline: --claims: trains sweeps of its own; leave out {named}\n"
    assert not list(tmp_path.iterdir())


def test_verdicts_are_printed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def report(*, out: Path, **options: Any) -> ClaimsReport:
        assert (options["device"], options["epochs"]) == ("cpu", 2)
        return ClaimsReport((ClaimResult(1, "It helps.", PARTS),), out / "claims.md", (out / "garments",), failed=1)

    monkeypatch.setattr(claims_run, "reproduce_claims", report)
    assert call("--out a --epochs 2 --device cpu", monkeypatch) == 1  # a run has failed
    sentence = "By recall: confirmed. It rose. By loss: not decided by these images. It fell."
    folder = Path("a", "claims")
    assert capsys.readouterr().out.splitlines() == [
        f"1. It helps. {sentence}",
        f"Sweep:  {folder / 'garments' / 'index.html'}",
        f"Claims: {folder / 'claims.md'}",
    ]
    assert call("--out a --epochs 2 --device cpu --json", monkeypatch) == 1
    parts = [{"name": "by recall", "verdict": "confirmed"}, {"name": "by loss", "verdict": "not decided"}]
    assert json.loads(capsys.readouterr().out) == {
        "claims": [{"number": 1, "claim": "It helps.", "parts": parts, "sentence": sentence}],
        "sweeps": [str(folder / "garments" / "index.html")],
        "page": str(folder / "claims.md"),
        "failed": 1,
    }
