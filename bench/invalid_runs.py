"""Run folders with missing and edited files, and names that do not exist."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fuzz_corpus as seeds
import seamline
from invalid_inputs import Bad, command
from seamline.inference.predictor import load_model
from seamline.report.compared import write_comparison
from seamline.training.checkpoints import Checkpoints


def _report(folder: Path) -> str:
    return f"works: {seamline.report(folder / 'run')}"


def _model(folder: Path) -> str:
    return f"works: {load_model(folder / 'run', device='cpu').name}"


def _compare(folder: Path) -> str:
    return f"works: {write_comparison([folder / 'run', folder / 'other'], folder / 'compared.html')[0]}"


def _evaluate(folder: Path) -> str:
    return f"works: {seamline.evaluate(folder / 'run')}"


def _bad(title: str, change: Callable[[Path], object], attempt: Callable[[Path], str]) -> Bad:
    """Return a finished run, changed, and what is tried with it."""

    def both(folder: Path) -> str:
        change(folder / "run")
        return attempt(folder)

    return Bad(title, both, run=True)


def _without(name: str) -> Callable[[Path], object]:
    return lambda run: (run / name).unlink()


def _rewrite(name: str, content: bytes) -> Callable[[Path], object]:
    return lambda run: (run / name).write_bytes(content)


def _cut(name: str) -> Callable[[Path], object]:
    def change(run: Path) -> None:
        content = (run / name).read_bytes()
        (run / name).write_bytes(content[: len(content) * 2 // 3])

    return change


def _edited(name: str, edit: Callable[[Any], object]) -> Callable[[Path], object]:
    """Return what edits the JSON of a file, or of the last line of a `.jsonl`."""

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


def _train(*words: object) -> Callable[[Path], str]:
    """Return an attempt to train on a small set of one's own with words of the command line."""

    def attempt(folder: Path) -> str:
        seeds.write_classes(folder / "set", 12, 28, 28)
        return command("train", folder / "set", "--out", folder / "run", *words)

    return attempt


RUNS = (
    _bad("run.json missing, `report`", _without("run.json"), _report),
    _bad("run.json missing, `predict`", _without("run.json"), _model),
    _bad("run.json garbled", _rewrite("run.json", b"{garbled"), _report),
    _bad("run.json lacks keys, `report`", _edited("run.json", lambda one: one.pop("network")), _report),
    _bad("run.json lacks keys, `predict`", _edited("run.json", lambda one: one.pop("network")), _model),
    _bad(
        "run.json, a number where a list belongs",
        _edited("run.json", lambda one: one["dataset"].update(classes=3)),
        _report,
    ),
    _bad(
        "run.json, a recipe that cannot be", _edited("run.json", lambda one: one["recipe"].update(epochs=-1)), _evaluate
    ),
    _bad(
        "run.json, a network that there is not",
        _edited("run.json", lambda one: one["network"].update(name="resnet")),
        _model,
    ),
    _bad(
        "run.json, images of another size",
        _edited("run.json", lambda one: one["network"].update(image=[64, 64, 3])),
        _model,
    ),
    _bad(
        "run.json, images of 90,000 x 90,000",
        _edited("run.json", lambda one: one["network"].update(image=[90_000, 90_000, 3])),
        _model,
    ),
    _bad("weights missing", _without("model.safetensors"), _model),
    _bad("weights cut off", _cut("model.safetensors"), _model),
    _bad("weights of another shape", _edited("run.json", lambda one: one["dataset"]["classes"].pop()), _model),
    _bad("history, a line cut off", _cut("history.jsonl"), _report),
    _bad(
        "history, a text where a number belongs",
        _edited("history.jsonl", lambda one: one.update(val_loss="low")),
        _report,
    ),
    _bad("history missing", _without("history.jsonl"), _report),
    _bad("scores missing, `report`", _without("scores.json"), _report),
    _bad("scores missing, `compare`", _without("scores.json"), _compare),
    _bad(
        "scores, a text where a number belongs",
        _edited("scores.json", lambda one: one["test"].update(accuracy="high")),
        _report,
    ),
    _bad(
        "calibration, a temperature of 0",
        _edited("calibration.json", lambda one: one["temperature"].update(value=0)),
        _model,
    ),
    _bad(
        "evaluation, a confusion matrix of another size",
        _edited("evaluation/test.json", lambda one: one["confusion"].pop()),
        _report,
    ),
    _bad("evaluation, its picture cut off", _cut("evaluation/test.png"), _report),
    _bad("evaluation, its arrays cut off", _cut("evaluation/test.npz"), _compare),
    _bad(
        "`compare` with other classes",
        _edited("run.json", lambda one: one["dataset"].update(classes=["x", "y", "z"])),
        _compare,
    ),
    Bad("every checkpoint damaged", _damaged_checkpoint),
)
"""Run folders whose files are missing or were edited."""

NAMES = (
    Bad("a dataset that there is not", lambda folder: command("train", "fashion-mnst", "--out", folder / "run")),
    Bad("a recipe that there is not", _train("--preset", "quick")),
    Bad("a network that there is not", _train("--set", "network=resnet")),
    Bad("a field that there is not", _train("--set", "epoch=3")),
    Bad("a value that the field does not take", _train("--set", "epochs=many")),
    Bad("a value out of range", _train("--set", "validation=2")),
    Bad("a device that there is not", _train("--device", "tpu")),
    Bad("a size that is none", _train("--image-size", "large")),
    Bad("a run folder that there is not", lambda folder: command("report", folder / "nowhere")),
)
"""Names that do not exist, tried with the command."""
