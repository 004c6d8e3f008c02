"""The images of the run that a training starts from, as that run split them, and the few photos beside them."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from seamline.data.class_map.files import find_map
from seamline.data.dataset import Dataset
from seamline.data.splits import Splits
from seamline.errors import SeamlineError
from seamline.progress import Reporter
from seamline.run_folder import ClassMap, DatasetInfo, RunFolder
from seamline.training.run_data import image_digests, load_run_data


def load_first_set(
    sources: Sequence[Any],
    start: RunFolder,
    data_dir: Path | str | None,
    maps: Mapping[str, ClassMap | Path | str] | None,
    reporter: Reporter,
) -> list[Any]:
    """Return sources of data, with the dataset of a run in place of what names it.

    The dataset keeps the run's training, validation and test images: drawn anew beside other photos, test images could
    be ones that the run was trained on.

    Args:
        sources: as the user names them; a single one is loaded as it is.
        start: the run that a training starts from.
        data_dir: folder with a folder for each dataset that is called by name.
        maps: the user's class maps; the dataset of the run keeps that of the run.
        reporter: reports progress.

    Raises:
        SeamlineError: the images of the run are not available, or some have changed, or a class map is given for them.
    """
    info = start.info.read()
    if len(sources) == 1:
        return [*sources]
    loaded: list[Any] = []
    for source in sources:
        if not info.dataset.parts and _is_source(info.dataset, source):
            if name := find_map(source, maps).name:
                raise SeamlineError(
                    f"{name}: {info.dataset.name} keeps the classes of {start.path}; leave this map out"
                )
            given = source if isinstance(source, Dataset) else None
            below = None if data_dir is None else Path(data_dir).expanduser() / info.dataset.name
            data, splits = load_run_data(start, given, below if below and below.is_dir() else None, reporter)
            source = replace(data, train=splits.train, val=splits.val)
        loaded.append(source)
    return loaded


def _is_source(info: DatasetInfo, source: object) -> bool:
    """Return whether a source names the dataset of a run: by its name, its folder, or as a dataset of that name."""
    if isinstance(source, Dataset):
        return source.name == info.name
    if not isinstance(source, str | Path):
        return False
    return str(source) == info.name or Path(source).expanduser().absolute() == Path(info.source)


def learned_before(start: RunFolder, data: Dataset, splits: Splits) -> tuple[str, ...]:
    """Return a warning where a run has learned from images that are held out now, found by their pixels.

    Args:
        start: the run that a training starts from; nothing is known of one whose dataset has a name.
        data: the dataset of the training, with its test images.
        splits: its training and validation images.
    """
    index = start.read_index()
    if index is None:
        return ()
    learned = {bytes(digest) for digest in index.image_digests[index.split_ids == 0]}
    counts = {
        word: (sum(bytes(digest) in learned for digest in image_digests(split.images)), len(split))
        for word, split in (("validation", splits.val), ("test", data.test))
    }
    shares = [f"{seen:,} of {of:,} {word} image{'s' * (of != 1)}" for word, (seen, of) in counts.items() if seen]
    if not shares:
        return ()
    return (
        f"{start.path} has learned from {' and '.join(shares)}, so their metrics are too good, most of all those "
        "before this training; start from a run that has not",
    )


def describe_few(data: Dataset, splits: Splits) -> str:
    """State what few photos, of one dataset, are learned from and validated on, and what that tells.

    Args:
        data: the dataset, or one of several; it has too few groups to draw test images from.
        splits: the training and validation images of all.
    """
    names = {*data.train.names}
    learned, validated = (sum(name in names for name in split.names) for split in (splits.train, splits.val))
    if not validated:
        every = "it is" if learned == 1 else f"all {learned:,} are"
        return f"{data.name}: too few photos for validation and test images; {every} learned from"
    photos = "1 photo, which shows" if validated == 1 else f"{validated:,} photos, which show"
    return (
        f"{data.name}: too few photos for test images: {learned:,} to learn from; validation is of {photos} little "
        "more than that the training works"
    )
