"""Extending is local: a metric, a panel, a dataset, a model and a finding are each one file or folder and one row."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import seamline

PACKAGE = Path(seamline.__file__).parent

EXTENSIONS: dict[str, tuple[dict[str, str], str, dict[str, str]]] = {
    "metric": (
        {
            "evaluation/error_rate.py": """
from seamline.evaluation.bootstrap import Fraction
from seamline.evaluation.counts import Counts


def error_rate(counts: Counts) -> Fraction:
    return Fraction(counts.total - counts.hits.sum(-1), counts.total)
"""
        },
        "evaluation/metrics.py",
        {
            "from seamline.run_folder import": "from seamline.evaluation.error_rate import error_rate\n",
            '    "mean_ap": _RANKED(': '    "error_rate": Metric("Error rate", "fraction of labels predicted wrong", '
            "error_rate, higher_is_better=False),\n",
        },
    ),
    "panel": (
        {
            "report/panels/epochs/__init__.py": """
from seamline.report.panel import Content


def build(run):
    return Content({"n": len(run.history)})
""",
            "report/panels/epochs/panel.html": "<p>Trained for {{ values.n }} epochs.</p>",
        },
        "report/panels/__init__.py",
        {
            "    examples,\n": "    epochs,\n",
            '    Panel("confusion"': '    Panel("epochs", "Number of epochs", epochs.build),\n',
        },
    ),
    "dataset": (
        {
            "data/sources/halves.py": """
import numpy as np

from seamline.data.dataset import Dataset, Split


def load(folder, **options):
    def split(count, seed):
        rng = np.random.default_rng(seed)
        labels = np.arange(count) % 2
        images = rng.integers(0, 120, (count, 20, 20, 1))
        for image, label in zip(images, labels):
            image[:, 10 * label : 10 * label + 10] += 90
        return Split(images.astype(np.uint8), labels, tuple(map(str, range(count))), 1000 * seed + np.arange(count))

    return Dataset("halves", "Halves", ("left", "right"), split(120, 1), split(60, 2), "seed 1", task="classification")
"""
        },
        "data/registry.py",
        {
            "from seamline.errors import": "from seamline.data.sources import halves\n",
            '    "fashion-mnist": DatasetSpec(': '    "halves": DatasetSpec("bright halves", "classification", '
            "halves.load),\n",
        },
    ),
    "model": (
        {
            "models/linear.py": """
from torch import Tensor, nn

from seamline.models.blocks import BaseModel, Normalize


class LinearModel(BaseModel):
    def __init__(self, shape: tuple[int, int, int], classes: int) -> None:
        super().__init__()
        height, width, channels = shape
        self.normalize = Normalize(channels)
        self.head = nn.Linear(height * width * channels, classes)

    def forward_logits(self, pixels: Tensor) -> Tensor:
        return self.head(pixels.flatten(1))
"""
        },
        "models/factory.py",
        {'    "cnn": _row(': '    "linear": _row("linear.LinearModel"),\n'},
    ),
    "finding": (
        {
            "evaluation/findings/size.py": """
from seamline.evaluation.findings.inputs import Claim, FindingInputs


def test_size(inputs: FindingInputs) -> Claim:
    return Claim(f"The test split has {inputs.test.n_images} images.", {"images": inputs.test.n_images})
"""
        },
        "evaluation/findings/__init__.py",
        {
            "from seamline.run_folder import": "from seamline.evaluation.findings.size import test_size\n",
            '    FindingRule("overall"': '    FindingRule("test_size", test_size, _both("confusion")),\n',
        },
    ),
}
"""What is added: new files, the file of the table, and the lines to insert: text before which -> line."""

SCRIPT = """
import shutil
from seamline.cli import app

def run(*arguments):
    app(list(arguments), standalone_mode=False)

run("train", "halves", "--model", "linear", "--set", "epochs=2", "--out", "run", "--threads", "1", "--json")
shutil.copytree("run", "copy")
run("compare", "run", "copy", "--out", "comparison.html")
run("list")
"""


@pytest.fixture(scope="module")
def extended(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Extend a copy of the package in all five ways, train with it, and return the folder and the output."""
    folder = tmp_path_factory.mktemp("extended")
    package = folder / "src" / "seamline"
    shutil.copytree(PACKAGE, package, ignore=shutil.ignore_patterns("__pycache__"))
    for files, table, rows in EXTENSIONS.values():
        for name, text in files.items():
            (package / name).parent.mkdir(exist_ok=True)
            (package / name).write_text(text.lstrip(), encoding="utf-8")
        text = (package / table).read_text(encoding="utf-8")
        for before, row in rows.items():
            assert before in text, f"{table} has no {before}"
            text = text.replace(before, row + before, 1)
        (package / table).write_text(text, encoding="utf-8")
    environment = os.environ | {"PYTHONPATH": str(package.parent), "OMP_NUM_THREADS": "1", "PYTHONIOENCODING": "utf-8"}
    environment["SEAMLINE_CACHE"] = str(folder / "cache")
    process = subprocess.run(
        [sys.executable, "-c", SCRIPT], cwd=folder, env=environment, capture_output=True, encoding="utf-8", check=False
    )
    assert process.returncode == 0, process.stderr[-3000:]
    return folder, process.stdout


@pytest.mark.parametrize("kind", EXTENSIONS)
def test_an_extension_is_one_file_or_folder_and_one_row(kind: str) -> None:
    files, _, rows = EXTENSIONS[kind]
    assert len({Path(name).parent if kind == "panel" else name for name in files}) == 1
    assert len(rows) == (1 if kind == "model" else 2)  # the row, and the import where the table has one
    assert all(row.count("\n") == 1 for row in rows.values())


def test_a_metric_reaches_every_output(extended: tuple[Path, str]) -> None:
    folder, output = extended
    metrics = json.loads((folder / "run" / "metrics.json").read_text(encoding="utf-8"))
    overall = metrics["test"]["overall"]
    assert overall["error_rate"]["value"] == pytest.approx(1 - overall["accuracy"]["value"])
    assert overall["error_rate"]["low"] <= overall["error_rate"]["value"] <= overall["error_rate"]["high"]
    assert metrics["definitions"]["error_rate"]["title"] == "Error rate"
    assert "Error rate" in (folder / "comparison.html").read_text(encoding="utf-8")
    assert "fraction of labels predicted wrong" in output[output.index("Metrics") :]


def test_a_panel_reaches_the_page(extended: tuple[Path, str]) -> None:
    page = (extended[0] / "run" / "report.html").read_text(encoding="utf-8")
    assert "<p>Trained for 2 epochs.</p>" in page
    assert '<a href="#epochs">Number of epochs</a>' in page


def test_a_dataset_and_a_model_can_be_named(extended: tuple[Path, str]) -> None:
    folder, output = extended
    info = json.loads((folder / "run" / "run.json").read_text(encoding="utf-8"))
    assert (info["dataset"]["name"], info["model"]["name"]) == ("halves", "linear")
    assert "bright halves" in output
    assert "linear" in output[output.index("Models") :]


def test_a_finding_reaches_the_page(extended: tuple[Path, str]) -> None:
    folder, output = extended
    findings = json.loads((folder / "run" / "findings.json").read_text(encoding="utf-8"))
    assert findings[0]["name"] == "test_size"
    page = (folder / "run" / "report.html").read_text(encoding="utf-8").replace("\u00a0", " ")
    assert page.count("The test split has 60 images.") >= 2  # at the top and in its panel
    assert "test_size" in output[output.index("Findings") :]
