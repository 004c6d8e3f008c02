"""`run.json`: how a run is trained, and how that differs from another plan."""

import platform
import shlex
from dataclasses import replace
from importlib.metadata import version
from typing import Any

import torch

import seamline
from seamline.data.dataset import Dataset
from seamline.data.mix import part_infos
from seamline.errors import SeamlineError
from seamline.models.blocks import BaseModel
from seamline.models.devices import describe_machine, set_num_threads
from seamline.run_folder import ClassMap, DatasetInfo, GroupingInfo, InitFrom, ModelInfo, RunFolder, RunInfo
from seamline.threads import CoreLoad
from seamline.training.checkpoints import Checkpoints
from seamline.training.config import TrainConfig, format_settings, format_value
from seamline.training.distributed import Distributed
from seamline.training.plan import TrainingPlan

SYNTHETIC_NOTICE = "The images on this page are synthetic, drawn by a program. The metrics do not apply to real images."


def run_info(
    plan: TrainingPlan, model: BaseModel, folder: RunFolder, processes: Distributed, init_from: InitFrom | None
) -> RunInfo:
    """Return what `run.json` holds of a training; the model may be trained or not."""
    data, device = plan.data, torch.device(processes.device)
    return RunInfo(
        seamline=seamline.__version__,
        task=data.task,
        preset=plan.title,
        config=plan.config.to_dict(),
        dataset=DatasetInfo(
            name=data.name,
            title=data.title,
            source=data.source,
            synthetic=data.synthetic,
            description=data.description,
            fingerprint=data.fingerprint,
            classes=data.classes,
            palette=data.palette,
            train=len(plan.splits.train),
            val=len(plan.splits.val),
            test=len(data.test),
            warnings=plan.warnings,
            unused=plan.data.unused,
            bit_depth=plan.data.bit_depth,
            reference_results=data.reference_results,
            reference_images=data.reference_images,
            class_map=data.class_map,
            parts=part_infos(data, plan.splits),
        ),
        split=plan.splits.metadata,
        model=ModelInfo(
            name=plan.config.model,
            parameters=sum(parameter.numel() for parameter in model.parameters()),
            init=model.init_description if init_from is None else None,
            input_size=plan.input_shape,
        ),
        init_from=init_from,
        auto_config=plan.decisions,
        label_check_folds=plan.label_check_folds,
        seed=plan.seed,
        device=device.type,
        machine=describe_machine(device),
        threads=torch.get_num_threads(),
        world_size=processes.world_size,
        versions={
            "python": platform.python_version(),
            **{name: version(name) for name in ("torch", "numpy", "scipy", "opencv-python-headless", "matplotlib")},
            **model.versions,
        },
        command=train_command(plan, folder),
        notice=synthetic_notice(data),
    )


def synthetic_notice(data: Dataset) -> str | None:
    """Return the sentence about synthetic images at the top of a report; None where there are none."""
    synthetic = [part.title for part in data.parts if part.synthetic]
    if not data.synthetic:
        return None
    if not synthetic or len(synthetic) == len(data.parts):
        return SYNTHETIC_NOTICE
    return (
        f"The images of {' and '.join(synthetic)} are synthetic, drawn by a program. Their metrics, and those of all "
        "images together, do not apply to real images."
    )


def train_command(plan: TrainingPlan, folder: RunFolder) -> str:
    """Return the command that repeats a training."""
    options = plan.options
    words = ["seamline", "train", *plan.sources, "--preset", plan.preset]
    words += [word for setting in format_settings(plan.settings) for word in ("--set", setting)]
    words += ["--seed", str(plan.seed)]
    values = {
        "--data-dir": options.data_dir,
        "--groups": options.groups,
        "--image-size": options.image_size,
        "--init-from": options.init_from,
        "--label-check-folds": options.label_check_folds,
        "--fold": options.fold,
        "--device": None if options.device == "auto" else options.device,
        "--threads": options.threads,
    }
    words += [word for option, value in values.items() if value is not None for word in (option, str(value))]
    files = {name: file for name, file in (options.maps or {}).items() if not isinstance(file, ClassMap)}
    words += [word for name, file in files.items() for word in ("--map", f"{name}={file}")]
    words += [] if options.near_duplicates else ["--no-near-duplicates"]
    return shlex.join([*words, "--out", str(folder.path)])


def check_run_folder(folder: RunFolder, plan: TrainingPlan, *, resume: bool, overwrite: bool) -> bool:
    """Check that a training may use its run folder: `resume` and `overwrite` allow it to do so with what is there.

    Returns:
        Whether the folder already holds the final weights of this training.

    Raises:
        SeamlineError: it may not be written to, or holds a run that neither option allows to touch, or another run.
    """
    path, unfinished = folder.path, bool(Checkpoints(folder.checkpoint_dir).files())
    if path.is_file():
        raise SeamlineError(f"{path}: is a file; name a folder with --out")
    folder.check_writable()
    if folder.finished and not (resume or overwrite):
        raise SeamlineError(
            f"{path}: contains a finished run; name another --out, overwrite it with --overwrite, or complete its "
            "evaluation with --resume"
        )
    if unfinished and not (resume or overwrite):
        raise SeamlineError(
            f"{path}: contains an unfinished run; resume it with --resume, or start again with --overwrite"
        )
    if resume and (folder.finished or unfinished):
        _check_same_run(folder, plan)
    return resume and folder.finished


def choose_threads(
    plan: TrainingPlan, folder: RunFolder, processes: Distributed, load: CoreLoad | None, *, resume: bool
) -> TrainingPlan:
    """Set the number of PyTorch's threads, and report it where it is not the usual one.

    The number that the user sets comes first. A training that is resumed uses as many threads as before, because its
    results depend on them. Otherwise there are as many as idle cores.

    Args:
        plan: the training.
        folder: the run folder.
        processes: the processes that train together.
        load: the load of the cores; None leaves the number to PyTorch.
        resume: whether a training is resumed.

    Returns:
        The plan, with the number of threads if it was not left to PyTorch.
    """
    options, usual = plan.options, torch.get_num_threads()
    threads = None if options.threads == "idle" else options.threads
    if threads is None and processes.world_size > 1:
        options.reporter.say(f"{processes.world_size} processes, threads in each: {usual}; --threads N overrides")
    elif threads is None and resume and (folder.finished or Checkpoints(folder.checkpoint_dir).files()):
        threads = folder.info.read().threads
        if threads != usual and not folder.finished:
            options.reporter.say(f"resuming with as many threads as before: {threads}; --threads N overrides")
    elif threads is None and load is not None:
        threads = min(load.threads or usual, usual)
        if line := load.describe("training"):
            options.reporter.say(line)
    set_num_threads(threads)
    return replace(plan, options=replace(options, threads=threads))


def _check_same_run(folder: RunFolder, plan: TrainingPlan) -> None:
    """Check that a run folder holds the training of a plan, so that it can be resumed.

    Raises:
        SeamlineError: data, configuration, seed or initial weights differ; the line says how.
    """
    info = folder.info.read()
    differences = []
    groups_there, groups_here = _groups(info.split.grouping), _groups(plan.data.grouping)
    if groups_there != groups_here:
        differences.append(f"grouping ({groups_there} there, {groups_here} here)")
    elif info.dataset.fingerprint != plan.data.fingerprint:
        differences.append(f"dataset ({_diff_dataset(info.dataset, plan)})")
    if fields := _diff_config(info.config, plan.config):
        differences.append(f"config ({fields})")
    if info.seed != plan.seed:
        differences.append(f"seed ({info.seed} there, {plan.seed} here)")
    start = plan.options.init_folder
    there, here = info.init_from.weights if info.init_from else None, start.weights_digest if start else None
    if there != here:
        differences.append(
            f"initialization (--init-from weights {format_value(there)} there, {format_value(here)} here)"
        )
    if differences:
        raise SeamlineError(
            f"{folder.path}: was trained with another {' and '.join(differences)}; "
            "name another --out or use --overwrite"
        )


def _groups(grouping: GroupingInfo) -> str:
    """Return the options that group images."""
    words = [f"--groups {grouping.by}"] if grouping.by else []
    words += [] if grouping.near_duplicates_searched else ["--no-near-duplicates"]
    return " ".join(words) or "near-duplicates"


def _diff_dataset(info: DatasetInfo, plan: TrainingPlan) -> str:
    """Say how a run's dataset differs, as far as its description tells."""
    there = (info.name, info.test, info.classes)
    here = (plan.data.name, len(plan.data.test), plan.data.classes)
    for what, one, other in zip(("name", "test images", "classes"), there, here, strict=True):
        if one != other:
            return f"{what}: {format_value(one)} there, {format_value(other)} here"
    return "the same name, other images"


def _diff_config(fields: dict[str, Any], config: TrainConfig) -> str:
    """Say which fields of a run's configuration differ."""
    try:
        there = TrainConfig.from_dict(fields).to_dict()
    except (TypeError, SeamlineError):  # fields of another version
        return "fields of another version"
    here = config.to_dict()
    return ", ".join(
        f"{field}: {format_value(there[field], field)} there, {format_value(here[field], field)} here"
        for field in here
        if there[field] != here[field]
    )
