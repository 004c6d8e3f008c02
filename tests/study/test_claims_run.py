"""The runs of the claims: what they cost is said first, finished ones are reused, and a page is written."""

from pathlib import Path
from typing import Any

import pytest

from helpers import Lines, refusal
from seamline.data.dataset import Dataset
from seamline.run_folder import SweepFolder
from seamline.study import claims_run
from seamline.study.claims import ClaimSweep
from seamline.study.claims_run import reproduce_claims, run_seconds
from seamline.study.verdicts import ClaimPart, ClaimResult
from seamline.training.plan import RunOptions

SWEEPS = (ClaimSweep("garments-half", "garments", 2, ({}, {"kernel": 3}), {"epochs": 1}),)


def judge(folders: dict[str, SweepFolder]) -> list[ClaimResult]:
    """Judge a claim by the number of runs; the claims of the study need all of its sweeps."""
    runs = sum(len(folder.info.read().runs) for folder in folders.values())
    return [ClaimResult(1, "It runs.", (ClaimPart("confirmed", f"{runs} runs"),))]


@pytest.mark.usefixtures("no_figure_files")
def test_runs_are_announced_trained_and_judged(sides: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def images(study: Any, *others: Any) -> tuple[Dataset, None]:
        assert study.name == "garments"
        return sides, None

    monkeypatch.setattr(claims_run, "load_images", images)
    monkeypatch.setattr(claims_run, "judge_claims", judge)
    said = Lines()
    options: dict[str, Any] = {"seeds": 2, "sweeps": SWEEPS, "jobs": 1, "device": "cpu", "progress": said}
    report = reproduce_claims(out=tmp_path, **options)
    assert [line.rpartition(": ")[0] for line in said.lines[:2]] == [
        "garments-half, default",
        "garments-half, kernel=3",
    ]
    assert all(line.endswith(" a run") for line in said.lines[:2])
    assert said.lines[2].startswith("4 runs, about ")
    assert "with 1 side by side" in said.lines[2]
    assert report.failed == 0
    assert report.results[0].sentence == "Confirmed. 4 runs."
    assert "| 1 | It runs. | **confirmed** |" in report.page.read_text(encoding="utf-8")
    info = SweepFolder(report.sweeps[0]).info.read()
    assert (info.preset, info.jobs, info.seeds, info.fixed) == ("original", 1, (0, 1), {"epochs": 1})
    run = SweepFolder(report.sweeps[0]).run(info.runs[0].name).info.read()
    assert run.dataset.title == f"{sides.title} at a half of the resolution"

    said.lines.clear()
    reproduce_claims(out=tmp_path, **options)
    assert not [line for line in said.lines if "a run" in line or "side by side" in line]  # nothing is left to train


def test_the_time_of_a_run_grows_with_its_epochs(sides: Dataset) -> None:
    short, long = (run_seconds(sides, {"epochs": epochs}, RunOptions(device="cpu")) for epochs in (1, 100))
    assert 0 < 5 * short < long


def test_one_seed_has_no_interval(tmp_path: Path) -> None:
    assert refusal(lambda: reproduce_claims(out=tmp_path, seeds=1)).startswith("seeds 1: intervals over seeds need")
