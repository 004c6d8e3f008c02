import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest
import torch

from helpers import refusal
from run_factories import start_run
from run_folder.factories import run_info
from seamline.errors import SeamlineError
from seamline.models.factory import build_model
from seamline.models.saved import load_saved_model, save_weights
from seamline.run_folder import ModelInfo, RunFolder
from seamline.training.config import read_config
from seamline.training.presets import get_preset

RECIPE = get_preset("fast", "classification").to_dict()
INFO = msgspec.structs.replace(
    run_info("classification"),
    config=RECIPE,
    model=ModelInfo(name="cnn-fast", parameters=0, input_size=(20, 20, 1)),
)
DATA = msgspec.to_builtins(INFO.dataset)
MODEL = msgspec.to_builtins(INFO.model)


def test_a_saved_model_is_loaded(tmp_path: Path) -> None:
    network = build_model("cnn-fast", (20, 20, 1), 3, seed=5, task="classification")
    network.normalize.mean.fill_(99.0)
    run = RunFolder(tmp_path / "run")
    start_run(run, INFO)
    assert not run.finished
    save_weights(run, network.state_dict())
    assert run.finished
    assert read_config(run) == get_preset("fast", "classification")
    images = torch.randint(0, 256, (4, 1, 20, 20), dtype=torch.uint8)
    assert torch.equal(load_saved_model(run)(images), network.eval()(images))
    first = run.weights_file.read_bytes()
    save_weights(run, network.state_dict())
    assert run.weights_file.read_bytes() == first


def test_a_fresh_run_has_no_history(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    start_run(run, INFO)
    assert run.history.path.read_text() == ""


def test_starting_afresh_leaves_nothing_of_the_earlier_run(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    for name in (
        "metrics.json",
        "report.html",
        "analysis/kernels.json",
        "checkpoint/00000001-0.safetensors",
        "notes.txt",
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("old")
    start_run(run, INFO)
    left = sorted(path.name for path in tmp_path.iterdir())
    assert left == ["history.jsonl", "notes.txt", "run.json"]  # what Seamline did not write is not touched


def test_what_cannot_be_read_is_one_line_that_names_the_file(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    with pytest.raises(SeamlineError, match=r"run\.json: not found"):
        run.info.read()
    (tmp_path / "run.json").write_text("{")
    with pytest.raises(SeamlineError, match=r"run\.json: line 1 is not JSON"):
        run.info.read()
    (tmp_path / "run.json").write_text("{}")
    with pytest.raises(SeamlineError, match=r"run\.json: \$\.seamline is missing"):
        run.info.read()
    start_run(run, INFO)
    with pytest.raises(SeamlineError, match=r"model\.safetensors: not found"):
        load_saved_model(run)
    save_weights(run, {"conv1.weight": torch.zeros(1)})
    with pytest.raises(SeamlineError, match=r"model\.safetensors: not the weights"):
        load_saved_model(run)
    run.weights_file.write_bytes(b"garbage")
    with pytest.raises(SeamlineError, match=r"model\.safetensors: not the weights"):
        load_saved_model(run)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"dataset": 3}, "run.json: $.dataset is 3, not an object"),
        ({"dataset": {**DATA, "classes": []}}, "run.json: $: classes is empty or names a class twice"),
        ({"dataset": {**DATA, "palette": [[0, 0, 0]]}}, "run.json: $: palette has 1 colors, not 0"),
        ({"model": {**MODEL, "input_size": [20, 20]}}, "run.json: $.model.input_size is"),
        ({"model": {**MODEL, "input_size": "large"}}, 'run.json: $.model.input_size is "large", not a list'),
        ({"model": {**MODEL, "name": ["x"]}}, "run.json: $.model.name is a list of 1, not a string"),
        ({"model": {**MODEL, "name": "resnet"}}, "run.json: model resnet: no such model"),
        ({"model": {**MODEL, "input_size": [90_000, 90_000, 1]}}, "size mismatch for hidden.weight: "),
        (
            {"dataset": {**DATA, "classes": ["a", "b"]}},
            "size mismatch for head.weight: copying a param with shape torch.Size([3, 128])",
        ),
    ],
)
def test_a_run_that_was_edited_is_one_line(tmp_path: Path, change: dict[str, Any], says: str) -> None:
    run = RunFolder(tmp_path)
    start_run(run, INFO)
    (tmp_path / "run.json").write_text(json.dumps(msgspec.to_builtins(INFO) | change))
    save_weights(run, build_model("cnn-fast", (20, 20, 1), 3, task="classification").state_dict())
    assert says in refusal(lambda: load_saved_model(run))


@pytest.mark.parametrize("fields", [{"epochs": "many"}, {"epochs": -1}, {"speed": 9}, {"model": None, "epochs": None}])
def test_a_config_that_cannot_be_used_names_the_file(tmp_path: Path, fields: dict[str, Any]) -> None:
    run = RunFolder(tmp_path)
    start_run(run, msgspec.structs.replace(INFO, config={**RECIPE, **fields}))
    assert "run.json: its config cannot be used (" in refusal(lambda: read_config(run))


def test_json_that_python_does_not_read_is_one_line(tmp_path: Path) -> None:
    for content in ("[" * 50_000, "9" * 5_000, "[]", "null"):
        (tmp_path / "run.json").write_text(content)
        assert "run.json: " in refusal(RunFolder(tmp_path).info.read)


@pytest.mark.skipif(sys.platform == "win32", reason="folders cannot be locked there")
def test_a_folder_has_one_process_at_a_time(tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "run")
    script = (
        "import sys; from pathlib import Path; from seamline.run_folder import RunFolder\n"
        "with RunFolder(Path(sys.argv[1])).lock(): print('alone')"
    )
    run.path.mkdir()
    (run.path / ".metrics.json.ab12cd_9.json").write_text("half of it")
    (run.path / ".notes.personal").write_text("the user's own")
    with run.lock():
        assert [file.name for file in run.path.iterdir()] == [".notes.personal"]
        other = subprocess.run([sys.executable, "-c", script, run.path], capture_output=True, text=True, check=False)
        assert "another process works in it" in other.stderr
    after = subprocess.run([sys.executable, "-c", script, run.path], capture_output=True, text=True, check=True)
    assert after.stdout == "alone\n"
