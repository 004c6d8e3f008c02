"""Inspect an image folder before training: contents, errors and warnings."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from msgspec import Struct, structs

from seamline.data.checks import dataset_warnings
from seamline.data.dataset import Dataset
from seamline.data.groups import Grouping
from seamline.data.image_folder import detect_format, load_contents
from seamline.data.image_folder.load import LoadedFolder, Progress
from seamline.data.image_folder.records import FolderContents, Sample
from seamline.data.image_io import ImageHeader, read_header, read_image
from seamline.data.limits import map_threads
from seamline.data.masks import list_values, mask_values
from seamline.data.near_duplicates.report import DuplicateReport, find_dataset_duplicates, find_folder_duplicates
from seamline.data.prepare import detect_groups, split_data
from seamline.data.split_warnings import ORDERS, grouping_warnings, no_test_reason
from seamline.errors import SeamlineError, list_first
from seamline.progress import Reporter
from seamline.run_folder import ClassMap, Count, SplitInfo, Task, UnusedData

SPLIT_NAMES = ("train", "val", "test")

MAX_LISTED_SIZES = 1_000
"""Sizes of images that a report lists, the most frequent."""

_MAX_SIZES = 4


class SizeCount(Struct, frozen=True, kw_only=True):
    """How many image files have a size."""

    width: Count  # in pixels
    height: Count  # in pixels
    images: Count  # number of images


class ClassCount(Struct, frozen=True, kw_only=True):
    """How often a class occurs: in images, or of masks in pixels."""

    name: str  # name of the class
    train: Count  # in the training images
    val: Count  # in the validation images
    test: Count  # in the test images


class DatasetReport(Struct, frozen=True, kw_only=True):
    """What `inspect` finds out about data; `inspect --json` prints it."""

    source: str  # the folder, table or dataset
    sources: tuple[str, ...] = ()  # what the user names, where several datasets are joined
    page: str = ""  # the page that was written; empty where none was
    usable: bool  # whether it can be trained on; there are no errors then
    errors: tuple[str, ...] = ()  # what prevents training, with the fix
    warnings: tuple[str, ...] = ()  # unusual properties that do not prevent training, the most serious first
    unreadable: tuple[str, ...] = ()  # a message for each file that cannot be read
    unused: tuple[UnusedData, ...] = ()  # what is in the folder and not used
    task: Task | None = None  # what the labels are for; null where there are none
    facts: dict[str, str] = {}  # short name -> a fact, such as `sizes`; sizes are width x height
    sizes: tuple[SizeCount, ...] = ()  # the sizes of image files, the most frequent first, a thousand at most
    # the classes, in the splits that a training with default settings uses; in those of the folder where it cannot be
    # split
    classes: tuple[ClassCount, ...] = ()
    split: SplitInfo | None = None  # how a training with default settings splits the images; null where it cannot
    duplicates: DuplicateReport | None = None  # related images; null where they could not be searched


@dataclass(frozen=True, eq=False)
class Inspection:
    """A report, and the images that it is of."""

    report: DatasetReport
    data: Dataset | None = None  # the images as training loads them; None where they have no supported layout
    folder: Path | None = None  # where images without a supported layout are; their names are relative to it


def inspect_dataset(
    path: Path,
    *,
    size: str | None = None,
    grouping: Grouping | None = None,
    class_map: ClassMap | None = None,
    reporter: Reporter | None = None,
) -> Inspection:
    """Inspect an image folder: load and split it as training does.

    All files that cannot be read are reported; the other checks ignore them.

    Args:
        path: a folder, a CSV of files and labels, or COCO JSON.
        size: size to which images are resized, as for `load_folder`.
        grouping: which images belong together.
        class_map: how its classes are renamed, merged, ignored and painted.
        reporter: reports progress.

    Returns:
        The report and the images. Of a folder that has no supported layout: the reason, and its related images.

    Raises:
        SeamlineError: there is no such folder, or it has no supported layout and contains fewer than two images.
        ClassMapError: the class map does not fit the folder.
    """
    reporter, grouping = reporter or Reporter(quiet=True), grouping or Grouping()
    try:
        contents = detect_format(path, inner_groups=grouping.by is not None, class_map=class_map)
    except SeamlineError as error:
        return _inspect_unlabeled(path, error, reporter)
    with reporter.counting("reading images") as progress:
        loaded, contents, unreadable, errors = _load_readable(path, contents, size, progress)
    headers = list(filter(None, map_threads(read_header, [sample.file for sample in contents.samples])))
    if loaded is None:
        report = DatasetReport(source=str(path), usable=False, warnings=contents.warnings, unused=contents.unused)
        facts = _file_facts(contents, headers)
    else:
        report = inspect_data(loaded.data, grouping=grouping, reporter=reporter).report
        facts = _file_facts(contents, headers) | _data_facts(loaded)
    errors += report.errors
    report = structs.replace(
        report,
        source=str(path),
        usable=not errors,
        errors=tuple(errors),
        unreadable=tuple(unreadable),
        facts=facts | {name: fact for name, fact in report.facts.items() if name not in facts},
        sizes=tuple(
            SizeCount(width=width, height=height, images=images)
            for (height, width), images in Counter(one.size for one in headers).most_common(MAX_LISTED_SIZES)
        ),
    )
    return Inspection(report, None if loaded is None else loaded.data)


def inspect_data(data: Dataset, *, grouping: Grouping | None = None, reporter: Reporter | None = None) -> Inspection:
    """Inspect a dataset: split it as training does; see `inspect_dataset`."""
    reporter = reporter or Reporter(quiet=True)
    duplicates: DuplicateReport | None = None
    planned, split, errors = data, None, []
    if sum(map(len, data.splits)) > 1:
        with reporter.counting("searching for near-duplicates") as progress:
            duplicates = find_dataset_duplicates(data, progress)
    try:
        grouped = detect_groups(data, Reporter(quiet=True), grouping)
        splits = split_data(grouped)
        planned, split = replace(grouped, train=splits.train, val=splits.val), splits.metadata
    except SeamlineError as error:
        errors.append(str(error))
    facts = {
        "images": _list_splits({name: len(one) for name, one in data.splits_by_name.items()}),
        **({} if split is None else {"split": _describe_split(planned, split)}),
        **({} if duplicates is None else {"near-duplicates": duplicates.summary("; ")}),
    }
    report = DatasetReport(
        source=data.source,
        usable=not errors,
        errors=tuple(errors),
        warnings=(
            *(() if split is None else grouping_warnings(split)),
            *dataset_warnings(data if split is None else grouped),
            *_leak_warnings(duplicates, split),
        ),
        unused=data.unused,
        task=data.task,
        facts=facts,
        classes=_class_counts(planned),
        split=split,
        duplicates=duplicates,
    )
    return Inspection(report, data)


def _inspect_unlabeled(path: Path, error: SeamlineError, reporter: Reporter) -> Inspection:
    """Report why a folder cannot be trained on, and its related images; raise the error where there are none."""
    if not path.is_dir():
        raise error
    reporter.say(f"{error}; searching for near-duplicates only")
    with reporter.counting("searching for near-duplicates") as progress:
        try:
            duplicates = find_folder_duplicates(path, progress)
        except SeamlineError:
            raise error from None
    facts = {"near-duplicates": duplicates.summary("; ")}
    report = DatasetReport(source=str(path), usable=False, errors=(str(error),), facts=facts, duplicates=duplicates)
    return Inspection(report, folder=path)


def _class_counts(data: Dataset) -> tuple[ClassCount, ...]:
    """Return how often each class occurs in each split."""
    counts = data.class_counts
    return tuple(
        ClassCount(name=name, **{split: int(counts[split][i]) if split in counts else 0 for split in SPLIT_NAMES})
        for i, name in enumerate(data.classes)
    )


def _describe_split(data: Dataset, split: SplitInfo) -> str:
    """Describe the splits of a training."""
    if split.grouping.blocks is not None:
        how = ORDERS[split.grouping.blocks]
    elif split.grouping.by:
        how = f"groups of --groups {split.grouping.by} are kept together"
    else:
        how = "near-duplicates are kept together" if split.grouping.near_duplicates else "at random"
    sizes = _list_splits({name: len(one) for name, one in data.splits_by_name.items()})
    return f"{sizes}; {how}" + ("" if len(data.test) else f"; {no_test_reason(split)}")


def _list_splits(sizes: dict[str, int]) -> str:
    """List the images of each split, such as `13: 12 train, 1 test`; only the sum of a single one."""
    listed = ", ".join(f"{sizes[name]:,} {name}" for name in SPLIT_NAMES if sizes.get(name))
    return f"{sum(sizes.values()):,}" + (f": {listed}" if len(sizes) > 1 else "")


def _load_readable(
    path: Path, contents: FolderContents, size: str | None, progress: Progress | None
) -> tuple[LoadedFolder | None, FolderContents, list[str], list[str]]:
    """Load the files that can be read; also return them, a message for each of the others, and errors."""
    try:
        return load_contents(path, contents, size=size, pretrained=True, progress=progress), contents, [], []
    except SeamlineError as error:
        messages = map_threads(_read_error, contents.samples)
        unreadable = list(filter(None, messages))
        if not unreadable:
            return None, contents, [], [str(error)]
    files, them = ("1 file", "it") if len(unreadable) == 1 else (f"{len(unreadable):,} files", "them")
    errors = [f"{files} cannot be read; replace or remove {them}"]
    readable = [sample for sample, message in zip(contents.samples, messages, strict=True) if not message]
    contents = replace(contents, samples=readable)
    loaded = None
    if readable:
        try:
            loaded = load_contents(path, contents, size=size, pretrained=True, progress=progress)
        except SeamlineError as error:
            errors.append(str(error))
    return loaded, contents, unreadable, errors


def _read_error(sample: Sample) -> str:
    """Return why an image or its mask cannot be read, or an empty string."""
    try:
        read_image(sample.file)
        for file in sample.files[1:]:
            mask_values(file)
    except SeamlineError as error:
        return str(error)
    return ""


def _file_facts(contents: FolderContents, headers: Sequence[ImageHeader]) -> dict[str, str]:
    """Return facts about the files of a folder."""
    kinds = Counter(header.kind for header in headers)
    return {
        "layout": contents.layout,
        "images": _list_splits(Counter(sample.split or "train" for sample in contents.samples)),
        "sizes": _list_sizes(Counter(header.size for header in headers)),
        "formats": list_first([f"{kind} ({count:,})" for kind, count in kinds.most_common()]),
    }


def _data_facts(loaded: LoadedFolder) -> dict[str, str]:
    """Return facts about decoded images and masks."""
    facts = {
        "resized to": loaded.size.reason,
        "channels": "gray" if loaded.data.train.images.shape[-1] == 1 else "RGB",
    }
    classes = loaded.classes
    if classes.mask_values:
        values = list_values(classes.mask_values, by_color=classes.by_color)
        listed = ", ".join(f"{value} {name}" for value, name in zip(values, classes.names, strict=True))
        others = list_values(classes.ignored, by_color=classes.by_color)
        facts["mask values"] = listed + (f"; ignored: {', '.join(others)}" if classes.ignored else "")
    return facts


def _list_sizes(sizes: Counter[tuple[int, int]]) -> str:
    """List sizes (height, width) of images as width x height."""
    if not sizes:
        return "none can be read"
    if len(sizes) <= _MAX_SIZES:
        return ", ".join(f"{width} x {height} ({count:,})" for (height, width), count in sizes.most_common())
    heights, widths = zip(*sizes, strict=True)
    (height, width), count = sizes.most_common(1)[0]
    return (
        f"{len(sizes):,} different sizes, {min(widths)} to {max(widths)} wide, {min(heights)} to {max(heights)} high; "
        f"most often {width} x {height} ({count:,})"
    )


def _leak_warnings(duplicates: DuplicateReport | None, split: SplitInfo | None) -> list[str]:
    """Warn of near-duplicates in different splits, unless another warning says so."""
    if duplicates is None or not duplicates.leaks:
        return []
    if split is not None and (split.grouping.blocks is not None or not split.grouping.near_duplicates):
        return []
    first, second = duplicates.leaks[0]
    return [
        f"{duplicates.leak_count:,} pairs of related images are in different splits, such as {first} and {second}; "
        "training images related to held-out images are excluded from training"
    ]
