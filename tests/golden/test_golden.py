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
from seamline.evaluation.filter_analysis import TYPES
from seamline.run_folder import Task

Found = TypeVar("Found")
SHAPES = ("frame", "pane", "arch", "cross", "door")
PARTS = ("sky", "wall", "window", "column", "balcony")

MOVED: dict[str, str] = {
    "scores.json": "metrics.json",
    "evaluation/mislabelled.json": "evaluation/label_issues.json",
    "insides/kernels.json": "analysis/kernels.json",
    "insides/readouts.json": "analysis/linear_probes.json",
}
"""A file as `FILES` names it -> its path in a run folder now, such as "scores.json": "metrics.json"."""

RENAMED: dict[str, str] = {
    "scores.val.loss": "log_loss",
    "scores.test.loss": "log_loss",
    "scores.train.loss": "log_loss",
    "share": "pixel_fraction",
    **{f"per_class.{label}.accuracy": "recall" for label in (*SHAPES, *PARTS)},
    "readouts.readouts.accuracy": "accuracy",
    "from": "lower",
    "to": "upper",
    **{f"reliability_{when}.{unit}": "count" for when in ("before", "after") for unit in ("images", "pixels")},
    **{f"{key}_before": f"{key}_raw" for key in ("nll", "ece", "reliability")},
    **{f"{key}_after": f"{key}_scaled" for key in ("nll", "ece", "reliability")},
    "overconfidence_before": "confidence_gap_raw",
    "overconfidence": "confidence_gap_raw",
    "overconfidence_after": "confidence_gap_scaled",
    "nll_gain": "nll_reduction",
    "findings.numbers": "values",
    "numbers.share": "fraction",
    "numbers.takers": "predicted_as",
    "numbers.near": "fraction",
    "numbers.area": "boundary_fraction",
    "numbers.test_related": "test_with_train_duplicates",
    "numbers.left_out": "excluded_train",
    "numbers.grouped_images": "duplicate_images",
    "numbers.torn_groups": "expected_split_groups",
    "numbers.val_related": "expected_val_leakage",
    "numbers.by": "strategy",
    **{f"numbers.{label}.accuracy": "recall" for label in PARTS},
    **{f"numbers.{label}.share": "pixel_fraction" for label in PARTS},
    "examples.true": "ground_truth",
    "examples.predicted": "prediction",
    "cases": "examples",
    "cases.rank": "bucket",
    "cases.place": "rank",
    "cases.photo": "image",
    "cases.truth": "ground_truth",
    "cases.output": "prediction",
    "errors.near": "boundary",
    "errors.near.share": "fraction",
    "errors.near.area": "boundary_fraction",
    "errors.parts": "thin_regions",
    "ranking": "per_image",
    "judged": "checked",
    "suspects": "issues",
    "mislabelled.suspects.looks": "predicted",
    "agree": "n_agree",
    "shown": "n_shown",
    "chance_share": "null_rate",
    "layers.kinds": "types",
    "layers.matches": "correlations",
    "layers.shares": "fractions",
    **{f"shares.{kind}.share": "fraction" for kind in TYPES},
    "readouts.readouts": "probes",
    "readouts.numbers": "n_features",
    "figures": "metrics",
    "figures.name": "key",
    "figures.of": "class_name",
    "gained": "fixed",
    "lost": "broken",
    "gained.true": "ground_truth",
    "lost.true": "ground_truth",
}
"""Old path -> new name of its last key, such as "scores.loss": "log_loss".

A path is the file's name without folder and ending, or `comparison`, then keys, joined by dots; places in lists are
left out. It may begin at any key: "loss" renames every such key, and the longest one that fits counts. Names of classes
are keys too.
"""

VALUES: dict[str, dict[str, str]] = {
    "findings.name": {
        "taken_for": "confused_with",
        "pairs": "confused_pairs",
        "first_layer": "layer1_probe",
        "shapes_of_kernels": "filter_types",
        "false_alarms": "false_positives",
        "ends": "thin_region_ends",
        "borders": "boundary_errors",
        "relatives": "leakage",
        "spread": "per_image_spread",
        "validation_and_test": "val_test_gap",
        "confidence": "calibration",
        "generalisation": "generalization",
    },
    "findings.panel": {
        "readouts": "linear_probes",
        "precision": "pr_curves",
        "cases": "examples",
        "audit": "leakage",
    },
    "figures.name": {
        "log loss": "log_loss",
        "mean AP by raw scores": "mean_ap",
        "mean IoU": "mean_iou",
        "pixel accuracy": "accuracy",
        "IoU": "iou",
    },
    **{
        f"cases.{kind}": {
            f"{bucket}-{number}.{kind}.png": f"{bucket}-{number}.{new}.png"
            for bucket in ("best", "median", "worst")
            for number in (1, 2)
        }
        for kind, new in (("truth", "ground_truth"), ("output", "prediction"))
    },
}
"""Old path, as in `RENAMED` -> old text -> new text, such as "findings.name": {"relatives": "leakage"}."""

ADDED: set[str] = {
    *(f"scores.{split}.{key}" for split in ("val", "test", "train") for key in ("groups", "pixels")),
    "scores.intervals",
    "scores.parts",  # of each dataset, where several are used as one
    *(f"scores.{split}.balanced_accuracy" for split in ("val", "test", "train")),
    *(f"per_class.{label}.images" for label in PARTS),
    "calibration.fractions",  # conformal intervals
    "test.masks",  # the sheet of cases to browse
}
"""Paths, in new names and from any key on, of what is there now and was not then."""

REMOVED: set[str] = {
    *(f"per_class.{label}.recall" for label in SHAPES),  # the same as the accuracy of a class, which is now `recall`
    "figures.share",  # which way is better stands in the table of metrics
    "comparison.counts",  # how long `fixed` and `broken` are
}
"""Old paths of what was there then and is not now; say in the commit why nothing is lost."""

LONGER: set[str] = {"test.examples"}
"""Old paths of lists that now hold more values: each old value is still among the new ones."""

PROSE = ("sentence", "rule", "definitions")
"""Old names of keys whose texts may be reworded: of sentences and rules the figures are compared, in their order."""


@cache
def stored(task: str) -> dict[str, Any]:
    values: dict[str, Any] = json.loads((HERE / f"{task}.json").read_text())
    return values


@pytest.fixture(scope="module", params=TASKS)
def measured(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, dict[str, Any]]:
    task: Task = request.param
    return task, measured_values(task, tmp_path_factory.mktemp(task), MOVED)


def test_no_value_has_changed(measured: tuple[str, dict[str, Any]]) -> None:
    task, values = measured
    assert values.keys() == stored(task).keys() == {*FILES[task], "comparison"}
    found = [
        one
        for name, old in stored(task).items()
        for one in changes(map_threads(old), map_threads(values[name]), Path(name).stem)
    ]
    assert not found, "\n".join([f"{len(found)} values differ", *found[:25]])


def test_sentences_have_the_same_figures(measured: tuple[str, dict[str, Any]]) -> None:
    task, values = measured
    key = new_name("findings.sentence")
    sentences = [finding[key] for finding in map_threads(values["findings.json"])]
    old = [finding["sentence"] for finding in map_threads(stored(task)["findings.json"])]
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


def map_threads(content: Any) -> Any:
    """Return findings and changed images by name: tasks share one table of findings, and images may change alike."""
    if isinstance(content, list) and content and "sentence" in content[0]:
        names = VALUES["findings.name"]
        return sorted(content, key=lambda finding: names.get(finding["name"], finding["name"]))
    if isinstance(content, dict):
        changed = [key for key in ("gained", "lost", "fixed", "broken") if key in content]
        return content | {key: sorted(content[key], key=lambda image: image["name"]) for key in changed}
    return content


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
        if any(fits(path, longer) for longer in LONGER) and len(new) > len(old):
            lost = [one for one in old if all(changes(one, now, path) for now in new)]
            return [f"{path}: {one!r} is no longer there" for one in lost]
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
    for table in (RENAMED, VALUES):
        for key in list(table):
            monkeypatch.delitem(table, key)
    monkeypatch.setitem(RENAMED, "numbers", "values")
    monkeypatch.setitem(RENAMED, "readouts.readouts.numbers", "features")
    monkeypatch.setitem(VALUES, "findings.name", {"relatives": "leakage"})
    old = [{"name": "relatives", "numbers": {"relatives": 2}}]
    assert not changes(old, [{"name": "leakage", "values": {"relatives": 2}}], "findings")
    assert changes(old, [{"name": "relatives", "values": {"relatives": 2}}], "findings")
    assert not changes({"readouts": [{"numbers": 9}]}, {"readouts": [{"features": 9}]}, "readouts")
