"""A short fuzz run, and the one-line errors of invalid input."""

from pathlib import Path

import pytest

import fuzz
import invalid_input
import invalid_input_page
from fuzz_readers import READERS
from fuzz_worker import run_cases
from mutations import mutate_value, with_checksums

QUICK = ("photo", "mask", "values", "marks", "table", "coco", "labelme", "names", "palette", "folders", "pairs")
"""Readers that need no finished run."""


@pytest.mark.parametrize("reader", QUICK)
def test_mutated_files_are_read_or_rejected_in_one_line(
    reader: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEAMLINE_CACHE", str(tmp_path / "cache"))
    count = 60 if reader in ("photo", "palette") else 25  # both must happen
    results = list(run_cases(reader, 1, range(count), tmp_path, memory=1 << 40))
    assert len(results) == count
    assert [outcome["text"] for outcome in results if outcome["outcome"] == "defect"] == []
    assert {outcome["outcome"] for outcome in results} == {"read", "rejected"}


def test_mutations_are_reproducible(tmp_path: Path) -> None:
    def outcomes(cases: range) -> list[tuple[str, str]]:
        results = run_cases("mask", 3, cases, tmp_path)
        return [(outcome["file"], outcome["outcome"]) for outcome in results]

    assert outcomes(range(8))[5:] == outcomes(range(5, 8))


def test_a_crash_is_a_defect(tmp_path: Path) -> None:
    results = fuzz.supervise("run", 0, 4, 5, tmp_path / "nowhere")  # there are no runs
    assert [(outcome["case"], outcome["outcome"]) for outcome in results] == [(4, "defect")]
    assert "the process ended with 1: " in results[0]["text"]
    assert "FileNotFoundError" in results[0]["text"]
    assert [outcome["case"] for outcome in fuzz.supervise("mask", 0, 4, 6, tmp_path)] == [4, 5]


def test_checksums_are_corrected(tmp_path: Path) -> None:
    READERS["mask"].write(tmp_path, tmp_path)
    for file in tmp_path.glob("*.png"):
        assert with_checksums(file.read_bytes()) == file.read_bytes()


def test_mutating_a_value_leaves_the_original() -> None:
    import random

    value = {"a": [1, 2, {"b": None}], "c": "x"}
    changed = [mutate_value(value, random.Random(seed)) for seed in range(40)]  # noqa: S311 - not for secrets
    assert value == {"a": [1, 2, {"b": None}], "c": "x"}
    assert sum(outcome != value for outcome in changed) > 30


def test_invalid_input_is_rejected_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEAMLINE_CACHE", str(tmp_path / "cache"))
    groups = ("Images", "Folders of photos", "Tables and JSON", "Links and permissions", "Run folders")
    results = {title: invalid_input.rows(invalid_input.GROUPS[title], None) for title in groups}
    lines = dict(pair for rows in results.values() for pair in rows)
    assert len(lines) > 55
    for line in lines.values():
        assert line
        assert line.isprintable()
        assert "Traceback" not in line
    worked = {title for title, line in lines.items() if line.startswith("works: ")}
    assert worked == {
        "1 x 1 pixel",
        "60,000 pixels wide",
        "PNG of 16 bits",
        "animated GIF",
        "animated WebP",
        "CMYK JPEG",
        "palette PNG with transparency",
        "photo that EXIF turns by a quarter",
        "CSV, labels in a column of another name",
        "links in circles",
    }
    text = invalid_input_page.page({"inputs": {"rows": results, "machine": "A processor", "python": "3.12"}})
    assert text.count("\n| ") == len(lines) + 2 * len(results)


def test_the_page_shows_the_results() -> None:
    counts = {"files": 1200, "read": 300, "rejected": 900, "defect": 0}
    reader = {"title": "`read`", **counts, "slowest": 0.5, "peak": 2**29}
    fuzzed = {"seed": 0, "seconds": 60.0, "readers": {"one": reader}, "machine": "A processor", "python": "3.12"}
    text = invalid_input_page.page({"fuzz": fuzzed})
    assert "| `read` | 1,200 | 300 | 900 | 0 | 0.5 s | 512 MiB |" in text
    assert "1,200 files in total: 300 read, 900 rejected, 0 other outcomes" in text
