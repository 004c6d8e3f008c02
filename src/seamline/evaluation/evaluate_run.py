"""Evaluation of a finished run: on its own splits, or on other labeled images."""

import shutil
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import torch
from numpy.typing import NDArray

from seamline.data.dataset import IGNORE_INDEX, Dataset, DatasetPart, Split, count_classes
from seamline.data.mix import absent_classes, merge_classes, merge_sentences, split_by_part
from seamline.data.splits import Splits
from seamline.errors import SeamlineError, size_text
from seamline.evaluation.before_after import load_start
from seamline.evaluation.calibration import split_calibration
from seamline.evaluation.conformal import measure_coverage
from seamline.evaluation.cross_val import out_of_fold_logits
from seamline.evaluation.evaluate import evaluate_split
from seamline.evaluation.findings import FINDINGS, FindingInputs, find
from seamline.evaluation.metrics import INTERVALS
from seamline.evaluation.model_summary import summarize_model
from seamline.evaluation.novelty import measure_novelty
from seamline.evaluation.text import capitalize_first
from seamline.evaluation.training_images import write_training_images
from seamline.evaluation.write import EvaluationData, evaluate_model, write_split
from seamline.inference.forward import predict_logits
from seamline.inference.integrity import record_integrity
from seamline.inference.tta import TTA, load_tta
from seamline.progress import Reporter
from seamline.run_folder import RunFolder, RunInfo
from seamline.training.checkpoints import Checkpoints
from seamline.training.config import TrainConfig, read_config
from seamline.training.run_data import keep_run_data


def evaluate_run(folder: RunFolder, data: Dataset, splits: Splits, *, device: torch.device, reporter: Reporter) -> None:
    """Evaluate a finished run on its own splits, and write the results into its folder.

    Args:
        folder: the run folder.
        data: the dataset that it was trained on.
        splits: its training and validation images.
        device: the device of the models that check the labels.
        reporter: reports progress.
    """
    with folder.lock():
        Checkpoints(folder.checkpoint_dir).clear()  # a process that ended right after it wrote the weights leaves some
        info, model = folder.info.read(), load_tta(folder)
        keep_run_data(folder, data, splits)
        config = _usable_config(folder)
        summary = summarize_model(model.model, info.model.name, info.model.input_size, config)
        write_training_images(folder, splits.train, data.task, data.palette, info.seed, config)
        folds = info.label_check_folds

        def out_of_fold() -> tuple[NDArray[np.float32], int]:
            images, config = splits.train.concat(splits.val), read_config(folder)
            options: dict[str, Any] = {"folds": folds, "seed": info.seed, "device": device, "reporter": reporter}
            return out_of_fold_logits(images, len(data.classes), config, **options), folds

        evaluated = EvaluationData(
            data.task,
            data.classes,
            splits.train,
            splits.val,
            data.test,
            palette=data.palette,
            references=[one.name for one in info.dataset.reference_images],
            parts=data.parts,
            split=info.split,
            start=load_start(info, reporter),
            out_of_fold=out_of_fold if folds else None,
        )
        evaluate_model(folder, model, evaluated, reporter=reporter)
        folder.model_summary.write(summary)
        record_integrity(folder, partial(predict_logits, model))


def _usable_config(folder: RunFolder) -> TrainConfig | None:
    """Return the configuration of a run; None where its fields are of another version, which evaluation allows."""
    try:
        return read_config(folder)
    except SeamlineError:
        return None


@dataclass(frozen=True, eq=False)
class MatchedData:
    """Other labeled images, with labels in the classes of a run."""

    data: Dataset  # the dataset
    split: Split  # its images; labels are the run's classes, masks have `IGNORE_INDEX` for other classes
    part: DatasetPart  # the dataset, with the classes of the run that it does not tell apart
    description: str  # what did not match and what is merged, in a sentence; empty where nothing is
    origin: str  # which images these are, in a sentence


def match_classes(folder: RunFolder, data: Dataset) -> MatchedData:
    """Match the labels of other images to the classes of a run, by name.

    Args:
        folder: the run folder.
        data: the other images; those of all its splits are used.

    Returns:
        The images with the run's classes.

    Raises:
        SeamlineError: the task or the image format differs, or no class matches.
    """
    info = folder.info.read()
    _check_format(folder, info, data)
    classes, segments = info.dataset.classes, data.task == "segmentation"
    numbers = np.array([classes.index(name) if name in classes else -1 for name in data.classes])
    if numbers.max() < 0:
        raise SeamlineError(
            f"{data.source}: has none of the run's classes ({', '.join(classes)}); it has {', '.join(data.classes)}"
        )
    split = data.train.concat(*(other for other in data.splits[1:] if len(other)))
    labels = np.asarray(split.labels[:])
    if segments:
        table = np.full(256, IGNORE_INDEX, np.uint8)
        table[: len(numbers)] = np.where(numbers < 0, IGNORE_INDEX, numbers)
        split = replace(split, labels=table[labels])
    else:
        split = replace(split, labels=numbers[labels]).select(np.flatnonzero(numbers[labels] >= 0))
    if not len(split):
        raise SeamlineError(f"{data.source}: no image has one of the run's classes")
    part = DatasetPart(data.name, data.title, merge_classes(data, classes), data.source, data.class_map)
    counts = zip(data.classes, numbers.tolist(), count_classes(labels, len(numbers)).tolist(), strict=True)
    unit = "pixels" if segments else "images"
    unknown = [f"{name} ({count:,} {unit})" for name, number, count in counts if number < 0 and count]
    missing = absent_classes(data, part.merged, classes)
    sentences = [
        f"not evaluated, because the run has no such classes: {', '.join(unknown)}" if unknown else "",
        f"classes of the run without labels: {', '.join(missing)}" if missing else "",
        *merge_sentences(part.merged, classes),
    ]
    return MatchedData(
        data,
        replace(split, parts=np.zeros(len(split), np.int64)),
        part,
        "; ".join(filter(None, sentences)),
        f"evaluated on other images than those of the run: {data.source}",
    )


def _check_format(folder: RunFolder, info: RunInfo, data: Dataset) -> None:
    """Refuse images of another task, or in a format that the model of a run does not take."""
    if data.task != info.task:
        raise SeamlineError(f"{data.source}: is for {data.task}, but {folder.path} is for {info.task}")
    shape, wanted = tuple(data.train.images.shape[1:]), info.model.input_size
    fits = shape == wanted if data.task == "classification" else shape[2] == wanted[2]  # segmenters take any size
    if not fits:
        sizes = [f"{size_text(size)} x {size[2]}" for size in (shape, wanted)]
        raise SeamlineError(f"{data.source}: images are {sizes[0]}, but {folder.path} takes {sizes[1]}")


def match_part(folder: RunFolder, data: Dataset, name: str) -> MatchedData:
    """Return the test images of one of the datasets that a run was trained on.

    Args:
        folder: the run folder.
        data: the dataset of the run, with its test images.
        name: which of its datasets.

    Raises:
        SeamlineError: the dataset has no test images.
    """
    number = [part.name for part in data.parts].index(name)
    part, view = data.parts[number], split_by_part(data)[number]
    if not len(view.test):
        raise SeamlineError(f"{name}: {folder.path} has no test images of it; evaluate the run without naming it")
    split = replace(view.test, parts=np.zeros(len(view.test), np.int64))
    description = "; ".join(merge_sentences(part.merged, data.classes))
    return MatchedData(view, split, part, description, f"evaluated on the run's test images of {name} alone")


def evaluate_other(
    folder: RunFolder, matched: MatchedData, target: RunFolder, *, device: torch.device, reporter: Reporter
) -> None:
    """Evaluate a run on other images, and write a folder with the files of an evaluated run, weights aside.

    Training curves, validation results and the temperature are those of the run; test results are of the other images.

    Args:
        folder: the run folder, evaluated; nothing in it is changed.
        matched: the other images.
        target: the folder to write.
        device: where the model runs.
        reporter: reports progress.
    """
    info, own = folder.info.read(), folder.metrics.read()
    calibration = folder.calibration.read()
    temperature = calibration.temperature.value
    model: TTA = load_tta(folder).to(device)
    with reporter.adding("evaluating", len(matched.split)) as progress:
        test = evaluate_split(
            model, matched.split, info.dataset.classes, info.task, parts=(matched.part,), stream=2, progress=progress
        )
    target.clear()
    _copy_results(folder.path, target.path)
    data = matched.data
    dataset = msgspec.structs.replace(
        info.dataset,
        name=data.name,
        title=data.title,
        source=data.source,
        description=" ".join(filter(None, [data.description, capitalize_first(matched.description)])),
        fingerprint=data.fingerprint,
        synthetic=data.synthetic,
        test=len(matched.split),
        warnings=(matched.origin, *filter(None, [matched.description])),
        unused=data.unused,
        class_map=matched.part.class_map,
        parts=(),
    )
    target.info.write(msgspec.structs.replace(info, dataset=dataset))
    intervals = INTERVALS[test.counts.bootstrap.independent]
    target.metrics.write(msgspec.structs.replace(own, test=test.metrics.summary(), intervals=intervals, parts={}))
    errors, images = write_split(target, "test", test, info.dataset.palette, temperature)
    inputs = FindingInputs(val=test.metrics, test=test.metrics, errors=errors, images=images)
    fractions = calibration.fractions and measure_coverage(calibration.fractions.intervals, test, temperature)
    target.calibration.write(
        msgspec.structs.replace(calibration, test=split_calibration(test, temperature), fractions=fractions)
    )
    if novelty := folder.novelty.read_optional():
        target.novelty.write(measure_novelty(model, matched.split, info.task, novelty))
    target.findings.write(find(inputs, FINDINGS))


def _copy_results(source: Path, target: Path) -> None:
    """Copy what the page of a run shows beside its test results."""
    target.mkdir(parents=True, exist_ok=True)
    shutil.copy2(source / "history.jsonl", target)
    for pattern in ("analysis/*.json", *(f"evaluation/{name}" for name in ("val.*", "val-examples/*", "training_*"))):
        for file in source.glob(pattern):
            copy = target / file.relative_to(source)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(file, copy)
