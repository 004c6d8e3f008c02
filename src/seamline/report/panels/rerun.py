"""How to run it again."""

from typing import Any

from seamline.report.contents import Contents
from seamline.report.panels.panel import Panel
from seamline.report.words import count, plain

FILES = {
    "run.json": "recipe, data, split, seed, versions",
    "history.jsonl": "a line an epoch",
    "model.safetensors": "the weights kept",
    "scores.json": "every figure with its interval and its definition",
    "calibration.json": "temperature and reliability",
    "findings.json": "the findings with their numbers",
    "insides": "kernels and what each layer alone can tell",
    "evaluation": "every answer on the validation and the test images",
    "photos": "photos that are no part of the dataset, with their masks",
}

WRITTEN = {"ap": "AP", "iou": "IoU", "f1": "F1"}
"""A word of a figure's name in `scores.json` -> as people write it."""


def rerun(run: Contents) -> Panel:
    """Show the command that makes the run again, and all that it depends on."""
    data, split = run.run["dataset"], run.run.get("split") or {}
    versions = run.run.get("versions") or {}
    facts: list[tuple[str, Any]] = [
        ("data", data.get("title")),
        ("from", data.get("place")),
        ("fingerprint", data.get("fingerprint")),
        ("source and licence", data.get("note")),
        ("images", _images(data)),
        ("split", _split(split)),
        ("network", run.run["network"].get("name")),
        ("its first weights", run.run["network"].get("begun")),
        ("parameters", _count(run.run["network"].get("parameters"))),
        ("seed", run.run.get("seed")),
        ("device", run.run.get("device")),
        ("machine", run.run.get("machine")),
        ("threads", run.run.get("threads")),
        ("Seamline", run.run.get("seamline")),
        ("versions", ", ".join(f"{name} {version}" for name, version in versions.items())),
    ]
    asked = FILES | ({"evaluation": "figures, curves, masks and cases of each split"} if run.masks else {})
    files = {name: what for name, what in asked.items() if (run.folder / name).exists()}
    return Panel(
        "rerun",
        "How to run it again",
        {
            "command": run.run.get("command"),
            "recipe_name": run.run["recipe_name"],
            "recipe": {name: plain(value) for name, value in run.run["recipe"].items()},
            "facts": [(name, value) for name, value in facts if value not in (None, "")],
            "definitions": {_called(name): said for name, said in (run.scores.get("definitions") or {}).items()},
            "files": files | {"report.html": "this page", "figures": "its figures for a paper, as SVG and PNG"},
        },
    )


def _count(value: int | None) -> str:
    """Print a number of parameters, if known."""
    return "" if value is None else count(value)


def _images(data: Any) -> str:
    """Say how many images there are to learn, to validate and to test on."""
    return ", ".join(
        f"{count(data[key])} {name}"
        for key, name in (("train", "training"), ("val", "validation"), ("test", "test"))
        if data.get(key) is not None
    )


def _split(split: Any) -> str:
    """Say how validation images were taken from the training images."""
    if split.get("fraction") is None:
        return ""
    if split.get("given"):
        return "the dataset's own validation images"
    whole = split.get("grouped_images") and split.get("by") != "images"
    related = ", groups of related images kept whole" if whole else ""
    return f"{100 * split['fraction']:g} % for validation, seed {split.get('seed')}{related}"


def _called(name: str) -> str:
    """Return a figure's name in `scores.json` as people write it: `ap_softmax` -> `AP softmax`."""
    return " ".join(WRITTEN.get(word, word) for word in name.replace("_", " ").split(" "))
