"""Stored predictions give the values that they gave at commit 242a208: no metric, interval or finding has changed.

`make.py` says what is stored and how it was made, `replay.py` measures it. `TASK.json` has the names of that commit;
where a name has changed since, the tables below translate.
"""

import json
import re
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import pytest

from golden.replay import FILES, HERE, TASKS, measured_values

Found = TypeVar("Found")

MOVED: dict[str, str] = {}
"""A file as `FILES` names it -> its path in a run folder now, such as "scores.json": "metrics.json"."""

RENAMED: dict[str, str] = {}
"""Old path -> new name of its last key, such as "scores.loss": "log_loss".

A path is the file's name without folder and ending, or `comparison`, then keys, joined by dots; places in lists are
left out. It may begin at any key: "loss" renames every such key, and the longest one that fits counts. Names of classes
are keys too.
"""

VALUES: dict[str, dict[str, str]] = {}
"""Old path, as in `RENAMED` -> old text -> new text, such as "findings.name": {"relatives": "leakage"}."""

ADDED: set[str] = set()
"""Paths, in new names and from any key on, of what is there now and was not then."""

REMOVED: set[str] = set()
"""Old paths of what was there then and is not now; say in the commit why nothing is lost."""

PROSE = ("sentence", "rule", "definitions")
"""Old names of keys whose texts may be reworded: of sentences and rules the figures are compared, in their order."""


@cache
def stored(task: str) -> dict[str, Any]:
    values: dict[str, Any] = json.loads((HERE / f"{task}.json").read_text())
    return values


@pytest.fixture(scope="module", params=TASKS)
def measured(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, dict[str, Any]]:
    task: str = request.param
    return task, measured_values(task, tmp_path_factory.mktemp(task), MOVED)


def test_no_value_has_changed(measured: tuple[str, dict[str, Any]]) -> None:
    task, values = measured
    assert values.keys() == stored(task).keys() == {*FILES[task], "comparison"}
    found = [one for name, old in stored(task).items() for one in changes(old, values[name], Path(name).stem)]
    assert not found, "\n".join([f"{len(found)} values differ", *found[:25]])


def test_sentences_have_the_same_figures(measured: tuple[str, dict[str, Any]]) -> None:
    task, values = measured
    key = new_name("findings.sentence")
    sentences = [finding[key] for finding in values["findings.json"]]
    old = [finding["sentence"] for finding in stored(task)["findings.json"]]
    assert [figures(one) for one in sentences] == [figures(one) for one in old]
    assert all(figures(one) for one in old)


def test_the_stored_runs_support_nearly_every_finding() -> None:
    names = {task: {one["name"] for one in stored(task)["findings.json"]} for task in TASKS}
    assert {task: len(of) for task, of in names.items()} == {"classification": 10, "segmentation": 11}


@pytest.mark.parametrize(
    ("old", "new", "same"),
    [
        (0.5, 0.5 + 1e-7, True),
        (0.5, 0.5 + 1e-5, False),
        (None, 0.0, False),
        (True, 1, False),
        ({"a": 1}, {"a": 1, "b": 2}, False),
        ({"a": 1}, {}, False),
        ([1, 2], [1], False),
        ({"sentence": "12 of 3.5 %"}, {"sentence": "3.5 %, 12"}, True),  # compared by a test of its own
        ({"rule": "over 0.9"}, {"rule": "past 0.9"}, True),
        ({"rule": "over 0.9"}, {"rule": "over 0.8"}, False),
        ("edge", "line", False),
    ],
)
def test_a_change_is_noticed(old: object, new: object, same: bool) -> None:
    assert (not changes(old, new, "here")) == same


def changes(old: Any, new: Any, path: str) -> list[str]:
    """Return a line for each value of `new` that is not that of `old`, translated."""
    if isinstance(old, dict) and isinstance(new, dict):
        found: list[str] = []
        known: set[str] = set()
        for key, value in old.items():
            inner = f"{path}.{key}"
            if key in ("sentence", "definitions") or any(fits(inner, one) for one in REMOVED):
                known.add(new_name(inner))
                continue
            name = new_name(inner)
            known.add(name)
            found += changes(value, new[name], inner) if name in new else [f"{inner}: missing, as {name!r}"]
        extra = [f"{path}.{key}" for key in new if key not in known]
        return found + [f"{one}: new" for one in extra if not any(fits(one, added) for added in ADDED)]
    if isinstance(old, list) and isinstance(new, list):
        if len(old) != len(new):
            return [f"{path}: {len(old)} values, now {len(new)}"]
        return [line for before, now in zip(old, new, strict=True) for line in changes(before, now, path)]
    if isinstance(old, str) and isinstance(new, str):
        wanted = longest(path, VALUES, {}).get(old, old)
        same = figures(old) == figures(new) if path.rpartition(".")[2] in PROSE else new == wanted
    elif isinstance(old, bool) or isinstance(new, bool) or old is None or new is None:
        same = old is new
    else:
        same = isinstance(old, int | float) and isinstance(new, int | float)
        same = same and new == pytest.approx(old, rel=1e-6, abs=1e-9)
    return [] if same else [f"{path}: {old!r}, now {new!r}"]


def new_name(path: str) -> str:
    """Return what the last key of an old path is called now."""
    return longest(path, RENAMED, path.rpartition(".")[2])


def longest(path: str, table: dict[str, Found], otherwise: Found) -> Found:
    """Return the entry of the longest path in `table` that fits."""
    fitting = [one for one in table if fits(path, one)]
    return table[max(fitting, key=len)] if fitting else otherwise


def fits(path: str, pattern: str) -> bool:
    return path == pattern or path.endswith(f".{pattern}")


def figures(text: str) -> list[str]:
    """Return the numbers in a text as they stand there, in order; a minus is `-`."""
    return re.findall(r"[+-]?\d[\d,]*(?:\.\d+)?", text.replace("\N{MINUS SIGN}", "-"))


def test_names_are_translated_by_the_longest_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(RENAMED, "numbers", "values")
    monkeypatch.setitem(RENAMED, "readouts.readouts.numbers", "features")
    monkeypatch.setitem(VALUES, "findings.name", {"relatives": "leakage"})
    old = [{"name": "relatives", "numbers": {"relatives": 2}}]
    assert not changes(old, [{"name": "leakage", "values": {"relatives": 2}}], "findings")
    assert changes(old, [{"name": "relatives", "values": {"relatives": 2}}], "findings")
    assert not changes({"readouts": [{"numbers": 9}]}, {"readouts": [{"features": 9}]}, "readouts")
