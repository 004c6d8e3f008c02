"""What the commands on photos share: work on a cluster, and what they say of files that are not used."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from seamline.cli.options import print_json
from seamline.errors import SeamlineError
from seamline.progress import Reporter, result

if TYPE_CHECKING:
    from seamline.cluster.driver import Summary
    from seamline.run_folder import UnusedData


_WORKERS = "each of its workers uses one thread, and a GPU where the cluster has one"


def refuse_on_cluster(report: bool, device: str, backend: str | None, threads: int | None) -> None:
    """Refuse the options that have no effect with `--ray-address`.

    Raises:
        SeamlineError: one is given.
    """
    if report:
        raise SeamlineError("--report: writes no page with --ray-address; omit it")
    given = {"device": None if device == "auto" else device, "backend": backend, "threads": threads}
    for name, value in given.items():
        if value is not None:
            raise SeamlineError(f"--{name} {value}: has no effect with --ray-address ({_WORKERS}); omit it")


def run_on_cluster(
    photos: Sequence[str], call: "Callable[..., Summary]", done: str, failed: str, as_json: bool
) -> None:
    """Work on the photos of one folder or bucket on a Ray cluster, and print the outcome.

    Args:
        photos: what the user names, which must be one folder or bucket.
        call: does the work; takes the folder, and `progress`.
        done: what is done with photos, such as `predicted`.
        failed: what could not be done with photos that have no results, such as `read`.
        as_json: whether to print JSON.

    Raises:
        SeamlineError: several are named, or the work cannot be done.
    """
    import msgspec

    if len(photos) != 1:
        raise SeamlineError(f"--ray-address: takes one folder or URI of photos, got {len(photos)}")
    reporter = Reporter()
    with reporter.photos() as progress:
        summary = call(photos[0], progress=progress)
    if as_json:
        print_json(msgspec.to_builtins(summary))
    else:
        total = summary.photos + summary.errors
        result(f"{summary.photos:,} of {total:,} photos {done}, {summary.shards:,} shards in this call")
        if summary.errors:
            result(f"{summary.errors:,} photos could not be {failed}, see {summary.out}/errors")
        result(f"Results: {summary.out}")
    say_unused(reporter, summary.unused, summary.warnings)


def say_unused(reporter: Reporter, unused: "Sequence[UnusedData]", warnings: Sequence[str]) -> None:
    """Print what is not used, and warnings about unusual photos."""
    for item in unused:
        reporter.say(f"not used: {item.sentence}")
    for sentence in warnings:
        reporter.say(f"warning: {sentence}")
