import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from measure.masks.made import CLASSES, Mixed, made_split
from seamline.data.dataset import Split
from seamline.measure.findings import MASK_FINDINGS
from seamline.measure.record import measure

COLOURS = ((0, 0, 0), (0, 128, 255), (128, 255, 128), (255, 128, 0))
FIGURE = {"value", "low", "high"}


@pytest.fixture(scope="module")
def splits() -> dict[str, Split]:
    sizes = {"train": 20, "val": 10, "test": 14}
    return {name: made_split(size, seed, groups=6) for seed, (name, size) in enumerate(sizes.items())}


@pytest.fixture(scope="module")
def run(splits: dict[str, Split], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    measure(folder, Mixed(2.0), CLASSES, splits["train"], splits["val"], splits["test"], colours=COLOURS)
    return folder


def read(run: Path, name: str) -> Any:
    return json.loads((run / name).read_text(encoding="utf-8"))


def test_the_files_are_those_of_the_contract(run: Path) -> None:
    assert {path.name for path in run.iterdir()} == {"scores.json", "calibration.json", "findings.json", "evaluation"}
    names = {path.name for path in (run / "evaluation").iterdir()}
    assert names == {f"{split}{end}" for split in ("val", "test") for end in (".npz", ".json", "-cases")}
    scores_written = (run / "scores.json").stat().st_mtime_ns
    assert all(path.stat().st_mtime_ns <= scores_written for path in run.rglob("*") if path.is_file())


def test_scores_hold_what_the_contract_says(run: Path, splits: dict[str, Split]) -> None:
    scores = read(run, "scores.json")
    assert set(scores) == {"train", "val", "test", "definitions"}
    assert set(scores["train"]) == {"images", "accuracy", "loss", "mean_iou"}
    whole = {"accuracy", "loss", "mean_ap", "mean_ap_softmax", "mean_iou"}
    for split in ("val", "test"):
        assert set(scores[split]) == {"images", "groups", "pixels", "per_class"} | whole
        assert scores[split]["images"] == len(splits[split])
        assert scores[split]["groups"] == 6
        assert scores[split]["pixels"] == (splits[split].labels != 255).sum()
        assert all(set(scores[split][name]) == FIGURE for name in whole)
        assert list(scores[split]["per_class"]) == list(CLASSES)


def test_evaluations_hold_what_the_contract_says(run: Path, splits: dict[str, Split]) -> None:
    stored = np.load(run / "evaluation" / "test.npz")
    assert set(stored.files) == {"names", "groups", "confusions", "predicted", "confusion"}
    assert stored["names"].tolist() == list(splits["test"].names)
    assert stored["predicted"].dtype == np.uint8
    assert stored["predicted"].shape == splits["test"].labels.shape
    assert np.array_equal(stored["confusion"], stored["confusions"].sum(0))
    written = read(run, "evaluation/test.json")
    assert set(written) == {"classes", "confusion", "curves", "errors", "ranking", "cases"}
    assert written["confusion"] == stored["confusion"].tolist()
    assert set(written["curves"]) == {"raw", "softmax"}
    assert set(written["curves"]["raw"]) == set(CLASSES)
    assert set(written["errors"]) == {"near", "parts"}
    assert [set(row) for row in written["ranking"]] == [{"name", "group", "accuracy", "mean_iou"}] * 14
    for case in written["cases"]:
        for kind in ("photo", "truth", "output"):
            with Image.open(run / "evaluation" / "test-cases" / case[kind]) as picture:
                assert picture.size == (12, 16)


def test_findings_are_those_of_masks(run: Path) -> None:
    names = {rule.__name__ for rule in MASK_FINDINGS}
    found = read(run, "findings.json")
    assert found[0]["name"] == "overall"
    assert {finding["name"] for finding in found} <= names
    assert {finding["panel"] for finding in found} <= {
        "training", "confusion", "classes", "cases", "precision", "calibration", "audit",
    }  # fmt: skip


def test_the_same_weights_give_the_same_bytes(run: Path, splits: dict[str, Split], tmp_path: Path) -> None:
    measure(tmp_path, Mixed(2.0), CLASSES, splits["train"], splits["val"], splits["test"], colours=COLOURS)
    for path in run.rglob("*"):
        if path.is_file():
            assert (tmp_path / path.relative_to(run)).read_bytes() == path.read_bytes(), path


def test_how_images_were_divided_becomes_a_finding(splits: dict[str, Split], tmp_path: Path) -> None:
    division = {
        "by": "groups",
        "grouped_images": 20,
        "left_out": [],
        "test_related": [],
        "random": {"torn_groups": 4.2, "val_related": 0.9},
    }
    parts = splits["train"], splits["val"], splits["test"]
    measure(tmp_path, Mixed(), CLASSES, *parts, colours=COLOURS, division=division)
    found = {finding["name"]: finding for finding in read(tmp_path, "findings.json")}
    assert "20 training images have relatives among the others" in found["relatives"]["sentence"]
    assert found["relatives"]["panel"] == "audit"
