"""Make the pretrained models of the package: weights in half precision, an exported model, a model card.

    SEAMLINE_DATA=... python bench/train_pretrained.py [--garments RUN] [--facades RUN] [--streets RUN] [--only NAME]
    SEAMLINE_DATA=... python bench/train_pretrained.py --export      (export the models again, after a change)

Without a run each model is trained first, with seed 0: garments with the preset `fast` for 8 epochs, the first number
that was tried, facades with `fast`, and streets with `best` on three datasets of buildings, in mixed precision: first
on photos of 512 pixels for 141,312 crops, which needs a GPU, then for one step that changes nothing and evaluates it at the
usual size. No choice was made on a test image. `bench/buildings.py --fit` calibrates a new streets for buildings.
"""

import argparse
import json
import struct
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from safetensors.torch import load_file, save

import seamline
from seamline.data.dataset import Dataset, Split
from seamline.data.prepare import load_dataset
from seamline.evaluation.conformal import calibrate_fractions
from seamline.evaluation.evaluate import evaluate_split
from seamline.evaluation.model_card import intended_use, model_card
from seamline.evaluation.novelty import fit_novelty, measure_novelty
from seamline.export.to_onnx import WEIGHT_PREFIX, to_onnx
from seamline.inference.forward import predict_logits
from seamline.inference.integrity import record_integrity, seal_export
from seamline.inference.predictor import run_metadata
from seamline.inference.pretrained import PRETRAINED, pretrained_dir
from seamline.inference.tta import load_tta
from seamline.io import write_bytes, write_text
from seamline.progress import Reporter
from seamline.run_folder import Estimate, JsonFile, Metrics, RunFolder, RunInfo, SplitMetrics
from seamline.training.config import parse_settings
from seamline.training.plan import RunOptions, TrainingPlan, make_plan
from seamline.training.run_data import load_run_data

T = TypeVar("T")


@dataclass(frozen=True)
class ModelTraining:
    """How `seamline.train` trains a model, with seed 0."""

    data: tuple[str, ...]  # names of datasets
    preset: str = "fast"
    settings: tuple[str, ...] = ()  # fields of the configuration, as `--set` takes them
    size: str | None = None  # size of the images, if not the usual one, split as those of the usual size
    device: str = "auto"
    start: "ModelTraining | None" = None  # what trains the model that the weights start from

    @property
    def command(self) -> str:
        """The command that trains it; `START` is the run that its weights start from."""
        words = ["seamline train", *self.data, *([] if self.preset == "fast" else [f"--preset {self.preset}"])]
        words += [] if self.size is None else [f"--image-size {self.size}"]
        start = ["--init-from START"] if self.start else []
        return " ".join([*words, *(f"--set {setting}" for setting in self.settings), *start])

    def train(self, out: str) -> Path:
        """Train the model into a folder, or resume that, and return it."""
        options: dict[str, Any] = {"device": self.device}
        if self.start is not None:
            options["init_from"] = self.start.train(f"{out}-start")
        settings = parse_settings(self.settings)
        if self.size is None:
            return seamline.train(list(self.data), preset=self.preset, out=out, resume=True, **settings, **options).path
        plan = make_plan(list(self.data), self.preset, settings, 0, RunOptions())
        data = resize_split(plan, self.size)
        return seamline.train(data, preset=plan.config, out=out, resume=True, **options).path


_ALL_BUILDINGS = ("facades", "streets", "windows")
_MIXED = ("amp_dtype=bfloat16", "mix=1,2,1")
_LONG = ("batch_size=32", "crop=320", "epochs=115.36", "lr=2.8e-3", "muon_lr=0.07")
_NOTHING = ("epochs=0.001", "lr=1e-9", "muon_lr=1e-9")  # one step that changes nothing: the evaluation is what counts
TRAINED = {
    "garments": ModelTraining(("fashion-mnist",), settings=("epochs=8",)),
    "facades": ModelTraining(("facades",)),
    "streets": ModelTraining(
        _ALL_BUILDINGS,
        "best",
        (*_MIXED, *_NOTHING),
        start=ModelTraining(_ALL_BUILDINGS, "best", (*_MIXED, *_LONG), size="512x512", device="cuda"),
    ),
}
"""Name -> how it is trained."""


def resize_split(plan: TrainingPlan, size: str) -> Dataset:
    """Return the images of a plan at another size, split the same way, so that both have the same test images."""
    data = load_dataset(list(plan.sources), image_size=size)
    positions = {
        (int(part), name): (split, row)
        for split in data.splits
        for row, (part, name) in enumerate(zip(np.asarray(split.parts), split.names, strict=True))
    }

    def select(like: Split) -> Split:
        chosen = [positions[int(part), name] for part, name in zip(np.asarray(like.parts), like.names, strict=True)]
        arrays = [np.stack([getattr(split, kind)[row] for split, row in chosen]) for kind in ("images", "labels")]
        return replace(like, images=arrays[0], labels=arrays[1])

    train, val, test = (select(one) for one in (plan.splits.train, plan.splits.val, plan.data.test))
    return replace(data, train=train, val=val, test=test, has_groups=True)


def write_pretrained(run: RunFolder, folder: RunFolder) -> None:
    """Write the pretrained model of a finished run."""
    name = folder.path.name
    info = run.info.read()
    parts = tuple(msgspec.structs.replace(part, source=part.title) for part in info.dataset.parts)
    dataset = msgspec.structs.replace(info.dataset, source=info.dataset.title, parts=parts)
    start = info.init_from and msgspec.structs.replace(info.init_from, run="START")
    info = msgspec.structs.replace(info, dataset=dataset, command=TRAINED[name].command, init_from=start)
    for file in (folder.integrity, folder.building_calibration):  # of the model that is replaced
        file.path.unlink(missing_ok=True)
    write_compact(folder.info, info)
    weights = load_file(run.weights_file)
    half = {key: tensor.half() if tensor.is_floating_point() else tensor for key, tensor in weights.items()}
    write_bytes(folder.weights_file, save(half))
    write_compact(folder.calibration, run.calibration.read())
    write_text(folder.path / "CARD.md", card(name, info, run.metrics.read()))
    export_again(folder)


def export_again(folder: RunFolder) -> None:
    """Measure a pretrained model's intervals and what is novel to it again, and export it; its weights stay.

    Its card states the result.
    """
    model, task = load_tta(folder), folder.info.read().task
    data, splits = load_run_data(folder, None, None, Reporter())
    write_compact(
        folder.novelty, measure_novelty(model, data.test, task, fit_novelty(model, splits.train, splits.val, task))
    )
    if task == "segmentation":
        calibration = folder.calibration.read()
        val, test = (
            evaluate_split(model, split, data.classes, task, parts=data.parts, stream=stream)
            for stream, split in ((1, splits.val), (2, data.test))
        )
        fractions = calibrate_fractions(val, test, calibration.temperature.value)
        write_compact(folder.calibration, msgspec.structs.replace(calibration, fractions=fractions))
    card_file = folder.path / "CARD.md"
    write_text(card_file, state_uncertainty(card_file.read_text("utf-8"), folder))
    write_integrity(folder)
    write_export(folder)


def write_compact(file: JsonFile[T], value: T) -> None:
    """Write a file of a run folder as one line, because nobody edits those of the package."""
    file.write(value)
    write_bytes(file.path, msgspec.json.format(file.path.read_bytes(), indent=-1) + b"\n")


def write_integrity(folder: RunFolder) -> None:
    """Record checksums and example predictions of a pretrained model."""
    folder.integrity.path.unlink(missing_ok=True)
    record_integrity(folder, partial(predict_logits, load_tta(folder)))


def write_export(folder: RunFolder) -> None:
    """Export a pretrained model to a file that reads the weights of its run folder."""
    graph = to_onnx(load_tta(folder), run_metadata(folder))
    share_weights(graph, folder.weights_file)
    write_bytes(folder.onnx_file(), graph.SerializeToString())
    seal_export(folder.onnx_file())


def share_weights(graph: onnx.ModelProto, file: Path) -> None:
    """Let a graph read its weights from a safetensors file and cast them to float32, so that they are stored once."""
    with file.open("rb") as opened:
        (length,) = struct.unpack("<Q", opened.read(8))
        header: dict[str, Any] = json.loads(opened.read(length))
    initializers, casts, stored = [], [], load_file(file)
    for weights in graph.graph.initializer:
        name = weights.name.removeprefix(WEIGHT_PREFIX)
        entry = header.get(name)
        if entry is None:  # a constant of the graph
            initializers.append(weights)
            continue
        if not np.array_equal(numpy_helper.to_array(weights), stored[name].float().numpy()):
            raise ValueError(f"{name}: its values in the graph are not those of {file}")
        begin, end = entry["data_offsets"]
        half = TensorProto(name=f"{weights.name}.half", data_type=TensorProto.FLOAT16, dims=weights.dims)
        half.data_location = TensorProto.EXTERNAL
        for key, value in (("location", file.name), ("offset", 8 + length + begin), ("length", end - begin)):
            half.external_data.add(key=key, value=str(value))
        initializers.append(half)
        casts.append(helper.make_node("Cast", [half.name], [weights.name], to=TensorProto.FLOAT))
    nodes = [*casts, *graph.graph.node]
    del graph.graph.initializer[:], graph.graph.node[:]
    graph.graph.initializer.extend(initializers)
    graph.graph.node.extend(nodes)


def card(name: str, info: RunInfo, metrics: Metrics) -> str:
    """Return the model card."""
    data, config = info.dataset, info.config
    excluded = len(info.split.excluded_train)
    segmentation = info.task == "segmentation"
    splits = {part.title: (metrics.parts[part.name].val, metrics.parts[part.name].test) for part in data.parts}
    splits = splits or {"": (metrics.val, metrics.held_out)}
    tables = "\n\n".join(
        figures(title, val, test, segmentation) for title, (val, test) in splits.items() if val and test
    )
    exclusion = f" {excluded} training images that duplicate a test image were excluded." if excluded else ""
    return f"""# {name}

{PRETRAINED[name].capitalize()}. Part of Seamline {seamline.__version__}: `seamline predict {name} photo.jpg`.

## Intended use

{" ".join(intended_use(info))}

## Data and license

{data.title}. {data.description}

The model was trained on {data.train:,} images; {data.val:,} other training images were used for validation. The {data.test:,} test images were evaluated once. No test image was used for training.{exclusion}

## Training

{_start(name)}`{info.command} --seed {info.seed}`: model {info.model.name}, {info.model.parameters:,} parameters, {config["epochs"]} epochs, batch size {config["batch_size"]}, {config["optimizer"]}; on {info.machine}, torch {info.versions["torch"]}. The weights are stored in half precision and converted to float32 for inference. `bench/train_pretrained.py` reproduces the model.

## Metrics

Measured before the conversion of the weights to half precision. Parentheses give 95 % intervals ({"bootstrap over buildings or scenes" if segmentation else "Wilson"}).

{tables}

## Limits

{LIMITS[name]}

{" ".join(model_card(info, metrics).limits)}
"""


def _start(name: str) -> str:
    """State how the weights that a model starts from are trained; nothing of others."""
    start = TRAINED[name].start
    if start is None:
        return ""
    return f"START is a run of `{start.command} --device {start.device} --seed 0`{START_NOTES[name]}. Then "


START_NOTES = {
    "streets": ", split as the images of the usual size are, in 503 seconds on an H200 that trained three other models "
    "at the same time; its images were compressed as WebP of quality 80, and the learning rate followed the time; the second run is a single step that "
    "changes nothing and measures the model at the usual size"
}
"""Name -> what is special about the model that it starts from."""


def state_uncertainty(text: str, folder: RunFolder) -> str:
    """Return the text of a card with a section on novel images and intervals, in place of the one it has."""
    novelty, fractions = folder.novelty.read(), folder.calibration.read().fractions
    sentences = [
        f"Of {novelty.images:,} validation images 5 % are meant to count as novel; of the test images "
        f"{_format(novelty.flagged, 100)} do."
    ]
    if fractions is not None:
        coverage = ", ".join(f"{name} {_format(one, 100)}" for name, one in fractions.coverage.items())
        sentences.append(f"The 90 % intervals of class fractions contain the truth on the test images: {coverage}.")
    before, limits = text.split("## Limits")
    before = before.split("## Uncertainty")[0]
    return f"{before}## Uncertainty\n\n{' '.join(sentences)}\n\n## Limits{limits}"


def figures(title: str, val: SplitMetrics, test: SplitMetrics, segmentation: bool) -> str:
    """Return the metrics of a dataset as tables, under its title where there are several."""
    scale = 1 if segmentation else 100
    rows = [
        ("Mean average precision of pixels", "mean_ap", 1),
        ("Mean IoU", "mean_iou", 1),
        ("Pixel accuracy" if segmentation else "Accuracy", "accuracy", scale),
    ]
    overall = [
        f"| {name} | {_format(val.overall[key], factor)} | {_format(test.overall[key], factor)} |"
        for name, key, factor in rows
        if key in test.overall
    ]
    keys = {"ap": "Average precision", "iou": "IoU"} if segmentation else {"recall": "Accuracy"}
    shown = {name: values for name, values in test.per_class.items() if values[next(iter(keys))].present}
    classes = [
        f"| {name} | {' | '.join(_format(values[key], scale) for key in keys)} |" for name, values in shown.items()
    ]
    lines = [
        "| | validation | test |",
        "| --- | --- | --- |",
        *overall,
        "",
        f"| Class | {' | '.join(f'{text}, test' for text in keys.values())} |",
        f"| --- {'| --- ' * len(keys)}|",
        *classes,
    ]
    return "\n".join([*([f"### {title}", ""] if title else []), *lines])


def _format(metric: Estimate, scale: int) -> str:
    """Return a metric with its interval."""
    digits, unit = (3, "") if scale == 1 else (1, " %")
    low, value, high = (f"{scale * one:.{digits}f}" for one in (metric.low, metric.value, metric.high))
    return f"{value}{unit} ({low}–{high})" if metric.has_interval else f"{value}{unit}"


LIMITS = {
    "garments": "The model was trained on gray images of 28 × 28 pixels, each of one garment, light on black, cut out "
    "and centered. Its probabilities are calibrated for such images only: on others, such as photographs of people, "
    "several garments, or dark garments on a light background, it is confident but wrong. Shirts are its hardest class.",
    "facades": "The model was trained on upright, rectified facades of mostly European town houses, cropped to "
    "256 × 256 pixels. Oblique views, close-ups of shop fronts, glass towers, night and snow are out of its domain. "
    "Pillars are its hardest class. Class fractions are fractions of the image, not of the wall: perspective is not "
    "corrected. Photos of a whole street need a larger `--max-side`; `streets` is made for them.",
    "streets": "The model was trained on photos of Swiss streets in every light and on rectified facades of European "
    "town houses. Walls seen at a sharp angle, black windows at night, glass railings, houses that are small in the "
    "photo, and letters and goods behind shop panes are often wrong. Other continents, snow and glass towers were not "
    "tested. Pillars are learned from rectified facades only, because street photos have no labels of them. Class "
    "fractions are fractions of the photo: perspective is not corrected.",
}
"""Name -> the limits of the model."""


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in TRAINED:
        parser.add_argument(f"--{name}", type=Path, help="a finished run to use instead of training one")
    parser.add_argument("--export", action="store_true", help="export the existing models again")
    parser.add_argument("--only", choices=TRAINED, help="make this model alone")
    options = parser.parse_args()
    chosen = [options.only] if options.only else [*TRAINED]
    if options.export:
        for name in chosen:
            export_again(RunFolder(pretrained_dir(name)))
        return
    for name in chosen:
        training, run = TRAINED[name], getattr(options, name)
        if run is None:
            run = training.train(f"runs/pretrained-{name}")
        folder = pretrained_dir(name)
        write_pretrained(RunFolder(run), RunFolder(folder))
        print(f"{name}: {sum(file.stat().st_size for file in folder.iterdir()) / 1e6:.2f} MB in {folder}")


if __name__ == "__main__":
    main()
