"""The examples run: every command on a classification and on a segmentation dataset."""

import json
import runpy
import sys
from pathlib import Path
from typing import Any

import draw_datasets
import numpy as np
import pytest
from PIL import Image

from seamline.run_folder import measures_record

EXAMPLES = Path(__file__).parent.parent / "examples"
COUNT = 12
"""Images of each class, and images with masks: half of those of the example."""


def small_wall(rng: np.random.Generator, draw: Any = draw_datasets.wall) -> tuple[Image.Image, Image.Image]:
    """Draw a wall too small for pretrained features, whose network takes half a minute to export."""
    image, mask = (part.resize((48, 48), Image.Resampling.NEAREST) for part in draw(rng))
    return image, mask


@pytest.mark.usefixtures("no_figure_files")
def test_own_images(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setattr(draw_datasets, "COUNT", COUNT)
    monkeypatch.setattr(draw_datasets, "wall", small_wall)
    monkeypatch.setattr(sys, "argv", ["own_images.py", "--epochs", "1"])
    runpy.run_path(str(EXAMPLES / "own_images.py"), run_name="__main__")
    printed = capsys.readouterr().out
    for name, kind in (("photos", "class folders"), ("walls", "images and masks in two folders")):
        runs = tmp_path / "own-images" / name
        assert f"layout{' ' * 11}{kind}" in printed
        assert f"Ready to train: seamline train own-images/datasets/{name}" in printed
        assert '<th scope="row">lr</th>' in (runs / "comparison.html").read_text()
        assert (runs / "first" / "report.html").is_file()
        predictions = json.loads((runs / "predictions" / "predictions.json").read_text())
        assert len(predictions["photos"]) == COUNT
        assert not predictions["errors"]
        assert f"$ seamline serve own-images/{name}/first --port 0\nhttp://127.0.0.1:" in printed
        onnx_predictions = json.loads((runs / "onnx-predictions" / "predictions.json").read_text())
        for prediction, onnx_prediction in zip(predictions["photos"], onnx_predictions["photos"], strict=True):
            for key in ("class_fractions", "probabilities"):
                assert onnx_prediction.get(key) == pytest.approx(prediction.get(key), abs=2e-3)
    assert "'class_fractions': {'sky': " in printed
    assert "'probabilities': {" in printed
    assert "all images are 64 x 64" in printed
    assert (tmp_path / "own-images/walls/predictions/00.mask.png").is_file()


@pytest.mark.usefixtures("no_figure_files")
def test_quickstart_notebook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    cells = json.loads((EXAMPLES / "quickstart.ipynb").read_text(encoding="utf-8"))["cells"]
    names: dict[str, Any] = {}
    for cell in cells:
        if cell["cell_type"] == "code":
            exec(compile("".join(cell["source"]), cell["id"], "exec"), names)  # noqa: S102 - the code of the example
    assert names["run"].report.is_file()
    assert "<table>" in names["run"]._repr_html_()
    assert names["mean_iou"].value > 0.5
    assert names["prediction"].overlay().size == (48, 48)


def test_measure_street(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["measure_street.py", "street"])
    runpy.run_path(str(EXAMPLES / "measure_street.py"), run_name="__main__")
    printed = capsys.readouterr().out
    for photo, facing in (("mill/south", "S"), ("mill/west", "W"), ("school/north", "N"), ("school/south", "S")):
        assert f"{Path('street', 'photos', photo)}.jpg, front 1: faces {facing}, " in printed
    sides = [line.split() for line in printed.splitlines() if line.startswith(("mill ", "school "))]
    assert [(*side[:2], side[-1] == "(assumed)") for side in sides] == [
        *(("mill", "N", True), ("mill", "E", True), ("mill", "S", False), ("mill", "W", False), ("mill", "all", True)),
        *(("school", "N", False), ("school", "E", True), ("school", "S", False), ("school", "W", True)),
        ("school", "all", True),
    ]
    record = measures_record(tmp_path / "street" / "measures").read()
    assert not record.errors
    azimuths = {front.azimuth for photo in record.photos for front in photo.fronts}
    assert len(azimuths) == len(record.photos) == 4
    assert all(
        abs((azimuth or 0.0) % 90 - 45) > 43 for azimuth in azimuths
    )  # the sides of the houses, within 2 degrees
    assert (tmp_path / "street" / "measures" / "report.html").is_file()
