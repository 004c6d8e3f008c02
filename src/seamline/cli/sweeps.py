"""`seamline sweep`."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

import seamline
from seamline.cli.options import (
    BatchSizeOption,
    DataDirOption,
    DatasetsArgument,
    DeviceOption,
    EpochsOption,
    GroupsOption,
    ImageSizeOption,
    InitFromOption,
    JsonOption,
    LearningRateOption,
    MapOption,
    NearDuplicatesOption,
    NetworkOption,
    PresetOption,
    SetOption,
    ThreadsOption,
    WeightDecayOption,
    print_json,
)
from seamline.errors import SeamlineError, require_extra
from seamline.progress import Reporter, result
from seamline.threads import watch_load

if TYPE_CHECKING:
    from seamline.api.sweep import Sweep
    from seamline.evaluation.sweep import SweepResults
    from seamline.evaluation.sweep_settings import SettingResult

VaryOption = Annotated[
    list[str] | None,
    typer.Option("--vary", metavar="FIELD=VALUES", help="Values a,b,c, or a range log:LOW..HIGH; repeatable."),
]
SettingOption = Annotated[
    list[str] | None,
    typer.Option("--setting", metavar="FIELDS", help='One setting, "lr=0.01 epochs=4"; repeatable.'),
]


def sweep(
    data: DatasetsArgument,
    out: Annotated[Path, typer.Option("--out", help="Folder of the sweep.")],
    vary: VaryOption = None,
    setting: SettingOption = None,
    seeds: Annotated[str, typer.Option("--seeds", help="Seeds of each setting: 0-4 or 0,3,7.")] = "0",
    random: Annotated[int | None, typer.Option("--random", metavar="N", help="Draw N settings at random.")] = None,
    search_seed: Annotated[int, typer.Option("--search-seed", help="Seed of the random settings.")] = 0,
    halving: Annotated[
        int | None, typer.Option("--halving", metavar="ETA", help="Successive halving: one of ETA survives.")
    ] = None,
    folds: Annotated[
        int | None, typer.Option("--folds", metavar="K", help="Cross-validate: test each image once in K folds.")
    ] = None,
    jobs: Annotated[int, typer.Option("--jobs", help="Runs at a time, which share the cores.")] = 1,
    baseline: Annotated[
        str | None, typer.Option("--baseline", metavar="FIELDS", help="Setting to compare with; default: the first.")
    ] = None,
    metric: Annotated[str | None, typer.Option("--metric", help="Metric of the validation images to rank by.")] = None,
    preset: PresetOption = "fast",
    model: NetworkOption = None,
    epochs: EpochsOption = None,
    batch_size: BatchSizeOption = None,
    lr: LearningRateOption = None,
    weight_decay: WeightDecayOption = None,
    settings: SetOption = None,
    data_dir: DataDirOption = None,
    groups: GroupsOption = None,
    near_duplicates: NearDuplicatesOption = True,
    image_size: ImageSizeOption = None,
    maps: MapOption = None,
    init_from: InitFromOption = None,
    device: DeviceOption = "auto",
    threads: ThreadsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Train settings times seeds, and compare them on one page."""
    watch_load()
    with require_extra("sweep", "train"):
        from seamline.training.search_space import parse_seeds, parse_setting, parse_vary
    from seamline.data.class_map.files import parse_maps
    from seamline.training.config import merge_flags, parse_settings

    if vary and setting:
        raise SeamlineError(f"--setting {setting[0]}: --vary is given too; use one of them")
    flags = {"model": model, "epochs": epochs, "batch_size": batch_size, "lr": lr, "weight_decay": weight_decay}
    fields = merge_flags(parse_settings(settings or ()), flags)
    varied: Any = {axis.field: axis.text for axis in parse_vary(vary or ())}
    swept = seamline.sweep(
        data,
        [parse_setting(one) for one in setting] if setting else varied,
        out=out,
        preset=preset,
        seeds=parse_seeds(seeds),
        random=random,
        search_seed=search_seed,
        halving=halving,
        folds=folds,
        jobs=jobs,
        baseline=baseline,
        metric=metric,
        data_dir=data_dir,
        groups=groups,
        near_duplicates=near_duplicates,
        image_size=image_size,
        maps=parse_maps(maps or ()),
        init_from=init_from,
        device=device,
        threads=threads or "idle",
        progress=Reporter(),
        **fields,
    )
    _print_sweep(swept, as_json=as_json)
    if swept.failed:
        raise typer.Exit(1)


def _print_sweep(swept: "Sweep", *, as_json: bool) -> None:
    """Print what a sweep shows, which runs failed, and where its page is."""
    from seamline.evaluation.text import PRINTED, title_inside

    results = swept.results
    if as_json:
        from seamline.run_folder import to_json

        failed = {run.name: run.reason for run in swept.failed}
        content: dict[str, Any] = {"sweep": str(swept.path), "report": str(swept.report), "metric": results.measure.key}
        content |= {"metric_over_images": results.measure.counted.key}
        content |= {"winner": swept.winner, "findings": swept.findings, "failed": failed}
        settings = json.loads(to_json([_setting_values(results, one) for one in results.settings]))
        print_json({**content, "settings": settings})
        return
    show, width = PRINTED[results.metric.format][0], max(len(one.setting.name) for one in results.settings)
    for one in results.settings:
        line = f"{one.setting.name:<{width}}  validation {title_inside(results.metric.title)} {show(one.val)}"
        if results.info.folds and results.shows_test(one):
            counted = results.counted_metric
            pooled = PRINTED[counted.format][0](results.pooled(one))
            line += f", test over all folds {title_inside(counted.title)} {pooled}"
        result(line)
    for sentence in swept.findings:
        result(sentence)
    for run in swept.failed:
        result(f"failed: {run.name}: {run.reason}")
    result(f"Sweep:  {swept.path}\nReport: {swept.report}")


def _setting_values(results: "SweepResults", one: "SettingResult") -> dict[str, Any]:
    """Return what a sweep measured of a setting; null for what was not compared."""
    compared, shown, folds = not results.info.drawn, results.shows_test(one), results.info.folds
    difference = next((each for each in results.differences if each.number == one.number), None) if compared else None
    tested = results.winner is not None and results.winner.val.has_interval and one in results.candidates[1:]
    return {
        "setting": one.setting.name,
        "fields": one.setting.fields,
        "runs": len(one.runs),
        "val": one.val,
        "test": one.test if shown and not folds else None,
        "test_over_folds": results.pooled(one) if shown and folds else None,
        "not_significantly_worse": one in results.ties if tested else None,
        "difference_over_seeds": difference.seeds if difference else None,
        "difference_over_images": difference.images if difference else None,
        "seconds": one.seconds,
    }
