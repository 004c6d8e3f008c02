"""`train` and `evaluate`."""

import math
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from seamline.api.run import Run
from seamline.data.class_map.files import check_maps
from seamline.data.dataset import Dataset, Split
from seamline.data.mix import find_part
from seamline.data.prepare import is_folder, is_own, list_sources, load_dataset
from seamline.errors import SeamlineError, size_text
from seamline.evaluation.evaluate import quick_eval
from seamline.evaluation.evaluate_run import evaluate_other, evaluate_run, match_classes, match_part
from seamline.inference.predictor import find_model
from seamline.models.devices import find_device, restore_num_threads, tune_malloc
from seamline.progress import Reporter, default_reporter
from seamline.report.page import write_report
from seamline.run_folder import ClassMap, RunFolder
from seamline.threads import measure_load
from seamline.training.config import TrainConfig
from seamline.training.distributed import init_distributed, rank, was_restarted
from seamline.training.plan import RunOptions, TrainingPlan, make_plan, split_settings
from seamline.training.run_data import load_run_data
from seamline.training.run_metadata import check_run_folder, choose_threads
from seamline.training.trainer import fit

VALIDATED_PIXELS = 1 / 3
"""Pixels that a training on parts of photos is validated on after each epoch, as a fraction of those it learns from."""


def train(
    data: Any,
    *,
    preset: str | TrainConfig = "fast",
    out: Path | str | None = None,
    seed: int = 0,
    resume: bool = False,
    overwrite: bool = False,
    options: RunOptions | None = None,
    **settings: Any,
) -> Run:
    """Train a model, evaluate it and write its report.

    Ctrl-C and SIGTERM end the training after the current step, with a checkpoint; a second one ends it at once.
    Started by PyTorch's launcher, `torchrun`, the processes train together, each with its shard of every batch; when
    the launcher restarts them after one has died, they resume from the newest checkpoint.

    Args:
        data: a dataset's name, a folder or table of images, a `Dataset`, or arrays `(images, labels)`: images (N, H, W)
            or (N, H, W, C) uint8, labels (N,) integers or strings, or masks (N, H, W) integers. A list of these is
            learned as one, with the classes of all: `["facades", "photos/"]`.
        preset: a preset's name, or a configuration.
        out: the run folder; by default `runs/DATA-PRESET`.
        seed: seed of the split, the initial weights and the batches.
        resume: resume an interrupted training, to the same weights bit for bit; a finished run is not trained again.
        overwrite: overwrite a finished run.
        options: device, threads and so on; see `RunOptions`.
        **settings: fields of `TrainConfig` and of `RunOptions`, such as `epochs=20` or `device="cpu"`.

    Returns:
        The run.

    Raises:
        SeamlineError: the data, a setting or the run folder cannot be used; the line says why.
        TrainingInterrupted: a signal ended the training; the text says how to resume.
    """
    tune_malloc()
    fields, options = split_settings(settings, options or RunOptions(progress=default_reporter()))
    options = _find_start(options)
    options = options if rank() == 0 else replace(options, progress=None)
    device, resume = find_device(options.device), resume or was_restarted()
    load = measure_load() if options.threads == "idle" else None
    with init_distributed(device) as processes, restore_num_threads():
        plan = make_plan(data, preset, fields, seed, options, processes)
        folder = RunFolder(Path("runs") / f"{plan.data.name}-{plan.preset}" if out is None else Path(out))
        trained = check_run_folder(folder, plan, resume=resume, overwrite=overwrite)
        plan = choose_threads(plan, folder, processes, load, resume=resume)
        if not trained:
            val = epoch_images(plan)
            sampled = len(val) if len(val) < len(plan.splits.val) else None
            # without test-time augmentation, which costs up to five times as much
            validate = partial(quick_eval, split=val, task=plan.data.task, parts=plan.data.parts)
            fit(folder, plan, validate, resume=resume, processes=processes, val_images=sampled)
        if processes.is_main and trained and folder.evaluated and folder.report_file.is_file():
            options.reporter.say(f"{folder.path}: already finished")
        elif processes.is_main:
            evaluate_run(folder, plan.data, plan.splits, device=device, reporter=options.reporter)
            write_report(folder.path, progress=options.reporter)
    return Run(folder.path)


def _find_start(options: RunOptions) -> RunOptions:
    """Return options with the folder of the run to start from, where they name a pretrained model."""
    return options if options.init_from is None else replace(options, init_from=find_model(options.init_from))


def epoch_images(plan: TrainingPlan) -> Split:
    """Return the validation images that a model is validated on after each epoch.

    With crops of a few photos, that would take more time than the epoch itself, so it is some of them, evenly spaced,
    unless the result decides which weights the run gets.
    """
    val = plan.splits.val
    if not plan.config.crop or plan.config.checkpoint_metric != "last":
        return val
    learned = len(plan.splits.train) * plan.config.crop**2
    count = max(2, round(VALIDATED_PIXELS * learned / math.prod(val.images.shape[1:3])))
    if count >= len(val):
        return val
    plan.options.reporter.say(f"each epoch is validated on {count} of {len(val)} photos; the result on all")
    return val.evenly_spaced(count)


def plan(
    data: Any, *, preset: str | TrainConfig = "fast", options: RunOptions | None = None, **settings: Any
) -> TrainingPlan:
    """Return what `train` would do, without training: its arguments, other than the run's, are those of `train`.

    Returns:
        The plan: its `config`, and the `decisions` that were made automatically.

    Raises:
        SeamlineError: these are not own images, or they cannot be read.
    """
    if not is_own(data):
        named = " and ".join(map(str, list_sources(data)))
        raise SeamlineError(f"--dry-run: {named} is not a folder or table of images; `seamline list` shows the presets")
    fields, options = split_settings(settings, options or RunOptions())
    options = _find_start(options)
    return make_plan(data, preset, fields, 0, options)


def evaluate(
    run: Run | Path | str,
    data: Any = None,
    *,
    data_dir: Path | str | None = None,
    maps: Mapping[str, ClassMap | Path | str] | None = None,
    device: str = "auto",
    progress: Reporter | None = None,
) -> Run:
    """Evaluate a finished run again, or on other labeled images, and write the report.

    Results on other images go to `RUN/evaluations/NAME`, with a report of their own; those of the run stay as they
    are. Classes are matched by name; what does not match is named and counted.

    Args:
        run: the run folder.
        data: other images, see `train`; by default the run's own. The run's own dataset, if it has no name that can be
            loaded. The name or folder of one of several datasets that it was trained on stands for the run's test
            images of that dataset.
        data_dir: folder with the files of a dataset that is called by name, or where the run's own images are now.
        maps: class maps of other images, see `RunOptions`; those that the run was trained on have the maps of the run.
        device: `auto`, `cpu`, `cuda` or `mps`.
        progress: reports progress.

    Returns:
        The run, or a run whose test results are those of the other images.

    Raises:
        SeamlineError: the run has not finished, the images are not available, none of their classes match, or a map is
            not of other images.
    """
    tune_malloc()
    folder, reporter, torch_device = RunFolder(Path(run)), progress or default_reporter(), find_device(device)
    info = folder.info.read()
    size = size_text(info.model.input_size, "x")
    sources = list_sources(data)
    data, several = sources[0], len(sources) > 1
    part = find_part(info.dataset, data)
    if maps and (data is None or part):
        raise SeamlineError(f"--map {next(iter(maps))}: the images of {folder.path} have its map; name other images")
    check_maps(maps, sources)
    if several:
        data = load_dataset(sources, data_dir=data_dir, image_size=size, maps=maps, progress=reporter)
        if data.name != info.dataset.name:
            raise SeamlineError(f"{data.name}: are several datasets; evaluate {folder.path} on one at a time")
    if data is None or (isinstance(data, Dataset) and data.name == info.dataset.name):
        dataset, splits = load_run_data(folder, data, data_dir, reporter)
        evaluate_run(folder, dataset, splits, device=torch_device, reporter=reporter)
        write_report(folder.path, progress=reporter)
        return Run(folder.path)
    if part:
        matched = match_part(folder, load_run_data(folder, None, data_dir, reporter)[0], part)
    else:
        of_run = size if is_folder(data) else None
        loaded = load_dataset(data, data_dir=data_dir, image_size=of_run, maps=maps, progress=reporter)
        matched = match_classes(folder, loaded)
    if matched.description:
        reporter.say(matched.description)
    target = RunFolder(folder.evaluation_dir(matched.data.name))
    with folder.lock():
        evaluate_other(folder, matched, target, device=torch_device, reporter=reporter)
    write_report(target.path, progress=reporter)
    return Run(target.path)
