"""`seamline measure`."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

import seamline
from seamline.cli.options import BackendOption, DeviceOption, JsonOption, ThreadsOption, print_json
from seamline.cli.photos import refuse_on_cluster, run_on_cluster, say_unused
from seamline.errors import SeamlineError, require_extra
from seamline.io import read_json
from seamline.progress import Reporter, result
from seamline.threads import idle_threads, watch_load

if TYPE_CHECKING:
    from seamline.api.measuring import Measures
    from seamline.run_folder import Front, Interval


def measure(
    photos: Annotated[list[str], typer.Argument(metavar="PHOTO...", help="Photos, folders of photos, or patterns.")],
    model: Annotated[
        Path, typer.Option("--model", metavar="MODEL", help="A run, an ONNX file, or a pretrained model.")
    ] = Path("streets"),
    out: Annotated[str | None, typer.Option("--out", help="Output folder; default: measures/MODEL.")] = None,
    roles: Annotated[
        str | None, typer.Option("--roles", metavar="ROLE=CLASS,...", help="Classes by role: window=glass,facade=wall.")
    ] = None,
    corners: Annotated[
        str | None,
        typer.Option("--corners", metavar='"X,Y X,Y X,Y X,Y"', help="Corners of the front, clockwise from upper left."),
    ] = None,
    height: Annotated[float | None, typer.Option("--height", help="Height of each front in meters.")] = None,
    storey_height: Annotated[
        float | None, typer.Option("--storey-height", help="Mean height of a storey in meters.")
    ] = None,
    pixel_size: Annotated[
        float | None, typer.Option("--pixel-size", help="Meters per pixel of a rectified photo.")
    ] = None,
    azimuth: Annotated[
        float | None,
        typer.Option("--azimuth", metavar="DEGREES", help="Direction the largest front faces, clockwise from north."),
    ] = None,
    group: Annotated[
        str | None,
        typer.Option("--group", metavar="BY", help="Buildings: `folder`, TABLE.csv:COLUMN, or a regex."),
    ] = None,
    count_inferred: Annotated[
        bool, typer.Option("--count-inferred", help="Count hidden windows that rows and columns suggest.")
    ] = False,
    keep_exif: Annotated[bool, typer.Option("--keep-exif", help="Keep position and camera in pictures.")] = False,
    max_side: Annotated[
        int | None, typer.Option("--max-side", help="Reduce a photo's longer side to this for the model.")
    ] = None,
    ray_address: Annotated[
        str | None,
        typer.Option(
            "--ray-address",
            metavar="ADDRESS",
            help="Measure on a Ray cluster, without pictures and drawings; local starts one here.",
        ),
    ] = None,
    device: DeviceOption = "auto",
    backend: BackendOption = None,
    threads: ThreadsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Measure windows, storeys and window-to-wall ratios of buildings."""
    from seamline.buildings.options import MeasureOptions

    options = MeasureOptions(
        roles=_parse_roles(roles),
        corners=None if corners is None else _parse_corners(corners),
        height_m=height,
        storey_height_m=storey_height,
        pixel_size_m=pixel_size,
        azimuth=azimuth,
        count_inferred=count_inferred,
        max_side=max_side,
    )
    if ray_address is not None:
        refuse_on_cluster(False, device, backend, threads)
        _refuse_on_cluster(group, keep_exif)
        with require_extra("--ray-address", "cluster"):
            from seamline.cluster import measure_on_cluster
        call = partial(measure_on_cluster, model, out=out, address=ray_address, measuring=options)
        run_on_cluster(photos, call, "measured", "measured", as_json)
        return
    watch_load()
    reporter = Reporter()
    measure_photos = seamline.measure  # imported before the measurement of the load ends
    threads = idle_threads(threads, "measuring", reporter.say)
    with reporter.photos() as progress:
        measures = measure_photos(
            photos,
            model,
            out=out,
            options=options,
            group=group,
            keep_exif=keep_exif,
            progress=progress,
            backend=backend,
            device=device,
            threads=threads,
        )
    _print_measures(measures, reporter, as_json=as_json)
    if measures.record.errors:
        raise typer.Exit(1)


def _print_measures(measures: "Measures", reporter: Reporter, *, as_json: bool) -> None:
    """Print the measures of each front, then what was not used, warnings and errors."""
    record = measures.record
    if as_json:
        print_json(read_json(measures.folder / "measures.json"))
    else:
        for photo in record.photos:
            for front in photo.fronts:
                result(f"{photo.file}: {_front_text(front)}")
        result(f"{len(record.photos)} of {len(record.photos) + len(record.errors)} photos measured")
        result(f"Results: {measures.folder}\nPage:    {measures.page}")
    say_unused(reporter, record.unused, record.warnings)
    for photo in record.photos:
        for sentence in photo.warnings:
            reporter.say(f"warning: {photo.file}: {sentence}")
    for error in record.errors:
        reporter.say(f"{error.file}: {error.reason}")


def _refuse_on_cluster(group: str | None, keep_exif: bool) -> None:
    """Refuse the options of measuring that have no effect with `--ray-address`.

    Raises:
        SeamlineError: one is given.
    """
    if group is not None:
        raise SeamlineError("--group: gives no totals with --ray-address; omit it, and group rows by their photo")
    if keep_exif:
        raise SeamlineError("--keep-exif: is about pictures, which --ray-address does not write; omit it")


def _front_text(front: "Front") -> str:
    """Return the main measures of a front."""
    from seamline.evaluation.text import pluralize

    parts = [
        f"window-to-wall ratio {_ratio(front.wwr)}",
        pluralize(front.windows, "window"),
        pluralize(len(front.storeys), "storey"),
    ]
    if front.direction:
        parts.append(f"facing {front.direction}")
    if front.hidden_fraction >= 0.005:
        parts.append(f"{front.hidden_fraction:.0%} hidden")
    return f"front {front.number}: {', '.join(parts)}"


def _ratio(ratio: "Interval") -> str:
    """Return a ratio with its interval."""
    if ratio.low is None or ratio.high is None:
        return f"{ratio.value:.0%}"
    return f"{ratio.value:.0%} ({ratio.low:.0%} to {ratio.high:.0%})"


def _parse_roles(text: str | None) -> dict[str, str]:
    """Return role -> class of `--roles`.

    Raises:
        SeamlineError: it has another form, or names a role twice.
    """
    roles: dict[str, str] = {}
    for pair in [] if text is None else text.split(","):
        role, equals, name = (part.strip() for part in pair.partition("="))
        if not (role and equals and name):
            raise SeamlineError(f"--roles {text}: must be ROLE=CLASS,..., such as window=glass,facade=wall")
        if role in roles:
            raise SeamlineError(f"--roles {text}: names {role} twice; name one class for each role")
        roles[role] = name
    return roles


def _parse_corners(text: str) -> tuple[tuple[float, float], ...]:
    """Return the points of `--corners`; `rectify_corners` checks them.

    Raises:
        SeamlineError: they are not four pairs of numbers.
    """
    try:
        points = tuple((float(x), float(y)) for x, y in (point.split(",") for point in text.split()))
    except ValueError:
        points = ()
    if len(points) != 4:
        raise SeamlineError(f'--corners {text!r}: must be four points in pixels, "x,y x,y x,y x,y"')
    return points
