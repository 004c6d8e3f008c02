"""`seamline suggest`."""

from pathlib import Path
from typing import Annotated

import typer

import seamline
from seamline.cli.options import BackendOption, DeviceOption, JsonOption, ModelArgument, ThreadsOption, print_json
from seamline.cli.photos import say_unused
from seamline.errors import list_first
from seamline.progress import Reporter, result
from seamline.threads import idle_threads, watch_load

PRINTED = 10
"""Photos that are printed."""


def suggest(
    model: ModelArgument,
    photos: Annotated[list[str], typer.Argument(metavar="PHOTO...", help="Photos, folders of photos, or patterns.")],
    count: Annotated[int, typer.Option("--count", min=1, help="Photos to choose.")] = 20,
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="JSON file to write the list to.")] = None,
    device: DeviceOption = "auto",
    backend: BackendOption = None,
    threads: ThreadsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Rank photos by how much a label would teach the model."""
    import msgspec

    watch_load()
    reporter = Reporter()
    rank_photos = seamline.suggest  # imported before the measurement of the load ends
    threads = idle_threads(threads, "predicting", reporter.say)
    ranked = rank_photos(
        model, photos, count=count, out=out, progress=reporter, device=device, backend=backend, threads=threads
    )
    if as_json:
        print_json(msgspec.to_builtins(ranked))
    else:
        for number, photo in enumerate(ranked.photos[:PRINTED], 1):
            result(f"{number:>3}  {photo.score:.3f}  {photo.path}: {photo.reason}")
        if len(ranked.photos) > PRINTED:
            result(f"and {len(ranked.photos) - PRINTED:,} more")
        if out is not None:
            result(f"List: {out}")
    if ranked.left_out:
        named = list_first([f"{one.file} ({one.reason})" for one in ranked.left_out])
        reporter.say(f"left out: {len(ranked.left_out):,} near-duplicates: {named}")
    say_unused(reporter, ranked.unused, ())
    for error in ranked.errors:
        reporter.say(f"{error.file}: {error.reason}")
    if ranked.errors:
        raise typer.Exit(1)
