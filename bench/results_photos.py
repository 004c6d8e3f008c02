"""The part of the page of results about photos of whole images."""

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import seamline
from results_garments import wilson_percent
from results_means import labels_of, percent
from results_run import collect
from seamline.io import read_json, write_text
from seamline.run_folder import RunFolder
from seamline.training.trainer import fit

NAME = "hymenoptera"
SEEDS = 5


def collect_all(out: Path, folder: Path | None) -> dict[str, Any]:
    """Train with pretrained features on several seeds, and from random weights on one.

    Args:
        out: folder for the runs; a finished run is not trained again.
        folder: folder that holds `hymenoptera`; SEAMLINE_DATA by default.
    """
    photos = (folder or Path(os.environ["SEAMLINE_DATA"])) / NAME
    return {
        "fast": [train(photos, out / f"{NAME}-{seed}", seed=seed) for seed in range(SEEDS)],
        "scratch": [train(photos, out / f"{NAME}-scratch", seed=0, pretrained=False)],
    }


def train(photos: Path, out: Path, **settings: Any) -> dict[str, Any]:
    """Train one run, unless it is finished, and return its values with the seconds of its training.

    The seconds are from building the model to its final weights: features, head, steps and validation after each epoch.
    """
    file = out / "timing.json"
    if not (file.is_file() and RunFolder(out).evaluated):
        print(out.name, flush=True)
        load = os.getloadavg()[0]
        with timed() as seconds:
            seamline.train(photos, out=out, overwrite=True, label_check_folds=0, **settings)
        write_text(file, json.dumps({"fit_seconds": seconds[0], "load": load}))
    size = RunFolder(out).info.read().model.input_size
    values: dict[str, Any] = collect(out) | read_json(file) | {"input_size": size}
    values["command"] = values["command"].replace(str(photos), NAME).replace(str(out.parent), "runs")
    return values


@contextmanager
def timed() -> Iterator[list[float]]:
    """Measure the trainings of a block; yields a list to which their seconds are added."""
    seconds: list[float] = []

    def measured(*arguments: Any, **options: Any) -> None:
        start = time.perf_counter()
        fit(*arguments, **options)
        seconds.append(time.perf_counter() - start)

    with patch("seamline.api.training.fit", measured):
        yield seconds


def page(collected: dict[str, Any]) -> str:
    """Return the part of the page."""
    fast, scratch = collected["fast"], collected["scratch"]
    first = fast[0]
    height, width, _ = first["input_size"]
    accuracies = [run["val"]["overall"]["accuracy"]["value"] for run in fast]
    seconds = sorted(run["fit_seconds"] for run in fast)
    config = first["config"]
    rows = [
        f"| {title} | {run['seed']} | {wilson_percent(run['val']['overall']['accuracy'])} | "
        f"{run['val']['overall']['log_loss']['value']:.3f} | {run['epochs']} | "
        f"{run['fit_seconds']:.0f} | {run['load']:.1f} |"
        for title, runs in (("pretrained features", fast), ("random weights", scratch))
        for run in runs
    ]
    images = first["images"]
    paragraphs = [
        "## Photos",
        f"{images['train']} training and {images['val']} validation photos of ants and bees (hymenoptera, the set of "
        f"PyTorch's transfer-learning tutorial), which define no test images; {first['machine']}, {first['threads']} "
        "threads. `python bench/results.py --only photos` with `SEAMLINE_DATA` set trains the runs: `seamline train "
        "hymenoptera`, the preset `fast` with its automatic configuration, and once with `--set pretrained=false`. The "
        "settings were chosen by cross-validation on the training photos; the validation photos were used for these "
        "metrics alone. The photos come from ImageNet, on which the encoder was pretrained, so other photos may be "
        "harder.",
        f"With pretrained features ({config['model']}, photos of {width} × {height} pixels, {config['epochs']:g} "
        f"epochs, batch size {config['batch_size']}, AdamW at {config['lr']:g}) the mean validation accuracy of "
        f"{len(fast)} seeds is **{percent(accuracies, labels_of(first['val']))}** (95 % t interval over seeds). "
        f"Training takes {seconds[0]:.0f} to {seconds[-1]:.0f} s, from building the model to its final weights, with "
        "the validation after each epoch. The load is the average number of running or waiting processes when the run "
        "started; other processes lengthen the time.",
        "\n".join(
            [
                "| start | seed | validation accuracy (Wilson interval) | log loss | epochs | training (s) | load |",
                "| --- | --- | --- | --- | --- | --- | --- |",
                *rows,
            ]
        ),
    ]
    return "\n\n".join(paragraphs) + "\n"
