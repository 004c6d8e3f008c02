"""The story, from a dataset to a page."""

import math
from dataclasses import asdict
from pathlib import Path
from typing import Any

import seamline
from seamline.console import Teller
from seamline.data.batches import Batches
from seamline.data.catalogue import load
from seamline.data.dataset import Dataset, Split
from seamline.data.errors import UnavailableError, UserError
from seamline.data.splits import split_groups
from seamline.learn.classifiers import TwoConvolutions, build_classifier
from seamline.learn.description import describe_run, differences, train_command
from seamline.learn.devices import find_device, keep_freed_memory, use_threads
from seamline.learn.recipes import Recipe, find_recipe, with_settings
from seamline.learn.runs import History, Run
from seamline.learn.training import Training
from seamline.measure.evaluation import evaluate_split
from seamline.measure.record import measure
from seamline.report.page import write_report


def train(
    data: str | Dataset,
    *,
    recipe: str | Recipe = "fast",
    settings: tuple[str, ...] = (),
    seed: int = 0,
    out: Path | str | None = None,
    folder: Path | str | None = None,
    device: str = "auto",
    threads: int | None = None,
    force: bool = False,
    resume: bool = False,
    teller: Teller | None = None,
) -> Path:
    """Train a network, measure it and write its page.

    Args:
        data: a dataset's name, or a dataset.
        recipe: a recipe's name, or a recipe.
        settings: changes of single fields of the recipe, each `field=value`.
        seed: decides the split, the first weights and the batches.
        out: the run folder; by default `runs/DATA-RECIPE`.
        folder: where the dataset's files lie.
        device: `auto`, `cpu`, `cuda` or `mps`.
        threads: threads of the processor to use; None leaves it to PyTorch.
        force: write over a finished run.
        resume: go on where an interrupted run stopped; a finished run is left as it is.
        teller: says how it goes; by default nobody does.

    Returns:
        The run folder.

    Raises:
        UserError: what was asked for cannot be done; the line says why.
    """
    keep_freed_memory()
    teller = teller or Teller(quiet=True)
    recipe_name = recipe if isinstance(recipe, str) else "custom"
    recipe = with_settings(find_recipe(recipe) if isinstance(recipe, str) else recipe, list(settings))
    place, used_threads = find_device(device), use_threads(threads)
    if isinstance(data, str):
        with teller.downloading() as progress:
            data = load(data, folder, progress=progress)
    _check_class_weights(recipe, data)
    run = Run(Path(out) if out is not None else Path("runs") / f"{data.name}-{recipe_name}")
    begun = run.read() if resume and (run.finished or run.checkpoint_file.is_file()) else None
    if begun is not None and (other := differences(begun, data, recipe, seed)):
        raise UserError(f"{run.path}: was made with another {other}; name another --out or use --force")
    if run.path.is_file():
        raise UserError(f"{run.path}: is a file; name a folder with --out")
    if run.finished and resume and _is_measured(run):
        teller.say(f"{run.path}: finished already")
        return run.path
    if run.finished and not (resume or force):
        raise UserError(
            f"{run.path}: holds a finished run; name another --out, write over it with --force, "
            "or measure what is not measured with --resume"
        )
    if run.checkpoint_file.is_file() and not (resume or force):
        raise UserError(f"{run.path}: holds an unfinished run; go on with --resume, or start afresh with --force")

    learned, aside = split(data, recipe, seed)
    if begun is None or not run.finished:
        network = build_classifier(recipe.network, data.train.images.shape[1:], len(data.classes), seed=seed)
        network.normalise.fit(learned.images)
        network.to(place)
        described = describe_run(
            data, recipe, network, learned=len(learned), aside=len(aside), seed=seed, device=place, threads=used_threads
        )
        described["seamline"] = seamline.__version__
        described["recipe_name"] = ", ".join([recipe_name, *settings])
        options: dict[str, object] = {
            "--data": folder,
            "--device": None if device == "auto" else device,
            "--threads": threads,
        }
        described["command"] = train_command(data.name, recipe_name, settings, seed, run.path, options)
        batches = Batches(learned, recipe.batch_size, seed=seed, flip=recipe.flip, shift=recipe.shift, device=place)
        with run.alone():
            _train(run, network, batches, recipe, described, aside, data.classes, resume=resume, teller=teller)
    _measure(run, data, learned, aside, teller)
    return run.path


def _check_class_weights(recipe: Recipe, data: Dataset) -> None:
    """Refuse a recipe whose class weights are not as many as the classes."""
    weights = recipe.class_weights
    if weights is not None and len(weights) != len(data.classes):
        raise UserError(f"recipe: class_weights has {len(weights)} numbers for {len(data.classes)} classes")


def _is_measured(run: Run) -> bool:
    return all((run.path / name).is_file() for name in ("scores.json", "report.html"))


def _train(
    run: Run,
    network: TwoConvolutions,
    batches: Batches,
    recipe: Recipe,
    described: dict[str, Any],
    val: Split,
    classes: tuple[str, ...],
    *,
    resume: bool,
    teller: Teller,
) -> None:
    """Train to the recipe's end, keeping a checkpoint after every epoch, and write the kept weights."""
    history: History = []
    kept: dict[str, Any] = {"weights": None, "value": None}
    with teller.training(recipe.epochs) as on_step:
        training = Training(network, batches, recipe, on_step=on_step)
        checkpoint = run.load_checkpoint() if resume else None
        if checkpoint is None:
            run.start(described)
        else:
            training.restore(checkpoint["training"])
            history, kept = checkpoint["history"], checkpoint["kept"]
            run.write_history(history)
            teller.say(f"going on after epoch {training.done}")
            begun = run.read()
            if any(begun[key] != described[key] for key in ("device", "threads", "versions")):
                teller.say("begun on another device, with other threads or versions: the last bits may differ")
        for epoch in training:
            on_val = evaluate_split(network, val, classes)
            if not math.isfinite(on_val.loss):
                raise UserError(
                    f"training stopped: the validation loss is {on_val.loss} after epoch {epoch.epoch}, at learning "
                    f"rate {epoch.learning_rate:.3g}; try a smaller one with --set learning_rate=…"
                )
            record = {**asdict(epoch), "val_loss": on_val.loss, "val_accuracy": on_val.accuracy}
            history.append(record)
            if _is_best(recipe, record, kept["value"]):
                weights = {name: tensor.detach().cpu().clone() for name, tensor in network.state_dict().items()}
                kept = {"weights": weights, "value": record.get(recipe.keep)}
            run.save_checkpoint({"training": training.state(), "history": history, "kept": kept})
            run.add_epoch(record)
            teller.epoch(record, recipe.epochs)
    run.finish(kept["weights"])


def _is_best(recipe: Recipe, record: dict[str, Any], best: float | None) -> bool:
    """Tell whether this epoch's weights are the ones to keep so far."""
    if recipe.keep == "last" or best is None:
        return True
    value: float = record[recipe.keep]
    return value < best if recipe.keep == "val_loss" else value > best


def _measure(run: Run, data: Dataset, learned: Split, aside: Split, teller: Teller) -> None:
    """Measure a trained run on the split it was trained with, and write its page."""
    teller.say("measuring")
    with run.alone():
        measure(run.path, run.network(), data.classes, learned, aside, data.test)
        write_report(run.path)


def split(data: Dataset, recipe: Recipe, seed: int) -> tuple[Split, Split]:
    """Cut a dataset's training images into those to learn from and those to validate on."""
    try:
        learned, aside = split_groups(data.train.labels, data.train.groups, fraction=recipe.validation, seed=seed)
    except ValueError as error:
        raise UserError(f"{data.place}: {error}") from None
    return data.train.take(learned), data.train.take(aside)


def evaluate(
    run: Path | str,
    data: str | Dataset | None = None,
    *,
    folder: Path | str | None = None,
    teller: Teller | None = None,
) -> Path:
    """Measure a finished run again, on the images it was trained and tested with, and write its page anew.

    Args:
        run: the run folder.
        data: its dataset, if it has no name that can be loaded.
        folder: where the dataset's files lie.
        teller: says how it goes.

    Returns:
        The run folder.

    Raises:
        UserError: the run has not finished, or the images are not those it was trained with.
    """
    keep_freed_memory()
    finished = Run(Path(run))
    described = finished.read()
    if not isinstance(data, Dataset):
        place = Path(described["dataset"]["place"])
        data = load(data or described["dataset"]["name"], folder or (place if place.is_dir() else None))
    if data.fingerprint != described["dataset"]["fingerprint"]:
        raise UserError(f"{data.place}: not the images that {finished.path} was trained with; name them with --data")
    learned, aside = split(data, finished.recipe(), described["split"]["seed"])
    _measure(finished, data, learned, aside, teller or Teller(quiet=True))
    return finished.path


def report(run: Path | str) -> Path:
    """Make a run's page again from its folder alone; return the page's path."""
    return write_report(Path(run))


def reproduce(
    *,
    recipe: str = "fast",
    settings: tuple[str, ...] = (),
    seed: int = 0,
    out: Path | str = "runs",
    folder: Path | str | None = None,
    device: str = "auto",
    threads: int | None = None,
    force: bool = False,
    teller: Teller | None = None,
) -> list[Path]:
    """Run the course study again: the real garments where they can be had, the built-in ones elsewhere.

    A finished run of the same data, recipe and seed is used again, an interrupted one goes on; one of others is left
    alone and refused.

    Args:
        recipe: `fast`, or `original` for the study's own.
        settings: changes of single fields of the recipe, each `field=value`.
        seed: decides the split, the first weights and the batches.
        out: the folder that the run folders go to.
        folder: where the real garments' files lie.
        device: `auto`, `cpu`, `cuda` or `mps`.
        threads: threads of the processor to use.
        force: train again what is finished.
        teller: says how it goes.

    Returns:
        The run folders.

    Raises:
        UserError: files that the user named cannot be read, or the run folder holds a run of another recipe or seed.
    """
    keep_freed_memory()
    teller = teller or Teller(quiet=True)
    with_settings(find_recipe(recipe), list(settings))  # a mistake there is told before anything is fetched
    offline_before = Run(Path(out) / f"builtin-garments-{recipe}").finished  # then a silent network is not waited for
    try:
        with teller.downloading() as progress:
            data = load("fashion-mnist", folder, progress=progress, timeout=0.8 if offline_before else 20.0)
    except UnavailableError as reason:
        teller.say(f"The real garments cannot be had: {reason}")
        teller.say("Using garments drawn by a program instead; the page says so.")
        data, folder = load("builtin-garments"), None
    run = train(
        data,
        recipe=recipe,
        settings=settings,
        seed=seed,
        out=Path(out) / f"{data.name}-{recipe}",
        folder=folder,
        device=device,
        threads=threads,
        resume=not force,
        force=force,
        teller=teller,
    )
    return [run]
