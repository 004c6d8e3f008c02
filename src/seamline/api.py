"""The story, from a dataset to a page."""

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Unpack

import msgspec
import torch

import seamline
from seamline.data.checks import dataset_warnings
from seamline.data.dataset import Dataset, Split
from seamline.data.loader import Batches
from seamline.data.near_duplicates.report import (
    DuplicateReport,
    assign_groups,
    find_dataset_duplicates,
    find_folder_duplicates,
)
from seamline.data.registry import DATASETS, is_path, load
from seamline.data.splits import Splits, ensure_test_split, train_val_split
from seamline.data.validate import DatasetReport
from seamline.data.validate import inspect_dataset as look_at
from seamline.errors import SeamlineError
from seamline.evaluation.cross_val import FOLDS, out_of_fold_scores
from seamline.evaluation.write import EvaluationData, evaluate_model
from seamline.inference.predict import Predictions, Progress
from seamline.inference.predict import predict as predict_to_folder
from seamline.inference.predictor import LoadOptions, Predictor, find_model
from seamline.inference.tta import TTA, load_tta
from seamline.models.devices import find_device, set_num_threads, tune_malloc
from seamline.models.factory import build_model
from seamline.progress import Reporter
from seamline.report.page import write_report
from seamline.report.predictions_page import write_predictions_page
from seamline.run_folder import ConfigDecision, RunFolder
from seamline.training.auto_config import DatasetStats, Decision, fitted
from seamline.training.config import TrainConfig, apply_overrides, get_preset, overridden_fields
from seamline.training.distributed import process_rank, together, was_restarted
from seamline.training.loop import Training
from seamline.training.run_dir import Run
from seamline.training.run_metadata import diff_config, run_metadata, train_command
from seamline.training.trainer import train_run
from seamline.training.transfer import load_pretrained_run

if TYPE_CHECKING:
    from seamline.export.export import ExportResult


def train(
    data: str | Dataset,
    *,
    recipe: str | TrainConfig = "fast",
    model: str | None = None,
    settings: tuple[str, ...] = (),
    seed: int = 0,
    out: Path | str | None = None,
    folder: Path | str | None = None,
    size: str | None = None,
    start: Path | str | None = None,
    folds: int | None = None,
    device: str = "auto",
    threads: int | None = None,
    force: bool = False,
    resume: bool = False,
    checkpoint_seconds: float = 60.0,
    teller: Reporter | None = None,
) -> Path:
    """Train a network, measure it and write its page.

    Ctrl-C and SIGTERM end the training after the step under way, with everything kept; a second one ends it at once.
    Started by PyTorch's launcher, `torchrun`, the processes train together, each with its part of every batch: the
    first alone writes, tells and measures, and when the launcher starts them again after one has died, they go on
    from the newest checkpoint.

    Args:
        data: a dataset's name, a folder or table of own images (see `seamline.data.image_folder`), or a dataset.
        recipe: a recipe's name, or a recipe.
        model: the network, the same as `network=…` in `settings`.
        settings: changes of single fields of the recipe, each `field=value`.
        seed: decides the split, the first weights and the batches.
        out: the run folder; by default `runs/DATA-RECIPE`.
        folder: where the dataset's files lie.
        size: what own images are brought to, such as `96` or `96x128` (height x width).
        start: a finished run whose weights, network and image size to start from; see `seamline.training.transfer`.
        folds: into how many folds labels of whole images are cut to be judged by networks that did not learn from
            them, see `seamline.evaluation.label_issues`; by default 3 for own images, and 0, which leaves it, for others.
        device: `auto`, `cpu`, `cuda` or `mps`.
        threads: threads of the processor to use; None leaves it to PyTorch.
        force: write over a finished run.
        resume: go on where an interrupted run stopped, to the same weights bit for bit; a finished run stays as it is.
        checkpoint_seconds: how often the training's state is kept, beside each epoch's end.
        teller: says how it goes; by default nobody does.

    Returns:
        The run folder.

    Raises:
        SeamlineError: what was asked for cannot be done; the line says why.
        Stopped: a signal ended the training before its end; the text says how to go on.
    """
    tune_malloc()
    if not checkpoint_seconds >= 0:
        raise SeamlineError(f"--checkpoint-every {checkpoint_seconds}: must be 0 or more")
    teller = teller if teller and process_rank() == 0 else Reporter(quiet=True)
    resume = resume or was_restarted()
    settings = settings if model is None else (*settings, f"network={model}")
    recipe_name = recipe if isinstance(recipe, str) else "custom"
    place, used_threads = find_device(device), set_num_threads(threads)
    if isinstance(data, str) and data in DATASETS and isinstance(recipe, str):  # a mistake is told before long work
        apply_overrides(get_preset(recipe, segments=DATASETS[data].task == "segmentation"), list(settings))
    begin = None if start is None else Run(Path(start))
    origin = None if begin is None else begin.read().model
    if origin is not None and isinstance(data, str) and is_path(data) and size is None:
        size = "x".join(map(str, origin.input_size[:2]))
    with together(place) as processes:
        with processes.one_first():
            called = data if isinstance(data, str) and is_path(data) else None
            if isinstance(data, str):
                data = loaded(data, folder, teller, size=size)
            searched = not data.has_groups
            data = related(data, teller)
        network_name = None if origin is None else origin.name
        recipe, chosen = chosen_recipe(data, recipe, settings, own=called is not None, network=network_name)
        _check_class_weights(recipe, data)
        run = Run(Path(out) if out is not None else Path("runs") / f"{data.name}-{recipe_name}")
        _check_place(run, resume=resume, force=force)
        begun = run.read() if resume and (run.finished or run.checkpoints.files()) else None
        weights = None if begin is None else begin.digest
        if begun is not None and (other := diff_config(begun, data, recipe, seed, weights)):
            raise SeamlineError(f"{run.path}: was made with another {other}; name another --out or use --overwrite")
        if run.finished and resume and _is_measured(run):
            teller.say(f"{run.path}: finished already")
            return run.path

        if data.task == "segmentation" and folds:
            raise SeamlineError(
                f"--label-check-folds {folds}: judges labels of whole images, and {data.name} has masks; leave it out"
            )
        if folds is not None and (folds == 1 or not 0 <= folds <= 20):
            raise SeamlineError(f"--label-check-folds {folds}: must be 0, or 2 to 20")
        usual = FOLDS if called is not None and data.task == "classification" else 0
        odd = list(dataset_warnings(data)) if called else []
        for sentence in odd:
            teller.say(f"odd: {sentence}")
        division = divide_by(data, recipe, seed)
        if begun is None or not run.finished:
            network = build_model(
                recipe.network,
                data.train.images.shape[1:],
                len(data.classes),
                task=data.task,
                seed=seed,
                pretrained=recipe.pretrained and begun is None and begin is None and processes.first,
            )
            network.init_from_data(division.train.images)
            started = (
                None
                if begin is None
                else load_pretrained_run(network, begin, data.train.images.shape[1:], data.classes)
            )
            network.to(processes.device)
            processes.begin_alike(network)
            network.init_description = network.init_description if begin is None else None  # `from` says it
            if network.init_description and begun is None:
                teller.say(f"{recipe.network} begins {network.init_description}")
            options: dict[str, object] = {
                "--data-dir": folder,
                "--image-size": size,
                "--init-from": start,
                "--label-check-folds": folds,
                "--device": None if device == "auto" else device,
                "--threads": threads,
            }
            info = run_metadata(
                data,
                recipe,
                network,
                replace(division, metadata=msgspec.structs.replace(division.metadata, groups_detected=searched)),
                seed=seed,
                device=place,
                threads=used_threads,
                world_size=processes.count,
                seamline=seamline.__version__,
                init_from=started,
                label_check_folds=usual if folds is None else folds,
                warnings=odd,
                auto_config=tuple(ConfigDecision(**vars(choice)) for choice in chosen),
                preset=", ".join([recipe_name, *settings]),
                command=train_command(called or data.name, recipe_name, settings, seed, run.path, options),
            )
            batches = Batches(
                division.train,
                recipe.batch_size,
                task=data.task,
                seed=seed,
                augmentation=recipe.changes,
                device=processes.device,
                shard=(processes.number, processes.count),
            )
            with run.alone() if processes.first else nullcontext():
                train_run(
                    run,
                    Training(network, batches, recipe, processes=processes),
                    division.val,
                    info,
                    resume=resume,
                    every=checkpoint_seconds,
                    teller=teller,
                )
    if processes.first:
        _measure(run, data, division.train, division.val, teller, device=place)
    return run.path


def chosen_recipe(
    data: Dataset, recipe: str | TrainConfig, settings: tuple[str, ...] = (), *, own: bool, network: str | None = None
) -> tuple[TrainConfig, tuple[Decision, ...]]:
    """Return the recipe that is used, and what of it was chosen by rules and is not overridden.

    Args:
        data: what it is for.
        recipe: its name, or a recipe; `fast` is fitted to own images by `seamline.training.auto_config`.
        settings: changes of single fields, each `field=value`.
        own: whether the images are the user's own.
        network: the one to use instead of the recipe's, where `settings` names none.
    """
    chosen: tuple[Decision, ...] = ()
    found = get_preset(recipe, segments=data.task == "segmentation") if isinstance(recipe, str) else recipe
    if own and recipe == "fast":
        height, width, channels = data.train.images.shape[1:]
        found, chosen = fitted(
            found, DatasetStats(len(data.train), height, width, channels, data.task == "segmentation")
        )
    given = overridden_fields(settings)
    if network is not None:
        found, given = replace(found, network=network), given | {"network"}
    return apply_overrides(found, list(settings)), tuple(one for one in chosen if one.field not in given)


def explain(
    data: str,
    *,
    recipe: str = "fast",
    settings: tuple[str, ...] = (),
    size: str | None = None,
    teller: Reporter | None = None,
) -> tuple[TrainConfig, tuple[Decision, ...], str]:
    """Return the recipe that `train` would use for own images, what of it was chosen by rules, and how they are read.

    Args:
        data: a folder or table of own images.
        recipe: a recipe's name.
        settings: changes of single fields of the recipe.
        size: what images are brought to.
        teller: says how it goes.

    Raises:
        SeamlineError: it is no folder or table, or cannot be read.
    """
    if not is_path(data):
        raise SeamlineError(f"--dry-run: {data} is no folder or table of own images; `seamline list` shows the recipes")
    teller = teller or Reporter(quiet=True)
    found = related(loaded(data, None, teller, size=size), teller)
    return *chosen_recipe(found, recipe, settings, own=True), found.description


def loaded(name: str, folder: Path | str | None, teller: Reporter, *, size: str | None = None) -> Dataset:
    """Load a dataset by its name, telling how it goes."""
    if is_path(name):
        with teller.counting("reading images") as counted:
            data = load(name, folder, size=size, decode_progress=counted)
        teller.say(f"{data.title}: {data.description}")
        return data
    with teller.downloading() as progress:
        return load(name, folder, size=size, progress=progress)


def related(data: Dataset, teller: Reporter) -> Dataset:
    """Return the dataset with groups of related images, those it came with or those found in its pixels, and a test."""
    if not data.has_groups:
        with teller.counting("looking for relatives") as progress:
            data = assign_groups(data, progress)
    try:
        return ensure_test_split(data)
    except ValueError as error:
        raise SeamlineError(f"{data.source}: {error}") from None


def _check_place(run: Run, *, resume: bool, force: bool) -> None:
    """Refuse a run folder that holds what neither `resume` nor `force` allows to touch."""
    if run.path.is_file():
        raise SeamlineError(f"{run.path}: is a file; name a folder with --out")
    run.check_writable()
    if run.finished and not (resume or force):
        raise SeamlineError(
            f"{run.path}: holds a finished run; name another --out, write over it with --overwrite, "
            "or measure what is not measured with --resume"
        )
    if run.checkpoints.files() and not (resume or force):
        raise SeamlineError(
            f"{run.path}: holds an unfinished run; go on with --resume, or start afresh with --overwrite"
        )


def _check_class_weights(recipe: TrainConfig, data: Dataset) -> None:
    """Refuse a recipe whose class weights are not as many as the classes."""
    weights = recipe.class_weights
    if weights is not None and len(weights) != len(data.classes):
        raise SeamlineError(f"recipe: class_weights has {len(weights)} numbers for {len(data.classes)} classes")


def _is_measured(run: Run) -> bool:
    return run.folder.evaluated and run.folder.report_file.is_file()


def _measure(
    run: Run, data: Dataset, learned: Split, aside: Split, teller: Reporter, *, device: torch.device | None = None
) -> None:
    """Measure a trained run on the split it was trained with, and write its page; judges of labels use `device`."""
    with run.alone():
        run.checkpoints.clear()  # a process that ended right after it had written the weights leaves them
        network, info = TTA(run.network(), run.recipe().flip), run.read()
        out_of_fold = None
        if folds := info.label_check_folds:
            judged = out_of_fold_scores(
                learned.concat(aside),
                len(data.classes),
                run.recipe(),
                folds=folds,
                seed=info.seed,
                device=device or torch.device("cpu"),
                teller=teller,
            )
            out_of_fold = judged, folds
        teller.say("measuring")
        images = EvaluationData(
            data.task, data.classes, learned, aside, data.test, data.palette, info.split, out_of_fold
        )
        evaluate_model(run.folder, network, images)
        write_report(run.path)


def divide_by(data: Dataset, recipe: TrainConfig, seed: int) -> Splits:
    """Cut a dataset's training images into those to learn from and those to validate on."""
    try:
        return train_val_split(data, fraction=recipe.validation, seed=seed, strategy=recipe.split_by)
    except ValueError as error:
        raise SeamlineError(f"{data.source}: {error}") from None


def evaluate(
    run: Path | str,
    data: str | Dataset | None = None,
    *,
    folder: Path | str | None = None,
    teller: Reporter | None = None,
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
        SeamlineError: the run has not finished, or the images are not those it was trained with.
    """
    tune_malloc()
    finished, teller = Run(Path(run)), teller or Reporter(quiet=True)
    data, division = _images_of(finished, data, folder, teller)
    _measure(finished, data, division.train, division.val, teller)
    return finished.path


def _images_of(
    run: Run, data: str | Dataset | None, folder: Path | str | None, teller: Reporter
) -> tuple[Dataset, Splits]:
    """Load the images that a run was trained and validated with again.

    Raises:
        SeamlineError: they are not to be had, or are others by now.
    """
    info = run.read()
    if not isinstance(data, Dataset):
        place = Path(info.dataset.source)
        name = data or info.dataset.name
        if name not in DATASETS and place.exists():
            height, width, _ = info.model.input_size
            data = load(str(place), size=f"{height}x{width}")
        else:
            data = load(name, folder or (place if place.exists() else None))
    data = related(data, teller)
    if data.fingerprint != info.dataset.fingerprint:
        raise SeamlineError(
            f"{data.source}: not the images that {run.path} was trained with; name them with --data-dir"
        )
    return data, divide_by(data, run.recipe(), info.split.seed)


def predict(
    model: Predictor | Path | str,
    photos: Sequence[Path | str] | Path | str,
    *,
    out: Path | str | None = None,
    max_side: int | None = None,
    report: bool = False,
    progress: Progress | None = None,
    **options: Unpack[LoadOptions],
) -> Predictions:
    """Predict photos into a folder, with a page on request.

    A photo that cannot be read does not stop the others. Existing results of the same names are replaced. For
    predictions in memory call `load_model`.

    Args:
        model: a predictor, a finished run folder, a file that `seamline export` wrote, or the name of a pretrained
            model.
        photos: files, folders (searched recursively) and patterns such as `photos/*.jpg`; one of these or several.
        out: folder for the results; by default `predictions/NAME`, with the name of the model.
        max_side: longer side in pixels to which photos are reduced for segmentation, at least 32; 0 keeps their size.
            By default 1.5 times that of the training images.
        report: whether to write a page that shows the photos.
        progress: called with the number of photos done, their total, and the current file.
        **options: `backend`, `device` and `threads`; see `load_model`.

    Returns:
        The results.

    Raises:
        SeamlineError: there is no such model, device or backend, no photo, the folder cannot be written to, or
            `max_side` is too small or given for classification.
    """
    predictions = predict_to_folder(
        model, photos, out=out, max_side=max_side, copy_photos=report, progress=progress, **options
    )
    return replace(predictions, page=write_predictions_page(predictions.folder)) if report else predictions


def export(
    run: Path | str,
    *,
    out: Path | str | None = None,
    reduce_tta: bool = False,
    int8: bool = False,
    max_drop: float = 1.0,
    data: str | Dataset | None = None,
    folder: Path | str | None = None,
    teller: Reporter | None = None,
) -> "ExportResult":
    """Export a finished run as one ONNX file, verified on the run's validation images before it is written.

    Args:
        run: the run folder, or the name of a pretrained model.
        out: the file; by default `model.onnx` in the run folder, where `seamline predict` finds it, or
            `model.reduced-tta.onnx`, `model.int8.onnx`, `model.reduced-tta.int8.onnx`; for a pretrained model
            `NAME.onnx` and so on in the working folder.
        reduce_tta: whether to reduce test-time augmentation as far as `max_drop` allows; the temperature is fitted
            anew.
        int8: whether to quantize to int8: a smaller file, and faster on processors with int8 instructions.
        max_drop: points of accuracy, or of mean average precision, that these may cost on the validation images.
        data: its dataset, if it has no name that can be loaded.
        folder: where the dataset's files lie.
        teller: reports progress.

    Returns:
        The file and how it compares.

    Raises:
        SeamlineError: the run has not finished, its images are not available, the extra `export` is not installed, or
            the predictions of the file differ from the run's.
    """
    try:
        from seamline.export.export import ExportOptions, export_run
    except ImportError as error:
        raise SeamlineError(
            f"export: needs {error.name}, which is not installed; pip install 'seamline[export]'"
        ) from None
    path = find_model(run)
    teller, run_folder = teller or Reporter(quiet=True), RunFolder(path)
    model = load_tta(run_folder)  # before any long work
    name = run_folder.onnx_file(reduced_tta=reduce_tta, int8=int8).name
    if out is None:
        out = path / name if path == Path(run) else f"{run}{name.removeprefix('model')}"
    file = Path(out)
    if file.is_dir():
        raise SeamlineError(f"{file}: is a folder; name a file with --out")
    if (reduce_tta or int8) and file.resolve() == run_folder.onnx_file().resolve():
        raise SeamlineError(f"{file}: is reserved for the run's own predictions; name another file with --out")
    _, division = _images_of(Run(path), data, folder, teller)
    options = ExportOptions(reduce_tta, int8, max_drop)
    return export_run(run_folder, model, division.train, division.val, file, options, teller.say)


def audit(data: str | Dataset, *, folder: Path | str | None = None, teller: Reporter | None = None) -> DuplicateReport:
    """Find repeats, near repeats and several crops of one scene, within and across the splits.

    Args:
        data: a dataset, its name, or a folder of images.
        folder: where the dataset's files lie.
        teller: says how it goes.

    Raises:
        SeamlineError: there is no such dataset or folder, or an image cannot be read.
    """
    teller = teller or Reporter(quiet=True)
    if isinstance(data, str) and data not in DATASETS and Path(data).expanduser().is_dir():
        with teller.counting("looking for relatives") as progress:
            return find_folder_duplicates(Path(data).expanduser(), progress)
    if isinstance(data, str):
        data = loaded(data, folder, teller)
    with teller.counting("looking for relatives") as progress:
        return find_dataset_duplicates(data, progress)


def inspect_dataset(place: Path | str, *, size: str | None = None, teller: Reporter | None = None) -> DatasetReport:
    """Look at own images before anything is trained: what is there, what cannot work, what is odd.

    Args:
        place: a folder, a CSV of files and labels, or COCO JSON.
        size: what images are to be brought to.
        teller: says how it goes.

    Raises:
        SeamlineError: it is nothing that can be learned from.
    """
    teller = teller or Reporter(quiet=True)
    with teller.counting("reading images") as reading, teller.counting("looking for relatives") as looking:
        return look_at(Path(place).expanduser(), size=size, decode_progress=reading, search_progress=looking)
