"""The panel about the model."""

import dataclasses
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

from report.factories import write_classification_run
from seamline.evaluation.model_summary import summarize_model
from seamline.models.factory import build_model
from seamline.report.formatting import compact
from seamline.report.page import build_sections, render_page
from seamline.report.panels.model import build
from seamline.report.panels.model.flow import flow_rows
from seamline.report.run_data import RunData, read_run
from seamline.run_folder import RunFolder
from seamline.training.presets import get_preset

replace = msgspec.structs.replace


def described(path: Path, name: str, preset: str, side: int = 28) -> RunData:
    """Write a run of a preset's configuration with the summary of a model."""
    run = RunFolder(write_classification_run(path, side=12))
    config = dataclasses.replace(get_preset(preset, "classification"), model=name)
    shape = (side, side, 1)
    network = build_model(name, shape, 10, task="classification")
    run.model_summary.write(summarize_model(network, name, shape, config))
    info = run.info.read()
    run.info.write(replace(info, config=config.to_dict(), model=replace(info.model, name=name, input_size=shape)))
    return read_run(path)


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> RunData:
    return described(tmp_path_factory.mktemp("model") / "run", "cnn", "original")


def content(run: RunData) -> Any:
    panel = build(run)
    assert panel is not None
    return panel.values


def test_layers_totals_and_settings_are_shown(study: RunData) -> None:
    values = content(study)
    assert values["sentences"] == [
        "The model has 31,594 parameters and does 2.10\u00a0M multiply-adds for an image.",
        "The layer conv2, drawn in color, does the largest share of them, 77.9\u00a0%.",
        "An output can depend on the whole image.",
    ]
    second = values["rows"][4]
    assert second == {
        "name": "conv2",
        "kind": "Conv2d",
        "window": "5 × 5",
        "shape": "32 × 8 × 8",
        "parameters": "25,632",
        "multiply_adds": "1.64\u00a0M",
        "field": "14 × 14",
    }
    assert values["rows"][2]["window"] == "2 × 2, stride 2"
    assert values["rows"][-1]["field"] == "whole image"
    settings = dict(values["settings"])
    assert settings["loss"] == "cross entropy, mean over images, equal class weights"
    assert settings["Adam"] == "learning rate 0.001, weight decay 0, β 0.9 and 0.999, ε 1e-08"
    assert (settings["schedule"], settings["batch"]) == ("constant learning rate", "1,024 images")


def test_the_page_shows_it_before_the_training_curves(study: RunData) -> None:
    page = render_page(study, build_sections(study))
    assert page.index('<section id="model"') < page.index('<section id="training"')
    section = page.split('<section id="model"')[1].split("</section>")[0]
    assert section.count("<tr>") == 1 + 9 + 1
    assert re.search(r"All layers</th>.*?31,594</td><td>2\.10\u00a0M", section)
    assert "<title>conv2: Conv2d, 32 × 8 × 8</title>" in section


def test_a_run_without_it_shows_nothing(tmp_path: Path) -> None:
    assert build(read_run(write_classification_run(tmp_path / "old"))) is None


def test_weights_and_smoothing_of_the_loss_are_told(study: RunData) -> None:
    weights = [1.0] * (len(study.classes) - 1) + [2.5]
    changed = {**study.info.config, "class_weights": weights, "label_smoothing": 0.1, "schedule": "linear"}
    settings = dict(content(dataclasses.replace(study, info=replace(study.info, config=changed)))["settings"])
    last = study.classes[-1]
    assert settings["loss"].endswith(f"and {last} 2.5, label smoothing 0.1")
    assert settings["schedule"] == "linear warm-up over 25\u00a0% of the steps, then linear decay to zero"


def test_many_layers_are_folded(tmp_path: Path) -> None:
    values = content(described(tmp_path / "run", "residual-16", "fast"))
    assert len(values["rows"]) <= 30 < len(values["layers"])
    assert {name for name, _ in values["settings"]} >= {"AdamW", "Muon"}


def test_a_drawing_leaves_out_what_changes_no_size() -> None:
    network = build_model("residual-16", (32, 32, 3), 5, task="classification")
    rows = summarize_model(network, "residual-16", (32, 32, 3), None).rows
    bars = flow_rows(rows)
    assert all(
        one.layer.multiply_adds or one.layer.kind.startswith(("Normalize", "Add", "Mean", "Avg")) for one in bars
    )
    joins = [number for number, one in enumerate(bars) if one.layer.kind.startswith("Add")]
    assert bars[joins[0]].skips == (1,)  # the stem
    assert all(skip < number - 1 for number, one in enumerate(bars) for skip in one.skips)


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0"),
        (9_999, "9,999"),
        (16_384, "16.4 k"),
        (999_499, "999 k"),
        (999_999, "1.00 M"),
        (2_101_760, "2.10 M"),
        (999_950_000, "1.00 G"),
        (5_957_222_400, "5.96 G"),
    ],
)
def test_large_numbers_have_three_digits(number: int, text: str) -> None:
    assert compact(number) == text.replace(" ", "\u00a0")
