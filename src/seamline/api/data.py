"""`inspect`."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from msgspec import structs

from seamline.data.class_map.files import check_maps, find_map, refuse_map
from seamline.data.groups import Grouping
from seamline.data.prepare import is_folder, list_sources, load_dataset
from seamline.data.validate import DatasetReport, Inspection, inspect_data, inspect_dataset
from seamline.errors import SeamlineError
from seamline.progress import Reporter, default_reporter
from seamline.report.inspect_page import write_inspection_page
from seamline.run_folder import ClassMap


def inspect(
    data: Any,
    *,
    data_dir: Path | str | None = None,
    groups: str | None = None,
    near_duplicates: bool = True,
    maps: Mapping[str, ClassMap | Path | str] | None = None,
    report: bool = False,
    out: Path | str | None = None,
    progress: Reporter | None = None,
) -> DatasetReport:
    """Check data before training: load and split them as `train` does.

    Args:
        data: a folder or table of images, a dataset or its name, arrays, or a list of these; see `train`.
        data_dir: folder with the files of a dataset that is called by name.
        groups: which images belong together; see `RunOptions`.
        near_duplicates: whether near-duplicates belong together.
        maps: class maps; see `RunOptions`.
        report: whether to write a page that shows the images.
        out: the page to write; by default `inspections/NAME.html`, with the name of the data. No page is written by
            default into a folder of the data.
        progress: reports progress.

    Returns:
        Errors that prevent training, warnings, classes, the split and related images. A folder of images without labels
        cannot be trained on, but its related images are searched.

    Raises:
        SeamlineError: there is no such data, or `out` cannot be written.
    """
    reporter, sources = progress or default_reporter(), list_sources(data)
    check_maps(maps, sources)
    inspection = _inspect(data, sources, data_dir, Grouping(groups, near_duplicates), maps, reporter)
    named = tuple(str(one) for one in sources if isinstance(one, str | Path))
    result = structs.replace(inspection.report, sources=named if len(sources) > 1 else ())
    if out is not None or report:
        command = train_command(sources, maps or {})
        page = _write_page(replace(inspection, report=result), sources, out, command, reporter)
        result = structs.replace(result, page=page)
    return result


def train_command(sources: Sequence[Any], maps: Mapping[str, Any]) -> str:
    """Return the command that trains on data; empty where they, or their class maps, are not files or names."""
    if not all(isinstance(one, str | Path) for one in (*sources, *maps.values())):
        return ""
    options = [word for name, file in maps.items() for word in ("--map", f"{name}={file}")]
    return f"seamline train {shlex.join([*map(str, sources), *options])}"


def _inspect(
    data: Any,
    sources: Sequence[Any],
    data_dir: Path | str | None,
    grouping: Grouping,
    maps: Mapping[str, ClassMap | Path | str] | None,
    reporter: Reporter,
) -> Inspection:
    """Inspect a folder by its files, other data as they are loaded."""
    if len(sources) == 1 and is_folder(sources[0]):
        class_map, name = find_map(sources[0], maps)
        with refuse_map(name):
            path = Path(sources[0]).expanduser()
            return inspect_dataset(path, grouping=grouping, class_map=class_map, reporter=reporter)
    dataset = load_dataset(data, data_dir=data_dir, maps=maps, progress=reporter)
    return inspect_data(dataset, grouping=grouping, reporter=reporter)


def _write_page(
    inspection: Inspection, sources: Sequence[Any], out: Path | str | None, command: str, reporter: Reporter
) -> str:
    """Write the page, and return its path; empty where it cannot be written to its default place."""
    if out is not None:
        return str(write_inspection_page(inspection, Path(out), command))
    paths = [Path(one).expanduser().resolve() for one in sources if isinstance(one, str | Path)]
    page = (
        Path("inspections") / f"{'+'.join(path.name if path.is_dir() else path.stem for path in paths) or 'data'}.html"
    )
    if any(page.resolve().is_relative_to(path) for path in paths if path.is_dir()):
        reporter.say(f"no page is written, because {page} would be among the data; name a file with --out")
        return ""
    try:
        return str(write_inspection_page(inspection, page, command))
    except SeamlineError as error:
        reporter.say(f"no page is written: {error}")
        return ""
