"""`inspect`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec import structs

from seamline.data.class_map.files import check_maps, find_map, refuse_map
from seamline.data.groups import Grouping
from seamline.data.prepare import is_folder, list_sources, load_dataset
from seamline.data.validate import DatasetReport, inspect_data, inspect_dataset
from seamline.progress import Reporter, default_reporter
from seamline.run_folder import ClassMap


def inspect(
    data: Any,
    *,
    data_dir: Path | str | None = None,
    groups: str | None = None,
    near_duplicates: bool = True,
    maps: Mapping[str, ClassMap | Path | str] | None = None,
    progress: Reporter | None = None,
) -> DatasetReport:
    """Check data before training: load and split them as `train` does.

    Args:
        data: a folder or table of images, a dataset or its name, arrays, or a list of these; see `train`.
        data_dir: folder with the files of a dataset that is called by name.
        groups: which images belong together; see `RunOptions`.
        near_duplicates: whether near-duplicates belong together.
        maps: class maps; see `RunOptions`.
        progress: reports progress.

    Returns:
        Errors that prevent training, warnings, classes, the split and related images. A folder of images without labels
        cannot be trained on, but its related images are searched.

    Raises:
        SeamlineError: there is no such data.
    """
    reporter, grouping = progress or default_reporter(), Grouping(groups, near_duplicates)
    sources = list_sources(data)
    check_maps(maps, sources)
    if len(sources) == 1 and is_folder(sources[0]):
        class_map, name = find_map(sources[0], maps)
        with refuse_map(name):
            path = Path(sources[0]).expanduser()
            return inspect_dataset(path, grouping=grouping, class_map=class_map, reporter=reporter)
    dataset = load_dataset(data, data_dir=data_dir, maps=maps, progress=reporter)
    report = inspect_data(dataset, grouping=grouping, reporter=reporter)
    named = tuple(str(one) for one in sources if isinstance(one, str | Path))
    return structs.replace(report, sources=named if len(sources) > 1 else ())
