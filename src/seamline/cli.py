"""The command line: parses arguments, calls one function. What needs torch is imported by the command that needs it."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

import seamline
from seamline.console import Teller, result

app = typer.Typer(
    name="seamline",
    help="Train image classifiers and see on one page what they learned and where they fail.",
    invoke_without_command=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

RecipeOption = Annotated[str, typer.Option("--recipe", help="How to train: fast, or original (the course study's).")]
SeedOption = Annotated[
    int, typer.Option("--seed", min=0, max=2**63 - 1, help="Decides the split, the first weights and the batches.")
]
DataOption = Annotated[Path | None, typer.Option("--data", help="Folder that holds the dataset's files.")]
DeviceOption = Annotated[str, typer.Option("--device", help="auto, cpu, cuda or mps.")]
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
    """Train image classifiers and see on one page what they learned and where they fail."""
    if context.invoked_subcommand is None:
        result(context.get_help())


@app.command()
def reproduce(
    recipe: RecipeOption = "fast",
    settings: SetOption = None,
    seed: SeedOption = 0,
    out: Annotated[Path, typer.Option("--out", help="Folder for the run folders.")] = Path("runs"),
    data: DataOption = None,
    device: DeviceOption = "auto",
    threads: ThreadsOption = None,
    force: Annotated[bool, typer.Option("--force", help="Train again what is finished.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Run the course study again: real garments where they can be had, drawn ones elsewhere."""
    from seamline import pipeline

    runs = pipeline.reproduce(
        recipe=recipe,
        settings=tuple(settings or ()),
        seed=seed,
        out=out,
        folder=data,
        device=device,
        threads=threads,
        force=force,
        teller=Teller(),
    )
    _tell(runs, as_json=as_json)


@app.command()
def train(
    data_name: Annotated[str, typer.Argument(metavar="DATA", help="A dataset's name; `seamline list` shows them.")],
    recipe: RecipeOption = "fast",
    settings: SetOption = None,
    seed: SeedOption = 0,
    out: Annotated[Path | None, typer.Option("--out", help="Run folder; by default runs/DATA-RECIPE.")] = None,
    data: DataOption = None,
    device: DeviceOption = "auto",
    threads: ThreadsOption = None,
    force: Annotated[bool, typer.Option("--force", help="Write over a finished run.")] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Go on where an interrupted run stopped.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Train a network, measure it and write its page."""
    from seamline import pipeline

    run = pipeline.train(
        data_name,
        recipe=recipe,
        settings=tuple(settings or ()),
        seed=seed,
        out=out,
        folder=data,
        device=device,
        threads=threads,
        force=force,
        resume=resume,
        teller=Teller(),
    )
    _tell([run], as_json=as_json)


@app.command()
def report(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A finished run folder.")], as_json: JsonOption = False
) -> None:
    """Make the page of a finished run again, from its folder alone."""
    from seamline.report.page import write_report

    page = write_report(run)
    result(json.dumps({"run": str(run), "report": str(page)}) if as_json else f"The page: {page}")


@app.command(name="list")
def list_all(as_json: JsonOption = False) -> None:
    """List the datasets and the recipes."""
    from seamline.data.catalogue import DATASETS
    from seamline.learn.recipes import RECIPES, recipe_fields

    tables: dict[str, Any] = {
        "datasets": {name: entry.title for name, entry in DATASETS.items()},
        "recipes": {name: recipe_fields(recipe) for name, recipe in RECIPES.items()},
    }
    if as_json:
        result(json.dumps(tables, indent=1))
        return
    result("Datasets")
    for name, title in tables["datasets"].items():
        result(f"  {name:<18}{title}")
    result("\nRecipes; --set FIELD=VALUE changes a field")
    result(f"  {'':<18}" + "".join(f"{name:<14}" for name in tables["recipes"]))
    for field in next(iter(tables["recipes"].values())):
        shown = ["none" if fields[field] is None else str(fields[field]) for fields in tables["recipes"].values()]
        result(f"  {field:<18}" + "".join(f"{value:<14}" for value in shown).rstrip())


def _tell(runs: list[Path], *, as_json: bool) -> None:
    """Say at the end what came out and where it lies."""
    from seamline.data.files import read_json

    told = []
    for run in runs:
        scores = read_json(run / "scores.json")
        told.append({"run": str(run), "report": str(run / "report.html"), "scores": scores})
        if not as_json:
            for part, words in (("val", "validation"), ("test", "test")):
                share = scores[part]["accuracy"]
                low, value, high = (100 * share[key] for key in ("low", "value", "high"))
                result(f"{words:<11}accuracy {value:.1f} % ({low:.1f} to {high:.1f})")
            result(f"The run:   {run}\nThe page:  {run / 'report.html'}")
    if as_json:
        result(json.dumps({"runs": told}, indent=1))
