"""The command line: parses arguments, calls one function. What needs torch is imported by the command that needs it."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

import seamline
from seamline.progress import Reporter, result

app = typer.Typer(
    name="seamline",
    help="Train image classifiers and segmenters, and see on one page what they learned and where they fail.",
    invoke_without_command=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

RecipeOption = Annotated[
    str,
    typer.Option("--recipe", help="How to train: fast, original (the course study's), or another of `seamline list`."),
]
SeedOption = Annotated[
    int, typer.Option("--seed", min=0, max=2**63 - 1, help="Decides the split, the first weights and the batches.")
]
DataOption = Annotated[Path | None, typer.Option("--data", help="Folder that holds the dataset's files.")]
DeviceOption = Annotated[str, typer.Option("--device", help="auto, cpu, cuda or mps.")]
EngineOption = Annotated[
    str | None,
    typer.Option("--engine", help="pytorch, onnxruntime or openvino; by default the fastest that is there."),
]
ThreadsOption = Annotated[int | None, typer.Option("--threads", min=1, help="Processor threads to use.")]
SetOption = Annotated[
    list[str] | None, typer.Option("--set", metavar="FIELD=VALUE", help="Change one field of the recipe.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print the result as JSON, for programs.")]


def _show_version(wanted: bool) -> None:
    if wanted:
        result(f"seamline {seamline.__version__}")
        raise typer.Exit


@app.callback()
def main(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Train image classifiers and segmenters, and see on one page what they learned and where they fail."""
    if context.invoked_subcommand is None:
        result(context.get_help())


@app.command()
def reproduce(
    recipe: RecipeOption = "fast",
    settings: SetOption = None,
    seed: SeedOption = 0,
    out: Annotated[Path, typer.Option("--out", help="Folder for the run folders.")] = Path("runs"),
    data: Annotated[
        Path | None, typer.Option("--data", help="Folder that holds the folders fashion-mnist and facades.")
    ] = None,
    photos: Annotated[
        list[Path] | None, typer.Option("--photo", help="Your own photo of a building, for the page; may be repeated.")
    ] = None,
    only: Annotated[str | None, typer.Option("--only", help="One half alone: garments or facades.")] = None,
    device: DeviceOption = "auto",
    threads: ThreadsOption = None,
    force: Annotated[bool, typer.Option("--force", help="Train again what is finished.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Run both halves of the course study again: real images where they can be had, drawn ones elsewhere."""
    from seamline.study.reproduce import reproduce as run_again

    runs = run_again(
        recipe=recipe,
        settings=tuple(settings or ()),
        seed=seed,
        out=out,
        folder=data,
        photos=tuple(photos or ()),
        only=only,
        device=device,
        threads=threads,
        force=force,
        teller=Reporter(),
    )
    _tell(runs, as_json=as_json, index=out / "index.html")


@app.command()
def train(
    data_name: Annotated[
        str,
        typer.Argument(
            metavar="DATA", help="A dataset's name (`seamline list` shows them), or a folder or CSV of your own images."
        ),
    ],
    recipe: RecipeOption = "fast",
    model: Annotated[
        str | None,
        typer.Option("--model", metavar="NAME", help="The network: timm/NAME, smp/DECODER/ENCODER, or one of its own."),
    ] = None,
    settings: SetOption = None,
    seed: SeedOption = 0,
    out: Annotated[Path | None, typer.Option("--out", help="Run folder; by default runs/DATA-RECIPE.")] = None,
    data: DataOption = None,
    size: Annotated[
        str | None,
        typer.Option("--size", help="What own images are brought to: a side, or HEIGHTxWIDTH, in pixels."),
    ] = None,
    start: Annotated[
        Path | None, typer.Option("--from", metavar="MODEL", help="A finished run to start from, with its weights.")
    ] = None,
    folds: Annotated[
        int | None,
        typer.Option(
            "--folds",
            help="Judge the labels of whole images by networks that did not learn from them, one for each of so many "
            "parts: by default 3 for own images, 0 leaves it.",
        ),
    ] = None,
    device: DeviceOption = "auto",
    threads: ThreadsOption = None,
    force: Annotated[bool, typer.Option("--force", help="Write over a finished run.")] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Go on where an interrupted run stopped.")] = False,
    checkpoint_seconds: Annotated[
        float,
        typer.Option("--checkpoint-seconds", min=0.0, help="How often all is kept that --resume needs."),
    ] = 60.0,
    explain: Annotated[
        bool,
        typer.Option("--explain", help="Say what is chosen for own images, and by which rules, and train nothing."),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Train a network, measure it and write its page."""
    from seamline import api
    from seamline.training.distributed import process_rank

    if explain:
        named = [] if model is None else [f"network={model}"]
        _explain(data_name, recipe, (*(settings or ()), *named), size, as_json=as_json)
        return

    run = api.train(
        data_name,
        recipe=recipe,
        model=model,
        settings=tuple(settings or ()),
        seed=seed,
        out=out,
        folder=data,
        size=size,
        start=start,
        folds=folds,
        device=device,
        threads=threads,
        force=force,
        resume=resume,
        checkpoint_seconds=checkpoint_seconds,
        teller=Reporter(),
    )
    if process_rank() == 0:  # of the processes that train together one tells
        _tell([run], as_json=as_json)


def _explain(data: str, recipe: str, settings: tuple[str, ...], size: str | None, *, as_json: bool) -> None:
    """Say what would be chosen for own images, and by which rules."""
    from seamline import api
    from seamline.training.config import overridden_fields, recipe_fields

    used, chosen, note = api.explain(data, recipe=recipe, settings=settings, size=size, teller=Reporter())
    fields = recipe_fields(used)
    if as_json:
        rules = [vars(choice) for choice in chosen]
        result(json.dumps({"note": note, "recipe": fields, "rules": rules}, indent=1, ensure_ascii=False))
        return
    result(note)
    reasons = {choice.field: choice.reason for choice in chosen}
    given = overridden_fields(settings)
    for field, value in fields.items():
        reason = reasons.get(field) or (
            "given by --set" if field in given else f"as recipe {recipe} has it for own images"
        )
        result(f"  {field:<16}{'none' if value is None else value!s:<14}{reason}")


@app.command()
def report(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A finished run folder.")], as_json: JsonOption = False
) -> None:
    """Make the page of a finished run again, from its folder alone."""
    from seamline.report.page import write_report

    page = write_report(run)
    result(json.dumps({"run": str(run), "report": str(page)}) if as_json else f"The page: {page}")


@app.command()
def compare(
    runs: Annotated[
        list[Path], typer.Argument(metavar="RUN RUN...", help="Run folders; the others are compared with the first.")
    ],
    out: Annotated[Path, typer.Option("--out", help="The page to write.")] = Path("compared.html"),
    as_json: JsonOption = False,
) -> None:
    """Set runs on the same test images side by side: what differs, and how sure that is."""
    from seamline.report.compared import write_comparison

    page, told = write_comparison(runs, out)
    if as_json:
        result(json.dumps({"page": str(page), "told": told}, ensure_ascii=False))
        return
    for sentence in told:
        result(sentence)
    result(f"The page: {page}")


@app.command()
def audit(
    data_name: Annotated[str, typer.Argument(metavar="DATA", help="A dataset's name, or a folder of images.")],
    data: DataOption = None,
    threads: ThreadsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Look at a folder of own images before training; in any set find repeats and several crops of one scene."""
    from seamline import api
    from seamline.data.registry import is_path
    from seamline.models.devices import set_num_threads

    set_num_threads(threads)
    if is_path(data_name) and _examine(data_name, as_json=as_json):
        return
    found = api.audit(data_name, folder=data, teller=Reporter())
    if as_json:
        result(json.dumps(found.json(), indent=1))
        return
    for group in found.groups:
        result("  ".join(group))
    result(found.summary())


def _examine(place: str, *, as_json: bool) -> bool:
    """Say what a folder of own images holds; False where it is nothing that can be learned from, but has images."""
    from seamline import api
    from seamline.errors import SeamlineError

    teller = Reporter()
    try:
        found = api.inspect_dataset(place, teller=teller)
    except SeamlineError as error:
        if not Path(place).expanduser().is_dir():
            raise
        teller.say(f"{error}; looking for relatives only")
        return False
    if as_json:
        result(json.dumps(found.json(), indent=1, ensure_ascii=False))
    else:
        _tell_examination(found)
    if found.wrong:
        raise typer.Exit(1)
    return True


def _tell_examination(found: Any) -> None:
    """Print what was found in a folder: facts, a table of classes, then what is wrong and what is odd."""
    wide = max(len(name) for name, _ in found.facts) + 2
    for name, fact in found.facts:
        result(f"{name:<{wide}}{fact}")
    if found.classes:
        columns = [name for name in found.classes[0] if name != "class"]
        totals = {name: max(1, sum(row[name] for row in found.classes)) for name in columns}
        wide = max(len("class"), *(len(row["class"]) for row in found.classes)) + 2
        result("\n" + f"{'class':<{wide}}" + "".join(f"{f'{name}, {found.unit}':>22}" for name in columns))
        for row in found.classes:
            cells = (f"{row[name]:,} ({row[name] / totals[name]:.1%})" for name in columns)
            result(f"{row['class']:<{wide}}" + "".join(f"{cell:>22}" for cell in cells))
    if found.relatives is not None and found.relatives.groups:
        result("\nRelated images")
        for group in found.relatives.groups[:_GROUPS]:
            rest = f"  and {len(group) - _NAMES:,} more" if len(group) > _NAMES else ""
            result("  " + "  ".join(group[:_NAMES]) + rest)
        if (more := len(found.relatives.groups) - _GROUPS) > 0:
            result(f"  and {more:,} groups more; --json names all")
    for title, lines in (("Cannot be read", found.unreadable), ("Cannot work", found.wrong), ("Odd", found.odd)):
        if lines:
            result(f"\n{title}")
            for line in lines:
                result(f"  {line}")
    if not found.wrong:
        result(f"\nIt can be trained on: seamline train {found.place}")


_GROUPS = 20
"""Groups of related images that are printed."""
_NAMES = 6
"""Images of each that are."""


@app.command()
def predict(
    model: Annotated[
        Path,
        typer.Argument(metavar="MODEL", help="A run folder, an exported file, or a ready network: facades, garments."),
    ],
    photos: Annotated[list[str], typer.Argument(metavar="PHOTO...", help="Photos, folders of photos, or patterns.")],
    out: Annotated[
        str | None, typer.Option("--out", help="Folder for the results; by default predictions/RUN.")
    ] = None,
    size: Annotated[
        int | None,
        typer.Option(
            "--size",
            help="Longer side at which the network sees a photo; 0 for the photo's own. By default 1.5 times that of "
            "the training images: ask for more where a photo shows a street, not a house.",
        ),
    ] = None,
    with_report: Annotated[bool, typer.Option("--report", help="Also write a page that shows the photos.")] = False,
    cluster: Annotated[
        str | None,
        typer.Option(
            "--cluster",
            metavar="[ADDRESS]",
            help="Predict a folder or a bucket (s3://…) on a Ray cluster, by default one on this machine, into Parquet "
            "files. An interrupted call goes on when it is made again.",
        ),
    ] = None,
    device: DeviceOption = "auto",
    engine: EngineOption = None,
    threads: ThreadsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Use a trained network on your own photos."""
    if cluster is not None:
        _predict_on_cluster(model, photos, out=out, size=size, address=cluster, as_json=as_json)
        return
    from seamline.inference.predict import predict as predict_photos

    teller = Reporter()
    with teller.photos() as progress:
        made = predict_photos(
            model,
            photos,
            out=out,
            size=size,
            report=with_report,
            device=device,
            engine=engine,
            threads=threads,
            progress=progress,
        )
    if as_json:
        result((made.folder / "predictions.json").read_text(encoding="utf-8").rstrip())
    else:
        for one in made.photos:
            if "label" in one:
                result(f"{one['file']}: {one['label']} ({one['probability']:.0%})")
        result(f"{len(made.photos)} of {len(made.photos) + len(made.failed)} photos predicted")
        result(f"The results: {made.folder}" + (f"\nThe page:    {made.page}" if made.page else ""))
    for one in made.failed:
        teller.say(f"{one['file']}: {one['reason']}")
    if made.failed:
        raise typer.Exit(1)


def _predict_on_cluster(
    model: Path, photos: list[str], *, out: str | None, size: int | None, address: str, as_json: bool
) -> None:
    """Predict the photos of one place on a Ray cluster."""
    from dataclasses import asdict

    from seamline.errors import SeamlineError

    try:
        from seamline.cluster import predict_on_cluster
    except ImportError as error:
        raise SeamlineError(f"--cluster: needs {error.name}; pip install 'seamline[cluster]'") from None
    if len(photos) != 1:
        raise SeamlineError(f"--cluster: takes one folder or address of photos, got {len(photos)}")
    with Reporter().photos() as progress:
        done = predict_on_cluster(model, photos[0], out=out, size=size, address=address, progress=progress)
    if as_json:
        result(json.dumps(asdict(done)))
        return
    result(f"{done.photos:,} of {done.photos + done.errors:,} photos predicted, {done.parts:,} parts in this call")
    if done.errors:
        result(f"{done.errors:,} could not be: {done.out}/errors")
    result(f"The results: {done.out}")


@app.command()
def export(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A finished run folder.")],
    out: Annotated[
        Path | None, typer.Option("--out", help="The file; by default model.onnx in the run folder.")
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="Look at an image less often before answering; what that costs is measured.")
    ] = False,
    int8: Annotated[
        bool, typer.Option("--int8", help="Work with whole numbers of eight bits; what that costs is measured.")
    ] = False,
    max_cost: Annotated[
        float,
        typer.Option("--max-cost", metavar="POINTS", help="Points of accuracy or mean AP that both may cost."),
    ] = 1.0,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write a run's network as one ONNX file that gives the same answers elsewhere."""
    from seamline import api

    made = api.export(run, out=out, quick=quick, int8=int8, max_cost=max_cost, folder=data, teller=Reporter())
    if as_json:
        checks = [vars(check) for check in made.checks]
        told = {"file": str(made.file), "bytes": made.size, "checks": checks}
        if made.cost is not None:
            told |= {"figure": made.figure, "before": made.before, "after": made.after, "looks": made.looks}
        result(json.dumps(told, indent=1))
        return
    for check in made.checks:
        result(f"{check}, on {check.images:,} validation images")
    if made.looks:
        result(f"It looks at an image {made.looks}")
    if made.cost is not None:
        words = {"mean_ap": "mean AP", "accuracy": "accuracy"}[made.figure]
        result(f"{words} on validation {made.before:.4f} before, {made.after:.4f} after: {made.cost:+.2f} points lost")
    result(f"The file: {made.file} ({made.size / 1e6:.1f} MB)")


@app.command()
def serve(
    model: Annotated[
        Path,
        typer.Argument(metavar="MODEL", help="A run folder, an exported file, or a ready network; facades if none."),
    ] = Path("facades"),
    host: Annotated[str, typer.Option("--host", help="The address to listen at; 0.0.0.0 for all.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="The port; 0 takes a free one.")] = 8000,
    allow_host: Annotated[
        list[str] | None,
        typer.Option("--allow-host", metavar="NAME", help="A name it also answers under; may be repeated."),
    ] = None,
    max_megabytes: Annotated[
        float, typer.Option("--max-megabytes", min=0.001, max=2048, help="The most that a photo's file may have.")
    ] = 32,
    max_megapixels: Annotated[
        float, typer.Option("--max-megapixels", min=0.001, max=200, help="The most that a photo may have.")
    ] = 50,
    device: DeviceOption = "auto",
    engine: EngineOption = None,
    threads: ThreadsOption = None,
) -> None:
    """Open a web page on this machine, with an API, that shows what a network sees in photos."""
    from seamline.errors import SeamlineError

    try:
        from seamline.serve.limits import Limits
        from seamline.serve.server import serve as serve_model
    except ModuleNotFoundError as error:
        raise SeamlineError(
            f"serve: needs {error.name}, which is not installed; pip install 'seamline[serve]'"
        ) from None
    serve_model(
        model,
        host=host,
        port=port,
        hosts=tuple(allow_host or ()),
        limits=Limits(bytes=round(max_megabytes * (1 << 20)), pixels=round(max_megapixels * 1_000_000)),
        device=device,
        engine=engine,
        threads=threads,
        ready=result,
    )


@app.command(name="list")
def list_all(as_json: JsonOption = False) -> None:
    """List the datasets, the networks that ship with the package, and the recipes."""
    from seamline.data.registry import DATASETS
    from seamline.inference.pretrained import READY
    from seamline.training.config import presets_for, recipe_fields

    recipes = {
        kind: {name: recipe_fields(recipe) for name, recipe in presets_for(segments=segments).items()}
        for kind, segments in (("classifiers", False), ("segmenters", True))
    }
    if as_json:
        titles = {name: entry.title for name, entry in DATASETS.items()}
        result(json.dumps({"datasets": titles, "networks": READY, "recipes": recipes}, indent=1))
        return
    result("Datasets")
    for name, entry in DATASETS.items():
        result(f"  {name:<18}{entry.title}")
    result("\nNetworks that ship with the package, for predict")
    for name, purpose in READY.items():
        result(f"  {name:<18}{purpose}")
    for kind, table in recipes.items():
        result(f"\nRecipes of {kind}; --set FIELD=VALUE changes a field")
        result(f"  {'':<18}" + "".join(f"{name:<14}" for name in table))
        for field in next(iter(table.values())):
            shown = ["none" if fields[field] is None else str(fields[field]) for fields in table.values()]
            result(f"  {field:<18}" + "".join(f"{value:<14}" for value in shown).rstrip())


def _tell(runs: list[Path], *, as_json: bool, index: Path | None = None) -> None:
    """Say at the end what came out and where it lies."""
    from seamline.io import read_json

    told = []
    for run in runs:
        scores = read_json(run / "scores.json")
        told.append({"run": str(run), "report": str(run / "report.html"), "scores": scores})
        if not as_json:
            for part, words in (("val", "validation"), ("test", "test")):
                result(f"{words:<11}" + ", ".join(_figures(scores[part])))
            result(f"The run:   {run}\nThe page:  {run / 'report.html'}")
    if as_json:
        result(json.dumps({"runs": told, **({} if index is None else {"index": str(index)})}, indent=1))
    elif index is not None:
        result(f"All pages: {index}")


def _figures(scores: dict[str, Any]) -> list[str]:
    """Return a split's headline figures in words, those that it has."""
    told = []
    for key, words, scale, unit in (
        ("mean_ap", "mean AP by raw scores", 1, ""),
        ("mean_ap_softmax", "by softmax", 1, ""),
        ("accuracy", "accuracy", 100, " %"),
    ):
        if scores.get(key, {}).get("value") is not None:
            low, value, high = (None if scores[key][end] is None else scale * scores[key][end] for end in _ENDS)
            digits = 1 if unit else 3
            interval = "" if low is None or high is None else f" ({low:.{digits}f} to {high:.{digits}f})"
            told.append(f"{words} {value:.{digits}f}{unit}{interval}")
    return told


_ENDS = ("low", "value", "high")
