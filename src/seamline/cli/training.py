"""`seamline train` and `seamline reproduce`."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

import seamline
from seamline.cli.options import (
    BatchSizeOption,
    CheckpointOption,
    DataDirOption,
    DatasetsArgument,
    DeviceOption,
    DryRunOption,
    EpochsOption,
    FoldOption,
    FoldsOption,
    GroupsOption,
    ImageSizeOption,
    InitFromOption,
    JsonOption,
    LearningRateOption,
    MapOption,
    NearDuplicatesOption,
    NetworkOption,
    PresetOption,
    SeedOption,
    SetOption,
    ThreadsOption,
    WeightDecayOption,
    print_json,
)
from seamline.cli.runs import print_runs
from seamline.cli.usage import split_setting
from seamline.errors import SeamlineError, require_extra
from seamline.progress import Reporter, result
from seamline.threads import watch_load

if TYPE_CHECKING:
    from seamline.training.plan import TrainingPlan


def reproduce(
    preset: PresetOption = "fast",
    epochs: EpochsOption = None,
    settings: SetOption = None,
    seed: SeedOption = 0,
    out: Annotated[Path, typer.Option("--out", help="Folder for the run folders.")] = Path("runs"),
    data_dir: Annotated[
        Path | None, typer.Option("--data-dir", help="Folder that holds fashion-mnist and facades.")
    ] = None,
    images: Annotated[list[Path] | None, typer.Option("--image", help="Your photo of a building; repeatable.")] = None,
    claims: Annotated[bool, typer.Option("--claims", help="Test the study's claims by sweeps: hours.")] = False,
    study: Annotated[str | None, typer.Option("--study", help="Run one study only: garments or facades.")] = None,
    device: DeviceOption = "auto",
    threads: ThreadsOption = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Train finished runs again.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Rerun the course study on real images, or on synthetic ones if they are unavailable."""
    watch_load()
    with require_extra("reproduce", "train"):
        from seamline.study.reproduce import reproduce as reproduce_study
    from seamline.evaluation.text import join_and
    from seamline.training.config import merge_flags, parse_settings

    fields = merge_flags(parse_settings(settings or ()), {"epochs": epochs})
    if claims:
        unused = {"--preset": preset != "fast", "--seed": seed, "--study": study, "--image": images}
        unused |= {"--threads": threads, "--overwrite": overwrite}
        if given := [option for option, value in unused.items() if value]:
            raise SeamlineError(f"--claims: trains sweeps of its own; leave out {join_and(given)}")
        _reproduce_claims(out, {"device": device, "data_dir": data_dir, **fields}, as_json=as_json)
        return
    runs = reproduce_study(
        preset=preset,
        out=out,
        seed=seed,
        study=study,
        images=tuple(images or ()),
        overwrite=overwrite,
        device=device,
        threads=threads or "idle",
        data_dir=data_dir,
        progress=Reporter(),
        **fields,
    )
    print_runs(runs, as_json=as_json, index=out / "index.html")


def _reproduce_claims(out: Path, options: dict[str, Any], *, as_json: bool) -> None:
    """Test the claims of the study, and print the verdicts."""
    from seamline.study.claims_run import reproduce_claims

    report = reproduce_claims(out=out / "claims", progress=Reporter(), **options)
    if as_json:
        claims = [
            {
                "number": one.number,
                "claim": one.claim,
                "parts": [{"name": part.name, "verdict": part.verdict} for part in one.parts],
                "sentence": one.sentence,
            }
            for one in report.results
        ]
        sweeps = [str(path / "index.html") for path in report.sweeps]
        print_json({"claims": claims, "sweeps": sweeps, "page": str(report.page), "failed": report.failed})
    else:
        for one in report.results:
            result(f"{one.number}. {one.claim} {one.sentence}")
        for path in report.sweeps:
            result(f"Sweep:  {path / 'index.html'}")
        result(f"Claims: {report.page}")
    if report.failed:
        raise typer.Exit(1)


def train(
    data: DatasetsArgument,
    preset: PresetOption = "fast",
    model: NetworkOption = None,
    epochs: EpochsOption = None,
    batch_size: BatchSizeOption = None,
    lr: LearningRateOption = None,
    weight_decay: WeightDecayOption = None,
    settings: SetOption = None,
    seed: SeedOption = 0,
    out: Annotated[Path | None, typer.Option("--out", help="Run folder; default: runs/DATA-PRESET.")] = None,
    data_dir: DataDirOption = None,
    groups: GroupsOption = None,
    near_duplicates: NearDuplicatesOption = True,
    image_size: ImageSizeOption = None,
    maps: MapOption = None,
    init_from: InitFromOption = None,
    label_check_folds: FoldsOption = None,
    fold: FoldOption = None,
    device: DeviceOption = "auto",
    threads: ThreadsOption = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Overwrite a finished run.")] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Resume an interrupted run.")] = False,
    checkpoint_every: CheckpointOption = 60.0,
    dry_run: DryRunOption = False,
    as_json: JsonOption = False,
) -> None:
    """Train a model, evaluate it and write its report."""
    watch_load()
    with require_extra("train", "train"):
        from seamline.api.training import plan
        from seamline.training.distributed import rank
    from seamline.data.class_map.files import parse_maps
    from seamline.training.config import field_types, merge_flags, parse_settings

    if len(data) > 1 and (advice := split_setting(sys.argv[1:], field_types())):  # its value is read as a dataset
        raise SeamlineError(advice)
    flags = {"model": model, "epochs": epochs, "batch_size": batch_size, "lr": lr, "weight_decay": weight_decay}
    fields = merge_flags(parse_settings(settings or ()), flags)
    class_maps = parse_maps(maps or ())
    if dry_run:
        fields |= {"groups": groups, "near_duplicates": near_duplicates, "image_size": image_size, "maps": class_maps}
        fields |= {"fold": fold}
        _print_plan(plan(data, preset=preset, progress=Reporter(), **fields), as_json=as_json)
        return
    run = seamline.train(
        data,
        preset=preset,
        out=out,
        seed=seed,
        resume=resume,
        overwrite=overwrite,
        device=device,
        threads=threads or "idle",
        checkpoint_every=checkpoint_every,
        label_check_folds=label_check_folds,
        init_from=init_from,
        data_dir=data_dir,
        groups=groups,
        near_duplicates=near_duplicates,
        image_size=image_size,
        maps=class_maps,
        fold=fold,
        progress=Reporter(),
        **fields,
    )
    if rank() == 0:  # only one of the processes of a distributed training prints
        print_runs([run], as_json=as_json)


def _print_plan(plan: "TrainingPlan", *, as_json: bool) -> None:
    """Print the configuration that a training would use, with the reason for each field."""
    import msgspec

    from seamline.training.config import format_value

    description, fields = plan.data.description, plan.config.to_dict()
    if as_json:
        decisions = msgspec.to_builtins(plan.decisions)
        print_json({"description": description, "config": fields, "auto_config": decisions})
        return
    result(description)
    reasons = {decision.field: decision.reason for decision in plan.decisions}
    for field, value in fields.items():
        usual = "given by the command" if field in plan.settings else f"from preset {plan.preset}"
        result(f"  {field:<18}{format_value(value, field):<14}{reasons.get(field, usual)}")
