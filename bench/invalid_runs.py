"""Run folders with missing and edited files, and unknown names."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fuzz_corpus as corpus
import seamline
from invalid_inputs import InvalidInput, command
from seamline.inference.predictor import load_model
from seamline.report.compare_page import write_comparison
from seamline.training.checkpoints import Checkpoints


def _report(folder: Path) -> str:
    return f"works: {seamline.write_report(folder / 'run')}"


def _model(folder: Path) -> str:
    return f"works: {load_model(folder / 'run', device='cpu').name}"


def _compare(folder: Path) -> str:
    return f"works: {write_comparison([folder / 'run', folder / 'other'], folder / 'compared.html')[0]}"


def _evaluate(folder: Path) -> str:
    return f"works: {seamline.evaluate(folder / 'run')}"


def _run_case(title: str, change: Callable[[Path], object], attempt: Callable[[Path], str]) -> InvalidInput:
    """Return a finished run after a change, and an attempt to use it."""

    def change_and_attempt(folder: Path) -> str:
        change(folder / "run")
        return attempt(folder)

    return InvalidInput(title, change_and_attempt, run=True)


def _without(name: str) -> Callable[[Path], object]:
    return lambda run: (run / name).unlink()


def _rewrite(name: str, content: bytes) -> Callable[[Path], object]:
    return lambda run: (run / name).write_bytes(content)


def _truncated(name: str) -> Callable[[Path], object]:
    def change(run: Path) -> None:
        content = (run / name).read_bytes()
        (run / name).write_bytes(content[: len(content) * 2 // 3])

    return change


def _edited(name: str, edit: Callable[[Any], object]) -> Callable[[Path], object]:
    """Return a function that edits the JSON of a file, or of the last line of a `.jsonl`."""

    def change(run: Path) -> None:
        *before, last = (run / name).read_text(encoding="utf-8").splitlines() if name.endswith("l") else [None]
        content = json.loads(last or (run / name).read_text(encoding="utf-8"))
        edit(content)
        (run / name).write_text("\n".join([*before, json.dumps(content)]), encoding="utf-8")

    return change


def _damaged_checkpoint(folder: Path) -> str:
    checkpoints = Checkpoints(folder / "checkpoint")
    checkpoints.save({"step": 3})
    checkpoints.files()[0].write_bytes(b"no checkpoint")
    return f"works: {checkpoints.newest()}"


def _train(*arguments: object) -> Callable[[Path], str]:
    """Return an attempt to train on a small dataset with these arguments."""

    def attempt(folder: Path) -> str:
        corpus.write_classes(folder / "set", 12, 28, 28)
        return command("train", folder / "set", "--out", folder / "run", *arguments)

    return attempt


RUNS = (
    _run_case("run.json missing, `report`", _without("run.json"), _report),
    _run_case("run.json missing, `predict`", _without("run.json"), _model),
    _run_case("run.json garbled", _rewrite("run.json", b"{garbled"), _report),
    _run_case("run.json lacks keys, `report`", _edited("run.json", lambda content: content.pop("model")), _report),
    _run_case("run.json lacks keys, `predict`", _edited("run.json", lambda content: content.pop("model")), _model),
    _run_case(
        "run.json, a number where a list belongs",
        _edited("run.json", lambda content: content["dataset"].update(classes=3)),
        _report,
    ),
    _run_case(
        "run.json, an invalid configuration",
        _edited("run.json", lambda content: content["config"].update(epochs=-1)),
        _evaluate,
    ),
    _run_case(
        "run.json, an unknown model",
        _edited("run.json", lambda content: content["model"].update(name="resnet")),
        _model,
    ),
    _run_case(
        "run.json, images of another size",
        _edited("run.json", lambda content: content["model"].update(input_size=[64, 64, 3])),
        _model,
    ),
    _run_case(
        "run.json, images of 90,000 x 90,000",
        _edited("run.json", lambda content: content["model"].update(input_size=[90_000, 90_000, 3])),
        _model,
    ),
    _run_case("weights missing", _without("model.safetensors"), _model),
    _run_case("weights cut off", _truncated("model.safetensors"), _model),
    _run_case(
        "weights of another shape", _edited("run.json", lambda content: content["dataset"]["classes"].pop()), _model
    ),
    _run_case("history, a line cut off", _truncated("history.jsonl"), _report),
    _run_case(
        "history, a text where a number belongs",
        _edited("history.jsonl", lambda content: content.update(val_loss="low")),
        _report,
    ),
    _run_case("history missing", _without("history.jsonl"), _report),
    _run_case("metrics missing, `report`", _without("metrics.json"), _report),
    _run_case("metrics missing, `compare`", _without("metrics.json"), _compare),
    _run_case(
        "metrics, a text where a number belongs",
        _edited("metrics.json", lambda content: content["test"]["overall"].update(accuracy="high")),
        _report,
    ),
    _run_case(
        "calibration, a temperature of 0",
        _edited("calibration.json", lambda content: content["temperature"].update(value=0)),
        _model,
    ),
    _run_case(
        "evaluation, a confusion matrix of another size",
        _edited("evaluation/test.json", lambda content: content["confusion"].pop()),
        _report,
    ),
    _run_case("evaluation, its picture cut off", _truncated("evaluation/test.png"), _report),
    _run_case("evaluation, its arrays cut off", _truncated("evaluation/test.npz"), _compare),
    _run_case(
        "`compare` with other classes",
        _edited("run.json", lambda content: content["dataset"].update(classes=["x", "y", "z"])),
        _compare,
    ),
    InvalidInput("every checkpoint damaged", _damaged_checkpoint),
)
"""Run folders with missing or edited files."""

NAMES = (
    InvalidInput("an unknown dataset", lambda folder: command("train", "fashion-mnst", "--out", folder / "run")),
    InvalidInput("an unknown preset", _train("--preset", "quick")),
    InvalidInput("an unknown model", _train("--set", "model=resnet")),
    InvalidInput("an unknown field", _train("--set", "epoch=3")),
    InvalidInput("a value of another type", _train("--set", "epochs=many")),
    InvalidInput("a value out of range", _train("--set", "val_fraction=2")),
    InvalidInput("an unknown device", _train("--device", "tpu")),
    InvalidInput("an invalid size", _train("--image-size", "large")),
    InvalidInput("a missing run folder", lambda folder: command("report", folder / "nowhere")),
)
"""Unknown names, passed to the command."""
