"""`inspect`."""

from pathlib import Path
from typing import Any

from seamline.data.near_duplicates.report import DuplicateReport, find_dataset_duplicates, find_folder_duplicates
from seamline.data.prepare import is_own, load_dataset
from seamline.data.validate import DatasetReport, inspect_dataset
from seamline.errors import SeamlineError
from seamline.progress import Reporter, default_reporter


def inspect(
    data: Any, *, data_dir: Path | str | None = None, progress: Reporter | None = None
) -> DatasetReport | DuplicateReport:
    """Check data before training.

    Args:
        data: a folder or table of images, a dataset or its name, or arrays; see `train`.
        data_dir: folder with the files of a dataset that is called by name.
        progress: reports progress.

    Returns:
        Of a folder or table: its classes, errors, warnings and near-duplicates. Of anything else, and of a folder of
        images without labels: near-duplicates within and across the splits.

    Raises:
        SeamlineError: there is no such data, or an image cannot be read.
    """
    reporter = progress or default_reporter()
    if is_own(data) and not isinstance(data, tuple):
        path = Path(data).expanduser()
        try:
            with (
                reporter.counting("reading images") as reading,
                reporter.counting("searching for duplicates") as searching,
            ):
                return inspect_dataset(path, decode_progress=reading, search_progress=searching)
        except SeamlineError as error:
            if not path.is_dir():
                raise
            reporter.say(f"{error}; searching for near-duplicates only")
            with reporter.counting("searching for near-duplicates") as searching:
                return find_folder_duplicates(path, searching)
    dataset = load_dataset(data, data_dir=data_dir, progress=reporter)
    with reporter.counting("searching for near-duplicates") as searching:
        return find_dataset_duplicates(dataset, searching)
