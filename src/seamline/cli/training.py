"""`seamline train` and `seamline reproduce`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from seamline.cli.options import (
    DataDirOption,
    DatasetArgument,
    DeviceOption,
    JsonOption,
    PresetOption,
    SeedOption,
    SetOption,
    ThreadsOption,
    print_json,
)
from seamline.progress import Reporter, result

if TYPE_CHECKING:
    from seamline.run_folder import MetricInfo, SplitMetrics


def reproduce(
    preset: PresetOption = "fast",
    settings: SetOption = None,
    seed: SeedOption = 0,
    out: Annotated[Path, typer.Option("--out", help="Folder for the run folders.")] = Path("runs"),
    data_dir: Annotated[
        Path | None, typer.Option("--data-dir", help="Folder that holds fashion-mnist and facades.")
    ] = None,
    images: Annotated[list[Path] | None, typer.Option("--image", help="Your photo of a building; repeatable.")] = None,
    study: Annotated[str | None, typer.Option("--study", help="Run one study only: garments or facades.")] = None,
    device: DeviceOption = "auto",
    threads: ThreadsOption = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Train finished runs again.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Rerun the course study on real images, or on synthetic ones if they are unavailable."""
    from seamline.study.reproduce import reproduce as reproduce_study

    runs = reproduce_study(
        recipe=preset,
        settings=tuple(settings or ()),
        seed=seed,
        out=out,
        folder=data_dir,
        photos=tuple(images or ()),
        only=study,
        device=device,
        threads=threads,
        force=overwrite,
        teller=Reporter(),
    )
    _print_runs(runs, as_json=as_json, index=out / "index.html")


def train(
    data: DatasetArgument,
    preset: PresetOption = "fast",
    model: Annotated[
        str | None, typer.Option("--model", metavar="NAME", help="Network: built in, timm/NAME or smp/DECODER/ENCODER.")
    ] = None,
    settings: SetOption = None,
    seed: SeedOption = 0,
    out: Annotated[Path | None, typer.Option("--out", help="Run folder; default: runs/DATA-PRESET.")] = None,
    data_dir: DataDirOption = None,
    image_size: Annotated[
        str | None, typer.Option("--image-size", help="Resize images to SIDE or HEIGHTxWIDTH pixels.")
    ] = None,
    init_from: Annotated[
        Path | None, typer.Option("--init-from", metavar="RUN", help="Initialize weights from a finished run.")
    ] = None,
    label_check_folds: Annotated[
        int | None,
        typer.Option("--label-check-folds", help="Cross-validation folds of the label check; 0 skips it."),
    ] = None,
    device: DeviceOption = "auto",
    threads: ThreadsOption = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Overwrite a finished run.")] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Resume an interrupted run.")] = False,
    checkpoint_every: Annotated[
        float, typer.Option("--checkpoint-every", min=0.0, metavar="SECONDS", help="Seconds between checkpoints.")
    ] = 60.0,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the configuration and its reasons; train nothing.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Train a model, evaluate it and write its report."""
    from seamline import api
    from seamline.training.distributed import process_rank

    if dry_run:
        network = [] if model is None else [f"network={model}"]
        _print_config(data, preset, (*(settings or ()), *network), image_size, as_json=as_json)
        return
    run = api.train(
        data,
        recipe=preset,
        model=model,
        settings=tuple(settings or ()),
        seed=seed,
        out=out,
        folder=data_dir,
        size=image_size,
        start=init_from,
        folds=label_check_folds,
        device=device,
        threads=threads,
        force=overwrite,
        resume=resume,
        checkpoint_seconds=checkpoint_every,
        teller=Reporter(),
    )
    if process_rank() == 0:  # only one of the processes of a distributed training prints
        _print_runs([run], as_json=as_json)


def _print_config(data: str, preset: str, settings: tuple[str, ...], size: str | None, *, as_json: bool) -> None:
    """Print the configuration that a training would use, with the reason for each field."""
    from seamline import api
    from seamline.training.config import overridden_fields, recipe_fields

    config, decisions, note = api.explain(data, recipe=preset, settings=settings, size=size, teller=Reporter())
    fields = recipe_fields(config)
    if as_json:
        print_json({"note": note, "recipe": fields, "rules": [vars(decision) for decision in decisions]})
        return
    result(note)
    reasons = {decision.field: decision.reason for decision in decisions}
    overridden = overridden_fields(settings)
    for field, value in fields.items():
        reason = reasons.get(field) or ("given by --set" if field in overridden else f"from preset {preset}")
        result(f"  {field:<16}{'none' if value is None else value!s:<14}{reason}")


def _print_runs(runs: list[Path], *, as_json: bool, index: Path | None = None) -> None:
    """Print the metrics of finished runs and where their reports are."""
    from seamline.io import read_json
    from seamline.run_folder import RunFolder

    summaries = []
    for folder in map(RunFolder, runs):
        report = folder.report_file
        if as_json:
            metrics = read_json(folder.metrics.path)
            summaries.append({"run": str(folder.path), "report": str(report), "metrics": metrics})
            continue
        written = folder.metrics.read()
        for split, title in ((written.val, "validation"), (written.test, "test")):
            result(f"{title:<11}" + ", ".join(_key_metrics(split, written.definitions)))
        result(f"The run:   {folder.path}\nThe page:  {report}")
    if as_json:
        print_json({"runs": summaries, **({} if index is None else {"index": str(index)})})
    elif index is not None:
        result(f"All pages: {index}")


def _key_metrics(split: "SplitMetrics", definitions: "dict[str, MetricInfo]") -> list[str]:
    """Return the metrics over all classes with their intervals, as text."""
    from seamline.evaluation.text import decimal, percent

    texts = []
    for key, estimate in split.overall.items():
        info = definitions[key]
        if estimate.present:
            show = percent if info.format == "percent" else decimal
            texts.append(f"{info.title[0].lower()}{info.title[1:]} {show(estimate)}")
    return texts
