"""Training with other layers than a model's own: whatever reads the run builds the same network again."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import seamline
from helpers import refusal
from seamline.data.dataset import Dataset
from seamline.inference.tta import TTA
from seamline.models.saved import load_saved_model
from seamline.run_folder import RunFolder
from seamline.training.config import TrainConfig, format_settings, parse_settings, read_config
from seamline.training.presets import get_preset

pytestmark = pytest.mark.usefixtures("no_report")

CHOICES = ("norm=after", "kernel=3", "dropout=0.25", "pooling=average")
SETTINGS = ("model=cnn", "epochs=1", "batch_size=64", *CHOICES)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from conftest import draw_sides, without_report

    with without_report():
        out = tmp_path_factory.mktemp("runs") / "chosen"
        return seamline.train(draw_sides(), **parse_settings(SETTINGS), out=out, threads=1).path


def test_a_run_stores_its_choices_and_is_loaded_with_them(trained: Path, sides: Dataset) -> None:
    run = RunFolder(trained)
    assert {name: run.info.read().config[name] for name in ("norm", "kernel", "dropout", "pooling")} == {
        "norm": "after",
        "kernel": 3,
        "dropout": 0.25,
        "pooling": "average",
    }
    network: Any = load_saved_model(run)
    assert isinstance(network.pool, nn.AvgPool2d)
    assert (network.norm, network.conv1.kernel_size, network.dropout.p) == ("after", (3, 3), 0.25)
    images = sides.test.images[:9]
    with torch.inference_mode():
        expected = TTA(network, hflip=True)(torch.from_numpy(images).permute(0, 3, 1, 2)).argmax(1)
    answers = seamline.load_model(trained)([*images[..., 0]])
    names = run.info.read().dataset.classes
    assert [one.label for one in answers] == [names[k] for k in expected]


def test_a_run_is_resumed_with_its_choices_alone(trained: Path, sides: Dataset) -> None:
    before = RunFolder(trained).weights_file.read_bytes()
    seamline.train(sides, **parse_settings(SETTINGS), out=trained, threads=1, resume=True)
    assert RunFolder(trained).weights_file.read_bytes() == before
    text = refusal(
        lambda: seamline.train(
            sides, **parse_settings([*SETTINGS[:3], "norm=before"]), out=trained, threads=1, resume=True
        )
    )
    assert "norm: after there, before here, kernel: 3 there, default here" in text


def test_a_training_starts_from_the_network_of_a_run(trained: Path, sides: Dataset, tmp_path: Path) -> None:
    settings: dict[str, Any] = {"epochs": 1, "batch_size": 64, "threads": 1}
    run = seamline.train(sides, out=tmp_path / "second", init_from=trained, **settings)
    config = read_config(RunFolder(run.path))
    assert format_settings(config.layer_choices.given) == CHOICES
    text = refusal(lambda: seamline.train(sides, out=tmp_path / "x", init_from=trained, norm="none", **settings))
    assert "its model is cnn norm=after kernel=3 dropout=0.25 pooling=average; use the same model" in text


def test_a_run_of_an_older_version_has_the_choices_of_its_model(trained: Path) -> None:
    fields = json.loads((trained / "run.json").read_text())["config"]
    older = {name: value for name, value in fields.items() if name not in ("norm", "kernel", "dropout", "pooling")}
    config = TrainConfig.from_dict(older)
    assert config.layer_choices.given == {}


def test_a_damaged_choice_names_the_file(trained: Path, tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    content = json.loads((trained / "run.json").read_text())
    content["config"]["kernel"] = "large"
    (tmp_path / "run.json").write_text(json.dumps(content))
    run.weights_file.write_bytes((trained / "model.safetensors").read_bytes())
    text = refusal(lambda: load_saved_model(run))
    assert text.startswith(f"{tmp_path / 'run.json'}: config: kernel must be 3, 5 or 7, got large")


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("norm=sideways", "config: norm must be after, before or none, got sideways"),
        ("kernel=3.5", "kernel takes a whole number, or default, got '3.5'"),
        ("dropout=none", "dropout takes a number, or default, got 'none'"),
        ("pooling_layers=4", "config: pooling_layers is no choice of the model cnn; of these it has norm, kernel"),
    ],
)
def test_a_setting_that_cannot_be_used_is_one_line(sides: Dataset, setting: str, words: str) -> None:
    assert words in refusal(lambda: seamline.train(sides, **parse_settings(["model=cnn", setting]), out="never"))


def test_settings_name_what_is_the_model_s_own() -> None:
    fields = parse_settings(["norm=none", "kernel=default", "dropout=0.5", "pooling=default", "pooling_layers=4"])
    assert fields == {"norm": "none", "kernel": None, "dropout": 0.5, "pooling": None, "pooling_layers": 4}
    assert parse_settings(format_settings(fields)) == fields
    assert get_preset("original", "segmentation").layer_choices.given == {}
