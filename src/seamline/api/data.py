"""`inspect`."""

from pathlib import Path
from typing import Any

from seamline.data.groups import Grouping
from seamline.data.prepare import is_own, load_dataset
from seamline.data.validate import DatasetReport, inspect_data, inspect_dataset
from seamline.progress import Reporter, default_reporter


def inspect(
    data: Any,
    *,
    data_dir: Path | str | None = None,
    groups: str | None = None,
    near_duplicates: bool = True,
    progress: Reporter | None = None,
) -> DatasetReport:
    """Check data before training: load and split them as `train` does.

    Args:
        data: a folder or table of images, a dataset or its name, or arrays; see `train`.
        data_dir: folder with the files of a dataset that is called by name.
        groups: which images belong together; see `RunOptions`.
        near_duplicates: whether near-duplicates belong together.
        progress: reports progress.

    Returns:
        Errors that prevent training, warnings, classes, the split and related images. A folder of images without labels
        cannot be trained on, but its related images are searched.

    Raises:
        SeamlineError: there is no such data.
    """
    reporter, grouping = progress or default_reporter(), Grouping(groups, near_duplicates)
    if is_own(data) and not isinstance(data, tuple):
        return inspect_dataset(Path(data).expanduser(), grouping=grouping, reporter=reporter)
    dataset = load_dataset(data, data_dir=data_dir, progress=reporter)
    return inspect_data(dataset, grouping=grouping, reporter=reporter)
