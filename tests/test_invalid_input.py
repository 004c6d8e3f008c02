"""A slice of the fuzz run, and what bad input gets: one line each."""

from pathlib import Path

import pytest

import fuzz
import invalid_input
import invalid_input_page
from fuzz_readers import READERS
from fuzz_worker import tried
from mutations import mutate_value, with_sums

QUICK = ("photo", "mask", "values", "marks", "table", "coco", "labelme", "names", "colours", "folders", "pairs")
"""Readers that need no finished run."""


@pytest.mark.parametrize("reader", QUICK)
def test_damaged_files_are_read_or_refused_in_one_line(
    reader: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEAMLINE_CACHE", str(tmp_path / "cache"))
    count = 60 if reader == "photo" else 25
    found = list(tried(reader, 1, range(count), tmp_path, memory=1 << 40))
    assert len(found) == count
    assert [one["text"] for one in found if one["outcome"] == "defect"] == []
    assert {one["outcome"] for one in found} == {"worked", "refused"}


def test_a_case_is_damaged_the_same_way_again(tmp_path: Path) -> None:
    def told(cases: range) -> list[tuple[str, str]]:
        found = tried("mask", 3, cases, tmp_path)
        return [(one["file"], one["outcome"]) for one in found]

    assert told(range(8))[5:] == told(range(5, 8))


def test_a_process_that_dies_is_a_defect(tmp_path: Path) -> None:
    found = fuzz.watched("run", 0, 4, 5, tmp_path / "nowhere")  # there are no runs
    assert [(one["case"], one["outcome"]) for one in found] == [(4, "defect")]
    assert "the process ended with 1: " in found[0]["text"]
    assert "FileNotFoundError" in found[0]["text"]
    assert [one["case"] for one in fuzz.watched("mask", 0, 4, 6, tmp_path)] == [4, 5]


def test_checksums_fit_again(tmp_path: Path) -> None:
    READERS["mask"].make(tmp_path, tmp_path)
    for file in tmp_path.glob("*.png"):
        assert with_sums(file.read_bytes()) == file.read_bytes()


def test_a_value_is_changed_and_the_first_stays() -> None:
    import random

    value = {"a": [1, 2, {"b": None}], "c": "x"}
    changed = [mutate_value(value, random.Random(seed)) for seed in range(40)]  # noqa: S311 - no secret
    assert value == {"a": [1, 2, {"b": None}], "c": "x"}
    assert sum(one != value for one in changed) > 30


def test_bad_input_gets_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEAMLINE_CACHE", str(tmp_path / "cache"))
    groups = ("Images", "Folders of photos", "Tables and JSON", "Links and permissions", "Run folders")
    found = {title: invalid_input.rows(invalid_input.GROUPS[title], None) for title in groups}
    lines = dict(pair for rows in found.values() for pair in rows)
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
        "links in circles",
    }
    text = invalid_input_page.page({"inputs": {"rows": found, "machine": "A processor", "python": "3.12"}})
    assert text.count("\n| ") == len(lines) + 2 * len(found)


def test_the_page_says_what_was_found() -> None:
    counts = {"files": 1200, "worked": 300, "refused": 900, "defect": 0}
    reader = {"title": "`read`", **counts, "slowest": 0.5, "peak": 2**29}
    fuzzed = {"seed": 0, "seconds": 60.0, "readers": {"one": reader}, "machine": "A processor", "python": "3.12"}
    text = invalid_input_page.page({"fuzz": fuzzed})
    assert "| `read` | 1,200 | 300 | 900 | 0 | 0.5 s | 512 MiB |" in text
    assert "1,200 files in total: 300 read, 900 rejected, 0 anything else" in text
