import json
from pathlib import Path

import numpy as np
import pytest
from seamline.report.compared import write_comparison

import seamline
from seamline.data.dataset import Dataset
from seamline.errors import SeamlineError
from seamline.measure.comparison import compare_runs
from seamline.training.config import TrainConfig

RECIPE = TrainConfig(
    network="study-fast", epochs=2, batch_size=32, learning_rate=3e-3, schedule="one-cycle", flip=False
)


def test_two_runs_side_by_side(sides: Dataset, tmp_path: Path) -> None:
    runs = [
        seamline.train(sides, recipe=RECIPE, settings=(f"epochs={epochs}",), out=tmp_path / name, threads=1)
        for name, epochs in (("short", 1), ("long", 4))
    ]
    found = compare_runs(*runs)
    held = [np.load(run / "evaluation" / "test.npz") for run in runs]
    right = [one["scores"].argmax(1) == one["labels"] for one in held]
    assert found.images == 90
    assert found.figures[0].change.value == pytest.approx(right[1].mean() - right[0].mean())
    assert found.counts == (int((~right[0] & right[1]).sum()), int((right[0] & ~right[1]).sum()))
    losses = [json.loads((run / "scores.json").read_text())["test"]["loss"]["value"] for run in runs]
    assert [found.figures[1].first, found.figures[1].second] == pytest.approx(losses)
    page, told = write_comparison(runs, tmp_path / "compared.html")
    text = page.read_text(encoding="utf-8")
    assert "long is better than short in log loss" in told[0] + told[1]
    assert "What differs in how they were made" in text
    same, told = write_comparison([runs[0], runs[0].parent / "long" / ".." / "short"], tmp_path / "same.html")
    assert "No difference between" in told[0]
    assert "Nothing: recipe, seed and data are the same" in same.read_text(encoding="utf-8")
    described = json.loads((runs[1] / "run.json").read_text())
    del described["seed"], described["dataset"]["train"]  # an older run may lack them
    (runs[1] / "run.json").write_text(json.dumps(described))
    assert write_comparison(runs, tmp_path / "compared.html")[0] == page
    (runs[1] / "evaluation" / "test.npz").write_bytes(b"damaged")
    with pytest.raises(SeamlineError, match=r"test\.npz: cannot be read"):
        compare_runs(*runs)
    for name, wrong in {
        "labels": np.full(90, 10**9),
        "scores": np.zeros((90, 1), np.float32),
        "names": np.array("x"),
    }.items():
        np.savez(runs[1] / "evaluation" / "test.npz", **{**held[1], name: wrong})
        with pytest.raises(SeamlineError, match=r"test\.npz: its arrays do not fit one another"):
            compare_runs(*runs)
    (runs[1] / "scores.json").write_text('{"test": {"mean_ap": {"value": "high"}}}')
    with pytest.raises(SeamlineError, match=r"scores\.json: test\.mean_ap\.value is 'high', not a number"):
        compare_runs(*runs)
    (runs[1] / "scores.json").unlink()
    with pytest.raises(SeamlineError, match=r"scores\.json: not found; the run is not measured"):
        compare_runs(*runs)
    with pytest.raises(SeamlineError, match="a comparison needs two runs or more, got 1"):
        write_comparison(runs[:1], tmp_path / "one.html")
