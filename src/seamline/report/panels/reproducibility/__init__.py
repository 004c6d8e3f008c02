"""The command that repeats the run, and all that its result depends on."""

from typing import Any

from seamline.evaluation.text import count
from seamline.report.panel import Content
from seamline.report.run_data import RunData
from seamline.run_folder import DatasetInfo, SplitInfo
from seamline.run_folder.schema import FILES


def build(run: RunData) -> Content:
    """Show the command, the configuration, versions, definitions of the metrics, and the files."""
    info, dataset = run.info, run.info.dataset
    facts: list[tuple[str, Any]] = [
        ("data", dataset.title),
        ("from", dataset.source),
        ("fingerprint", dataset.fingerprint),
        ("source and license", dataset.description),
        ("images", _images(dataset)),
        ("split", _split(info.split)),
        ("model", info.model.name),
        ("initial weights", _initial_weights(run)),
        ("parameters", count(info.model.parameters)),
        ("seed", info.seed),
        ("device", info.device),
        ("machine", info.machine),
        ("threads", info.threads),
        ("Seamline", info.seamline),
        ("versions", ", ".join(f"{name} {version}" for name, version in info.versions.items())),
    ]
    values = {
        "info": info,
        "facts": [(name, value) for name, value in facts if value not in (None, "")],
        "definitions": [(one.title, one.definition) for one in run.metrics.definitions.values()],
        "intervals": run.metrics.intervals,
        "files": [(one.path, one.purpose) for one in FILES if one.writer == "report" or _written(run, one.path)],
    }
    return Content(values)


def _written(run: RunData, path: str) -> bool:
    """Return whether the run folder holds one of the files or folders that a row of `FILES` names."""
    return any((run.folder.path / name.replace("SPLIT", "test")).exists() for name in path.split(", "))


def _initial_weights(run: RunData) -> str:
    """Return where the first weights come from; empty for random ones."""
    return f"run {run.info.init_from.run}" if run.info.init_from else run.info.model.init or ""


def _images(dataset: DatasetInfo) -> str:
    """Return the number of images of each split."""
    return f"{count(dataset.train)} training, {count(dataset.val)} validation, {count(dataset.test)} test"


def _split(split: SplitInfo) -> str:
    """Return how validation images are drawn from the training images."""
    if split.predefined:
        return "the dataset's own validation images"
    groups = ", groups kept together" if split.duplicate_images and split.strategy == "groups" else ""
    return f"{100 * split.fraction:g} % for validation, seed {split.seed}{groups}"
