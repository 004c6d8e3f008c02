"""The command that repeats the run, and all that its result depends on."""

from typing import Any

from seamline.data.split_warnings import ORDERS
from seamline.evaluation.text import count
from seamline.models.layer_choices import CHOICES
from seamline.report.panel import Content
from seamline.report.run_data import RunData
from seamline.run_folder import DatasetInfo, SplitInfo

FILES = {
    "run.json": "configuration, data, split, seed and versions",
    "history.jsonl": "one line per epoch",
    "model.safetensors": "the final weights",
    "metrics.json": "every metric with its interval and definition",
    "calibration.json": "temperature and reliability",
    "findings.json": "the findings with their numbers",
    "data": "digests of the images, and those that an export needs",
    "analysis": "layers of the model, filter types and linear probes",
    "evaluation": "predictions, confusion matrix and examples of each split",
    "predictions": "photos given to seamline predict, with their predictions",
    "measures": "measures of the buildings in such photos",
}
"""Files and folders of a run folder -> what they hold."""


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
    files = {name: purpose for name, purpose in FILES.items() if (run.folder.path / name).exists()}
    values = {
        "info": info,
        "facts": [(name, value) for name, value in facts if value not in (None, "")],
        "config": _config(run),
        "definitions": [(one.title, one.definition) for one in run.metrics.definitions.values()],
        "intervals": run.metrics.intervals,
        "files": files | {"report.html": "this page", "figures": "its figures as SVG and PNG"},
    }
    return Content(values)


def _config(run: RunData) -> dict[str, Any]:
    """Return the configuration without fields that this run does not have.

    These are choices of layers that are left to the model, the weights of datasets where there is one, and whether
    weights are pretrained where the model started from others.
    """
    model = run.info.model
    absent = {name for name in (*CHOICES, "mix") if run.info.config.get(name) is None}
    if run.info.init_from or model.init in (None, "at random"):
        absent.add("pretrained")
    return {name: value for name, value in run.info.config.items() if name not in absent}


def _initial_weights(run: RunData) -> str:
    """Return where the first weights come from; empty for random ones."""
    return f"run {run.info.init_from.run}" if run.info.init_from else (run.info.model.init or "").removeprefix("with ")


def _images(dataset: DatasetInfo) -> str:
    """Return the number of images of each split."""
    test = count(dataset.test) if dataset.test else "no"
    return f"{count(dataset.train)} training, {count(dataset.val)} validation, {test} test"


def _split(split: SplitInfo) -> str:
    """Return how validation images are drawn from the training images."""
    if split.predefined:
        return "the dataset's own validation images"
    if split.grouping.blocks is not None:
        return f"{100 * split.fraction:g} % for validation, {ORDERS[split.grouping.blocks]}"
    groups = ", groups kept together" if split.duplicate_images and split.strategy == "groups" else ""
    return f"{100 * split.fraction:g} % for validation, seed {split.seed}{groups}"
